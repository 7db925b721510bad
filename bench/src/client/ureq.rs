//! ureq, which blocks: one agent, and a thread for each task.
//!
//! Its users set how many idle sockets are kept: as many as there are to be. It has no limit of open sockets,
//! so a [`BlockingGate`] stands before it. No proxy, no redirects; of its two kinds of cryptography the one
//! that the others have, which its users choose by a setting.

use std::io::Read;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::blocking::{BlockingClient, drive};
use super::gate::BlockingGate;
use super::{Failure, Request, tls};
use crate::job::{Job, Outcome};

#[derive(Clone)]
struct Ureq {
    agent: Agent,
    request: Request,
    gate: BlockingGate,
    buffer: Vec<u8>,
}

pub(super) fn run(job: &Job) -> Result<Outcome, Failure> {
    let mut builder = Agent::config_builder()
        .max_idle_connections(job.sockets)
        .max_idle_connections_per_host(job.sockets)
        .no_delay(true)
        .proxy(None)
        .max_redirects(0);
    if let Some(pem) = tls::authority(job)? {
        let roots = RootCerts::new_with_certs(&[Certificate::from_pem(&pem)?]);
        let cryptography = Arc::new(aws_lc_rs::default_provider());
        let tls = TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(cryptography);
        builder = builder.tls_config(tls.build());
    }
    let (agent, request, gate) = (builder.build().new_agent(), Request::of(job)?, BlockingGate::of(job));
    drive(job, &Ureq { agent, request, gate, buffer: vec![0; READ] })
}

impl BlockingClient for Ureq {
    fn exchange(&mut self) -> Result<u64, Failure> {
        let Self { agent, request, gate, buffer } = self;
        gate.within(|| {
            let mut response = match &request.upload {
                none if none.is_empty() => agent.run(request.build(|_| ()))?,
                upload => agent.run(request.build(|_| &upload[..]))?,
            };
            request.expect_ok(&response)?;
            let mut body = response.body_mut().as_reader();
            let mut count = 0;
            loop {
                match body.read(buffer)? {
                    0 => return Ok(count),
                    read => count += read as u64,
                }
            }
        })
    }
}

/// As much as the others read at once.
const READ: usize = 64 * 1024;

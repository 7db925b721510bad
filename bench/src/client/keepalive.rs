//! The library that this is about.
//!
//! Its users set the number of sockets, the protocol and whom to trust; its limits of time stay as they are.

use bytes::Bytes;
use http_body_util::Full;
use keepalive::{Agent, Protocol, Tls};

use super::driver::{Client, drive};
use super::{Failure, Request, read, tls};
use crate::job::{Job, Outcome};

struct Keepalive {
    agent: Agent,
    request: Request,
}

pub(super) fn run(job: &Job) -> Result<Outcome, Failure> {
    let request = Request::of(job)?;
    let authority = tls::authority(job)?;
    let mut builder = Agent::builder()
        .max_sockets(job.sockets)
        .max_total_sockets(None)
        .max_free_sockets(job.sockets)
        .max_streams_per_socket(job.tasks)
        .protocol(match (job.http2, &authority) {
            (false, _) => Protocol::Http1,
            (true, Some(_)) => Protocol::Http2,
            (true, None) => Protocol::Http2PriorKnowledge,
        });
    if let Some(pem) = authority {
        builder = builder.tls(Tls::builder().builtin_roots(false).add_root_pem(pem).build()?);
    }
    if job.idle.is_some() {
        // The others have none either, and thousands of handshakes at once take longer than one may.
        builder = builder.queue_timeout(None).connect_timeout(None).tls_timeout(None);
    }
    let agent = builder.build()?;
    drive(job, async || Ok(Keepalive { agent: agent.clone(), request: request.clone() }))
}

impl Client for Keepalive {
    async fn exchange(&mut self) -> Result<u64, Failure> {
        let response = self.agent.request(self.request.build(Full::<Bytes>::new)).await?;
        self.request.expect_ok(&response)?;
        read(response.into_body()).await
    }
}

//! The library that this is about.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use keepalive::Agent;

use super::driver::{Client, drive};
use super::{Failure, Request, expect_ok};
use crate::job::{Job, Outcome};

struct Keepalive {
    agent: Agent,
    request: Request,
}

pub(super) fn run(job: &Job) -> Result<Outcome, Failure> {
    let request = Request::of(job)?;
    let builder = Agent::builder().max_sockets(job.sockets).max_total_sockets(None);
    let agent = builder.max_free_sockets(job.sockets).build()?;
    drive(job, async || Ok(Keepalive { agent: agent.clone(), request: request.clone() }))
}

impl Client for Keepalive {
    async fn exchange(&mut self) -> Result<u64, Failure> {
        let response = self.agent.request(self.request.build(Full::<Bytes>::new)).await?;
        expect_ok(response.status())?;
        let mut body = response.into_body();
        let mut count = 0;
        while let Some(frame) = body.frame().await {
            count += frame?.data_ref().map_or(0, |data| data.len() as u64);
        }
        Ok(count)
    }
}

//! hyper-util's pooling client, which reqwest is built on. It has no limit of open sockets.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::driver::{Client, drive};
use super::{Failure, Request, expect_ok};
use crate::job::{Job, Outcome};

struct HyperUtil {
    pool: Pool<HttpConnector, Full<Bytes>>,
    request: Request,
}

pub(super) fn run(job: &Job) -> Result<Outcome, Failure> {
    let request = Request::of(job)?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let pool = Pool::builder(TokioExecutor::new())
        .pool_max_idle_per_host(job.sockets)
        .http2_only(job.http2)
        .build(connector);
    drive(job, async || Ok(HyperUtil { pool: pool.clone(), request: request.clone() }))
}

impl Client for HyperUtil {
    async fn exchange(&mut self) -> Result<u64, Failure> {
        let response = self.pool.request(self.request.build(Full::new)).await?;
        expect_ok(response.status())?;
        let mut body = response.into_body();
        let mut count = 0;
        while let Some(frame) = body.frame().await {
            count += frame?.data_ref().map_or(0, |data| data.len() as u64);
        }
        Ok(count)
    }
}

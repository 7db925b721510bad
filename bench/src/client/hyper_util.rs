//! hyper-util's pooling client, which reqwest is built on.
//!
//! Its users set up an `HttpConnector`, hyper-rustls around it where there is TLS, and how many idle sockets
//! are kept: as many as there are to be. It has no limit of open sockets, so a [`Gate`] stands before it.

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::TokioExecutor;

use super::driver::{Client, drive};
use super::gate::Gate;
use super::{Failure, Request, read, tls};
use crate::job::{Job, Outcome};

struct HyperUtil<C> {
    pool: Pool<C, Full<Bytes>>,
    request: Request,
    gate: Gate,
}

pub(super) fn run(job: &Job) -> Result<Outcome, Failure> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let Some(config) = tls::config(job)? else { return with(connector, job) };
    connector.enforce_http(false);
    let builder = HttpsConnectorBuilder::new().with_tls_config(config).https_only();
    if job.http2 {
        with(builder.enable_http2().wrap_connector(connector), job)
    } else {
        with(builder.enable_http1().wrap_connector(connector), job)
    }
}

fn with<C>(connector: C, job: &Job) -> Result<Outcome, Failure>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let (request, gate) = (Request::of(job)?, Gate::of(job));
    let pool = Pool::builder(TokioExecutor::new())
        .pool_max_idle_per_host(job.sockets)
        .http2_only(job.http2)
        .build(connector);
    drive(job, async || Ok(HyperUtil { pool: pool.clone(), request: request.clone(), gate: gate.clone() }))
}

impl<C: Connect + Clone + Send + Sync + 'static> Client for HyperUtil<C> {
    async fn exchange(&mut self) -> Result<u64, Failure> {
        let _permit = self.gate.enter().await?;
        let response = self.pool.request(self.request.build(Full::new)).await?;
        self.request.expect_ok(&response)?;
        read(response.into_body()).await
    }
}

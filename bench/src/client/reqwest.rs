//! reqwest, with rustls and HTTP/2 and without what it could do beside: no proxy, no redirects.
//!
//! Its users set how many idle sockets are kept: as many as there are to be. It has no limit of open
//! sockets, so a [`Gate`] stands before it.

use reqwest::redirect::Policy;
use reqwest::{Certificate, Url};

use super::driver::{Client, drive};
use super::gate::Gate;
use super::{Failure, Request, tls};
use crate::job::{Job, Outcome};

struct Reqwest {
    client: reqwest::Client,
    url: Url,
    request: Request,
    gate: Gate,
}

pub(super) fn run(job: &Job) -> Result<Outcome, Failure> {
    let mut builder = reqwest::Client::builder()
        .pool_max_idle_per_host(job.sockets)
        .tcp_nodelay(true)
        .user_agent("bench")
        .no_proxy()
        .redirect(Policy::none());
    if let Some(pem) = tls::authority(job)? {
        builder = builder.tls_certs_only([Certificate::from_pem(&pem)?]);
    }
    builder = if job.http2 { builder.http2_prior_knowledge() } else { builder.http1_only() };
    let client = builder.build()?;
    let (url, request, gate) = (Url::parse(&job.url)?, Request::of(job)?, Gate::of(job));
    drive(job, async || {
        let (client, url) = (client.clone(), url.clone());
        Ok(Reqwest { client, url, request: request.clone(), gate: gate.clone() })
    })
}

impl Client for Reqwest {
    async fn exchange(&mut self) -> Result<u64, Failure> {
        let Request { method, upload, .. } = &self.request;
        let mut request = self.client.request(method.clone(), self.url.clone());
        if !upload.is_empty() {
            request = request.body(upload.clone());
        }
        let _permit = self.gate.enter().await?;
        let mut response = request.send().await?;
        self.request.expect(response.status(), response.version())?;
        let mut count = 0;
        while let Some(chunk) = response.chunk().await? {
            count += chunk.len() as u64;
        }
        Ok(count)
    }
}

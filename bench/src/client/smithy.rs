//! The pool of aws-smithy-http-client, under the AWS SDK for Rust. What the SDK does above it, which costs
//! more, is not measured: requests go to the connector that the SDK would ask for.
//!
//! Its users set the limit of open sockets; it has one, and a queue. No limits of time. Over TLS it offers
//! both protocols and takes what the server chooses, so it has no row for HTTP/2.

use aws_smithy_http_client::pool::{Client as PoolClient, ConnectionPool};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_types::body::SdkBody;

use super::driver::{Client, drive};
use super::{Failure, Request, read, tls};
use crate::job::{Job, Outcome};

struct Smithy {
    connector: SharedHttpConnector,
    request: Request,
}

pub(super) fn run(job: &Job) -> Result<Outcome, Failure> {
    let request = Request::of(job)?;
    let builder = ConnectionPool::builder().tcp_nodelay(true).max_connections_per_host(job.sockets);
    let pool = match tls::authority(job)? {
        None => builder.build_http()?,
        Some(pem) => {
            let trusted = TrustStore::empty().with_pem_certificate(pem);
            let context = TlsContext::builder().with_trust_store(trusted).build()?;
            builder.tls_provider(Provider::rustls(CryptoMode::AwsLc)).tls_context(context).build_https()?
        }
    };
    // Of the SDK's parts, which only it can name, the connector uses the clock and the timer, and these two
    // only for limits of time. The rest is never called.
    let parts = RuntimeComponentsBuilder::for_tests().build()?;
    let connector = PoolClient::new(&pool)?.http_connector(&HttpConnectorSettings::default(), &parts);
    drive(job, async || Ok(Smithy { connector: connector.clone(), request: request.clone() }))
}

impl Client for Smithy {
    async fn exchange(&mut self) -> Result<u64, Failure> {
        let body =
            |upload: bytes::Bytes| if upload.is_empty() { SdkBody::empty() } else { SdkBody::from(upload) };
        let request = HttpRequest::try_from(self.request.build(body))?;
        let response = self.connector.call(request).await?;
        if response.status().as_u16() != 200 {
            return Err(format!("status {}", response.status().as_u16()).into());
        }
        read(response.into_body()).await
    }
}

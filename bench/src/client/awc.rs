//! awc, actix's client: one on each thread, for neither it nor its futures leave it.
//!
//! Its users set the limit of open sockets, here each thread's share of them, and rustls where there is TLS.
//! No redirects, and no limit of time, for most of the others have none. Its requests are the only ones that
//! are not quite the same: it adds `date`, and `content-length: 0` to a GET, and nothing stops it. HTTP/2 it
//! speaks over TLS alone, so it has no rows there.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use awc::Connector;
use awc::http::{Method, Uri, Version};
use bytes::Bytes;
use futures_core::Stream;

use super::local::{LocalClient, drive};
use super::{Failure, tls};
use crate::job::{Job, Outcome};

struct Awc {
    client: awc::Client,
    method: Method,
    uri: Uri,
    upload: Bytes,
}

pub(super) fn run(job: &Job) -> Result<Outcome, Failure> {
    drive::<Awc>(job)
}

impl LocalClient for Awc {
    fn new(job: &Job, sockets: usize) -> Result<Self, Failure> {
        let mut connector = Connector::new().limit(sockets);
        if let Some(mut config) = tls::config(job)? {
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            connector = connector.rustls_0_23(Arc::new(config));
        }
        let client = awc::Client::builder()
            .connector(connector)
            .disable_redirects()
            .disable_timeout()
            .add_default_header(("user-agent", "bench"))
            .add_default_header(("accept", "*/*"))
            .finish();
        let (method, uri) = (job.method.parse::<Method>()?, job.url.parse::<Uri>()?);
        Ok(Self { client, method, uri, upload: Bytes::from(vec![b'x'; job.upload]) })
    }

    async fn exchange(&self) -> Result<u64, Failure> {
        let request = self.client.request(self.method.clone(), self.uri.clone()).no_decompress();
        let sent = match self.upload.is_empty() {
            true => request.send(),
            false => request.send_body(self.upload.clone()),
        };
        let mut response = sent.await.map_err(|error| error.to_string())?;
        if response.status() != 200 || response.version() != Version::HTTP_11 {
            return Err(format!("status {} over {:?}", response.status(), response.version()).into());
        }
        let mut count = 0;
        while let Some(chunk) = poll_fn(|context| Pin::new(&mut response).poll_next(context)).await {
            count += chunk.map_err(|error| error.to_string())?.len() as u64;
        }
        Ok(count)
    }
}

//! hyper's connection without a pool: one for each task, its driver spawned, as those do who write a pool of
//! their own. With HTTP/2 one connection that all tasks share.
//!
//! As they come: no settings. Its users write the path and `host` themselves.

use bytes::Bytes;
use http::{HeaderValue, Uri, header};
use http_body_util::Full;
use hyper::client::conn::{http1, http2};
use hyper::rt::{Read, Write};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::OnceCell;

use super::driver::{Client, drive};
use super::tls::Dialer;
use super::{Failure, Request, path, read};
use crate::job::{Job, Outcome};

pub(super) fn run(job: &Job) -> Result<Outcome, Failure> {
    let (mut request, dialer) = (Request::of(job)?, Dialer::of(job)?);
    if job.http2 {
        let shared = OnceCell::new();
        return drive(job, async || {
            let connect = || async {
                match job.ca {
                    Some(_) => over_http2(TokioIo::new(dialer.tls().await?)).await,
                    None => over_http2(TokioIo::new(dialer.plain().await?)).await,
                }
            };
            let sender = shared.get_or_try_init(connect).await?.clone();
            Ok(Http2 { sender, request: request.clone() })
        });
    }
    let host = HeaderValue::from_str(request.uri.authority().ok_or("no host")?.as_str())?;
    request.uri = path(&request.uri).parse::<Uri>()?;
    drive(job, async || {
        let sender = match job.ca {
            Some(_) => over_http1(TokioIo::new(dialer.tls().await?)).await?,
            None => over_http1(TokioIo::new(dialer.plain().await?)).await?,
        };
        Ok(Http1 { sender, request: request.clone(), host: host.clone() })
    })
}

async fn over_http1(
    io: impl Read + Write + Unpin + Send + 'static,
) -> Result<http1::SendRequest<Full<Bytes>>, Failure> {
    let (sender, connection) = http1::handshake(io).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn over_http2(
    io: impl Read + Write + Unpin + Send + 'static,
) -> Result<http2::SendRequest<Full<Bytes>>, Failure> {
    let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
    tokio::spawn(connection);
    Ok(sender)
}

struct Http1 {
    sender: http1::SendRequest<Full<Bytes>>,
    request: Request,
    host: HeaderValue,
}

impl Client for Http1 {
    async fn exchange(&mut self) -> Result<u64, Failure> {
        let mut request = self.request.build(Full::new);
        request.headers_mut().insert(header::HOST, self.host.clone());
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        self.request.expect_ok(&response)?;
        read(response.into_body()).await
    }
}

struct Http2 {
    sender: http2::SendRequest<Full<Bytes>>,
    request: Request,
}

impl Client for Http2 {
    async fn exchange(&mut self) -> Result<u64, Failure> {
        self.sender.ready().await?;
        let response = self.sender.send_request(self.request.build(Full::new)).await?;
        self.request.expect_ok(&response)?;
        read(response.into_body()).await
    }
}

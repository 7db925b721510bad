//! The limit of HTTP/2: the `h2` crate alone, one connection and a stream for each request. No client here
//! does without it.
//!
//! As it comes: no settings.

use std::future::poll_fn;

use bytes::Bytes;
use h2::client::{SendRequest, handshake};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OnceCell;

use super::driver::{Client, drive};
use super::tls::Dialer;
use super::{Failure, Request};
use crate::job::{Job, Outcome};

struct H2 {
    sender: SendRequest<Bytes>,
    request: Request,
}

pub(super) fn run(job: &Job) -> Result<Outcome, Failure> {
    let (request, dialer) = (Request::of(job)?, Dialer::of(job)?);
    let shared = OnceCell::new();
    drive(job, async || {
        let connect = || async {
            match job.ca {
                Some(_) => open(dialer.tls().await?).await,
                None => open(dialer.plain().await?).await,
            }
        };
        let sender = shared.get_or_try_init(connect).await?.clone();
        Ok(H2 { sender, request: request.clone() })
    })
}

async fn open(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<SendRequest<Bytes>, Failure> {
    let (sender, connection) = handshake(io).await?;
    tokio::spawn(connection);
    Ok(sender)
}

impl Client for H2 {
    async fn exchange(&mut self) -> Result<u64, Failure> {
        poll_fn(|context| self.sender.poll_ready(context)).await?;
        let mut upload = Bytes::new();
        let request = self.request.build(|bytes| upload = bytes);
        let (response, mut stream) = self.sender.send_request(request, upload.is_empty())?;
        if !upload.is_empty() {
            stream.send_data(upload, true)?;
        }
        let response = response.await?;
        self.request.expect_ok(&response)?;
        let mut body = response.into_body();
        let mut count = 0;
        while let Some(data) = body.data().await {
            let length = data?.len();
            body.flow_control().release_capacity(length)?;
            count += length as u64;
        }
        Ok(count)
    }
}

//! The limit: a socket for each task, fixed bytes out, so many bytes in, nothing parsed. What is above it is
//! the price of HTTP and of a pool. Over TLS the socket is tokio-rustls'.

use memchr::memmem;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::driver::{Client, drive};
use super::tls::Dialer;
use super::{Failure, path};
use crate::job::{Job, Outcome};

struct Raw<S> {
    stream: S,
    request: Vec<u8>,
    buffer: Vec<u8>,
    /// The length of a response and of its head, learned from the first.
    known: Option<(usize, usize)>,
}

pub(super) fn run(job: &Job) -> Result<Outcome, Failure> {
    let uri: http::Uri = job.url.parse()?;
    let authority = uri.authority().ok_or("no host")?.as_str();
    let length = if job.upload > 0 { format!("content-length: {}\r\n", job.upload) } else { String::new() };
    let mut request = format!(
        "{} {} HTTP/1.1\r\nhost: {authority}\r\nuser-agent: bench\r\naccept: */*\r\n{length}\r\n",
        job.method,
        path(&uri)
    )
    .into_bytes();
    request.resize(request.len() + job.upload, b'x');
    let dialer = Dialer::of(job)?;
    if job.ca.is_some() {
        drive(job, async || Ok(Raw::new(dialer.tls().await?, &request)))
    } else {
        drive(job, async || Ok(Raw::new(dialer.plain().await?, &request)))
    }
}

impl<S> Raw<S> {
    fn new(stream: S, request: &[u8]) -> Self {
        Self { stream, request: request.to_vec(), buffer: vec![0; READ], known: None }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Client for Raw<S> {
    async fn exchange(&mut self) -> Result<u64, Failure> {
        self.stream.write_all(&self.request).await?;
        self.stream.flush().await?;
        let mut count = 0;
        loop {
            if let Some((whole, head)) = self.known
                && count == whole
            {
                return Ok((whole - head) as u64);
            }
            let read = self.stream.read(&mut self.buffer).await?;
            if read == 0 {
                return Err("the server closed the connection".into());
            }
            if self.known.is_none() {
                self.known = Some(lengths(&self.buffer[..read])?);
            }
            count += read;
        }
    }
}

/// Of a response whose head came in one piece.
fn lengths(bytes: &[u8]) -> Result<(usize, usize), Failure> {
    let end = memmem::find(bytes, b"\r\n\r\n").ok_or("no whole head")? + 4;
    let head = std::str::from_utf8(&bytes[..end])?;
    if !head.starts_with("HTTP/1.1 200 ") {
        return Err(format!("not a 200: {head}").into());
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).ok_or("no length")?;
    Ok((end + length.parse::<usize>()?, end))
}

/// As much as the others read at once.
const READ: usize = 256 * 1024;

//! Reads requests off a stream: heads, bodies with a length, chunked bodies.
//!
//! Not lenient: lines end with CRLF, and what a correct client would not send ends the connection. Called by
//! the script player and the plain origin.
//!
//! Invariants: 1. bytes behind a request stay for the next one; 2. `tap` sees every byte once, as it comes.

use std::sync::Arc;

use crate::record::End;
use crate::request::{Framing, Request, field};
use crate::stream::Stream;

/// One read asks for this much: a small request fits, and a thousand idle connections stay cheap.
const CHUNK: usize = 4096;

/// Who sees every byte as it comes.
pub(crate) trait Tap: Send {
    fn bytes(&mut self, bytes: &[u8]);
}

/// Nobody.
impl Tap for () {
    fn bytes(&mut self, _bytes: &[u8]) {}
}

/// A stream with the bytes that were read ahead.
#[derive(Debug)]
pub(crate) struct Reader<T: Tap = ()> {
    stream: Arc<Stream>,
    buffer: Vec<u8>,
    /// What lies before it in `buffer` was handed out.
    start: usize,
    tap: T,
}

/// A body without its framing, and its trailer fields.
pub(crate) struct Content {
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<(String, String)>,
}

impl<T: Tap> Reader<T> {
    pub(crate) fn new(stream: Arc<Stream>, tap: T) -> Self {
        Self { stream, buffer: Vec::new(), start: 0, tap }
    }

    /// Reads a head; its body stays unread.
    pub(crate) async fn head(&mut self) -> Result<Request, End> {
        let head = self.until(b"\r\n\r\n").await?;
        Request::parse(&self.buffer[head.0..head.1]).map_err(End::BadRequest)
    }

    /// Reads a body.
    pub(crate) async fn body(&mut self, framing: Framing) -> Result<Content, End> {
        let mut content = Content { body: Vec::new(), trailers: Vec::new() };
        match framing {
            Framing::Length(length) => self.take(length, &mut content.body).await?,
            Framing::Chunked => {
                while self.chunk(&mut content.body).await? {}
                loop {
                    let line = self.line().await?;
                    if line.is_empty() {
                        break;
                    }
                    content.trailers.push(field(&line).map_err(End::BadRequest)?);
                }
            }
        }
        Ok(content)
    }

    /// Reads until the peer's end.
    pub(crate) async fn rest(&mut self) -> End {
        loop {
            self.start = self.buffer.len();
            if let Err(end) = self.fill().await {
                return end;
            }
        }
    }

    /// Reads one chunk; false after the last.
    async fn chunk(&mut self, body: &mut Vec<u8>) -> Result<bool, End> {
        let line = self.line().await?;
        let digits = line.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(digits, 16)
            .map_err(|_| End::BadRequest(format!("not a chunk size: {line:?}")))?;
        if size == 0 {
            return Ok(false);
        }
        self.take(size, body).await?;
        let end = self.line().await?;
        if end.is_empty() { Ok(true) } else { Err(End::BadRequest(format!("chunk goes on with {end:?}"))) }
    }

    /// Reads a line, without its CRLF.
    async fn line(&mut self) -> Result<String, End> {
        let (from, to) = self.until(b"\r\n").await?;
        Ok(String::from_utf8_lossy(&self.buffer[from..to - 2]).into_owned())
    }

    /// Moves exactly this many bytes to `into`.
    async fn take(&mut self, mut length: usize, into: &mut Vec<u8>) -> Result<(), End> {
        while length > 0 {
            if self.start == self.buffer.len() {
                self.fill().await?;
            }
            let some = length.min(self.buffer.len() - self.start);
            into.extend_from_slice(&self.buffer[self.start..self.start + some]);
            self.start += some;
            length -= some;
        }
        Ok(())
    }

    /// Reads up to and with this mark, and says where in the buffer that is.
    async fn until(&mut self, mark: &[u8]) -> Result<(usize, usize), End> {
        let mut searched = 0;
        loop {
            let seen = &self.buffer[self.start..];
            if let Some(at) = seen[searched..].windows(mark.len()).position(|bytes| bytes == mark) {
                let from = self.start;
                self.start += searched + at + mark.len();
                return Ok((from, self.start));
            }
            searched = seen.len().saturating_sub(mark.len() - 1);
            self.fill().await?;
        }
    }

    /// Reads once. What was handed out is dropped from the buffer, and `start` is 0 after it.
    async fn fill(&mut self) -> Result<(), End> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let old = self.buffer.len();
        self.buffer.resize(old + CHUNK, 0);
        let result = self.stream.read(&mut self.buffer[old..]).await;
        let read = *result.as_ref().unwrap_or(&0);
        self.buffer.truncate(old + read);
        self.tap.bytes(&self.buffer[old..]);
        match result {
            Ok(0) => Err(End::ClosedByPeer),
            Ok(_) => Ok(()),
            Err(_) => Err(End::ResetByPeer),
        }
    }
}

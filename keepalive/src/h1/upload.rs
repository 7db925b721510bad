//! A request on its way out: the head, then the body as fast as the socket takes it.
//!
//! Not here: what comes back meanwhile (`call`). It can begin again, see [`Upload::rewind`].

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;

#[cfg(feature = "http2")]
use super::Original;
use super::replay::Kept;
use super::{CHUNK_END, Framing, Payload, chunk_head, last_chunk};
use crate::error::BoxError;
use crate::io::Io;

/// A request, and how much of it is written.
pub(crate) struct Upload {
    /// Stays whole, for a second attempt. Empty until it is known to be sent in this form.
    head: BytesMut,
    head_written: usize,
    /// A chunk's size, or the last chunk: goes before the data.
    lead: BytesMut,
    /// What was pulled from the payload last.
    data: Bytes,
    /// What closes a chunk.
    tail: &'static [u8],
    payload: Payload,
    framing: Framing,
    /// How many bytes of the body were pulled.
    pulled: u64,
    /// Nothing is left to pull.
    ended: bool,
    /// It carries `Expect: 100-continue` and has a body.
    expects: bool,
    /// The body is held back until a 100 comes (RFC 9110 §10.1.1).
    held: bool,
    dirty: bool,
    /// What was pulled, while it is kept.
    kept: Option<Kept>,
}

/// A request's body apart from its head.
#[cfg(feature = "http2")]
pub(crate) struct Parts {
    pub(crate) payload: Payload,
    pub(crate) framing: Framing,
    /// The request carries `Expect: 100-continue` and has a body.
    pub(crate) expects: bool,
}

/// Why an upload stopped.
pub(crate) enum UploadError {
    /// The socket takes no more.
    Io(io::Error),
    /// The body's own error.
    Body(BoxError),
    /// The body is not as long as the head said.
    Length { said: u64, pulled: u64 },
}

impl Upload {
    /// `expects`: the request carries `Expect: 100-continue`.
    pub(crate) fn new(head: BytesMut, payload: Payload, framing: Framing, expects: bool) -> Self {
        let expects = expects && !matches!(framing, Framing::None | Framing::Length(0));
        Self {
            head,
            head_written: 0,
            lead: BytesMut::new(),
            data: Bytes::new(),
            tail: &[],
            payload,
            framing,
            pulled: 0,
            ended: matches!(framing, Framing::None),
            expects,
            held: expects,
            dirty: false,
            kept: None,
        }
    }

    /// The head is all there is.
    #[cfg(feature = "http2")]
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self.framing, Framing::None | Framing::Length(0))
    }

    /// Gives the head its HTTP/1.1 form, unless it has it.
    #[cfg(feature = "http2")]
    pub(super) fn form_head(&mut self, original: &Original) {
        if self.head.is_empty() {
            self.head = original.encode(self.framing);
        }
    }

    #[cfg(feature = "http2")]
    pub(crate) fn framing(&self) -> Framing {
        self.framing
    }

    /// Takes the body out, to be sent in another way.
    #[cfg(feature = "http2")]
    pub(crate) fn take_parts(&mut self) -> Parts {
        let payload = std::mem::replace(&mut self.payload, Payload::Empty);
        Parts { payload, framing: self.framing, expects: self.expects }
    }

    /// Puts the body back as it was.
    #[cfg(feature = "http2")]
    pub(crate) fn put_parts(&mut self, parts: Parts) {
        self.payload = parts.payload;
    }

    /// Keeps what is pulled from now on, as long as that is little.
    pub(super) fn keep(&mut self) {
        self.kept = Some(Kept::default());
    }

    /// Whether all that was pulled was kept.
    pub(super) fn is_replayable(&self) -> bool {
        self.kept.is_some()
    }

    /// The same request from its first byte on. What was pulled must have been kept.
    pub(super) fn rewind(self) -> Self {
        let payload = self.kept.unwrap_or_default().before(self.payload);
        Self::new(self.head, payload, self.framing, self.expects)
    }

    /// Lets the body go, if it was held back.
    pub(crate) fn release(&mut self) {
        self.held = false;
    }

    pub(crate) fn is_held(&self) -> bool {
        self.held
    }

    /// Whether nothing was written yet, or taken by the transport to be written.
    pub(super) fn is_untouched(&self) -> bool {
        self.head_written == 0
    }

    /// Writes on until all is written.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut Box<dyn Io>,
    ) -> Poll<Result<(), UploadError>> {
        let mut turns = 0..TURNS;
        loop {
            // Pull before writing, so that the head and a body at hand leave in one write.
            let starved = self.is_written_out_but_for_lead()
                && !self.ended
                && !self.held
                && self.pull(cx)?.is_pending();
            while self.has_bytes() {
                if turns.next().is_none() {
                    return again(cx);
                }
                ready!(self.poll_write(cx, io)).map_err(UploadError::Io)?;
            }
            if self.dirty {
                ready!(Pin::new(&mut *io).poll_flush(cx)).map_err(UploadError::Io)?;
                self.dirty = false;
            }
            if self.ended {
                return Poll::Ready(Ok(()));
            }
            if starved || self.held {
                return Poll::Pending;
            }
            if turns.next().is_none() {
                return again(cx);
            }
        }
    }

    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, UploadError> {
        let Poll::Ready(frame) = self.payload.poll_frame(cx) else {
            // With `content-length: 0` there is nothing to wait for.
            self.ended = self.has_all();
            return Ok(if self.ended { Poll::Ready(()) } else { Poll::Pending });
        };
        match frame.transpose().map_err(UploadError::Body)? {
            None => self.end(None)?,
            Some(frame) => match frame.into_data() {
                Ok(data) => self.take(data)?,
                Err(frame) => {
                    if let Ok(trailers) = frame.into_trailers() {
                        self.end(Some(&trailers))?;
                    }
                }
            },
        }
        if self.ended {
            // Not to be polled again, not by a second attempt either.
            self.payload = Payload::Empty;
        }
        if self.has_all() && !self.ended {
            self.look_beyond(cx)?;
        }
        Ok(Poll::Ready(()))
    }

    /// Everything that was announced is pulled: looks once whether there is more at hand, so that a body
    /// that is too long is found out before the server has a whole request.
    fn look_beyond(&mut self, cx: &mut Context<'_>) -> Result<(), UploadError> {
        self.ended = true;
        let frame = match self.payload.poll_frame(cx) {
            Poll::Pending => return Ok(()),
            Poll::Ready(None) => {
                self.payload = Payload::Empty;
                return Ok(());
            }
            Poll::Ready(Some(frame)) => frame,
        };
        match frame.map_err(UploadError::Body)?.into_data() {
            Ok(data) if !data.is_empty() => self.take(data),
            _ => Ok(()),
        }
    }

    fn take(&mut self, data: Bytes) -> Result<(), UploadError> {
        self.pulled += data.len() as u64;
        if self.kept.as_mut().is_some_and(|kept| !kept.data(&data)) {
            self.kept = None;
        }
        match self.framing {
            Framing::Chunked if data.is_empty() => {}
            Framing::Chunked => {
                chunk_head(data.len(), &mut self.lead);
                self.tail = CHUNK_END;
            }
            Framing::Length(said) if self.pulled > said => {
                return Err(UploadError::Length { said, pulled: self.pulled });
            }
            Framing::Length(_) | Framing::None => {}
        }
        self.data = data;
        Ok(())
    }

    fn end(&mut self, trailers: Option<&http::HeaderMap>) -> Result<(), UploadError> {
        if let (Some(kept), Some(trailers)) = (&mut self.kept, trailers) {
            kept.trailers(trailers);
        }
        match self.framing {
            Framing::Chunked => last_chunk(trailers, &mut self.lead),
            Framing::Length(said) if self.pulled < said => {
                return Err(UploadError::Length { said, pulled: self.pulled });
            }
            Framing::Length(_) | Framing::None => {}
        }
        self.ended = true;
        Ok(())
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, io: &mut Box<dyn Io>) -> Poll<io::Result<()>> {
        let io = Pin::new(io);
        let head = &self.head[self.head_written..];
        let count = if self.lead.is_empty() && self.is_written_out_but_for_lead() {
            ready!(io.poll_write(cx, head))?
        } else {
            let slices = [head, &self.lead, &self.data, self.tail].map(IoSlice::new);
            ready!(io.poll_write_vectored(cx, &slices))?
        };
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.dirty = true;
        self.advance(count);
        Poll::Ready(Ok(()))
    }

    /// The socket took so many bytes.
    fn advance(&mut self, mut count: usize) {
        let mut part = |len: usize| {
            let part = count.min(len);
            count -= part;
            part
        };
        self.head_written += part(self.head.len() - self.head_written);
        self.lead.advance(part(self.lead.len()));
        self.data.advance(part(self.data.len()));
        self.tail = &self.tail[part(self.tail.len())..];
    }

    /// Every byte that the head announces was pulled.
    fn has_all(&self) -> bool {
        matches!(self.framing, Framing::Length(said) if said == self.pulled)
    }

    fn is_written_out_but_for_lead(&self) -> bool {
        self.data.is_empty() && self.tail.is_empty()
    }

    fn has_bytes(&self) -> bool {
        let head_written = self.head_written == self.head.len();
        !(head_written && self.lead.is_empty() && self.is_written_out_but_for_lead())
    }
}

/// Asks to be polled again soon.
fn again<T>(cx: &Context<'_>) -> Poll<T> {
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// How many writes one poll makes. tokio lets a task do 128 operations in a row, and a body and a socket
/// that are always ready would take them all: no answer would be read and no time limit would fire.
const TURNS: u32 = 32;

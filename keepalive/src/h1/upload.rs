//! A request on its way out: the head, then the body as fast as the socket takes it.
//!
//! Not here: what comes back meanwhile (`call`).

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;

use super::{CHUNK_END, Framing, Payload, chunk_head, last_chunk};
use crate::error::BoxError;
use crate::io::Io;

/// The part of a request that is not written yet.
pub(super) struct Upload {
    /// The head, a chunk's size, or the last chunk: goes first.
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
    /// The body is held back until a 100 comes (RFC 9110 §10.1.1).
    held: bool,
    dirty: bool,
}

/// Why an upload stopped.
pub(super) enum UploadError {
    /// The socket takes no more.
    Io(io::Error),
    /// The body's own error.
    Body(BoxError),
    /// The body is not as long as the head said.
    Length { said: u64, pulled: u64 },
}

impl Upload {
    pub(super) fn new(head: BytesMut, payload: Payload, framing: Framing, held: bool) -> Self {
        let empty = matches!(framing, Framing::None | Framing::Length(0));
        let ended = matches!(framing, Framing::None);
        let (data, tail) = (Bytes::new(), &[][..]);
        Self {
            lead: head,
            data,
            tail,
            payload,
            framing,
            pulled: 0,
            ended,
            held: held && !empty,
            dirty: false,
        }
    }

    /// Lets the body go, if it was held back.
    pub(super) fn release(&mut self) {
        self.held = false;
    }

    pub(super) fn is_held(&self) -> bool {
        self.held
    }

    /// Writes on until all is written. `written` counts what the socket took.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut Box<dyn Io>,
        written: &mut u64,
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
                *written += ready!(self.poll_write(cx, io)).map_err(UploadError::Io)? as u64;
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
        if self.has_all() && !self.ended {
            self.look_beyond(cx)?;
        }
        Ok(Poll::Ready(()))
    }

    /// Everything that was announced is pulled: looks once whether there is more at hand, so that a body
    /// that is too long is found out before the server has a whole request.
    fn look_beyond(&mut self, cx: &mut Context<'_>) -> Result<(), UploadError> {
        self.ended = true;
        let Poll::Ready(Some(frame)) = self.payload.poll_frame(cx) else { return Ok(()) };
        match frame.map_err(UploadError::Body)?.into_data() {
            Ok(data) if !data.is_empty() => self.take(data),
            _ => Ok(()),
        }
    }

    fn take(&mut self, data: Bytes) -> Result<(), UploadError> {
        self.pulled += data.len() as u64;
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

    fn poll_write(&mut self, cx: &mut Context<'_>, io: &mut Box<dyn Io>) -> Poll<io::Result<usize>> {
        let io = Pin::new(io);
        let slices = [IoSlice::new(&self.lead), IoSlice::new(&self.data), IoSlice::new(self.tail)];
        let count = if self.data.is_empty() && self.tail.is_empty() {
            ready!(io.poll_write(cx, &self.lead))?
        } else {
            ready!(io.poll_write_vectored(cx, &slices))?
        };
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.dirty = true;
        let lead = count.min(self.lead.len());
        self.lead.advance(lead);
        let data = (count - lead).min(self.data.len());
        self.data.advance(data);
        self.tail = &self.tail[count - lead - data..];
        Poll::Ready(Ok(count))
    }

    /// Every byte that the head announces was pulled.
    fn has_all(&self) -> bool {
        matches!(self.framing, Framing::Length(said) if said == self.pulled)
    }

    fn is_written_out_but_for_lead(&self) -> bool {
        self.data.is_empty() && self.tail.is_empty()
    }

    fn has_bytes(&self) -> bool {
        !(self.lead.is_empty() && self.is_written_out_but_for_lead())
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

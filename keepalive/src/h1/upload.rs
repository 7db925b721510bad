//! A request on its way out: the head, then the body as fast as the socket takes it.
//!
//! Not here: how the body is pulled and framed (`supply`), what comes back meanwhile (`call`). It can begin
//! again, see [`Upload::rewind`].

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::AsyncWrite;

#[cfg(feature = "http2")]
use super::Original;
use super::supply::Supply;
use super::{Framing, Payload};
use crate::error::BoxError;
use crate::io::Io;

/// A request, and how much of it is written.
pub(crate) struct Upload {
    /// Stays whole, for a second attempt. Empty until it is known to be sent in this form.
    head: BytesMut,
    head_written: usize,
    framing: Framing,
    /// In a box, as most requests have none and each is moved about before it is sent.
    body: Option<Box<Supply>>,
    /// It carries `Expect: 100-continue` and has a body.
    expects: bool,
    /// The body is held back until a 100 comes (RFC 9110 §10.1.1).
    held: bool,
    dirty: bool,
    /// It may have to be written again.
    keeps: bool,
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
        // One that was said to be empty is looked at all the same.
        let (said, is_bare) = match framing {
            Framing::None | Framing::Length(0) => (Framing::Length(0), payload.is_empty()),
            Framing::Length(_) | Framing::Chunked => (framing, false),
        };
        let body = if is_bare { None } else { Some(Box::new(Supply::new(payload, said))) };
        Self { head, head_written: 0, framing, body, expects, held: expects, dirty: false, keeps: false }
    }

    /// The head is all there is. Not so if a `content-length: 0` of the user's has still to be found true.
    #[cfg(feature = "http2")]
    pub(crate) fn is_empty(&self) -> bool {
        self.body.is_none()
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
        let (payload, framing) = match &mut self.body {
            Some(body) => (std::mem::replace(body.payload(), Payload::Empty), body.framing()),
            None => (Payload::Empty, self.framing),
        };
        Parts { payload, framing, expects: self.expects }
    }

    /// Puts the body back as it was.
    #[cfg(feature = "http2")]
    pub(crate) fn put_parts(&mut self, parts: Parts) {
        if let Some(body) = &mut self.body {
            *body.payload() = parts.payload;
        }
    }

    /// Keeps what is pulled from now on, as long as that is little.
    pub(super) fn keep(&mut self) {
        self.keeps = true;
        self.body.iter_mut().for_each(|body| body.keep());
    }

    /// Whether all that was pulled was kept.
    pub(super) fn is_replayable(&self) -> bool {
        self.keeps && self.body.as_ref().is_none_or(|body| body.is_kept())
    }

    /// The same request from its first byte on. What was pulled must have been kept, or nothing written.
    pub(super) fn rewind(self) -> Self {
        let payload = self.body.map_or(Payload::Empty, |body| body.rewind());
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
            let starved = match &mut self.body {
                Some(body) if body.is_out_but_for_lead() && !body.has_ended() && !self.held => {
                    body.pull(cx)?.is_pending()
                }
                _ => false,
            };
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
            if self.body.as_ref().is_none_or(|body| body.has_ended()) {
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

    fn poll_write(&mut self, cx: &mut Context<'_>, io: &mut Box<dyn Io>) -> Poll<io::Result<()>> {
        let io = Pin::new(io);
        let head = &self.head[self.head_written..];
        let count = match &self.body {
            Some(body) if !body.is_out() => {
                let [lead, data, tail] = body.slices();
                ready!(io.poll_write_vectored(cx, &[IoSlice::new(head), lead, data, tail]))?
            }
            _ => ready!(io.poll_write(cx, head))?,
        };
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.dirty = true;
        let of_head = count.min(head.len());
        self.head_written += of_head;
        self.body.iter_mut().for_each(|body| body.advance(count - of_head));
        Poll::Ready(Ok(()))
    }

    fn has_bytes(&self) -> bool {
        self.head_written < self.head.len() || self.body.as_ref().is_some_and(|body| !body.is_out())
    }
}

/// Asks to be polled again soon.
pub(crate) fn again<T>(cx: &Context<'_>) -> Poll<T> {
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// How many writes one poll makes. tokio lets a task do 128 operations in a row, and a body and a socket
/// that are always ready would take them all: no answer would be read and no time limit would fire.
pub(crate) const TURNS: u32 = 32;

//! One request and its response on one leased socket: the codec with I/O around it.
//!
//! Not here: time limits and the choice of a socket (`exchange`). `exchange` drives it up to the
//! response head, then the response's `Body` owns it until the last byte.
//!
//! Invariants:
//! 1. The lease is given up exactly once: clean (`finish`), failed (`fail`), or by `Drop`.
//! 2. Writing and reading go on at the same time, so that an early response is seen.
//! 3. A socket of which nothing was used yet goes back as if it had not been taken.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use super::ahead::{Ahead, SMALL_BODY};
use super::scratch::{self, SCRATCH};
use super::upload::{Upload, UploadError};
use super::{BodyEvent, Head, HeadEvent, Loss, Outgoing, ProtocolError, ResponseDecoder, Terms};
use crate::error::{Evidence, Phase};
use crate::pool::{Lease, Outcome};
use crate::timer::Sleeper;
use crate::{CloseReason, Error, clock};

/// A request, and its response once it is under way.
pub(crate) struct Call {
    /// `None` before there is a socket, and once it is given up.
    pub(super) lease: Option<Lease>,
    /// The request. Once it is written, or cannot be any more, it is kept in case it is to be written
    /// again: `None` when a byte of the response has come by then.
    pub(super) upload: Option<Upload>,
    /// The request is not yet written, and can be.
    pub(super) is_writing: bool,
    /// Why the request could not be written to the end. The server may have answered all the same.
    pub(super) write_error: Option<io::Error>,
    pub(super) decoder: ResponseDecoder,
    pub(super) buf: BytesMut,
    read_size: u32,
    /// Its bytes are read into a buffer that the thread keeps; smaller ones serve nobody.
    is_large: bool,
    pub(super) eof: bool,
    /// That end came without TLS's goodbye: it may be anybody's.
    pub(super) cut: bool,
    /// The head is there.
    in_body: bool,
    /// Body events that were decoded before anybody asked.
    ahead: Ahead,
    evidence: Evidence,
    terms: Terms,
    /// How many bytes the socket had taken before this request.
    sent_before: u64,
    /// When the request was written.
    sent_at: Option<Instant>,
}

/// What came of the response head.
pub(crate) enum Answer {
    Response(Head),
    /// The socket is no HTTP connection any more; these bytes came behind the head. In a box, so that the
    /// usual answer is no larger.
    Switched(Head, Box<(Lease, Bytes)>),
    /// The connection ended before a byte of the response came; to be told by [`Call::fail`], unless
    /// [`Call::take_back`] gives the request another chance.
    Lost(Error, CloseReason),
}

impl Call {
    /// A request that has no socket yet.
    pub(crate) fn new(request: Outgoing) -> Self {
        let Outgoing { head, payload, framing, expects, terms } = request;
        Self::of(Some(Upload::new(head, payload, framing, expects)), terms)
    }

    fn of(upload: Option<Upload>, terms: Terms) -> Self {
        Self {
            lease: None,
            upload,
            is_writing: true,
            write_error: None,
            decoder: ResponseDecoder::new(terms.facts),
            buf: BytesMut::new(),
            read_size: SCRATCH as u32,
            is_large: false,
            eof: false,
            cut: false,
            in_body: false,
            ahead: Ahead::default(),
            evidence: Evidence::default(),
            terms,
            sent_before: 0,
            sent_at: None,
        }
    }

    /// The request has a socket now.
    pub(crate) fn begin(&mut self, mut lease: Lease) {
        let Terms { repeatable, retry, again, .. } = self.terms;
        let (reused, idle_for) = (lease.reused(), lease.idle_for());
        self.evidence = Evidence { reused, idle_for, written: 0, read: 0, repeatable };
        self.sent_before = lease.socket().io.sent();
        #[cfg(feature = "http2")]
        if let (Some(upload), Some(original)) = (&mut self.upload, &self.terms.original) {
            upload.form_head(original);
        }
        if retry && repeatable && !again && lease.was_parked() {
            self.upload.iter_mut().for_each(Upload::keep);
        }
        self.lease = Some(lease);
    }

    /// The request, for another way to send it.
    #[cfg(feature = "http2")]
    pub(crate) fn outgoing(&mut self) -> (&mut Upload, &mut Terms) {
        let Some(upload) = &mut self.upload else { unreachable!("it is here while there is no socket") };
        (upload, &mut self.terms)
    }

    /// What is known if it fails before it has a socket.
    pub(crate) fn evidence(&self) -> Evidence {
        let Terms { written_before, repeatable, .. } = self.terms;
        Evidence { written: written_before, repeatable, ..Evidence::default() }
    }

    /// Writes the request and reads up to the response's head.
    pub(crate) fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answer, Error>> {
        loop {
            self.poll_upload(cx)?;
            // Whatever the server may have said, it is no answer to this.
            let untouched = self.is_untouched();
            if let Some(error) = self.write_error.take_if(|_| untouched) {
                let (error, reason) = self.write_failed(error);
                return Poll::Ready(self.lost(error, reason));
            }
            let event = match self.buf.is_empty() {
                true => Ok(HeadEvent::NeedMore),
                false => self.decoder.head(&mut self.buf),
            };
            match event {
                Ok(HeadEvent::Response(head)) => {
                    self.in_body = true;
                    return Poll::Ready(Ok(Answer::Response(head)));
                }
                // RFC 9110 §7.8: the new protocol begins behind the whole request.
                Ok(HeadEvent::Switched(_)) if self.sent_at.is_none() => {
                    let text = "the server switched protocols before it had the whole request";
                    let error = Error::protocol(self.phase(), text);
                    return Poll::Ready(Err(self.fail(error, CloseReason::ProtocolError)));
                }
                Ok(HeadEvent::Switched(head)) => {
                    let rest = std::mem::take(&mut self.buf).freeze();
                    let Some(mut lease) = self.lease.take() else { continue };
                    lease.upgrade();
                    return Poll::Ready(Ok(Answer::Switched(head, Box::new((lease, rest)))));
                }
                Ok(HeadEvent::Continue) => self.release_body(),
                Ok(HeadEvent::Informational(_)) => {}
                Ok(HeadEvent::NeedMore) if self.eof => {
                    let error = self.decoder.head_eof(&self.buf);
                    let (error, reason) = match self.write_error.take() {
                        Some(error) => self.write_failed(error),
                        None => self.malformed(&error),
                    };
                    return Poll::Ready(self.lost(error, reason));
                }
                Ok(HeadEvent::NeedMore) => {
                    if let Err(error) = ready!(self.poll_fill(cx)) {
                        let (error, reason) = self.read_failed(error);
                        return Poll::Ready(self.lost(error, reason));
                    }
                }
                Err(error) => {
                    let (error, reason) = self.malformed(&error);
                    return Poll::Ready(Err(self.fail(error, reason)));
                }
            }
        }
    }

    /// Reads the body on, and writes the rest of the request on. After [`BodyEvent::End`] the socket is
    /// given up, and only `End` follows.
    pub(crate) fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<BodyEvent, Error>> {
        match self.ahead.next() {
            Some(event) => Poll::Ready(event),
            None => self.poll_rest(cx, None),
        }
    }

    fn poll_rest(&mut self, cx: &mut Context<'_>, now: Option<Instant>) -> Poll<Result<BodyEvent, Error>> {
        loop {
            if self.lease.is_none() {
                return Poll::Ready(Ok(BodyEvent::End));
            }
            self.poll_upload(cx)?;
            match self.decoder.body(&mut self.buf, self.eof) {
                Ok(BodyEvent::NeedMore) => {
                    if let Err(error) = ready!(self.poll_fill(cx)) {
                        let (error, reason) = self.read_failed(error);
                        return Poll::Ready(Err(self.fail(error, reason)));
                    }
                }
                Ok(BodyEvent::End) => {
                    return Poll::Ready(match self.doubt() {
                        Some((error, reason)) => Err(self.fail(error, reason)),
                        None => {
                            self.finish(now);
                            Ok(BodyEvent::End)
                        }
                    });
                }
                Ok(event) => {
                    self.give_buffer_back();
                    return Poll::Ready(Ok(event));
                }
                Err(error) => {
                    let (error, reason) = self.malformed(&error);
                    return Poll::Ready(Err(self.fail(error, reason)));
                }
            }
        }
    }

    /// Takes in a body that is small and already there, so that it does not hold the socket while
    /// nobody reads it. `Some` is the whole body; what is not whole is kept for [`poll_body`](Self::poll_body).
    /// It is `now`.
    pub(crate) fn take_small_body(&mut self, cx: &mut Context<'_>, now: Instant) -> Option<Bytes> {
        if let Some(rest) = self.decoder.body_remaining() {
            if rest > SMALL_BODY {
                return None;
            }
            // In one piece, or not yet.
            while (self.buf.len() as u64) < rest && !self.eof {
                match self.poll_fill(cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => {
                        let (error, reason) = self.read_failed(error);
                        let error = self.fail(error, reason);
                        self.ahead.push(Err(error));
                        return None;
                    }
                    Poll::Pending => return None,
                }
            }
            if !self.eof && !self.is_writing {
                let body = self.decoder.take_rest(&mut self.buf);
                self.finish(Some(now));
                return Some(body);
            }
        }
        match Ahead::take_small(|| self.poll_rest(cx, Some(now))) {
            Ok(body) => Some(body),
            Err(ahead) => {
                self.ahead = ahead;
                None
            }
        }
    }

    /// Sends the body although no 100 came.
    pub(crate) fn release_body(&mut self) {
        if let Some(upload) = self.upload.as_mut().filter(|_| self.is_writing) {
            upload.release();
        }
    }

    /// Whether the body is held back until a 100 comes.
    pub(crate) fn holds_body(&self) -> bool {
        self.is_writing && self.upload.as_ref().is_some_and(Upload::is_held)
    }

    /// How many bytes of the request the socket took.
    pub(crate) fn written(&self) -> u64 {
        self.evidence.written
    }

    /// When the request was written, or as much of it as ever will be.
    pub(crate) fn sent_at(&self) -> Option<Instant> {
        self.sent_at
    }

    /// `Send` until the request is written, then `Wait`.
    pub(crate) fn phase(&self) -> Phase {
        if self.sent_at.is_none() { Phase::Send } else { Phase::Wait }
    }

    pub(crate) fn size_hint(&self) -> http_body::SizeHint {
        self.ahead.add_to(self.decoder.size_hint())
    }

    pub(crate) fn is_end(&self) -> bool {
        self.lease.is_none() && self.ahead.is_empty()
    }

    pub(crate) fn lease(&mut self) -> Option<&mut Lease> {
        self.lease.as_mut()
    }

    /// For the limits of the request's time.
    pub(crate) fn sleeper(&mut self) -> Option<&mut Sleeper> {
        self.lease.as_mut().map(|lease| &mut lease.sleeper)
    }

    /// Gives the call up: the socket is closed and `error` gets the evidence.
    pub(crate) fn fail(&mut self, error: Error, reason: CloseReason) -> Error {
        let phase = error.phase();
        let destroyed = self.lease.as_ref().is_some_and(Lease::is_destroyed);
        let error = if destroyed { Error::destroyed(phase) } else { error };
        if let Some(lease) = self.lease.take() {
            lease.close(reason, Outcome::Failed);
        }
        let written = self.evidence.written + self.terms.written_before;
        error.with(Evidence { written, ..self.evidence })
    }

    /// What is known after [`Answer::Lost`] about writing the request again.
    pub(crate) fn loss(&self) -> Loss {
        let lease = self.lease.as_ref().filter(|lease| !lease.is_destroyed());
        Loss {
            parked: lease.is_some_and(Lease::was_parked),
            untouched: self.is_untouched(),
            repeatable: self.evidence.repeatable,
            replayable: self.upload.as_ref().is_some_and(Upload::is_replayable),
            retry: self.terms.retry,
            again: self.terms.again,
            unseen: false,
            may_move: false,
        }
    }

    /// After [`Answer::Lost`]: gives the socket, and makes the request what it was before it was written.
    pub(crate) fn take_back(&mut self) -> Lease {
        let untouched = self.is_untouched();
        let (Some(lease), Some(upload)) = (self.lease.take(), self.upload.take()) else {
            unreachable!("both are here until a byte of the response has come")
        };
        self.terms.written_before += self.evidence.written;
        let mut terms = std::mem::take(&mut self.terms);
        terms.again |= !untouched;
        *self = Self::of(Some(upload.rewind()), terms);
        lease
    }

    fn poll_upload(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if !self.is_writing {
            return Ok(());
        }
        let (Some(upload), Some(lease)) = (&mut self.upload, &mut self.lease) else { return Ok(()) };
        let io = &mut lease.socket().io;
        let outcome = upload.poll(cx, io);
        self.evidence.written = io.sent() - self.sent_before;
        let error = match outcome {
            Poll::Pending => return Ok(()),
            Poll::Ready(Ok(())) => {
                self.end_upload();
                self.sent_at = Some(clock::now().into_std());
                return Ok(());
            }
            Poll::Ready(Err(UploadError::Io(error))) => {
                // The server may have answered before it closed: read first, complain later.
                self.end_upload();
                self.write_error = Some(error);
                return Ok(());
            }
            Poll::Ready(Err(UploadError::Body(error))) => {
                Error::request("the request body failed").caused_by(error)
            }
            Poll::Ready(Err(UploadError::Length { said, pulled })) => {
                let how = if pulled < said { "ended at" } else { "has at least" };
                Error::request(format!("content-length says {said}, the request body {how} {pulled} bytes"))
            }
        };
        Err(self.fail(error.at(Phase::Send), CloseReason::RequestBodyFailed))
    }

    /// Both have to be asked: a transport may keep bytes back, and it may fail when the socket took some.
    fn is_untouched(&self) -> bool {
        self.evidence.written == 0 && self.upload.as_ref().is_some_and(Upload::is_untouched)
    }

    /// Nothing more is written. What was may have to be written again while nothing has come back.
    fn end_upload(&mut self) {
        self.is_writing = false;
        if self.evidence.read > 0 {
            self.upload = None;
        }
    }

    /// Reads once. `Ready` means that there is more, or the end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(lease) = &mut self.lease else { return Poll::Ready(Ok(())) };
        let io = &mut lease.socket().io;
        let is_first = self.buf.is_empty() && self.read_size == SCRATCH as u32;
        let (read, space) = if is_first {
            let read = scratch::with(|bytes| {
                let mut read = ReadBuf::new(bytes);
                let outcome = Pin::new(io).poll_read(cx, &mut read);
                if !read.filled().is_empty() {
                    self.buf = BytesMut::from(read.filled());
                }
                outcome.map_ok(|()| read.filled().len())
            });
            (read, SCRATCH)
        } else {
            if self.buf.is_empty() {
                self.buf = scratch::spare(self.read_size as usize);
            }
            self.is_large |= self.read_size > SCRATCH as u32;
            self.buf.reserve(self.read_size as usize);
            let space = self.buf.capacity() - self.buf.len();
            (pin!(io.read_buf(&mut self.buf)).poll(cx), space)
        };
        if read.is_pending() {
            self.give_buffer_back();
        }
        let count = match ready!(read) {
            // TLS says so. Where a length is known this is an end like that of a TCP connection.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.cut = true;
                0
            }
            read => read?,
        };
        self.evidence.read += count as u64;
        self.eof = count == 0;
        if !self.eof && !self.is_writing {
            self.upload = None;
        }
        if count == space {
            self.read_size = (self.read_size * 2).min(MAX_READ);
        }
        Poll::Ready(Ok(()))
    }

    /// The connection ended before the response head.
    fn lost(&mut self, error: Error, reason: CloseReason) -> Result<Answer, Error> {
        if self.evidence.read > 0 {
            return Err(self.fail(error, reason));
        }
        Ok(Answer::Lost(error, reason))
    }

    fn write_failed(&self, error: io::Error) -> (Error, CloseReason) {
        let text = "the connection broke while the request was being written";
        (Error::io(self.phase(), text, error), CloseReason::IoError)
    }

    pub(super) fn read_failed(&mut self, error: io::Error) -> (Error, CloseReason) {
        let phase = if self.in_body { Phase::Receive } else { self.phase() };
        #[cfg(feature = "tls")]
        if let Some(text) = crate::tls::explain_io(&error) {
            return (Error::io(phase, text, error), CloseReason::IoError);
        }
        let error = self.write_error.take().unwrap_or(error);
        (Error::io(phase, "the connection broke", error), CloseReason::IoError)
    }

    /// A buffer of the thread may serve another as soon as it is empty.
    pub(super) fn give_buffer_back(&mut self) {
        if self.is_large && self.buf.is_empty() {
            scratch::keep(std::mem::take(&mut self.buf));
        }
    }

    fn malformed(&self, error: &ProtocolError) -> (Error, CloseReason) {
        let phase = if self.in_body { Phase::Receive } else { self.phase() };
        let reason = if error.is_truncated() { CloseReason::Truncated } else { CloseReason::ProtocolError };
        (Error::protocol(phase, error.to_string()), reason)
    }
}

/// What is left of one that went elsewhere.
impl Default for Call {
    fn default() -> Self {
        Self::of(None, Terms::default())
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let untouched = self.is_untouched() && self.evidence.read == 0;
        if let Some(lease) = self.lease.take() {
            if untouched {
                lease.put_back();
            }
        }
    }
}

/// A reader that keeps filling its buffer gets one of this size at most: with larger ones the processor's cache
/// (1 MiB where it was tried) holds less of what is read, and a body costs a tenth more.
const MAX_READ: u32 = 128 * 1024;

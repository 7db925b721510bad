//! A request's body on its way out, as fast as the peer's windows take it.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::SendStream;
use http::HeaderMap;

use super::head::cleaned;
use crate::Error;
use crate::error::{BoxError, Phase};
use crate::h1::{Framing, Kept, Parts, Payload, TURNS, again};

pub(super) struct Sending {
    stream: SendStream<Bytes>,
    payload: Payload,
    framing: Framing,
    /// What was pulled last and is not sent yet.
    data: Bytes,
    trailers: Option<HeaderMap>,
    pulled: u64,
    /// Nothing is left to pull.
    ended: bool,
    /// All is sent.
    is_over: bool,
    expects: bool,
    /// The body is held back until a 100 comes (RFC 9110 §10.1.1).
    held: bool,
    /// What was pulled, while it is kept.
    kept: Option<Kept>,
    /// How many bytes the connection took.
    sent: u64,
}

/// Why a body is not sent to its end.
pub(super) enum Failure {
    /// The stream takes no more; the response says why.
    Stream,
    /// The body's own error.
    Body(BoxError),
    /// The body is not as long as the head said.
    Length { said: u64, pulled: u64 },
}

impl Failure {
    pub(super) fn explain(self) -> Error {
        match self {
            Self::Stream => Error::protocol(Phase::Send, "the server takes no more of the request"),
            Self::Body(error) => Error::request("the request body failed").caused_by(error).at(Phase::Send),
            Self::Length { said, pulled } => {
                let how = if pulled < said { "ended at" } else { "has at least" };
                let text = format!("content-length says {said}, the request body {how} {pulled} bytes");
                Error::request(text).at(Phase::Send)
            }
        }
    }

    /// The error, if it is the request's own.
    pub(super) fn of_the_body(self) -> Option<Error> {
        match self {
            Self::Stream => None,
            failure => Some(failure.explain()),
        }
    }
}

impl Sending {
    /// A body that is not empty.
    pub(super) fn new(stream: SendStream<Bytes>, parts: Parts) -> Self {
        let Parts { payload, framing, expects } = parts;
        Self {
            stream,
            payload,
            framing,
            data: Bytes::new(),
            trailers: None,
            pulled: 0,
            ended: false,
            is_over: false,
            expects,
            held: expects,
            kept: Some(Kept::default()),
            sent: 0,
        }
    }

    pub(super) fn release(&mut self) {
        self.held = false;
    }

    pub(super) fn is_held(&self) -> bool {
        self.held
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    pub(super) fn is_replayable(&self) -> bool {
        self.kept.is_some()
    }

    /// The body from its beginning, if what was pulled of it was kept.
    pub(super) fn into_parts(self) -> Parts {
        let payload = self.kept.unwrap_or_default().before(self.payload);
        Parts { payload, framing: self.framing, expects: self.expects }
    }

    /// Sends on until all is sent.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        let mut turns = 0..TURNS;
        loop {
            if self.is_over {
                return Poll::Ready(Ok(()));
            }
            if self.held {
                return Poll::Pending;
            }
            if turns.next().is_none() {
                return again(cx);
            }
            if self.data.is_empty() && !self.ended {
                ready!(self.pull(cx))?;
            }
            if !self.data.is_empty() {
                self.stream.reserve_capacity(self.data.len().min(PIECE));
                let mut capacity = self.stream.capacity();
                if capacity == 0 {
                    capacity = match ready!(self.stream.poll_capacity(cx)) {
                        Some(Ok(capacity)) => capacity,
                        _ => return Poll::Ready(Err(Failure::Stream)),
                    };
                }
                let piece = self.data.split_to(capacity.min(self.data.len()));
                self.sent += piece.len() as u64;
                let last = self.ended && self.data.is_empty() && self.trailers.is_none();
                self.stream.send_data(piece, last).map_err(|_| Failure::Stream)?;
                self.is_over = last;
            } else if self.ended {
                let sent = match self.trailers.take() {
                    Some(trailers) => self.stream.send_trailers(trailers),
                    None => self.stream.send_data(Bytes::new(), true),
                };
                sent.map_err(|_| Failure::Stream)?;
                self.is_over = true;
            }
        }
    }

    fn pull(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        let Poll::Ready(frame) = self.payload.poll_frame(cx) else {
            // With `content-length: 0` there is nothing to wait for.
            self.ended = matches!(self.framing, Framing::Length(said) if said == self.pulled);
            return if self.ended { Poll::Ready(Ok(())) } else { Poll::Pending };
        };
        match frame.transpose().map_err(Failure::Body)?.map(http_body::Frame::into_data) {
            None => self.end(None)?,
            Some(Ok(data)) => {
                self.pulled += data.len() as u64;
                if self.kept.as_mut().is_some_and(|kept| !kept.data(&data)) {
                    self.kept = None;
                }
                self.data = data;
                self.look_at_length(cx)?;
            }
            Some(Err(frame)) => {
                if let Ok(trailers) = frame.into_trailers() {
                    self.end(Some(trailers))?;
                }
            }
        }
        if self.ended {
            // Not to be polled again, not by a second attempt either.
            self.payload = Payload::Empty;
        }
        Poll::Ready(Ok(()))
    }

    /// All that was announced is pulled: looks once whether there is more at hand.
    fn look_at_length(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let Framing::Length(said) = self.framing else { return Ok(()) };
        if self.pulled > said {
            return Err(Failure::Length { said, pulled: self.pulled });
        }
        if self.pulled < said {
            return Ok(());
        }
        self.ended = true;
        let Poll::Ready(Some(frame)) = self.payload.poll_frame(cx) else { return Ok(()) };
        match frame.map_err(Failure::Body)?.into_data() {
            Ok(more) if !more.is_empty() => {
                Err(Failure::Length { said, pulled: self.pulled + more.len() as u64 })
            }
            Ok(_) => Ok(()),
            Err(frame) => frame.into_trailers().map_or(Ok(()), |trailers| self.end(Some(trailers))),
        }
    }

    fn end(&mut self, trailers: Option<HeaderMap>) -> Result<(), Failure> {
        if let Framing::Length(said) = self.framing {
            if self.pulled < said {
                return Err(Failure::Length { said, pulled: self.pulled });
            }
        }
        if let (Some(kept), Some(trailers)) = (&mut self.kept, &trailers) {
            kept.trailers(Box::new(trailers.clone()));
        }
        // h2 would refuse them all for one that is of the connection.
        self.trailers = trailers.map(cleaned).filter(|trailers| !trailers.is_empty());
        self.ended = true;
        Ok(())
    }
}

/// How much room is asked for at once. What a stream was given and does not use, as nobody polls it, is lost
/// to the others of its connection.
const PIECE: usize = 16 * 1024;

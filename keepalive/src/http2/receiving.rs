//! A response's body on its stream.

use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use h2::RecvStream;
use http::header::CONTENT_LENGTH;
use http_body::SizeHint;

use super::call::explain;
use super::sending::{Failure, Sending};
use crate::Error;
use crate::error::{Evidence, Phase};
use crate::h1::{Ahead, BodyEvent, Head};
use crate::pool::{Outcome, Stream};
use crate::timer::Sleeper;

/// The rest of a call. Dropping it resets the stream.
pub(crate) struct Receiving {
    /// `None` once it is given up.
    stream: Option<Box<Stream>>,
    body: RecvStream,
    /// A request that is still being sent after its response began.
    sending: Option<Box<Sending>>,
    /// Events that were taken before anybody asked.
    ahead: Ahead,
    next: Next,
    /// How many bytes have come, and how many there will be, if that is known.
    come: u64,
    length: Option<u64>,
    evidence: Evidence,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Data,
    /// All data has come.
    Trailers,
    End,
}

impl Receiving {
    pub(super) fn new(
        stream: Option<Box<Stream>>,
        body: RecvStream,
        sending: Option<Box<Sending>>,
        evidence: Evidence,
    ) -> Self {
        let (ahead, next) = (Ahead::default(), Next::Data);
        Self { stream, body, sending, ahead, next, come: 0, length: None, evidence }
    }

    /// For whoever reads it: how long it is, by the head of a response that `is_empty` may say how long a
    /// body would be.
    pub(crate) fn expect(&mut self, head: &Head, is_empty: bool) {
        let length = head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let is_over = is_empty || self.body.is_end_stream();
        self.length = if is_over { Some(self.come) } else { length };
    }

    pub(crate) fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<BodyEvent, Error>> {
        match self.ahead.next() {
            Some(event) => Poll::Ready(event),
            None => self.poll_rest(cx, None),
        }
    }

    /// Takes in a body that is small and already there, so that its stream is free at once. It is `now`; one
    /// `piece` was taken already, if there is one.
    pub(crate) fn take_small_body(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        mut piece: Option<Bytes>,
    ) -> Option<Bytes> {
        let next = || match piece.take() {
            Some(data) => {
                self.took(data.len());
                Poll::Ready(Ok(BodyEvent::Data(data)))
            }
            None => self.poll_rest(cx, Some(now)),
        };
        match Ahead::take_small(next) {
            Ok(body) => Some(body),
            Err(ahead) => {
                self.ahead = ahead;
                None
            }
        }
    }

    fn poll_rest(&mut self, cx: &mut Context<'_>, now: Option<Instant>) -> Poll<Result<BodyEvent, Error>> {
        if self.stream.is_none() {
            return Poll::Ready(Ok(BodyEvent::End));
        }
        if let Some(Err(failure)) = self.send_on(cx) {
            if let Some(error) = failure.of_the_body() {
                return Poll::Ready(Err(self.fail(error.at(Phase::Receive))));
            }
        }
        if self.next == Next::Data {
            match ready!(self.body.poll_data(cx)) {
                Some(Ok(data)) => {
                    self.took(data.len());
                    return Poll::Ready(Ok(BodyEvent::Data(data)));
                }
                Some(Err(error)) => return Poll::Ready(Err(self.broken(error))),
                None => self.next = Next::Trailers,
            }
        }
        if self.next == Next::Trailers {
            match ready!(self.body.poll_trailers(cx)) {
                Ok(Some(trailers)) => return Poll::Ready(Ok(BodyEvent::Trailers(Box::new(trailers)))),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Err(self.broken(error))),
            }
        }
        self.sending = None;
        if let Some(stream) = self.stream.take() {
            stream.finish(Outcome::Done, now);
        }
        Poll::Ready(Ok(BodyEvent::End))
    }

    /// Sends the request on, if it is not sent yet; says so if that has come to an end just now.
    fn send_on(&mut self, cx: &mut Context<'_>) -> Option<Result<(), Failure>> {
        let sending = self.sending.as_mut()?;
        let before = sending.sent();
        let sent = sending.poll(cx);
        self.evidence.written += sending.sent() - before;
        let Poll::Ready(sent) = sent else { return None };
        self.sending = None;
        Some(sent)
    }

    /// So many bytes are the reader's now.
    fn took(&mut self, count: usize) {
        self.come += count as u64;
        self.evidence.read += count as u64;
        if self.body.is_end_stream() {
            self.next = Next::End;
        } else {
            // As much may come again. Of a stream that is over the connection sees to it.
            let _ = self.body.flow_control().release_capacity(count);
        }
    }

    /// For the limits of the body's time.
    pub(crate) fn sleeper(&mut self) -> Option<&mut Sleeper> {
        self.stream.as_mut().map(|stream| &mut stream.sleeper)
    }

    pub(crate) fn is_end(&self) -> bool {
        self.stream.is_none() && self.ahead.is_empty()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        let left = self.length.map(|length| length.saturating_sub(self.come));
        self.ahead.add_to(left.map_or_else(SizeHint::new, SizeHint::with_exact))
    }

    /// Gives the stream up; `error` gets the evidence.
    pub(crate) fn fail(&mut self, error: Error) -> Error {
        let destroyed = self.stream.as_ref().is_some_and(|stream| stream.is_destroyed());
        let error = if destroyed { Error::destroyed(error.phase()) } else { error };
        if let Some(stream) = self.stream.take() {
            stream.give_up(Outcome::Failed);
        }
        error.with(self.evidence)
    }

    /// Nobody wants the rest: if there is none the stream is free, else it is reset.
    pub(crate) fn abandon(mut self) {
        let over = self.body.is_end_stream();
        if let Some(stream) = self.stream.take() {
            if over { stream.finish(Outcome::Done, None) } else { stream.give_up(Outcome::Done) }
        }
    }

    /// The stream ended with an error.
    fn broken(&mut self, error: h2::Error) -> Error {
        let fate = self.stream.as_ref().and_then(|stream| stream.fate());
        let destroyed = self.stream.as_ref().is_some_and(|stream| stream.is_destroyed());
        let mut error = explain(error, Phase::Receive, fate);
        if destroyed {
            error = Error::destroyed(Phase::Receive);
        }
        if let Some(stream) = self.stream.take() {
            stream.finish(Outcome::Failed, None);
        }
        error.with(self.evidence)
    }
}

//! A response's body on its stream.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use http::header::CONTENT_LENGTH;
use http_body::SizeHint;

use super::call::explain;
use super::sending::Sending;
use crate::Error;
use crate::error::{Evidence, Phase};
use crate::h1::{Ahead, BodyEvent, Head};
use crate::pool::{Outcome, Stream};
use crate::timer::Sleeper;

/// The rest of a call. Dropping it resets the stream.
pub(crate) struct Receiving {
    /// `None` once it is given up.
    stream: Option<Stream>,
    body: RecvStream,
    /// A request that is still being sent after its response began.
    sending: Option<Sending>,
    /// Events that were taken before anybody asked.
    ahead: Ahead,
    /// All data has come: the trailers are next.
    at_trailers: bool,
    /// How much is still to come, if the head said.
    left: Option<u64>,
    evidence: Evidence,
    sleeper: Sleeper,
}

impl Receiving {
    /// The head of a response that `is_empty` may say how long a body would be.
    pub(super) fn new(
        stream: Option<Stream>,
        body: RecvStream,
        sending: Option<Sending>,
        (evidence, sleeper): (Evidence, Sleeper),
        head: &Head,
        is_empty: bool,
    ) -> Self {
        let length = head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let left = if is_empty || body.is_end_stream() { Some(0) } else { length };
        let (ahead, at_trailers) = (Ahead::default(), false);
        Self { stream, body, sending, ahead, at_trailers, left, evidence, sleeper }
    }

    pub(crate) fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<BodyEvent, Error>> {
        match self.ahead.next() {
            Some(event) => Poll::Ready(event),
            None => self.poll_rest(cx),
        }
    }

    /// Takes in a body that is small and already there, so that its stream is free at once.
    pub(crate) fn take_small_body(&mut self, cx: &mut Context<'_>) -> Option<Bytes> {
        match Ahead::take_small(|| self.poll_rest(cx)) {
            Ok(body) => Some(body),
            Err(ahead) => {
                self.ahead = ahead;
                None
            }
        }
    }

    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Result<BodyEvent, Error>> {
        if self.stream.is_none() {
            return Poll::Ready(Ok(BodyEvent::End));
        }
        if let Some(Poll::Ready(sent)) = self.sending.as_mut().map(|sending| sending.poll(cx)) {
            self.sending = None;
            if let Err(failure) = sent {
                if let Some(error) = failure.of_the_body() {
                    return Poll::Ready(Err(self.fail(error.at(Phase::Receive))));
                }
            }
        }
        if !self.at_trailers {
            match ready!(self.body.poll_data(cx)) {
                Some(Ok(data)) => {
                    // It is the reader's now: as much may come again.
                    let _ = self.body.flow_control().release_capacity(data.len());
                    self.evidence.read += data.len() as u64;
                    self.left = self.left.map(|left| left.saturating_sub(data.len() as u64));
                    return Poll::Ready(Ok(BodyEvent::Data(data)));
                }
                Some(Err(error)) => return Poll::Ready(Err(self.broken(error))),
                None => self.at_trailers = true,
            }
        }
        match ready!(self.body.poll_trailers(cx)) {
            Ok(Some(trailers)) => Poll::Ready(Ok(BodyEvent::Trailers(Box::new(trailers)))),
            Ok(None) => {
                self.sending = None;
                if let Some(stream) = self.stream.take() {
                    stream.finish(Outcome::Done);
                }
                Poll::Ready(Ok(BodyEvent::End))
            }
            Err(error) => Poll::Ready(Err(self.broken(error))),
        }
    }

    /// For the limits of the body's time.
    pub(crate) fn sleeper(&mut self) -> &mut Sleeper {
        &mut self.sleeper
    }

    pub(crate) fn is_end(&self) -> bool {
        self.stream.is_none() && self.ahead.is_empty()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        if let Some(left) = self.left {
            hint.set_lower(left);
            hint.set_upper(left);
        }
        self.ahead.add_to(hint)
    }

    /// Gives the stream up; `error` gets the evidence.
    pub(crate) fn fail(&mut self, error: Error) -> Error {
        let destroyed = self.stream.as_ref().is_some_and(Stream::is_destroyed);
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
            if over { stream.finish(Outcome::Done) } else { stream.give_up(Outcome::Done) }
        }
    }

    /// The stream ended with an error.
    fn broken(&mut self, error: h2::Error) -> Error {
        let fate = self.stream.as_ref().and_then(Stream::fate);
        let destroyed = self.stream.as_ref().is_some_and(Stream::is_destroyed);
        let mut error = explain(error, Phase::Receive, fate);
        if destroyed {
            error = Error::destroyed(Phase::Receive);
        }
        if let Some(stream) = self.stream.take() {
            stream.finish(Outcome::Failed);
        }
        error.with(self.evidence)
    }
}

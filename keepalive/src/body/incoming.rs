//! A response's body on its socket.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use crate::h1::{BodyEvent, Call};
use crate::pool::Seconds;
use crate::timer::Timer;
use crate::{CloseReason, Error, Phase, clock};

/// The rest of a call, and the request's own time limit, which goes on.
pub(crate) struct Incoming {
    /// `None` only while it is dropped.
    call: Option<Call>,
    timer: Timer,
    /// How long the server may be silent.
    limit: Option<Duration>,
    /// Since when it has been, with somebody reading.
    silent_since: Option<Instant>,
}

impl Incoming {
    pub(crate) fn new(call: Call, timer: Timer, limit: Option<Duration>) -> Self {
        Self { call: Some(call), timer, limit, silent_since: None }
    }

    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(call) = &mut self.call else { return Poll::Ready(None) };
        if let Poll::Ready(event) = call.poll_body(cx) {
            self.silent_since = None;
            // A body that never stops coming leaves the timer no turn.
            if let Some(late) = self.timer.request_is_over(Phase::Receive) {
                return Poll::Ready(Some(Err(call.fail(late, CloseReason::TimedOut))));
            }
            return Poll::Ready(match event {
                Ok(BodyEvent::Data(data)) => Some(Ok(Frame::data(data))),
                Ok(BodyEvent::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
                Ok(BodyEvent::End | BodyEvent::NeedMore) => None,
                Err(error) => Some(Err(error)),
            });
        }
        let since = *self.silent_since.get_or_insert_with(clock::now);
        let end = self.limit.and_then(|limit| since.checked_add(limit));
        let late = ready!(self.timer.poll_phase(cx, Phase::Receive, end)).unwrap_or_else(|| {
            let limit = Seconds(self.limit.unwrap_or_default());
            let text = format!("the server sent nothing of the body for {limit} (body_timeout)");
            Error::timeout(Phase::Receive, text)
        });
        Poll::Ready(Some(Err(call.fail(late, CloseReason::TimedOut))))
    }

    pub(crate) fn is_end(&self) -> bool {
        self.call.as_ref().is_none_or(Call::is_end)
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.call.as_ref().map_or_else(|| SizeHint::with_exact(0), Call::size_hint)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            call.abandon();
        }
    }
}

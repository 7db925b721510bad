//! A response's body on its socket.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use crate::h1::{BodyEvent, Call};
#[cfg(feature = "http2")]
use crate::http2::Receiving;
use crate::pool::Seconds;
use crate::timer::{Sleeper, Timer};
use crate::{CloseReason, Error, Phase, clock};

/// Where a body comes from.
#[cfg_attr(
    feature = "http2",
    expect(clippy::large_enum_variant, reason = "in a box, and a call already large where it comes from")
)]
pub(crate) enum Source {
    One(Call),
    #[cfg(feature = "http2")]
    Many(Receiving),
}

impl From<Call> for Source {
    fn from(call: Call) -> Self {
        Self::One(call)
    }
}

#[cfg(feature = "http2")]
impl From<Receiving> for Source {
    fn from(receiving: Receiving) -> Self {
        Self::Many(receiving)
    }
}

/// Does the same with either source.
macro_rules! either {
    ($source:expr, $call:ident => $action:expr) => {
        match $source {
            Source::One($call) => $action,
            #[cfg(feature = "http2")]
            Source::Many($call) => $action,
        }
    };
}

impl Source {
    /// `None` when there is nothing to wait for.
    fn sleeper(&mut self) -> Option<&mut Sleeper> {
        match self {
            Self::One(call) => call.sleeper(),
            #[cfg(feature = "http2")]
            Self::Many(receiving) => receiving.sleeper(),
        }
    }

    fn fail(&mut self, error: Error, reason: CloseReason) -> Error {
        match self {
            Self::One(call) => call.fail(error, reason),
            #[cfg(feature = "http2")]
            Self::Many(receiving) => receiving.fail(error),
        }
    }
}

/// The rest of a call, and the request's own time limit, which goes on.
pub(crate) struct Incoming {
    /// `None` only while it is dropped.
    call: Option<Source>,
    timer: Timer,
    /// How long the server may be silent.
    limit: Option<Duration>,
    /// Since when it has been, with somebody reading.
    silent_since: Option<Instant>,
}

impl Incoming {
    pub(crate) fn new(call: impl Into<Source>, timer: Timer, limit: Option<Duration>) -> Self {
        Self { call: Some(call.into()), timer, limit, silent_since: None }
    }

    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(call) = &mut self.call else { return Poll::Ready(None) };
        // If nothing is, all of it was here in time; so it was if nothing but its end is left.
        let is_awaited = call.sleeper().is_some();
        if let Poll::Ready(event) = either!(call, call => call.poll_body(cx)) {
            self.silent_since = None;
            // A body that never stops coming leaves the timer no turn.
            let may_be_late = is_awaited && !matches!(event, Ok(BodyEvent::End));
            let late = if may_be_late { self.timer.request_is_over(Phase::Receive) } else { None };
            if let Some(late) = late {
                return Poll::Ready(Some(Err(call.fail(late, CloseReason::TimedOut))));
            }
            return Poll::Ready(match event {
                Ok(BodyEvent::Data(data)) => Some(Ok(Frame::data(data))),
                Ok(BodyEvent::Trailers(trailers)) => Some(Ok(Frame::trailers(*trailers))),
                Ok(BodyEvent::End | BodyEvent::NeedMore) => None,
                Err(error) => Some(Err(error)),
            });
        }
        let now = clock::now();
        let since = *self.silent_since.get_or_insert(now);
        let end = self.limit.and_then(|limit| since.checked_add(limit));
        let Some(sleeper) = call.sleeper() else { return Poll::Pending };
        let late =
            ready!(self.timer.poll_phase(sleeper, cx, Phase::Receive, end, now)).unwrap_or_else(|| {
                let limit = Seconds(self.limit.unwrap_or_default());
                let text = format!("the server sent nothing of the body for {limit} (body_timeout)");
                Error::timeout(Phase::Receive, text)
            });
        Poll::Ready(Some(Err(call.fail(late, CloseReason::TimedOut))))
    }

    pub(crate) fn is_end(&self) -> bool {
        self.call.as_ref().is_none_or(|call| either!(call, call => call.is_end()))
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.call
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), |call| either!(call, call => call.size_hint()))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            either!(call, call => call.abandon());
        }
    }
}

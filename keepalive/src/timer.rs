//! The one timer of a request: armed only while something is waited for, and pushed forward.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::runtime::{self, Handle};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::lacking::or_lacking;
use crate::pool::Seconds;
use crate::{Error, Phase, clock};

/// The limit of the whole request, and a sleep that serves it and the limits of single phases.
pub(crate) struct Timer {
    /// And the runtime whose timer it stands in.
    sleep: Option<(runtime::Id, Pin<Box<Sleep>>)>,
    /// The request's whole time and when it ends.
    request: Option<(Duration, Instant)>,
}

impl Timer {
    pub(crate) fn new(now: Instant, limit: Option<Duration>) -> Self {
        let request = limit.and_then(|limit| Some((limit, now.checked_add(limit)?)));
        Self { sleep: None, request }
    }

    /// The error if the whole request's time is up.
    pub(crate) fn request_is_over(&self, phase: Phase) -> Option<Error> {
        let (limit, end) = self.request?;
        (clock::now() >= end).then(|| {
            let text = format!("the request was not done within {} (timeout)", Seconds(limit));
            Error::timeout(phase, text)
        })
    }

    /// Ready with the error once the request's time is up, or with `None` at `end` if that is sooner. Also
    /// an error where the runtime has no timer.
    pub(crate) fn poll_phase(
        &mut self,
        cx: &mut Context<'_>,
        phase: Phase,
        end: Option<Instant>,
    ) -> Poll<Option<Error>> {
        let request = self.request.map(|(_, end)| end);
        let Some(first) = end.into_iter().chain(request).min() else { return Poll::Pending };
        match ready!(self.poll_until(cx, first)) {
            Ok(()) => Poll::Ready(self.request_is_over(phase)),
            Err(lacking) => {
                let text = "this tokio runtime cannot limit a request's time";
                Poll::Ready(Some(Error::request(text).caused_by(lacking).at(phase)))
            }
        }
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, end: Instant) -> Poll<Result<(), String>> {
        // Not left to the sleep alone: it is never ready for a task that has used up its turn, which one
        // that always has something to do does each time.
        if clock::now() >= end {
            return Poll::Ready(Ok(()));
        }
        // A future can move to another runtime, a sleep cannot. Outside of all of them nobody wakes us.
        let Ok(here) = Handle::try_current() else { return Poll::Pending };
        let polled = or_lacking(|| {
            match &mut self.sleep {
                Some((runtime, sleep)) if *runtime == here.id() => {
                    if sleep.deadline() != end {
                        sleep.as_mut().reset(end);
                    }
                }
                sleep => *sleep = Some((here.id(), Box::pin(sleep_until(end)))),
            }
            match &mut self.sleep {
                Some((_, sleep)) => sleep.as_mut().poll(cx),
                None => Poll::Pending,
            }
        });
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(lacking) => {
                self.sleep = None;
                Poll::Ready(Err(lacking))
            }
        }
    }
}

//! The time limits of a request: a limit of the whole, and one armed sleep that serves it and the limits of
//! single phases.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::runtime::{self, Handle};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::lacking::or_lacking;
use crate::pool::Seconds;
use crate::{Error, Phase, clock};

/// The limit of the whole request.
#[derive(Clone, Copy)]
pub(crate) struct Timer {
    /// The request's whole time and when it ends.
    request: Option<(Duration, Instant)>,
}

/// A sleep that is used again and again. Arming one costs as much as a tenth of a small request, so it is
/// pushed forward only when it fires, and the pool keeps it from one request to the next.
#[derive(Default)]
pub(crate) struct Sleeper {
    /// And the runtime whose timer it stands in.
    sleep: Option<(runtime::Id, Pin<Box<Sleep>>)>,
}

impl Timer {
    pub(crate) fn new(now: Instant, limit: Option<Duration>) -> Self {
        let request = limit.and_then(|limit| Some((limit, now.checked_add(limit)?)));
        Self { request }
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
        &self,
        sleeper: &mut Sleeper,
        cx: &mut Context<'_>,
        phase: Phase,
        end: Option<Instant>,
        now: Instant,
    ) -> Poll<Option<Error>> {
        let request = self.request.map(|(_, end)| end);
        let Some(first) = end.into_iter().chain(request).min() else { return Poll::Pending };
        match ready!(sleeper.poll_until(cx, first, now)) {
            Ok(()) => Poll::Ready(self.request_is_over(phase)),
            Err(lacking) => {
                let text = "this tokio runtime cannot limit a request's time";
                Poll::Ready(Some(Error::request(text).caused_by(lacking).at(phase)))
            }
        }
    }
}

impl Sleeper {
    /// Has none been armed yet?
    pub(crate) fn is_new(&self) -> bool {
        self.sleep.is_none()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, end: Instant, now: Instant) -> Poll<Result<(), String>> {
        // Not left to the sleep alone: it is never ready for a task that has used up its turn, which one
        // that always has something to do does each time.
        if now >= end {
            return Poll::Ready(Ok(()));
        }
        // A future can move to another runtime, a sleep cannot. Outside of all of them nobody wakes us.
        let Ok(here) = Handle::try_current() else { return Poll::Pending };
        let here = here.id();
        let polled = or_lacking(|| {
            if self.sleep.as_ref().is_none_or(|(runtime, _)| *runtime != here) {
                self.sleep = Some((here, Box::pin(sleep_until(end))));
            }
            let Some((_, sleep)) = &mut self.sleep else { return Poll::Pending };
            // One that fires earlier is left alone until it does.
            if sleep.deadline() > end {
                sleep.as_mut().reset(end);
            }
            while sleep.as_mut().poll(cx).is_ready() {
                if sleep.deadline() >= end {
                    return Poll::Ready(());
                }
                sleep.as_mut().reset(end);
            }
            Poll::Pending
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

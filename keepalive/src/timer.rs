//! The one timer of a request: armed only while something is waited for, and pushed forward.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::pool::Seconds;
use crate::{Error, Phase};

/// The limit of the whole request, and a sleep that serves it and the limits of single phases.
pub(crate) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    /// The request's whole time and when it ends.
    request: Option<(Duration, Instant)>,
}

impl Timer {
    pub(crate) fn new(now: Instant, limit: Option<Duration>) -> Self {
        let request = limit.and_then(|limit| Some((limit, now.checked_add(limit)?)));
        Self { sleep: None, request }
    }

    /// Ready with the error once the whole request's time is up.
    fn poll_request(&mut self, cx: &mut Context<'_>, phase: Phase) -> Poll<Error> {
        let Some((limit, end)) = self.request else { return Poll::Pending };
        ready!(self.poll_until(cx, end));
        let text = format!("the request was not done within {} (timeout)", Seconds(limit));
        Poll::Ready(Error::timeout(phase, text))
    }

    /// Ready with the error once the request's time is up, or with `None` at `end` if that is sooner.
    pub(crate) fn poll_phase(
        &mut self,
        cx: &mut Context<'_>,
        phase: Phase,
        end: Option<Instant>,
    ) -> Poll<Option<Error>> {
        match end {
            Some(end) if self.request.is_none_or(|(_, request)| end < request) => {
                self.poll_until(cx, end).map(|()| None)
            }
            _ => self.poll_request(cx, phase).map(Some),
        }
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, end: Instant) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if sleep.deadline() != end {
            sleep.as_mut().reset(end);
        }
        sleep.as_mut().poll(cx)
    }
}

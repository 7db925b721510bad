//! The wait for a socket and its limits: in the queue at most `queue_timeout`, and while a dial is under way
//! for the request as long as that may take, which `connect_timeout` limits.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::Instant;

use crate::options::RequestDefaults;
use crate::pool::{Acquire, Leased, Seconds};
use crate::timer::Timer;
use crate::{Error, Origin, Phase, clock};

pub(super) struct Wait {
    began: Instant,
    /// When to look next.
    end: Option<Instant>,
    /// When the dials for it must be done, once the first look found one.
    dials_end: Option<Option<Instant>>,
}

impl Wait {
    pub(super) fn begin(now: Instant, defaults: &RequestDefaults) -> Self {
        let end = defaults.queue_timeout.and_then(|limit| now.checked_add(limit));
        Self { began: now, end, dials_end: None }
    }

    pub(super) fn poll(
        &mut self,
        acquire: &mut Acquire,
        cx: &mut Context<'_>,
        defaults: &RequestDefaults,
        timer: &Timer,
    ) -> Poll<Result<Leased, Error>> {
        loop {
            if let Poll::Ready(leased) = Pin::new(&mut *acquire).poll(cx) {
                return Poll::Ready(leased);
            }
            let now = clock::now();
            match ready!(timer.poll_phase(acquire.sleeper(), cx, Phase::Queue, self.end, now)) {
                None if acquire.is_queued() => return Poll::Ready(Err(acquire.time_out(now - self.began))),
                None => {
                    if let Err(late) = self.look_again(acquire.origin(), defaults, now) {
                        return Poll::Ready(Err(late_for(acquire, late)));
                    }
                }
                Some(late) => return Poll::Ready(Err(late_for(acquire, late))),
            }
        }
    }

    /// It was the dial that took so long: the time in the queue begins anew, for as long as one dial and
    /// another after it can take. Longer means that the runtime of the dial does not run.
    fn look_again(&mut self, origin: &Origin, defaults: &RequestDefaults, now: Instant) -> Result<(), Error> {
        let timeouts = defaults.dial_timeouts;
        let dial = if origin.is_secure() { timeouts.secure } else { timeouts.plain };
        let dials = dial.map(|dial| dial.saturating_mul(2));
        let dials_end = *self.dials_end.get_or_insert_with(|| dials.and_then(|dials| now.checked_add(dials)));
        if dials_end.is_some_and(|end| now >= end) {
            let waited = Seconds(now - self.began);
            let text = format!(
                "the dial to {origin} has made no progress for {waited}; the runtime it was begun on may not be running"
            );
            return Err(Error::timeout(Phase::Connect, text));
        }
        let limit = defaults.queue_timeout.map(|limit| limit.max(SHORTEST_LOOK));
        let again = limit.and_then(|limit| now.checked_add(limit));
        self.end = again.into_iter().chain(dials_end).min();
        Ok(())
    }
}

/// The request leaves the queue, or what was dialled for it.
fn late_for(acquire: &mut Acquire, late: Error) -> Error {
    let phase = if acquire.is_queued() { Phase::Queue } else { Phase::Connect };
    acquire.fail();
    late.at(phase)
}

/// A request whose dial outlasts a very short queue limit looks this often whether it is still going on.
const SHORTEST_LOOK: Duration = Duration::from_millis(10);

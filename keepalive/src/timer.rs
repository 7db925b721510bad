//! The time limits of a request: a limit of the whole, and one armed sleep that serves it and the limits of
//! single phases.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::runtime::{self, Handle};
use tokio::task::coop::has_budget_remaining;
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
pub(crate) struct Sleeper(Option<Box<Armed>>);

struct Armed {
    sleep: Pin<Box<Sleep>>,
    /// The runtime whose timer it stands in.
    runtime: runtime::Id,
    /// Whom it wakes, if that is known.
    wakes: Option<Waker>,
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
        self.0.is_none()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, end: Instant, now: Instant) -> Poll<Result<(), String>> {
        // Not left to the sleep alone: it is never ready for a task that has used up its turn, which one
        // that always has something to do does each time.
        if now >= end {
            return Poll::Ready(Ok(()));
        }
        // A future can move to another runtime and keep its waker, a sleep cannot. Outside of all of them nobody
        // wakes us.
        let Ok(here) = Handle::try_current().map(|handle| handle.id()) else { return Poll::Pending };
        if self.0.as_ref().is_some_and(|armed| armed.runtime == here && armed.will_wake(cx.waker(), end)) {
            return Poll::Pending;
        }
        let polled = or_lacking(|| {
            if self.0.as_ref().is_none_or(|armed| armed.runtime != here) {
                let sleep = Box::pin(sleep_until(end));
                self.0 = Some(Box::new(Armed { sleep, runtime: here, wakes: None }));
            }
            let Some(armed) = &mut self.0 else { return Poll::Pending };
            armed.wakes = None;
            let sleep = &mut armed.sleep;
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
            // A sleep takes no notice of a task that has used up its turn.
            armed.wakes = has_budget_remaining().then(|| cx.waker().clone());
            Poll::Pending
        });
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(lacking) => {
                self.0 = None;
                Poll::Ready(Err(lacking))
            }
        }
    }
}

impl Armed {
    /// Whether it has yet to fire, by `end`, and wakes `waker` then: so it need not be polled.
    fn will_wake(&self, waker: &Waker, end: Instant) -> bool {
        let wakes = self.wakes.as_ref().is_some_and(|wakes| wakes.will_wake(waker));
        wakes && self.sleep.deadline() <= end && !self.sleep.is_elapsed()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::task::Wake;

    use tokio::task::coop::consume_budget;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicU64);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Woken {
        fn count(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_that_fires_earlier_is_moved_when_it_does() {
        let start = clock::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut sleeper = Sleeper::default();
        let mut armed = |end| {
            let polled = sleeper.poll_until(&mut Context::from_waker(Waker::noop()), end, clock::now());
            assert!(polled.is_pending());
            sleeper.0.as_ref().map(|armed| armed.sleep.deadline())
        };
        assert_eq!(armed(at(10)), Some(at(10)));
        assert_eq!(armed(at(300)), Some(at(10)), "it fires earlier and is left alone");
        tokio::time::advance(Duration::from_secs(15)).await;
        assert_eq!(armed(at(300)), Some(at(300)), "it has fired");
        assert_eq!(armed(at(20)), Some(at(20)), "it would have fired too late");
        assert_eq!(armed(at(25)), Some(at(20)));
        poll_fn(|cx| sleeper.poll_until(cx, at(25), clock::now())).await.unwrap();
        assert_eq!(clock::now(), at(25), "neither at 20 s nor later");
    }

    #[tokio::test(start_paused = true)]
    async fn it_wakes_the_task_that_asked_last() {
        let tasks = [Arc::<Woken>::default(), Arc::default()];
        let (start, mut sleeper) = (clock::now(), Sleeper::default());
        for asks in [0, 0, 1, 0, 1, 1] {
            let waker = Waker::from(Arc::clone(&tasks[asks]));
            let polled = sleeper.poll_until(
                &mut Context::from_waker(&waker),
                start + Duration::from_secs(1),
                clock::now(),
            );
            assert!(polled.is_pending());
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(tasks.map(|task| task.count()), [0, 1]);
    }

    /// Such a task is woken at once, and not by the sleep, which has not taken notice of it.
    #[tokio::test(start_paused = true)]
    async fn it_wakes_a_task_that_asked_first_when_its_turn_was_used_up() {
        let (task, end) = (Arc::<Woken>::default(), clock::now() + Duration::from_secs(1));
        let waker = Waker::from(Arc::clone(&task));
        let mut sleeper = Sleeper::default();
        let mut ask = || {
            let polled = sleeper.poll_until(&mut Context::from_waker(&waker), end, clock::now());
            assert!(polled.is_pending());
        };
        poll_fn(|cx| {
            while has_budget_remaining() {
                let mut consumes = std::pin::pin!(consume_budget());
                assert!(consumes.as_mut().poll(cx).is_ready());
            }
            ask();
            Poll::Ready(())
        })
        .await;
        tokio::task::yield_now().await;
        let before = task.count();
        ask();
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(task.count(), before + 1);
    }
}

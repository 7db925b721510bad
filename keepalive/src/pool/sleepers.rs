//! Armed sleeps of requests that are done, for the next ones.
//!
//! Arming one takes the lock of the runtime's timer and costs as much as a tenth of a small request; one that
//! is armed already is only looked at. They stay with the pool, not with sockets, so that an idle socket
//! keeps none. Guarded by the pool's lock; none is dropped under it.

use crate::timer::Sleeper;

/// As many as requests are usually under way at once. Each keeps the memory of the task that used it last.
const MOST: usize = 64;

#[derive(Default)]
pub(super) struct Sleepers(Vec<Sleeper>);

impl Sleepers {
    /// The last that came back, or a new one.
    pub(super) fn take(&mut self) -> Sleeper {
        self.0.pop().unwrap_or_default()
    }

    /// Keeps one for the next request; gives it back, to be dropped when the lock is free, if there are enough.
    pub(super) fn keep(&mut self, sleeper: Sleeper) -> Option<Sleeper> {
        if self.0.len() >= MOST || sleeper.is_new() {
            return Some(sleeper);
        }
        self.0.push(sleeper);
        None
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};
    use std::time::Duration;

    use super::*;
    use crate::timer::Timer;
    use crate::{Phase, clock};

    #[tokio::test]
    async fn armed_ones_are_kept_and_no_more_than_enough() {
        let mut sleepers = Sleepers::default();
        assert!(sleepers.keep(Sleeper::default()).is_some(), "one that was never armed is worth nothing");
        let timer = Timer::new(clock::now(), Some(Duration::from_secs(60)));
        for n in 0..=MOST {
            let mut armed = Sleeper::default();
            let cx = &mut Context::from_waker(Waker::noop());
            assert!(timer.poll_phase(&mut armed, cx, Phase::Wait, None, clock::now()).is_pending());
            assert_eq!(sleepers.keep(armed).is_some(), n == MOST, "{n}");
        }
        for n in 0..=MOST {
            assert_eq!(sleepers.take().is_new(), n == MOST, "{n}");
        }
    }
}

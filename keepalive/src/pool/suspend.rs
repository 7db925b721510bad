//! Tells that the process was suspended: the wall clock ran ahead of the monotonic one.
//!
//! The monotonic clock, which all limits of time are measured with, stands still while the machine sleeps
//! (on Linux and macOS), and so do timers. The servers' clocks go on: after the lid is opened, idle sockets
//! are much older than they look. Only a comparison; the pool feeds it with [`Reading`]s, and the machine
//! decides what follows (`State::suspended`).

use std::time::{Duration, Instant};

use crate::clock::Reading;

/// The wall clock may run ahead by this much between two looks and it is no suspend: it is corrected now
/// and then, and so little is within the margin that a server's hint gets anyway.
const TOLERANCE: Duration = Duration::from_secs(1);

/// The clocks are not compared more often: reading one costs as much as a look at an origin. What is sent in that
/// time fares like what was under way when the process was suspended.
const PERIOD: Duration = Duration::from_millis(1);

/// The last reading of both clocks.
#[derive(Debug)]
pub(super) struct Suspend {
    last: Reading,
    /// When there may be something to find.
    due: Instant,
}

impl Suspend {
    pub(super) fn new(now: Reading) -> Self {
        Self { last: now, due: now.mono.checked_add(PERIOD).unwrap_or(now.mono) }
    }

    /// Whether the clocks should be compared.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.due
    }

    /// For how long the process was suspended since the last reading, if it was.
    ///
    /// A wall clock set forward looks the same, and so does a thread that was stopped for more than the
    /// tolerance between its two reads; that costs no more than some idle sockets. A wall clock set back
    /// counts for nothing, and is the new base.
    pub(super) fn notice(&mut self, now: Reading) -> Option<Duration> {
        // Read before the last one and told after it, by another thread.
        let awake = now.mono.checked_duration_since(self.last.mono)?;
        let passed = now.wall.duration_since(self.last.wall).unwrap_or_default();
        *self = Self::new(now);
        passed.checked_sub(awake).filter(|&gap| gap > TOLERANCE)
    }

    /// Makes the next reading look as if the process had been suspended before it.
    #[cfg(test)]
    pub(super) fn pretend(&mut self, gap: Duration) {
        self.last.wall -= gap;
        self.due = self.last.mono;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use testkit::{Case, PlainOrigin};
    use tokio::runtime::Handle;

    use super::*;
    use crate::clock::reading;
    use crate::options::SocketOptions;
    use crate::pool::{Acquire, Hint, Limits, Pool};
    use crate::{CloseReason, Origin, Scheduling, clock};

    const SECOND: Duration = Duration::from_secs(1);

    fn later(now: Reading, wall: Duration, mono: Duration) -> Reading {
        Reading { wall: now.wall + wall, mono: now.mono + mono }
    }

    #[test]
    fn only_a_wall_clock_that_runs_ahead_by_more_than_a_second_is_a_suspend() {
        for (wall, mono, gap) in [
            (0, 0, None),
            (5_000, 5_000, None),
            (1_000, 0, None),
            (1_001, 0, Some(1_001)),
            (61_000, 60_000, None),
            (60_000, 61_000, None),
            (3_600_000, 5, Some(3_599_995)),
            (0, 3_600_000, None),
        ] {
            let start = reading();
            let mut suspend = Suspend::new(start);
            let end = later(start, Duration::from_millis(wall), Duration::from_millis(mono));
            let expected = gap.map(Duration::from_millis);
            assert_eq!(suspend.notice(end), expected, "{wall} {mono}");
            assert_eq!(suspend.notice(end), None, "told once");
        }
    }

    #[test]
    fn small_corrections_do_not_add_up() {
        let mut now = reading();
        let mut suspend = Suspend::new(now);
        for _ in 0..100 {
            now = later(now, 2 * SECOND, SECOND);
            assert_eq!(suspend.notice(now), None);
        }
    }

    #[test]
    fn the_clocks_are_not_compared_all_the_time() {
        let start = reading();
        let mut suspend = Suspend::new(start);
        let almost = start.mono + PERIOD - Duration::from_nanos(1);
        assert!(!suspend.is_due(start.mono) && !suspend.is_due(almost));
        assert!(suspend.is_due(start.mono + PERIOD));
        suspend.notice(later(start, PERIOD, PERIOD));
        assert!(!suspend.is_due(start.mono + PERIOD));
    }

    #[test]
    fn a_gap_soon_after_a_look_is_told_in_full() {
        let start = reading();
        let mut suspend = Suspend::new(start);
        let half = later(start, SECOND / 2, SECOND / 2);
        assert_eq!(suspend.notice(half), None);
        let end = later(half, 10 * SECOND, SECOND);
        assert_eq!(suspend.notice(end), Some(9 * SECOND));
        assert_eq!(suspend.notice(later(end, SECOND / 2, Duration::ZERO)), None, "told once");
    }

    #[test]
    fn a_wall_clock_set_back_is_the_new_base() {
        let start = reading();
        let mut suspend = Suspend::new(start);
        let back = Reading { wall: start.wall - 3600 * SECOND, mono: start.mono + SECOND };
        assert_eq!(suspend.notice(back), None);
        assert_eq!(suspend.notice(later(back, SECOND, SECOND)), None);
        assert_eq!(suspend.notice(later(back, 10 * SECOND, SECOND)), Some(9 * SECOND));
    }

    #[test]
    fn a_reading_that_comes_late_changes_nothing() {
        let start = reading();
        let mut suspend = Suspend::new(later(start, 5 * SECOND, 5 * SECOND));
        assert_eq!(suspend.notice(start), None);
        assert_eq!(suspend.notice(later(start, 9 * SECOND, 6 * SECOND)), Some(3 * SECOND));
    }

    /// Its clock runs ahead of the wall's, not the other way round.
    #[tokio::test(start_paused = true)]
    async fn a_paused_runtime_is_no_suspend() {
        let mut suspend = Suspend::new(reading());
        tokio::time::advance(3600 * SECOND).await;
        assert_eq!(suspend.notice(reading()), None);
    }

    fn pool(free_socket_timeout: Duration) -> Arc<Pool> {
        let limits = Limits {
            max_sockets: 5,
            max_total_sockets: 5,
            max_free_sockets: 5,
            max_total_free_sockets: 5,
            max_queued: 5,
            free_socket_timeout: Some(free_socket_timeout),
            max_socket_age: None,
            max_requests_per_socket: None,
            keep_alive: true,
            scheduling: Scheduling::Lifo,
        };
        let options = SocketOptions { connect_timeout: None, ..SocketOptions::default() };
        Pool::new(limits, false, Arc::new(crate::connect::Connector::new(options)), false)
    }

    /// Takes a socket and gives it back; its number, and how long it was idle.
    async fn used(pool: &Arc<Pool>, origin: &PlainOrigin) -> (u64, Duration) {
        let origin = Origin::from_uri(&origin.url("/").parse().unwrap()).unwrap();
        let lease = Acquire::new(Arc::clone(pool), origin, Handle::current(), clock::now()).await.unwrap();
        let mut lease = match lease {
            crate::pool::Leased::One(lease) => lease,
            #[cfg(feature = "http2")]
            crate::pool::Leased::Many(_) => panic!("it is HTTP/1.1"),
        };
        let used = (lease.socket().id, lease.idle_for());
        lease.release(Hint::default(), None);
        used
    }

    fn pretend(pool: &Arc<Pool>, gap: Duration) {
        pool.lock().suspend.pretend(gap);
    }

    #[test]
    fn a_request_after_a_suspend_does_not_get_an_old_idle_socket() {
        testkit::run_paused(async |case: &Case| {
            let origin = case.plain(PlainOrigin::builder());
            let pool = pool(60 * SECOND);
            assert_eq!(used(&pool, &origin).await.0, 1);
            pretend(&pool, 50 * SECOND);
            let (number, idle_for) = used(&pool, &origin).await;
            assert_eq!(number, 1, "it may still be used");
            // The two clocks are not read at the same instant.
            assert!((45..55).contains(&idle_for.as_secs()), "{idle_for:?}");
            pretend(&pool, 90 * SECOND);
            assert_eq!(used(&pool, &origin).await.0, 2);
            let closed_by = pool.snapshot().closed_by;
            assert_eq!(closed_by.into_iter().collect::<Vec<_>>(), [(CloseReason::IdleTimeout, 1)]);
            assert_eq!(used(&pool, &origin).await.0, 2, "a suspend is over once it was noticed");
            pool.destroy();
        });
    }

    /// A keeper that was told to sleep no longer would be woken for the next socket that comes free.
    #[test]
    fn a_keepers_sleep_stands_while_no_socket_is_idle() {
        testkit::run_paused(async |case: &Case| {
            let origin = case.plain(PlainOrigin::builder());
            let pool = pool(60 * SECOND);
            used(&pool, &origin).await;
            tokio::task::yield_now().await;
            let until = || pool.lock().keepers[0].until();
            let planned = until();
            assert!(planned.is_some());
            let origin = Origin::from_uri(&origin.url("/").parse().unwrap()).unwrap();
            let held =
                Acquire::new(Arc::clone(&pool), origin, Handle::current(), clock::now()).await.unwrap();
            pool.stir(crate::pool::SocketKey(0), 1);
            tokio::task::yield_now().await;
            assert_eq!(until(), planned, "nothing is due, and it sleeps on all the same");
            drop(held);
            pool.destroy();
        });
    }

    #[test]
    fn the_keeper_notices_a_suspend_when_it_wakes() {
        testkit::run_paused(async |case: &Case| {
            let origin = case.plain(PlainOrigin::builder());
            let pool = pool(60 * SECOND);
            used(&pool, &origin).await;
            tokio::task::yield_now().await;
            pretend(&pool, 90 * SECOND);
            pool.stir(crate::pool::SocketKey(0), 1);
            while pool.snapshot().closed_by.is_empty() {
                tokio::task::yield_now().await;
            }
            assert!(pool.snapshot().closed_by.contains_key(&CloseReason::IdleTimeout));
        });
    }
}

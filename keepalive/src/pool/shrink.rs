//! Memory after a rush.
//!
//! Every table of the pool keeps the room of its fullest moment, as a `Vec` does, so that the usual coming
//! and going allocates nothing. It is bounded by what was there at once, each piece of which (a socket with
//! its buffers in the kernel, a future that waits) cost several times as much then. What is larger than usual is
//! given back: when no waiter is left, what waiters took, since sockets may stay idle for long after a rush;
//! when no socket is left either, the rest.

use super::Inner;

/// A table with room for no more entries than this is kept.
pub(super) const USUAL: usize = 1024;

impl Inner {
    /// To be called after each event.
    pub(super) fn shrink(&mut self) {
        if !self.state.is_without_waiters() {
            return;
        }
        self.state.shrink_waiters(USUAL);
        // What is in the tables was left behind by waiters and sockets that are gone.
        if self.waiters.capacity() > USUAL {
            self.waiters = Vec::new();
        }
        if !self.state.is_empty() {
            return;
        }
        self.state.shrink(USUAL);
        if self.sockets.capacity() > USUAL {
            self.sockets = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Future, pending};
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Waker};

    use tokio::runtime::Builder;

    use super::USUAL;
    use crate::connect::{Connect, Connecting};
    use crate::descriptors::Place;
    use crate::io::Permit;
    use crate::pool::{Acquire, Limits, Pool, effects};
    use crate::{Origin, Scheduling, clock};

    const NO_LIMITS: Limits = Limits {
        max_sockets: usize::MAX,
        max_total_sockets: usize::MAX,
        max_free_sockets: usize::MAX,
        max_total_free_sockets: usize::MAX,
        max_queued: usize::MAX,
        free_socket_timeout: None,
        max_socket_age: None,
        max_requests_per_socket: None,
        keep_alive: true,
        scheduling: Scheduling::Lifo,
    };

    /// Its dials hang.
    #[derive(Debug)]
    struct FakeConnect;

    impl Connect for FakeConnect {
        fn connect<'a>(&'a self, _: &'a Origin, permit: Permit, _: Place) -> Connecting<'a> {
            Box::pin(async move {
                let _permit = permit;
                pending().await
            })
        }
    }

    fn room(pool: &Pool) -> (usize, usize) {
        let inner = pool.lock();
        (inner.sockets.capacity(), inner.waiters.capacity())
    }

    #[test]
    fn what_a_rush_took_is_given_back_when_nothing_is_left() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let pool = Pool::new(NO_LIMITS, false, Arc::new(FakeConnect), false);
        let mut waiting = Vec::new();
        for n in 0..2 * USUAL {
            let origin = Origin::from_uri(&format!("http://origin-{n}/").parse().unwrap()).unwrap();
            let mut acquire = Acquire::new(Arc::clone(&pool), origin, runtime.handle().clone(), clock::now());
            assert!(pin!(&mut acquire).poll(&mut Context::from_waker(Waker::noop())).is_pending());
            waiting.push(acquire);
        }
        let (sockets, waiters) = room(&pool);
        assert!(sockets >= 2 * USUAL && waiters >= 2 * USUAL, "{sockets} {waiters}");
        // One event with an effect for each.
        pool.destroy();
        assert!(effects::room() <= USUAL);
        drop(waiting);
        assert_eq!(room(&pool), (sockets, 0), "nobody waits; the dials are still under way");
        drop(runtime);
        assert!(pool.lock().state.is_empty());
        assert_eq!(room(&pool), (0, 0));
    }
}

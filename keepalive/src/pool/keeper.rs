//! The keeper: one task per agent that lets time pass and closes idle sockets which their server closed.
//!
//! It holds the pool weakly, sleeps until the machine's next deadline or a signal, and is started again
//! by the next request if its runtime died. There is no task per socket: the waker of an idle socket
//! writes the socket's name into the [`Signal`] and wakes the keeper.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Poll, Wake, Waker};
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::sleep_until;

use super::lease::Ending;
use super::state::SocketKey;
use super::{Pool, spawn};
use crate::clock;

/// How the keeper is woken. It outlives the pool, so that wakers need not hold the pool.
#[derive(Default)]
pub(super) struct Signal {
    wake: Notify,
    /// Idle sockets on which something happened, by key and id (keys are used again).
    stirred: Mutex<Vec<(SocketKey, u64)>>,
    running: AtomicBool,
    gone: AtomicBool,
}

impl Signal {
    pub(super) fn nudge(&self) {
        self.wake.notify_one();
    }

    pub(super) fn stir(&self, key: SocketKey, id: u64) {
        self.stirred.lock().unwrap_or_else(PoisonError::into_inner).push((key, id));
        self.nudge();
    }

    pub(super) fn pool_is_gone(&self) {
        self.gone.store(true, Ordering::Release);
        self.nudge();
    }

    /// Whether a keeper must be started; the caller then has to start it.
    pub(super) fn lacks_keeper(&self) -> bool {
        !self.running.load(Ordering::Acquire) && !self.running.swap(true, Ordering::AcqRel)
    }

    fn take_stirred(&self) -> Vec<(SocketKey, u64)> {
        std::mem::take(&mut *self.stirred.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The waker of an idle socket.
pub(super) fn waker(signal: &Arc<Signal>, key: SocketKey, id: u64) -> Waker {
    Waker::from(Arc::new(Stir { signal: Arc::clone(signal), key, id }))
}

struct Stir {
    signal: Arc<Signal>,
    key: SocketKey,
    id: u64,
}

impl Wake for Stir {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.signal.stir(self.key, self.id);
    }
}

/// Starts the keeper; [`Signal::lacks_keeper`] must have said so.
pub(super) fn start(pool: &Arc<Pool>, runtime: &Handle) {
    let running = Running { signal: Arc::clone(&pool.signal), pool: Arc::downgrade(pool) };
    spawn(runtime, keep(running));
}

/// There is something to do sooner than the keeper thinks. One whose runtime died is started again here:
/// those who wait on another runtime may not be polled until it has done its work.
pub(super) fn nudge(pool: &Arc<Pool>) {
    match Handle::try_current() {
        Ok(here) if pool.signal.lacks_keeper() => start(pool, &here),
        _ => pool.signal.nudge(),
    }
}

/// Dropped with the keeper's task, also when its runtime dies.
struct Running {
    signal: Arc<Signal>,
    pool: Weak<Pool>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal.running.store(false, Ordering::Release);
        if let Some(pool) = self.pool.upgrade() {
            pool.lock().keeper_until = None;
        }
    }
}

async fn keep(running: Running) {
    let Running { signal, pool } = &running;
    let mut sleep = pin!(sleep_until(clock::now()));
    loop {
        let Some(deadline) = pool.upgrade().map(|pool| pool.keep_house()) else { return };
        let mut signalled = pin!(signal.wake.notified());
        if let Some(deadline) = deadline {
            sleep.as_mut().reset(deadline.into());
        }
        poll_fn(|cx| {
            if signalled.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            if deadline.is_some() { sleep.as_mut().poll(cx) } else { Poll::Pending }
        })
        .await;
        if signal.gone.load(Ordering::Acquire) {
            return;
        }
    }
}

impl Pool {
    /// Does what is due and says when there is more.
    fn keep_house(self: &Arc<Self>) -> Option<Instant> {
        for (key, id) in self.signal.take_stirred() {
            self.look_at(key, id);
        }
        self.event(|inner, now| {
            inner.state.tick(now);
            inner.keeper_until = inner.state.next_deadline();
            inner.keeper_until
        })
    }

    /// Something happened on a socket: closes it if it is idle and not good any more.
    fn look_at(self: &Arc<Self>, key: SocketKey, id: u64) {
        let taken = self
            .event(|inner, _| inner.state.inspect(key, id).then(|| inner.held(key).parked.take()).flatten());
        let Some(mut socket) = taken else { return };
        match socket.watch() {
            None => self.event(|inner, now| {
                inner.held(key).parked = Some(socket);
                inner.state.put_back(key, now);
            }),
            Some(reason) => socket.close(self, reason, Ending::NONE),
        }
    }
}

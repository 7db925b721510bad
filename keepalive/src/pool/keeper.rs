//! The keepers: they let time pass and close idle sockets which their server closed.
//!
//! One task on each runtime that the agent is used from, started by the first request there: a runtime
//! that nobody drives at the moment must not stop the time of the others. A keeper holds the pool weakly,
//! sleeps until the machine's next deadline or until it is told, and ends with the pool or its runtime, or
//! when the agent was closed or destroyed and has come to rest.
//!
//! There is no task per socket: the waker of an idle socket notes the socket's name and tells the
//! keepers.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, PoisonError, Weak};
use std::task::{Poll, Wake, Waker};
use std::time::Instant;

use tokio::runtime::{self, Handle};
use tokio::sync::Notify;
use tokio::time::sleep_until;

use super::effects::{Effect, Effects};
use super::state::SocketKey;
use super::{Inner, Pool, spawn};
use crate::clock;

/// A keeper as the pool sees it.
pub(super) struct Keeper {
    runtime: runtime::Id,
    wake: Arc<Notify>,
    /// Until when it sleeps, or was last told that it may; `None`: until it is told.
    until: Option<Instant>,
}

impl Keeper {
    pub(super) fn tell(&self) {
        self.wake.notify_one();
    }

    #[cfg(test)]
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }
}

impl Inner {
    /// A keeper for the caller to start, if there is none on this runtime.
    pub(super) fn lacks_keeper(&mut self, pool: &Arc<Pool>, runtime: &Handle) -> Option<Running> {
        let runtime = runtime.id();
        if self.state.is_over() || self.keepers.iter().any(|keeper| keeper.runtime == runtime) {
            return None;
        }
        let wake = Arc::new(Notify::new());
        self.keepers.push(Keeper { runtime, wake: Arc::clone(&wake), until: None });
        Some(Running { pool: Arc::downgrade(pool), wake })
    }

    /// Tells every keeper that sleeps for longer than the machine does; lets all go when all is over.
    pub(super) fn tell_keepers(&mut self, effects: &mut Effects) {
        if self.state.is_over() {
            return effects.extend(self.keepers.drain(..).map(|keeper| Effect::Notify(keeper.wake)));
        }
        let Some(deadline) = self.state.next_deadline() else { return };
        for keeper in &mut self.keepers {
            if keeper.until.is_none_or(|until| deadline < until) {
                keeper.until = Some(deadline);
                effects.push(Effect::Notify(Arc::clone(&keeper.wake)));
            }
        }
    }
}

/// The waker of an idle socket.
pub(super) fn waker(pool: &Arc<Pool>, key: SocketKey, id: u64) -> Waker {
    Waker::from(Arc::new(Stir { pool: Arc::downgrade(pool), key, id }))
}

struct Stir {
    pool: Weak<Pool>,
    key: SocketKey,
    id: u64,
}

impl Wake for Stir {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(pool) = self.pool.upgrade() {
            pool.stir(self.key, self.id);
        }
    }
}

/// Starts what [`Inner::lacks_keeper`] gave.
pub(super) fn start(runtime: &Handle, keeper: Running) {
    spawn(runtime, keep(keeper));
}

/// Dropped with the keeper's task, also when its runtime dies or it was never started.
pub(super) struct Running {
    pool: Weak<Pool>,
    wake: Arc<Notify>,
}

impl Running {
    /// As [`Pool::keep_house`]; `None` also if there is no pool any more.
    fn keep_house(&self) -> Option<Option<Instant>> {
        let pool = self.pool.upgrade()?;
        loop {
            // A foreign waker or subscriber that panics was told once, and does not stop the time of the others.
            if let Ok(kept) = catch_unwind(AssertUnwindSafe(|| pool.keep_house(&self.wake))) {
                return kept;
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.event(|inner, _| inner.keepers.retain(|keeper| !Arc::ptr_eq(&keeper.wake, &self.wake)));
        }
    }
}

async fn keep(running: Running) {
    let mut sleep = pin!(sleep_until(clock::now()));
    while let Some(deadline) = running.keep_house() {
        let mut told = pin!(running.wake.notified());
        if let Some(deadline) = deadline {
            sleep.as_mut().reset(deadline.into());
        }
        poll_fn(|cx| match told.as_mut().poll(cx) {
            Poll::Pending if deadline.is_some() => sleep.as_mut().poll(cx),
            told => told,
        })
        .await;
    }
}

impl Pool {
    /// Has the keepers look at a socket on which something happened.
    pub(super) fn stir(self: &Arc<Self>, key: SocketKey, id: u64) {
        self.stirred.lock().unwrap_or_else(PoisonError::into_inner).push((key, id));
        let told: Vec<_> = self.lock().keepers.iter().map(|keeper| Arc::clone(&keeper.wake)).collect();
        told.iter().for_each(|wake| wake.notify_one());
    }

    /// Does what is due and says when there is more, if ever; `None`: the keeper was let go.
    fn keep_house(self: &Arc<Self>, wake: &Arc<Notify>) -> Option<Option<Instant>> {
        let stirred = std::mem::take(&mut *self.stirred.lock().unwrap_or_else(PoisonError::into_inner));
        for (key, id) in stirred {
            self.look_at(key, id);
        }
        let now = clock::now().into_std();
        self.event_at(now, |inner, now| {
            inner.notice(now);
            inner.state.tick(now);
            let deadline = inner.state.next_deadline();
            let me = inner.keepers.iter_mut().find(|keeper| Arc::ptr_eq(&keeper.wake, wake))?;
            // A sleep that is not needed at the moment is not undone: it would be set again, and the keeper
            // be woken for it, with the next socket that comes free.
            me.until = deadline.or_else(|| me.until.filter(|&until| until > now));
            Some(me.until)
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
            Some(reason) => socket.close_dead(self, reason),
        }
    }
}

//! A value behind a lock whose changes can be waited for, from any runtime.
//!
//! Not a channel: waiters see the newest state only, and any number of them may wait. Called by everything
//! in this crate that one side changes and another side waits for.
//!
//! Invariants: 1. every change wakes every waiter; 2. no waiter misses a change that came after its look;
//! 3. the lock is never held across an await.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A value whose changes can be waited for.
#[derive(Default)]
pub(crate) struct Watched<T> {
    value: Mutex<T>,
    changed: Notify,
}

impl<T> Watched<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Mutex::new(value), changed: Notify::new() }
    }

    /// Changes the value and wakes whoever waits.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.lock());
        self.changed.notify_waiters();
        result
    }

    /// Looks at the value.
    pub(crate) fn see<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock())
    }

    /// Waits until the condition holds. Cancel safe.
    pub(crate) async fn until(&self, mut condition: impl FnMut(&T) -> bool) {
        loop {
            // Made before the look: `notify_waiters` reaches every future that exists when it is called.
            let changed = self.changed.notified();
            if condition(&self.lock()) {
                return;
            }
            changed.await;
        }
    }

    /// A condition that panicked (an assertion in a test) must not break the origin's own side.
    fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: fmt::Debug> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lock().fmt(f)
    }
}

//! A gate in front of the answers of a plain origin: closed, it keeps requests in flight for sure.
//!
//! Not a rate limit. Called by tests, and by the plain origin for every request it read.
//!
//! Invariants: 1. whoever came first passes first; 2. who left while waiting takes nobody's turn.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::watched::Watched;

/// Holds answers back until they are released, the oldest request first. A cheap handle; clones share it.
///
/// ```
/// use testkit::{Gate, PlainOrigin};
///
/// let gate = Gate::new();
/// let origin = PlainOrigin::builder().gate(&gate).start();
/// // … send three requests, then wait until they arrived:
/// let arrived = origin.wait(|stats| stats.requests >= 3);
/// gate.release(1); // answers the first of them
/// gate.open(); // answers all others, also those to come
/// # drop(arrived);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Gate {
    state: Arc<Watched<State>>,
}

#[derive(Debug, Default)]
struct State {
    open: bool,
    /// How many may still pass a closed gate without waiting.
    spare: usize,
    /// Who waits, the oldest first.
    waiting: VecDeque<u64>,
    next: u64,
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Closes it: requests that come from now on wait. A closed gate forgets releases that nobody used.
    pub fn hold(&self) {
        self.state.change(|state| {
            state.open = false;
            state.spare = 0;
        });
    }

    /// Opens it: all that wait pass, and all that come.
    pub fn open(&self) {
        self.state.change(|state| {
            state.open = true;
            state.waiting.clear();
        });
    }

    /// Lets the `n` oldest pass; where fewer wait, the rest is for those that come next.
    pub fn release(&self, n: usize) {
        self.state.change(|state| {
            let now = n.min(state.waiting.len());
            state.waiting.drain(..now);
            state.spare += n - now;
        });
    }

    /// Takes a place in the queue, at once.
    pub(crate) fn enter(&self) -> Turn {
        let id = self.state.change(|state| {
            let id = state.next;
            state.next += 1;
            if !state.open && state.spare == 0 {
                state.waiting.push_back(id);
            } else if !state.open {
                state.spare -= 1;
            }
            id
        });
        Turn { gate: self.clone(), id }
    }
}

/// A place in the queue; dropped, it is free.
#[derive(Debug)]
pub(crate) struct Turn {
    gate: Gate,
    id: u64,
}

impl Turn {
    /// Waits until this one may pass.
    pub(crate) async fn come(&self) {
        self.gate.state.until(|state| !state.waiting.contains(&self.id)).await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.gate.state.change(|state| state.waiting.retain(|id| *id != self.id));
    }
}

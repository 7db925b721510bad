//! What all connections share: the counters, the answers, and the gate at which requests wait for each other.

use super::h1::Replies;
use super::stats::Stats;

#[derive(Default)]
pub(super) struct Site {
    pub(super) stats: Stats,
    pub(super) replies: Replies,
    pub(super) gate: Gate,
    /// It never waits for the kernel to tell of something.
    pub(super) stays_awake: bool,
    /// The connection that is being served.
    pub(super) key: usize,
}

/// Holds requests back until so many are here, so that a client has so many sockets.
#[derive(Default)]
pub(super) struct Gate {
    waiting: Vec<usize>,
    released: Vec<usize>,
}

impl Gate {
    /// The connection of that key waits until `count` do.
    pub(super) fn enter(&mut self, key: usize, count: usize) {
        self.waiting.push(key);
        if self.waiting.len() >= count {
            self.released.append(&mut self.waiting);
        }
    }

    pub(super) fn leave(&mut self, key: usize) {
        self.waiting.retain(|&waiting| waiting != key);
        self.released.retain(|&released| released != key);
    }

    /// One whose wait is over.
    pub(super) fn next_released(&mut self) -> Option<usize> {
        self.released.pop()
    }
}

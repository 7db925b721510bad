//! What the random events reached.

use std::collections::BTreeMap;

use crate::CloseReason;

/// What happened in all lives: a test that never saw it would have shown nothing about it.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) closed_by: BTreeMap<CloseReason, u64>,
    pub(super) lapses: u64,
    pub(super) ramps: u64,
    pub(super) late_aborts: u64,
    pub(super) asked_again: u64,
    pub(super) at_the_cap: u64,
}

impl Seen {
    pub(super) fn add(&mut self, other: &Self) {
        for (&reason, count) in &other.closed_by {
            *self.closed_by.entry(reason).or_default() += count;
        }
        self.lapses += other.lapses;
        self.ramps += other.ramps;
        self.late_aborts += other.late_aborts;
        self.asked_again += other.asked_again;
        self.at_the_cap += other.at_the_cap;
    }

    pub(super) fn enough(&self) {
        for reason in [
            CloseReason::DialFailed,
            CloseReason::DialAborted,
            CloseReason::ClosedByServer,
            CloseReason::Truncated,
            CloseReason::Cancelled,
            CloseReason::KeepAliveOff,
            CloseReason::IdleLimit,
            CloseReason::Evicted,
            CloseReason::OverLimit,
            CloseReason::CloseIdle,
            CloseReason::AgentClosed,
            CloseReason::Destroyed,
            CloseReason::AgentDropped,
            CloseReason::Upgraded,
        ] {
            assert!(
                self.closed_by.get(&reason).is_some_and(|&count| count > 10),
                "{reason:?}: {:?}",
                self.closed_by
            );
        }
        for (what, count) in [
            ("lapses", self.lapses),
            ("ramps", self.ramps),
            ("late aborts", self.late_aborts),
            ("asked again", self.asked_again),
            ("at the cap", self.at_the_cap),
        ] {
            assert!(count > 100, "{what}: {count}");
        }
    }
}

//! What the random events reached.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::facts::Socket;
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
    pub(super) full: u64,
    /// Sockets that were there when `retire` came.
    pub(super) retired: u64,
    /// Times a hint gave way to a later one, or to none.
    pub(super) forgotten_hints: u64,
    pub(super) changes: u64,
    pub(super) dials_to_the_dead: u64,
    pub(super) served_in_time: u64,
    /// Written once, and then: asked again, got a socket, got one without waiting, waited at the end.
    pub(super) retried: u64,
    pub(super) fresh: u64,
    pub(super) written_in_time: u64,
    /// Idle sockets closed to make a place for a fresh dial.
    pub(super) gave_place: u64,
    pub(super) sleepers_served: u64,
    pub(super) sleepers_waiting: u64,
    pub(super) wanted: u64,
    pub(super) unwanted: u64,
    pub(super) suspended: u64,
    /// Offers that were withdrawn by that.
    pub(super) withdrawn: u64,
    /// What was taken off `max_socket_age`, in 1/16 of the most that may be.
    pub(super) spreads: BTreeSet<u128>,
}

impl Seen {
    #[cfg(test)]
    pub(super) fn add(&mut self, other: &Self) {
        for (&reason, count) in &other.closed_by {
            *self.closed_by.entry(reason).or_default() += count;
        }
        self.lapses += other.lapses;
        self.ramps += other.ramps;
        self.late_aborts += other.late_aborts;
        self.asked_again += other.asked_again;
        self.at_the_cap += other.at_the_cap;
        self.full += other.full;
        self.retired += other.retired;
        self.forgotten_hints += other.forgotten_hints;
        self.changes += other.changes;
        self.dials_to_the_dead += other.dials_to_the_dead;
        self.served_in_time += other.served_in_time;
        self.retried += other.retried;
        self.gave_place += other.gave_place;
        self.fresh += other.fresh;
        self.sleepers_served += other.sleepers_served;
        self.sleepers_waiting += other.sleepers_waiting;
        self.wanted += other.wanted;
        self.unwanted += other.unwanted;
        self.suspended += other.suspended;
        self.withdrawn += other.withdrawn;
        self.written_in_time += other.written_in_time;
        self.spreads.extend(&other.spreads);
    }

    pub(super) fn spread(&mut self, socket: &Socket, age: Option<Duration>) {
        if let (Some(born), Some(end), Some(age)) = (socket.born, socket.end_of_age, age) {
            let most = (age / 40).as_nanos().max(1);
            self.spreads.insert((born + age - end).as_nanos() * 16 / most);
        }
    }

    #[cfg(test)]
    pub(super) fn enough(&self) {
        for reason in [
            CloseReason::DialFailed,
            CloseReason::DialAborted,
            CloseReason::ClosedByServer,
            CloseReason::Truncated,
            CloseReason::Cancelled,
            CloseReason::KeepAliveOff,
            CloseReason::IdleTimeout,
            CloseReason::KeepAliveHint,
            CloseReason::MaxAge,
            CloseReason::MaxRequests,
            CloseReason::IdleLimit,
            CloseReason::Evicted,
            CloseReason::OverLimit,
            CloseReason::CloseIdle,
            CloseReason::AgentClosed,
            CloseReason::Destroyed,
            CloseReason::AgentDropped,
            CloseReason::Upgraded,
            CloseReason::Stale,
            CloseReason::Suspect,
            CloseReason::Suspended,
            CloseReason::DescriptorLimit,
            CloseReason::UnsolicitedBytes,
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
            ("turned away", self.full),
            ("retired", self.retired),
            ("forgotten hints", self.forgotten_hints),
            ("changed limits", self.changes),
            ("dials to dead origins", self.dials_to_the_dead),
            ("served in time", self.served_in_time),
            ("retried", self.retried),
            ("fresh", self.fresh),
            ("sleepers served", self.sleepers_served),
            ("sleepers waiting", self.sleepers_waiting),
            ("wanted", self.wanted),
            ("suspended", self.suspended),
            ("withdrawn", self.withdrawn),
        ] {
            assert!(count > 100, "{what}: {count}");
        }
        for (what, count) in [
            ("written once and served in time", self.written_in_time),
            ("gave their places", self.gave_place),
            ("unwanted dials", self.unwanted),
        ] {
            assert!(count > 15, "{what}: {count}");
        }
        assert!(self.spreads.len() > 12, "sockets are not too old one by one: {:?}", self.spreads);
    }
}

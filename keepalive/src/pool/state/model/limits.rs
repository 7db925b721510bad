//! Random limits, at the beginning and while everything goes on.

use std::time::Duration;

use super::rng::Rng;
use super::world::World;
use crate::Scheduling;
use crate::pool::state::{Hint, Limits};

/// How many limits there are.
const KINDS: usize = 10;

pub(super) fn random(rng: &mut Rng) -> Limits {
    let mut limits = Limits {
        max_sockets: 1,
        max_total_sockets: 1,
        max_free_sockets: 0,
        max_total_free_sockets: 0,
        max_queued: 0,
        free_socket_timeout: None,
        max_socket_age: None,
        max_requests_per_socket: None,
        keep_alive: true,
        scheduling: Scheduling::Lifo,
    };
    (0..KINDS).for_each(|kind| change(rng, &mut limits, kind));
    limits
}

/// Limits of a pool that has many idle sockets: none but the cap of an origin.
pub(super) fn roomy(rng: &mut Rng) -> Limits {
    Limits {
        max_total_sockets: 10 + rng.below(10),
        max_free_sockets: usize::MAX,
        max_total_free_sockets: usize::MAX,
        free_socket_timeout: None,
        max_socket_age: None,
        max_requests_per_socket: None,
        keep_alive: true,
        ..random(rng)
    }
}

/// What a server says with its response, if anything; around the margin of a second.
pub(super) fn hint(rng: &mut Rng) -> Hint {
    let timeout = match rng.below(10) {
        0 => Some(Duration::ZERO),
        1 => Some(Duration::from_secs(1)),
        2..7 => Some(Duration::from_millis(1000 + rng.below(200) as u64)),
        _ => None,
    };
    let max = if rng.percent(20) { u32::try_from(rng.below(3)).ok() } else { None };
    Hint { timeout, max }
}

fn change(rng: &mut Rng, limits: &mut Limits, kind: usize) {
    match kind {
        0 => limits.max_sockets = 1 + rng.below(6),
        1 => limits.max_total_sockets = 1 + rng.below(8),
        2 => limits.max_free_sockets = none_or(rng, 40, 4).unwrap_or(usize::MAX),
        3 => limits.max_total_free_sockets = none_or(rng, 40, 6).unwrap_or(usize::MAX),
        4 => limits.max_queued = none_or(rng, 60, 6).unwrap_or(usize::MAX),
        5 => limits.free_socket_timeout = none_or(rng, 40, 150).map(millis),
        6 => limits.max_socket_age = none_or(rng, 60, 200).map(millis),
        7 => limits.max_requests_per_socket = none_or(rng, 60, 4).map(|count| 1 + count as u64),
        8 => limits.keep_alive = rng.percent(85),
        _ => limits.scheduling = if rng.percent(50) { Scheduling::Lifo } else { Scheduling::Fifo },
    }
}

fn none_or(rng: &mut Rng, none: usize, end: usize) -> Option<usize> {
    let limit = rng.below(end);
    if rng.percent(none) { None } else { Some(limit) }
}

fn millis(count: usize) -> Duration {
    Duration::from_millis(1 + count as u64)
}

impl World {
    /// One limit, as each of the agent's setters does, or several at once, with immediate effect.
    pub(super) fn set_limits(&mut self) {
        if self.roomy && self.rng.percent(40) {
            return self.set_max_sockets();
        }
        let mut limits = *self.state.limits();
        let several = if self.rng.percent(50) { 1 } else { 2 + self.rng.below(KINDS) };
        for _ in 0..several {
            let kind = self.rng.below(KINDS);
            change(&mut self.rng, &mut limits, kind);
        }
        self.change_limits(limits);
    }

    fn change_limits(&mut self, limits: Limits) {
        self.seen.changes += 1;
        self.step(
            format!("now {limits:?}"),
            |state, now| state.set_limits(now, |it| *it = limits),
            |oracle, now| oracle.set_limits(|it| *it = limits, now),
        );
    }

    pub(super) fn set_max_sockets(&mut self) {
        let max_sockets = 1 + self.rng.below(5);
        self.change_limits(Limits { max_sockets, ..*self.state.limits() });
    }

    /// The caps become as low as can be.
    pub(super) fn lower_the_caps(&mut self) {
        let caps =
            Limits { max_sockets: 1, max_total_sockets: 1 + self.rng.below(2), ..*self.state.limits() };
        self.change_limits(caps);
    }
}

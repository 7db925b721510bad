//! Random events of a hard life: the process lacks descriptors, or was suspended.

use std::time::Duration;

use super::facts::{ORIGINS, Oracle, Phase};
use super::world::{Held, World};
use crate::pool::state::{CLAIM, Outcome, State};

impl World {
    /// Some dial of the process lacks a descriptor: an idle socket goes, or a dial of ours asks whether it
    /// is worth it.
    pub(super) fn lack_descriptors(&mut self) {
        if self.dialing.is_empty() || self.rng.percent(50) {
            let (did, expected) =
                self.step("evict the oldest".into(), State::evict_oldest, Oracle::evict_oldest);
            assert_eq!(did, expected);
            return;
        }
        let id = self.dialing[self.rng.below(self.dialing.len())];
        let key = self.keys[&id];
        let (wanted, expected) = self.step(
            format!("is the dial {id} wanted?"),
            |state, now| state.is_dial_wanted(key, now),
            |oracle, now| oracle.is_dial_wanted(id, now),
        );
        assert_eq!(wanted, expected);
        *(if wanted { &mut self.seen.wanted } else { &mut self.seen.unwanted }) += 1;
    }

    /// Around every limit there is: a moment, the time of an offer, of idle life, of trust.
    pub(super) fn suspend(&mut self) {
        let gap = match self.rng.below(8) {
            0..5 => Duration::from_millis(1 + self.rng.below(60) as u64),
            5 => CLAIM + Duration::from_millis(self.rng.below(100) as u64),
            6 => Duration::from_millis(14_900 + self.rng.below(200) as u64),
            _ => Duration::from_secs(60),
        };
        let offered = self.oracle.sockets.iter().filter(|it| matches!(it.phase, Phase::Offered(..)));
        self.seen.withdrawn += offered.count() as u64;
        self.seen.suspended += 1;
        self.step(
            format!("suspended for {gap:?}"),
            |state, now| state.suspended(gap, now),
            |oracle, now| oracle.suspended(gap, now),
        );
    }

    /// A server was started anew: all requests on its old sockets find them stale. Often that is the moment
    /// in which somebody thinks of fewer sockets.
    pub(super) fn restart(&mut self) {
        let origin = self.rng.below(ORIGINS);
        (0..self.rng.below(6)).for_each(|_| self.ask_at(origin));
        (0..2).for_each(|_| self.lull());
        (0..self.rng.below(6)).for_each(|_| self.ask_at(origin));
        if self.rng.percent(40) {
            // Dials for nobody: fresh sockets are there when they are wanted.
            self.now += Duration::from_millis(1);
            (0..2).for_each(|_| self.cancel());
            (0..self.dialing.len()).for_each(|_| self.end_dial());
        }
        if self.rng.percent(50) {
            self.set_max_sockets();
        }
        let is_here = |held: &Held| !held.written && held.request.is_some_and(|(_, at)| at == origin);
        while let Some(at) = self.held.iter().position(is_here) {
            let held = self.held.swap_remove(at);
            let (ticket, origin) = held.request.expect("it serves one");
            self.retry(held.id, ticket, origin);
        }
    }

    /// All dials succeed, all who were woken take what they got, and the responses come.
    pub(super) fn lull(&mut self) {
        (0..self.dialing.len()).for_each(|_| self.end_dial());
        while let Some(at) = self.waiting.iter().position(|it| it.woken) {
            self.poll_at(at);
        }
        while let Some(at) = self.held.iter().position(|held| held.request.is_some()) {
            let held = self.held.swap_remove(at);
            self.release(held.id, Some(Outcome::Done));
        }
        (0..self.closing.len()).for_each(|_| self.end_closing());
    }
}

//! Random events of sockets: how dials, uses, closings and looks at idle ones end.

use super::facts::{Ask, Phase, Socket};
use super::limits;
use super::world::{Held, World};
use crate::CloseReason;
use crate::pool::state::{Hint, Outcome, Ticket};

impl World {
    /// A dial succeeds, fails, stops as it was told, or dies with its runtime.
    pub(super) fn end_dial(&mut self) {
        let Some(id) = self.rng.take(&mut self.dialing) else { return };
        let key = self.keys[&id];
        match self.rng.below(100) {
            0..70 => {
                self.seen.late_aborts += u64::from(self.oracle.socket(id).phase == Phase::Aborting);
                let name = format!("{id} is dialled");
                let &Socket { phase, origin, .. } = self.oracle.socket(id);
                self.dead[origin] &= phase != Phase::Dialing;
                self.step(name, |state, now| state.dialed(key, now), |oracle, now| oracle.dialed(id, now));
                self.seen.spread(self.oracle.socket(id), self.oracle.limits.max_socket_age);
            }
            70..85 => {
                let &Socket { phase, origin, .. } = self.oracle.socket(id);
                self.dead[origin] |= phase == Phase::Dialing;
                let (failed, expected) = self.step(
                    format!("{id} cannot be dialled"),
                    |state, now| state.dial_failed(key, now).map(|waiter| state.waiters[waiter.0].ticket),
                    |oracle, now| oracle.dial_failed(id, now),
                );
                assert_eq!(failed, expected, "whom the dial failed");
                self.closing.push(id);
            }
            _ => self.closed(id),
        }
    }

    /// Whoever holds a socket does the next thing with it.
    pub(super) fn end_use(&mut self) {
        let Some(held) = self.rng.take(&mut self.held) else { return };
        let chance = if self.roomy && self.rng.percent(50) { 50 } else { self.rng.below(100) };
        match (held.request, self.oracle.socket(held.id).phase) {
            (Some((ticket, origin)), _) if held.untouched && chance < 20 => {
                self.ask_again(held.id, ticket, origin, held.written);
            }
            (Some((ticket, origin)), _) if (30..40).contains(&chance) && !held.written => {
                self.retry(held.id, ticket, origin);
            }
            (Some(_), _) if held.untouched && chance < 30 => self.put_back(held.id, Some(Outcome::Cancelled)),
            (Some(_), _) if chance < 70 => self.release(held.id, Some(Outcome::Done)),
            (Some(_), _) if chance < 80 => self.drain(held.id),
            (Some(_), _) if chance < 85 => self.upgrade(held.id),
            (Some(_), _) if chance < 90 => {
                self.start_closing(held.id, CloseReason::Stale, Some(Outcome::Failed));
            }
            (Some(_), _) => self.start_closing(held.id, CloseReason::Truncated, Some(Outcome::Failed)),
            (None, Phase::Active) if chance < 50 => self.put_back(held.id, None),
            (None, Phase::Draining | Phase::Closing(_)) if chance < 50 => self.release(held.id, None),
            // Dropped by a guard that says no more than that.
            (None, _) if chance < 60 => self.closed(held.id),
            (None, Phase::Active) => self.found_dead(held.id),
            (None, _) => self.start_closing(held.id, CloseReason::ClosedByServer, None),
        }
    }

    /// The socket proves dead before anything was written; its request asks again.
    pub(super) fn ask_again(&mut self, id: u64, ticket: Ticket, origin: usize, written: bool) {
        self.found_dead(id);
        self.seen.asked_again += 1;
        self.request(ticket, origin, if written { Ask::Fresh } else { Ask::Again });
    }

    /// It proves stale when its request is written to it, which is written once more.
    pub(super) fn retry(&mut self, id: u64, ticket: Ticket, origin: usize) {
        self.start_closing(id, CloseReason::Stale, None);
        self.seen.retried += 1;
        self.request(ticket, origin, Ask::Retry);
    }

    pub(super) fn end_closing(&mut self) {
        if let Some(id) = self.rng.take(&mut self.closing) {
            self.closed(id);
        }
    }

    /// Something happened on an idle socket; or so a waker said, late.
    pub(super) fn inspect(&mut self) {
        let ids: Vec<_> = self.keys.keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        let id = ids[self.rng.below(ids.len())];
        let key = self.keys[&id];
        let (idle, expected) = self.step(
            format!("{id} is looked at"),
            |state, _| state.inspect(key, id),
            |oracle, _| {
                let open = oracle.sockets.iter_mut().find(|it| it.id == id);
                let idle = open.map(|it| {
                    it.stirred |= it.phase != Phase::Idle;
                    it.phase == Phase::Idle
                });
                if idle == Some(true) {
                    oracle.look_at(id);
                }
                idle.unwrap_or(false)
            },
        );
        assert_eq!(idle, expected);
        if idle {
            self.held.push(Held { id, request: None, written: false, untouched: true });
        }
    }

    pub(super) fn release(&mut self, id: u64, outcome: Option<Outcome>) {
        let key = self.keys[&id];
        let is_silent = self.roomy && self.rng.percent(85);
        let hint = if is_silent { Hint::default() } else { limits::hint(&mut self.rng) };
        let before = self.oracle.socket(id).hint.timeout;
        self.seen.forgotten_hints += u64::from(before.is_some() && before != hint.timeout);
        self.step(
            format!("{id} is released, {hint:?}"),
            |state, now| {
                let reused = state.served(key) > 1;
                outcome.into_iter().for_each(|outcome| state.finish(outcome, reused));
                state.heed(key, hint);
                state.release(key, now);
            },
            |oracle, now| {
                let reused = oracle.socket(id).served > 1;
                outcome.into_iter().for_each(|outcome| oracle.finish(outcome, reused));
                oracle.release(id, hint, now);
            },
        );
    }

    fn put_back(&mut self, id: u64, outcome: Option<Outcome>) {
        let key = self.keys[&id];
        self.step(
            format!("{id} is put back"),
            |state, now| {
                outcome.into_iter().for_each(|outcome| state.finish(outcome, false));
                state.put_back(key, now);
            },
            |oracle, now| {
                outcome.into_iter().for_each(|outcome| oracle.finish(outcome, false));
                oracle.socket_mut(id).served -= u64::from(outcome.is_some());
                oracle.put_back(id, now);
            },
        );
    }

    fn drain(&mut self, id: u64) {
        let key = self.keys[&id];
        self.held.push(Held { id, request: None, written: false, untouched: false });
        self.step(
            format!("{id} is read off"),
            |state, _| {
                state.finish(Outcome::Done, false);
                state.drain(key);
            },
            |oracle, _| {
                oracle.finish(Outcome::Done, false);
                if oracle.socket(id).phase == Phase::Active {
                    oracle.socket_mut(id).phase = Phase::Draining;
                }
            },
        );
    }

    fn upgrade(&mut self, id: u64) {
        let key = self.keys[&id];
        self.held.push(Held { id, request: None, written: false, untouched: false });
        self.step(
            format!("{id} is upgraded"),
            |state, now| {
                state.finish(Outcome::Done, false);
                state.upgrade(key, now);
            },
            |oracle, now| {
                oracle.finish(Outcome::Done, false);
                oracle.upgrade(id, now);
            },
        );
    }

    fn start_closing(&mut self, id: u64, reason: CloseReason, outcome: Option<Outcome>) {
        let key = self.keys[&id];
        self.closing.push(id);
        self.step(
            format!("{id} is being closed: {reason:?}"),
            |state, _| {
                outcome.into_iter().for_each(|outcome| state.finish(outcome, false));
                state.closing(key, reason);
            },
            |oracle, _| {
                outcome.into_iter().for_each(|outcome| oracle.finish(outcome, false));
                oracle.closing(id, reason);
            },
        );
    }

    /// What was idle until it was taken, to be used or only looked at, is dead.
    fn found_dead(&mut self, id: u64) {
        let key = self.keys[&id];
        let server = self.rng.percent(70);
        let reason = if server { CloseReason::ClosedByServer } else { CloseReason::UnsolicitedBytes };
        self.closing.push(id);
        self.step(
            format!("{id} is dead: {reason}"),
            |state, now| state.found_dead(key, reason, now),
            |oracle, now| oracle.found_dead(id, reason, now),
        );
    }

    fn closed(&mut self, id: u64) {
        let key = self.keys[&id];
        self.step(
            format!("{id} is closed"),
            |state, now| state.closed(key, now),
            |oracle, now| oracle.closed(id, now),
        );
        // A waker may still name it, with a key that is another socket's by then.
        if self.rng.percent(70) {
            self.keys.remove(&id);
        }
    }
}

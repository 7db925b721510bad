//! The model's events: what each changes before anything is decided.

use std::time::Instant;

use super::facts::{ALL, Answer, Ask, Oracle, Phase, Place, Socket, Todo, Waiter};
use crate::CloseReason;
use crate::pool::state::{Hint, Limits, Mode, Outcome, Ticket};

impl Oracle {
    pub(super) fn arrive(&mut self) -> bool {
        self.totals.requests += 1;
        let taken = matches!(self.mode, Mode::Open | Mode::Orphaned);
        *(if taken { &mut self.totals.running } else { &mut self.totals.failed }) += 1;
        taken
    }

    /// A request asks, for the first time or again.
    pub(super) fn request(&mut self, origin: usize, ticket: Ticket, ask: Ask, now: Instant) -> Answer {
        self.totals.retried += u64::from(ask == Ask::Retry);
        let fresh = matches!(ask, Ask::Retry | Ask::Fresh);
        if self.mode == Mode::Destroyed {
            self.finish(Outcome::Failed, false);
            return Answer::Failed;
        }
        self.expire(now);
        if let Some(id) = if fresh { None } else { self.pick(origin, None, now) } {
            self.take(id);
            self.settle(&[], now);
            return Answer::Go(id);
        }
        self.totals.running -= 1;
        let entered = self.next_moment();
        self.waiters.push(Waiter { ticket, origin, entered, since: now, fresh, place: Place::Queued });
        self.settle(&[origin], now);
        let waiting = self.waiting_in_vain();
        if ask == Ask::New && waiting.contains(&ticket) && waiting.len() > self.limits.max_queued {
            self.leave(ticket, Outcome::Failed, now);
            return Answer::Full;
        }
        Answer::Wait
    }

    pub(super) fn poll(&mut self, ticket: Ticket, now: Instant) -> Answer {
        self.expire(now);
        let waiter = self.waiter(ticket);
        let (origin, fresh) = (waiter.origin, waiter.fresh_since());
        let socket = match waiter.place {
            Place::Offered(id) => Some(id),
            Place::Asleep => self.pick(origin, fresh, now),
            Place::Queued | Place::Failed => None,
        };
        if let Some(id) = socket {
            self.waiters.retain(|waiter| waiter.ticket != ticket);
            self.totals.running += 1;
            self.take(id);
            self.settle(&[], now);
            return Answer::Go(id);
        }
        match self.waiter(ticket).place {
            Place::Failed => {
                self.waiters.retain(|waiter| waiter.ticket != ticket);
                self.totals.failed += 1;
                self.settle(&[], now);
                Answer::Failed
            }
            Place::Asleep => {
                self.waiter(ticket).place = Place::Queued;
                self.settle(&[origin], now);
                Answer::Wait
            }
            Place::Queued | Place::Offered(_) => {
                self.settle(&[], now);
                Answer::Wait
            }
        }
    }

    pub(super) fn leave(&mut self, ticket: Ticket, outcome: Outcome, now: Instant) {
        let (origin, place) = (self.waiter(ticket).origin, self.waiter(ticket).place);
        if let Place::Offered(id) = place {
            self.resume(id, now);
        }
        self.waiters.retain(|waiter| waiter.ticket != ticket);
        let cancelled = outcome == Outcome::Cancelled;
        *(if cancelled { &mut self.totals.cancelled } else { &mut self.totals.failed }) += 1;
        self.settle(&[origin], now);
    }

    pub(super) fn dialed(&mut self, id: u64, now: Instant) {
        self.expire(now);
        let origin = self.socket(id).origin;
        if self.socket(id).phase == Phase::Dialing {
            self.pace[origin].refused = false;
            let opened = self.next_moment();
            let socket = self.socket_mut(id);
            (socket.born, socket.opened) = (Some(now), opened);
            self.learn_age(id);
            self.park(id, now);
        } else {
            self.shut(id, CloseReason::DialAborted);
        }
        self.settle(&[origin], now);
    }

    pub(super) fn dial_failed(&mut self, id: u64, now: Instant) -> Option<Ticket> {
        let &Socket { origin, phase, began, .. } = self.socket(id);
        if phase != Phase::Dialing {
            return None;
        }
        self.socket_mut(id).phase = Phase::Closing(CloseReason::DialFailed);
        self.pace[origin].refused = true;
        let queue = self.queue(origin).into_iter();
        let failed = queue.filter(|&(_, entered)| entered < began).map(|(ticket, _)| ticket).next();
        failed.into_iter().for_each(|ticket| self.fail(ticket));
        self.settle(&[origin], now);
        failed
    }

    /// A request gives its clean socket back; its server said `hint`, and nothing it said before counts.
    pub(super) fn release(&mut self, id: u64, hint: Hint, now: Instant) {
        self.socket_mut(id).hint = hint;
        self.expire(now);
        match (self.socket(id).phase, self.spent(id, now)) {
            (Phase::Active | Phase::Draining, Some(reason)) => self.shut(id, reason),
            (Phase::Active | Phase::Draining, None) => self.park(id, now),
            _ => self.todo.push(Todo::Close(id)),
        }
        self.settle(&[self.socket(id).origin], now);
    }

    /// A socket that was taken and not used.
    pub(super) fn put_back(&mut self, id: u64, now: Instant) {
        match self.socket(id).phase {
            Phase::Active => self.resume(id, now),
            _ => self.todo.push(Todo::Close(id)),
        }
        self.settle(&[self.socket(id).origin], now);
    }

    pub(super) fn upgrade(&mut self, id: u64, now: Instant) {
        if self.socket(id).phase == Phase::Active {
            self.expire(now);
            self.socket_mut(id).phase = Phase::Upgraded(None);
            self.settle(&[self.socket(id).origin], now);
        }
    }

    pub(super) fn closing(&mut self, id: u64, reason: CloseReason) {
        if reason == CloseReason::Stale {
            let &Socket { origin, since, .. } = self.socket(id);
            for suspect in self.idle(Some(origin)) {
                if self.socket(suspect).since <= since {
                    self.shut(suspect, CloseReason::Suspect);
                    self.socket_mut(suspect).lingers = true;
                }
            }
        }
        let socket = self.socket_mut(id);
        match socket.phase {
            Phase::Closing(_) | Phase::Upgraded(Some(_)) => {}
            Phase::Upgraded(None) => socket.phase = Phase::Upgraded(Some(CloseReason::Upgraded)),
            _ => {
                socket.phase = Phase::Closing(reason);
                socket.lingers = true;
            }
        }
    }

    pub(super) fn closed(&mut self, id: u64, now: Instant) {
        self.expire(now);
        let at = self.sockets.iter().position(|socket| socket.id == id).expect("it is open");
        let Socket { origin, phase, ticket, .. } = self.sockets.remove(at);
        let reason = match phase {
            Phase::Closing(reason) | Phase::Upgraded(Some(reason)) => reason,
            Phase::Upgraded(None) => CloseReason::Upgraded,
            Phase::Dialing | Phase::Aborting => CloseReason::DialAborted,
            Phase::Active | Phase::Draining => CloseReason::Cancelled,
            Phase::Idle | Phase::Offered(..) => panic!("{id} belongs to the pool"),
        };
        self.totals.closed += 1;
        *self.closed_by.entry(reason).or_default() += 1;
        if phase == Phase::Dialing && self.queue(origin).iter().any(|&(other, _)| other == ticket) {
            self.fail(ticket);
        }
        self.settle(&[origin], now);
    }

    pub(super) fn finish(&mut self, outcome: Outcome, reused: bool) {
        self.totals.running -= 1;
        self.totals.reused += u64::from(reused);
        *(match outcome {
            Outcome::Done => &mut self.totals.done,
            Outcome::Failed => &mut self.totals.failed,
            Outcome::Cancelled => &mut self.totals.cancelled,
        }) += 1;
    }

    pub(super) fn close_idle(&mut self, now: Instant, reason: CloseReason) {
        for id in self.idle(None) {
            self.shut(id, reason);
        }
        self.settle(&ALL, now);
    }

    /// What there is goes when it is free; what comes later stays.
    pub(super) fn retire(&mut self, now: Instant) {
        self.sockets.iter_mut().for_each(|socket| socket.retired = true);
        self.close_idle(now, CloseReason::AgentClosed);
    }

    pub(super) fn set_limits(&mut self, change: impl FnOnce(&mut Limits), now: Instant) {
        change(&mut self.limits);
        self.review(now);
    }

    pub(super) fn destroy(&mut self, now: Instant, stay_open: bool) {
        self.mode = Mode::Destroyed;
        for waiter in &mut self.waiters {
            waiter.place = Place::Failed;
            self.todo.push(Todo::Wake(waiter.ticket));
        }
        for socket in &mut self.sockets {
            (socket.phase, self.todo) = match socket.phase {
                Phase::Dialing => (Phase::Aborting, with(&self.todo, Todo::Abort(socket.id))),
                Phase::Idle | Phase::Offered(..) => {
                    (Phase::Closing(CloseReason::Destroyed), with(&self.todo, Todo::Close(socket.id)))
                }
                Phase::Active | Phase::Draining => {
                    (Phase::Closing(CloseReason::Destroyed), with(&self.todo, Todo::Shutdown(socket.id)))
                }
                Phase::Upgraded(None) => (
                    Phase::Upgraded(Some(CloseReason::Destroyed)),
                    with(&self.todo, Todo::Shutdown(socket.id)),
                ),
                phase => (phase, self.todo.clone()),
            };
        }
        self.settle(&ALL, now);
        if stay_open {
            self.mode = Mode::Open;
        }
    }

    pub(super) fn tick(&mut self, now: Instant) {
        self.expire(now);
        self.settle(&[], now);
        let mut offers: Vec<_> = self
            .sockets
            .iter()
            .filter_map(|socket| match socket.phase {
                Phase::Offered(ticket, until) if until <= now => {
                    Some((until, socket.parked, socket.id, ticket))
                }
                _ => None,
            })
            .collect();
        offers.sort();
        for (_, _, id, ticket) in offers {
            self.waiter(ticket).place = Place::Asleep;
            self.resume(id, now);
            self.settle(&[self.socket(id).origin], now);
        }
        loop {
            // Of those due at the same instant the first in the machine's order.
            let due = self.order.into_iter().filter(|&it| self.pace[it].ramp_at.is_some_and(|at| at <= now));
            let Some(origin) = due.min_by_key(|&it| self.pace[it].ramp_at) else { break };
            self.pace[origin].ramp *= 2;
            self.pace[origin].ramp_at = None;
            self.settle(&[origin], now);
        }
    }
}

fn with(todo: &[Todo], more: Todo) -> Vec<Todo> {
    [todo, &[more]].concat()
}

//! The random events.

use std::time::Duration;

use super::world::{Held, ORIGINS, Waiting, World, origin};
use crate::pool::state::waiters::Place;
use crate::pool::state::{CLAIM, Outcome, State, Ticket, WaiterKey};
use crate::{CloseReason, Protocol, Scheduling};

impl World {
    pub(super) fn event(&mut self) {
        match self.rng.below(100) {
            0..24 => self.ask(),
            24..40 => self.poll(),
            40..44 => self.cancel(),
            44..56 => self.end_dial(),
            56..70 => self.end_use(),
            70..76 => self.end_closing(),
            76..81 => self.allow(),
            81..85 => self.end_connection(),
            85..94 => self.pass(),
            94..97 => self.set_limits(),
            _ => self.rarely(),
        }
    }

    fn ask(&mut self) {
        // Without quiet times there would hardly be idle sockets.
        if self.rng.percent(3) {
            self.crowd = self.rng.below(20);
        }
        if self.waiting.len() <= self.crowd {
            self.ask_somewhere();
        }
    }

    fn ask_somewhere(&mut self) {
        let at = self.rng.below(ORIGINS);
        let ticket = self.state.arrive().expect("the agent is open");
        self.ask_for(ticket, at, false);
    }

    fn ask_for(&mut self, ticket: Ticket, at: usize, fresh: bool) {
        let entered = self.next_moment();
        let queued = self.queued(at);
        let (turn, after) = self.run(format!("{ticket:?} asks {at}, fresh: {fresh}"), |state, now| {
            if fresh {
                state.request_again(&origin(at), ticket, now)
            } else {
                state.request(&origin(at), ticket, now)
            }
        });
        let got = matches!(turn, crate::pool::state::Turn::Go(_));
        assert!(!got || fresh || queued.iter().all(|it| it.1), "{ticket:?} got in before {queued:?}");
        let key = WaiterKey(usize::MAX);
        self.turn(turn, Waiting { ticket, origin: at, key, woken: false, fresh, entered });
        self.check(&after);
    }

    /// Mostly somebody who was woken.
    fn poll(&mut self) {
        let woken = self.waiting.iter().position(|it| it.woken).filter(|_| self.rng.percent(80));
        let any = (!self.waiting.is_empty()).then(|| self.rng.below(self.waiting.len()));
        woken.or(any).into_iter().for_each(|at| self.poll_at(at));
    }

    fn poll_at(&mut self, at: usize) {
        let waiting = self.waiting.swap_remove(at);
        let reserved = matches!(self.state.waiters[waiting.key.0].place, Place::Reserved { .. });
        self.seen.count("a reservation taken up", usize::from(reserved));
        let poll = format!("{:?} polls", waiting.ticket);
        let (turn, after) = self.run(poll, |state, now| state.poll_waiter(waiting.key, now));
        self.turn(turn, waiting);
        self.check(&after);
    }

    fn cancel(&mut self) {
        let Some(waiting) = self.rng.take(&mut self.waiting) else { return };
        self.step(format!("{:?} leaves", waiting.ticket), |state, now| {
            state.leave_queue(waiting.key, Outcome::Cancelled, now);
        });
    }

    pub(super) fn may_share(&self, at: usize) -> bool {
        match self.protocol {
            Protocol::Http1 => false,
            Protocol::Auto | Protocol::Http2 => origin(at).is_secure(),
            Protocol::Http2PriorKnowledge => true,
        }
    }

    fn end_dial(&mut self) {
        let Some(id) = self.rng.take(&mut self.dialing) else { return };
        let (key, at) = (self.sockets[&id].key, self.sockets[&id].origin);
        let is_dial =
            matches!(self.state.sockets[key.0].phase, crate::pool::state::phase::Phase::Dialing { .. });
        match self.rng.below(100) {
            0..80 => {
                if self.protocol == Protocol::Auto && self.rng.percent(15) {
                    self.minds[at] = !self.minds[at];
                }
                let shares = self.may_share(at) && (self.protocol != Protocol::Auto || self.minds[at]);
                let opened = self.next_moment();
                let allowed = [usize::MAX, usize::MAX, self.max_streams, 1, 0][self.rng.below(5)];
                if is_dial {
                    let limit = shares.then_some(self.max_streams.min(allowed));
                    let socket = self.sockets.get_mut(&id).expect("it is there");
                    (socket.opened, socket.limit) = (Some(opened), limit);
                    if self.may_share(at) && self.protocol == Protocol::Auto {
                        let waited = self.chosen[at].is_none() && !shares && self.queued(at).len() > 1;
                        self.seen.count("a choice of HTTP/1.1 after waiting", usize::from(waited));
                        let changed = self.chosen[at].is_some_and(|before| before != shares);
                        self.seen.count("a server that changed its mind", usize::from(changed));
                        self.chosen[at] = Some(shares);
                    }
                }
                self.step(format!("{id} is dialled, shared: {shares}, {allowed} allowed"), |state, now| {
                    if shares { state.dialed_shared(key, allowed, now) } else { state.dialed(key, now) }
                });
            }
            80..92 => {
                self.step(format!("{id} cannot be dialled"), |state, now| state.dial_failed(key, now));
                self.closing.push(id);
            }
            _ => self.closed(id),
        }
    }

    fn end_use(&mut self) {
        if let Some(held) = self.rng.take(&mut self.held) {
            self.end_held(held);
        }
    }

    fn end_held(&mut self, held: Held) {
        let Held { id, ticket, origin, .. } = held;
        let Some(socket) = self.sockets.get(&id).copied() else {
            // Its connection is gone: it is told too late, or asks again.
            self.seen.count("told too late", 1);
            if self.rng.percent(50) {
                return self.ask_for(ticket, origin, true);
            }
            self.step(format!("{ticket:?} fails"), |state, _| state.finish(Outcome::Failed, false));
            return;
        };
        let key = socket.key;
        if socket.limit.is_none() {
            return self.step(format!("{ticket:?} releases {id}"), |state, now| {
                state.finish(Outcome::Done, false);
                state.release(key, now);
            });
        }
        let queued = self.queued(origin).len();
        if self.rng.percent(8) {
            // The peer refused the stream: it gives it back, and asks for a fresh connection.
            self.step(format!("{ticket:?} is refused by {id}"), |state, now| {
                state.release_stream(key, id, now);
            });
            return self.ask_for(ticket, origin, true);
        }
        self.step(format!("{ticket:?} gives its stream of {id} back"), |state, now| {
            state.finish(Outcome::Done, false);
            state.release_stream(key, id, now);
        });
        let served = queued.saturating_sub(self.queued(origin).len());
        self.seen.count("a waiter served by credit that came back", served);
    }

    fn end_closing(&mut self) {
        if let Some(id) = self.rng.take(&mut self.closing) {
            self.closed(id);
        }
    }

    fn closed(&mut self, id: u64) {
        let socket = self.sockets.remove(&id).expect("it is there");
        self.step(format!("{id} is closed"), |state, now| state.closed(socket.key, now));
    }

    /// Shared sockets that carry, or could.
    fn carriers(&self) -> Vec<u64> {
        let carries = |id: &u64| self.sockets[id].limit.is_some() && !self.closing.contains(id);
        self.sockets.keys().copied().filter(carries).collect()
    }

    fn allow(&mut self) {
        let carriers = self.carriers();
        if !carriers.is_empty() {
            let id = carriers[self.rng.below(carriers.len())];
            let limit = if self.rng.percent(30) { 0 } else { self.rng.below(self.max_streams + 2) };
            self.allow_so_many(id, limit);
        }
    }

    fn allow_so_many(&mut self, id: u64, limit: usize) {
        let key = self.sockets[&id].key;
        let reserved = self.state.reserved.len();
        let socket = self.sockets.get_mut(&id).expect("it is there");
        socket.limit = Some(limit.min(self.max_streams));
        self.step(format!("{id} may carry {limit}"), |state, now| state.allow_streams(key, id, limit, now));
        self.seen.count("a reservation withdrawn", reserved.saturating_sub(self.state.reserved.len()));
        self.seen.count("a socket allowed nothing", usize::from(limit == 0));
    }

    /// The peer takes no more, or the connection breaks, or its task is gone without a word.
    fn end_connection(&mut self) {
        let carriers = self.carriers();
        if carriers.is_empty() {
            return;
        }
        let id = carriers[self.rng.below(carriers.len())];
        let (key, way) = (self.sockets[&id].key, self.rng.below(10));
        let held = self.held.iter().filter(|it| it.id == id).count();
        if way == 0 {
            self.seen.count("broken under streams", held.min(1));
            return self.closed(id);
        }
        let expected = self.victim(id);
        self.sockets.get_mut(&id).expect("it is there").ended = true;
        let reason = CloseReason::IoError;
        let failed = if way < 6 {
            self.seen.count("streams in use at the end", held.min(1));
            self.step(format!("{id} takes no more"), |state, now| {
                state.end_streams(key, id, reason, now).map(|it| state.waiters[it.0].ticket)
            })
        } else {
            self.seen.count("broken under streams", held.min(1));
            let failed = self.step(format!("{id} breaks"), |state, now| {
                state.broken(key, id, reason, now).map(|it| state.waiters[it.0].ticket)
            });
            // Its time may have been up.
            if !self.closing.contains(&id) {
                self.closing.push(id);
            }
            failed
        };
        self.seen.count("an unused socket ended", usize::from(self.sockets[&id].served == 0));
        self.seen.count("a request failed for an unused socket", usize::from(failed.is_some()));
        if let Some(expected) = expected {
            assert_eq!(failed, expected, "whom the end of {id} failed");
        }
    }

    /// Whom the end of an unused connection fails: the oldest who was awake, or reserved a stream of it, and
    /// was there before it. `None`: its idle time is up anyway, or it failed somebody before.
    fn victim(&self, id: u64) -> Option<Option<Ticket>> {
        let socket = self.sockets[&id];
        let machine = &self.state.sockets[socket.key.0];
        let expired = self.state.next_expiry().is_some_and(|at| at <= self.now);
        if expired || socket.ended || machine.streams.is_some_and(|it| it.limit == 0) {
            return None;
        }
        if socket.served > 0 {
            return Some(None);
        }
        let could_have = |it: &&Waiting| match self.state.waiters[it.key.0].place {
            Place::Queued => it.origin == socket.origin,
            Place::Reserved { socket: on, .. } => on == socket.key,
            _ => false,
        };
        let there = self.waiting.iter().filter(could_have);
        Some(there.filter(|it| Some(it.entered) < socket.opened).map(|it| it.ticket).min())
    }

    fn pass(&mut self) {
        let due = self.state.next_deadline().map(|at| at.saturating_duration_since(self.now));
        self.now += match self.rng.below(10) {
            0..5 => Duration::from_micros(self.rng.below(4000) as u64),
            5..9 => due.unwrap_or_default(),
            _ => CLAIM + Duration::from_millis(20),
        };
        if self.rng.percent(80) {
            self.tick();
        }
    }

    fn tick(&mut self) {
        let overdue = self.waiting.iter().filter(|it| match self.state.waiters[it.key.0].place {
            Place::Reserved { until, .. } => until <= self.now,
            _ => false,
        });
        let overdue = overdue.count();
        self.seen.count("a reservation lapsed", overdue);
        self.step("tick".into(), State::tick);
        assert!(self.state.next_deadline().is_none_or(|at| at > self.now), "what is due is done");
    }

    fn set_limits(&mut self) {
        let (kind, rng) = (self.rng.below(9), &mut self.rng);
        let mut limits = *self.state.limits();
        let some = rng.percent(50);
        match kind {
            0 | 1 => limits.max_sockets = 1 + rng.below(4),
            2 | 3 => limits.max_total_sockets = 1 + rng.below(7),
            4 => limits.max_free_sockets = if some { rng.below(3) } else { usize::MAX },
            5 => limits.max_requests_per_socket = some.then(|| 1 + rng.below(6) as u64),
            6 => limits.max_socket_age = some.then(|| Duration::from_millis(1 + rng.below(100) as u64)),
            7 => limits.keep_alive = rng.percent(80),
            _ => limits.scheduling = if some { Scheduling::Lifo } else { Scheduling::Fifo },
        }
        self.step(format!("now {limits:?}"), |state, now| state.set_limits(now, |it| *it = limits));
    }

    fn rarely(&mut self) {
        match self.rng.below(100) {
            0..40 => self.close_idle(),
            40..65 => self.step("retire".into(), State::retire),
            65..80 => self.step("destroy".into(), |state, now| state.destroy(now, true)),
            _ => {
                let gap = Duration::from_millis(self.rng.below(200) as u64);
                self.step(format!("suspended for {gap:?}"), |state, now| state.suspended(gap, now));
            }
        }
    }

    fn close_idle(&mut self) {
        self.step("close_idle".into(), |state, now| state.close_idle(now, CloseReason::CloseIdle));
    }

    /// Something that brings the end nearer.
    pub(super) fn end(&mut self) {
        self.cancel();
        self.end_use();
        self.end_dial();
        self.end_closing();
        if self.waiting.is_empty() && self.held.is_empty() {
            self.close_idle();
        }
    }

    /// Everybody does his part, and newcomers keep coming. Each use lasts into the next round, so that the
    /// streams of a connection never all end at once. Those who wait now are served, or fail, within a
    /// number of rounds that depends on their own number alone.
    pub(super) fn nobody_starves(&mut self) {
        let old: Vec<_> = self.waiting.iter().map(|it| it.ticket).collect();
        let begin = self.rounds;
        while self.waiting.iter().any(|it| old.contains(&it.ticket)) {
            self.rounds += 1;
            let rounds = self.rounds - begin;
            assert!(rounds < 15 + 5 * old.len() as u64, "{old:?} waited, of them still {:?}", self.waiting);
            (0..3).for_each(|_| self.ask_somewhere());
            (0..self.closing.len()).for_each(|_| self.end_closing());
            (0..self.dialing.len()).for_each(|_| self.end_dial());
            for id in self.carriers() {
                if self.sockets[&id].limit == Some(0) {
                    self.allow_so_many(id, 1);
                }
            }
            let ready = |it: &Held| it.round < self.rounds;
            let ending: Vec<_> = self.held.iter().copied().filter(ready).collect();
            for held in ending {
                let at = self.held.iter().position(|it| it.ticket == held.ticket).expect("it is held");
                self.held.swap_remove(at);
                self.end_held(held);
            }
            for ticket in self.waiting.iter().map(|it| it.ticket).collect::<Vec<_>>() {
                let at = self.waiting.iter().position(|it| it.ticket == ticket);
                at.into_iter().for_each(|at| self.poll_at(at));
            }
            let deadline = self.state.next_deadline();
            self.now = deadline.unwrap_or(self.now + Duration::from_millis(1)).max(self.now);
            self.tick();
        }
        self.seen.count("served in time", old.len());
    }
}

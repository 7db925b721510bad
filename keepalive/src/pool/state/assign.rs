//! The one decision: who gets which socket, and who may open one. It runs after every event.

use std::time::Instant;

use super::list::from;
use super::origins::Record;
use super::phase::Phase;
use super::{Limits, Mode, OriginKey, SocketKey, State, Ticket, WaiterKey};
use crate::CloseReason;

/// What a socket that is idle or takes more is good for.
enum Next {
    /// This waiter can have it.
    Offer(WaiterKey, SocketKey),
    /// Only its place: a waiter that needs a fresh socket has none to dial in.
    Close(SocketKey),
    /// The same of one in use.
    End(SocketKey),
}

impl State {
    /// Brings `origin` and the total cap into order after an event.
    pub(super) fn assign(&mut self, origin: OriginKey, now: Instant) {
        if self.is_in_order(origin) {
            // The one just freed may be over at once, by its server's word.
            return self.expire(now);
        }
        self.shed(origin);
        self.shed_total(now);
        // Most events leave nobody waiting anywhere: then there is nothing to give and no dial to weigh.
        while !self.is_quiet(origin) {
            self.hand_over(origin, now);
            self.weigh(origin, now);
            self.dial(now);
            // Something is left only if an older waiter elsewhere came first and a socket made room for it.
            if !self.make_room(now) && self.next_of(origin, now).is_none() {
                break;
            }
        }
        // The one just freed may be over at once, by its server's word, and counts no more then.
        self.expire(now);
        self.trim(origin, now);
        self.trim_total(now);
        self.open(now);
        self.forget(origin);
    }

    /// Brings all origins into order. Each step is done for all of them before the next, so that their
    /// places in the slab decide nothing.
    pub(super) fn assign_all(&mut self, now: Instant) {
        let origins: Vec<_> = self.origins.iter().map(|(key, _)| OriginKey(key)).collect();
        origins.iter().for_each(|&origin| self.shed(origin));
        self.shed_total(now);
        origins.iter().for_each(|&origin| self.weigh(origin, now));
        let mut left = origins.clone();
        loop {
            left.retain(|&origin| self.next_of(origin, now).is_some());
            // Who gets a socket is no older waiter any more: then others may get theirs.
            let mut is_done = true;
            for &origin in &left {
                is_done &= !self.hand_over(origin, now);
                self.weigh(origin, now);
            }
            if is_done {
                self.dial(now);
                if !self.make_room(now) {
                    break;
                }
            }
        }
        self.expire(now);
        origins.iter().for_each(|&origin| self.trim(origin, now));
        self.trim_total(now);
        self.open(now);
        origins.iter().for_each(|&origin| self.forget(origin));
    }

    /// Whether nobody waits, and nothing is left of those who did: no dial, and none wanted.
    fn is_quiet(&self, origin: OriginKey) -> bool {
        let nobody_waits = self.waiters.is_empty() && self.hungry.is_empty() && self.overfed.is_empty();
        nobody_waits && self.origins[origin.0].wants_nothing()
    }

    /// Whether all that `assign` does would find nothing to do, but for idle sockets whose time is up: so it is
    /// after most returns.
    fn is_in_order(&self, origin: OriginKey) -> bool {
        let Limits { max_sockets, max_free_sockets, max_total_sockets, max_total_free_sockets, .. } =
            self.limits;
        let Record { counts, idle, .. } = &self.origins[origin.0];
        let is_kept = self.mode == Mode::Open && self.limits.keep_alive && counts.idle > 0;
        // Both counts take in more than matters.
        let has_room = counts.of_origin() <= max_sockets && self.counts.all() <= max_total_sockets;
        let keeps_no_more = idle.len() <= max_free_sockets && self.idle.len() <= max_total_free_sockets;
        is_kept && has_room && keeps_no_more && self.is_quiet(origin)
    }

    /// Closes idle sockets that a lowered `max_sockets` has no place for.
    fn shed(&mut self, origin: OriginKey) {
        loop {
            let counts = self.origins[origin.0].counts;
            if counts.of_origin_to_stay() - counts.ending <= self.limits.max_sockets {
                break;
            }
            let Some(oldest) = self.origins[origin.0].idle.front().map(SocketKey) else { break };
            self.shut(oldest, CloseReason::OverLimit);
        }
    }

    /// The same for a lowered total cap.
    fn shed_total(&mut self, now: Instant) {
        while self.counts.all_to_stay() - self.counts.ending > self.limits.max_total_sockets {
            let Some(oldest) = self.idle.front().map(SocketKey) else { break };
            self.shut_idle(oldest, CloseReason::OverLimit, now);
        }
    }

    /// Offers the origin's idle sockets to its waiters, unless somebody older waits for the room; whether it
    /// did anything.
    fn hand_over(&mut self, origin: OriginKey, now: Instant) -> bool {
        let mut did = false;
        while let Some(next) = self.next_of(origin, now) {
            match next {
                Next::Offer(waiter, socket) => {
                    // A stream more on a connection in use takes nothing from anybody.
                    if self.hunger > 0 && self.sockets[socket.0].phase == Phase::Idle {
                        let room = self.room_to_come();
                        if self.older_hungry(self.waiters[waiter.0].ticket, room) > room {
                            break;
                        }
                    }
                    self.offer_to(waiter, socket, now);
                    if self.hunger > 0 {
                        // It wants no dial any more.
                        self.weigh(origin, now);
                    }
                }
                Next::Close(socket) => self.shut(socket, CloseReason::Suspect),
                Next::End(socket) => self.end(socket, CloseReason::Suspect),
            }
            did = true;
        }
        did
    }

    /// What is to be done next with the origin's idle sockets, in the order of its waiters.
    fn next_of(&self, origin: OriginKey, now: Instant) -> Option<Next> {
        let record = &self.origins[origin.0];
        if record.idle.is_empty() && record.open.is_empty() {
            return None;
        }
        let mut places = record.places_to_dial(self.limits.max_sockets);
        for waiter in record.queue.iter(&self.waiters) {
            let fresh_since = self.waiters[waiter].fresh_since();
            if let Some(socket) = self.pick(origin, fresh_since, now) {
                return Some(Next::Offer(WaiterKey(waiter), socket));
            }
            // One that takes any socket finds none: there is no stream to be had.
            fresh_since?;
            // One that does not is passed if there is a dial for it, or a place for one.
            if places == 0 {
                let idle = record.idle.front().map(|oldest| Next::Close(SocketKey(oldest)));
                return idle.or_else(|| record.open.back().map(|oldest| Next::End(SocketKey(oldest))));
            }
            places -= 1;
        }
        None
    }

    /// Begins the dials there is room for, and makes room for those there is none for.
    pub(super) fn open(&mut self, now: Instant) {
        if self.hungry.is_empty() {
            return;
        }
        self.dial(now);
        while self.make_room(now) {}
    }

    /// Dials for the oldest waiters that may open a socket, while the total cap allows.
    fn dial(&mut self, now: Instant) {
        while self.counts.all() < self.limits.max_total_sockets {
            let Some((_, &origin)) = self.hungry.first_key_value() else { break };
            self.start_dial(origin, now);
            self.weigh(origin, now);
        }
    }

    /// Closes one socket, or stops one dial, if somebody needs its place; whether it did.
    fn make_room(&mut self, now: Instant) -> bool {
        if self.hunger <= self.room_to_come() {
            return false;
        }
        if let Some(idle) = self.idle.front().map(SocketKey) {
            self.shut_idle(idle, CloseReason::Evicted, now);
        } else if let Some(&origin) = self.overfed.first() {
            self.abort_last_dial(origin);
            self.weigh(origin, now);
        } else {
            self.make_way();
            return false;
        }
        true
    }

    /// Closes the origin's idle sockets beyond what may be kept. Each sleeper of the origin is left one: it will ask when
    /// it is polled, and on a machine too busy to poll it in time it would dial again and again.
    fn trim(&mut self, origin: OriginKey, now: Instant) {
        let (most, reason) = match self.mode {
            Mode::Open if self.limits.keep_alive => (self.limits.max_free_sockets, CloseReason::IdleLimit),
            Mode::Open => (0, CloseReason::KeepAliveOff),
            Mode::Closing => (0, CloseReason::AgentClosed),
            Mode::Destroyed => (0, CloseReason::Destroyed),
            Mode::Orphaned => (0, CloseReason::AgentDropped),
        };
        let most = most.max(self.origins[origin.0].asleep);
        while self.origins[origin.0].idle.len() > most {
            let Some(oldest) = self.origins[origin.0].idle.front().map(SocketKey) else { break };
            self.shut_idle(oldest, reason, now);
        }
        if self.mode != Mode::Open {
            while self.origins[origin.0].spare_dials() > 0 {
                self.abort_last_dial(origin);
            }
            self.weigh(origin, now);
        }
    }

    /// The same for all origins together.
    fn trim_total(&mut self, now: Instant) {
        while self.idle.len() > self.limits.max_total_free_sockets.max(self.spared) {
            let Some(oldest) = self.oldest_unspared() else { break };
            self.shut_idle(oldest, CloseReason::IdleLimit, now);
        }
    }

    /// The least recently used idle socket of an origin that has more of them than sleepers.
    fn oldest_unspared(&self) -> Option<SocketKey> {
        let is_unspared = |key: &usize| {
            let record = &self.origins[self.sockets[*key].origin.0];
            record.idle.len() > record.asleep
        };
        self.idle.iter(&self.sockets).find(is_unspared).map(SocketKey)
    }

    /// Closes an idle socket. Without it more may be dialled at once for those who wait for another.
    pub(super) fn shut_idle(&mut self, key: SocketKey, reason: CloseReason, now: Instant) {
        let origin = self.sockets[key.0].origin;
        self.shut(key, reason);
        if !self.origins[origin.0].queue.is_empty() {
            self.weigh(origin, now);
        }
    }

    /// How many sockets could be opened once all that is leaving has left.
    pub(super) fn room_to_come(&self) -> usize {
        self.limits.max_total_sockets.saturating_sub(self.counts.all_to_stay())
    }

    /// How many hungry waiters are older than `ticket`; counts no further than one more than `enough`.
    fn older_hungry(&self, ticket: Ticket, enough: usize) -> usize {
        let mut count = 0;
        for (_, origin) in self.hungry.range(..ticket) {
            let record = &self.origins[origin.0];
            let Some((_, next)) = record.hungry else { continue };
            let older = from(&self.waiters, next.0)
                .step_by(record.share)
                .take(record.hunger)
                .take_while(|&waiter| self.waiters[waiter].ticket < ticket);
            count += older.take(enough + 1 - count).count();
            if count > enough {
                break;
            }
        }
        count
    }
}

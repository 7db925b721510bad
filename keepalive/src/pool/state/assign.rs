//! The one decision: who gets which socket, and who may open one. It runs after every event.

use std::time::Instant;

use super::list::from;
use super::phase::Phase;
use super::waiters::Waiter;
use super::{Mode, OriginKey, SocketKey, State, Ticket, WaiterKey};
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
        loop {
            self.shed(origin);
            self.hand_over(origin, now);
            self.weigh(origin, now);
            self.open(now);
            // Something is left only if an older waiter elsewhere came first and a socket made room for it.
            if self.next_of(origin, now).is_none() {
                break;
            }
        }
        self.trim(origin, now);
        self.forget(origin);
    }

    pub(super) fn assign_all(&mut self, now: Instant) {
        let origins: Vec<_> = self.origins.iter().map(|(key, _)| OriginKey(key)).collect();
        // First all weights, since `open` serves whoever is hungry, not only the origin at hand.
        for &origin in &origins {
            self.weigh(origin, now);
        }
        for origin in origins {
            if self.origins.contains(origin.0) {
                self.assign(origin, now);
            }
        }
    }

    /// Closes idle sockets that a lowered limit has no place for.
    fn shed(&mut self, origin: OriginKey) {
        loop {
            let counts = self.origins[origin.0].counts;
            if counts.of_origin_to_stay() - counts.ending <= self.limits.max_sockets {
                break;
            }
            let Some(oldest) = self.origins[origin.0].idle.front().map(SocketKey) else { break };
            self.shut(oldest, CloseReason::OverLimit);
        }
        while self.counts.all_to_stay() - self.counts.ending > self.limits.max_total_sockets {
            let Some(oldest) = self.idle.front().map(SocketKey) else { break };
            self.shut(oldest, CloseReason::OverLimit);
        }
    }

    /// Offers the origin's idle sockets to its waiters, unless somebody older waits for the room.
    fn hand_over(&mut self, origin: OriginKey, now: Instant) {
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
                }
                Next::Close(socket) => self.shut(socket, CloseReason::Suspect),
                Next::End(socket) => self.end(socket, CloseReason::Suspect),
            }
        }
    }

    /// What is to be done next with the origin's idle sockets, in the order of its waiters.
    fn next_of(&self, origin: OriginKey, now: Instant) -> Option<Next> {
        let record = &self.origins[origin.0];
        let head = record.queue.front()?;
        if record.idle.is_empty() && record.open.is_empty() {
            return None;
        }
        if record.fresh == 0 {
            return self.pick(origin, None, now).map(|socket| Next::Offer(WaiterKey(head), socket));
        }
        record.queue.iter(&self.waiters).find_map(|waiter| {
            let Waiter { fresh, entered, .. } = self.waiters[waiter];
            match self.pick(origin, fresh.then_some(entered), now) {
                Some(socket) => Some(Next::Offer(WaiterKey(waiter), socket)),
                // There is no place left to dial for it.
                None if record.crowds_out_fresh(self.limits.max_sockets) => {
                    let idle = record.idle.front().map(|oldest| Next::Close(SocketKey(oldest)));
                    idle.or_else(|| record.open.back().map(|oldest| Next::End(SocketKey(oldest))))
                }
                None => None,
            }
        })
    }

    /// Dials for the oldest waiters that may open a socket; at the total cap makes room for them.
    fn open(&mut self, now: Instant) {
        while let Some(&(_, origin)) = self.hungry.first() {
            if self.counts.all() >= self.limits.max_total_sockets {
                break;
            }
            self.start_dial(origin, now);
            self.weigh(origin, now);
        }
        while self.hunger > self.room_to_come() {
            if let Some(idle) = self.idle.front().map(SocketKey) {
                let evicted = self.sockets[idle.0].origin;
                self.shut(idle, CloseReason::Evicted);
                // It may have been the last, and without one more may be dialled at once.
                self.weigh(evicted, now);
            } else if let Some(&origin) = self.overfed.first() {
                self.abort_last_dial(origin);
                self.weigh(origin, now);
            } else {
                self.make_way();
                break;
            }
        }
    }

    /// Closes idle sockets beyond what may be kept.
    fn trim(&mut self, origin: OriginKey, now: Instant) {
        let reason = match self.mode {
            Mode::Open => CloseReason::KeepAliveOff,
            Mode::Closing => CloseReason::AgentClosed,
            Mode::Destroyed => CloseReason::Destroyed,
            Mode::Orphaned => CloseReason::AgentDropped,
        };
        // The one just freed may be over at once, by its server's word, and counts no more then.
        self.expire(now);
        while let Some(oldest) = self.origins[origin.0].idle.front().map(SocketKey) {
            if !self.keeps_idle() {
                self.shut(oldest, reason);
            } else if self.origins[origin.0].idle.len() > self.limits.max_free_sockets {
                self.shut(oldest, CloseReason::IdleLimit);
            } else {
                break;
            }
        }
        while self.idle.len() > self.limits.max_total_free_sockets {
            let Some(oldest) = self.idle.front().map(SocketKey) else { break };
            self.shut(oldest, CloseReason::IdleLimit);
        }
        if self.mode != Mode::Open {
            while self.origins[origin.0].spare_dials() > 0 {
                self.abort_last_dial(origin);
            }
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
        for &(_, origin) in self.hungry.range(..(ticket, OriginKey(0))) {
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

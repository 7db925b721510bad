//! The requests without a socket, and the events of a request.
//!
//! A waiter's places:
//! ```text
//!   request ──► Queued ◄──────────────── Asleep (not polled in time: out of the running,
//!                 │ ▲  polled again        ▲      it keeps its ticket)
//!                 ▼ └─ offer withdrawn     │ lapse
//!              Offered ────────────────────┘
//!   Queued ──► Failed; polled when Offered or Failed, or cancelled anywhere: gone
//! ```

use std::time::Instant;

use super::list::{Linked, Links};
use super::phase::Phase;
use super::{Action, CLAIM, Mode, OriginKey, Outcome, SocketKey, State, Ticket, WaiterKey};
use crate::{Origin, Scheduling};

/// A request without a socket.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) ticket: Ticket,
    /// When it came into the queue, as a [`State::moment`].
    pub(super) entered: u64,
    pub(super) since: Instant,
    pub(super) origin: OriginKey,
    /// It takes only a socket just dialled: it was written once, on one that proved stale.
    pub(super) fresh: bool,
    pub(super) place: Place,
    links: Links,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Queued,
    Offered(SocketKey),
    /// A stream of this socket is kept for it.
    Reserved {
        socket: SocketKey,
        until: Instant,
    },
    Asleep,
    Failed,
}

/// What a request gets when it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    Go(SocketKey),
    Wait(WaiterKey),
    /// As many as may wait do so already.
    Full,
    /// The driver knows the error.
    Failed,
}

/// The events of a request.
impl State {
    /// A new request: gives it its ticket, unless the agent takes no more.
    pub(crate) fn arrive(&mut self) -> Option<Ticket> {
        self.totals.requests += 1;
        if matches!(self.mode, Mode::Closing | Mode::Destroyed) {
            self.totals.failed += 1;
            return None;
        }
        self.totals.running += 1;
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.newcomer = Some(ticket);
        Some(ticket)
    }

    /// A request failed before it could ask for a socket.
    pub(crate) fn refuse(&mut self) {
        self.totals.requests += 1;
        self.totals.failed += 1;
    }

    /// A request asks for a socket, with the ticket it had if it asks again because the socket it got
    /// proved dead.
    pub(crate) fn request(&mut self, origin: &Origin, ticket: Ticket, now: Instant) -> Turn {
        self.ask(origin, ticket, false, now)
    }

    /// A request that was written on a socket which proved stale asks for another, at its old place. Only
    /// one just dialled will do.
    pub(crate) fn request_again(&mut self, origin: &Origin, ticket: Ticket, now: Instant) -> Turn {
        self.totals.retried += 1;
        self.request_fresh(origin, ticket, now)
    }

    /// It asks once more, because the fresh socket it got proved dead before anything was written there.
    pub(crate) fn request_fresh(&mut self, origin: &Origin, ticket: Ticket, now: Instant) -> Turn {
        self.ask(origin, ticket, true, now)
    }

    fn ask(&mut self, origin: &Origin, ticket: Ticket, fresh: bool, now: Instant) -> Turn {
        let is_new = self.newcomer.take() == Some(ticket);
        if self.mode == Mode::Destroyed {
            self.finish(Outcome::Failed, false);
            return Turn::Failed;
        }
        self.expire(now);
        let origin = self.origin_key(origin);
        // One that takes only what is dialled from now on finds nothing yet.
        if let Some(socket) = if fresh { None } else { self.pick(origin, None, now) } {
            self.lend(socket);
            self.open(now);
            return Turn::Go(socket);
        }
        self.totals.running -= 1;
        let entered = self.next_moment();
        let place = Place::Queued;
        let waiter = Waiter { ticket, entered, since: now, origin, fresh, place, links: Links::default() };
        let key = WaiterKey(self.waiters.insert(waiter));
        self.origins[origin.0].waiters += 1;
        self.enqueue(key);
        self.assign(origin, now);
        // Only a newcomer is turned away.
        if is_new && self.is_queue_too_long(origin) {
            self.leave_queue(key, Outcome::Failed, now);
            return Turn::Full;
        }
        Turn::Wait(key)
    }

    /// Whether the last to come, to this origin, is one too many. Who has a dial, or room under way for
    /// one, does not wait in the queue.
    fn is_queue_too_long(&self, origin: OriginKey) -> bool {
        let record = &self.origins[origin.0];
        let room = self.room_to_come();
        let is_served = record.queued == 0 || (record.queued == record.fed && self.hunger <= room);
        let served = if self.hunger <= room { self.fed } else { room };
        !is_served && self.queued - served > self.limits.max_queued
    }

    /// The waiter was polled: it takes its offer, or waits on. A waiter that got [`Turn::Go`] or
    /// [`Turn::Failed`] is gone.
    pub(crate) fn poll_waiter(&mut self, key: WaiterKey, now: Instant) -> Turn {
        self.expire(now);
        let Waiter { place, origin, .. } = self.waiters[key.0];
        let socket = match place {
            Place::Offered(socket) | Place::Reserved { socket, .. } => Some(socket),
            // An idle socket is there only if nobody who is awake could take it.
            Place::Asleep => self.pick(origin, self.waiters[key.0].fresh_since(), now),
            Place::Queued | Place::Failed => None,
        };
        if let Some(socket) = socket {
            if let Place::Reserved { .. } = place {
                self.unreserve(key);
                self.lend_stream(socket, true);
            } else {
                self.lend(socket);
            }
            self.totals.running += 1;
            self.remove_waiter(key);
            self.open(now);
            return Turn::Go(socket);
        }
        match place {
            Place::Failed => {
                // It may have failed just now, with a connection whose time was up.
                self.actions.retain(|&action| action != Action::Wake { waiter: key });
                self.totals.failed += 1;
                let origin = self.remove_waiter(key);
                self.open(now);
                self.forget(origin);
                Turn::Failed
            }
            Place::Asleep => {
                self.wake_up(key);
                self.enqueue(key);
                self.assign(origin, now);
                Turn::Wait(key)
            }
            Place::Queued | Place::Offered(_) | Place::Reserved { .. } => {
                // What expired may have kept others from dialling.
                self.open(now);
                Turn::Wait(key)
            }
        }
    }

    /// The waiter leaves: cancelled, or out of time.
    pub(crate) fn leave_queue(&mut self, key: WaiterKey, outcome: Outcome, now: Instant) {
        let place = self.waiters[key.0].place;
        match place {
            Place::Queued => self.dequeue(key),
            Place::Offered(socket) => self.resume(socket, now),
            Place::Reserved { socket, .. } => self.give_reserved_back(key, socket, now),
            Place::Asleep | Place::Failed => {}
        }
        let origin = self.remove_waiter(key);
        match outcome {
            Outcome::Cancelled => self.totals.cancelled += 1,
            _ => self.totals.failed += 1,
        }
        self.assign(origin, now);
        if let Place::Offered(socket) | Place::Reserved { socket, .. } = place {
            self.settle(socket);
        }
    }

    /// Whether one of the dials under way is this waiter's: it does not wait for a slot.
    pub(crate) fn is_connecting(&self, key: WaiterKey) -> bool {
        let record = &self.origins[self.waiters[key.0].origin.0];
        record.queue.iter(&self.waiters).take(record.covered()).any(|other| other == key.0)
    }
}

/// What the rest of the machine does with waiters.
impl State {
    /// Nobody claimed the offer in time: the waiter is passed over until it is polled.
    pub(super) fn lapse(&mut self, socket: SocketKey, now: Instant) {
        let Phase::Offered { waiter, .. } = self.sockets[socket.0].phase else { return };
        self.fall_asleep(waiter);
        self.resume(socket, now);
        self.assign(self.sockets[socket.0].origin, now);
        self.settle(socket);
    }

    /// Takes an offer back that was not claimed yet; the waiter has its old place. `assign` must follow.
    pub(super) fn withdraw(&mut self, socket: SocketKey) {
        let Phase::Offered { waiter, .. } = self.sockets[socket.0].phase else { return };
        self.free(socket, self.sockets[socket.0].since);
        self.enqueue(waiter);
    }

    /// Offers an idle socket to a waiter.
    pub(super) fn offer_to(&mut self, waiter: WaiterKey, socket: SocketKey, now: Instant) {
        self.dequeue(waiter);
        if self.sockets[socket.0].streams.is_some() {
            return self.reserve(waiter, socket, now);
        }
        self.waiters[waiter.0].place = Place::Offered(socket);
        self.offer(socket, waiter, now);
        self.actions.push_back(Action::Wake { waiter });
    }

    /// Fails the origin's oldest waiter of which `is_meant` holds.
    pub(super) fn fail_oldest(
        &mut self,
        origin: OriginKey,
        is_meant: impl Fn(&Waiter) -> bool,
    ) -> Option<WaiterKey> {
        let queue = &self.origins[origin.0].queue;
        let key = queue.iter(&self.waiters).find(|&key| is_meant(&self.waiters[key]))?;
        self.dequeue(WaiterKey(key));
        self.fail(WaiterKey(key));
        Some(WaiterKey(key))
    }

    pub(super) fn fail_all_waiters(&mut self) {
        let waiters: Vec<_> = self.waiters.iter().map(|(key, _)| WaiterKey(key)).collect();
        for key in waiters {
            // An offered socket is shut with all the others.
            match self.waiters[key.0].place {
                Place::Queued => self.dequeue(key),
                Place::Asleep => self.wake_up(key),
                Place::Reserved { .. } => self.unreserve(key),
                Place::Offered(_) | Place::Failed => {}
            }
            self.fail(key);
        }
    }

    fn fail(&mut self, key: WaiterKey) {
        self.waiters[key.0].place = Place::Failed;
        self.actions.push_back(Action::Wake { waiter: key });
    }

    /// The socket that is next by the scheduling: one that carries requests and can take one more, else an
    /// idle one. Or one that was dialled after `fresh_since`, a moment, if only that will do: what was open
    /// before may be as stale as the one that failed.
    pub(super) fn pick(
        &self,
        origin: OriginKey,
        fresh_since: Option<u64>,
        now: Instant,
    ) -> Option<SocketKey> {
        let record = &self.origins[origin.0];
        let is_too_old =
            |key: &SocketKey| self.sockets[key.0].end_of_age(&self.limits).is_some_and(|at| at <= now);
        let mut open = record.open.iter(&self.sockets).map(SocketKey).filter(|key| !is_too_old(key));
        let idle = &record.idle;
        if let Some(since) = fresh_since {
            let is_newer = |key: &SocketKey| self.sockets[key.0].opened > since;
            let is_unused = |key: &SocketKey| self.sockets[key.0].served == 0;
            // The last ones were parked last.
            let young = idle.iter_back(&self.sockets).map(SocketKey);
            let young = young.take_while(|&key| self.is_young(key, now));
            let mut fresh = young.filter(|&key| self.takes_more(key)).filter(is_unused);
            return open.find(is_newer).or_else(|| fresh.find(is_newer));
        }
        let takes_more = |key: &SocketKey| self.takes_more(*key);
        open.next().or_else(|| match self.limits.scheduling {
            Scheduling::Lifo => idle.iter_back(&self.sockets).map(SocketKey).find(takes_more),
            Scheduling::Fifo => idle.iter(&self.sockets).map(SocketKey).find(takes_more),
        })
    }

    /// Whether it came free so short a time ago that its server can hardly have given it up.
    fn is_young(&self, key: SocketKey, now: Instant) -> bool {
        now.saturating_duration_since(self.sockets[key.0].since) <= CLAIM
    }

    /// Puts a waiter where its ticket belongs: nearly always last, in front if it asks again.
    pub(super) fn enqueue(&mut self, key: WaiterKey) {
        let Waiter { ticket, origin, .. } = self.waiters[key.0];
        let queue = &mut self.origins[origin.0].queue;
        let older = |&other: &usize| self.waiters[other].ticket < ticket;
        let after = match queue.back() {
            Some(last) if self.waiters[last].ticket > ticket => {
                queue.iter(&self.waiters).take_while(older).last()
            }
            last => last,
        };
        queue.insert_after(&mut self.waiters, after, key.0);
        self.waiters[key.0].place = Place::Queued;
    }

    fn dequeue(&mut self, key: WaiterKey) {
        let origin = self.waiters[key.0].origin;
        self.origins[origin.0].queue.remove(&mut self.waiters, key.0);
    }

    /// From now on one idle socket is left to it; but to one that needs a fresh socket none, since what
    /// it did not claim in time is not fresh any more.
    pub(super) fn fall_asleep(&mut self, key: WaiterKey) {
        self.waiters[key.0].place = Place::Asleep;
        let Waiter { origin, fresh, .. } = self.waiters[key.0];
        let record = &mut self.origins[origin.0];
        if !fresh {
            record.asleep += 1;
            self.spared += usize::from(record.idle.len() >= record.asleep);
        }
    }

    /// It sleeps no more; its new place is the caller's to say.
    fn wake_up(&mut self, key: WaiterKey) {
        let Waiter { origin, fresh, .. } = self.waiters[key.0];
        let record = &mut self.origins[origin.0];
        if !fresh {
            self.spared -= usize::from(record.idle.len() >= record.asleep);
            record.asleep -= 1;
        }
    }

    fn remove_waiter(&mut self, key: WaiterKey) -> OriginKey {
        if self.waiters[key.0].place == Place::Asleep {
            self.wake_up(key);
        }
        let origin = self.waiters.remove(key.0).origin;
        self.origins[origin.0].waiters -= 1;
        origin
    }
}

impl Waiter {
    /// Since which moment a socket must have been dialled that it takes, if it does not take any.
    pub(super) fn fresh_since(&self) -> Option<u64> {
        self.fresh.then_some(self.entered)
    }

    pub(super) fn reserved_until(&self) -> Instant {
        match self.place {
            Place::Reserved { until, .. } => until,
            _ => unreachable!("only these stand in the list of reservations"),
        }
    }
}

impl Linked<0> for Waiter {
    fn links(&self) -> &Links {
        &self.links
    }
    fn links_mut(&mut self) -> &mut Links {
        &mut self.links
    }
}

//! The model's decisions: one rule at a time, each time from a fresh look at everything, until none
//! applies.

use std::time::Instant;

use super::facts::{ALL, CALM, ORIGINS, Oracle, Pace, Phase, Place, Socket, Todo, Waiter};
use crate::pool::state::{CLAIM, DIAL_STEP, Hint, Mode, Ticket};
use crate::{CloseReason, Scheduling};

impl Oracle {
    /// Decides all there is to decide. `touched`: the origins the event was about.
    pub(super) fn settle(&mut self, touched: &[usize], now: Instant) {
        for socket in &mut self.sockets {
            socket.lingers &= !touched.contains(&socket.origin);
        }
        while self.apply_one(now) {}
        self.trim(now);
        while self.dial(now) || self.make_room(now) {}
        for origin in ALL {
            self.wind(origin, now);
        }
        self.forget();
    }

    /// Those who may dial by the rules of their origin and have no dial, the oldest first.
    pub(super) fn wanting(&self) -> Vec<(Ticket, usize)> {
        let mut wanting = Vec::new();
        for origin in 0..ORIGINS {
            let dials = self.dials(origin).len();
            let some = self.lacking(origin).min(self.may_dial(origin));
            wanting.extend(
                self.queue(origin).iter().skip(dials).take(some).map(|&(ticket, _)| (ticket, origin)),
            );
        }
        wanting.sort();
        wanting
    }

    /// How many sockets the total cap has place for when all that is leaving has left.
    pub(super) fn room(&self) -> usize {
        self.limits.max_total_sockets.saturating_sub(self.sockets.iter().filter(|it| it.stays()).count())
    }

    /// Waiters that are awake and have no offer, by ticket, and when they came to the queue.
    pub(super) fn queue(&self, origin: usize) -> Vec<(Ticket, u64)> {
        let queued = self.waiters.iter().filter(|it| it.origin == origin && it.place == Place::Queued);
        let mut queue: Vec<_> = queued.map(|it| (it.ticket, it.entered)).collect();
        queue.sort();
        queue
    }

    /// Idle sockets of one origin or of all, the least recently used first.
    pub(super) fn idle(&self, origin: Option<usize>) -> Vec<u64> {
        let here = |it: &&Socket| origin.is_none_or(|origin| origin == it.origin);
        let idle = self.sockets.iter().filter(here).filter(|it| it.phase == Phase::Idle);
        let mut idle: Vec<_> = idle.map(|it| (it.since, it.parked, it.id)).collect();
        idle.sort();
        idle.into_iter().map(|(.., id)| id).collect()
    }

    /// Dials that were not told to stop, in the order they began.
    pub(super) fn dials(&self, origin: usize) -> Vec<u64> {
        let dials = self.sockets.iter().filter(|it| it.origin == origin && it.phase == Phase::Dialing);
        let mut dials: Vec<_> = dials.map(|it| (it.began, it.id)).collect();
        dials.sort();
        dials.into_iter().map(|(_, id)| id).collect()
    }

    /// Sockets that count towards `max_sockets`.
    pub(super) fn count(&self, origin: usize) -> usize {
        let counts = |it: &&Socket| it.origin == origin && !matches!(it.phase, Phase::Upgraded(_));
        self.sockets.iter().filter(counts).count()
    }

    pub(super) fn spare(&self, origin: usize) -> usize {
        self.dials(origin).len().saturating_sub(self.queue(origin).len())
    }

    /// `fresh`: only one dialled after that moment will do.
    pub(super) fn pick(&self, origin: usize, fresh: Option<u64>, now: Instant) -> Option<u64> {
        let idle = self.idle(Some(origin));
        if let Some(since) = fresh {
            return idle.into_iter().rfind(|&id| self.is_fresh(id, since, now));
        }
        match self.limits.scheduling {
            Scheduling::Lifo => idle.last().copied(),
            Scheduling::Fifo => idle.first().copied(),
        }
    }

    /// It was dialled after that moment, carried nothing and has been idle for a moment only.
    pub(super) fn is_fresh(&self, id: u64, since: u64, now: Instant) -> bool {
        let socket = self.socket(id);
        socket.served == 0 && socket.opened > since && socket.since + CLAIM >= now
    }

    /// Sleepers who will take any idle socket when they are polled.
    pub(super) fn sleepers(&self, origin: usize) -> usize {
        let sleeps = |it: &&Waiter| it.origin == origin && it.place == Place::Asleep && !it.fresh;
        self.waiters.iter().filter(sleeps).count()
    }

    /// An origin with nothing left is as good as new, but for what its last dial taught.
    pub(super) fn forget(&mut self) {
        for origin in 0..ORIGINS {
            let here = self.sockets.iter().any(|it| it.origin == origin);
            if !here && self.waiters.iter().all(|it| it.origin != origin) {
                self.pace[origin] = Pace { refused: self.pace[origin].refused, ..CALM };
            }
        }
    }

    fn apply_one(&mut self, now: Instant) -> bool {
        self.close_what_is_over(now) || self.hand_over(now) || self.dial(now) || self.make_room(now)
    }

    fn close_what_is_over(&mut self, now: Instant) -> bool {
        let (max, max_total) = (self.limits.max_sockets, self.limits.max_total_sockets);
        let stay = |origin| self.sockets.iter().filter(move |it| it.stays_with(origin)).count();
        let over = (0..ORIGINS)
            .filter(|&origin| stay(origin) > max)
            .find_map(|origin| self.idle(Some(origin)).first().copied());
        let over_all = self.sockets.iter().filter(|it| it.stays()).count() > max_total;
        let oldest = over.or_else(|| self.idle(None).first().copied().filter(|_| over_all));
        oldest.into_iter().for_each(|id| self.drop_idle(id, CloseReason::OverLimit, now));
        oldest.is_some()
    }

    /// An idle socket goes to the oldest waiter of its origin that can take it, unless the room that will
    /// be is not enough for those who are older still. One that can take none of them needs a dial: if
    /// there is neither a dial nor a place for it, an idle socket gives up its own.
    fn hand_over(&mut self, now: Instant) -> bool {
        for origin in self.order {
            let idle = self.idle(Some(origin));
            let Some(&oldest) = idle.first() else { continue };
            let stay = self.sockets.iter().filter(|it| it.stays_with(origin)).count();
            let mut places = self.dials(origin).len() + self.limits.max_sockets.saturating_sub(stay);
            for (ticket, _) in self.queue(origin) {
                let fresh = self.waiter(ticket).fresh_since();
                if let Some(id) = self.pick(origin, fresh, now) {
                    let older = self.wanting().iter().filter(|&&(other, _)| other < ticket).count();
                    if older > self.room() {
                        break;
                    }
                    self.offer(id, ticket, now);
                    return true;
                }
                if places == 0 {
                    self.shut(oldest, CloseReason::Suspect);
                    return true;
                }
                places -= 1;
            }
        }
        false
    }

    fn dial(&mut self, now: Instant) -> bool {
        let Some(&(ticket, origin)) = self.wanting().first() else { return false };
        if self.sockets.len() >= self.limits.max_total_sockets {
            return false;
        }
        self.totals.opened += 1;
        let (id, began) = (self.totals.opened, self.next_moment());
        for socket in self.sockets.iter_mut().filter(|it| it.origin == origin) {
            socket.lingers = false;
        }
        self.sockets.push(Socket {
            id,
            origin,
            phase: Phase::Dialing,
            since: now,
            served: 0,
            hint: Hint::default(),
            born: None,
            opened: 0,
            end_of_age: None,
            stirred: false,
            retired: false,
            began,
            ticket,
            parked: 0,
            lingers: false,
        });
        self.todo.push(Todo::Dial(id, ticket));
        true
    }

    /// Those who want more than there will be room for cost the least recently used idle socket, or else
    /// a dial too many.
    fn make_room(&mut self, now: Instant) -> bool {
        if self.wanting().len() <= self.room() {
            return false;
        }
        if let Some(&id) = self.idle(None).first() {
            self.drop_idle(id, CloseReason::Evicted, now);
            return true;
        }
        let overfed = (0..ORIGINS).filter(|&origin| self.spare(origin) > 0);
        let last: Vec<_> = overfed.filter_map(|origin| self.dials(origin).last().copied()).collect();
        let choice = last.iter().find(|id| self.stopped.contains(id)).or_else(|| last.first()).copied();
        choice.into_iter().for_each(|id| self.stop(id));
        choice.is_some()
    }

    /// Closes what may not be kept.
    fn trim(&mut self, now: Instant) {
        self.expire(now);
        let reason = match self.mode {
            Mode::Open => CloseReason::KeepAliveOff,
            Mode::Closing => CloseReason::AgentClosed,
            Mode::Destroyed => CloseReason::Destroyed,
            Mode::Orphaned => CloseReason::AgentDropped,
        };
        let keeps = self.limits.keep_alive && self.mode == Mode::Open;
        let (most, reason) =
            if keeps { (self.limits.max_free_sockets, CloseReason::IdleLimit) } else { (0, reason) };
        for origin in ALL {
            let idle = self.idle(Some(origin));
            // One for each who sleeps and will ask for it is not too many.
            let some = idle.len().saturating_sub(most.max(self.sleepers(origin)));
            idle.into_iter().take(some).for_each(|id| self.drop_idle(id, reason, now));
        }
        while self.idle(None).len() > self.limits.max_total_free_sockets {
            let is_left_over = |id: &u64| {
                let origin = self.socket(*id).origin;
                self.idle(Some(origin)).len() > self.sleepers(origin)
            };
            let Some(id) = self.idle(None).into_iter().find(is_left_over) else { break };
            self.drop_idle(id, CloseReason::IdleLimit, now);
        }
        for origin in 0..ORIGINS {
            let spare = if self.mode == Mode::Open { 0 } else { self.spare(origin) };
            self.dials(origin).into_iter().rev().take(spare).for_each(|id| self.stop(id));
        }
    }

    /// Starts or stops the clock of an origin's ramp.
    pub(super) fn wind(&mut self, origin: usize, now: Instant) {
        let waits = !self.queue(origin).is_empty();
        let held_back = self.lacking(origin) > self.may_dial(origin);
        let runs = held_back && self.is_warm(origin) && !self.pace[origin].refused;
        let pace = &mut self.pace[origin];
        if !waits {
            pace.ramp = 1;
        }
        pace.ramp_at = if runs { Some(pace.ramp_at.unwrap_or(now + DIAL_STEP)) } else { None };
    }

    pub(super) fn stop(&mut self, id: u64) {
        self.socket_mut(id).phase = Phase::Aborting;
        self.todo.push(Todo::Abort(id));
    }

    /// Waiters without a dial for whom `max_sockets` has place.
    fn lacking(&self, origin: usize) -> usize {
        let without = self.queue(origin).len().saturating_sub(self.dials(origin).len());
        without.min(self.limits.max_sockets.saturating_sub(self.count(origin)))
    }

    fn may_dial(&self, origin: usize) -> usize {
        let dialing =
            |it: &&Socket| it.origin == origin && matches!(it.phase, Phase::Dialing | Phase::Aborting);
        let connecting = self.sockets.iter().filter(dialing).count();
        match self.pace[origin] {
            pace if pace.refused => 1_usize.saturating_sub(connecting),
            pace if self.is_warm(origin) => pace.ramp.saturating_sub(connecting),
            _ => usize::MAX,
        }
    }

    fn is_warm(&self, origin: usize) -> bool {
        self.sockets.iter().filter(|it| it.origin == origin).any(|it| match it.phase {
            Phase::Idle | Phase::Offered(..) | Phase::Active | Phase::Draining => true,
            Phase::Closing(_) => it.lingers,
            Phase::Dialing | Phase::Aborting | Phase::Upgraded(_) => false,
        })
    }
}

impl Socket {
    /// Its waiter has not been polled in time.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        matches!(self.phase, Phase::Offered(_, until) if until <= now)
    }

    fn stays(&self) -> bool {
        !matches!(self.phase, Phase::Aborting | Phase::Closing(_) | Phase::Upgraded(Some(_)))
    }

    fn stays_with(&self, origin: usize) -> bool {
        self.origin == origin && self.stays() && !matches!(self.phase, Phase::Upgraded(_))
    }
}

//! The model's rules for how long a socket may be idle or used, and for who waits in vain.

use std::time::{Duration, Instant};

use super::facts::{ALL, ORIGINS, Oracle, Phase, Socket};
use crate::CloseReason;
use crate::pool::state::{Limits, Mode, Ticket};

/// A server that says it closes after so long may have closed this much earlier, as seen from here.
const MARGIN: Duration = Duration::from_secs(1);

impl Oracle {
    /// Closes the idle sockets whose time is up.
    pub(super) fn expire(&mut self, now: Instant) {
        for id in self.idle(None) {
            match self.socket(id).end_of_idling(&self.limits) {
                Some((end, _, reason)) if end <= now => self.drop_idle(id, reason, now),
                _ => {}
            }
        }
    }

    /// Brings what is open into line with limits that changed, or with the time that was slept through.
    pub(super) fn review(&mut self, now: Instant) {
        let ids: Vec<_> = self.sockets.iter().map(|socket| socket.id).collect();
        ids.into_iter().for_each(|id| self.learn_age(id));
        self.expire(now);
        for id in self.idle(None) {
            if let Some(reason) = self.spent(id, now) {
                self.shut(id, reason);
            }
        }
        self.settle(&ALL, now);
    }

    /// Why a socket may carry no other request.
    pub(super) fn spent(&self, id: u64, now: Instant) -> Option<CloseReason> {
        let socket = self.socket(id);
        if self.limits.max_requests_per_socket.is_some_and(|most| socket.served >= most) {
            return Some(CloseReason::MaxRequests);
        }
        if socket.end_of_age.is_some_and(|end| end <= now) {
            return Some(CloseReason::MaxAge);
        }
        (socket.hint.max == Some(0)).then_some(CloseReason::KeepAliveHint)
    }

    /// Makes a socket that nobody used idle again, if it had not gone had it been idle all the time.
    pub(super) fn resume(&mut self, id: u64, now: Instant) {
        match self.spent(id, now) {
            Some(reason) => self.shut(id, reason),
            None => self.park(id, self.socket(id).since),
        }
        self.expire(now);
    }

    /// When time alone will change something.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let ends = self.sockets.iter().filter_map(|it| match it.phase {
            Phase::Idle => it.end_of_idling(&self.limits).map(|(end, ..)| end),
            Phase::Offered(_, until) => Some(until),
            _ => None,
        });
        ends.chain(self.pace.iter().filter_map(|pace| pace.ramp_at)).min()
    }

    /// Those who are awake and have no dial, nor room under way for one.
    pub(super) fn waiting_in_vain(&self) -> Vec<Ticket> {
        let served: Vec<_> = self.wanting().into_iter().take(self.room()).map(|(ticket, _)| ticket).collect();
        let without = |origin| self.queue(origin).into_iter().skip(self.dials(origin).len());
        let waiting = (0..ORIGINS).flat_map(without).map(|(ticket, _)| ticket);
        waiting.filter(|ticket| !served.contains(ticket)).collect()
    }

    /// Whether what a `close`, `destroy` or `retire` waits for is over.
    pub(super) fn is_at_rest(&self) -> bool {
        match self.mode {
            Mode::Open => self.sockets.iter().all(|socket| !socket.retired),
            Mode::Destroyed => self.sockets.is_empty(),
            _ => self.sockets.is_empty() && self.waiters.is_empty(),
        }
    }
}

impl Socket {
    /// When it goes if it is idle, and why: the first of all limits. The number decides between equals.
    fn end_of_idling(&self, limits: &Limits) -> Option<(Instant, u8, CloseReason)> {
        let idle = limits.free_socket_timeout.map(|limit| (self.since + limit, 0, CloseReason::IdleTimeout));
        let hint = self.hint.timeout.map(|limit| limit.saturating_sub(MARGIN));
        let hint = hint.map(|limit| (self.since + limit, 1, CloseReason::KeepAliveHint));
        let age = self.end_of_age.map(|end| (end, 2, CloseReason::MaxAge));
        idle.into_iter().chain(hint).chain(age).min()
    }
}

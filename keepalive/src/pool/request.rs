//! A request as the pool knows it, and what is told of it.
//!
//! Called by [`Acquire`](super::Acquire) alone, from its own poll or drop: so a trace of a request lands in
//! the span that its caller runs it in, and in no other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::leased::Facts;
use super::state::{Ticket, Turn};
use super::{Inner, Pool};
use crate::{Event, Origin, Unserved};

pub(super) struct Request {
    pub(super) origin: Origin,
    /// From its first question on.
    pub(super) ticket: Option<Ticket>,
    /// When it asked first.
    pub(super) since: Instant,
}

impl Request {
    pub(super) fn new(origin: Origin, now: Instant) -> Self {
        Self { origin, ticket: None, since: now }
    }

    /// What came of a question; `is_new` if the request has not been waiting. A socket is not told of yet:
    /// it may prove dead.
    pub(super) fn note(&self, inner: &mut Inner, turn: Turn, is_new: bool, now: Instant) {
        match turn {
            Turn::Wait(key) if is_new && !inner.state.is_connecting(key) => {
                inner.tell(|| Event::RequestQueued { request: self.number(), origin: self.origin.clone() });
            }
            Turn::Wait(_) | Turn::Go(_) => {}
            Turn::Full => inner.tell(|| self.unserved(Unserved::QueueFull, now)),
            Turn::Failed => inner.tell(|| self.unserved(Unserved::Failed, now)),
        }
    }

    /// The socket it took is good.
    pub(super) fn assigned(&self, pool: &Arc<Pool>, facts: &Facts) {
        let &Facts { socket, request_number, idle_for, .. } = facts;
        let (reused, request) = (request_number > 1, self.number());
        pool.event(|inner, now| {
            let (origin, waited) = (self.origin.clone(), self.waited(now));
            inner.tell(|| Event::RequestAssigned { request, origin, socket, waited });
            if reused {
                let origin = self.origin.clone();
                inner.tell(|| Event::SocketReused { socket, origin, request_number, idle_for });
            }
        });
    }

    /// It was written on a socket that proved stale, and is to be written once more.
    pub(super) fn retried(&self, pool: &Arc<Pool>, socket: u64) {
        let request = self.number();
        pool.event(|inner, _| {
            inner.tell(|| Event::RequestRetried { request, origin: self.origin.clone(), socket });
        });
    }

    pub(super) fn unserved(&self, reason: Unserved, now: Instant) -> Event {
        let (request, origin) = (self.number(), self.origin.clone());
        Event::RequestUnserved { request, origin, reason, waited: self.waited(now) }
    }

    fn waited(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    fn number(&self) -> u64 {
        self.ticket.map_or(0, |Ticket(number)| number)
    }
}

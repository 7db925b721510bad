//! The order of the line, pure: who is first, and what is done for whom. The time comes in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use slab::Slab;
use tokio::sync::Notify;

use crate::Origin;

/// How long a dial leaves sockets to be handed on before it claims one.
pub(super) const PATIENCE: Duration = Duration::from_millis(250);

/// Who is first and has not looked for this long is passed over. Those behind look this often.
pub(super) const ABSENT: Duration = Duration::from_millis(500);

/// Nobody stands in the line.
pub(super) const NOBODY: u8 = 0;
/// Somebody does.
const WAITING: u8 = 1;
/// The first claims the next socket that comes free.
const IMPATIENT: u8 = 2;

/// What the lock guards.
#[derive(Debug)]
pub(super) struct Line {
    /// Also of those who are absent, or between two tries.
    pub(super) standings: Slab<Standing>,
    /// Those in the line, by ticket.
    order: BTreeMap<u64, usize>,
    next_ticket: u64,
    /// The first claims the next socket that comes free.
    impatient: bool,
}

#[derive(Debug)]
pub(super) struct Standing {
    /// Kept from try to try.
    ticket: u64,
    agent: usize,
    origin: Origin,
    told: Arc<Notify>,
    since: Instant,
    looked: Instant,
}

impl Line {
    pub(super) const fn new() -> Self {
        Self { standings: Slab::new(), order: BTreeMap::new(), next_ticket: 0, impatient: false }
    }

    pub(super) fn enter(&mut self, agent: usize, origin: Origin, told: Arc<Notify>, now: Instant) -> usize {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.standings.insert(Standing { ticket, agent, origin, told, since: now, looked: now })
    }

    /// It is present; whether it is the first of those who are.
    pub(super) fn look(&mut self, key: usize, now: Instant) -> bool {
        self.standings[key].looked = now;
        if self.order.insert(self.standings[key].ticket, key).is_none() && self.first() == Some(key) {
            self.impatient = false;
        }
        while let Some(first) = self.first() {
            if first == key {
                return true;
            }
            if now.saturating_duration_since(self.standings[first].looked) < ABSENT {
                break;
            }
            self.step_out(first);
        }
        false
    }

    pub(super) fn step_out(&mut self, key: usize) {
        if self.first() == Some(key) {
            self.impatient = false;
        }
        self.order.remove(&self.standings[key].ticket);
    }

    pub(super) fn lose_patience(&mut self, key: usize, now: Instant) {
        let waited = now.saturating_duration_since(self.standings[key].since);
        if self.first() == Some(key) && waited >= PATIENCE {
            self.impatient = true;
        }
    }

    pub(super) fn claims(&mut self, agent: usize, origin: &Origin, now: Instant) -> bool {
        let Some(first) = self.first().filter(|_| self.impatient) else { return false };
        self.impatient = false;
        let standing = &mut self.standings[first];
        if standing.agent != agent || standing.origin != *origin {
            return true;
        }
        self.order.remove(&standing.ticket);
        standing.ticket = self.next_ticket;
        standing.since = now;
        self.next_ticket += 1;
        self.order.insert(standing.ticket, first);
        false
    }

    pub(super) fn first(&self) -> Option<usize> {
        self.order.first_key_value().map(|(_, &key)| key)
    }

    pub(super) fn told(&self) -> Option<Arc<Notify>> {
        self.first().map(|key| Arc::clone(&self.standings[key].told))
    }

    pub(super) fn level(&self) -> u8 {
        match (self.order.is_empty(), self.impatient) {
            (true, _) => NOBODY,
            (false, false) => WAITING,
            (false, true) => IMPATIENT,
        }
    }
}

#[cfg(test)]
mod tests;

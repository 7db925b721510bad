//! What a socket can be, how many there are of each, and the one place where it changes.

use std::time::Instant;

use slab::Slab;

use super::list::{Linked, List};
use super::sockets::Socket;
use super::{OriginKey, SocketKey, State, Ticket, WaiterKey};
use crate::CloseReason;

/// Where a socket is in its life, see the diagram in the module above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// `began` tells which waiters were there before; `ticket` is the waiter it was begun for.
    Dialing {
        began: u64,
        ticket: Ticket,
    },
    /// A dial that was told to stop and has not yet.
    Aborting,
    Idle,
    /// Reserved for a waiter until it is polled.
    Offered {
        waiter: WaiterKey,
        until: Instant,
    },
    Active,
    Draining,
    Closing(CloseReason),
    /// Handed out after a 101 or a CONNECT; counts in the total only, also while it `ends`.
    Upgraded {
        ends: Option<CloseReason>,
    },
}

/// How many sockets there are in each phase, of one origin or of all.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// On a request, or offered to one.
    pub(crate) active: usize,
    pub(crate) idle: usize,
    /// Dialing or aborting.
    pub(crate) connecting: usize,
    pub(crate) draining: usize,
    pub(crate) closing: usize,
    pub(crate) upgraded: usize,
    /// Those of `active` that take no more requests and go when those they carry are done.
    pub(super) ending: usize,
    /// Those of `connecting` that were told to stop.
    pub(super) aborting: usize,
    /// Those of `upgraded` that are about to be closed.
    pub(super) parting: usize,
}

impl Counts {
    /// What counts towards `max_sockets`.
    pub(crate) fn of_origin(&self) -> usize {
        self.active + self.idle + self.connecting + self.draining + self.closing
    }

    /// What counts towards `max_total_sockets`.
    pub(crate) fn all(&self) -> usize {
        self.of_origin() + self.upgraded
    }

    /// What will count towards `max_sockets` once all that is leaving has left.
    pub(super) fn of_origin_to_stay(&self) -> usize {
        self.active + self.idle + self.dials() + self.draining
    }

    /// What will count towards `max_total_sockets` once all that is leaving has left.
    pub(super) fn all_to_stay(&self) -> usize {
        self.of_origin_to_stay() + self.upgraded - self.parting
    }

    /// Dials whose socket somebody can get.
    pub(super) fn dials(&self) -> usize {
        self.connecting - self.aborting
    }

    /// Whether a connection to the origin stands.
    pub(super) fn warm(&self) -> bool {
        self.active + self.idle + self.draining > 0
    }

    fn slots(&mut self, phase: Phase) -> (&mut usize, Option<&mut usize>) {
        match phase {
            Phase::Dialing { .. } => (&mut self.connecting, None),
            Phase::Aborting => (&mut self.connecting, Some(&mut self.aborting)),
            Phase::Idle => (&mut self.idle, None),
            Phase::Offered { .. } | Phase::Active => (&mut self.active, None),
            Phase::Draining => (&mut self.draining, None),
            Phase::Closing(_) => (&mut self.closing, None),
            Phase::Upgraded { ends: None } => (&mut self.upgraded, None),
            Phase::Upgraded { ends: Some(_) } => (&mut self.upgraded, Some(&mut self.parting)),
        }
    }

    pub(super) fn enter(&mut self, phase: Phase) {
        let (count, also) = self.slots(phase);
        *count += 1;
        also.into_iter().for_each(|count| *count += 1);
    }

    pub(super) fn leave(&mut self, phase: Phase) {
        let (count, also) = self.slots(phase);
        *count -= 1;
        also.into_iter().for_each(|count| *count -= 1);
    }
}

impl State {
    /// The only place where a phase changes, so that counts and lists always agree with it.
    pub(super) fn set_phase(&mut self, key: SocketKey, phase: Phase) {
        self.leave(key);
        self.sockets[key.0].phase = phase;
        self.enter(key, phase);
    }

    pub(super) fn enter(&mut self, key: SocketKey, phase: Phase) {
        let &Socket { origin, ref streams, .. } = &self.sockets[key.0];
        match phase {
            // One that carries one request at a time stands nowhere while it does.
            Phase::Active if streams.is_none() => {
                self.origins[origin.0].counts.active += 1;
                self.counts.active += 1;
                return;
            }
            Phase::Idle => return self.enter_idle(key, origin),
            _ => {}
        }
        let is_open = phase == Phase::Active && self.takes_more(key);
        let record = &mut self.origins[self.sockets[key.0].origin.0];
        record.counts.enter(phase);
        self.counts.enter(phase);
        let ends = self.sockets[key.0].ends();
        record.counts.ending += ends;
        self.counts.ending += ends;
        match phase {
            Phase::Dialing { .. } => record.dials.push_back(&mut self.sockets, key.0),
            Phase::Offered { .. } => self.offers.push_back(&mut self.sockets, key.0),
            Phase::Active if is_open && self.sockets[key.0].streams.is_some() => {
                // The one used last is used next, so that one that is not needed comes to rest.
                record.open.insert_after(&mut self.sockets, None, key.0);
                self.open.insert_after(&mut self.sockets, None, key.0);
                self.sockets[key.0].streams.iter_mut().for_each(|streams| streams.is_open = true);
            }
            _ => {}
        }
    }

    pub(super) fn leave(&mut self, key: SocketKey) {
        let &Socket { origin, phase, ref streams, .. } = &self.sockets[key.0];
        match phase {
            Phase::Active if streams.is_none() => {
                self.origins[origin.0].counts.active -= 1;
                self.counts.active -= 1;
                return;
            }
            Phase::Idle => return self.leave_idle(key, origin),
            _ => {}
        }
        let record = &mut self.origins[origin.0];
        record.counts.leave(phase);
        self.counts.leave(phase);
        let ends = self.sockets[key.0].ends();
        record.counts.ending -= ends;
        self.counts.ending -= ends;
        match phase {
            Phase::Dialing { .. } => record.dials.remove(&mut self.sockets, key.0),
            Phase::Offered { .. } => self.offers.remove(&mut self.sockets, key.0),
            Phase::Active if self.sockets[key.0].streams.is_some_and(|streams| streams.is_open) => {
                record.open.remove(&mut self.sockets, key.0);
                self.open.remove(&mut self.sockets, key.0);
                self.sockets[key.0].streams.iter_mut().for_each(|streams| streams.is_open = false);
            }
            _ => {}
        }
    }

    fn enter_idle(&mut self, key: SocketKey, origin: OriginKey) {
        let record = &mut self.origins[origin.0];
        record.counts.idle += 1;
        self.counts.idle += 1;
        let since = self.sockets[key.0].since;
        let in_origin = record.idle.last_since(&self.sockets, since);
        let in_agent = self.idle.last_since(&self.sockets, since);
        record.idle.insert_after(&mut self.sockets, in_origin, key.0);
        self.idle.insert_after(&mut self.sockets, in_agent, key.0);
        self.spared += usize::from(record.idle.len() <= record.asleep);
        self.stamp(key);
    }

    fn leave_idle(&mut self, key: SocketKey, origin: OriginKey) {
        let record = &mut self.origins[origin.0];
        record.counts.idle -= 1;
        self.counts.idle -= 1;
        record.idle.remove(&mut self.sockets, key.0);
        self.idle.remove(&mut self.sockets, key.0);
        self.spared -= usize::from(record.idle.len() < record.asleep);
        self.early.remove(&mut self.sockets, key);
    }
}

impl<const N: usize> List<N>
where
    Socket: Linked<N>,
{
    /// The last of the idle sockets that have been idle `since` then or longer. Nearly always the last of all;
    /// one that was offered in vain goes back where it was.
    fn last_since(&self, sockets: &Slab<Socket>, since: Instant) -> Option<usize> {
        match self.back() {
            Some(last) if sockets[last].since > since => {
                self.iter_back(sockets).find(|&other| sockets[other].since <= since)
            }
            last => last,
        }
    }
}

impl Socket {
    /// 1 if it is in use and takes no more, else 0.
    fn ends(&self) -> usize {
        let ends = self.streams.is_some_and(|streams| streams.ends.is_some());
        usize::from(ends && self.phase == Phase::Active)
    }
}

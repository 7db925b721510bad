//! What a socket can be, and how many there are of each.

use std::time::Instant;

use super::{Ticket, WaiterKey};
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

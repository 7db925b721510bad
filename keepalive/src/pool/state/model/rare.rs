//! The model's rarer events: the process lacks descriptors, was suspended, or found a socket dead.

use std::time::{Duration, Instant};

use super::facts::{Oracle, Phase, Place};
use crate::CloseReason;

/// What was suspended for longer is not trusted, also where no limit says so.
const TRUST: Duration = Duration::from_secs(15);

impl Oracle {
    pub(super) fn oldest_idle(&self) -> Option<Instant> {
        self.sockets.iter().filter(|it| it.phase == Phase::Idle).map(|it| it.since).min()
    }

    pub(super) fn evict_oldest(&mut self, now: Instant) -> bool {
        let oldest = self.idle(None).first().copied();
        if let Some(id) = oldest {
            self.shut(id, CloseReason::DescriptorLimit);
            self.settle(&[self.socket(id).origin], now);
        }
        oldest.is_some()
    }

    /// A dial that lacks a descriptor goes on for somebody only.
    pub(super) fn is_dial_wanted(&mut self, id: u64, now: Instant) -> bool {
        let origin = self.socket(id).origin;
        let dials = self.socket(id).phase == Phase::Dialing;
        let enough = self.spare(origin) > 0;
        if dials && enough {
            self.stop(id);
            self.settle(&[origin], now);
        }
        dials && !enough
    }

    pub(super) fn found_dead(&mut self, id: u64, reason: CloseReason, now: Instant) {
        if reason == CloseReason::ClosedByServer {
            self.idle_limit[self.socket(id).origin] = Some(now - self.socket(id).since);
        }
        self.closing(id, reason);
    }

    /// Everything is older by `gap`, and what was offered was as idle as the rest.
    pub(super) fn suspended(&mut self, gap: Duration, now: Instant) {
        let mut offers: Vec<_> = self
            .sockets
            .iter()
            .filter_map(|it| match it.phase {
                Phase::Offered(ticket, _) => Some((it.parked, it.id, ticket)),
                _ => None,
            })
            .collect();
        offers.sort();
        for (_, id, ticket) in offers {
            self.waiter(ticket).place = Place::Queued;
            self.park(id, self.socket(id).since);
        }
        for id in self.idle(None) {
            let hint = self.socket(id).hint.timeout;
            let limited = self.limits.free_socket_timeout.is_some() || hint.is_some();
            if !limited && gap > TRUST {
                self.shut(id, CloseReason::Suspended);
            }
        }
        for socket in &mut self.sockets {
            socket.since -= gap;
            socket.born = socket.born.map(|born| born - gap);
        }
        self.review(now);
    }
}

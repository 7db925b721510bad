//! The events of a process that runs out of descriptors.

use std::time::Instant;

use super::phase::Phase;
use super::{SocketKey, State};
use crate::CloseReason;

impl State {
    /// Since when the least recently used idle socket has been idle.
    pub(crate) fn oldest_idle(&self) -> Option<Instant> {
        self.idle.front().map(|key| self.sockets[key].since)
    }

    /// Its descriptor is needed elsewhere: closes the least recently used idle socket, if there is one.
    pub(crate) fn evict_oldest(&mut self, now: Instant) -> bool {
        let Some(key) = self.idle.front().map(SocketKey) else { return false };
        self.shut(key, CloseReason::DescriptorLimit);
        self.assign(self.sockets[key.0].origin, now);
        true
    }

    /// A dial that waits for a descriptor asks whether anybody waits for it. If not, it is stopped:
    /// unlike one that only has to finish, it would take a socket from somebody for nobody.
    pub(crate) fn is_dial_wanted(&mut self, key: SocketKey, now: Instant) -> bool {
        let origin = self.sockets[key.0].origin;
        let dials = matches!(self.sockets[key.0].phase, Phase::Dialing { .. });
        let wanted = dials && self.origins[origin.0].spare_dials() == 0;
        if dials && !wanted {
            self.abort(key);
            self.assign(origin, now);
        }
        wanted
    }

    pub(crate) fn is_idle(&self, key: SocketKey) -> bool {
        self.sockets[key.0].phase == Phase::Idle
    }

    /// How many sockets have a descriptor; those being dialled may not yet.
    pub(crate) fn descriptors(&self) -> usize {
        self.counts.all() - self.counts.connecting
    }
}

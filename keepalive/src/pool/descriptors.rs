//! What an agent does for the other agents of the process when descriptors are short.

use std::sync::Arc;
use std::time::Instant;

use super::Pool;
use super::state::SocketKey;
use crate::descriptors::{self, Holder};

impl Pool {
    /// Changes the limit of sockets in all, for good: the default does not matter any more.
    pub(crate) fn set_max_total_sockets(self: &Arc<Self>, limit: usize) {
        self.event(|inner, now| {
            inner.default_total = false;
            inner.state.set_limits(now, |limits| limits.max_total_sockets = limit);
        });
    }

    /// Whether a socket in use, which would be handed on or kept, must be closed for a dial that has waited
    /// too long for a descriptor.
    pub(super) fn is_claimed(&self, key: SocketKey) -> bool {
        let origin = self.lock().state.origin_of(key).clone();
        descriptors::claims(std::ptr::from_ref(self).addr(), &origin)
    }
}

impl Holder for Pool {
    fn descriptors(&self) -> usize {
        self.lock().state.descriptors()
    }

    fn oldest_idle(&self) -> Option<Instant> {
        self.lock().state.oldest_idle()
    }

    fn evict_oldest(self: Arc<Self>) -> bool {
        self.event(|inner, now| inner.state.evict_oldest(now))
    }

    fn default_changed(self: Arc<Self>, max_total_sockets: usize) {
        self.event(|inner, now| {
            if inner.default_total {
                inner.state.set_limits(now, |limits| limits.max_total_sockets = max_total_sockets);
            }
        });
    }
}

//! The agents of the process: each may have to give a descriptor up for another.
//!
//! Entering and leaving are O(1): agents may come and go by the thousand. Asking all of them is for the
//! rare case that descriptors ran out.
//!
//! Invariant: no lock of an agent is taken under the registry's, and never two agents' at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use slab::Slab;

use super::limit::default_max_total_sockets;

/// What an agent can do for the others.
pub(crate) trait Holder: Send + Sync {
    /// How many descriptors it holds.
    fn descriptors(&self) -> usize;

    /// Since when its least recently used idle socket has been idle.
    fn oldest_idle(&self) -> Option<Instant>;

    /// Closes that one; `false` if there is none any more.
    fn evict_oldest(self: Arc<Self>) -> bool;

    /// The default limit of sockets in all has changed.
    fn default_changed(self: Arc<Self>, max_total_sockets: usize);
}

/// An agent's entry, taken out when it is dropped.
#[derive(Debug)]
pub(crate) struct Membership(usize);

impl Drop for Membership {
    fn drop(&mut self) {
        // Dropped when the lock is free.
        let _entry = agents().try_remove(self.0);
    }
}

/// Enters the agent that `make` makes from its membership. `make` runs under the registry's lock: what it
/// reads of the limit is what [`adopt_default`] changes later, or has changed before.
pub(crate) fn enroll<H: Holder + 'static>(make: impl FnOnce(Membership) -> Arc<H>) -> Arc<H> {
    let mut agents = agents();
    let entry = agents.vacant_entry();
    let holder = make(Membership(entry.key()));
    let weak = Arc::downgrade(&holder);
    entry.insert(weak);
    holder
}

/// Closes the least recently used idle socket of all agents; `false` if none is idle.
pub(super) fn evict_oldest() -> bool {
    for _ in 0..EVICTION_TRIES {
        let oldest = all().into_iter().filter_map(|agent| Some((agent.oldest_idle()?, agent)));
        match oldest.min_by_key(|&(since, _)| since) {
            None => return false,
            Some((_, agent)) => {
                if agent.evict_oldest() {
                    return true;
                }
                // A request has got it meanwhile.
            }
        }
    }
    false
}

/// How many descriptors the sockets of all agents hold.
pub(super) fn descriptors() -> usize {
    all().iter().map(|agent| agent.descriptors()).sum()
}

/// Has every agent without a limit of its own take over the default.
pub(super) fn adopt_default() {
    let default = default_max_total_sockets();
    all().into_iter().for_each(|agent| agent.default_changed(default));
}

/// The agents there are at this moment. Dropping one may be the end of it, so not under the lock.
fn all() -> Vec<Arc<dyn Holder>> {
    let agents: Vec<_> = agents().iter().map(|(_, agent)| Weak::clone(agent)).collect();
    agents.iter().filter_map(Weak::upgrade).collect()
}

fn agents() -> MutexGuard<'static, Slab<Weak<dyn Holder>>> {
    static AGENTS: Mutex<Slab<Weak<dyn Holder>>> = Mutex::new(Slab::new());
    AGENTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where idle sockets come and go this fast, a look a little later is as good.
const EVICTION_TRIES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    struct FakeHolder(Membership);

    impl Holder for FakeHolder {
        fn descriptors(&self) -> usize {
            0
        }
        fn oldest_idle(&self) -> Option<Instant> {
            None
        }
        fn evict_oldest(self: Arc<Self>) -> bool {
            false
        }
        fn default_changed(self: Arc<Self>, _: usize) {}
    }

    #[test]
    fn agents_that_are_gone_leave_nothing_behind() {
        let stays = enroll(|membership| Arc::new(FakeHolder(membership)));
        for _ in 0..20_000 {
            drop(enroll(|membership| Arc::new(FakeHolder(membership))));
        }
        assert!(agents().capacity() < 10_000, "their entries are used again");
        assert!(agents().get(stays.0.0).is_some_and(|entry| entry.strong_count() == 1));
    }
}

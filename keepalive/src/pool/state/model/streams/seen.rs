//! What the random events reached.

use std::collections::BTreeMap;

/// How often each thing happened in all lives.
#[derive(Default)]
pub(super) struct Seen(BTreeMap<&'static str, u64>);

/// What must have happened, or nothing was shown about it.
const ALL: [&str; 22] = [
    "several streams on a socket",
    "a stream reserved",
    "a reservation taken up",
    "a reservation lapsed",
    "a reservation withdrawn",
    "a waiter for credit",
    "a waiter served by credit that came back",
    "more used than allowed",
    "a socket allowed nothing",
    "a waiter beside a socket that is allowed nothing",
    "one dial while unknown",
    "a choice of HTTP/1.1 after waiting",
    "a server that changed its mind",
    "streams in use at the end",
    "an unused socket ended",
    "a request failed for an unused socket",
    "broken under streams",
    "told too late",
    "a socket that takes no more by our own will",
    "a socket in use that is too old",
    "a fresh stream",
    "served in time",
];

impl Seen {
    pub(super) fn count(&mut self, what: &'static str, times: usize) {
        debug_assert!(ALL.contains(&what), "{what}");
        *self.0.entry(what).or_default() += times as u64;
    }

    #[cfg(test)]
    pub(super) fn add(&mut self, other: Self) {
        for (what, count) in other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    #[cfg(test)]
    pub(super) fn enough(&self) {
        for what in ALL {
            let count = self.0.get(what).copied().unwrap_or_default();
            assert!(count > 100, "{what}: {count}\n{:#?}", self.0);
        }
    }
}

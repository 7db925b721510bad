//! What origins without a record have taught us, in bounded memory.
//!
//! A record goes with its origin's last socket and last waiter, since a program may visit any number of
//! origins. What was learned there outlives it here: a burst at a server that refused the last dial does
//! not begin with a dial for each request again. Only `origins.rs` calls this: a new record takes its
//! knowledge out, one that goes puts it in.
//!
//! Invariants: 1. an origin has a record or an entry here, never both; 2. an entry knows something;
//! 3. there are at most [`MOST`] entries, and the one put in first is forgotten first.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::Origin;

/// How many origins without a record are remembered: more than a program talks to regularly, and with
/// their names still well below a megabyte.
pub(super) const MOST: usize = 1024;

/// What an origin has taught us.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Knowledge {
    /// The last dial to end failed: one at a time until one succeeds.
    pub(super) refused: bool,
    /// How long the socket was idle that its server closed last. Shown, not acted on.
    pub(super) server_idle_limit: Option<Duration>,
    /// Whether the last connection, with a choice, spoke HTTP/2.
    pub(super) http2: Option<bool>,
}

/// The knowledge of origins without a record.
#[derive(Debug, Default)]
pub(super) struct Lore {
    known: HashMap<Origin, (u64, Knowledge)>,
    /// The same origins by when they were put in.
    order: BTreeMap<u64, Origin>,
    next: u64,
}

impl Lore {
    /// Takes out what is known of an origin, nothing at the least.
    pub(super) fn take(&mut self, origin: &Origin) -> Knowledge {
        let Some((number, knowledge)) = self.known.remove(origin) else { return Knowledge::default() };
        self.order.remove(&number);
        knowledge
    }

    /// Remembers what was learned, if anything was.
    pub(super) fn put(&mut self, origin: Origin, knowledge: Knowledge) {
        if knowledge == Knowledge::default() {
            return;
        }
        if self.known.len() == MOST {
            if let Some((_, oldest)) = self.order.pop_first() {
                self.known.remove(&oldest);
            }
        }
        let number = self.next;
        self.next += 1;
        self.order.insert(number, origin.clone());
        self.known.insert(origin, (number, knowledge));
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.known.len(), self.order.len());
        self.known.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: Knowledge = Knowledge { refused: true, server_idle_limit: None, http2: None };

    fn origin(number: usize) -> Origin {
        Origin::from_uri(&format!("http://{number}.test/").parse().unwrap()).unwrap()
    }

    #[test]
    fn what_was_put_in_is_taken_out_once() {
        let mut lore = Lore::default();
        let learned =
            Knowledge { refused: true, server_idle_limit: Some(Duration::from_secs(5)), http2: Some(true) };
        lore.put(origin(1), learned);
        assert_eq!(lore.take(&origin(2)), Knowledge::default());
        assert_eq!((lore.take(&origin(1)), lore.len()), (learned, 0));
        assert_eq!(lore.take(&origin(1)), Knowledge::default());
    }

    #[test]
    fn who_taught_us_nothing_takes_no_place() {
        let mut lore = Lore::default();
        lore.put(origin(1), Knowledge::default());
        assert_eq!(lore.len(), 0);
    }

    #[test]
    fn the_oldest_is_forgotten_first_and_one_put_in_anew_is_young() {
        let mut lore = Lore::default();
        for number in 0..MOST {
            lore.put(origin(number), REFUSED);
        }
        let again = lore.take(&origin(0));
        lore.put(origin(0), again);
        assert_eq!(lore.len(), MOST);
        lore.put(origin(MOST), REFUSED);
        assert_eq!(lore.len(), MOST);
        let left = [0, 1, 2, MOST].map(|number| lore.take(&origin(number)).refused);
        assert_eq!(left, [true, false, true, true]);
    }
}

//! What the machine knows of one origin, as long as it has sockets or waiters.

use std::time::Instant;

use super::list::List;
use super::lore::Knowledge;
use super::phase::Counts;
use super::sockets::ORIGIN;
use super::streams::Carries;
use super::{OriginKey, State, Ticket, WaiterKey};
use crate::Origin;

#[derive(Debug)]
pub(super) struct Record {
    pub(super) origin: Origin,
    /// Waiters without an offer, by ticket.
    pub(super) queue: List<0>,
    /// All waiters, also those with an offer, asleep, or failed and not polled yet.
    pub(super) waiters: usize,
    /// How many of them are asleep and take any socket.
    pub(super) asleep: usize,
    /// Idle sockets, the longest idle in front.
    pub(super) idle: List<ORIGIN>,
    /// Sockets that carry requests and take more, the last used in front.
    pub(super) open: List<ORIGIN>,
    /// What its next socket carries, as far as is known.
    pub(super) carries: Carries,
    /// How many waiters one dial is for.
    pub(super) share: usize,
    /// Dials under way, the first begun in front.
    pub(super) dials: List<ORIGIN>,
    pub(super) counts: Counts,
    /// What it taught us, also before this record; see `State::lore`.
    pub(super) known: Knowledge,
    /// How many dials may be under way while a connection stands.
    pub(super) ramp: usize,
    /// When `ramp` doubles; the origin stands in `State::ramps` under it.
    pub(super) ramp_at: Option<Instant>,
    /// How many of `queue` have no dial under way, as counted in `State::queued`.
    pub(super) queued: usize,
    /// How many dials it wants and may not have because of the total cap.
    pub(super) hunger: usize,
    /// How many waiters those are for.
    pub(super) fed: usize,
    /// The waiter its next dial would be for; the origin stands in `State::hungry` under its ticket.
    pub(super) hungry: Option<(Ticket, WaiterKey)>,
}

impl State {
    pub(super) fn origin_key(&mut self, origin: &Origin) -> OriginKey {
        if let Some(&key) = self.index.get(origin) {
            return key;
        }
        let known = self.lore.take(origin);
        let carries = self.carries(origin.is_secure(), known.http2);
        let key = OriginKey(self.origins.insert(Record {
            origin: origin.clone(),
            queue: List::default(),
            waiters: 0,
            asleep: 0,
            idle: List::default(),
            dials: List::default(),
            counts: Counts::default(),
            known,
            open: List::default(),
            carries,
            share: 1,
            ramp: 1,
            ramp_at: None,
            queued: 0,
            hunger: 0,
            fed: 0,
            hungry: None,
        }));
        self.index.insert(origin.clone(), key);
        key
    }

    /// Whether the last dial to it failed, if it has a record.
    pub(crate) fn has_refused(&self, origin: &Origin) -> bool {
        self.index.get(origin).is_some_and(|&key| self.origins[key.0].known.refused)
    }

    /// Drops the record of an origin with nothing left, and keeps what it taught us.
    pub(super) fn forget(&mut self, key: OriginKey) {
        let record = &self.origins[key.0];
        if record.waiters == 0 && record.counts == Counts::default() {
            let record = self.origins.remove(key.0);
            self.index.remove(&record.origin);
            self.lore.put(record.origin, record.known);
        }
    }
}

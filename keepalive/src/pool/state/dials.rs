//! How many dials an origin may have under way.
//!
//! Cold (no connection stands): one for each waiter. Warm: one, doubling every [`DIAL_STEP`] while
//! requests wait. Where a connection carries many requests, or is the first that may tell whether it does: one.
//! After a failure: one at a time until one succeeds, also if nobody asked in between.
//! Always within `max_sockets`; the total cap is `assign`'s business.

use std::time::Instant;

use slab::Slab;

use super::origins::Record;
use super::phase::Phase;
use super::streams::Carries;
use super::waiters::Waiter;
use super::{Action, DIAL_STEP, OriginKey, SocketKey, State, WaiterKey};

impl Record {
    /// Dials beyond the number of waiters.
    pub(super) fn spare_dials(&self) -> usize {
        self.counts.dials().saturating_sub(self.queue.len().div_ceil(self.share))
    }

    /// How many waiters the dials under way are for; the first in the queue.
    pub(super) fn covered(&self) -> usize {
        self.counts.dials().saturating_mul(self.share)
    }

    /// The oldest waiter that no dial under way is for, looked for from the nearer end: in a burst at a cold
    /// origin it is the last of many.
    fn first_uncovered(&self, waiters: &Slab<Waiter>) -> Option<usize> {
        let before = self.covered();
        let behind = self.queue.len().checked_sub(before)?.checked_sub(1)?;
        if before <= behind {
            self.queue.iter(waiters).nth(before)
        } else {
            self.queue.iter_back(waiters).nth(behind)
        }
    }

    /// Whether it has neither waiters nor dials, and is down as one that has none.
    pub(super) fn wants_nothing(&self) -> bool {
        let nothing = self.counts.connecting == 0 && self.queued == 0 && self.hunger == 0;
        nothing && self.hungry.is_none() && self.ramp_at.is_none() && self.ramp == 1
    }

    /// Dials for the waiters without one, as far as `max_sockets` allows.
    fn lacking(&self, max_sockets: usize) -> usize {
        let waiters = self.queue.len().saturating_sub(self.covered());
        waiters.div_ceil(self.share).min(max_sockets.saturating_sub(self.counts.of_origin()))
    }

    /// For how many waiters that need a fresh socket there is a dial, or a place for one.
    pub(super) fn places_to_dial(&self, max_sockets: usize) -> usize {
        let to_stay = self.counts.of_origin_to_stay() - self.counts.ending;
        let places = max_sockets.saturating_sub(to_stay);
        self.covered().saturating_add(places.saturating_mul(self.share))
    }

    fn may_dial(&self) -> usize {
        let at_once = if self.known.refused || self.carries == Carries::Unknown {
            1
        } else if self.carries == Carries::Many || self.counts.warm() {
            self.ramp
        } else {
            usize::MAX
        };
        at_once.saturating_sub(self.counts.connecting)
    }
}

impl State {
    /// Works out anew how many dials the origin wants, and where it stands among the hungry.
    pub(super) fn weigh(&mut self, key: OriginKey, now: Instant) {
        let stalled = self.is_stalled(key);
        let share = if self.origins[key.0].carries == Carries::Many { self.max_streams } else { 1 };
        let record = &mut self.origins[key.0];
        record.share = share;
        if record.queue.is_empty() {
            record.ramp = 1;
        }
        let may_dial = if stalled { 0 } else { record.may_dial() };
        let lacking = record.lacking(self.limits.max_sockets);
        let hunger = lacking.min(may_dial);
        let next = if hunger > 0 { record.first_uncovered(&self.waiters) } else { None };
        let hungry = next.map(|waiter| (self.waiters[waiter].ticket, WaiterKey(waiter)));

        let queued = record.queue.len().saturating_sub(record.covered());
        self.queued = self.queued - record.queued + queued;
        record.queued = queued;
        self.hunger = self.hunger - record.hunger + hunger;
        record.hunger = hunger;
        let fed = queued.min(hunger.saturating_mul(share));
        self.fed = self.fed - record.fed + fed;
        record.fed = fed;
        let before = std::mem::replace(&mut record.hungry, hungry);
        if before != hungry {
            if let Some((ticket, _)) = before {
                self.hungry.remove(&ticket);
            }
            if let Some((ticket, _)) = hungry {
                self.hungry.insert(ticket, key);
            }
        }

        // Not while something else holds the dials back: doubling would change nothing.
        let ramps = lacking > may_dial && record.counts.warm() && !record.known.refused && !stalled;
        let spare = record.spare_dials() > 0;
        if ramps != record.ramp_at.is_some() {
            if let Some(at) = record.ramp_at.take() {
                self.ramps.remove(&(at, key));
            } else {
                let at = now + DIAL_STEP;
                record.ramp_at = Some(at);
                self.ramps.insert((at, key));
            }
        }
        if spare {
            self.overfed.insert(key);
        } else if !self.overfed.is_empty() {
            self.overfed.remove(&key);
        }
    }

    /// Begins a dial for the origin's first waiter that has none.
    pub(super) fn start_dial(&mut self, key: OriginKey, now: Instant) {
        let Some((ticket, waiter)) = self.origins[key.0].hungry else { return };
        let began = self.next_moment();
        let socket = self.add_socket(key, Phase::Dialing { began, ticket }, now);
        self.actions.push_back(Action::Dial { socket, waiter });
    }

    /// Stops the dial that began last; the first to begin is the first to be done.
    pub(super) fn abort_last_dial(&mut self, key: OriginKey) {
        if let Some(dial) = self.origins[key.0].dials.back() {
            self.abort(SocketKey(dial));
        }
    }

    /// A warm origin whose requests still wait may have twice as many dials under way.
    pub(super) fn ramp_up(&mut self, key: OriginKey, now: Instant) {
        let record = &mut self.origins[key.0];
        if let Some(at) = record.ramp_at.take() {
            self.ramps.remove(&(at, key));
        }
        record.ramp = record.ramp.saturating_mul(2);
        self.assign(key, now);
    }
}

//! What must hold after every event.

use std::collections::BTreeMap;

use super::super::invariants;
use super::world::{ORIGINS, World, origin};
use crate::Protocol;
use crate::pool::state::phase::{Counts, Phase};
use crate::pool::state::waiters::Place;
use crate::pool::state::{OriginKey, SocketKey, State, Ticket};

/// What was before the event.
pub(super) struct Before {
    caps: invariants::Before,
    /// How many streams of each socket were in use or reserved, and whether it had been told to end.
    used: BTreeMap<u64, (usize, bool)>,
}

impl Before {
    pub(super) fn new(state: &State) -> Self {
        let used = state.sockets.iter().filter_map(|(_, it)| {
            let streams = it.streams?;
            Some((it.id, (streams.used, streams.ends.is_some())))
        });
        Self { caps: invariants::Before::new(state), used: used.collect() }
    }
}

/// What an event did.
pub(super) struct After {
    pub(super) before: Before,
    /// The sockets whose dials began.
    pub(super) dials: Vec<u64>,
    /// Who was woken.
    pub(super) wakes: Vec<Ticket>,
}

impl World {
    /// Who is awake and waits, by ticket, and whether only a fresh socket will do.
    pub(super) fn queued(&self, at: usize) -> Vec<(Ticket, bool)> {
        let here = self.state.waiters.iter().filter(|(_, it)| it.place == Place::Queued);
        let here = here.filter(|(_, it)| self.state.origins[it.origin.0].origin == origin(at));
        let mut queued: Vec<_> = here.map(|(_, it)| (it.ticket, it.fresh)).collect();
        queued.sort();
        queued
    }

    pub(super) fn check(&mut self, After { before, dials, wakes }: &After) {
        before.caps.caps_hold(&self.state);
        self.accounts_balance();
        self.streams_add_up(before);
        self.nobody_waits_beside_credit();
        self.nobody_is_without_prospect();
        self.order_is_kept(wakes);
        self.dials_are_wanted(dials);
    }

    fn accounts_balance(&self) {
        let state = &self.state;
        let mut all = Counts::default();
        let (mut open, mut by_origin) = (Vec::new(), BTreeMap::<usize, Counts>::new());
        for (key, socket) in &state.sockets {
            for counts in [&mut all, by_origin.entry(socket.origin.0).or_default()] {
                counts.enter(socket.phase);
                let ends = socket.streams.is_some_and(|it| it.ends.is_some());
                counts.ending += usize::from(ends && socket.phase == Phase::Active);
            }
            if socket.streams.is_some() && socket.phase == Phase::Active && state.takes_more(SocketKey(key)) {
                open.push(key);
            }
        }
        assert_eq!(state.counts, all);
        let mut listed: Vec<_> = state.open.iter(&state.sockets).collect();
        listed.sort_unstable();
        assert_eq!(listed, open, "the open ones");
        let in_origins: usize = state.origins.iter().map(|(_, record)| record.open.len()).sum();
        assert_eq!(in_origins, open.len());
        for (key, record) in &state.origins {
            assert_eq!(record.counts, by_origin.get(&key).copied().unwrap_or_default());
            assert!(record.open.iter(&state.sockets).all(|it| state.sockets[it].origin.0 == key));
        }
        let totals = state.totals;
        assert_eq!(totals.opened, all.all() as u64 + totals.closed);
        let ended = totals.done + totals.failed + totals.cancelled;
        assert_eq!(totals.requests, ended + totals.running + state.waiters.len() as u64);
        let (queued, fed) =
            state.origins.iter().fold((0, 0), |sum, (_, it)| (sum.0 + it.queued, sum.1 + it.fed));
        assert_eq!((state.queued, state.fed), (queued, fed));
    }

    fn streams_add_up(&mut self, before: &Before) {
        let mut reserved_in_all = 0;
        for (key, socket) in &self.state.sockets {
            let entry = self.sockets[&socket.id];
            assert_eq!(socket.streams.is_some(), entry.limit.is_some(), "{}", socket.id);
            assert_eq!(socket.served, entry.served, "{}", socket.id);
            let held = self.held.iter().filter(|it| it.id == socket.id).count();
            let on_it = self
                .state
                .waiters
                .iter()
                .filter(|(_, it)| matches!(it.place, Place::Reserved { socket, .. } if socket.0 == key));
            let reserved = on_it.count();
            reserved_in_all += reserved;
            let Some(streams) = socket.streams else {
                assert!(held <= 1 && reserved == 0, "{} carries one", socket.id);
                continue;
            };
            if !matches!(socket.phase, Phase::Idle | Phase::Active) {
                assert_eq!(reserved, 0, "{} is over", socket.id);
                continue;
            }
            assert_eq!((streams.used, streams.reserved), (held + reserved, reserved), "{}", socket.id);
            assert_eq!(Some(streams.limit), entry.limit, "{}", socket.id);
            assert_eq!(socket.phase == Phase::Idle, streams.used == 0, "{}", socket.id);
            let (was, ended) = before.used.get(&socket.id).copied().unwrap_or_default();
            assert!(streams.used <= streams.limit.max(was), "{} carries too many", socket.id);
            assert!(streams.used <= streams.limit || reserved == 0, "{} is reserved too often", socket.id);
            let takes_more = !ended && socket.id >= self.state.retired;
            assert!(takes_more || streams.used <= was, "{} takes no more", socket.id);
            let most = self.state.limits.max_requests_per_socket.unwrap_or(u64::MAX);
            let as_before = streams.used <= was;
            assert!(as_before || socket.served + reserved as u64 <= most, "{} is worn out", socket.id);
            let too_old = socket.end_of_age(&self.state.limits).is_some_and(|at| at <= self.now);
            assert!(as_before || !too_old, "{} is too old", socket.id);
            self.seen.count("a socket in use that is too old", usize::from(too_old && held > 0));
            self.seen.count("several streams on a socket", usize::from(held > 1));
            self.seen.count("a stream reserved", usize::from(reserved > 0));
            self.seen.count("more used than allowed", usize::from(streams.used > streams.limit));
            let ours = streams.ends.is_some() && !entry.ended;
            self.seen.count("a socket that takes no more by our own will", usize::from(ours));
        }
        assert_eq!(self.state.reserved.len(), reserved_in_all);
    }

    /// By the ledger: a socket that somebody could use is not there while he waits.
    fn nobody_waits_beside_credit(&mut self) {
        for at in 0..ORIGINS {
            let queued = self.queued(at);
            if !queued.iter().any(|&(_, fresh)| !fresh) {
                continue;
            }
            self.seen.count("a waiter for credit", 1);
            for (_, socket) in self.state.sockets.iter().filter(|(_, it)| self.sockets[&it.id].origin == at) {
                let entry = self.sockets[&socket.id];
                let used = socket.streams.map_or(0, |it| it.used);
                let credit = entry.limit.map_or_else(
                    || usize::from(socket.phase == Phase::Idle),
                    |limit| limit.saturating_sub(used),
                );
                let reserved = socket.streams.map_or(0, |it| it.reserved) as u64;
                let most = self.state.limits.max_requests_per_socket.unwrap_or(u64::MAX);
                let good = matches!(socket.phase, Phase::Idle | Phase::Active)
                    && (entry.limit.is_some() || socket.phase == Phase::Idle)
                    && socket.streams.is_none_or(|it| it.ends.is_none())
                    && socket.served + reserved < most
                    && socket.id >= self.state.retired
                    && socket.end_of_age(&self.state.limits).is_none_or(|end| end > self.now);
                assert!(!good || credit == 0, "{queued:?} wait beside {} with credit {credit}", socket.id);
            }
        }
    }

    /// Whoever waits has a dial, or the caps are reached, or the peer of an idle connection allows nothing.
    fn nobody_is_without_prospect(&mut self) {
        for at in 0..ORIGINS {
            if self.queued(at).is_empty() {
                continue;
            }
            let record = &self.state.origins[self.state.index[&origin(at)].0];
            let limits = &self.state.limits;
            let stalled = record.idle.iter(&self.state.sockets).any(|it| {
                let entry = self.sockets[&self.state.sockets[it].id];
                entry.limit == Some(0)
            });
            let capped = record.counts.of_origin() >= limits.max_sockets
                || self.state.counts.all() >= limits.max_total_sockets;
            self.seen.count("a waiter beside a socket that is allowed nothing", usize::from(stalled));
            assert!(record.counts.connecting > 0 || capped || stalled, "{at} waits for nothing");
        }
    }

    /// No offer and no stream to one who came later than one of his origin who is awake and takes the same.
    fn order_is_kept(&self, wakes: &[Ticket]) {
        for (_, waiter) in self.state.waiters.iter().filter(|(_, it)| wakes.contains(&it.ticket)) {
            let offered = matches!(waiter.place, Place::Offered(_) | Place::Reserved { .. });
            if offered && !waiter.fresh {
                let at = self.state.origins[waiter.origin.0].origin.clone();
                let at = (0..ORIGINS).find(|&index| origin(index) == at).expect("one of ours");
                let queued = self.queued(at);
                let older = queued.iter().find(|&&(ticket, fresh)| !fresh && ticket < waiter.ticket);
                assert_eq!(older, None, "{:?} was served first", waiter.ticket);
            }
        }
    }

    /// At most one dial while the protocol is unknown; a dial is begun for those only who have none.
    fn dials_are_wanted(&mut self, dials: &[u64]) {
        for at in 0..ORIGINS {
            let Some(&OriginKey(key)) = self.state.index.get(&origin(at)) else { continue };
            let record = &self.state.origins[key];
            let unknown = self.protocol == Protocol::Auto && self.may_share(at) && self.chosen[at].is_none();
            assert!(!unknown || record.counts.connecting <= 1, "dials to {at}, which has not chosen");
            let waits = unknown && record.counts.connecting == 1 && record.queue.len() > 1;
            self.seen.count("one dial while unknown", usize::from(waits));
            let began = dials.iter().filter(|id| self.sockets[id].origin == at).count();
            let many = match self.protocol {
                Protocol::Auto => self.chosen[at] == Some(true),
                _ => self.may_share(at),
            };
            let share = if many { self.max_streams } else { 1 };
            let wanted = record.queue.len().div_ceil(share);
            assert!(began == 0 || record.counts.dials() <= wanted, "a dial to {at} that nobody waits for");
        }
    }
}

//! The machine's accounts, as plain values.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use super::phase::{Counts, Phase};
use super::waiters::Place;
use super::{OriginKey, SocketKey, State};
use crate::{CloseReason, Origin, SocketState};

/// Sums since the agent was made.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) opened: u64,
    pub(crate) closed: u64,
    pub(crate) requests: u64,
    pub(crate) running: u64,
    pub(crate) done: u64,
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    pub(crate) reused: u64,
    pub(crate) retried: u64,
}

/// Everything there is to see at one instant.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) origins: Vec<OriginSnapshot>,
    pub(crate) counts: Counts,
    pub(crate) totals: Totals,
    pub(crate) closed_by: BTreeMap<CloseReason, u64>,
    pub(crate) waiters: usize,
    pub(crate) max_sockets: usize,
    pub(crate) max_total_sockets: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct OriginSnapshot {
    pub(crate) origin: Origin,
    pub(crate) counts: Counts,
    /// Waiters beyond the dials under way.
    pub(crate) queued: usize,
    pub(crate) oldest_since: Option<Instant>,
    pub(crate) server_idle_limit: Option<Duration>,
    /// In use, on all its sockets that carry many requests.
    pub(crate) streams: usize,
}

/// One open socket.
#[derive(Debug)]
pub(crate) struct SocketSnapshot<'a> {
    pub(crate) key: SocketKey,
    pub(crate) id: u64,
    pub(crate) origin: &'a Origin,
    pub(crate) state: SocketState,
    pub(crate) born: Instant,
    pub(crate) served: u64,
    pub(crate) idle_since: Option<Instant>,
    /// In use, and how many may be, if it carries many requests.
    pub(crate) streams: Option<(usize, usize)>,
}

impl State {
    /// The open sockets, in no order.
    pub(crate) fn list_sockets(&self) -> impl Iterator<Item = SocketSnapshot<'_>> {
        self.sockets.iter().map(|(key, socket)| {
            let state = match socket.phase {
                Phase::Dialing { .. } | Phase::Aborting => SocketState::Connecting,
                Phase::Idle => SocketState::Idle,
                // Only looked at.
                Phase::Active if socket.kept && socket.streams.is_none() => SocketState::Idle,
                Phase::Offered { .. } | Phase::Active => SocketState::Active,
                Phase::Draining => SocketState::Draining,
                Phase::Closing(_) => SocketState::Closing,
                Phase::Upgraded { .. } => SocketState::Upgraded,
            };
            SocketSnapshot {
                key: SocketKey(key),
                id: socket.id,
                origin: &self.origins[socket.origin.0].origin,
                state,
                born: socket.born,
                served: socket.served,
                idle_since: (state == SocketState::Idle).then_some(socket.since),
                streams: socket.streams.map(|streams| (streams.used, streams.limit)),
            }
        })
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut oldest = HashMap::new();
        for (_, waiter) in self.waiters.iter().filter(|(_, waiter)| waiter.place != Place::Failed) {
            let oldest: &mut Instant = oldest.entry(waiter.origin).or_insert(waiter.since);
            *oldest = waiter.since.min(*oldest);
        }
        let mut streams: HashMap<OriginKey, usize> = HashMap::new();
        for (_, socket) in self.sockets.iter().filter(|(_, socket)| socket.phase == Phase::Active) {
            let used = socket.streams.map_or(0, |streams| streams.used);
            *streams.entry(socket.origin).or_default() += used;
        }
        let mut origins: Vec<_> = self
            .origins
            .iter()
            .map(|(key, record)| OriginSnapshot {
                origin: record.origin.clone(),
                counts: record.counts,
                queued: record.waiters - record.queue.len().min(record.covered()),
                oldest_since: oldest.get(&OriginKey(key)).copied(),
                server_idle_limit: record.known.server_idle_limit,
                streams: streams.get(&OriginKey(key)).copied().unwrap_or(0),
            })
            .collect();
        origins.sort_by(|a, b| a.origin.cmp(&b.origin));
        Snapshot {
            origins,
            counts: self.counts,
            totals: self.totals,
            closed_by: self.closed_by.clone(),
            waiters: self.waiters.len(),
            max_sockets: self.limits.max_sockets,
            max_total_sockets: self.limits.max_total_sockets,
        }
    }
}

//! What an agent shows of itself.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::pool::{OriginSnapshot, Snapshot};
use crate::{CloseReason, Origin, clock};

/// What an agent is doing at one instant (Node: `agent.sockets`, `freeSockets`, `requests`).
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Status {
    /// The origins with a socket or a waiting request, sorted.
    pub origins: Vec<OriginStatus>,
    /// All origins together, and the sums since the agent was made.
    pub totals: Totals,
}

/// The sockets and the queue of one origin.
///
/// `active + idle + connecting + draining + closing` never exceeds `max_sockets`, unless that was
/// lowered a moment ago.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct OriginStatus {
    /// Which origin.
    pub origin: Origin,
    /// Sockets on a request, or just offered to one.
    pub active: usize,
    /// Sockets kept for later requests.
    pub idle: usize,
    /// Sockets being dialled.
    pub connecting: usize,
    /// Sockets on which the rest of a dropped body is read off.
    pub draining: usize,
    /// Sockets whose close(2) has not returned.
    pub closing: usize,
    /// Sockets handed out after a 101 or a CONNECT; these count in the total only.
    pub upgraded: usize,
    /// Requests on HTTP/2 connections, those that one was just offered to and those that were given up
    /// while the server showed no life included; 0 for HTTP/1.1.
    pub streams: usize,
    /// Requests waiting for a slot; those whose dial is under way are not counted.
    pub queued: usize,
    /// How long the oldest request without a socket has waited.
    pub oldest_queued: Option<Duration>,
    /// After how long an idle time the server closed a socket, the last time it did; `None` if it has not
    /// yet. Recorded, not acted on: a `free_socket_timeout` below it avoids such ends. It is the time at
    /// which the agent noticed, and is remembered also while the agent has no socket to the origin, of the
    /// 1,024 such origins that it left last.
    pub server_idle_limit: Option<Duration>,
    /// The limit in force; `None` is no limit.
    pub max_sockets: Option<usize>,
}

/// All origins together.
///
/// At every instant `opened == active + idle + connecting + draining + closing + upgraded + closed` and
/// `requests == done + failed + cancelled + running + waiting`; `closed` is the sum of `closed_by`, and each
/// count of sockets is the sum of the origins'.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Totals {
    /// See [`OriginStatus::active`].
    pub active: usize,
    /// See [`OriginStatus::idle`].
    pub idle: usize,
    /// See [`OriginStatus::connecting`].
    pub connecting: usize,
    /// See [`OriginStatus::draining`].
    pub draining: usize,
    /// See [`OriginStatus::closing`].
    pub closing: usize,
    /// See [`OriginStatus::upgraded`].
    pub upgraded: usize,
    /// See [`OriginStatus::streams`].
    pub streams: usize,
    /// See [`OriginStatus::queued`].
    pub queued: usize,
    /// How long the oldest request without a socket has waited.
    pub oldest_queued: Option<Duration>,
    /// Requests without a socket: queued, or with their dial under way.
    pub waiting: usize,
    /// Requests with a socket.
    pub running: u64,
    /// Sockets opened so far; a dial counts from its start.
    pub opened: u64,
    /// Sockets closed so far, failed dials included.
    pub closed: u64,
    /// `closed`, by reason.
    pub closed_by: BTreeMap<CloseReason, u64>,
    /// Dials that failed so far.
    pub failed_dials: u64,
    /// Requests made so far.
    pub requests: u64,
    /// Requests whose response was read to the end, or dropped.
    pub done: u64,
    /// Requests that ended with an error. One that was met before the body was dropped counts, read or not.
    pub failed: u64,
    /// Requests whose future was dropped.
    pub cancelled: u64,
    /// Requests that ended on a socket which had served before.
    pub reused: u64,
    /// How often a request was written again because its socket proved stale.
    pub retried: u64,
    /// The limit in force; `None` is no limit.
    pub max_total_sockets: Option<usize>,
}

impl Status {
    pub(super) fn of(snapshot: Snapshot) -> Self {
        let now = clock::now().into_std();
        let waited = |since: Option<Instant>| since.map(|since| now.saturating_duration_since(since));
        let limit = |limit| (limit != usize::MAX).then_some(limit);
        let max_sockets = limit(snapshot.max_sockets);
        let origin_status = |origin: OriginSnapshot| OriginStatus {
            origin: origin.origin,
            active: origin.counts.active,
            idle: origin.counts.idle,
            connecting: origin.counts.connecting,
            draining: origin.counts.draining,
            closing: origin.counts.closing,
            upgraded: origin.counts.upgraded,
            streams: origin.streams,
            queued: origin.queued,
            oldest_queued: waited(origin.oldest_since),
            server_idle_limit: origin.server_idle_limit,
            max_sockets,
        };
        let (counts, totals) = (snapshot.counts, snapshot.totals);
        let totals = Totals {
            active: counts.active,
            idle: counts.idle,
            connecting: counts.connecting,
            draining: counts.draining,
            closing: counts.closing,
            upgraded: counts.upgraded,
            streams: snapshot.origins.iter().map(|origin| origin.streams).sum(),
            queued: snapshot.origins.iter().map(|origin| origin.queued).sum(),
            oldest_queued: snapshot.origins.iter().filter_map(|origin| waited(origin.oldest_since)).max(),
            waiting: snapshot.waiters,
            running: totals.running,
            opened: totals.opened,
            closed: totals.closed,
            failed_dials: snapshot.closed_by.get(&CloseReason::DialFailed).copied().unwrap_or(0),
            closed_by: snapshot.closed_by,
            requests: totals.requests,
            done: totals.done,
            failed: totals.failed,
            cancelled: totals.cancelled,
            reused: totals.reused,
            retried: totals.retried,
            max_total_sockets: limit(snapshot.max_total_sockets),
        };
        Self { origins: snapshot.origins.into_iter().map(origin_status).collect(), totals }
    }
}

//! How a socket that carries many requests comes to its end while they are under way: it takes no more, and
//! goes with its last stream. Its peer says so, it is too old or has carried enough, or its place is needed.
//!
//! Not here: its end when it is idle, which is that of every idle socket.
//!
//! Invariant: a connection that was opened served somebody, or may still, or cost a waiter that was there
//! before it. So no server makes the pool dial for ever.

use std::time::Instant;

use super::phase::Phase;
use super::sockets::Socket;
use super::{OriginKey, SocketKey, State, WaiterKey};
use crate::CloseReason;

/// The events of a connection that ends.
impl State {
    /// The connection takes no more streams, and goes when those in use are done. Whoever was reserved one
    /// waits again. If nobody has used it yet it is like a dial that failed, and so the oldest waiter that
    /// was there before it fails: or else a server that ends each new connection would be dialled for ever.
    pub(crate) fn end_streams(
        &mut self,
        key: SocketKey,
        id: u64,
        reason: CloseReason,
        now: Instant,
    ) -> Option<WaiterKey> {
        let failed = self.stop_carrying(key, id, reason, now)?;
        if self.sockets[key.0].streams.is_some_and(|streams| streams.used == 0) {
            self.shut(key, reason);
        }
        self.assign(self.sockets[key.0].origin, now);
        failed
    }

    /// The connection broke under all its streams. Its task closes it and lets go of the slot next.
    pub(crate) fn broken(
        &mut self,
        key: SocketKey,
        id: u64,
        reason: CloseReason,
        now: Instant,
    ) -> Option<WaiterKey> {
        let failed = self.stop_carrying(key, id, reason, now)?;
        self.set_phase(key, Phase::Closing(reason));
        self.assign(self.sockets[key.0].origin, now);
        failed
    }
}

/// What the rest of the machine does to end one.
impl State {
    /// Brings the sockets into line with limits that were changed, or with more that are retired. Those that
    /// a lowered limit has no place for and that are in use end, the newest first.
    pub(super) fn review_streams(&mut self) {
        let shared = self.sockets.iter().filter(|(_, socket)| socket.streams.is_some());
        let shared: Vec<_> = shared.map(|(key, _)| SocketKey(key)).collect();
        shared.into_iter().for_each(|key| self.change(key, |_| ()));
        let origins: Vec<_> = self.origins.iter().map(|(key, _)| OriginKey(key)).collect();
        for origin in origins {
            let counts = self.origins[origin.0].counts;
            // The others go at once, or when their dials are done.
            let busy = counts.active - counts.ending + counts.draining;
            self.wind_down(Some(origin), busy.saturating_sub(self.limits.max_sockets));
        }
        let counts = self.counts;
        let busy = counts.active - counts.ending + counts.draining + counts.upgraded - counts.parting;
        self.wind_down(None, busy.saturating_sub(self.limits.max_total_sockets));
    }

    /// Those of the `surplus` newest sockets in use that carry many requests take no more. The others close
    /// when they are free, as long as there are too many.
    fn wind_down(&mut self, origin: Option<OriginKey>, surplus: usize) {
        if surplus == 0 {
            return;
        }
        let is_busy = |socket: &Socket| {
            let ends = socket.streams.is_some_and(|streams| streams.ends.is_some());
            let busy = matches!(socket.phase, Phase::Offered { .. } | Phase::Active | Phase::Draining);
            busy && !ends && origin.is_none_or(|origin| origin == socket.origin)
        };
        let busy = self.sockets.iter().filter(|(_, socket)| is_busy(socket));
        let mut busy: Vec<_> = busy.map(|(key, socket)| (socket.id, SocketKey(key))).collect();
        busy.sort_unstable();
        for &(_, key) in busy.iter().rev().take(surplus) {
            self.end(key, CloseReason::OverLimit);
        }
    }

    /// Somebody older than all that come waits for the room of an origin whose connection never rests:
    /// the one used last takes no more. One at a time.
    pub(super) fn make_way(&mut self) {
        let Some((_, &hungry)) = self.hungry.first_key_value() else { return };
        // Who has a socket of its own waits for that.
        let is_cold = self.origins[hungry.0].counts.of_origin() == 0;
        if is_cold && self.counts.ending == 0 && self.room_to_come() == 0 {
            if let Some(busiest) = self.open.front().map(SocketKey) {
                self.end(busiest, CloseReason::Evicted);
            }
        }
    }

    /// A connection in use takes no more, and goes when its last stream is done.
    pub(super) fn end(&mut self, key: SocketKey, reason: CloseReason) {
        self.change(key, |streams| streams.ends = streams.ends.or(Some(reason)));
    }

    fn stop_carrying(
        &mut self,
        key: SocketKey,
        id: u64,
        reason: CloseReason,
        now: Instant,
    ) -> Option<Option<WaiterKey>> {
        if !self.expire_before(key, id, now) {
            return None;
        }
        self.end(key, reason);
        self.withdraw_streams(key, usize::MAX);
        Some(self.fail_for_unused(key))
    }

    /// A connection that goes and was of no use is like a dial that failed.
    pub(super) fn fail_for_unused(&mut self, key: SocketKey) -> Option<WaiterKey> {
        let Socket { origin, served, opened, streams, .. } = &mut self.sockets[key.0];
        let (origin, opened) = (*origin, *opened);
        let blamed = streams.as_mut().is_some_and(|streams| std::mem::replace(&mut streams.blamed, true));
        if *served > 0 || blamed {
            return None;
        }
        let failed = self.fail_oldest(origin, |waiter| waiter.entered < opened);
        self.origins[origin.0].known.refused |= failed.is_some();
        failed
    }

    /// The same for one that was never allowed a stream. Else a server that allows none would be dialled
    /// for ever, where it is not kept until it does.
    pub(super) fn shut_unused(&mut self, key: SocketKey, reason: CloseReason) {
        let by_user = matches!(
            reason,
            CloseReason::CloseIdle
                | CloseReason::AgentClosed
                | CloseReason::AgentDropped
                | CloseReason::Destroyed
        );
        if self.sockets[key.0].streams.is_some_and(|streams| streams.limit == 0) && !by_user {
            self.fail_for_unused(key);
        }
    }
}

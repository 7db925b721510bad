//! Sockets that carry many requests at once (HTTP/2): one slot, many streams.
//!
//! Such a socket is idle while no stream is in use, and active otherwise. As long as it takes more it stands
//! in the `open` lists (active) or in the `idle` lists (idle). A waiter is *reserved* a stream as it is
//! offered a socket of its own: the reservation counts as a stream in use, and lapses after [`CLAIM`].
//! One that ends takes no more and goes with its last stream, see `endings.rs`.
//!
//! The connection's task tells what its peer allows, and how it ends; a stream's user tells when it is free.
//! Both may come late, when the socket is gone: hence the number beside the key.
//!
//! Invariants:
//! 1. A reservation stands only on a socket that is active.
//! 2. No more are in use than the limit, unless the limit was lowered; then none of them is reserved.

use std::time::Instant;

use super::notes::Note;
use super::phase::Phase;
use super::sockets::Socket;
use super::waiters::Place;
use super::{Action, CLAIM, OriginKey, SocketKey, State, WaiterKey};
use crate::{CloseReason, Protocol};

/// The streams of a socket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Streams {
    /// How many it may carry: what the peer allows, and no more than the agent does.
    pub(super) limit: usize,
    /// How many it carries or are reserved.
    pub(super) used: usize,
    /// Those of `used` that are reserved.
    pub(super) reserved: usize,
    /// That it was of no use was told already.
    pub(super) blamed: bool,
    /// Why it takes no more.
    pub(super) ends: Option<CloseReason>,
    /// It stands in the lists of open ones.
    pub(super) is_open: bool,
}

/// What a socket of an origin carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carries {
    /// One request at a time.
    One,
    /// Many at once.
    Many,
    /// The first connection will tell.
    Unknown,
}

/// The events of a socket that carries many requests.
impl State {
    /// How HTTP versions are chosen, and how many streams a connection may have in use.
    pub(crate) fn speak(&mut self, protocol: Protocol, max_streams: usize) {
        (self.protocol, self.max_streams) = (protocol, max_streams);
    }

    /// The dial brought a connection that carries many requests at once, as many as the peer allows.
    pub(crate) fn dialed_shared(&mut self, key: SocketKey, allowed: usize, now: Instant) {
        self.expire(now);
        let origin = self.sockets[key.0].origin;
        if let Phase::Dialing { .. } = self.sockets[key.0].phase {
            let record = &mut self.origins[origin.0];
            record.known.refused = false;
            record.carries = Carries::Many;
            if self.protocol == Protocol::Auto {
                record.known.http2 = Some(true);
            }
            let (opened, limit) = (self.next_moment(), allowed.min(self.max_streams));
            let socket = &mut self.sockets[key.0];
            socket.streams =
                Some(Streams { limit, used: 0, reserved: 0, blamed: false, ends: None, is_open: false });
            (socket.born, socket.opened) = (now, opened);
            self.note(key, Note::Opened);
            self.free(key, now);
        } else {
            self.shut(key, CloseReason::DialAborted);
        }
        self.assign(origin, now);
        self.settle(key);
    }

    /// Whether no more than one stream of it is in use.
    #[cfg(feature = "http2")]
    pub(crate) fn is_alone(&self, key: SocketKey) -> bool {
        self.sockets[key.0].streams.is_none_or(|streams| streams.used <= 1)
    }

    /// The peer allows so many streams now. Reservations that are too many are taken back.
    pub(crate) fn allow_streams(&mut self, key: SocketKey, id: u64, limit: usize, now: Instant) {
        if !self.expire_before(key, id, now) {
            return;
        }
        let limit = limit.min(self.max_streams);
        self.change(key, |streams| streams.limit = limit);
        let used = self.sockets[key.0].streams.map_or(0, |streams| streams.used);
        if self.withdraw_streams(key, used.saturating_sub(limit)) {
            self.rest(key, now);
        }
        self.assign(self.sockets[key.0].origin, now);
        self.settle(key);
    }

    /// A stream is free again.
    pub(crate) fn release_stream(&mut self, key: SocketKey, id: u64, now: Instant) {
        if !self.expire_before(key, id, now) {
            return;
        }
        self.sockets[key.0].since = now;
        self.give_stream_back(key, now);
        self.assign(self.sockets[key.0].origin, now);
        self.settle(key);
    }
}

/// What the rest of the machine does with streams.
impl State {
    /// What the origin's next socket will carry, by what is known of it.
    pub(super) fn carries(&self, is_secure: bool, known: Option<bool>) -> Carries {
        match (self.protocol, is_secure) {
            (Protocol::Http1, _) | (Protocol::Auto | Protocol::Http2, false) => Carries::One,
            (Protocol::Http2, true) | (Protocol::Http2PriorKnowledge, _) => Carries::Many,
            (Protocol::Auto, true) => match known {
                None => Carries::Unknown,
                Some(true) => Carries::Many,
                Some(false) => Carries::One,
            },
        }
    }

    /// Whether the socket can carry a request more, if it is not too old.
    pub(super) fn takes_more(&self, key: SocketKey) -> bool {
        let socket = &self.sockets[key.0];
        socket.streams.is_none_or(|Streams { limit, used, reserved, ends, .. }| {
            let most = self.limits.max_requests_per_socket;
            let worn_out = most.is_some_and(|most| socket.served + reserved as u64 >= most);
            ends.is_none() && used < limit && !worn_out && socket.id >= self.retired
        })
    }

    /// Gives a stream to the request that asks for it now: the one that was reserved for it, or a free one.
    pub(super) fn lend_stream(&mut self, key: SocketKey, was_reserved: bool) {
        let rested = self.sockets[key.0].phase != Phase::Active;
        if rested {
            self.leave(key);
        }
        let socket = &mut self.sockets[key.0];
        socket.phase = Phase::Active;
        socket.was_kept = std::mem::take(&mut socket.kept);
        socket.served += 1;
        if let Some(streams) = &mut socket.streams {
            streams.used += usize::from(!was_reserved);
            streams.reserved -= usize::from(was_reserved);
        }
        if rested {
            self.enter(key, Phase::Active);
        } else {
            self.reopen(key);
        }
    }

    /// Reserves a stream for a waiter until it is polled.
    pub(super) fn reserve(&mut self, waiter: WaiterKey, socket: SocketKey, now: Instant) {
        self.leave(socket);
        let Socket { phase, streams, .. } = &mut self.sockets[socket.0];
        *phase = Phase::Active;
        if let Some(streams) = streams {
            streams.used += 1;
            streams.reserved += 1;
        }
        self.enter(socket, Phase::Active);
        self.waiters[waiter.0].place = Place::Reserved { socket, until: now + CLAIM };
        self.reserved.push_back(&mut self.waiters, waiter.0);
        self.actions.push_back(Action::Wake { waiter });
    }

    /// The waiter is reserved nothing any more. What it was is to be given back, or used.
    pub(super) fn unreserve(&mut self, waiter: WaiterKey) {
        self.reserved.remove(&mut self.waiters, waiter.0);
    }

    /// Nobody claimed the stream in time: the waiter is passed over until it is polled.
    pub(super) fn lapse_stream(&mut self, waiter: WaiterKey, now: Instant) {
        let Place::Reserved { socket, .. } = self.waiters[waiter.0].place else { return };
        self.fall_asleep(waiter);
        self.give_reserved_back(waiter, socket, now);
        self.assign(self.sockets[socket.0].origin, now);
        self.settle(socket);
    }

    /// The waiter does not take what was reserved for it. `assign` must follow, and `settle`.
    pub(super) fn give_reserved_back(&mut self, waiter: WaiterKey, socket: SocketKey, now: Instant) {
        self.unreserve(waiter);
        self.change(socket, |streams| streams.reserved -= 1);
        self.give_stream_back(socket, now);
    }

    /// Takes back up to `most` of the streams reserved on a socket, from the last in the order of tickets;
    /// their waiters have their old places. Whether there was any. `rest` and `assign` must follow.
    pub(super) fn withdraw_streams(&mut self, key: SocketKey, most: usize) -> bool {
        let reserved = self.sockets[key.0].streams.map_or(0, |streams| streams.reserved);
        if reserved.min(most) == 0 {
            return false;
        }
        let on_it = |waiter: &usize| matches!(self.waiters[*waiter].place, Place::Reserved { socket, .. } if socket == key);
        let on_it = self.reserved.iter(&self.waiters).filter(on_it);
        let mut on_it: Vec<_> =
            on_it.map(|waiter| (self.waiters[waiter].ticket, WaiterKey(waiter))).collect();
        on_it.sort_unstable();
        // Each goes before those that went already.
        for &(_, waiter) in on_it.iter().rev().take(most) {
            self.unreserve(waiter);
            self.change(key, |streams| {
                streams.reserved -= 1;
                streams.used -= 1;
            });
            self.enqueue(waiter);
        }
        true
    }

    /// Makes a socket idle if none of its streams is in use any more. `assign` must follow, and `settle`.
    pub(super) fn rest(&mut self, key: SocketKey, now: Instant) {
        let Socket { phase, streams, since, .. } = self.sockets[key.0];
        if phase != Phase::Active || streams.is_none_or(|streams| streams.used > 0) {
            return;
        }
        match streams.and_then(|streams| streams.ends).or_else(|| self.spent(key, now)) {
            Some(reason) => self.shut(key, reason),
            None => self.free(key, since),
        }
        // It may have become one that must go while a stream was only reserved.
        self.expire(now);
    }

    fn give_stream_back(&mut self, key: SocketKey, now: Instant) {
        self.change(key, |streams| streams.used -= 1);
        self.rest(key, now);
    }

    /// Whether a connection stands whose peer allows no stream at all: another would not help.
    pub(super) fn is_stalled(&self, origin: OriginKey) -> bool {
        let record = &self.origins[origin.0];
        let none = |key: usize| self.sockets[key].streams.is_some_and(|streams| streams.limit == 0);
        record.carries == Carries::Many && record.idle.iter(&self.sockets).any(none)
    }

    /// Lets time pass before an event of a socket; whether the socket is still there for it.
    pub(super) fn expire_before(&mut self, key: SocketKey, id: u64, now: Instant) -> bool {
        self.expire(now);
        let is_there = self.is_carrier(key, id);
        if !is_there {
            // What expired may have made room.
            self.open(now);
        }
        is_there
    }

    /// Whether it is that socket, which carries requests and still can.
    fn is_carrier(&self, key: SocketKey, id: u64) -> bool {
        let socket = self.sockets.get(key.0).filter(|socket| socket.id == id && socket.streams.is_some());
        socket.is_some_and(|socket| matches!(socket.phase, Phase::Idle | Phase::Active))
    }

    /// Changes a socket's streams, and whether it is open with them. One that has none is left where it is:
    /// an offer made again would be made later.
    pub(super) fn change(&mut self, key: SocketKey, change: impl FnOnce(&mut Streams)) {
        let Socket { phase, streams, .. } = self.sockets[key.0];
        let Some(before) = streams else { return };
        let mut after = before;
        change(&mut after);
        if phase == Phase::Active && after.ends == before.ends {
            self.sockets[key.0].streams = Some(after);
            return self.reopen(key);
        }
        self.leave(key);
        self.sockets[key.0].streams = Some(Streams { is_open: false, ..after });
        self.enter(key, phase);
    }

    /// Whether an active socket takes more may have changed, and nothing else that it is counted by: that
    /// goes for nearly every stream, and costs less than to leave and enter.
    fn reopen(&mut self, key: SocketKey) {
        let takes_more = self.takes_more(key);
        let Socket { origin, ref mut streams, .. } = self.sockets[key.0];
        let Some(streams) = streams else { return };
        let was_open = std::mem::replace(&mut streams.is_open, takes_more);
        let in_origin = &mut self.origins[origin.0].open;
        if was_open {
            if takes_more && in_origin.front() == Some(key.0) && self.open.front() == Some(key.0) {
                return;
            }
            in_origin.remove(&mut self.sockets, key.0);
            self.open.remove(&mut self.sockets, key.0);
        }
        if takes_more {
            in_origin.insert_after(&mut self.sockets, None, key.0);
            self.open.insert_after(&mut self.sockets, None, key.0);
        }
    }
}

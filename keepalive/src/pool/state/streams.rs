//! Sockets that carry many requests at once (HTTP/2): one slot, many streams.
//!
//! Such a socket is idle while no stream is in use, and active otherwise. As long as it takes more it stands
//! in its origin's `open` list (active) or `idle` list (idle). A waiter is *reserved* a stream as it is
//! offered a socket of its own: the reservation counts as a stream in use, and lapses after [`CLAIM`].
//!
//! The connection's task tells what its peer allows, and how it ends; a stream's user tells when it is free.
//! Both may come late, when the socket is gone: hence the number beside the key.

use std::time::Instant;

use super::notes::Note;
use super::phase::Phase;
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
    /// How many of those are reserved: they are not counted among the requests served yet.
    pub(super) reserved: u64,
    /// Why it takes no more.
    pub(super) ends: Option<CloseReason>,
    /// It stands in its origin's list of open ones.
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
            record.known.http2 = Some(true);
            record.carries = Carries::Many;
            let (opened, limit) = (self.next_moment(), allowed.min(self.max_streams));
            let socket = &mut self.sockets[key.0];
            socket.streams = Some(Streams { limit, used: 0, reserved: 0, ends: None, is_open: false });
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
    pub(crate) fn is_alone(&self, key: SocketKey) -> bool {
        self.sockets[key.0].streams.is_none_or(|streams| streams.used <= 1)
    }

    /// The peer allows so many streams now.
    pub(crate) fn allow_streams(&mut self, key: SocketKey, id: u64, limit: usize, now: Instant) {
        if self.carrier(key, id).is_none() {
            return;
        }
        self.expire(now);
        let limit = limit.min(self.max_streams);
        self.change(key, |streams| streams.limit = limit);
        self.assign(self.sockets[key.0].origin, now);
    }

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
        let failed = self.stop_carrying(key, id, reason)?;
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
        let failed = self.stop_carrying(key, id, reason)?;
        self.set_phase(key, Phase::Closing(reason));
        self.assign(self.sockets[key.0].origin, now);
        failed
    }

    /// A stream is free again.
    pub(crate) fn release_stream(&mut self, key: SocketKey, id: u64, now: Instant) {
        if self.carrier(key, id).is_none() {
            return;
        }
        self.expire(now);
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

    /// Whether the socket can carry a request more.
    pub(super) fn takes_more(&self, key: SocketKey) -> bool {
        let socket = &self.sockets[key.0];
        socket.streams.is_none_or(|streams| {
            let most = self.limits.max_requests_per_socket;
            let worn_out =
                most.is_some_and(|most| socket.served + streams.reserved >= most) || socket.id < self.retired;
            streams.ends.is_none() && streams.used < streams.limit && !worn_out
        })
    }

    /// Takes a stream into use, or reserves it.
    pub(super) fn use_stream(&mut self, key: SocketKey) {
        self.leave(key);
        let socket = &mut self.sockets[key.0];
        socket.phase = Phase::Active;
        socket.streams.iter_mut().for_each(|streams| streams.used += 1);
        self.enter(key, Phase::Active);
    }

    /// Reserves a stream for a waiter until it is polled.
    pub(super) fn reserve(&mut self, waiter: WaiterKey, socket: SocketKey, now: Instant) {
        self.sockets[socket.0].streams.iter_mut().for_each(|streams| streams.reserved += 1);
        self.use_stream(socket);
        self.waiters[waiter.0].place = Place::Reserved { socket, until: now + CLAIM };
        self.reserved.push_back(&mut self.waiters, waiter.0);
        self.actions.push_back(Action::Wake { waiter });
    }

    /// The waiter is reserved nothing any more. What it was is to be given back, or used.
    pub(super) fn unreserve(&mut self, waiter: WaiterKey) {
        self.reserved.remove(&mut self.waiters, waiter.0);
        if let Place::Reserved { socket, .. } = self.waiters[waiter.0].place {
            self.sockets[socket.0].streams.iter_mut().for_each(|streams| streams.reserved -= 1);
        }
    }

    /// Nobody claimed the stream in time: the waiter is passed over until it is polled.
    pub(super) fn lapse_stream(&mut self, waiter: WaiterKey, now: Instant) {
        let Place::Reserved { socket, .. } = self.waiters[waiter.0].place else { return };
        self.unreserve(waiter);
        self.waiters[waiter.0].place = Place::Asleep;
        self.give_stream_back(socket, now);
        self.assign(self.sockets[socket.0].origin, now);
        self.settle(socket);
    }

    /// `assign` must follow, and `settle`.
    pub(super) fn give_stream_back(&mut self, key: SocketKey, now: Instant) {
        self.change(key, |streams| streams.used -= 1);
        let spent = self.spent(key, now);
        let Some(Streams { used, ends, .. }) = self.sockets[key.0].streams else { return };
        match ends.or(spent) {
            Some(reason) if used == 0 => self.shut(key, reason),
            None if used == 0 => self.free(key, now),
            ends => self.change(key, |streams| streams.ends = ends),
        }
    }

    /// Brings the open lists into line after a change that holds for all sockets.
    pub(super) fn review_streams(&mut self) {
        let shared = self.sockets.iter().filter(|(_, socket)| socket.streams.is_some());
        let shared: Vec<_> = shared.map(|(key, _)| SocketKey(key)).collect();
        shared.into_iter().for_each(|key| self.change(key, |_| ()));
    }

    /// Whether a connection stands whose peer allows no stream at all: another would not help.
    pub(super) fn is_stalled(&self, origin: OriginKey) -> bool {
        let record = &self.origins[origin.0];
        let none = |key: usize| self.sockets[key].streams.is_some_and(|streams| streams.limit == 0);
        record.carries == Carries::Many && record.idle.iter(&self.sockets).any(none)
    }

    /// The number of the socket, if it carries requests and still can.
    fn carrier(&self, key: SocketKey, id: u64) -> Option<SocketKey> {
        let socket = self.sockets.get(key.0).filter(|socket| socket.id == id && socket.streams.is_some())?;
        matches!(socket.phase, Phase::Idle | Phase::Active).then_some(key)
    }

    fn stop_carrying(&mut self, key: SocketKey, id: u64, reason: CloseReason) -> Option<Option<WaiterKey>> {
        self.carrier(key, id)?;
        self.change(key, |streams| streams.ends = Some(reason));
        let on_it = |waiter: &usize| matches!(self.waiters[*waiter].place, Place::Reserved { socket, .. } if socket == key);
        let reserved: Vec<_> = self.reserved.iter(&self.waiters).filter(on_it).collect();
        for waiter in reserved {
            self.unreserve(WaiterKey(waiter));
            self.change(key, |streams| streams.used -= 1);
            self.enqueue(WaiterKey(waiter));
        }
        let &super::sockets::Socket { origin, served, opened, .. } = &self.sockets[key.0];
        if served > 0 {
            return Some(None);
        }
        self.origins[origin.0].known.refused = true;
        Some(self.fail_oldest(origin, |waiter| waiter.entered < opened))
    }

    /// Changes a socket's streams, and whether it is open with them.
    fn change(&mut self, key: SocketKey, change: impl FnOnce(&mut Streams)) {
        let phase = self.sockets[key.0].phase;
        self.leave(key);
        if let Some(streams) = &mut self.sockets[key.0].streams {
            change(streams);
        }
        self.enter(key, phase);
    }
}

//! The idle sockets that go sooner than `free_socket_timeout` says, the first to go on top.
//!
//! A binary heap in which each socket knows its place, so that any can be taken out: O(log n), and mostly
//! O(1), since the socket parked last goes last and is used first. Its room stays, so that parking
//! allocates nothing. Only `phase.rs`, `sockets.rs` and `idle.rs` use it.

use std::time::Instant;

use slab::Slab;

use super::SocketKey;
use super::sockets::Socket;

#[derive(Debug, Default)]
pub(super) struct Early(Vec<(Instant, SocketKey)>);

impl Early {
    /// Puts a socket in that is not there, or at another time.
    pub(super) fn set(&mut self, sockets: &mut Slab<Socket>, key: SocketKey, at: Option<Instant>) {
        self.remove(sockets, key);
        if let Some(at) = at {
            self.0.push((at, key));
            self.rise(sockets, self.0.len() - 1);
        }
    }

    /// Takes a socket out, if it is there.
    pub(super) fn remove(&mut self, sockets: &mut Slab<Socket>, key: SocketKey) {
        let Some(place) = sockets[key.0].early.take() else { return };
        self.0.swap_remove(place);
        // The last one stands in its place now, and belongs further up or further down.
        if place < self.0.len() {
            let place = self.rise(sockets, place);
            self.sink(sockets, place);
        }
    }

    /// The first to go, and when.
    pub(super) fn first(&self) -> Option<(Instant, SocketKey)> {
        self.0.first().copied()
    }

    pub(super) fn capacity(&self) -> usize {
        self.0.capacity()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Brings the entry at `place` above those that go later, and tells it its new place.
    fn rise(&mut self, sockets: &mut Slab<Socket>, mut place: usize) -> usize {
        let entry = self.0[place];
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.0[parent] <= entry {
                break;
            }
            self.put(sockets, place, self.0[parent]);
            place = parent;
        }
        self.put(sockets, place, entry);
        place
    }

    /// Brings the entry at `place` below those that go sooner.
    fn sink(&mut self, sockets: &mut Slab<Socket>, mut place: usize) {
        let entry = self.0[place];
        loop {
            let left = 2 * place + 1;
            let children = self.0.get(left..self.0.len().min(left + 2)).unwrap_or_default();
            let Some((sooner, &child)) = children.iter().enumerate().min_by_key(|&(_, child)| child) else {
                break;
            };
            if entry <= child {
                break;
            }
            self.put(sockets, place, child);
            place = left + sooner;
        }
        self.put(sockets, place, entry);
    }

    fn put(&mut self, sockets: &mut Slab<Socket>, place: usize, entry: (Instant, SocketKey)) {
        self.0[place] = entry;
        sockets[entry.1.0].early = Some(place);
    }
}

#[cfg(any(test, feature = "unstable"))]
impl Early {
    /// Panics unless each socket knows its place and none stands above one that goes sooner.
    pub(super) fn assert_order(&self, sockets: &Slab<Socket>) {
        for (place, &(_, key)) in self.0.iter().enumerate() {
            assert_eq!(sockets[key.0].early, Some(place));
            assert!(place == 0 || self.0[(place - 1) / 2] <= self.0[place]);
        }
        let known = sockets.iter().filter(|(_, socket)| socket.early.is_some()).count();
        assert_eq!(known, self.0.len());
    }
}

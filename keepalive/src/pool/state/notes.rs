//! What happened to sockets, in the order in which it did. Written down only while somebody wants to know.
//!
//! Not here: what happened to requests, which the driver knows as soon as the machine does.

use std::collections::VecDeque;
use std::time::Duration;

use super::{SocketKey, State};
use crate::{CloseReason, Origin};

/// Something that happened to one socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Note {
    /// A slot was taken for its dial.
    Dialing,
    /// The dial succeeded.
    Opened,
    /// It is kept, as nobody waits for it.
    Parked,
    /// Its slot is free.
    Closed { reason: CloseReason, age: Duration, requests: u64 },
}

/// The notes of one event.
#[derive(Debug, Default)]
pub(super) struct Notes {
    wanted: bool,
    list: VecDeque<(SocketKey, u64, Origin, Note)>,
}

impl State {
    /// Whether somebody wants to know what the next event does.
    pub(crate) fn want_notes(&mut self, wanted: bool) {
        self.notes.wanted = wanted;
    }

    /// Whether anybody wants to know what this event does.
    pub(crate) fn notes_wanted(&self) -> bool {
        self.notes.wanted
    }

    /// The oldest note, with the socket's key, its number and its origin.
    pub(crate) fn next_note(&mut self) -> Option<(SocketKey, u64, Origin, Note)> {
        self.notes.list.pop_front()
    }

    pub(super) fn note(&mut self, key: SocketKey, note: Note) {
        if self.notes.wanted {
            let socket = &self.sockets[key.0];
            // The record may be gone when the note is read.
            let origin = self.origins[socket.origin.0].origin.clone();
            self.notes.list.push_back((key, socket.id, origin, note));
        }
    }
}

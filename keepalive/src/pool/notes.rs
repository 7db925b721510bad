//! Events: from the machine's notes and the driver's own to what listeners and traces get.

use std::mem;

use super::effects::{Effect, Effects};
use super::events::Events;
use super::journal::Journal;
use super::state::Note;
use super::{Inner, Pool};
use crate::{Event, SocketInfo, clock};

impl Pool {
    /// A listener for all that happens from now on.
    pub(crate) fn subscribe(&self) -> Events {
        Events::new(self.journal.listen())
    }

    /// The open sockets, sorted by number.
    pub(crate) fn sockets(&self) -> Vec<SocketInfo> {
        let now = clock::now().into_std();
        let inner = self.lock();
        let mut sockets: Vec<_> = inner
            .state
            .list_sockets()
            .map(|it| {
                let about = inner.sockets.get(it.key.0).and_then(|held| held.about.as_deref());
                SocketInfo {
                    id: it.id,
                    origin: it.origin.clone(),
                    state: it.state,
                    age: now.saturating_duration_since(it.born),
                    requests: it.served,
                    idle_for: it.idle_since.map(|since| now.saturating_duration_since(since)),
                    local_addr: about.and_then(|about| about.local),
                    peer_addr: about.and_then(|about| about.peer),
                    streams: it.streams.map(|(used, _)| used),
                    max_streams: it.streams.map(|(_, limit)| limit),
                }
            })
            .collect();
        drop(inner);
        sockets.sort_unstable_by_key(|socket| socket.id);
        sockets
    }
}

impl Inner {
    /// Something the machine does not know; stands before what the machine notes in the same event.
    pub(super) fn tell(&mut self, event: impl FnOnce() -> Event) {
        if self.state.notes_wanted() {
            self.log.push(event());
        }
    }

    /// Writes what this event told down for the listeners; gives it back if it is to be traced, too.
    pub(super) fn publish(&mut self, journal: &Journal, traced: bool, effects: &mut Effects) -> Vec<Event> {
        self.take_notes();
        if self.log.is_empty() {
            return Vec::new();
        }
        let wake = |waker| effects.push(Effect::Wake(waker));
        if traced {
            let told = mem::take(&mut self.log);
            journal.append(told.iter().cloned(), wake);
            told
        } else {
            journal.append(self.log.drain(..), wake);
            Vec::new()
        }
    }

    fn take_notes(&mut self) {
        while let Some((key, socket, origin, note)) = self.state.next_note() {
            let event = match note {
                Note::Dialing => Event::SocketDialing { socket, origin },
                Note::Opened => {
                    let held = self.held(key);
                    let about = held.about.as_deref();
                    let (local_addr, peer_addr) =
                        about.map_or((None, None), |about| (about.local, about.peer));
                    Event::SocketOpened { socket, origin, local_addr, peer_addr }
                }
                Note::Parked => Event::SocketParked { socket, origin },
                Note::Closed { reason, age, requests } => {
                    Event::SocketClosed { socket, origin, reason, age, requests }
                }
            };
            self.log.push(event);
        }
    }
}

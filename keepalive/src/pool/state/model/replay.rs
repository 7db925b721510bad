//! The machine's notes, replayed: whoever listens must know as much of the sockets as the machine does.

use std::collections::BTreeMap;

use crate::pool::state::phase::Phase;
use crate::pool::state::{Note, State};
use crate::{CloseReason, Origin};

/// What a listener knows.
#[derive(Default)]
pub(super) struct Replay {
    sockets: BTreeMap<u64, (Origin, Told)>,
    opened: u64,
    closed: u64,
    closed_by: BTreeMap<CloseReason, u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Dialing,
    Open,
    Parked,
}

impl Replay {
    /// Takes the notes of one event, which must be possible, and compares.
    pub(super) fn follow(&mut self, state: &mut State) {
        while let Some((_, id, origin, note)) = state.next_note() {
            self.note(id, origin, &note);
        }
        assert_eq!((self.opened, self.closed), (state.totals.opened, state.totals.closed));
        assert_eq!(self.closed_by, state.closed_by);
        assert_eq!(self.sockets.len(), state.sockets.len());
        for (_, socket) in &state.sockets {
            let (origin, told) = self.sockets.get_mut(&socket.id).expect("its dial was told");
            assert_eq!(*origin, state.origins[socket.origin.0].origin);
            if *told == Told::Parked && !socket.kept {
                // Taken by a request, which the driver tells.
                *told = Told::Open;
            }
            let possible = match socket.phase {
                Phase::Dialing { .. } | Phase::Aborting => *told == Told::Dialing,
                Phase::Idle => *told == Told::Parked && socket.kept,
                Phase::Offered { .. } | Phase::Active | Phase::Draining | Phase::Upgraded { .. } => {
                    *told != Told::Dialing
                }
                Phase::Closing(reason) => *told != Told::Dialing || is_of_dials(reason),
            };
            assert!(possible, "socket {} is {:?} and was told as {told:?}", socket.id, socket.phase);
        }
    }

    fn note(&mut self, id: u64, origin: Origin, note: &Note) {
        let before = self.sockets.get(&id).map(|&(_, told)| told);
        match note {
            Note::Dialing => {
                self.opened += 1;
                assert_eq!(self.sockets.insert(id, (origin, Told::Dialing)), None, "{id} is told twice");
            }
            Note::Opened => self.change(id, before == Some(Told::Dialing), Told::Open),
            Note::Parked => self.change(id, before == Some(Told::Open), Told::Parked),
            Note::Closed { reason, requests, .. } => {
                assert!(before.is_some_and(|told| told != Told::Dialing || *requests == 0), "{id}");
                self.sockets.remove(&id);
                self.closed += 1;
                *self.closed_by.entry(*reason).or_default() += 1;
            }
        }
    }

    fn change(&mut self, id: u64, possible: bool, to: Told) {
        let (_, told) = self.sockets.get_mut(&id).expect("its dial was told");
        assert!(possible, "{id} was {told:?} and is {to:?}");
        *told = to;
    }
}

fn is_of_dials(reason: CloseReason) -> bool {
    matches!(reason, CloseReason::DialFailed | CloseReason::DialAborted)
}

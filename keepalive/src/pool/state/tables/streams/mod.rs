//! Sockets that carry many requests at once, as stories: who gets a stream, who waits for one, and when
//! another socket is dialled.
//!
//! In a [`Rig::shared`] all origins speak HTTP/2. In a [`Rig::auto`] an https origin ("A1" asks one) chooses.

mod asked;
#[cfg(feature = "tls")]
mod chosen;
mod credit;
mod ends;
mod life;
mod limits;
mod peer;
mod reserved;
mod rivals;
mod stop;

use super::rig::{Place, Rig};
use crate::pool::state::phase::Phase;
use crate::pool::state::{Limits, waiters};
use crate::{CloseReason, Protocol};

impl Rig {
    /// Every connection carries up to `max_streams` requests at once.
    fn shared(limits: Limits, max_streams: usize) -> Self {
        Self::speaking(Protocol::Http2PriorKnowledge, limits, max_streams)
    }

    fn speaking(protocol: Protocol, limits: Limits, max_streams: usize) -> Self {
        let mut rig = Self::new(limits);
        rig.state.speak(protocol, max_streams);
        rig
    }

    /// The dial brought a connection that carries many.
    fn dialed_shared(&mut self, number: u64) {
        let key = self.key(number);
        self.event(|state, now| state.dialed_shared(key, usize::MAX, now));
    }

    /// A shared connection of the origin that carries this request and no other; forgets the log.
    fn carry(&mut self, name: &str) -> u64 {
        self.ask(name);
        let number = *self.sockets.last_key_value().expect("it dials").0;
        self.dialed_shared(number);
        self.log.clear();
        number
    }

    /// The peer allows so many.
    fn allow(&mut self, number: u64, limit: usize) {
        let key = self.key(number);
        self.event(|state, now| state.allow_streams(key, number, limit, now));
    }

    /// The peer takes no more.
    fn goes_away(&mut self, number: u64) {
        let key = self.key(number);
        self.event(|state, now| state.end_streams(key, number, CloseReason::ClosedByServer, now));
    }

    /// It breaks under all its streams, and its slot is let go. Those who hold a stream fail.
    fn breaks(&mut self, number: u64) {
        let key = self.key(number);
        self.event(|state, now| state.broken(key, number, CloseReason::IoError, now));
        self.end(number);
    }

    /// Those who have a stream of it find it broken and ask again, at their old places.
    fn ask_again(&mut self, names: &str) {
        for name in names.split(' ') {
            let request = self.requests.remove(name).expect("it asked");
            assert!(matches!(request.place, Place::Holds(_)), "{name} holds no stream");
            let turn = self.state.request_again(&super::rig::origin(name), request.ticket, self.now);
            self.place(name, request.ticket, turn);
            self.follow();
        }
    }

    /// How many streams of the socket are in use or reserved.
    fn used(&self, number: u64) -> usize {
        self.state.sockets[self.key(number).0].streams.expect("it carries many").used
    }

    pub(super) fn is_shared(&self, number: u64) -> bool {
        let key = self.sockets.get(&number);
        key.is_some_and(|key| self.state.sockets[key.0].streams.is_some())
    }

    /// What holds at every instant of the streams.
    pub(super) fn check_streams(&self) {
        let state = &self.state;
        let (mut open, mut all_reserved) = (0, 0);
        for (&number, &key) in &self.sockets {
            let socket = &state.sockets[key.0];
            let Some(streams) = socket.streams else { continue };
            let reserved = state.waiters.iter().filter(|(_, waiter)| {
                matches!(waiter.place, waiters::Place::Reserved { socket, .. } if socket == key)
            });
            let reserved = reserved.count();
            all_reserved += reserved;
            open += usize::from(streams.is_open);
            if !matches!(socket.phase, Phase::Idle | Phase::Active) {
                assert_eq!((reserved, streams.is_open), (0, false), "{number} is over");
                continue;
            }
            let held = self.requests.values().filter(|it| it.place == Place::Holds(number)).count();
            assert_eq!((streams.used, streams.reserved), (held + reserved, reserved), "streams of {number}");
            assert_eq!(socket.phase == Phase::Idle, streams.used == 0, "{number} is {:?}", socket.phase);
            assert_eq!(streams.is_open, socket.phase == Phase::Active && state.takes_more(key), "{number}");
            let listed = state.origins[socket.origin.0].open.iter(&state.sockets).any(|it| it == key.0);
            assert_eq!(streams.is_open, listed, "{number}");
            assert!(streams.used <= streams.limit || reserved == 0, "{number} is reserved beyond its limit");
        }
        assert_eq!((state.open.len(), state.reserved.len()), (open, all_reserved));
    }
}

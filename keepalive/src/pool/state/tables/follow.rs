//! What the [`Rig`] does by itself after each event: it carries out the machine's actions, and checks the
//! accounts.

use super::rig::{Place, Request, Rig, origin};
use crate::pool::state::phase::Phase;
use crate::pool::state::{Action, Mode, Ticket, Turn, WaiterKey};

impl Rig {
    pub(super) fn request(&mut self, name: &str, ticket: Ticket) {
        let turn = self.state.request(&origin(name), ticket, self.now);
        self.place(name, ticket, turn);
    }

    pub(super) fn place(&mut self, name: &str, ticket: Ticket, turn: Turn) {
        if let Turn::Wait(waiter) = turn {
            let request = Request { ticket, place: Place::Waits(waiter), parked: false };
            assert!(self.requests.insert(name.into(), request).is_none(), "{name} asks twice");
        } else {
            let request = Request { ticket, place: Place::Holds(0), parked: false };
            self.requests.insert(name.into(), request);
            self.turn(name, turn);
        }
    }

    pub(super) fn turn(&mut self, name: &str, turn: Turn) {
        match turn {
            Turn::Wait(_) => {}
            Turn::Go(key) => {
                let number = self.state.socket_id(key);
                let place = Place::Holds(number);
                let is_shared = self.is_shared(number);
                assert!(
                    is_shared || self.requests.values().all(|other| other.place != place),
                    "{number} is held twice"
                );
                self.requests.get_mut(name).expect("it asked").place = place;
                self.log.push(format!("{name} gets {number}"));
            }
            Turn::Full => {
                self.requests.remove(name);
                self.log.push(format!("{name} is turned away"));
            }
            Turn::Failed => {
                self.requests.remove(name);
                self.log.push(format!("{name} fails"));
            }
        }
    }

    /// Carries out what the machine wants done, and what follows from that.
    pub(super) fn follow(&mut self) {
        while let Some(action) = self.state.next_action() {
            match action {
                Action::Dial { socket, waiter } => {
                    let number = self.state.socket_id(socket);
                    self.sockets.insert(number, socket);
                    self.log.push(format!("dial {number} for {}", self.name(waiter)));
                }
                Action::Abort { socket } => {
                    let number = self.state.socket_id(socket);
                    self.log.push(format!("abort {number}"));
                    self.end(number);
                }
                Action::Wake { waiter } => {
                    let name = self.name(waiter);
                    if self.requests[&name].parked {
                        self.log.push(format!("wake {name}"));
                    } else {
                        self.poll(&name);
                    }
                }
                Action::Look { socket } => {
                    self.log.push(format!("look at {}", self.state.socket_id(socket)));
                }
                Action::Close { socket } => {
                    let number = self.state.socket_id(socket);
                    let Phase::Closing(reason) = self.state.sockets[socket.0].phase else {
                        panic!("{number} is to be closed and is not closing")
                    };
                    self.log.push(format!("close {number} {}", reason.name()));
                    self.end(number);
                }
                Action::Shutdown { socket } => {
                    self.log.push(format!("shutdown {}", self.state.socket_id(socket)));
                }
            }
        }
        self.check();
    }

    pub(super) fn end(&mut self, number: u64) {
        if !self.slow_close {
            self.closed(number);
        }
    }

    /// What holds at every instant: the two equations of accounts.
    fn check(&self) {
        let snapshot = self.state.snapshot();
        let (counts, totals) = (snapshot.counts, snapshot.totals);
        assert_eq!(totals.opened, counts.all() as u64 + totals.closed);
        assert_eq!(totals.closed, snapshot.closed_by.values().sum::<u64>());
        let ended = totals.done + totals.failed + totals.cancelled;
        assert_eq!(totals.requests, ended + totals.running + snapshot.waiters as u64);
        assert_eq!(counts.all(), self.sockets.len());
        assert!(self.state.mode != Mode::Destroyed || counts.idle == 0);
        self.check_streams();
    }

    fn name(&self, waiter: WaiterKey) -> String {
        let place = Place::Waits(waiter);
        let found = self.requests.iter().find(|(_, request)| request.place == place);
        found.map(|(name, _)| name.clone()).expect("the machine names a waiter that is there")
    }
}

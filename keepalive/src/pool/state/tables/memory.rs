//! What the machine remembers of origins, sockets and requests that are gone: nothing.

use std::time::{Duration, Instant};

use super::rig::LIMITS;
use crate::pool::state::{Action, Limits, SocketKey, State, Turn, WaiterKey};
use crate::{CloseReason, Origin};

const ORIGINS: usize = 100_000;

/// The machine with a driver that keeps nothing itself.
struct Bare {
    state: State,
    now: Instant,
}

impl Bare {
    fn new(limits: Limits) -> Self {
        Self { state: State::new(limits), now: crate::clock::now().into_std() }
    }

    /// A request to origin number `n` that waits for its dial.
    fn ask(&mut self, n: usize) -> (WaiterKey, SocketKey) {
        let origin = Origin::from_uri(&format!("http://origin-{n}/").parse().unwrap()).unwrap();
        let ticket = self.state.arrive().unwrap();
        let Turn::Wait(waiter) = self.state.request(&origin, ticket, self.now) else { panic!("it waits") };
        loop {
            match self.state.next_action() {
                Some(Action::Dial { socket, waiter: dialled }) if dialled == waiter => {
                    return (waiter, socket);
                }
                Some(Action::Close { socket }) => self.state.closed(socket, self.now),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Its dial succeeds, and its response is complete.
    fn serve(&mut self, (waiter, socket): (WaiterKey, SocketKey)) {
        self.state.dialed(socket, self.now);
        assert_eq!(self.state.next_action(), Some(Action::Wake { waiter }));
        assert_eq!(self.state.poll_waiter(waiter, self.now), Turn::Go(socket));
        self.state.finish(crate::pool::Outcome::Done, false);
        self.state.release(socket, self.now);
        self.close();
    }

    fn close(&mut self) {
        while let Some(action) = self.state.next_action() {
            let Action::Close { socket } = action else { panic!("{action:?}") };
            self.state.closed(socket, self.now);
        }
    }

    /// The lengths of all tables and lists together.
    fn entries(&self) -> usize {
        let it = &self.state;
        let tables = it.origins.len() + it.index.len() + it.sockets.len() + it.waiters.len();
        let lists = it.idle.len() + it.offers.len() + it.actions.len();
        tables + lists + it.early.len() + it.hungry.len() + it.overfed.len() + it.ramps.len()
    }

    /// The room of the largest.
    fn room(&self) -> usize {
        let it = &self.state;
        let slabs =
            [it.origins.capacity(), it.sockets.capacity(), it.waiters.capacity(), it.early.capacity()];
        slabs.into_iter().max().unwrap().max(it.index.capacity()).max(it.actions.capacity())
    }
}

#[test]
fn a_hundred_thousand_origins_visited_once_leave_no_records_behind() {
    let hurry = Limits { keep_alive: false, ..LIMITS };
    let mut bare = Bare::new(hurry);
    for n in 0..ORIGINS {
        let asked = bare.ask(n);
        bare.serve(asked);
        assert_eq!(bare.entries(), 0);
    }
    assert!(bare.room() <= 8, "{}", bare.room());
    assert_eq!(bare.state.snapshot().totals.closed, ORIGINS as u64);
}

/// Their idle sockets are evicted one by one, and their records go with them.
#[test]
fn at_the_total_cap_only_the_origins_with_a_socket_are_remembered() {
    let mut bare = Bare::new(Limits { max_total_sockets: 100, ..LIMITS });
    for n in 0..ORIGINS / 10 {
        let asked = bare.ask(n);
        bare.serve(asked);
        let known = bare.state.origins.len();
        assert!(known <= 100 && known == bare.state.index.len(), "{known}");
    }
    assert!(bare.room() <= 256, "{}", bare.room());
    bare.state.close_idle(bare.now, CloseReason::CloseIdle);
    bare.close();
    assert_eq!(bare.entries(), 0);
}

#[test]
fn a_hundred_thousand_origins_at_once_leave_no_records_and_their_room_is_given_back() {
    let mut bare = Bare::new(Limits { keep_alive: false, ..LIMITS });
    let asked: Vec<_> = (0..ORIGINS).map(|n| bare.ask(n)).collect();
    assert_eq!((bare.state.origins.len(), bare.state.index.len()), (ORIGINS, ORIGINS));
    for asked in asked {
        bare.serve(asked);
    }
    assert_eq!(bare.entries(), 0);
    assert!(bare.room() >= ORIGINS);
    bare.state.shrink(1024);
    assert!(bare.room() <= 1024, "{}", bare.room());
    let again = bare.ask(0);
    bare.serve(again);
}

/// Where each socket has an end of its own.
#[test]
fn the_room_of_ten_thousand_deadlines_is_given_back() {
    let most = ORIGINS / 10;
    let mut bare = Bare::new(Limits { max_socket_age: Some(Duration::from_secs(60)), ..LIMITS });
    let asked: Vec<_> = (0..most).map(|n| bare.ask(n)).collect();
    asked.into_iter().for_each(|asked| bare.serve(asked));
    assert_eq!(bare.state.early.len(), most);
    bare.state.close_idle(bare.now, CloseReason::CloseIdle);
    bare.close();
    assert_eq!(bare.entries(), 0);
    assert!(bare.state.early.capacity() >= most);
    bare.state.shrink(1024);
    assert!(bare.room() <= 1024, "{}", bare.room());
}

/// Requests that are dropped while they wait at the total cap leave nothing either.
#[test]
fn ten_thousand_cancelled_waiters_leave_nothing() {
    let mut bare = Bare::new(Limits { max_total_sockets: 1, keep_alive: false, ..LIMITS });
    let holder = bare.ask(0);
    for n in 1..ORIGINS / 10 {
        let origin = Origin::from_uri(&format!("http://origin-{n}/").parse().unwrap()).unwrap();
        let ticket = bare.state.arrive().unwrap();
        let Turn::Wait(waiter) = bare.state.request(&origin, ticket, bare.now) else { panic!("it waits") };
        bare.state.leave_queue(waiter, crate::pool::Outcome::Cancelled, bare.now);
        assert_eq!(bare.state.origins.len(), 1);
    }
    bare.serve(holder);
    assert_eq!(bare.entries(), 0);
    assert!(bare.room() <= 8, "{}", bare.room());
}

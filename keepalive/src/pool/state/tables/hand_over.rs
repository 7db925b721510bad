//! Hand-over: who gets a freed socket.

use super::rig::{LIMITS, Rig};
use crate::pool::state::{Limits, Outcome};

#[test]
fn a_freed_socket_goes_to_the_oldest_waiter() {
    let mut rig = Rig::new(Limits { max_sockets: 2, ..LIMITS });
    rig.ask_all("a", 5);
    rig.dialed(1);
    rig.dialed(2);
    rig.log();
    rig.done("a2");
    rig.done("a1");
    rig.done("a3");
    assert_eq!(rig.log(), "a3 gets 2, a4 gets 1, a5 gets 2");
}

#[test]
fn a_cancelled_waiter_leaves_the_queue_at_once() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..LIMITS });
    rig.ask_all("a", 4);
    rig.dialed(1);
    rig.cancel("a2");
    assert_eq!(rig.show("a"), "1 active, 2 queued");
    rig.cancel("a4");
    rig.log();
    rig.done("a1");
    assert_eq!((rig.log(), rig.show("a")), ("a3 gets 1".into(), "1 active".into()));
}

/// The dial that was begun for the first serves whoever is the oldest when it is done.
#[test]
fn a_finished_dial_goes_to_the_oldest_waiter() {
    let mut rig = Rig::new(LIMITS);
    rig.ask_all("a", 3);
    rig.log();
    for number in [3, 1, 2] {
        rig.dialed(number);
    }
    assert_eq!(rig.log(), "a1 gets 3, a2 gets 1, a3 gets 2");
}

#[test]
fn a_drained_socket_is_handed_over_like_any_other() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..LIMITS });
    rig.ask_all("a", 2);
    rig.dialed(1);
    let number = rig.give_up("a1", Outcome::Done);
    let key = rig.key(number);
    rig.event(|state, _| state.drain(key));
    rig.log();
    rig.event(|state, now| state.release(key, now));
    assert_eq!((rig.log(), rig.show("a")), ("a2 gets 1".into(), "1 active".into()));
}

#[test]
fn a_socket_that_cannot_be_used_again_makes_room_for_a_dial() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..LIMITS });
    rig.ask_all("a", 2);
    rig.dialed(1);
    rig.log();
    rig.spoilt("a1");
    assert_eq!((rig.log(), rig.show("a")), ("dial 2 for a2".into(), "1 connecting".into()));
}

/// It stands before requests that came after it, though they came to the queue before it.
#[test]
fn a_request_whose_idle_socket_is_dead_keeps_its_place() {
    let mut rig = Rig::new(Limits { max_sockets: 2, ..LIMITS });
    rig.warm_up("a", 2);
    rig.ask("a7 a8 a9");
    assert_eq!(rig.log(), "a7 gets 2, a8 gets 1");
    rig.dead("a7");
    assert_eq!(
        (rig.log(), rig.show("a")),
        ("dial 3 for a9".into(), "1 active, 1 connecting, 1 queued".into())
    );
    rig.dialed(3);
    rig.done("a8");
    assert_eq!(rig.log(), "a7 gets 3, a9 gets 1");
}

#[test]
fn a_request_that_asks_again_takes_the_next_idle_socket() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 2);
    rig.ask("a7");
    rig.dead("a7");
    assert_eq!((rig.log(), rig.show("a")), ("a7 gets 2, a7 gets 1".into(), "1 active".into()));
}

/// Three that ask again find their places between those that wait.
#[test]
fn those_who_ask_again_stand_in_the_order_of_their_tickets() {
    let mut rig = Rig::new(Limits { max_sockets: 3, ..LIMITS });
    rig.warm_up("a", 3);
    rig.ask_all("a", 4);
    rig.slow_close = true;
    rig.dead("a3 a1 a2");
    assert_eq!(rig.show("a"), "3 closing, 4 queued");
    for number in [1, 2, 3] {
        rig.closed(number);
    }
    rig.log();
    for number in [4, 5, 6] {
        rig.dialed(number);
    }
    assert_eq!(rig.log(), "a1 gets 4, a2 gets 5, a3 gets 6");
    rig.done("a2");
    assert_eq!(rig.log(), "a4 gets 5");
}

/// Two places are to come, and three who are older wait for one each, at origins of their own.
#[test]
fn a_socket_makes_room_for_the_one_too_many_of_those_who_are_older() {
    let mut rig = Rig::new(Limits { max_total_sockets: 3, ..LIMITS });
    rig.ask("x1 y1 d1");
    (1..=3).for_each(|number| rig.dialed(number));
    rig.slow_close = true;
    rig.spoilt("x1");
    rig.spoilt("y1");
    rig.ask("a1 b1 c1 d2");
    rig.log();
    rig.done("d1");
    assert_eq!(rig.log(), "close 3 evicted");
    [1, 2, 3].into_iter().for_each(|number| rig.closed(number));
    assert_eq!(rig.log(), "dial 4 for a1, dial 5 for b1, dial 6 for c1");
}

/// b1 needs a fresh socket and waits for the place that is to come: that is one, and b3 does not wait for another.
#[test]
fn who_is_handed_a_socket_is_not_among_those_who_are_older() {
    let mut rig = Rig::new(Limits { max_total_sockets: 3, ..LIMITS });
    rig.ask("b1 b2 c1");
    (1..=3).for_each(|number| rig.dialed(number));
    rig.slow_close = true;
    rig.stale("b1");
    rig.ask("b3");
    rig.pass(10);
    rig.log();
    rig.done("b2");
    assert_eq!(rig.log(), "b3 gets 2");
    rig.closed(1);
    assert_eq!(rig.log(), "dial 4 for b1");
}

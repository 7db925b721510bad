//! A hand-over is an offer: whoever is not polled within `CLAIM` (100 ms) loses it and keeps its place.

use super::rig::{LIMITS, Rig};
use crate::pool::state::Limits;

/// One socket, held by a1; those named wait for it.
fn one_socket(waiting: &[&str]) -> Rig {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..LIMITS });
    rig.ask("a1");
    rig.dialed(1);
    waiting.iter().for_each(|name| rig.ask(name));
    rig.log();
    rig
}

#[test]
fn an_offer_is_kept_until_it_is_claimed() {
    let mut rig = one_socket(&["a2", "a3"]);
    rig.park("a2");
    rig.done("a1");
    assert_eq!(
        (rig.log(), rig.show("a"), rig.deadline()),
        ("wake a2".into(), "1 active, 2 queued".into(), Some(100))
    );
    rig.pass(99);
    rig.poll("a2");
    assert_eq!(
        (rig.log(), rig.show("a"), rig.deadline()),
        ("a2 gets 1".into(), "1 active, 1 queued".into(), None)
    );
}

#[test]
fn an_unclaimed_offer_goes_to_the_next() {
    let mut rig = one_socket(&["a2", "a3"]);
    rig.park("a2");
    rig.done("a1");
    rig.pass(100);
    assert_eq!((rig.log(), rig.show("a")), ("wake a2, a3 gets 1".into(), "1 active, 1 queued".into()));
}

#[test]
fn who_lost_an_offer_keeps_its_place() {
    let mut rig = one_socket(&["a2", "a3", "a4"]);
    rig.park("a2");
    rig.done("a1");
    rig.pass(100);
    rig.poll("a2");
    assert_eq!(rig.log(), "wake a2, a3 gets 1");
    rig.done("a3");
    assert_eq!(rig.log(), "a2 gets 1");
}

#[test]
fn who_lost_an_offer_is_passed_over_until_it_is_polled() {
    let mut rig = one_socket(&["a2", "a3", "a4"]);
    rig.park("a2");
    rig.done("a1");
    rig.pass(100);
    rig.log();
    rig.done("a3");
    assert_eq!(rig.log(), "a4 gets 1");
    rig.done("a4");
    assert_eq!((rig.log(), rig.show("a")), (String::new(), "1 idle, 1 queued".into()));
    rig.poll("a2");
    assert_eq!((rig.log(), rig.show("a")), ("a2 gets 1".into(), "1 active".into()));
}

/// Nobody who sleeps keeps a newcomer from the idle socket.
#[test]
fn a_newcomer_takes_what_a_sleeper_left() {
    let mut rig = one_socket(&["a2"]);
    rig.park("a2");
    rig.done("a1");
    rig.pass(100);
    rig.ask("a3");
    assert_eq!((rig.log(), rig.show("a")), ("wake a2, a3 gets 1".into(), "1 active, 1 queued".into()));
    rig.poll("a2");
    rig.done("a3");
    assert_eq!(rig.log(), "a2 gets 1");
}

#[test]
fn a_sleeper_wants_no_dial_and_gets_one_when_it_is_polled() {
    let mut rig = one_socket(&["a2"]);
    rig.park("a2");
    rig.done("a1");
    rig.pass(100);
    rig.event(|state, now| state.close_idle(now, crate::CloseReason::CloseIdle));
    assert_eq!((rig.log(), rig.show("a")), ("wake a2, close 1 close_idle".into(), "1 queued".into()));
    rig.poll("a2");
    assert_eq!(rig.log(), "dial 2 for a2");
}

#[test]
fn an_offer_whose_waiter_leaves_goes_on() {
    let mut rig = one_socket(&["a2", "a3"]);
    rig.park("a2");
    rig.done("a1");
    rig.pass(50);
    rig.cancel("a2");
    assert_eq!((rig.log(), rig.deadline()), ("wake a2, a3 gets 1".into(), None));
}

#[test]
fn a_sleeper_may_leave() {
    let mut rig = one_socket(&["a2"]);
    rig.park("a2");
    rig.done("a1");
    rig.pass(100);
    rig.cancel("a2");
    assert_eq!(rig.show("a"), "1 idle");
    rig.event(|state, now| state.close_idle(now, crate::CloseReason::CloseIdle));
    assert!(rig.state.is_empty() && rig.state.origins.is_empty());
}

/// An offer nobody claimed was no use of the socket: it goes back where it stood by age.
#[test]
fn an_unclaimed_socket_is_as_old_as_before() {
    let mut rig = Rig::new(Limits { max_sockets: 2, max_total_sockets: 3, ..LIMITS });
    rig.ask_all("a", 3);
    rig.dialed(1);
    rig.dialed(2);
    rig.park("a3");
    rig.done("a1");
    rig.pass(50);
    rig.done("a2");
    rig.pass(50);
    assert_eq!(rig.show("a"), "2 idle, 1 queued");
    rig.log();
    rig.ask("b1 b2");
    assert_eq!(rig.log(), "dial 3 for b1, close 1 evicted, dial 4 for b2");
}

/// Three offers, each with its own end.
#[test]
fn offers_lapse_one_by_one() {
    let mut rig = Rig::new(Limits { max_sockets: 2, ..LIMITS });
    rig.ask_all("a", 4);
    rig.dialed(1);
    rig.dialed(2);
    rig.park("a3");
    rig.park("a4");
    rig.done("a1");
    rig.pass(30);
    rig.done("a2");
    assert_eq!(rig.deadline(), Some(100));
    rig.pass(70);
    assert_eq!((rig.show("a"), rig.deadline()), ("1 active, 1 idle, 2 queued".into(), Some(130)));
    rig.pass(30);
    assert_eq!((rig.show("a"), rig.deadline()), ("2 idle, 2 queued".into(), None));
}

/// An origin behind a sleeper at the total cap is not held up either.
#[test]
fn an_unclaimed_socket_makes_room_for_another_origin() {
    let mut rig = Rig::new(Limits { max_total_sockets: 1, ..LIMITS });
    rig.ask("a1 a2");
    rig.dialed(1);
    rig.park("a2");
    rig.ask("b1");
    rig.done("a1");
    rig.log();
    rig.pass(100);
    assert_eq!(rig.log(), "close 1 evicted, dial 2 for b1");
}

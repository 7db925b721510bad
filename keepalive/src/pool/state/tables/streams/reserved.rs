//! A stream is reserved for a waiter until it is polled.

use std::time::Duration;

use super::super::rig::{LIMITS, Rig};
use crate::SocketState;
use crate::pool::state::Limits;

#[test]
fn who_is_not_polled_in_time_is_passed_over_and_keeps_its_place() {
    let mut rig = Rig::shared(Limits { max_sockets: 1, ..LIMITS }, 1);
    rig.ask_all("a", 3);
    rig.park("a1");
    rig.dialed_shared(1);
    assert_eq!((rig.log(), rig.deadline()), ("dial 1 for a1, wake a1".into(), Some(100)));
    rig.pass(99);
    assert_eq!(rig.log(), "");
    rig.pass(1);
    assert_eq!(rig.log(), "a2 gets 1");
    rig.poll("a1");
    rig.done("a2");
    assert_eq!(rig.log(), "a1 gets 1", "before a3");
}

#[test]
fn who_is_polled_at_last_takes_what_is_there() {
    let mut rig = Rig::shared(LIMITS, 2);
    rig.ask_all("a", 2);
    rig.park("a1 a2");
    rig.dialed_shared(1);
    rig.pass(100);
    assert_eq!(
        (rig.log(), rig.show("a")),
        ("dial 1 for a1, wake a1, wake a2".into(), "1 idle, 2 queued".into())
    );
    rig.poll("a2");
    rig.poll("a1");
    assert_eq!((rig.log(), rig.used(1)), ("a2 gets 1, a1 gets 1".into(), 2));
}

#[test]
fn who_leaves_gives_it_to_the_next() {
    let mut rig = Rig::shared(Limits { max_sockets: 1, ..LIMITS }, 2);
    rig.ask_all("a", 3);
    rig.park("a1 a2");
    rig.dialed_shared(1);
    rig.log();
    rig.cancel("a1");
    assert_eq!((rig.log(), rig.used(1)), ("a3 gets 1".into(), 2));
    rig.cancel("a2");
    assert_eq!((rig.log(), rig.used(1), rig.show("a")), (String::new(), 1, "1 active".into()));
    rig.done("a3");
    assert_eq!(rig.show("a"), "1 idle");
}

/// What is reserved is in use, to everybody.
#[test]
fn a_reserved_stream_makes_its_socket_active() {
    let mut rig = Rig::shared(LIMITS, 2);
    rig.carry("a1");
    rig.allow(1, 0);
    rig.done("a1");
    rig.ask("a2");
    rig.park("a2");
    rig.allow(1, 2);
    let states: Vec<_> = rig.state.list_sockets().map(|it| it.state).collect();
    assert_eq!((states, rig.show("a")), (vec![SocketState::Active], "1 active, 1 queued".into()));
    assert_eq!((rig.state.totals.running, rig.state.served(rig.key(1))), (0, 1), "and nobody runs on it");
    rig.poll("a2");
    assert_eq!((rig.state.totals.running, rig.state.served(rig.key(1))), (1, 2));
}

/// Nothing went over it meanwhile: to its server it is as idle as before.
#[test]
fn a_reservation_in_vain_makes_nothing_younger() {
    let limit = Some(Duration::from_secs(1));
    for lapses in [false, true] {
        let mut rig = Rig::shared(Limits { free_socket_timeout: limit, ..LIMITS }, 2);
        rig.carry("a1");
        rig.allow(1, 0);
        rig.done("a1");
        rig.ask("a2");
        rig.park("a2");
        rig.pass(850);
        rig.allow(1, 2);
        assert_eq!(rig.log(), "wake a2");
        if lapses {
            rig.pass(100);
        } else {
            rig.cancel("a2");
        }
        assert_eq!((rig.show("a").split(',').next(), rig.deadline()), (Some("1 idle"), Some(1_000)));
        rig.pass(150);
        assert_eq!(rig.log(), "close 1 idle_timeout");
    }
}

/// Its time was up while a stream of it was reserved: nobody gets it.
#[test]
fn a_reservation_in_vain_may_come_back_too_late() {
    let limit = Some(Duration::from_secs(1));
    let mut rig = Rig::shared(Limits { free_socket_timeout: limit, max_sockets: 1, ..LIMITS }, 1);
    rig.carry("a1");
    rig.allow(1, 0);
    rig.done("a1");
    rig.ask("a2 a3");
    rig.park("a2");
    rig.pass(950);
    rig.allow(1, 1);
    rig.pass(100);
    assert_eq!(rig.log(), "wake a2, close 1 idle_timeout, dial 2 for a3");
}

#[test]
fn a_suspended_process_reserved_nothing() {
    let mut rig = Rig::shared(Limits { free_socket_timeout: Some(Duration::from_secs(60)), ..LIMITS }, 2);
    rig.ask_all("a", 2);
    rig.park("a1 a2");
    rig.dialed_shared(1);
    rig.log();
    rig.event(|state, now| state.suspended(Duration::from_secs(60), now));
    assert_eq!(rig.log(), "close 1 idle_timeout, dial 2 for a1");
    rig.dialed_shared(2);
    rig.log();
    rig.event(|state, now| state.suspended(Duration::from_secs(59), now));
    assert_eq!((rig.log(), rig.used(2)), ("wake a1, wake a2".into(), 2), "offered anew");
}

//! Idle time, age and number of requests of a socket that carries many.

use std::time::Duration;

use super::super::rig::{LIMITS, Rig};
use crate::pool::state::{Limits, Note, State};

#[test]
fn it_is_idle_from_its_last_stream_on() {
    let limit = Some(Duration::from_secs(1));
    let mut rig = Rig::shared(Limits { free_socket_timeout: limit, ..LIMITS }, 5);
    rig.carry("a1");
    rig.ask("a2");
    rig.pass(5_000);
    rig.done("a1");
    rig.pass(5_000);
    assert_eq!((rig.show("a"), rig.deadline()), ("1 active".into(), None));
    rig.done("a2");
    assert_eq!(rig.deadline(), Some(11_000));
    rig.pass(999);
    rig.log();
    rig.pass(1);
    assert_eq!(rig.log(), "close 1 idle_timeout");
}

#[test]
fn too_old_it_takes_no_more_and_goes_with_its_last_stream() {
    let mut rig = Rig::shared(Limits { max_socket_age: Some(Duration::from_secs(10)), ..LIMITS }, 5);
    rig.carry("a1");
    rig.ask("a2");
    rig.pass(9_749);
    rig.ask("a3");
    assert_eq!(rig.log(), "a2 gets 1, a3 gets 1");
    // Up to 2.5 % early.
    rig.pass(251);
    rig.ask("a4");
    assert_eq!((rig.log(), rig.show("a")), ("dial 2 for a4".into(), "1 active, 1 connecting".into()));
    rig.dialed_shared(2);
    rig.done("a1 a2");
    rig.ask("a5");
    assert_eq!(rig.log(), "a4 gets 2, a5 gets 2");
    rig.done("a3");
    assert_eq!(rig.log(), "close 1 max_age");
}

/// No stream came free since.
#[test]
fn too_old_it_is_passed_over_for_one_that_is_not() {
    let mut rig = Rig::shared(Limits { max_socket_age: Some(Duration::from_secs(10)), ..LIMITS }, 2);
    rig.carry("a1");
    rig.ask("a2");
    rig.pass(5_000);
    rig.ask("a3");
    rig.dialed_shared(2);
    rig.done("a2");
    rig.pass(5_000);
    rig.log();
    rig.ask("a4");
    assert_eq!(rig.log(), "a4 gets 2");
}

#[test]
fn it_carries_no_more_requests_than_it_may() {
    for (most, asked) in [(1, "a1 gets 1, dial 2 for a2"), (2, "a1 gets 1, a2 gets 1, dial 2 for a3")] {
        let mut rig = Rig::shared(Limits { max_requests_per_socket: Some(most), ..LIMITS }, 5);
        rig.ask("a1");
        rig.dialed_shared(1);
        (2..=most + 1).for_each(|number| rig.ask(&format!("a{number}")));
        assert_eq!(rig.log(), format!("dial 1 for a1, {asked}"));
        (1..=most).for_each(|number| rig.done(&format!("a{number}")));
        assert_eq!(rig.log(), "close 1 max_requests");
    }
}

/// A reservation is as good as a request.
#[test]
fn no_more_are_reserved_than_it_may_carry() {
    let mut rig = Rig::shared(Limits { max_requests_per_socket: Some(2), max_sockets: 1, ..LIMITS }, 5);
    rig.ask_all("a", 4);
    rig.park("a1 a2 a3 a4");
    rig.dialed_shared(1);
    assert_eq!(rig.log(), "dial 1 for a1, wake a1, wake a2");
    rig.cancel("a1");
    assert_eq!(rig.log(), "wake a3");
    rig.poll("a2 a3");
    rig.done("a2 a3");
    assert_eq!(
        (rig.log(), rig.dialing()),
        ("a2 gets 1, a3 gets 1, close 1 max_requests, dial 2 for a4".into(), vec![2])
    );
}

#[test]
fn the_number_of_requests_may_be_changed_meanwhile() {
    let mut rig = Rig::shared(Limits { max_sockets: 1, ..LIMITS }, 5);
    rig.carry("a1");
    rig.ask("a2");
    rig.event(|state, now| state.set_limits(now, |limits| limits.max_requests_per_socket = Some(2)));
    rig.ask("a3");
    assert_eq!((rig.log(), rig.show("a")), ("a2 gets 1".into(), "1 active, 1 queued".into()));
    rig.event(|state, now| state.set_limits(now, |limits| limits.max_requests_per_socket = Some(3)));
    assert_eq!(rig.log(), "a3 gets 1");
    rig.event(|state, now| state.set_limits(now, |limits| limits.max_requests_per_socket = Some(1)));
    rig.done("a1 a2 a3");
    assert_eq!(rig.log(), "close 1 max_requests");
}

#[test]
fn it_is_told_as_parked_when_its_last_stream_is_done() {
    let mut rig = Rig::shared(LIMITS, 5);
    rig.state.want_notes(true);
    rig.ask("a1 a2");
    rig.park("a2");
    rig.dialed_shared(1);
    rig.done("a1");
    rig.cancel("a2");
    rig.ask("a3 a4");
    rig.done("a3 a4");
    rig.goes_away(1);
    let mut notes = Vec::new();
    while let Some((_, number, _, note)) = rig.state.next_note() {
        notes.push(match note {
            Note::Closed { reason, requests, .. } => format!("closed {number} {} {requests}", reason.name()),
            other => format!("{other:?} {number}"),
        });
    }
    assert_eq!(notes.join(", "), "Dialing 1, Opened 1, Parked 1, Parked 1, closed 1 closed_by_server 3");
}

/// Only parked again if somebody used it.
#[test]
fn a_reservation_in_vain_is_not_told() {
    let mut rig = Rig::shared(LIMITS, 5);
    rig.carry("a1");
    rig.allow(1, 0);
    rig.state.want_notes(true);
    rig.done("a1");
    rig.ask("a2");
    rig.park("a2");
    rig.allow(1, 2);
    rig.cancel("a2");
    let note = rig.state.next_note().map(|(.., note)| note);
    assert_eq!((note, rig.state.next_note().is_none()), (Some(Note::Parked), true));
}

#[test]
fn the_keeper_does_not_look_at_it() {
    let mut rig = Rig::shared(LIMITS, 5);
    rig.carry("a1");
    let key = rig.key(1);
    assert!(!rig.event(|state, _| state.inspect(key, 1)), "in use");
    rig.done("a1");
    assert!(!rig.event(|state, _| state.inspect(key, 1)), "idle");
    rig.ask("a2");
    assert_eq!(rig.log(), "a2 gets 1");
}

#[test]
fn idle_ones_go_by_the_rules_of_all_idle_sockets() {
    let mut rig = Rig::shared(Limits { max_free_sockets: 1, ..LIMITS }, 1);
    rig.carry("a1");
    rig.ask("a2");
    rig.dialed_shared(2);
    rig.done("a1 a2");
    assert_eq!(rig.log(), "dial 2 for a2, a2 gets 2, close 1 idle_limit");
    assert!(rig.state.oldest_idle().is_some());
    assert!(rig.event(State::evict_oldest));
    assert_eq!((rig.log(), rig.show("a")), ("close 2 descriptor_limit".into(), "gone".into()));
    let mut rig = Rig::shared(Limits { keep_alive: false, ..LIMITS }, 2);
    rig.ask("a1 a2 a3");
    rig.dialed_shared(1);
    rig.done("a1 a2");
    assert_eq!(rig.log(), "dial 1 for a1, a1 gets 1, a2 gets 1, dial 2 for a3, a3 gets 1");
    rig.done("a3");
    assert_eq!(rig.log(), "close 1 keep_alive_off");
}

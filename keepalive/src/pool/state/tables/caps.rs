//! `max_sockets` and `max_total_sockets`: 1, n−1, n and n+1 of each.

use super::rig::{LIMITS, Rig};
use crate::CloseReason;
use crate::pool::state::{Limits, Outcome};

#[test]
fn an_origin_has_no_more_than_max_sockets() {
    for (max_sockets, requests, before, after) in [
        (1, 1, "1 connecting", "1 active"),
        (1, 2, "1 connecting, 1 queued", "1 active, 1 queued"),
        (3, 2, "2 connecting", "2 active"),
        (3, 3, "3 connecting", "3 active"),
        (3, 4, "3 connecting, 1 queued", "3 active, 1 queued"),
        (usize::MAX, 4, "4 connecting", "4 active"),
    ] {
        let mut rig = Rig::new(Limits { max_sockets, ..LIMITS });
        rig.ask_all("a", requests);
        assert_eq!(rig.show("a"), before, "{max_sockets} {requests}");
        (1..=requests.min(max_sockets) as u64).for_each(|number| rig.dialed(number));
        assert_eq!(rig.show("a"), after, "{max_sockets} {requests}");
    }
}

#[test]
fn each_origin_has_its_own_max_sockets() {
    let mut rig = Rig::new(Limits { max_sockets: 2, ..LIMITS });
    rig.ask_all("a", 3);
    rig.ask_all("b", 3);
    assert_eq!(
        (rig.show("a"), rig.show("b")),
        ("2 connecting, 1 queued".into(), "2 connecting, 1 queued".into())
    );
}

#[test]
fn all_origins_together_have_no_more_than_max_total_sockets() {
    for (max_total_sockets, a, b) in [
        (1, "1 connecting, 1 queued", "2 queued"),
        (2, "2 connecting", "2 queued"),
        (3, "2 connecting", "1 connecting, 1 queued"),
        (4, "2 connecting", "2 connecting"),
        (5, "2 connecting", "2 connecting"),
    ] {
        let mut rig = Rig::new(Limits { max_total_sockets, ..LIMITS });
        rig.ask_all("a", 2);
        rig.ask_all("b", 2);
        assert_eq!((rig.show("a").as_str(), rig.show("b").as_str()), (a, b), "{max_total_sockets}");
    }
}

/// From the dial on until close(2) has returned.
#[test]
fn a_socket_counts_in_every_phase() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..LIMITS });
    rig.slow_close = true;
    rig.ask_all("a", 2);
    assert_eq!((rig.log(), rig.show("a")), ("dial 1 for a1".into(), "1 connecting, 1 queued".into()));
    rig.dialed(1);
    assert_eq!((rig.log(), rig.show("a")), ("a1 gets 1".into(), "1 active, 1 queued".into()));
    let number = rig.give_up("a1", Outcome::Done);
    let key = rig.key(number);
    rig.event(|state, _| state.drain(key));
    assert_eq!((rig.log(), rig.show("a")), (String::new(), "1 draining, 1 queued".into()));
    rig.event(|state, _| state.closing(key, CloseReason::BodyNotDrained));
    assert_eq!((rig.log(), rig.show("a")), (String::new(), "1 closing, 1 queued".into()));
    rig.closed(1);
    assert_eq!((rig.log(), rig.show("a")), ("dial 2 for a2".into(), "1 connecting".into()));
}

/// Node checks the cap before an async connector runs, and counts afterwards.
#[test]
fn a_failed_dial_holds_its_slot_until_it_is_let_go() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..LIMITS });
    rig.ask_all("a", 2);
    rig.dial_failed(1);
    assert_eq!((rig.log(), rig.show("a")), ("dial 1 for a1, a1 fails".into(), "1 closing, 1 queued".into()));
    rig.closed(1);
    assert_eq!((rig.log(), rig.show("a")), ("dial 2 for a2".into(), "1 connecting".into()));
}

#[test]
fn an_aborted_dial_holds_its_slot_until_it_has_stopped() {
    let mut rig = Rig::new(Limits { max_total_sockets: 1, ..LIMITS });
    rig.slow_close = true;
    rig.ask("a1");
    rig.cancel("a1");
    rig.ask("b1");
    assert_eq!(rig.log(), "dial 1 for a1, abort 1");
    assert_eq!((rig.show("a"), rig.show("b")), ("1 connecting".into(), "1 queued".into()));
    rig.closed(1);
    assert_eq!((rig.log(), rig.show("a")), ("dial 2 for b1".into(), "gone".into()));
}

#[test]
fn an_upgraded_socket_counts_in_the_total_only() {
    let mut rig = Rig::new(Limits { max_sockets: 1, max_total_sockets: 2, ..LIMITS });
    rig.ask_all("a", 3);
    rig.dialed(1);
    let number = rig.give_up("a1", Outcome::Done);
    let key = rig.key(number);
    rig.log();
    rig.event(|state, now| state.upgrade(key, now));
    assert_eq!(
        (rig.log(), rig.show("a")),
        ("dial 2 for a2".into(), "1 connecting, 1 upgraded, 1 queued".into())
    );
    rig.ask("b1");
    assert_eq!(rig.show("b"), "1 queued");
    rig.closed(1);
    assert_eq!((rig.log(), rig.show("b")), ("dial 3 for b1".into(), "1 connecting".into()));
    assert_eq!(rig.state.snapshot().closed_by[&CloseReason::Upgraded], 1);
}

/// Its place under `max_sockets` was given to another when it left HTTP.
#[test]
fn an_upgraded_socket_that_closes_still_counts_in_the_total_only() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..LIMITS });
    rig.ask_all("a", 2);
    rig.dialed(1);
    let number = rig.give_up("a1", Outcome::Done);
    let key = rig.key(number);
    rig.event(|state, now| state.upgrade(key, now));
    rig.event(|state, _| state.closing(key, CloseReason::IoError));
    assert_eq!(rig.show("a"), "1 connecting, 1 upgraded");
    rig.closed(1);
    assert_eq!(rig.show("a"), "1 connecting");
}

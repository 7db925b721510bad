//! Late binding: a waiter takes a freed socket or a finished dial, whichever comes first.

use super::rig::{LIMITS, Rig};
use crate::CloseReason;
use crate::pool::state::Limits;

#[test]
fn a_freed_socket_reaches_the_waiter_before_its_dial_which_is_parked() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 1);
    rig.ask("a7 a8");
    rig.done("a7");
    assert_eq!(
        (rig.log(), rig.show("a")),
        ("a7 gets 1, dial 2 for a8, a8 gets 1".into(), "1 active, 1 connecting".into())
    );
    rig.dialed(2);
    assert_eq!((rig.log(), rig.show("a")), (String::new(), "1 active, 1 idle".into()));
}

#[test]
fn an_unwanted_dial_is_closed_with_keep_alive_off() {
    let mut rig = Rig::new(Limits { keep_alive: false, ..LIMITS });
    rig.ask("a1");
    rig.cancel("a1");
    assert_eq!((rig.log(), rig.show("a")), ("dial 1 for a1".into(), "1 connecting".into()));
    rig.dialed(1);
    assert_eq!((rig.log(), rig.show("a")), ("close 1 keep_alive_off".into(), "gone".into()));
}

#[test]
fn a_dial_is_not_aborted_when_its_requester_leaves() {
    let mut rig = Rig::new(Limits { max_total_sockets: 2, ..LIMITS });
    rig.ask("a1");
    rig.cancel("a1");
    rig.ask("b1");
    assert_eq!(rig.log(), "dial 1 for a1, dial 2 for b1");
    rig.dialed(1);
    assert_eq!((rig.log(), rig.show("a")), (String::new(), "1 idle".into()));
}

#[test]
fn an_unwanted_dial_is_aborted_when_its_slot_is_needed() {
    let mut rig = Rig::new(Limits { max_total_sockets: 2, ..LIMITS });
    rig.ask_all("a", 2);
    rig.cancel("a1");
    rig.log();
    rig.ask("b1");
    // The one that began last; the other is a2's.
    assert_eq!(rig.log(), "abort 2, dial 3 for b1");
    rig.ask("b2");
    assert_eq!(
        (rig.log(), rig.show("a"), rig.show("b")),
        (String::new(), "1 connecting".into(), "1 connecting, 1 queued".into())
    );
    assert_eq!(rig.state.snapshot().closed_by, [(CloseReason::DialAborted, 1)].into());
}

/// An idle socket is cheaper to lose than a dial that somebody may still want.
#[test]
fn an_idle_socket_is_evicted_before_a_dial_is_aborted() {
    let mut rig = Rig::new(Limits { max_total_sockets: 2, ..LIMITS });
    rig.warm_up("a", 1);
    rig.ask("b1");
    rig.cancel("b1");
    rig.log();
    rig.ask("c1");
    assert_eq!((rig.log(), rig.show("b")), ("close 1 evicted, dial 3 for c1".into(), "1 connecting".into()));
}

#[test]
fn an_abort_that_comes_too_late_closes_the_socket() {
    let mut rig = Rig::new(Limits { max_total_sockets: 1, ..LIMITS });
    rig.slow_close = true;
    rig.ask("a1");
    rig.cancel("a1");
    rig.ask("b1");
    assert_eq!(rig.log(), "dial 1 for a1, abort 1");
    rig.dialed(1);
    assert_eq!((rig.log(), rig.show("a")), ("close 1 dial_aborted".into(), "1 closing".into()));
    rig.closed(1);
    assert_eq!(rig.log(), "dial 2 for b1");
}

/// It asked again for its origin before the aborted dial stopped: it waits for the next dial.
#[test]
fn an_aborted_dial_is_nobodys() {
    let mut rig = Rig::new(Limits { max_total_sockets: 1, ..LIMITS });
    rig.slow_close = true;
    rig.ask("a1");
    rig.cancel("a1");
    rig.ask("b1");
    rig.cancel("b1");
    rig.ask("a2");
    rig.log();
    rig.dialed(1);
    rig.closed(1);
    assert_eq!(
        (rig.log(), rig.show("a")),
        ("close 1 dial_aborted, dial 2 for a2".into(), "1 connecting".into())
    );
}

//! How many dials: cold one for each waiter, warm one.

use super::rig::{LIMITS, Rig};
use crate::pool::state::{Limits, Outcome};

#[test]
fn a_cold_origin_gets_one_dial_for_each_waiter() {
    let mut rig = Rig::new(LIMITS);
    rig.ask_all("a", 3);
    assert_eq!(rig.log(), "dial 1 for a1, dial 2 for a2, dial 3 for a3");
    assert_eq!((rig.show("a"), rig.deadline()), ("3 connecting".into(), None));
}

#[test]
fn a_warm_origin_gets_one_dial() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 1);
    rig.ask("a7 a8 a9");
    assert_eq!(rig.log(), "a7 gets 1, dial 2 for a8");
    assert_eq!(rig.show("a"), "1 active, 1 connecting, 1 queued");
}

/// An upgraded socket serves nobody any more, a closing one neither.
#[test]
fn only_a_socket_that_will_come_free_makes_an_origin_warm() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 2);
    rig.ask_all("a", 2);
    let number = rig.give_up("a1", Outcome::Done);
    let key = rig.key(number);
    rig.event(|state, now| state.upgrade(key, now));
    rig.slow_close = true;
    rig.spoilt("a2");
    rig.log();
    rig.ask("a7 a8");
    assert_eq!(rig.log(), "dial 3 for a7, dial 4 for a8");
}

#[test]
fn a_draining_socket_keeps_an_origin_warm() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 1);
    rig.ask("a1");
    let number = rig.give_up("a1", Outcome::Done);
    let key = rig.key(number);
    rig.event(|state, _| state.drain(key));
    rig.log();
    rig.ask("a7 a8");
    assert_eq!(
        (rig.log(), rig.show("a")),
        ("dial 2 for a7".into(), "1 connecting, 1 draining, 1 queued".into())
    );
}

/// The last connection of an origin goes: its waiters need one dial each.
#[test]
fn an_origin_that_grows_cold_gets_a_dial_for_each_waiter() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 1);
    rig.ask("a6 a7 a8 a9");
    assert_eq!(rig.log(), "a6 gets 1, dial 2 for a7");
    rig.spoilt("a6");
    assert_eq!((rig.log(), rig.show("a")), ("dial 3 for a8, dial 4 for a9".into(), "3 connecting".into()));
    assert_eq!(rig.deadline(), None);
}

#[test]
fn a_newcomer_takes_over_a_dial_nobody_waits_for() {
    let mut rig = Rig::new(LIMITS);
    rig.ask("a1");
    rig.cancel("a1");
    rig.ask("a2");
    assert_eq!((rig.log(), rig.show("a")), ("dial 1 for a1".into(), "1 connecting".into()));
    rig.dialed(1);
    assert_eq!(rig.log(), "a2 gets 1");
}

#[test]
fn is_connecting_tells_those_a_dial_is_for_from_those_who_wait_for_a_slot() {
    let mut rig = Rig::new(Limits { max_sockets: 2, ..LIMITS });
    rig.ask_all("a", 3);
    let found = ["a1", "a2", "a3"].map(|name| rig.state.is_connecting(rig.waiter(name)));
    assert_eq!(found, [true, true, false]);
    rig.cancel("a1");
    let found = ["a2", "a3"].map(|name| rig.state.is_connecting(rig.waiter(name)));
    assert_eq!(found, [true, true]);
}

//! Limits that change while sockets are open and requests wait.

use super::rig::{LIMITS, Rig};
use crate::pool::state::Limits;

fn set(rig: &mut Rig, change: impl FnOnce(&mut Limits)) {
    rig.event(|state, now| state.set_limits(now, change));
}

/// Node: raising the limit does not wake the queue.
#[test]
fn raising_max_sockets_dials_at_once() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..LIMITS });
    rig.ask_all("a", 4);
    rig.ask_all("b", 2);
    rig.log();
    set(&mut rig, |limits| limits.max_sockets = 3);
    assert_eq!(rig.log(), "dial 3 for a2, dial 4 for a3, dial 5 for b2");
}

/// Origin b was there first, but the one free slot is for whoever waits longest.
#[test]
fn raising_max_sockets_dials_for_the_oldest_across_origins() {
    let mut rig = Rig::new(Limits { max_sockets: 1, max_total_sockets: 3, ..LIMITS });
    rig.ask("b1 a1 a2 b2");
    rig.log();
    set(&mut rig, |limits| limits.max_sockets = 2);
    assert_eq!(rig.log(), "dial 3 for a2");
}

#[test]
fn raising_max_total_sockets_dials_at_once_for_the_oldest() {
    let mut rig = Rig::new(Limits { max_total_sockets: 1, ..LIMITS });
    rig.ask("c1 b1 a1 b2");
    rig.log();
    set(&mut rig, |limits| limits.max_total_sockets = 3);
    assert_eq!(rig.log(), "dial 2 for b1, dial 3 for a1");
}

#[test]
fn lowering_max_sockets_closes_the_oldest_idle_sockets() {
    for (max_sockets, log, left) in [
        (4, "", "3 idle"),
        (3, "", "3 idle"),
        (2, "close 1 over_limit", "2 idle"),
        (1, "close 1 over_limit, close 2 over_limit", "1 idle"),
    ] {
        let mut rig = Rig::new(LIMITS);
        rig.warm_up("a", 3);
        set(&mut rig, |limits| limits.max_sockets = max_sockets);
        assert_eq!((rig.log().as_str(), rig.show("a").as_str()), (log, left), "{max_sockets}");
    }
}

#[test]
fn lowering_max_sockets_closes_no_more_than_needed_while_closings_are_in_flight() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 3);
    rig.slow_close = true;
    set(&mut rig, |limits| limits.max_sockets = 2);
    set(&mut rig, |limits| limits.max_sockets = 2);
    assert_eq!((rig.log(), rig.show("a")), ("close 1 over_limit".into(), "2 idle, 1 closing".into()));
}

/// The least recently used go, whatever their origin.
#[test]
fn lowering_max_total_sockets_closes_the_least_recently_used() {
    let mut rig = Rig::new(LIMITS);
    rig.ask("a1 b1 a2");
    (1..=3).for_each(|number| rig.dialed(number));
    for name in ["b1", "a2", "a1"] {
        rig.pass(1);
        rig.done(name);
    }
    rig.log();
    set(&mut rig, |limits| limits.max_total_sockets = 2);
    assert_eq!(rig.log(), "close 2 over_limit");
    set(&mut rig, |limits| limits.max_total_sockets = 1);
    assert_eq!(rig.log(), "close 3 over_limit");
}

#[test]
fn active_sockets_above_a_lowered_max_sockets_finish_and_are_closed() {
    let mut rig = Rig::new(LIMITS);
    rig.ask_all("a", 3);
    (1..=3).for_each(|number| rig.dialed(number));
    set(&mut rig, |limits| limits.max_sockets = 1);
    rig.ask("a4 a5");
    rig.log();
    rig.done("a1");
    assert_eq!((rig.log(), rig.show("a")), ("close 1 over_limit".into(), "2 active, 2 queued".into()));
    rig.spoilt("a2");
    assert_eq!((rig.log(), rig.show("a")), (String::new(), "1 active, 2 queued".into()));
    rig.done("a3");
    assert_eq!(rig.log(), "a4 gets 3");
    rig.spoilt("a4");
    assert_eq!(rig.log(), "dial 4 for a5");
}

#[test]
fn active_sockets_above_a_lowered_total_finish_and_are_closed() {
    let mut rig = Rig::new(LIMITS);
    rig.ask("a1 b1 c1");
    (1..=3).for_each(|number| rig.dialed(number));
    set(&mut rig, |limits| limits.max_total_sockets = 1);
    rig.ask("d1 b2");
    rig.log();
    rig.done("a1 b1");
    assert_eq!(rig.log(), "close 1 over_limit, close 2 over_limit");
    rig.done("c1");
    assert_eq!(rig.log(), "close 3 evicted, dial 4 for d1");
}

#[test]
fn a_dial_above_a_lowered_limit_is_closed_when_it_is_done() {
    let mut rig = Rig::new(LIMITS);
    rig.ask_all("a", 2);
    rig.log();
    set(&mut rig, |limits| limits.max_sockets = 1);
    rig.dialed(1);
    assert_eq!((rig.log(), rig.show("a")), ("close 1 over_limit".into(), "1 connecting, 1 queued".into()));
    rig.dialed(2);
    assert_eq!((rig.log(), rig.show("a")), ("a1 gets 2".into(), "1 active, 1 queued".into()));
}

#[test]
fn lowering_the_free_limits_closes_the_oldest() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 2);
    rig.warm_up("b", 2);
    set(&mut rig, |limits| limits.max_free_sockets = 1);
    assert_eq!(rig.log(), "close 1 idle_limit, close 3 idle_limit");
    set(&mut rig, |limits| limits.max_total_free_sockets = 1);
    assert_eq!(rig.log(), "close 2 idle_limit");
    set(&mut rig, |limits| limits.max_free_sockets = 0);
    assert_eq!(rig.log(), "close 4 idle_limit");
    assert!(rig.state.is_empty() && rig.state.origins.is_empty());
}

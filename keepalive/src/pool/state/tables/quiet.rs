//! When the machine wants to be called next: never while nothing is due.

use std::time::Duration;

use super::rig::{LIMITS, Rig};
use crate::pool::state::{Limits, Outcome};

const ONE: Limits = Limits { max_sockets: 1, ..LIMITS };
const ONE_IN_ALL: Limits = Limits { max_total_sockets: 1, ..LIMITS };
const TWO_SECONDS: Limits = Limits { free_socket_timeout: Some(Duration::from_secs(2)), ..LIMITS };

#[track_caller]
fn nothing_is_due(limits: Limits, story: impl FnOnce(&mut Rig)) {
    let mut rig = Rig::new(limits);
    story(&mut rig);
    assert_eq!(rig.deadline(), None);
}

#[test]
fn with_nothing_but_sockets() {
    nothing_is_due(LIMITS, |_| {});
    nothing_is_due(LIMITS, |rig| {
        rig.warm_up("a", 3);
        rig.warm_up("b", 3);
    });
    nothing_is_due(TWO_SECONDS, |rig| {
        rig.ask("a1 b1");
        rig.dialed(1);
        rig.dialed(2);
    });
    nothing_is_due(TWO_SECONDS, |rig| {
        rig.ask("a1 a2");
        rig.dialed(1);
        rig.dialed(2);
        let (drains, leaves) = (rig.give_up("a1", Outcome::Done), rig.give_up("a2", Outcome::Done));
        let (drains, leaves) = (rig.key(drains), rig.key(leaves));
        rig.event(|state, _| state.drain(drains));
        rig.event(|state, now| state.upgrade(leaves, now));
    });
}

#[test]
fn with_requests_that_wait_for_others() {
    nothing_is_due(ONE, |rig| {
        rig.ask("a1 a2 a3");
        rig.dialed(1);
    });
    nothing_is_due(ONE_IN_ALL, |rig| {
        rig.ask("a1 b1 c1");
        rig.dialed(1);
    });
    // Nobody times the dials of the machine: that is the dial's own affair.
    nothing_is_due(LIMITS, |rig| rig.ask("a1 a2 b1"));
    nothing_is_due(LIMITS, |rig| {
        rig.ask("a1 a2 a3");
        rig.refused(1);
    });
    nothing_is_due(ONE_IN_ALL, |rig| {
        rig.warm_up("a", 1);
        rig.slow_close = true;
        rig.ask("b1");
    });
}

#[test]
fn with_a_waiter_that_sleeps_beside_an_idle_socket() {
    nothing_is_due(ONE, |rig| {
        rig.ask("a1 a2");
        rig.dialed(1);
        rig.park("a2");
        rig.done("a1");
        assert_eq!(rig.deadline(), Some(100), "the offer");
        rig.pass(100);
    });
}

#[test]
fn after_the_end() {
    nothing_is_due(TWO_SECONDS, |rig| {
        rig.warm_up("a", 3);
        rig.pass(2000);
    });
    nothing_is_due(TWO_SECONDS, |rig| {
        rig.warm_up("a", 3);
        rig.event(|state, now| state.destroy(now, false));
    });
}

#[test]
fn the_first_of_several_deadlines_is_the_next() {
    let mut rig = Rig::new(TWO_SECONDS);
    rig.warm_up("a", 1);
    assert_eq!(rig.deadline(), Some(2000), "the idle socket");
    rig.pass(1995);
    rig.ask("b1");
    rig.dialed(2);
    rig.ask("b2 b3");
    assert_eq!(rig.deadline(), Some(2000), "the idle socket still comes before the next dials");
    rig.pass(5);
    assert_eq!(rig.deadline(), Some(2005), "the dials of a warm origin");
    rig.pass(5);
    assert_eq!(rig.deadline(), None, "as many as there are requests");
}

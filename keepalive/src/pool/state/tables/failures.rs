//! Failed dials: whom they fail, and how many there are afterwards.

use super::rig::{LIMITS, Rig};
use crate::pool::state::Limits;

#[test]
fn each_failed_dial_fails_one_request() {
    let mut rig = Rig::new(LIMITS);
    rig.ask_all("a", 3);
    rig.log();
    for number in [1, 2, 3] {
        rig.refused(number);
    }
    assert_eq!((rig.log(), rig.show("a")), ("a1 fails, a2 fails, a3 fails".into(), "gone".into()));
}

/// It was begun for a2; a3 was there too and a4 was not.
#[test]
fn a_failed_dial_fails_the_oldest_that_was_there_when_it_began() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..LIMITS });
    rig.ask_all("a", 3);
    rig.dialed(1);
    rig.log();
    rig.spoilt("a1");
    rig.cancel("a2");
    rig.ask("a4");
    rig.refused(2);
    assert_eq!(rig.log(), "dial 2 for a2, a3 fails, dial 3 for a4");
}

/// The last to begin fails first, with the oldest; the first then finds only one who came after it.
#[test]
fn dials_that_fail_out_of_order_spare_one() {
    let mut rig = Rig::new(LIMITS);
    rig.ask_all("a", 2);
    rig.log();
    for number in [2, 1] {
        rig.refused(number);
    }
    assert_eq!((rig.log(), rig.show("a")), ("a1 fails, dial 3 for a2".into(), "1 connecting".into()));
}

#[test]
fn a_failed_dial_fails_nobody_who_came_after_it() {
    let mut rig = Rig::new(LIMITS);
    rig.ask("a1");
    rig.cancel("a1");
    rig.ask("a2");
    rig.log();
    rig.refused(1);
    assert_eq!((rig.log(), rig.show("a")), ("dial 2 for a2".into(), "1 connecting".into()));
}

/// Its ticket is old, but it was not there when the dial began.
#[test]
fn a_failed_dial_spares_one_that_asked_again_since() {
    let mut rig = Rig::new(Limits { max_sockets: 2, ..LIMITS });
    rig.warm_up("a", 1);
    rig.ask("a7 a8");
    rig.dead("a7");
    assert_eq!(rig.log(), "a7 gets 1, dial 2 for a8, dial 3 for a8");
    rig.refused(2);
    assert_eq!(rig.log(), "a8 fails");
    rig.dialed(3);
    assert_eq!(rig.log(), "a7 gets 3");
}

#[test]
fn after_a_failed_dial_one_at_a_time_until_one_succeeds() {
    let mut rig = Rig::new(LIMITS);
    rig.ask_all("a", 2);
    rig.refused(1);
    rig.log();
    rig.ask("a3 a4 a5");
    assert_eq!(rig.show("a"), "1 connecting, 3 queued");
    rig.refused(2);
    assert_eq!(rig.log(), "a2 fails, dial 3 for a3");
    rig.refused(3);
    assert_eq!(rig.log(), "a3 fails, dial 4 for a4");
    rig.dialed(4);
    assert_eq!(rig.log(), "a4 gets 4, dial 5 for a5");
    rig.ask("a6 a7");
    rig.pass(10);
    assert_eq!(rig.log(), "dial 6 for a6");
}

#[test]
fn a_warm_origin_does_not_ramp_after_a_failed_dial() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 1);
    rig.ask("a5 a6 a7 a8");
    rig.pass(10);
    assert_eq!(rig.log(), "a5 gets 1, dial 2 for a6, dial 3 for a7");
    rig.refused(2);
    assert_eq!((rig.log(), rig.deadline()), ("a6 fails".into(), None));
    rig.refused(3);
    assert_eq!((rig.log(), rig.deadline()), ("a7 fails, dial 4 for a8".into(), None));
}

/// The next dial begins while the failed one's slot is still held, if there is room for both.
#[test]
fn the_next_dial_does_not_wait_for_the_failed_ones_slot() {
    let mut rig = Rig::new(Limits { max_sockets: 2, ..LIMITS });
    rig.ask_all("a", 1);
    rig.cancel("a1");
    rig.ask_all("a", 2);
    rig.log();
    rig.dial_failed(1);
    assert_eq!((rig.log(), rig.show("a")), (String::new(), "1 connecting, 1 closing, 1 queued".into()));
}

#[test]
fn a_dial_whose_runtime_died_fails_its_own_waiter_only() {
    let mut rig = Rig::new(LIMITS);
    rig.ask_all("a", 3);
    rig.log();
    rig.closed(2);
    assert_eq!((rig.log(), rig.show("a")), ("a2 fails".into(), "2 connecting".into()));
    // The others were not refused: dials go on as before.
    rig.ask("a4 a5");
    assert_eq!(rig.log(), "dial 4 for a4, dial 5 for a5");
}

#[test]
fn a_dial_whose_runtime_died_fails_nobody_if_its_waiter_is_served() {
    let mut rig = Rig::new(LIMITS);
    rig.ask_all("a", 2);
    rig.dialed(2);
    assert_eq!(rig.log(), "dial 1 for a1, dial 2 for a2, a1 gets 2");
    rig.closed(1);
    assert_eq!((rig.log(), rig.show("a")), ("dial 3 for a2".into(), "1 active, 1 connecting".into()));
}

#[test]
fn a_failure_reported_after_the_abort_fails_nobody() {
    let mut rig = Rig::new(Limits { max_total_sockets: 1, ..LIMITS });
    rig.slow_close = true;
    rig.ask("a1");
    rig.cancel("a1");
    rig.ask("b1");
    rig.ask("a2");
    assert_eq!(rig.log(), "dial 1 for a1, abort 1");
    rig.refused(1);
    assert_eq!(rig.log(), "dial 2 for b1");
    assert_eq!(
        rig.state.snapshot().closed_by.keys().copied().collect::<Vec<_>>(),
        [crate::CloseReason::DialAborted]
    );
}

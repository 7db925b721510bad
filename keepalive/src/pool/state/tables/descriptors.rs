//! The process has no descriptor left.

use super::rig::{LIMITS, Rig};
use crate::pool::state::{Limits, State};

fn evict(rig: &mut Rig) -> bool {
    rig.event(State::evict_oldest)
}

/// Since when the oldest idle socket has been idle, in ms since the rig began.
fn oldest_idle(rig: &Rig) -> Option<u128> {
    rig.state.oldest_idle().map(|since| (since - rig.start).as_millis())
}

#[test]
fn the_least_recently_used_idle_socket_of_any_origin_goes_first() {
    let mut rig = Rig::new(LIMITS);
    rig.ask("a1 b1 a2");
    (1..=3).for_each(|number| rig.dialed(number));
    rig.log();
    assert_eq!((oldest_idle(&rig), rig.state.descriptors()), (None, 3));
    for name in ["b1", "a2", "a1"] {
        rig.pass(5);
        rig.done(name);
    }
    for (idle_since, log, left) in [
        (5, "close 2 descriptor_limit", 2),
        (10, "close 3 descriptor_limit", 1),
        (15, "close 1 descriptor_limit", 0),
    ] {
        assert_eq!(oldest_idle(&rig), Some(idle_since));
        assert!(evict(&mut rig));
        assert_eq!((rig.log().as_str(), rig.state.descriptors()), (log, left));
    }
    assert_eq!(oldest_idle(&rig), None);
    assert!(!evict(&mut rig));
    assert_eq!((rig.log(), rig.show("a"), rig.show("b")), (String::new(), "gone".into(), "gone".into()));
}

/// Its slot is free as soon as it is closed, and not before.
#[test]
fn the_slot_of_an_evicted_socket_serves_whoever_waits_for_one() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..LIMITS });
    rig.slow_close = true;
    rig.warm_up("a", 1);
    assert!(evict(&mut rig));
    rig.ask("a2");
    assert_eq!((rig.log(), rig.show("a")), ("close 1 descriptor_limit".into(), "1 closing, 1 queued".into()));
    rig.closed(1);
    assert_eq!(rig.log(), "dial 2 for a2");
}

/// An active socket is somebody's, and so is an offered one.
#[test]
fn sockets_that_are_not_idle_stay() {
    let mut rig = Rig::new(Limits { max_sockets: 2, ..LIMITS });
    rig.ask("a1 a2 a3");
    rig.dialed(1);
    rig.dialed(2);
    rig.park("a3");
    rig.done("a1");
    assert_eq!(oldest_idle(&rig), None);
    assert!(!evict(&mut rig));
    assert_eq!(rig.show("a"), "2 active, 1 queued");
}

#[test]
fn only_a_dial_that_somebody_waits_for_waits_for_a_descriptor() {
    let mut rig = Rig::new(LIMITS);
    rig.ask("a1 a2");
    rig.log();
    let (first, second) = (rig.key(1), rig.key(2));
    assert!(rig.event(|state, now| state.is_dial_wanted(first, now)));
    assert!(rig.event(|state, now| state.is_dial_wanted(second, now)));
    rig.cancel("a2");
    assert!(!rig.event(|state, now| state.is_dial_wanted(first, now)));
    assert_eq!((rig.log(), rig.show("a")), ("abort 1".into(), "1 connecting".into()));
    assert!(rig.event(|state, now| state.is_dial_wanted(second, now)));
    assert_eq!(rig.log(), "");
}

/// A dial that was told to stop is nobody's.
#[test]
fn an_aborted_dial_is_not_wanted() {
    let mut rig = Rig::new(LIMITS);
    rig.slow_close = true;
    rig.ask("a1");
    let dial = rig.key(1);
    rig.event(|state, now| state.destroy(now, false));
    rig.log();
    assert!(!rig.event(|state, now| state.is_dial_wanted(dial, now)));
    assert_eq!(rig.log(), "");
    // Its task ends with an error that is for nobody.
    assert_eq!(rig.event(|state, now| state.dial_failed(dial, now)), None);
}

/// A freed socket serves the waiter whose dial has no descriptor yet.
#[test]
fn a_freed_socket_serves_the_waiter_of_a_dial_that_waits() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 1);
    rig.ask("a2 a3");
    let dial = rig.key(2);
    assert!(rig.event(|state, now| state.is_dial_wanted(dial, now)));
    rig.done("a2");
    assert!(!rig.event(|state, now| state.is_dial_wanted(dial, now)));
    assert_eq!(rig.log(), "a2 gets 1, dial 2 for a3, a3 gets 1, abort 2");
}

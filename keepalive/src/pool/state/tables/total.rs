//! At the total cap the oldest waiter that may open or take a socket goes next, whatever its origin.

use super::rig::{LIMITS, Rig};
use crate::pool::state::Limits;

const fn total(max_total_sockets: usize) -> Limits {
    Limits { max_total_sockets, ..LIMITS }
}

/// Node: an idle socket of one origin blocks another for ever.
#[test]
fn an_idle_socket_of_another_origin_is_evicted_for_a_waiter() {
    let mut rig = Rig::new(total(1));
    rig.warm_up("a", 1);
    rig.ask("b1");
    assert_eq!((rig.log(), rig.show("a")), ("close 1 evicted, dial 2 for b1".into(), "gone".into()));
}

#[test]
fn the_least_recently_used_idle_socket_is_evicted() {
    let mut rig = Rig::new(total(3));
    rig.ask("a1 b1 a2");
    (1..=3).for_each(|number| rig.dialed(number));
    for name in ["b1", "a2", "a1"] {
        rig.pass(1);
        rig.done(name);
    }
    rig.log();
    rig.ask("c1 c2 c3");
    assert_eq!(
        rig.log(),
        "close 2 evicted, dial 4 for c1, close 3 evicted, dial 5 for c2, close 1 evicted, dial 6 for c3",
    );
}

#[test]
fn nothing_is_evicted_below_the_cap_or_for_those_at_max_sockets() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..total(3) });
    rig.warm_up("a", 1);
    rig.ask("b1 b2");
    assert_eq!((rig.log(), rig.show("a")), ("dial 2 for b1".into(), "1 idle".into()));
    rig.ask("c1 c2 b3");
    assert_eq!((rig.log(), rig.show("a")), ("dial 3 for c1".into(), "1 idle".into()));
}

/// Closings are room to come: a second eviction for the same waiter would be one too many.
#[test]
fn no_more_is_evicted_than_needed_while_closings_are_in_flight() {
    let mut rig = Rig::new(total(3));
    rig.warm_up("a", 3);
    rig.slow_close = true;
    rig.ask("b1");
    assert_eq!((rig.log(), rig.show("a")), ("close 1 evicted".into(), "2 idle, 1 closing".into()));
    rig.ask("a7");
    rig.done("a7");
    rig.pass(10);
    assert_eq!((rig.log(), rig.show("a")), ("a7 gets 3".into(), "2 idle, 1 closing".into()));
    rig.ask("b2");
    assert_eq!((rig.log(), rig.show("a")), ("close 2 evicted".into(), "1 idle, 2 closing".into()));
    rig.cancel("b1");
    rig.ask("c1");
    assert_eq!((rig.log(), rig.show("a")), (String::new(), "1 idle, 2 closing".into()));
    rig.closed(2);
    rig.closed(1);
    assert_eq!(rig.log(), "dial 4 for b2, dial 5 for c1");
}

/// A warm origin wants one dial at first, so one eviction is all that its many waiters need.
#[test]
fn a_warm_origin_evicts_no_faster_than_it_dials() {
    let mut rig = Rig::new(total(5));
    rig.warm_up("a", 4);
    rig.warm_up("b", 1);
    rig.ask("b6 b7 b8 b9");
    assert_eq!(
        (rig.log(), rig.show("a")),
        ("b6 gets 5, close 1 evicted, dial 6 for b7".into(), "3 idle".into())
    );
    rig.pass(10);
    assert_eq!((rig.log(), rig.show("a")), ("close 2 evicted, dial 7 for b8".into(), "2 idle".into()));
}

/// Node serves the origin whose socket came free: a busy origin starves another.
#[test]
fn a_freed_socket_is_closed_for_an_older_waiter_of_another_origin() {
    let mut rig = Rig::new(total(1));
    rig.ask("a1");
    rig.dialed(1);
    rig.ask("b1 a2");
    rig.log();
    rig.done("a1");
    assert_eq!((rig.log(), rig.show("a")), ("close 1 evicted, dial 2 for b1".into(), "1 queued".into()));
}

#[test]
fn a_freed_socket_stays_with_its_origin_if_its_waiter_is_the_older() {
    let mut rig = Rig::new(total(1));
    rig.ask("a1");
    rig.dialed(1);
    rig.ask("a2 b1 a3");
    rig.log();
    rig.done("a1");
    assert_eq!(rig.log(), "a2 gets 1");
    rig.done("a2");
    assert_eq!(rig.log(), "close 1 evicted, dial 2 for b1");
}

/// The older waiter elsewhere needs only one of two sockets that come free.
#[test]
fn room_to_come_is_enough_for_the_older_waiter() {
    let mut rig = Rig::new(total(2));
    rig.slow_close = true;
    rig.ask("a1 a2");
    rig.dialed(1);
    rig.dialed(2);
    rig.ask("b1 a3");
    rig.log();
    rig.done("a1");
    rig.done("a2");
    assert_eq!(rig.log(), "close 1 evicted, a3 gets 2");
    rig.closed(1);
    assert_eq!(rig.log(), "dial 3 for b1");
}

/// One that cannot open a socket (its origin is full) does not keep others from theirs.
#[test]
fn who_waits_for_max_sockets_is_no_rival() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..total(2) });
    rig.ask("a1 b1");
    rig.dialed(1);
    rig.dialed(2);
    rig.ask("a2 b2");
    rig.log();
    rig.done("b1");
    assert_eq!(rig.log(), "b2 gets 2");
}

/// Node's `break`: the first origin in its table with nothing to start ends the search.
#[test]
fn a_free_slot_goes_to_the_oldest_waiter_of_any_origin() {
    let mut rig = Rig::new(total(3));
    rig.ask("a1 b1 c1");
    (1..=3).for_each(|number| rig.dialed(number));
    rig.ask("c2 b2 a2");
    rig.log();
    rig.spoilt("a1");
    rig.spoilt("b1");
    rig.spoilt("c1");
    assert_eq!(rig.log(), "dial 4 for c2, dial 5 for b2, dial 6 for a2");
}

/// The first origin is full; its waiters must not keep a cold origin from the free slot.
#[test]
fn a_free_slot_of_a_cold_origin_is_used() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..total(3) });
    rig.ask("a1 a2 a3 b1 c1 d1");
    assert_eq!(rig.log(), "dial 1 for a1, dial 2 for b1, dial 3 for c1");
    rig.dialed(2);
    rig.spoilt("b1");
    assert_eq!(rig.log(), "b1 gets 2, dial 4 for d1");
}

/// Node closes sockets that would overshoot only after it has kept them.
#[test]
fn the_total_is_never_overshot_while_parking() {
    let mut rig = Rig::new(Limits { max_sockets: 2, ..total(3) });
    rig.slow_close = true;
    rig.ask("a1 a2 b1 b2 c1");
    (1..=3).for_each(|number| rig.dialed(number));
    rig.log();
    for (name, number) in [("a1", 1), ("a2", 2)] {
        rig.done(name);
        assert_eq!(rig.state.snapshot().counts.all(), 3);
        rig.closed(number);
        assert_eq!(rig.state.snapshot().counts.all(), 3);
    }
    assert_eq!(rig.log(), "close 1 evicted, dial 4 for b2, close 2 evicted, dial 5 for c1");
    rig.done("b1");
    assert_eq!((rig.log(), rig.show("b")), ("b2 gets 3".into(), "1 active, 1 connecting".into()));
}

/// Origin a is asked again whenever it answers; b and c get their turn when those before them had theirs.
#[test]
fn nobody_starves_under_continuous_load() {
    let mut rig = Rig::new(total(2));
    rig.ask("a1 a2");
    let mut served = Vec::new();
    for round in 3..9 {
        rig.ask(&format!("a{round}"));
        if round == 4 {
            rig.ask("b1 c1");
        }
        rig.dialing().into_iter().for_each(|number| rig.dialed(number));
        let oldest = rig.holding().remove(0);
        rig.done(&oldest);
        served.push(oldest);
    }
    assert_eq!(served, ["a1", "a2", "a3", "a4", "b1", "c1"]);
}

/// Its old slot went to b2 meanwhile: the dial for b1, who is younger too, is closed for it.
#[test]
fn who_asks_again_is_the_oldest_across_origins_too() {
    let mut rig = Rig::new(total(2));
    rig.warm_up("a", 1);
    rig.ask("a7 b1 b2");
    rig.dead("a7");
    assert_eq!(rig.log(), "a7 gets 1, dial 2 for b1, dial 3 for b2");
    rig.dialed(2);
    assert_eq!(
        (rig.log(), rig.show("b")),
        ("close 2 evicted, dial 4 for a7".into(), "1 connecting, 1 queued".into())
    );
}

/// Origin a loses its only socket to b and is cold: it wants a dial for each of its waiters, and with
/// them the places of all that comes free.
#[test]
fn who_lost_the_last_socket_to_another_origin_wants_one_for_each_waiter() {
    let mut rig = Rig::new(total(3));
    rig.ask("a1 c1 c2");
    (1..=3).for_each(|number| rig.dialed(number));
    rig.ask("b1 a2 a3 a4");
    rig.slow_close = true;
    rig.log();
    rig.done("a1 c1 c2");
    assert_eq!(rig.log(), "close 1 evicted, close 2 evicted, close 3 evicted");
    (1..=3).for_each(|number| rig.closed(number));
    assert_eq!(rig.log(), "dial 4 for b1, dial 5 for a2, dial 6 for a3");
}

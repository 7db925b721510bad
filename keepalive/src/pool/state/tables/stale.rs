//! A request that was written on a socket which proved stale: it gets a fresh one, at its old place.

use super::rig::{LIMITS, Rig};
use crate::pool::state::Limits;

#[test]
fn gets_a_socket_just_dialled_and_no_idle_one() {
    let mut rig = Rig::new(Limits { max_sockets: 3, ..LIMITS });
    rig.warm_up("a", 1);
    rig.pass(5);
    rig.ask("a1 a2");
    rig.dialed(2);
    rig.done("a2");
    assert_eq!(rig.log(), "a1 gets 1, dial 2 for a2, a2 gets 2");
    rig.stale("a1");
    assert_eq!(rig.log(), "dial 3 for a1");
    assert_eq!(
        rig.show("a"),
        "1 idle, 1 connecting",
        "2 was used after 1 was idle: it is none of the suspects"
    );
    rig.dialed(3);
    assert_eq!(rig.log(), "a1 gets 3");
    assert_eq!(rig.state.totals.retried, 1);
}

#[test]
fn the_origins_other_idle_sockets_go_with_it() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 3);
    rig.warm_up("b", 1);
    rig.ask("a1");
    rig.stale("a1");
    assert_eq!(rig.log(), "a1 gets 3, close 1 suspect, close 2 suspect, dial 5 for a1");
    assert_eq!(rig.show("b"), "1 idle", "another origin's");
}

#[test]
fn suspects_are_those_parked_no_later() {
    // Parked at 0, 10, 20 and 30 ms; the one parked at `stale` fails.
    for (stale, left) in [(0_u64, "3 idle, 1 connecting"), (10, "2 idle, 1 connecting"), (30, "1 connecting")]
    {
        let mut rig = Rig::new(Limits { scheduling: crate::Scheduling::Fifo, ..LIMITS });
        rig.ask_all("a", 4);
        (1..=4).for_each(|number| rig.dialed(number));
        for at in 1..=4 {
            rig.done(&format!("a{at}"));
            rig.pass(10);
        }
        // Fifo takes the longest idle: the earlier ones are taken and put back untouched.
        let before = (stale / 10) as usize;
        rig.ask_all("b", 1);
        let names: Vec<_> = (5..=5 + before).map(|at| format!("a{at}")).collect();
        names.iter().for_each(|name| rig.ask(name));
        let (last, others) = names.split_last().expect("one at least");
        for name in others {
            let number = rig.give_up(name, crate::pool::state::Outcome::Cancelled);
            let key = rig.key(number);
            rig.event(|state, now| state.put_back(key, now));
        }
        rig.stale(last);
        assert_eq!(rig.show("a"), left, "parked at {stale} ms");
    }
}

#[test]
fn waiters_that_take_any_socket_pass_it() {
    let mut rig = Rig::new(Limits { max_sockets: 2, ..LIMITS });
    rig.warm_up("a", 2);
    rig.ask("a1 a2 a3");
    rig.log();
    rig.stale("a1");
    assert_eq!(rig.log(), "dial 3 for a1");
    rig.done("a2");
    assert_eq!(rig.log(), "a3 gets 1", "of no use to a1, whose dial is under way");
    rig.dialed(3);
    assert_eq!(rig.log(), "a1 gets 3");
}

#[test]
fn it_keeps_its_place_before_those_who_came_later() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..LIMITS });
    rig.warm_up("a", 1);
    rig.ask("a1 a2 a3");
    rig.stale("a1");
    rig.dialed(2);
    rig.done("a1");
    rig.done("a2");
    assert_eq!(rig.log(), "a1 gets 1, dial 2 for a1, a1 gets 2, a2 gets 2, a3 gets 2");
}

/// Its own slot is lost to a lowered limit: the next socket that comes free is of no use to it, but its
/// place is.
#[test]
fn at_a_lowered_cap_a_freed_socket_makes_room_for_its_dial() {
    let mut rig = Rig::new(Limits { max_sockets: 2, ..LIMITS });
    rig.warm_up("a", 2);
    rig.ask("a1 a2 a3");
    rig.event(|state, now| state.set_limits(now, |limits| limits.max_sockets = 1));
    rig.log();
    rig.stale("a1");
    assert_eq!(rig.log(), "");
    rig.done("a2");
    assert_eq!(rig.log(), "close 1 suspect, dial 3 for a1");
    rig.dialed(3);
    rig.done("a1");
    assert_eq!(rig.log(), "a1 gets 3, a3 gets 3");
}

/// At the total cap another origin's idle socket makes room.
#[test]
fn at_the_total_cap_it_evicts() {
    let mut rig = Rig::new(Limits { max_total_sockets: 2, ..LIMITS });
    rig.warm_up("a", 1);
    rig.warm_up("b", 1);
    rig.ask("a1");
    rig.slow_close = true;
    rig.stale("a1");
    assert_eq!(rig.log(), "a1 gets 1", "its own slot comes free next: nothing is evicted for it");
    rig.closed(1);
    assert_eq!(rig.log(), "dial 3 for a1");
    assert_eq!(rig.show("b"), "1 idle");
}

/// A surplus dial that was done before the request failed was never used, and may be stale all the same: a
/// server that restarts takes it with it.
#[test]
fn a_dial_that_was_parked_before_is_not_fresh() {
    for millis in [0, 1, 100, 101] {
        let mut rig = Rig::new(LIMITS);
        rig.ask("a1 a2");
        rig.cancel("a1");
        rig.dialed(2);
        rig.log();
        // 1 is dialled for nobody; 2 is a2's.
        rig.pass(1);
        rig.dialed(1);
        rig.pass(1 + millis);
        rig.stale("a2");
        assert_eq!(rig.log(), "dial 3 for a2", "{millis} ms");
        assert_eq!(rig.show("a"), "1 idle, 1 connecting", "it is none of the suspects");
    }
}

/// One that was under way then and is done later is as good as its own.
#[test]
fn a_dial_that_is_done_afterwards_is_fresh() {
    let mut rig = Rig::new(LIMITS);
    rig.ask("a1 a2");
    rig.cancel("a1");
    rig.dialed(2);
    rig.pass(1);
    rig.stale("a2");
    assert_eq!(rig.log(), "dial 1 for a1, dial 2 for a2, a2 gets 2");
    rig.pass(1);
    rig.dialed(1);
    assert_eq!(rig.log(), "a2 gets 1");
}

#[test]
fn a_waiter_that_was_not_polled_in_time_does_not_take_what_is_not_fresh_any_more() {
    let mut rig = Rig::new(Limits { max_sockets: 2, ..LIMITS });
    rig.warm_up("a", 1);
    rig.ask("a1");
    rig.stale("a1");
    rig.park("a1");
    rig.dialed(2);
    rig.pass(101);
    assert_eq!(rig.log(), "a1 gets 1, dial 2 for a1, wake a1");
    rig.poll("a1");
    assert_eq!(rig.log(), "dial 3 for a1");
}

#[test]
fn a_failed_dial_fails_it_as_any_other() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 1);
    rig.ask("a1");
    rig.stale("a1");
    rig.refused(2);
    assert_eq!(rig.log(), "a1 gets 1, dial 2 for a1, a1 fails");
    assert_eq!(rig.show("a"), "gone");
}

#[test]
fn leaving_the_queue_leaves_nothing_behind() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 1);
    rig.ask("a1");
    rig.stale("a1");
    rig.cancel("a1");
    assert_eq!(rig.show("a"), "1 connecting");
    rig.dialed(2);
    rig.ask("a2");
    assert_eq!(rig.log(), "a1 gets 1, dial 2 for a1, a2 gets 2");
}

//! A request that was written on a socket which proved stale: it gets a fresh one, at its old place.

use super::rig::{LIMITS, Rig};
use crate::pool::state::{Hint, Limits, State};

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

/// a3 needs a fresh socket and has neither a dial nor a place for one; a4 could take what comes free.
#[test]
fn a_freed_socket_makes_room_for_who_is_older_than_those_that_could_take_it() {
    let mut rig = Rig::new(Limits { max_sockets: 3, ..LIMITS });
    rig.ask("a1 a2 a3 a4 a5");
    (1..=3).for_each(|number| rig.dialed(number));
    rig.slow_close = true;
    rig.log();
    rig.event(|state, now| state.set_limits(now, |limits| limits.max_sockets = 2));
    rig.stale("a1");
    rig.stale("a3");
    assert_eq!((rig.log(), rig.show("a")), (String::new(), "1 active, 2 closing, 4 queued".into()));
    rig.closed(1);
    assert_eq!(rig.log(), "");
    rig.closed(3);
    assert_eq!(
        (rig.log(), rig.show("a")),
        ("dial 4 for a1".into(), "1 active, 1 connecting, 3 queued".into())
    );
    rig.done("a2");
    assert_eq!(rig.log(), "close 2 suspect");
}

/// a1 has the only dial there may be, a3 none; between them stands a2, who takes any socket.
#[test]
fn a_freed_socket_goes_to_an_older_waiter_before_its_place_goes_to_a_younger_one() {
    let mut rig = Rig::new(Limits { max_sockets: 4, ..LIMITS });
    rig.ask_all("a", 4);
    (1..=4).for_each(|number| rig.dialed(number));
    rig.event(|state, now| state.set_limits(now, |limits| limits.max_sockets = 2));
    rig.slow_close = true;
    rig.stale("a1");
    rig.dead("a2");
    rig.stale("a3");
    rig.log();
    (1..=3).for_each(|number| rig.closed(number));
    assert_eq!(
        (rig.log(), rig.show("a")),
        ("dial 5 for a1".into(), "1 active, 1 connecting, 2 queued".into())
    );
    rig.done("a4");
    assert_eq!(rig.log(), "a2 gets 4");
    rig.done("a2");
    assert_eq!(rig.log(), "close 4 suspect");
    rig.closed(4);
    assert_eq!(rig.log(), "dial 6 for a3");
}

/// a1 and a2 need a fresh socket; a1 has a dial, and a2 none as 3 stands, which a3 is done with.
fn one_stands(limits: Limits) -> Rig {
    let mut rig = Rig::new(Limits { max_sockets: 3, ..limits });
    rig.warm_up("b", 1);
    rig.ask("a1 a2 a3");
    (2..=4).for_each(|number| rig.dialed(number));
    rig.slow_close = true;
    rig.log();
    rig.stale("a1 a2");
    rig.closed(2);
    rig.closed(3);
    assert_eq!(rig.log(), "dial 5 for a1");
    rig.done("a3");
    rig
}

/// Without its last connection an origin is cold: who still waits for one dials at once, whatever closed it.
#[test]
fn who_needs_a_fresh_socket_dials_at_once_when_the_last_other_one_is_closed() {
    let mut rig = one_stands(Limits { max_free_sockets: 0, ..LIMITS });
    assert_eq!(rig.log(), "close 4 idle_limit, dial 6 for a2");

    let mut rig = one_stands(LIMITS);
    assert_eq!(rig.log(), "");
    rig.event(State::evict_oldest);
    assert_eq!(rig.log(), "close 1 descriptor_limit");
    rig.event(State::evict_oldest);
    assert_eq!(rig.log(), "close 4 descriptor_limit, dial 6 for a2");

    let mut rig = one_stands(LIMITS);
    rig.ask("b2");
    rig.event(|state, now| state.set_limits(now, |limits| limits.max_total_free_sockets = 0));
    assert_eq!(rig.log(), "b2 gets 1, close 4 idle_limit, dial 6 for a2");
}

/// The same when its time is up, with whatever event that is noticed first.
#[test]
fn who_needs_a_fresh_socket_dials_at_once_when_the_time_of_the_last_other_one_is_up() {
    let hinted = |rig: &mut Rig| {
        let key = rig.key(4);
        rig.event(|state, now| {
            assert!(state.inspect(key, 4));
            let timeout = Some(std::time::Duration::from_millis(1_005));
            state.heed(key, Hint { timeout, max: None });
            state.put_back(key, now);
        });
        rig.log();
    };
    let mut rig = one_stands(LIMITS);
    hinted(&mut rig);
    rig.pass(5);
    assert_eq!(rig.log(), "close 4 keep_alive_hint, dial 6 for a2");

    // The keeper is late, and another origin's request asks.
    let mut rig = one_stands(LIMITS);
    hinted(&mut rig);
    rig.now += std::time::Duration::from_millis(6);
    rig.ask("b2");
    assert_eq!(rig.log(), "b2 gets 1, close 4 keep_alive_hint, dial 6 for a2");
}

/// The fresh socket it got died before anything was written there.
#[test]
fn it_asks_once_more_for_a_fresh_one_and_that_is_no_second_retry() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 1);
    rig.ask("a1");
    rig.stale("a1");
    rig.dialed(2);
    rig.ask("a2");
    rig.dialed(3);
    rig.done("a2");
    rig.log();
    let ticket = rig.requests.remove("a1").expect("it asked").ticket;
    let key = rig.key(2);
    rig.event(|state, _| state.closing(key, crate::CloseReason::ClosedByServer));
    let turn = rig.state.request_fresh(&super::rig::origin("a"), ticket, rig.now);
    rig.place("a1", ticket, turn);
    rig.follow();
    assert_eq!(
        (rig.log(), rig.show("a")),
        ("dial 4 for a1".into(), "1 idle, 1 connecting, 1 closing".into())
    );
    assert_eq!(rig.state.totals.retried, 1);
}

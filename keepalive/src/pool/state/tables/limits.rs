//! Limits that change while sockets are open and requests wait.

use std::time::Duration;

use super::rig::{LIMITS, Rig};
use crate::Scheduling;
use crate::pool::state::{Hint, Limits, Outcome};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

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

/// Also if nobody waits, and nothing else is there to be done.
#[test]
fn a_socket_above_a_lowered_limit_is_closed_when_it_comes_free() {
    for (max_sockets, max_total_sockets) in [(1, usize::MAX), (usize::MAX, 1)] {
        let mut rig = Rig::new(LIMITS);
        rig.ask("a1 a2");
        [1, 2].into_iter().for_each(|number| rig.dialed(number));
        set(&mut rig, |limits| {
            (limits.max_sockets, limits.max_total_sockets) = (max_sockets, max_total_sockets);
        });
        rig.log();
        rig.done("a1");
        assert_eq!((rig.log(), rig.show("a")), ("close 1 over_limit".into(), "1 active".into()));
        rig.done("a2");
        assert_eq!((rig.log(), rig.show("a")), (String::new(), "1 idle".into()));
    }
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

/// Idle for 7, 5 and 2 s.
fn idle_for_some_time() -> Rig {
    let mut rig = Rig::new(LIMITS);
    rig.ask("a1 a2 b1");
    (1..=3).for_each(|number| rig.dialed(number));
    rig.done("a1");
    rig.pass(2_000);
    rig.done("a2");
    rig.pass(3_000);
    rig.done("b1");
    rig.pass(2_000);
    rig.log();
    rig
}

#[test]
fn a_shorter_free_socket_timeout_holds_for_what_is_idle_from_when_it_came_free() {
    for (seconds, log, next) in [
        (8, "", Some(8_000)),
        (7, "close 1 idle_timeout", Some(9_000)),
        (6, "close 1 idle_timeout", Some(8_000)),
        (5, "close 1 idle_timeout, close 2 idle_timeout", Some(10_000)),
        (2, "close 1 idle_timeout, close 2 idle_timeout, close 3 idle_timeout", None),
    ] {
        let mut rig = idle_for_some_time();
        set(&mut rig, |limits| limits.free_socket_timeout = Some(secs(seconds)));
        assert_eq!((rig.log().as_str(), rig.deadline()), (log, next), "{seconds}");
    }
}

#[test]
fn a_longer_free_socket_timeout_or_none_holds_for_what_is_idle() {
    for (limit, next) in [(Some(secs(20)), Some(20_000)), (None, None)] {
        let mut rig = idle_for_some_time();
        set(&mut rig, |limits| limits.free_socket_timeout = Some(secs(8)));
        assert_eq!(rig.deadline(), Some(8_000));
        set(&mut rig, |limits| limits.free_socket_timeout = limit);
        assert_eq!(rig.deadline(), next);
        rig.pass(10_000);
        assert_eq!(rig.log(), "");
    }
}

/// The hint was the longer of the two and did not count; now it is the shorter.
#[test]
fn the_hint_counts_again_when_free_socket_timeout_grows_beyond_it() {
    let mut rig = Rig::new(Limits { free_socket_timeout: Some(secs(5)), ..LIMITS });
    rig.ask("a1");
    rig.dialed(1);
    let number = rig.give_up("a1", Outcome::Done);
    let key = rig.key(number);
    rig.event(|state, now| {
        state.heed(key, Hint { timeout: Some(secs(11)), max: None });
        state.release(key, now);
    });
    for (limit, next) in [(Some(20), 10_000), (Some(4), 4_000), (None, 10_000)] {
        set(&mut rig, |limits| limits.free_socket_timeout = limit.map(secs));
        assert_eq!(rig.deadline(), Some(next));
    }
    rig.log();
    rig.pass(10_000);
    assert_eq!(rig.log(), "close 1 keep_alive_hint");
}

#[test]
fn a_max_socket_age_set_later_holds_for_the_open_sockets_from_their_birth() {
    let mut rig = Rig::new(Limits { max_sockets: 2, ..LIMITS });
    rig.ask("a1 a2 a3");
    rig.dialed(1);
    rig.pass(100_000);
    rig.dialed(2);
    rig.done("a2");
    rig.log();
    // 1 is 100 s old and in use by a1, 2 is new and in use by a3.
    set(&mut rig, |limits| limits.max_socket_age = Some(secs(50)));
    assert_eq!((rig.log().as_str(), rig.show("a").as_str()), ("", "2 active"));
    rig.ask("a4");
    rig.done("a1");
    assert_eq!(rig.log(), "close 1 max_age, dial 3 for a4");
    rig.dialed(3);
    rig.done("a3");
    rig.log();
    let end = rig.deadline().expect("2 is idle and has an age");
    assert!((148_750..=150_000).contains(&end), "{end}");
    rig.pass(50_000);
    assert_eq!(rig.log(), "close 2 max_age");
}

#[test]
fn lowering_max_socket_age_closes_what_is_idle_and_too_old_and_lifting_it_keeps_the_rest() {
    let mut rig = idle_for_some_time();
    rig.pass(93_000);
    set(&mut rig, |limits| limits.max_socket_age = Some(secs(200)));
    assert!(rig.deadline().is_some_and(|end| (195_000..=200_000).contains(&end)));
    set(&mut rig, |limits| limits.max_socket_age = None);
    assert_eq!((rig.log(), rig.deadline()), (String::new(), None));
    set(&mut rig, |limits| limits.max_socket_age = Some(secs(90)));
    let mut log: Vec<_> = rig.log().split(", ").map(str::to_owned).collect();
    log.sort();
    assert_eq!(log, ["close 1 max_age", "close 2 max_age", "close 3 max_age"]);
}

#[test]
fn lowering_max_requests_per_socket_closes_idle_sockets_that_carried_as_many() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 2);
    for _ in 0..3 {
        rig.ask("a1");
        rig.done("a1");
    }
    rig.log();
    // 2 has carried four requests, 1 one.
    set(&mut rig, |limits| limits.max_requests_per_socket = Some(5));
    assert_eq!(rig.log(), "");
    set(&mut rig, |limits| limits.max_requests_per_socket = Some(4));
    assert_eq!(rig.log(), "close 2 max_requests");
    set(&mut rig, |limits| limits.max_requests_per_socket = Some(2));
    rig.ask("a1 a2");
    set(&mut rig, |limits| limits.max_requests_per_socket = Some(1));
    rig.done("a1");
    assert_eq!(rig.log(), "a1 gets 1, dial 3 for a2, close 1 max_requests");
    set(&mut rig, |limits| limits.max_requests_per_socket = None);
    rig.dialed(3);
    rig.done("a2");
    assert_eq!((rig.log(), rig.show("a")), ("a2 gets 3".into(), "1 idle".into()));
}

/// Taken when it might carry one more, and not used.
#[test]
fn what_is_put_back_after_its_limit_was_lowered_is_closed() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 1);
    rig.ask("a1");
    let number = rig.give_up("a1", Outcome::Cancelled);
    let key = rig.key(number);
    set(&mut rig, |limits| limits.max_requests_per_socket = Some(1));
    rig.event(|state, now| state.put_back(key, now));
    assert_eq!(rig.log(), "a1 gets 1, close 1 max_requests");
}

#[test]
fn keep_alive_turned_off_closes_what_is_idle_and_the_rest_when_nobody_waits() {
    let mut rig = Rig::new(Limits { max_sockets: 2, ..LIMITS });
    rig.warm_up("a", 2);
    rig.ask("a1");
    rig.log();
    set(&mut rig, |limits| limits.keep_alive = false);
    assert_eq!((rig.log().as_str(), rig.show("a").as_str()), ("close 1 keep_alive_off", "1 active"));
    rig.ask("a2");
    rig.done("a1");
    assert_eq!(rig.log(), "dial 3 for a2, a2 gets 2");
    rig.dialed(3);
    assert_eq!(rig.log(), "close 3 keep_alive_off");
    set(&mut rig, |limits| limits.keep_alive = true);
    rig.done("a2");
    assert_eq!((rig.log().as_str(), rig.show("a").as_str()), ("", "1 idle"));
}

#[test]
fn scheduling_holds_from_the_next_request_on() {
    let mut rig = idle_for_some_time();
    set(&mut rig, |limits| limits.scheduling = Scheduling::Fifo);
    rig.ask("a1");
    set(&mut rig, |limits| limits.scheduling = Scheduling::Lifo);
    rig.done("a1");
    rig.ask("a1");
    assert_eq!(rig.log(), "a1 gets 1, a1 gets 1");
}

/// Lowering it turns nobody away who stands in the queue.
#[test]
fn max_queued_holds_from_the_next_request_on() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..LIMITS });
    rig.ask_all("a", 4);
    set(&mut rig, |limits| limits.max_queued = 2);
    assert_eq!(rig.show("a"), "1 connecting, 3 queued");
    rig.ask("a5");
    set(&mut rig, |limits| limits.max_queued = 4);
    rig.ask("a6 a7");
    assert_eq!(rig.log(), "dial 1 for a1, a5 is turned away, a7 is turned away");
    assert_eq!(rig.show("a"), "1 connecting, 4 queued");
}

/// Which origin came first to the pool must not matter: each is brought below its own limit before all are
/// brought below the common one.
#[test]
fn several_limits_that_change_at_once_close_the_same_sockets_in_any_order_of_origins() {
    for (first, second) in [("a", "b"), ("b", "a")] {
        for (change, log) in [
            (
                (|limits| (limits.max_sockets, limits.max_total_sockets) = (2, 4)) as fn(&mut Limits),
                "close 1 over_limit, close 4 over_limit",
            ),
            (
                |limits| (limits.max_free_sockets, limits.max_total_free_sockets) = (2, 4),
                "close 1 idle_limit, close 4 idle_limit",
            ),
            (
                |limits| (limits.max_free_sockets, limits.max_total_free_sockets) = (2, 3),
                "close 1 idle_limit, close 2 idle_limit, close 4 idle_limit",
            ),
            (
                |limits| (limits.keep_alive, limits.max_total_free_sockets) = (false, 0),
                "close 1 keep_alive_off, close 2 keep_alive_off, close 3 keep_alive_off, \
                 close 4 keep_alive_off, close 5 keep_alive_off, close 6 keep_alive_off",
            ),
        ] {
            let mut rig = Rig::new(LIMITS);
            // The first record of the pool, and the socket's numbers, are not the same origin's.
            rig.state.origin_key(&super::rig::origin(first));
            rig.state.origin_key(&super::rig::origin(second));
            for origin in ["a", "b"] {
                rig.ask_all(origin, 3);
            }
            (1..=6).for_each(|number| rig.dialed(number));
            for origin in ["a", "b"] {
                for number in 1..=3 {
                    rig.pass(1);
                    rig.done(&format!("{origin}{number}"));
                }
            }
            rig.log();
            set(&mut rig, change);
            let mut closed: Vec<_> = rig.log().split(", ").map(str::to_owned).collect();
            closed.sort();
            assert_eq!(closed.join(", "), log, "{first} came first");
        }
    }
}

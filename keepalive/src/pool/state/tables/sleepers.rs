//! A waiter that lost its offer because it was not polled in time sleeps. It will ask when it is polled, so
//! a socket stays for it that would not be kept otherwise: on a machine too busy to poll anybody within
//! `CLAIM`, each request would dial again and again else.

use std::time::Duration;

use super::rig::{LIMITS, Rig};
use crate::CloseReason;
use crate::pool::state::{Limits, State};

const OFF: Limits = Limits { max_sockets: 2, keep_alive: false, ..LIMITS };

/// `a2` lost its offer of socket 1.
fn asleep(limits: Limits) -> Rig {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..limits });
    rig.ask("a1 a2");
    rig.dialed(1);
    rig.park("a2");
    rig.done("a1");
    rig.pass(100);
    rig.log();
    rig
}

fn is_nothing_left(rig: &Rig) -> bool {
    rig.state.is_empty() && rig.state.origins.is_empty() && rig.state.spared == 0
}

#[test]
fn what_it_did_not_claim_stays_for_it_whatever_forbids_to_keep_it() {
    for limits in [
        Limits { keep_alive: false, ..LIMITS },
        Limits { max_free_sockets: 0, ..LIMITS },
        Limits { max_total_free_sockets: 0, ..LIMITS },
    ] {
        let mut rig = asleep(limits);
        assert_eq!(rig.show("a"), "1 idle, 1 queued", "{limits:?}");
        rig.pass(10_000);
        rig.poll("a2");
        assert_eq!(rig.log(), "a2 gets 1", "{limits:?}");
        rig.done("a2");
        assert!(is_nothing_left(&rig), "{limits:?}: {}", rig.show("a"));
    }
}

#[test]
fn it_stays_too_when_the_agent_closes_or_is_dropped_and_that_comes_to_an_end() {
    for (event, reason) in
        [(State::close as fn(&mut State, _), "agent_closed"), (State::orphan, "agent_dropped")]
    {
        let mut rig = asleep(LIMITS);
        rig.event(event);
        assert_eq!((rig.log(), rig.show("a")), (String::new(), "1 idle, 1 queued".into()));
        assert!(!rig.state.is_at_rest());
        rig.poll("a2");
        rig.done("a2");
        assert_eq!(rig.log(), format!("a2 gets 1, close 1 {reason}"));
        assert!(is_nothing_left(&rig) && rig.state.is_at_rest());
    }
}

#[test]
fn it_goes_when_the_sleeper_leaves() {
    let mut rig = asleep(OFF);
    rig.cancel("a2");
    assert_eq!(rig.log(), "close 1 keep_alive_off");
    assert!(is_nothing_left(&rig));

    let mut rig = asleep(LIMITS);
    rig.event(State::close);
    rig.cancel("a2");
    assert_eq!(rig.log(), "close 1 agent_closed");
    assert!(is_nothing_left(&rig) && rig.state.is_at_rest());

    let mut rig = asleep(Limits { max_total_free_sockets: 0, ..LIMITS });
    rig.cancel("a2");
    assert_eq!(rig.log(), "close 1 idle_limit");
    assert!(is_nothing_left(&rig));
}

/// Two sleep and one socket more comes free: the longest idle goes.
#[test]
fn only_as_many_stay_as_sleep() {
    let mut rig = Rig::new(Limits { max_sockets: 3, ..OFF });
    rig.ask_all("a", 5);
    (1..=3).for_each(|number| rig.dialed(number));
    rig.park("a4 a5");
    rig.done("a1 a2");
    rig.pass(100);
    assert_eq!(rig.show("a"), "1 active, 2 idle, 2 queued");
    rig.log();
    rig.done("a3");
    assert_eq!((rig.log(), rig.show("a")), ("close 1 keep_alive_off".into(), "2 idle, 2 queued".into()));
    rig.cancel("a4");
    assert_eq!((rig.log(), rig.show("a")), ("close 2 keep_alive_off".into(), "1 idle, 1 queued".into()));
    rig.poll("a5");
    assert_eq!(rig.log(), "a5 gets 3");
}

/// `max_free_sockets` counts what is left to sleepers, it does not add to it.
#[test]
fn the_limit_is_exceeded_no_further_than_sleepers_need() {
    let mut rig = Rig::new(Limits { max_sockets: 3, max_free_sockets: 2, ..LIMITS });
    rig.ask_all("a", 4);
    (1..=3).for_each(|number| rig.dialed(number));
    rig.park("a4");
    rig.done("a1");
    rig.pass(100);
    rig.done("a2 a3");
    assert_eq!((rig.show("a").as_str(), rig.state.spared), ("2 idle, 1 queued", 1));
}

/// The least recently used socket is left to a sleeper of its origin: the next one goes in its stead.
#[test]
fn the_limit_of_all_origins_closes_what_nobody_will_ask_for() {
    let mut rig = Rig::new(Limits { max_sockets: 1, max_total_free_sockets: 1, ..LIMITS });
    rig.ask("a1 a2 b1 c1");
    (1..=3).for_each(|number| rig.dialed(number));
    rig.park("a2");
    rig.done("a1");
    rig.pass(100);
    rig.log();
    rig.done("b1");
    assert_eq!((rig.log(), rig.show("a")), ("close 2 idle_limit".into(), "1 idle, 1 queued".into()));
    rig.done("c1");
    assert_eq!((rig.log(), rig.show("a")), ("close 3 idle_limit".into(), "1 idle, 1 queued".into()));
    // It is a free socket as any other from now on, and the one that may be kept.
    rig.cancel("a2");
    assert_eq!((rig.log(), rig.show("a")), (String::new(), "1 idle".into()));
}

#[test]
fn it_is_no_reservation() {
    let mut rig = asleep(OFF);
    rig.ask("a3");
    assert_eq!(rig.log(), "a3 gets 1");
    rig.poll("a2");
    rig.done("a3");
    assert_eq!(rig.log(), "a2 gets 1", "it waits like any other again");

    let mut rig = asleep(Limits { free_socket_timeout: Some(Duration::from_millis(300)), ..OFF });
    rig.pass(200);
    assert_eq!(rig.log(), "close 1 idle_timeout");
    rig.poll("a2");
    assert_eq!(rig.log(), "dial 2 for a2");

    let mut rig = asleep(Limits { max_total_sockets: 1, ..OFF });
    rig.ask("b1");
    assert_eq!(rig.log(), "close 1 evicted, dial 2 for b1");

    let mut rig = asleep(OFF);
    rig.event(|state, now| state.close_idle(now, CloseReason::CloseIdle));
    assert_eq!(rig.log(), "close 1 close_idle");
    rig.cancel("a2");
    assert!(is_nothing_left(&rig));
}

#[test]
fn destroy_leaves_nothing_to_a_sleeper() {
    let mut rig = asleep(OFF);
    rig.event(|state, now| state.destroy(now, false));
    rig.poll("a2");
    assert_eq!(rig.log(), "wake a2, close 1 destroyed, a2 fails");
    assert!(is_nothing_left(&rig));
}

/// What a request that was written once did not claim in time is not fresh any more: of no use to it.
#[test]
fn nothing_stays_for_one_that_needs_a_fresh_socket() {
    let mut rig = Rig::new(OFF);
    rig.ask("a1");
    rig.dialed(1);
    rig.stale("a1");
    rig.park("a1");
    rig.dialed(2);
    rig.log();
    rig.pass(101);
    assert_eq!((rig.log(), rig.show("a")), ("close 2 keep_alive_off".into(), "1 queued".into()));
    rig.poll("a1");
    assert_eq!(rig.log(), "dial 3 for a1");
}

/// A machine so busy that everybody is polled 150 ms after he was woken.
#[test]
fn a_machine_too_busy_to_poll_in_time_gets_on() {
    for limits in [OFF, Limits { max_free_sockets: 0, ..OFF }] {
        let mut rig = Rig::new(limits);
        let names: Vec<_> = (1..=6).map(|number| format!("a{number}")).collect();
        for name in &names {
            rig.ask(name);
            rig.park(name);
        }
        let mut rounds = 0;
        while !rig.requests.is_empty() {
            rounds += 1;
            assert!(rounds < 20, "{:?}", rig.requests.keys());
            rig.dialing().into_iter().for_each(|number| rig.dialed(number));
            rig.pass(150);
            for name in &names {
                if rig.requests.get(name).is_some_and(|it| matches!(it.place, super::rig::Place::Waits(_))) {
                    rig.poll(name);
                    if let Some(it) = rig.requests.get_mut(name) {
                        it.parked = true;
                    }
                }
            }
            rig.holding().iter().for_each(|name| rig.done(name));
        }
        assert!(rig.state.totals.opened <= 6, "{} dials for six requests", rig.state.totals.opened);
    }
}

//! The limits of a socket's life (see `life`) when they change while sockets are idle, offered or in use.

use std::time::Duration;

use super::rig::{LIMITS, Rig};
use crate::pool::state::{Limits, Outcome, State};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const TEN: Limits = Limits { free_socket_timeout: Some(secs(10)), ..LIMITS };

impl Rig {
    /// The dial that was begun for it.
    fn socket_of(&self, name: &str) -> u64 {
        let began = self.log.iter().find(|it| it.ends_with(&format!(" for {name}"))).expect("a dial");
        began.split(' ').nth(1).and_then(|number| number.parse().ok()).expect("a number")
    }
}

fn set(rig: &mut Rig, change: impl FnOnce(&mut Limits)) {
    rig.event(|state, now| state.set_limits(now, change));
}

/// The hint was no earlier than the limit there was, and is than the new one.
#[test]
fn raising_free_socket_timeout_does_not_outlast_the_hint() {
    for limit in [Some(60), None] {
        let mut rig = Rig::new(TEN);
        rig.ask("a1");
        rig.dialed(1);
        rig.log();
        rig.done_with("a1", Some(21), None);
        set(&mut rig, |limits| limits.free_socket_timeout = limit.map(secs));
        assert_eq!(rig.deadline(), Some(20_000));
        rig.pass(20_000);
        assert_eq!(rig.log(), "close 1 keep_alive_hint", "{limit:?}");
    }
}

#[test]
fn lowering_free_socket_timeout_closes_at_once_what_was_idle_for_longer() {
    let mut rig = Rig::new(TEN);
    rig.warm_up("a", 1);
    rig.pass(5_000);
    rig.warm_up("b", 1);
    set(&mut rig, |limits| limits.free_socket_timeout = Some(secs(5)));
    assert_eq!((rig.log().as_str(), rig.deadline()), ("close 1 idle_timeout", Some(10_000)));
}

#[test]
fn max_socket_age_holds_for_the_sockets_there_are() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 1);
    rig.pass(60_000);
    rig.warm_up("b", 1);
    rig.ask("b2");
    rig.log();
    set(&mut rig, |limits| limits.max_socket_age = Some(secs(60)));
    assert_eq!(rig.log(), "close 1 max_age");
    set(&mut rig, |limits| limits.max_socket_age = None);
    rig.pass(60_000);
    rig.done("b2");
    assert_eq!((rig.log().as_str(), rig.deadline()), ("", None));
}

#[test]
fn lowering_max_requests_per_socket_closes_what_has_carried_as_many() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 2);
    rig.ask("a1");
    rig.done("a1");
    rig.log();
    set(&mut rig, |limits| limits.max_requests_per_socket = Some(2));
    assert_eq!((rig.log(), rig.show("a")), ("close 2 max_requests".into(), "1 idle".into()));
}

/// It was in hand, or offered, when its time came or the limit was lowered.
#[test]
fn what_must_go_is_not_handed_on_by_somebody_who_did_not_use_it() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..TEN });
    rig.warm_up("a", 1);
    rig.ask("a2 a3");
    rig.pass(10_000);
    let number = rig.give_up("a2", Outcome::Cancelled);
    let key = rig.key(number);
    rig.log();
    rig.event(|state, now| state.put_back(key, now));
    assert_eq!(rig.log(), "close 1 idle_timeout, dial 2 for a3");

    for leaves in [true, false] {
        let mut rig = Rig::new(Limits { max_sockets: 1, ..LIMITS });
        rig.ask_all("a", 3);
        rig.park("a2");
        rig.dialed(1);
        rig.done("a1");
        set(&mut rig, |limits| limits.max_requests_per_socket = Some(1));
        rig.log();
        if leaves {
            rig.cancel("a2");
        } else {
            rig.pass(100);
        }
        assert_eq!(rig.log(), "close 1 max_requests, dial 2 for a3");
    }
}

/// The keeper may come late: what is over is gone before anything is decided.
#[test]
fn what_is_over_makes_room_before_what_is_good_is_evicted() {
    let mut rig = Rig::new(Limits { max_sockets: 1, max_total_sockets: 3, ..TEN });
    rig.warm_up("a", 1);
    rig.ask("b1 c1 c2");
    rig.dialed(2);
    rig.dialed(3);
    rig.done_with("b1", Some(3), None);
    rig.now += secs(2);
    let number = rig.give_up("c1", Outcome::Done);
    let key = rig.key(number);
    rig.log();
    rig.event(|state, now| state.upgrade(key, now));
    assert_eq!(
        (rig.log(), rig.show("a")),
        ("close 2 keep_alive_hint, dial 4 for c2".into(), "1 idle".into())
    );
}

#[test]
fn what_is_over_when_it_comes_back_pushes_no_other_out() {
    let mut rig = Rig::new(Limits { max_free_sockets: 1, ..TEN });
    rig.ask_all("a", 2);
    rig.dialed(1);
    rig.dialed(2);
    rig.done("a1");
    rig.log();
    rig.done_with("a2", Some(1), None);
    assert_eq!((rig.log(), rig.show("a")), ("close 2 keep_alive_hint".into(), "1 idle".into()));
}

/// As above, for the other events after which an origin may want more dials.
#[test]
fn what_is_over_makes_room_whatever_the_event() {
    for event in ["dialed", "released", "closed", "put back", "left"] {
        let retires = event == "put back" || event == "left";
        let mut rig = Rig::new(LIMITS);
        rig.ask("c1");
        if event == "dialed" {
            rig.ask("c2");
            rig.refused(1);
        } else {
            rig.dialed(1);
            rig.ask("c2");
        }
        if event == "left" {
            rig.park("c2");
            rig.done("c1");
        }
        if retires {
            rig.event(State::retire);
        }
        rig.ask("a1 b1");
        let (good, over) = (rig.socket_of("a1"), rig.socket_of("b1"));
        rig.dialed(good);
        rig.dialed(over);
        rig.done("a1");
        rig.done_with("b1", Some(3), None);
        rig.ask("c3 c4");
        let open = rig.sockets.len();
        set(&mut rig, |limits| limits.max_total_sockets = open);
        rig.now += secs(2);
        rig.log();
        match event {
            "dialed" => rig.dialed(2),
            "released" => rig.done_with("c1", None, Some(0)),
            "closed" => rig.spoilt("c1"),
            "put back" => {
                let number = rig.give_up("c1", Outcome::Cancelled);
                let key = rig.key(number);
                rig.event(|state, now| state.put_back(key, now));
            }
            _ => rig.cancel("c2"),
        }
        let log = rig.log();
        assert!(log.contains(&format!("close {over} keep_alive_hint")), "{event}: {log}");
        assert!(!log.contains(&format!("close {good}")), "{event}: {log}");
    }
}

//! How long a socket is kept: `free_socket_timeout`, the server's hint, `max_socket_age`,
//! `max_requests_per_socket`.

use std::time::Duration;

use super::rig::{LIMITS, Rig};
use crate::Scheduling;
use crate::pool::state::{Hint, Limits, Outcome};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const TEN: Limits = Limits { free_socket_timeout: Some(secs(10)), ..LIMITS };

impl Rig {
    /// The response is complete and its head said this.
    pub(super) fn done_with(&mut self, name: &str, timeout: Option<u64>, max: Option<u32>) {
        let number = self.give_up(name, Outcome::Done);
        let key = self.key(number);
        self.event(|state, now| {
            state.heed(key, Hint { timeout: timeout.map(secs), max });
            state.release(key, now);
        });
    }
}

#[test]
fn an_idle_socket_is_closed_when_its_time_is_up_and_not_before() {
    let mut rig = Rig::new(TEN);
    rig.warm_up("a", 1);
    assert_eq!(rig.deadline(), Some(10_000));
    rig.pass(9_999);
    assert_eq!((rig.log().as_str(), rig.show("a").as_str()), ("", "1 idle"));
    rig.pass(1);
    assert_eq!((rig.log().as_str(), rig.show("a").as_str()), ("close 1 idle_timeout", "gone"));
    assert_eq!(rig.deadline(), None);
}

#[test]
fn each_use_starts_the_time_anew() {
    let mut rig = Rig::new(TEN);
    rig.warm_up("a", 1);
    rig.pass(9_000);
    rig.ask("a2");
    assert_eq!(rig.deadline(), None, "nothing is due while it is in use");
    rig.pass(60_000);
    rig.done("a2");
    rig.pass(9_999);
    assert_eq!(rig.log(), "a2 gets 1");
    rig.pass(1);
    assert_eq!(rig.log(), "close 1 idle_timeout");
}

#[test]
fn the_first_idle_is_the_first_closed_whatever_its_origin() {
    let mut rig = Rig::new(TEN);
    rig.warm_up("a", 1);
    rig.pass(1_000);
    rig.warm_up("b", 1);
    rig.pass(9_000);
    assert_eq!((rig.log().as_str(), rig.deadline()), ("close 1 idle_timeout", Some(11_000)));
}

/// The keeper may come late; a request never gets what should be gone.
#[test]
fn a_request_does_not_get_a_socket_whose_time_is_up() {
    for scheduling in [Scheduling::Lifo, Scheduling::Fifo] {
        let mut rig = Rig::new(Limits { scheduling, ..TEN });
        rig.warm_up("a", 1);
        rig.now += secs(10);
        rig.ask("a2");
        assert_eq!(rig.log(), "close 1 idle_timeout, dial 2 for a2");
    }
}

#[test]
fn the_hint_less_a_margin_makes_the_time_shorter_and_never_longer() {
    for (hint, limit, closed_after, reason) in [
        (Some(5), Some(10), 4_000, "keep_alive_hint"),
        (Some(2), Some(10), 1_000, "keep_alive_hint"),
        (Some(11), Some(10), 10_000, "idle_timeout"),
        (Some(600), Some(10), 10_000, "idle_timeout"),
        (Some(5), None, 4_000, "keep_alive_hint"),
        (None, Some(10), 10_000, "idle_timeout"),
    ] {
        let mut rig = Rig::new(Limits { free_socket_timeout: limit.map(secs), ..LIMITS });
        rig.ask("a1");
        rig.dialed(1);
        rig.log();
        rig.done_with("a1", hint, None);
        rig.pass(closed_after - 1);
        assert_eq!(rig.log(), "", "{hint:?} {limit:?}");
        rig.pass(1);
        assert_eq!(rig.log(), format!("close 1 {reason}"), "{hint:?} {limit:?}");
    }
}

#[test]
fn a_hint_within_the_margin_keeps_nothing_but_still_hands_over() {
    for timeout in [0, 1] {
        let mut rig = Rig::new(Limits { max_sockets: 1, ..TEN });
        rig.ask_all("a", 2);
        rig.dialed(1);
        rig.done_with("a1", Some(timeout), None);
        rig.done_with("a2", Some(timeout), None);
        assert_eq!(rig.log(), "dial 1 for a1, a1 gets 1, a2 gets 1, close 1 keep_alive_hint", "{timeout}");
    }
}

/// Node's agent keeps the shortened time on the socket.
#[test]
fn the_hint_does_not_stick_to_the_next_use() {
    let mut rig = Rig::new(TEN);
    rig.ask("a1");
    rig.dialed(1);
    rig.done_with("a1", Some(3), None);
    rig.pass(1_000);
    rig.ask("a2");
    rig.log();
    rig.done_with("a2", None, None);
    rig.pass(9_999);
    assert_eq!(rig.log(), "");
    rig.pass(1);
    assert_eq!(rig.log(), "close 1 idle_timeout");
}

#[test]
fn a_server_that_takes_no_more_requests_gets_none() {
    for (max, log) in
        [(Some(0), "close 1 keep_alive_hint, dial 2 for a2"), (Some(1), "a2 gets 1"), (None, "a2 gets 1")]
    {
        let mut rig = Rig::new(Limits { max_sockets: 1, ..TEN });
        rig.ask_all("a", 2);
        rig.dialed(1);
        rig.log();
        rig.done_with("a1", None, max);
        assert_eq!(rig.log(), log, "{max:?}");
    }
}

#[test]
fn a_socket_carries_no_more_than_max_requests_per_socket() {
    for (most, log) in
        [(Some(1), "close 1 max_requests, dial 2 for a2"), (Some(2), "a2 gets 1"), (None, "a2 gets 1")]
    {
        let mut rig = Rig::new(Limits { max_sockets: 1, max_requests_per_socket: most, ..LIMITS });
        rig.ask_all("a", 2);
        rig.dialed(1);
        rig.log();
        rig.done("a1");
        assert_eq!(rig.log(), log, "{most:?}");
    }
}

#[test]
fn an_old_socket_finishes_its_request_and_carries_no_other() {
    let mut rig = Rig::new(Limits { max_sockets: 1, max_socket_age: Some(secs(100)), ..LIMITS });
    rig.ask_all("a", 2);
    rig.dialed(1);
    rig.log();
    rig.pass(100_000);
    assert_eq!(rig.log(), "", "it is in use");
    rig.done("a1");
    assert_eq!(rig.log(), "close 1 max_age, dial 2 for a2");
}

#[test]
fn an_idle_socket_is_closed_at_its_age_less_a_spread_of_2_and_a_half_percent() {
    let mut ends = std::collections::BTreeSet::new();
    for _ in 0..2 {
        let mut rig = Rig::new(Limits { max_socket_age: Some(secs(100)), ..LIMITS });
        rig.warm_up("a", 20);
        while let Some(at) = rig.deadline() {
            assert!((97_500..=100_000).contains(&at), "{at}");
            ends.insert(at);
            rig.pass(at as u64 - (rig.now - rig.start).as_millis() as u64 + 1);
        }
        assert!(rig.log().split(", ").all(|closed| closed.ends_with("max_age")));
        assert_eq!(rig.show("a"), "gone");
    }
    assert!(ends.len() > 10, "they go one by one, and at the same times in each run: {ends:?}");
}

/// Taken and not used, it has the time it had.
#[test]
fn what_is_put_back_does_not_begin_anew() {
    let mut rig = Rig::new(TEN);
    rig.ask("a1");
    rig.dialed(1);
    rig.done_with("a1", Some(6), None);
    rig.pass(2_000);
    rig.ask("a2");
    let number = rig.give_up("a2", Outcome::Cancelled);
    let key = rig.key(number);
    rig.event(|state, now| state.put_back(key, now));
    assert_eq!(rig.deadline(), Some(5_000));
}

//! A process that was suspended: its sockets are older than its clock says.

use std::time::Duration;

use super::rig::{LIMITS, Rig};
use crate::pool::state::{Hint, Limits, Note, Outcome};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const TEN: Limits = Limits { free_socket_timeout: Some(secs(10)), ..LIMITS };

impl Rig {
    fn suspended(&mut self, gap: Duration) {
        self.event(|state, now| state.suspended(gap, now));
    }
}

#[test]
fn the_gap_counts_as_idle_time() {
    for (gap, log, next) in [
        (2, "", Some(8_000)),
        (6, "", Some(4_000)),
        (7, "close 1 idle_timeout", Some(6_000)),
        (9, "close 1 idle_timeout", Some(4_000)),
        (10, "close 1 idle_timeout, close 2 idle_timeout", None),
        (3_600, "close 1 idle_timeout, close 2 idle_timeout", None),
    ] {
        let mut rig = Rig::new(TEN);
        rig.ask("a1 b1");
        rig.dialed(1);
        rig.dialed(2);
        rig.done("a1");
        rig.pass(3_000);
        rig.done("b1");
        rig.log();
        rig.suspended(secs(gap));
        // The deadline is told in the machine's own time, which knows nothing of the gap.
        assert_eq!((rig.log().as_str(), rig.deadline()), (log, next), "{gap}");
    }
}

#[test]
fn the_gap_counts_for_the_servers_hint() {
    for (limit, gap, log) in
        [(Some(secs(600)), 3, ""), (Some(secs(600)), 4, "close 1 keep_alive_hint"), (None, 3_000, "")]
    {
        let timeout = Some(secs(if limit.is_some() { 5 } else { 7_200 }));
        let mut rig = Rig::new(Limits { free_socket_timeout: limit, ..LIMITS });
        rig.ask("a1");
        rig.dialed(1);
        let number = rig.give_up("a1", Outcome::Done);
        let key = rig.key(number);
        rig.event(|state, now| {
            state.heed(key, Hint { timeout, max: None });
            state.release(key, now);
        });
        rig.log();
        rig.suspended(secs(gap));
        assert_eq!(rig.log(), log, "{limit:?} {gap}");
    }
}

#[test]
fn without_any_limit_a_gap_of_more_than_15_s_ends_what_is_idle() {
    for (gap, log) in [
        (secs(15), ""),
        (secs(15) + Duration::from_nanos(1), "close 1 suspended, close 2 suspended"),
        (Duration::MAX, "close 1 suspended, close 2 suspended"),
    ] {
        let mut rig = Rig::new(LIMITS);
        rig.warm_up("a", 2);
        rig.suspended(gap);
        assert_eq!(rig.log(), log, "{gap:?}");
    }
}

/// Its time cannot be told; whatever the limit, it is over.
#[test]
fn a_gap_longer_than_the_clock_can_go_back_ends_what_is_idle() {
    let mut rig = Rig::new(Limits { max_socket_age: Some(secs(3_600)), ..TEN });
    rig.warm_up("a", 2);
    rig.ask("a1");
    rig.log();
    rig.suspended(Duration::MAX);
    assert_eq!((rig.log().as_str(), rig.show("a").as_str()), ("close 1 suspended", "1 active"));
    rig.done("a1");
    assert_eq!(rig.show("a"), "1 idle");
}

/// Its time in use does not count, but it is as old as it is; and given back unused it was idle before.
#[test]
fn a_socket_in_use_stays_and_is_older_by_the_gap() {
    let mut rig = Rig::new(Limits { max_socket_age: Some(secs(100)), ..TEN });
    rig.warm_up("a", 2);
    rig.ask("a1 a2");
    rig.suspended(secs(60));
    assert_eq!(rig.log(), "a1 gets 2, a2 gets 1");
    let number = rig.give_up("a1", Outcome::Cancelled);
    let key = rig.key(number);
    rig.event(|state, now| state.put_back(key, now));
    assert_eq!(rig.log(), "close 2 idle_timeout");
    rig.done("a2");
    assert_eq!((rig.log().as_str(), rig.deadline()), ("", Some(10_000)));
    rig.ask("a1");
    rig.log();
    rig.suspended(secs(40));
    rig.done("a1");
    assert_eq!(rig.log(), "close 1 max_age");
}

/// An offer that nobody has claimed yet is an idle socket with a name on it.
#[test]
fn what_is_offered_is_not_trusted_and_its_waiter_keeps_its_place() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..TEN });
    rig.ask("a1 a2 a3");
    rig.dialed(1);
    rig.park("a2");
    rig.done("a1");
    rig.log();
    rig.suspended(secs(20));
    assert_eq!(rig.log(), "close 1 idle_timeout, dial 2 for a2");
    rig.park("a2");
    rig.dialed(2);
    rig.poll("a2");
    assert_eq!(rig.log(), "wake a2, a2 gets 2");
    // A gap that ends nothing: the offer is made anew.
    rig.park("a3");
    rig.done("a2");
    rig.suspended(secs(2));
    rig.poll("a3");
    assert_eq!(rig.log(), "wake a3, wake a3, a3 gets 2");
}

#[test]
fn a_suspend_of_an_agent_without_sockets_is_nothing() {
    let mut rig = Rig::new(TEN);
    rig.suspended(secs(3_600));
    assert_eq!((rig.log(), rig.deadline()), (String::new(), None));
}

/// The offer is taken back and its waiter cannot take the socket any more: it is parked, and told so.
#[test]
fn what_is_not_fresh_any_more_is_parked() {
    let mut rig = Rig::new(LIMITS);
    rig.ask("a1");
    rig.dialed(1);
    rig.stale("a1");
    rig.park("a1");
    rig.dialed(2);
    rig.log();
    rig.state.want_notes(true);
    rig.suspended(secs(1));
    assert_eq!((rig.log(), rig.show("a")), ("dial 3 for a1".into(), "1 idle, 1 connecting".into()));
    let notes: Vec<_> = std::iter::from_fn(|| rig.state.next_note()).collect();
    assert!(notes.iter().any(|(_, id, _, note)| (*id, note) == (2, &Note::Parked)), "{notes:?}");
}

/// b2 is older and would dial, as far as is known when a2 is looked at; but it finds its socket idle.
#[test]
fn those_whose_offers_were_taken_back_get_them_again_whatever_order_they_are_looked_at_in() {
    let mut rig = Rig::new(Limits { max_total_sockets: 2, ..LIMITS });
    rig.ask("a1 b1");
    [1, 2].into_iter().for_each(|number| rig.dialed(number));
    rig.ask("b2 a2");
    rig.park("b2 a2");
    rig.done("b1 a1");
    rig.log();
    rig.suspended(Duration::from_millis(1));
    assert_eq!(rig.log(), "wake b2, wake a2");
    rig.poll("a2 b2");
    assert_eq!(rig.log(), "a2 gets 1, b2 gets 2");
}

/// The limit was lowered while b2 had an offer: taken back, it is for a1, who is older and waits for a place.
#[test]
fn an_offer_taken_back_makes_room_for_whoever_is_older() {
    let mut rig = Rig::new(Limits { max_total_sockets: 2, ..LIMITS });
    rig.ask("b1 c1");
    [1, 2].into_iter().for_each(|number| rig.dialed(number));
    rig.ask("a1 b2");
    rig.park("b2");
    rig.slow_close = true;
    rig.spoilt("c1");
    rig.done("b1");
    assert!(rig.log().ends_with("wake b2"), "a1 has a place to come");
    rig.event(|state, now| state.set_limits(now, |limits| limits.max_total_sockets = 1));
    assert_eq!(rig.log(), "");
    rig.suspended(secs(1));
    assert_eq!(rig.log(), "close 1 evicted");
    [2, 1].into_iter().for_each(|number| rig.closed(number));
    assert_eq!(rig.log(), "dial 3 for a1");
}

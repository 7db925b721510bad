//! Limits lowered below the sockets in use: those that carry many are wound down.

use super::super::rig::{LIMITS, Rig, origin};
#[cfg(feature = "tls")]
use crate::CloseReason;
#[cfg(feature = "tls")]
use crate::pool::state::Outcome;
use crate::pool::state::{Limits, State};

impl Rig {
    /// A socket of each of these origins, with all of its two streams in use: by "a1x" and "a1y" the first.
    fn busy(names: &str) -> Self {
        let mut rig = Self::shared(LIMITS, 2);
        for (number, name) in (1..).zip(names.split(' ')) {
            rig.ask(&format!("{name}{number}x {name}{number}y"));
            rig.dialed_shared(number);
        }
        rig.log.clear();
        rig
    }

    fn limit(&mut self, max_sockets: usize, max_total_sockets: usize) {
        self.event(|state: &mut State, now| {
            state.set_limits(now, |limits| {
                (limits.max_sockets, limits.max_total_sockets) = (max_sockets, max_total_sockets);
            });
        });
    }

    /// The sockets that take no more.
    fn ending(&self) -> Vec<u64> {
        let ends = |key: usize| self.state.sockets[key].streams.is_some_and(|it| it.ends.is_some());
        self.sockets.iter().filter(|(_, key)| ends(key.0)).map(|(&number, _)| number).collect()
    }
}

#[test]
fn the_newest_take_no_more_and_go_with_their_last_stream() {
    for (max_sockets, ending) in [(4, vec![]), (3, vec![]), (2, vec![3]), (1, vec![2, 3])] {
        let mut rig = Rig::busy("a a a");
        rig.limit(max_sockets, usize::MAX);
        assert_eq!((rig.ending(), rig.log(), rig.show("a")), (ending, String::new(), "3 active".into()));
    }
    let mut rig = Rig::busy("a a a");
    rig.limit(2, usize::MAX);
    rig.done("a3x");
    rig.ask("a9");
    assert_eq!(rig.log(), "", "3 has credit, and takes no more");
    rig.done("a3y");
    assert_eq!(rig.log(), "close 3 over_limit");
    rig.done("a1x");
    assert_eq!((rig.log(), rig.show("a")), ("a9 gets 1".into(), "2 active".into()));
}

#[test]
fn idle_ones_go_first() {
    for (max_sockets, max_total_sockets) in [(1, usize::MAX), (usize::MAX, 1)] {
        let mut rig = Rig::busy("a a a");
        rig.done("a1x a1y");
        rig.limit(max_sockets, max_total_sockets);
        assert_eq!(
            (rig.log(), rig.ending(), rig.show("a")),
            ("close 1 over_limit".into(), vec![3], "2 active".into())
        );
        // One that goes already is not one too many: the other may rest.
        rig.done("a2x a2y");
        assert_eq!((rig.log(), rig.show("a")), (String::new(), "1 active, 1 idle".into()));
        rig.done("a3x a3y");
        assert_eq!((rig.log(), rig.show("a")), ("close 3 over_limit".into(), "1 idle".into()));
    }
}

#[test]
fn a_total_cap_winds_down_the_newest_of_all_origins() {
    let mut rig = Rig::busy("a b a c");
    rig.limit(usize::MAX, 2);
    assert_eq!(rig.ending(), [3, 4]);
    // Lowered again, it takes one more; raised, those that go go on.
    rig.limit(usize::MAX, 1);
    assert_eq!(rig.ending(), [2, 3, 4]);
    rig.limit(usize::MAX, 9);
    assert_eq!(rig.ending(), [2, 3, 4]);
    rig.ask("b8");
    assert_eq!(rig.log(), "dial 5 for b8");
}

#[test]
fn another_limit_changed_meanwhile_winds_down_nothing_more() {
    let mut rig = Rig::busy("a a a");
    rig.limit(2, usize::MAX);
    rig.event(|state, now| state.set_limits(now, |limits| limits.max_queued = 7));
    rig.event(State::retire);
    assert_eq!(rig.ending(), [3]);
}

/// A socket that carries one request goes when that is done: it is counted, and not wound down.
#[test]
#[cfg(feature = "tls")]
fn sockets_that_carry_one_count_among_the_newest() {
    let mut rig = Rig::speaking(crate::Protocol::Http2, LIMITS, 2);
    rig.carry("A1");
    rig.carry("B1");
    rig.ask("a1");
    rig.dialed(3);
    rig.log();
    rig.limit(usize::MAX, 1);
    assert_eq!(rig.ending(), [2]);
    rig.done("a1");
    assert_eq!(rig.log(), "close 3 over_limit");
}

/// An upgraded socket counts in the total until its user has closed it.
#[test]
#[cfg(feature = "tls")]
fn an_upgraded_socket_counts_among_them_until_it_goes() {
    for (goes, ending) in [(false, vec![3]), (true, vec![])] {
        let mut rig = Rig::speaking(crate::Protocol::Http2, LIMITS, 2);
        rig.slow_close = true;
        rig.ask("a1");
        rig.dialed(1);
        rig.carry("B1");
        rig.carry("C1");
        let upgraded = rig.give_up("a1", Outcome::Done);
        let key = rig.key(upgraded);
        rig.event(|state, now| state.upgrade(key, now));
        if goes {
            rig.event(|state, _| state.closing(key, CloseReason::Upgraded));
        }
        rig.limit(usize::MAX, 2);
        assert_eq!(rig.ending(), ending);
    }
}

#[test]
fn a_dial_that_ends_above_the_limit_is_closed() {
    let mut rig = Rig::shared(Limits { max_sockets: 2, ..LIMITS }, 1);
    rig.carry("a1");
    rig.ask("a2");
    rig.limit(1, usize::MAX);
    assert_eq!(rig.ending(), [0; 0]);
    rig.dialed_shared(2);
    rig.done("a1");
    assert_eq!(rig.log(), "dial 2 for a2, close 2 over_limit, a2 gets 1");
}

/// One that goes leaves its place: the request that needs a fresh one waits for that, and none is ended for it.
#[test]
fn a_request_that_needs_a_fresh_one_waits_for_the_place_of_one_that_goes() {
    let mut rig = Rig::shared(Limits { max_sockets: 2, ..LIMITS }, 2);
    rig.carry("a1");
    rig.goes_away(1);
    rig.carry("a2");
    rig.ask("a3");
    assert_eq!(rig.log(), "a3 gets 2");
    // Its stream was refused.
    let (request, key) = (rig.requests.remove("a3").expect("it asked"), rig.key(2));
    rig.event(|state, now| state.release_stream(key, 2, now));
    let turn = rig.state.request_again(&origin("a3"), request.ticket, rig.now);
    rig.place("a3", request.ticket, turn);
    assert_eq!((rig.ending(), rig.log()), (vec![1], String::new()));
    rig.done("a1");
    assert!(rig.log().ends_with("dial 3 for a3"));
}

/// What was learned from a dial that nobody waited for any more allows no burst.
#[test]
fn a_dial_that_nobody_waits_for_leaves_the_origin_warm_and_no_more() {
    let mut rig = Rig::shared(LIMITS, 2);
    rig.ask("a1");
    rig.cancel("a1");
    rig.dialed(1);
    rig.log();
    rig.ask("a2 a3 a4");
    assert_eq!(rig.log(), "a2 gets 1, dial 2 for a3");
}

/// Whoever is older and waits for a place elsewhere would not get it sooner.
#[test]
fn a_stream_that_comes_free_goes_to_its_own_origin() {
    let mut rig = Rig::shared(Limits { max_total_sockets: 1, ..LIMITS }, 2);
    rig.carry("b1");
    rig.ask("b2 a1 b3");
    assert_eq!(rig.log(), "b2 gets 1");
    rig.done("b1");
    assert_eq!(rig.log(), "b3 gets 1");
}

/// It takes no place in the queue.
#[test]
fn who_is_covered_by_a_dial_is_not_turned_away_from_a_full_queue() {
    let mut rig = Rig::shared(Limits { max_total_sockets: 1, max_queued: 1, ..LIMITS }, 2);
    rig.ask("b1 c1");
    rig.event(|state: &mut State, now| state.set_limits(now, |limits| limits.max_queued = 0));
    rig.ask("b2 d1");
    assert_eq!(rig.log(), "dial 1 for b1, d1 is turned away");
}

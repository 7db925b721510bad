//! Origins at the total cap, and requests that need a fresh connection.

use super::super::rig::{LIMITS, Rig};
use crate::pool::state::Limits;

#[test]
fn an_idle_connection_is_evicted_like_any_other() {
    let mut rig = Rig::shared(Limits { max_total_sockets: 2, ..LIMITS }, 5);
    rig.carry("a1");
    rig.pass(1);
    rig.carry("b1");
    rig.done("a1");
    rig.pass(1);
    rig.done("b1");
    rig.ask("c1");
    assert_eq!(rig.log(), "close 1 evicted, dial 3 for c1");
}

/// An idle one goes to the older waiter's origin, one in use serves its own.
#[test]
#[cfg(feature = "tls")]
fn exclusive_and_shared_origins_are_rivals_by_their_tickets() {
    let mut rig = Rig::speaking(crate::Protocol::Http2, Limits { max_total_sockets: 2, ..LIMITS }, 2);
    rig.carry("A1");
    rig.ask("a1");
    rig.dialed(2);
    rig.ask("a2 A2 A3");
    assert_eq!(rig.log(), "dial 2 for a1, a1 gets 2, A2 gets 1");
    rig.done("A1 A2");
    assert_eq!(rig.log(), "A3 gets 1");
    rig.done("A3");
    assert_eq!(rig.log(), "close 1 evicted, dial 3 for a2", "older than any that may come");
    rig.ask("A4");
    rig.done("a1");
    assert_eq!(rig.log(), "a2 gets 2, abort 3, dial 4 for A4");
}

/// Its streams never all come to their end at once: without a rule of its own b1 would wait for ever.
#[test]
fn a_connection_that_never_rests_makes_way_for_a_cold_origin() {
    let mut rig = Rig::shared(Limits { max_total_sockets: 1, ..LIMITS }, 5);
    rig.carry("a1");
    rig.ask("b1");
    rig.ask("a2");
    assert_eq!((rig.log(), rig.show("a")), (String::new(), "1 active, 1 queued".into()));
    rig.done("a1");
    assert_eq!(rig.log(), "close 1 evicted, dial 2 for b1");
}

#[test]
fn nobody_starves_beside_continuous_streams() {
    let mut rig = Rig::shared(Limits { max_total_sockets: 1, ..LIMITS }, 5);
    rig.carry("a0");
    rig.ask("a1");
    rig.ask("b1");
    let mut rounds = 0;
    while !rig.holding().contains(&"b1".to_string()) {
        rounds += 1;
        assert!(rounds < 10, "b1 starves");
        rig.ask(&format!("a{}", rounds + 1));
        let oldest = rig.holding().first().cloned();
        oldest.into_iter().for_each(|name| rig.done(&name));
        rig.dialing().into_iter().for_each(|number| rig.dialed_shared(number));
    }
    // And then its own turn comes again.
    rig.done("b1");
    rig.dialing().into_iter().for_each(|number| rig.dialed_shared(number));
    assert!(rig.holding().contains(&"a2".to_string()), "{:?}", rig.holding());
}

/// One is enough to begin with, the one that is used: its requests come to their ends.
#[test]
fn one_connection_at_a_time_makes_way() {
    let mut rig = Rig::shared(Limits { max_total_sockets: 2, ..LIMITS }, 5);
    rig.carry("a1");
    rig.carry("b1");
    rig.ask("a2");
    rig.ask("c1 d1");
    rig.ask("b2 a3");
    assert_eq!(
        (rig.log(), rig.show("a"), rig.show("b")),
        ("a2 gets 1, b2 gets 2".into(), "1 active, 1 queued".into(), "1 active".into())
    );
}

/// It has a connection of its own, which it waits for.
#[test]
fn no_connection_in_use_makes_way_for_a_warm_origin() {
    let mut rig = Rig::shared(Limits { max_total_sockets: 2, ..LIMITS }, 1);
    rig.carry("a1");
    rig.carry("b1");
    rig.ask("a2");
    rig.allow(2, 1);
    rig.done("b1");
    assert_eq!(rig.log(), "close 2 evicted, dial 3 for a2");
    let mut rig = Rig::shared(Limits { max_total_sockets: 2, ..LIMITS }, 2);
    rig.carry("a1");
    rig.carry("b1");
    rig.ask("a2 a3 b2");
    assert_eq!(rig.log(), "a2 gets 1, b2 gets 2");
}

/// No connection makes way while another socket's place will do.
#[test]
fn no_connection_in_use_makes_way_if_there_is_room_to_come() {
    let mut rig = Rig::shared(Limits { max_total_sockets: 2, ..LIMITS }, 2);
    rig.slow_close = true;
    rig.carry("a1");
    rig.carry("b1");
    rig.done("b1");
    rig.ask("c1");
    rig.ask("a2");
    assert_eq!(rig.log(), "close 2 evicted, a2 gets 1");
    rig.closed(2);
    assert_eq!(rig.log(), "dial 3 for c1");
}

/// The waiters a dial is for want one dial, not one each. Of the two that "a" wants one is for older ones,
/// and its place is on the way: b2 keeps nobody from it.
#[test]
fn older_waiters_want_as_many_sockets_as_they_will_get() {
    let mut rig = Rig::shared(Limits { max_total_sockets: 3, ..LIMITS }, 2);
    rig.slow_close = true;
    rig.carry("c1");
    rig.carry("a1");
    rig.carry("b1");
    rig.allow(2, 1);
    rig.allow(3, 1);
    rig.done("c1");
    rig.ask("a2 a3 b2 a4");
    rig.pass(10);
    assert_eq!(rig.log(), "close 1 evicted");
    rig.done("b1");
    assert_eq!(rig.log(), "b2 gets 3");
}

#[test]
fn who_was_written_to_a_stale_one_shares_the_next_that_is_dialled() {
    let mut rig = Rig::shared(LIMITS, 5);
    rig.carry("a1");
    rig.ask("a2");
    rig.breaks(1);
    rig.ask("a3");
    rig.ask_again("a1 a2");
    rig.dialed_shared(2);
    assert_eq!(rig.log(), "a2 gets 1, dial 2 for a3, a1 gets 2, a2 gets 2, a3 gets 2");
}

/// It came back when the next was open already, which may be as stale, and is never idle: it takes no more,
/// and makes way.
#[test]
fn who_needs_a_fresh_one_is_not_kept_waiting_by_one_that_never_rests() {
    let mut rig = Rig::shared(Limits { max_sockets: 1, ..LIMITS }, 5);
    rig.carry("a1");
    rig.breaks(1);
    rig.ask("a2");
    rig.dialed_shared(2);
    rig.pass(1_000);
    rig.ask_again("a1");
    assert_eq!(rig.log(), "dial 2 for a2, a2 gets 2");
    rig.ask("a3");
    rig.done("a2");
    assert_eq!(rig.log(), "close 2 suspect, dial 3 for a1");
    rig.dialed_shared(3);
    assert_eq!(rig.log(), "a1 gets 3, a3 gets 3");
}

/// With room for one more it costs nobody anything.
#[test]
fn who_needs_a_fresh_one_dials_where_there_is_room() {
    let mut rig = Rig::shared(Limits { max_sockets: 2, ..LIMITS }, 5);
    rig.carry("a1");
    rig.breaks(1);
    rig.ask("a2");
    rig.dialed_shared(2);
    rig.ask_again("a1");
    rig.ask("a3");
    assert_eq!(rig.log(), "dial 2 for a2, a2 gets 2, dial 3 for a1, a3 gets 2");
}

/// It is younger than what failed, but served somebody and rests: its server may be closing it.
#[test]
fn who_needs_a_fresh_one_takes_none_that_served_and_rests() {
    let mut rig = Rig::shared(Limits { max_sockets: 2, ..LIMITS }, 1);
    rig.carry("a1");
    rig.carry("a2");
    rig.breaks(1);
    rig.breaks(2);
    rig.ask_again("a1 a2");
    rig.dialed_shared(3);
    rig.done("a1");
    assert_eq!(rig.log(), "dial 3 for a1, a1 gets 3, dial 4 for a2");
    rig.dialed_shared(4);
    assert_eq!(rig.log(), "a2 gets 4");
}

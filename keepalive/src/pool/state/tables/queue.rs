//! `max_queued`: who may wait.

use super::rig::{LIMITS, Rig};
use crate::pool::state::Limits;

#[test]
fn one_more_than_may_wait_is_turned_away_at_once() {
    for (max_queued, log) in [
        (0, "dial 1 for a1, a2 is turned away, a3 is turned away, a4 is turned away"),
        (1, "dial 1 for a1, a3 is turned away, a4 is turned away"),
        (2, "dial 1 for a1, a4 is turned away"),
        (3, "dial 1 for a1"),
        (4, "dial 1 for a1"),
    ] {
        let mut rig = Rig::new(Limits { max_sockets: 1, max_queued, ..LIMITS });
        rig.ask_all("a", 4);
        assert_eq!(rig.log(), log, "{max_queued}");
    }
}

/// Who has a dial of his own does not wait in the queue.
#[test]
fn a_request_whose_dial_is_under_way_is_not_counted() {
    let mut rig = Rig::new(Limits { max_sockets: 3, max_queued: 0, ..LIMITS });
    rig.ask_all("a", 4);
    assert_eq!(rig.log(), "dial 1 for a1, dial 2 for a2, dial 3 for a3, a4 is turned away");
}

#[test]
fn the_limit_is_for_all_origins_together() {
    let mut rig = Rig::new(Limits { max_sockets: 1, max_queued: 1, ..LIMITS });
    rig.ask("a1 b1 a2 b2");
    assert_eq!(rig.log(), "dial 1 for a1, dial 2 for b1, b2 is turned away");
}

#[test]
fn a_place_that_comes_free_is_for_the_next_to_come() {
    let mut rig = Rig::new(Limits { max_sockets: 1, max_queued: 1, ..LIMITS });
    rig.ask("a1 a2");
    rig.cancel("a2");
    rig.ask("a3 a4");
    rig.dialed(1);
    rig.done("a1");
    rig.ask("a5");
    assert_eq!(rig.log(), "dial 1 for a1, a4 is turned away, a1 gets 1, a3 gets 1");
}

/// It has a place already.
#[test]
fn who_asks_again_is_not_turned_away() {
    let mut rig = Rig::new(Limits { max_sockets: 1, max_queued: 1, ..LIMITS });
    rig.warm_up("a", 1);
    rig.ask("a2 a3");
    rig.slow_close = true;
    rig.dead("a2");
    rig.closed(1);
    rig.dialed(2);
    assert_eq!(rig.log(), "a2 gets 1, dial 2 for a2, a2 gets 2");
}

/// Nobody came after it, and still it is no newcomer.
#[test]
fn the_last_to_come_is_not_turned_away_when_it_asks_again() {
    let mut rig = Rig::new(Limits { max_sockets: 1, max_queued: 0, ..LIMITS });
    rig.warm_up("a", 1);
    rig.ask("a2");
    rig.slow_close = true;
    rig.dead("a2");
    rig.closed(1);
    rig.dialed(2);
    assert_eq!(rig.log(), "a2 gets 1, dial 2 for a2, a2 gets 2");
}

/// A socket was closed to make room for it.
#[test]
fn a_request_for_which_room_is_made_is_not_turned_away() {
    let mut rig = Rig::new(Limits { max_total_sockets: 1, max_queued: 0, ..LIMITS });
    rig.warm_up("a", 1);
    rig.slow_close = true;
    rig.ask("b1 c1");
    assert_eq!(rig.log(), "close 1 evicted, c1 is turned away");
    rig.closed(1);
    assert_eq!(rig.log(), "dial 2 for b1");
}

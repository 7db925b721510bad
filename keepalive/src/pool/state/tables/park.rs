//! What is kept when nobody waits: `max_free_sockets`, `max_total_free_sockets`, `keep_alive`,
//! `scheduling`.

use super::rig::{LIMITS, Rig};
use crate::Scheduling;
use crate::pool::state::Limits;

#[test]
fn an_origin_keeps_no_more_than_max_free_sockets() {
    for (max_free_sockets, log, left) in [
        (0, "close 1 idle_limit, close 2 idle_limit, close 3 idle_limit", "gone"),
        (1, "close 1 idle_limit, close 2 idle_limit", "1 idle"),
        (2, "close 1 idle_limit", "2 idle"),
        (3, "", "3 idle"),
        (4, "", "3 idle"),
    ] {
        let mut rig = Rig::new(Limits { max_free_sockets, ..LIMITS });
        rig.ask_all("a", 3);
        (1..=3).for_each(|number| rig.dialed(number));
        rig.log();
        rig.done("a1 a2 a3");
        assert_eq!((rig.log().as_str(), rig.show("a").as_str()), (log, left), "{max_free_sockets}");
    }
}

/// The least recently used goes, whatever its origin.
#[test]
fn all_origins_together_keep_no_more_than_max_total_free_sockets() {
    for (max_total_free_sockets, log, a, b) in [
        (0, "close 1 idle_limit, close 2 idle_limit, close 3 idle_limit", "gone", "gone"),
        (1, "close 1 idle_limit, close 2 idle_limit", "1 idle", "gone"),
        (2, "close 1 idle_limit", "1 idle", "1 idle"),
        (3, "", "2 idle", "1 idle"),
        (4, "", "2 idle", "1 idle"),
    ] {
        let mut rig = Rig::new(Limits { max_total_free_sockets, ..LIMITS });
        rig.ask("a1 b1 a2");
        (1..=3).for_each(|number| rig.dialed(number));
        rig.log();
        rig.done("a1 b1 a2");
        let found = (rig.log(), rig.show("a"), rig.show("b"));
        assert_eq!(found, (log.into(), a.into(), b.into()), "{max_total_free_sockets}");
    }
}

#[test]
fn max_free_sockets_zero_still_hands_over() {
    let mut rig = Rig::new(Limits { max_sockets: 1, max_free_sockets: 0, ..LIMITS });
    rig.ask_all("a", 2);
    rig.dialed(1);
    rig.done("a1");
    rig.done("a2");
    assert_eq!(rig.log(), "dial 1 for a1, a1 gets 1, a2 gets 1, close 1 idle_limit");
}

#[test]
fn lifo_takes_the_one_used_last_and_fifo_the_one_idle_longest() {
    for (scheduling, log) in [
        (Scheduling::Lifo, "a7 gets 2, a8 gets 1, a9 gets 3"),
        (Scheduling::Fifo, "a7 gets 3, a8 gets 1, a9 gets 2"),
    ] {
        let mut rig = Rig::new(Limits { scheduling, ..LIMITS });
        rig.ask_all("a", 3);
        (1..=3).for_each(|number| rig.dialed(number));
        for name in ["a3", "a1", "a2"] {
            rig.pass(1);
            rig.done(name);
        }
        rig.log();
        rig.ask("a7 a8 a9");
        assert_eq!(rig.log(), log, "{scheduling:?}");
    }
}

#[test]
fn keep_alive_off_hands_over_or_closes() {
    let mut rig = Rig::new(Limits { max_sockets: 1, keep_alive: false, ..LIMITS });
    rig.ask_all("a", 2);
    rig.dialed(1);
    rig.done("a1");
    assert_eq!(rig.log(), "dial 1 for a1, a1 gets 1, a2 gets 1");
    rig.done("a2");
    assert_eq!((rig.log(), rig.show("a")), ("close 1 keep_alive_off".into(), "gone".into()));
}

#[test]
fn nothing_is_due_while_sockets_are_idle() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 2);
    assert_eq!((rig.show("a"), rig.deadline()), ("2 idle".into(), None));
    rig.event(|state, now| state.close_idle(now, crate::CloseReason::CloseIdle));
    assert_eq!(rig.log(), "close 1 close_idle, close 2 close_idle");
    assert!(rig.state.is_empty() && rig.state.origins.is_empty());
}

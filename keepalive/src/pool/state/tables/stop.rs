//! `close`, `destroy`, and the end of the last handle.

use super::rig::{LIMITS, Rig};
use crate::CloseReason;
use crate::pool::state::{Limits, Mode, Outcome, State};

#[test]
fn close_serves_the_queue_and_refuses_newcomers() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..LIMITS });
    rig.warm_up("b", 1);
    rig.ask_all("a", 2);
    rig.dialed(2);
    rig.log();
    rig.event(State::close);
    rig.ask("a3");
    assert_eq!(rig.log(), "close 1 agent_closed, a3 refused");
    rig.done("a1");
    rig.done("a2");
    assert_eq!(rig.log(), "a2 gets 2, close 2 agent_closed");
    assert!(rig.state.is_empty() && rig.state.origins.is_empty());
}

/// What is shut down has yet to be closed; its place is to come, and no other is made.
#[test]
fn after_destroy_an_upgraded_socket_that_goes_makes_room() {
    let mut rig = Rig::new(Limits { max_total_sockets: 2, ..LIMITS });
    rig.ask("a1");
    rig.dialed(1);
    let upgraded = rig.give_up("a1", Outcome::Done);
    let key = rig.key(upgraded);
    rig.event(|state, now| state.upgrade(key, now));
    rig.event(|state, now| state.destroy(now, true));
    rig.warm_up("b", 1);
    rig.ask("c1");
    assert_eq!(rig.log(), "", "b's idle socket stays");
    rig.closed(1);
    assert_eq!(rig.log(), "dial 3 for c1");
}

#[test]
fn close_goes_on_dialling_for_the_queue() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..LIMITS });
    rig.ask_all("a", 2);
    rig.event(State::close);
    rig.refused(1);
    assert_eq!(rig.log(), "dial 1 for a1, a1 fails, dial 2 for a2");
}

#[test]
fn close_aborts_dials_nobody_waits_for() {
    let mut rig = Rig::new(LIMITS);
    rig.ask_all("a", 3);
    rig.cancel("a1");
    rig.log();
    rig.event(State::close);
    assert_eq!(rig.log(), "abort 3");
    rig.cancel("a2");
    assert_eq!((rig.log(), rig.show("a")), ("abort 2".into(), "1 connecting".into()));
}

/// Once a's spare dial is told to stop, its other one is wanted, whoever else needs a slot.
#[test]
fn a_closing_agent_does_not_abort_a_dial_that_is_wanted() {
    let mut rig = Rig::new(Limits { max_total_sockets: 3, ..LIMITS });
    rig.ask("b1");
    rig.dialed(1);
    rig.ask_all("a", 2);
    // Two of b sleep, and are polled when the agent is closing.
    for name in ["b2", "b3"] {
        rig.ask(name);
        rig.park(name);
    }
    rig.done("b1");
    rig.pass(200);
    rig.ask("b4");
    rig.slow_close = true;
    rig.event(State::close);
    rig.log();
    rig.cancel("a2");
    rig.poll("b2 b3");
    rig.pass(10);
    assert_eq!((rig.log(), rig.show("a")), ("abort 3".into(), "2 connecting".into()));
    rig.closed(3);
    assert_eq!((rig.log(), rig.show("a")), ("dial 4 for b2".into(), "1 connecting".into()));
}

#[test]
fn destroy_ends_everything_now() {
    let mut rig = Rig::new(Limits { max_sockets: 2, ..LIMITS });
    rig.warm_up("a", 1);
    rig.ask_all("b", 3);
    rig.dialed(2);
    rig.log();
    rig.event(|state, now| state.destroy(now, false));
    assert_eq!(rig.log(), "b2 fails, b3 fails, close 1 destroyed, shutdown 2, abort 3");
    assert_eq!((rig.show("a"), rig.show("b")), ("gone".into(), "1 closing".into()));
    rig.ask("b4");
    rig.done("b1");
    assert_eq!((rig.log(), rig.show("b")), ("b4 refused, close 2 destroyed".into(), "gone".into()));
    assert!(rig.state.is_empty() && rig.state.origins.is_empty());
}

#[test]
fn destroy_reaches_offered_and_sleeping_waiters() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..LIMITS });
    rig.ask_all("a", 3);
    rig.park("a2 a3");
    rig.dialed(1);
    rig.done("a1");
    rig.pass(100);
    rig.log();
    rig.event(|state, now| state.destroy(now, false));
    assert_eq!(
        (rig.log(), rig.show("a"), rig.deadline()),
        ("wake a2, wake a3, close 1 destroyed".into(), "2 queued".into(), None)
    );
    rig.poll("a3");
    rig.cancel("a2");
    assert_eq!((rig.log(), rig.show("a")), ("a3 fails".into(), "gone".into()));
    assert!(rig.state.is_empty());
}

#[test]
fn destroy_shuts_draining_and_upgraded_sockets_down() {
    let mut rig = Rig::new(LIMITS);
    rig.ask_all("a", 2);
    rig.dialed(1);
    rig.dialed(2);
    let (drained, upgraded) = (rig.give_up("a1", Outcome::Done), rig.give_up("a2", Outcome::Done));
    let (drained, upgraded) = (rig.key(drained), rig.key(upgraded));
    rig.event(|state, _| state.drain(drained));
    rig.event(|state, now| state.upgrade(upgraded, now));
    rig.log();
    rig.event(|state, now| state.destroy(now, false));
    assert_eq!((rig.log(), rig.show("a")), ("shutdown 1, shutdown 2".into(), "1 closing, 1 upgraded".into()));
    rig.event(|state, now| state.release(drained, now));
    rig.closed(2);
    assert_eq!(rig.log(), "close 1 destroyed");
    assert_eq!(rig.state.snapshot().closed_by, [(CloseReason::Destroyed, 2)].into());
}

/// A request that had a socket before asks again: it gets none.
#[test]
fn nobody_asks_a_destroyed_agent_again() {
    for close_after in [false, true] {
        let mut rig = Rig::new(LIMITS);
        rig.warm_up("a", 1);
        rig.ask("a7");
        rig.event(|state, now| state.destroy(now, false));
        if close_after {
            rig.event(State::close);
        }
        rig.log();
        rig.dead("a7");
        assert_eq!((rig.log(), rig.state.mode), ("a7 fails".into(), Mode::Destroyed), "{close_after}");
        assert!(rig.state.is_empty() && rig.state.origins.is_empty());
    }
}

/// Its dial was on the way when the agent was destroyed.
#[test]
fn a_dial_that_succeeds_after_destroy_is_closed() {
    let mut rig = Rig::new(LIMITS);
    rig.slow_close = true;
    rig.ask("a1");
    rig.event(|state, now| state.destroy(now, false));
    rig.dialed(1);
    assert_eq!(rig.log(), "dial 1 for a1, a1 fails, abort 1, close 1 dial_aborted");
    rig.closed(1);
    assert!(rig.state.is_empty() && rig.state.origins.is_empty());
}

#[test]
fn the_global_agent_serves_on_after_destroy() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 1);
    rig.event(|state, now| state.destroy(now, true));
    rig.ask("a2");
    assert_eq!(rig.log(), "close 1 destroyed, dial 2 for a2");
}

/// The global agent's `close`: what is open then goes when it is free, what comes later is kept.
#[test]
fn retired_sockets_go_when_they_are_free_and_later_ones_stay() {
    let mut rig = Rig::new(Limits { max_sockets: 2, ..LIMITS });
    rig.warm_up("a", 2);
    rig.ask("a3");
    rig.event(State::retire);
    assert_eq!((rig.log().as_str(), rig.state.is_at_rest()), ("a3 gets 2, close 1 agent_closed", false));
    rig.ask("a4 a5");
    rig.dialed(3);
    assert_eq!(rig.log(), "dial 3 for a4, a4 gets 3");
    rig.done("a3");
    assert_eq!((rig.log().as_str(), rig.state.is_at_rest()), ("close 2 agent_closed, dial 4 for a5", true));
    rig.dialed(4);
    rig.done("a4 a5");
    assert_eq!((rig.log().as_str(), rig.show("a").as_str()), ("a5 gets 4", "2 idle"));
}

#[test]
fn a_dial_that_was_retired_under_way_is_not_used() {
    let mut rig = Rig::new(Limits { max_sockets: 2, ..LIMITS });
    rig.ask("a1");
    rig.event(State::retire);
    rig.dialed(1);
    assert_eq!(
        (rig.log().as_str(), rig.state.is_at_rest()),
        ("dial 1 for a1, close 1 agent_closed, dial 2 for a1", true)
    );
}

/// A FIN that came while the socket was on offer, or on a request, is not forgotten.
#[test]
fn what_happened_on_a_busy_socket_is_looked_at_when_it_is_idle() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..LIMITS });
    rig.ask("a1 a2");
    rig.dialed(1);
    rig.park("a2");
    rig.done("a1");
    let key = rig.key(1);
    assert!(!rig.event(|state, _| state.inspect(key, 1)), "it is on offer");
    rig.cancel("a2");
    assert_eq!(rig.log(), "dial 1 for a1, a1 gets 1, wake a2, look at 1");
    assert!(rig.event(|state, _| state.inspect(key, 1)));
}

/// A socket in use when the global agent was destroyed is not used again.
#[test]
fn a_socket_from_before_destroy_is_closed_when_it_is_released() {
    let mut rig = Rig::new(Limits { max_sockets: 2, ..LIMITS });
    rig.ask("a1");
    rig.dialed(1);
    rig.event(|state, now| state.destroy(now, true));
    rig.ask_all("b", 1);
    rig.ask("a2");
    rig.log();
    rig.done("a1");
    assert_eq!((rig.log(), rig.show("a")), ("close 1 destroyed".into(), "1 connecting".into()));
}

#[test]
fn an_orphan_keeps_nothing_and_serves_who_waits() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..LIMITS });
    rig.warm_up("b", 1);
    rig.ask_all("a", 2);
    rig.dialed(2);
    rig.log();
    rig.event(State::orphan);
    rig.done("a1");
    rig.done("a2");
    assert_eq!(rig.log(), "close 1 agent_dropped, a2 gets 2, close 2 agent_dropped");
    assert!(rig.state.is_empty() && rig.state.origins.is_empty());
}

#[test]
fn an_orphan_that_was_closed_or_destroyed_stays_so() {
    for (end, mode) in [
        (State::close as fn(&mut State, _), Mode::Closing),
        (|state, now| state.destroy(now, false), Mode::Destroyed),
    ] {
        let mut rig = Rig::new(LIMITS);
        rig.event(end);
        rig.event(State::orphan);
        assert_eq!(rig.state.mode, mode);
    }
}

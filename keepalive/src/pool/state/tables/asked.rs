//! What the driver asks the machine beside its events.

use super::rig::{LIMITS, Rig, origin};
use crate::pool::state::{Outcome, SocketKey, State};
use crate::{Origin, SocketState};

/// An agent with a socket in each phase that lasts: 1 and 2 idle, 3 active, 4 dialled, 5 aborting, 6 draining, 7
/// upgraded, 8 closing. Those of 4 and 5 are b's, the others a's.
fn one_of_each() -> Rig {
    let mut rig = Rig::new(LIMITS);
    rig.slow_close = true;
    rig.ask("a1 a2 a3 b4 b5 a6 a7 a8");
    [1, 2, 3, 6, 7, 8].into_iter().for_each(|number| rig.dialed(number));
    rig.done("a1 a2");
    rig.cancel("b5");
    let key = rig.key(5);
    assert!(!rig.event(|state, now| state.is_dial_wanted(key, now)));
    let drained = rig.give_up("a6", Outcome::Done);
    let key = rig.key(drained);
    rig.event(|state, _| state.drain(key));
    let upgraded = rig.give_up("a7", Outcome::Done);
    let key = rig.key(upgraded);
    rig.event(|state, now| state.upgrade(key, now));
    rig.spoilt("a8");
    rig.log();
    rig
}

/// Of which of them it holds.
fn those(rig: &Rig, holds: impl Fn(&State, SocketKey) -> bool) -> Vec<u64> {
    (1..=8).filter(|&number| holds(&rig.state, rig.key(number))).collect()
}

#[test]
fn what_a_socket_is() {
    let rig = one_of_each();
    assert_eq!(those(&rig, State::is_idle), [1, 2]);
    assert_eq!(those(&rig, State::has_no_connection), [4, 5]);
    assert_eq!(those(&rig, State::is_destroyed), [0; 0]);
    assert_eq!(rig.state.descriptors(), 6);
    let mut states: Vec<_> = rig.state.list_sockets().map(|it| (it.id, it.state)).collect();
    states.sort_by_key(|&(id, _)| id);
    use SocketState::{Active, Closing, Connecting, Draining, Idle, Upgraded};
    let expected = [Idle, Idle, Active, Connecting, Connecting, Draining, Upgraded, Closing];
    assert_eq!(states, (1..).zip(expected).collect::<Vec<_>>());
    let since: Vec<_> =
        rig.state.list_sockets().filter(|it| it.idle_since.is_some()).map(|it| it.id).collect();
    assert_eq!(since.len(), 2, "the idle ones: {since:?}");
}

/// An upgraded one counts in the total only.
#[test]
fn the_sockets_that_count() {
    let rig = one_of_each();
    let counting = |of: Option<&Origin>| {
        let mut ids: Vec<_> = rig.state.sockets_of(of).map(|key| rig.state.socket_id(key)).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(counting(None), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(counting(Some(&origin("a"))), [1, 2, 3, 6, 8]);
    assert_eq!(counting(Some(&origin("b"))), [4, 5]);
    assert_eq!(counting(Some(&origin("c"))), [0; 0]);
}

#[test]
fn what_destroy_shut_down() {
    let mut rig = one_of_each();
    rig.event(|state, now| state.destroy(now, true));
    assert_eq!(those(&rig, State::is_destroyed), [1, 2, 3, 6]);
    #[cfg(feature = "http2")]
    {
        assert_eq!(those(&rig, |state, key| state.was_destroyed(key, state.socket_id(key))), [1, 2, 3, 6]);
        assert_eq!(those(&rig, |state, key| state.was_destroyed(key, 9)), [0; 0], "another had the place");
        assert!(!rig.state.was_destroyed(SocketKey(99), 99), "it is gone");
    }
}

/// Also if requests that failed with it were not polled since.
#[test]
fn destroyed_it_is_at_rest_without_sockets() {
    let mut rig = Rig::new(LIMITS);
    rig.slow_close = true;
    rig.ask("a1");
    rig.park("a1");
    rig.event(|state, now| state.destroy(now, false));
    assert!(!rig.state.is_at_rest(), "the dial has yet to stop");
    rig.closed(1);
    assert!(rig.state.is_at_rest() && !rig.state.is_empty());
    rig.poll("a1");
    assert!(rig.state.is_empty());
}

/// A socket that was parked, however short, may have been given up by its server.
#[test]
fn what_was_parked() {
    let mut rig = Rig::new(LIMITS);
    rig.ask("a1");
    rig.dialed(1);
    assert!(!rig.state.was_kept(rig.key(1)));
    rig.done("a1");
    rig.ask("a2");
    assert!(rig.state.was_kept(rig.key(1)));
}

/// One that is only looked at is nobody's.
#[test]
fn a_socket_that_is_looked_at_is_listed_as_idle() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 1);
    let key = rig.key(1);
    assert!(rig.event(|state, _| state.inspect(key, 1)));
    let listed: Vec<_> = rig.state.list_sockets().map(|it| (it.state, it.idle_since.is_some())).collect();
    assert_eq!(listed, [(SocketState::Idle, true)]);
}

#[test]
fn whether_the_last_dial_failed() {
    let mut rig = Rig::new(LIMITS);
    rig.ask("a1 a2 b1");
    let refused = |rig: &Rig| ["a", "b", "c"].map(|name| rig.state.has_refused(&origin(name)));
    assert_eq!(refused(&rig), [false, false, false]);
    rig.refused(1);
    assert_eq!(refused(&rig), [true, false, false]);
    rig.dialed(2);
    assert_eq!(refused(&rig), [false, false, false]);
}

#[test]
fn whether_anybody_wants_notes() {
    let mut rig = Rig::new(LIMITS);
    for wanted in [true, false] {
        rig.state.want_notes(wanted);
        assert_eq!(rig.state.notes_wanted(), wanted);
    }
}

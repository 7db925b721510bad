//! `close`, `destroy`, `retire` and the last handle's drop, with streams in use.

use super::super::rig::{LIMITS, Rig};
use crate::pool::state::{Limits, Outcome, State};

/// One connection with two streams in use, one reserved for a3 and a4 waiting.
fn busy() -> Rig {
    let mut rig = Rig::shared(Limits { max_sockets: 1, ..LIMITS }, 3);
    rig.ask_all("a", 4);
    rig.park("a3 a4");
    rig.dialed_shared(1);
    assert_eq!(rig.log(), "dial 1 for a1, a1 gets 1, a2 gets 1, wake a3");
    rig
}

#[test]
fn closed_it_serves_the_queue_and_goes() {
    let mut rig = busy();
    rig.event(State::close);
    rig.ask("a5");
    assert_eq!(rig.log(), "a5 refused");
    rig.done("a1 a2");
    rig.poll("a3 a4");
    assert_eq!(rig.log(), "wake a4, a3 gets 1, a4 gets 1");
    rig.done("a3");
    assert!(!rig.state.is_over());
    rig.done("a4");
    assert_eq!((rig.log(), rig.state.is_over()), ("close 1 agent_closed".into(), true));
}

#[test]
fn retired_it_takes_no_more_and_goes_with_its_last_stream() {
    let mut rig = busy();
    rig.event(State::retire);
    rig.done("a1");
    assert_eq!(rig.log(), "", "a4 waits for another");
    // The one reserved a stream before may use it.
    rig.poll("a3");
    rig.done("a2");
    assert!(!rig.state.is_at_rest());
    rig.done("a3");
    assert_eq!(rig.log(), "a3 gets 1, close 1 agent_closed, dial 2 for a4");
    assert!(rig.state.is_at_rest());
    rig.poll("a4");
    rig.dialed_shared(2);
    rig.done("a4");
    assert_eq!((rig.log(), rig.show("a")), ("a4 gets 2".into(), "1 idle".into()));
}

#[test]
fn destroyed_it_is_shut_down_under_its_streams() {
    for stay_open in [false, true] {
        let mut rig = busy();
        rig.event(|state, now| state.destroy(now, stay_open));
        assert_eq!(
            (rig.log(), rig.show("a")),
            ("wake a3, wake a4, shutdown 1".into(), "1 closing, 2 queued".into())
        );
        rig.poll("a3 a4");
        assert_eq!(rig.log(), "a3 fails, a4 fails");
        // Their users notice, before or after its task does.
        rig.done("a1");
        rig.breaks(1);
        let key = rig.state.sockets.vacant_key();
        rig.requests.remove("a2");
        rig.state.finish(Outcome::Failed, false);
        rig.event(|state, now| state.release_stream(crate::pool::state::SocketKey(key), 1, now));
        assert!(rig.state.is_empty() && rig.state.reserved.is_empty() && rig.state.open.is_empty());
        assert_eq!(rig.state.is_over(), !stay_open);
    }
}

#[test]
fn orphaned_it_serves_those_it_has_and_goes() {
    let mut rig = busy();
    rig.cancel("a4");
    rig.cancel("a3");
    rig.event(State::orphan);
    rig.done("a1 a2");
    assert_eq!((rig.log(), rig.show("a")), ("close 1 agent_dropped".into(), "gone".into()));
}

#[test]
fn closing_the_idle_ones_leaves_those_in_use() {
    let mut rig = Rig::shared(LIMITS, 1);
    rig.carry("a1");
    rig.ask("a2");
    rig.dialed_shared(2);
    rig.done("a2");
    rig.log();
    rig.event(|state, now| state.close_idle(now, crate::CloseReason::CloseIdle));
    assert_eq!((rig.log(), rig.show("a")), ("close 2 close_idle".into(), "1 active".into()));
    rig.done("a1");
    assert_eq!(rig.show("a"), "1 idle");
}

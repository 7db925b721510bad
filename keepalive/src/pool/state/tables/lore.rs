//! What an origin has taught outlives its record, and records do not outlive their use.

use std::time::Duration;

use super::rig::{LIMITS, Rig, origin};
use crate::pool::state::{Limits, State, Turn, lore};
use crate::{CloseReason, Origin};

impl Rig {
    /// Somebody looks at the origin's idle socket and finds this.
    fn dies(&mut self, number: u64, reason: CloseReason) {
        let key = self.key(number);
        assert!(self.event(|state, _| state.inspect(key, number)));
        self.event(|state, now| state.found_dead(key, reason, now));
        self.closed(number);
    }

    fn server_idle_limit(&self, name: &str) -> Option<u128> {
        let snapshot = self.state.snapshot();
        let found = snapshot.origins.iter().find(|it| it.origin == origin(name));
        found.expect("it has a record").server_idle_limit.map(|limit| limit.as_millis())
    }
}

/// Without it each burst at a dead origin began with a dial for every request.
#[test]
fn a_burst_after_a_refusal_dials_once_though_the_record_is_gone() {
    let mut rig = Rig::new(LIMITS);
    rig.ask("a1");
    rig.refused(1);
    assert_eq!((rig.log(), rig.show("a")), ("dial 1 for a1, a1 fails".into(), "gone".into()));
    rig.ask("a2 a3 a4");
    assert_eq!((rig.log(), rig.show("a")), ("dial 2 for a2".into(), "1 connecting, 2 queued".into()));
    // Another origin has nothing to do with it.
    rig.ask("b1 b2");
    assert_eq!(rig.log(), "dial 3 for b1, dial 4 for b2");
}

#[test]
fn a_dial_that_succeeds_ends_the_caution_for_good() {
    let mut rig = Rig::new(Limits { keep_alive: false, ..LIMITS });
    rig.ask("a1");
    rig.refused(1);
    rig.ask("a2");
    rig.dialed(2);
    rig.done("a2");
    assert_eq!((rig.show("a").as_str(), rig.state.lore.len()), ("gone", 0));
    rig.log();
    rig.ask("a3 a4");
    assert_eq!(rig.log(), "dial 3 for a3, dial 4 for a4");
}

#[test]
fn the_idle_age_at_which_a_server_closes_is_recorded_and_outlives_the_record() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 2);
    rig.warm_up("b", 1);
    assert_eq!(rig.server_idle_limit("a"), None);
    rig.pass(5_000);
    rig.dies(1, CloseReason::ClosedByServer);
    assert_eq!((rig.server_idle_limit("a"), rig.server_idle_limit("b")), (Some(5_000), None));
    rig.pass(2_000);
    rig.dies(2, CloseReason::ClosedByServer);
    assert_eq!((rig.show("a").as_str(), rig.state.lore.len()), ("gone", 1));
    rig.ask("a1");
    assert_eq!((rig.server_idle_limit("a"), rig.state.lore.len()), (Some(7_000), 0), "the latest");
}

/// What the agent closed itself, or what died of something else, says nothing of the server's patience.
#[test]
fn only_a_close_by_the_server_is_recorded() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 3);
    rig.pass(1_000);
    rig.dies(1, CloseReason::UnsolicitedBytes);
    rig.ask("a7");
    rig.spoilt("a7");
    rig.event(|state, now| state.close_idle(now, CloseReason::CloseIdle));
    assert_eq!((rig.show("a").as_str(), rig.state.lore.len()), ("gone", 0));
}

#[test]
fn a_socket_put_back_was_idle_all_the_time() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 1);
    rig.pass(3_000);
    let key = rig.key(1);
    assert!(rig.event(|state, _| state.inspect(key, 1)));
    rig.event(|state, now| state.put_back(key, now));
    rig.pass(1_000);
    rig.dies(1, CloseReason::ClosedByServer);
    rig.ask("a1");
    assert_eq!(rig.server_idle_limit("a"), Some(4_000));
}

#[test]
fn a_hundred_thousand_origins_visited_once_leave_no_record_and_bounded_lore() {
    let mut state = State::new(Limits { free_socket_timeout: Some(Duration::from_secs(1)), ..LIMITS });
    let mut now = crate::clock::now().into_std();
    for number in 0..100_000_u32 {
        let origin = Origin::from_uri(&format!("http://{number}.test/").parse().unwrap()).unwrap();
        let ticket = state.arrive().unwrap();
        let Turn::Wait(waiter) = state.request(&origin, ticket, now) else { panic!("it must dial") };
        let Some((socket, _)) = state.sockets.iter().next().filter(|_| state.sockets.len() == 1) else {
            panic!("the one dial is the one socket")
        };
        let socket = crate::pool::state::SocketKey(socket);
        if number % 2 == 0 {
            state.dial_failed(socket, now);
            assert_eq!(state.poll_waiter(waiter, now), Turn::Failed);
        } else {
            state.dialed(socket, now);
            assert_eq!(state.poll_waiter(waiter, now), Turn::Go(socket));
            state.finish(crate::pool::state::Outcome::Done, false);
            state.release(socket, now);
            now += Duration::from_secs(1);
            state.tick(now);
        }
        state.closed(socket, now);
        while state.next_action().is_some() {}
    }
    assert!(state.is_empty() && state.origins.is_empty() && state.index.is_empty());
    assert!(state.origins.capacity() < 10, "{}", state.origins.capacity());
    assert_eq!((state.snapshot().origins.len(), state.lore.len()), (0, lore::MOST));
    assert_eq!(state.next_deadline(), None);
}

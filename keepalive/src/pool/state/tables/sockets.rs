//! Looking at idle sockets, putting them back, and what is told about them.

use super::rig::{LIMITS, Rig, origin};
use crate::CloseReason;
use crate::pool::state::{Limits, Outcome};

#[test]
fn only_an_idle_socket_is_inspected() {
    let mut rig = Rig::new(LIMITS);
    rig.ask("a1");
    let key = rig.key(1);
    assert!(!rig.event(|state, _| state.inspect(key, 1)), "connecting");
    rig.dialed(1);
    assert!(!rig.event(|state, _| state.inspect(key, 1)), "active");
    rig.done("a1");
    assert!(!rig.event(|state, _| state.inspect(key, 2)), "another socket under the same key");
    assert!(rig.event(|state, _| state.inspect(key, 1)), "idle");
    assert!(!rig.event(|state, _| state.inspect(key, 1)), "under inspection");
    rig.event(|state, _| state.closing(key, CloseReason::ClosedByServer));
    rig.closed(1);
    assert!(!rig.event(|state, _| state.inspect(key, 1)), "gone");
    assert_eq!((rig.show("a"), rig.state.origins.len()), ("gone".into(), 0));
}

#[test]
fn a_socket_put_back_is_as_old_and_as_used_as_before() {
    let mut rig = Rig::new(Limits { max_total_sockets: 2, ..LIMITS });
    rig.warm_up("a", 2);
    let (key, since) = (rig.key(1), rig.state.free_since(rig.key(1)));
    rig.pass(5);
    assert!(rig.event(|state, _| state.inspect(key, 1)));
    rig.event(|state, now| state.put_back(key, now));
    assert_eq!((rig.state.served(key), rig.state.free_since(key)), (1, since));
    rig.ask("b1");
    assert_eq!(rig.log(), "close 2 evicted, dial 3 for b1");
}

/// Between the two a request came that the socket could have served.
#[test]
fn a_socket_put_back_goes_to_the_waiter() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..LIMITS });
    rig.warm_up("a", 1);
    let key = rig.key(1);
    assert!(rig.event(|state, _| state.inspect(key, 1)));
    rig.ask("a7");
    assert_eq!(rig.show("a"), "1 active, 1 queued");
    rig.event(|state, now| state.put_back(key, now));
    assert_eq!(rig.log(), "a7 gets 1");
}

/// Node: `reusedSocket` is wrong on hand-over.
#[test]
fn served_counts_the_requests_also_on_hand_over() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..LIMITS });
    rig.ask_all("a", 3);
    rig.dialed(1);
    let mut served = vec![rig.state.served(rig.key(1))];
    for name in ["a1", "a2"] {
        rig.done(name);
        served.push(rig.state.served(rig.key(1)));
    }
    rig.done("a3");
    rig.ask("a4");
    served.push(rig.state.served(rig.key(1)));
    rig.done("a4");
    assert_eq!((served, rig.state.snapshot().totals.reused), (vec![1, 2, 3, 4], 3));
}

#[test]
fn the_accounts_of_a_day() {
    let mut rig = Rig::new(Limits { max_sockets: 2, ..LIMITS });
    rig.event(|state, _| state.refuse());
    rig.ask_all("a", 4);
    rig.dialed(1);
    rig.refused(2);
    rig.done("a1");
    rig.cancel("a4");
    rig.give_up("a3", Outcome::Cancelled);
    rig.closed(1);
    rig.closed(3);
    let snapshot = rig.state.snapshot();
    let totals = snapshot.totals;
    assert_eq!((totals.requests, totals.done, totals.failed, totals.cancelled), (5, 1, 2, 2));
    assert_eq!((totals.opened, totals.closed, totals.running, totals.reused), (3, 3, 0, 1));
    let closed_by =
        [(CloseReason::DialFailed, 1), (CloseReason::Cancelled, 1), (CloseReason::DialAborted, 1)];
    assert_eq!(snapshot.closed_by, closed_by.into());
    assert!(rig.state.is_empty() && snapshot.origins.is_empty() && rig.state.index.is_empty());
}

#[test]
fn the_snapshot_knows_the_oldest_waiter() {
    let mut rig = Rig::new(Limits { max_sockets: 1, ..LIMITS });
    rig.ask("a1");
    let first = rig.now();
    rig.pass(7);
    rig.ask_all("b", 2);
    rig.ask("a2");
    rig.pass(7);
    rig.dialed(1);
    let snapshot = rig.state.snapshot();
    let found: Vec<_> =
        snapshot.origins.iter().map(|it| (it.origin.clone(), it.oldest_since, it.queued)).collect();
    let second = first + std::time::Duration::from_millis(7);
    assert_eq!(found, [(origin("a"), Some(second), 1), (origin("b"), Some(second), 1)]);
}

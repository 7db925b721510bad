//! Requests that end without a socket, and how long they waited.

use std::time::Duration;

use keepalive::Event;
use testkit::{Case, Gate, PlainOrigin, Script};
use tokio::time::advance;

use super::wire;
use super::{built, told};
use crate::kit::{fetch, poll_once, polled, until};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn one_is_dropped_one_is_late_one_is_turned_away() {
    wire::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let (agent, mut events) =
            built(wire::builder().max_sockets(1).max_queued(2).queue_timeout(SECOND * 2));
        let active = tokio::spawn(fetch(&agent, origin.url("/")));
        origin.wait(|stats| stats.requests == 1).await;
        told(&mut events);
        let mut late = Box::pin(fetch(&agent, origin.url("/")));
        assert!(poll_once(&mut late).await.is_none());
        advance(SECOND).await;
        let dropped = polled(fetch(&agent, origin.url("/")));
        assert!(fetch(&agent, origin.url("/")).await.unwrap_err().is_queue_full());
        assert_eq!(told(&mut events), ["queued r2", "queued r3", "unserved r4 queue_full"]);
        advance(SECOND).await;
        drop(dropped);
        assert!(late.await.unwrap_err().is_timeout());
        let waited: Vec<_> = std::iter::from_fn(|| events.try_next()).map(waited).collect();
        assert_eq!(waited, [("cancelled", SECOND), ("timed_out", 2 * SECOND)]);
        gate.open();
        active.await.unwrap().unwrap();
    });
}

#[track_caller]
fn waited(event: Event) -> (&'static str, Duration) {
    match event {
        Event::RequestUnserved { reason, waited, .. } => (reason.name(), waited),
        other => panic!("{other:?}"),
    }
}

#[test]
fn times_are_those_of_the_agents_clock() {
    wire::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let (agent, mut events) = built(wire::builder().max_sockets(1).free_socket_timeout(None));
        let active = tokio::spawn(fetch(&agent, origin.url("/")));
        origin.wait(|stats| stats.requests == 1).await;
        let queued = polled(fetch(&agent, origin.url("/")));
        advance(SECOND).await;
        gate.open();
        active.await.unwrap().unwrap();
        queued.await.unwrap();
        advance(3 * SECOND).await;
        fetch(&agent, origin.url("/")).await.unwrap();
        advance(SECOND).await;
        agent.close_idle();
        let mut times = Vec::new();
        while let Some(event) = events.try_next() {
            times.extend(match event {
                Event::RequestAssigned { waited, .. } => Some(("waited", waited)),
                Event::SocketReused { idle_for, .. } => Some(("idle", idle_for)),
                Event::SocketClosed { age, .. } => Some(("age", age)),
                _ => None,
            });
        }
        let zero = Duration::ZERO;
        let expected = [
            ("waited", zero),
            ("waited", SECOND),
            ("idle", zero),
            ("waited", zero),
            ("idle", 3 * SECOND),
            ("age", 5 * SECOND),
        ];
        assert_eq!(times, expected);
    });
}

#[test]
fn a_request_that_waits_for_its_own_dial_is_not_queued() {
    wire::run_paused(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let (agent, mut events) = built(wire::builder().max_sockets(2));
        let all: [_; 3] = std::array::from_fn(|_| polled(fetch(&agent, origin.url("/"))));
        assert_eq!(told(&mut events), ["dialing 1", "dialing 2", "queued r3"]);
        drop(all);
    });
}

/// It was given a socket, and that was dead before a byte was written: it counts as none.
#[test]
fn a_new_socket_that_is_dead_at_once_serves_nobody() {
    wire::run_paused(async |case: &Case| {
        let origin = case.scripted(Script::new().close());
        let (agent, mut events) = built(wire::builder());
        let request = polled(fetch(&agent, origin.url("/")));
        until(&agent, |totals| totals.active == 1).await;
        origin.wait(|record| record.accepted() == 1 && record.open() == 0).await;
        request.await.unwrap_err();
        let expected = ["dialing 1", "opened 1", "unserved r1 failed", "closed 1 closed_by_server after 0"];
        assert_eq!(told(&mut events), expected);
    });
}

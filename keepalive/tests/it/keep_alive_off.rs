//! `keep_alive(false)` and `one_shot()`: sockets that nobody waits for are closed.

use keepalive::{Agent, CloseReason};
use testkit::{Case, Gate, PlainOrigin, Reply, run, run_paused};
use tokio::task::JoinSet;

use crate::kit::{at_rest, fetch, polled};

#[test]
fn a_waiter_gets_the_socket_and_it_is_closed_when_nobody_waits() {
    run_paused(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder().record_requests());
        let agent = Agent::builder().keep_alive(false).max_sockets(1).build().unwrap();
        let mut asked = JoinSet::new();
        for _ in 0..5 {
            asked.spawn(polled(fetch(&agent, origin.url("/"))));
        }
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        assert_eq!(origin.stats().accepted, 1);
        origin.wait(|stats| stats.open == 0).await;
        let totals = at_rest(&agent).await;
        assert_eq!((totals.idle, totals.closed_by.get(&CloseReason::KeepAliveOff)), (0, Some(&1)));
        // It would take the socket from those who wait.
        assert!(origin.requests().iter().all(|request| request.header("connection") != Some("close")));
    });
}

#[test]
fn one_request_after_the_other_opens_a_socket_each() {
    run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder().at_most(1));
        let agent = Agent::builder().keep_alive(false).build().unwrap();
        for n in 1..=10 {
            assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
            assert_eq!((origin.stats().accepted, agent.status().totals.idle), (n, 0));
        }
        assert_eq!(origin.stats().peak_open, 1);
        assert_eq!(at_rest(&agent).await.closed_by.get(&CloseReason::KeepAliveOff), Some(&10));
    });
}

#[test]
fn a_dial_nobody_wants_any_more_is_not_kept() {
    run_paused(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = Agent::builder().keep_alive(false).build().unwrap();
        drop(polled(fetch(&agent, origin.url("/"))));
        assert_eq!(agent.status().totals.connecting, 1);
        let totals = at_rest(&agent).await;
        assert_eq!((totals.idle, totals.opened, totals.closed), (0, 1, 1));
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
    });
}

#[test]
fn one_shot_opens_a_socket_for_each_request_and_says_that_it_is_the_last() {
    run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate).record_requests());
        let agent = Agent::one_shot();
        let mut asked = JoinSet::new();
        for _ in 0..10 {
            asked.spawn(fetch(&agent, origin.url("/")));
        }
        // All at once: no limit of sockets to an origin.
        origin.wait(|stats| stats.requests == 10).await;
        gate.open();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        fetch(&agent, origin.url("/")).await.unwrap();
        assert_eq!(origin.stats().accepted, 11);
        assert!(origin.requests().iter().all(|request| request.header("connection") == Some("close")));
        origin.wait(|stats| stats.open == 0).await;
        assert_eq!(at_rest(&agent).await.reused, 0);
    });
}

/// Such a server would leave a client that waits for it with an open socket.
#[test]
fn one_shot_closes_its_socket_also_if_the_server_does_not() {
    run(async |case: &Case| {
        let script = testkit::Script::new().request().send(testkit::ok("hello"));
        let origin = case.scripted(script);
        let agent = Agent::one_shot();
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
        origin.wait(|record| record.accepted() == 1 && record.open() == 0).await;
        assert_eq!(at_rest(&agent).await.closed, 1);
    });
}

#[test]
fn with_keep_alive_off_a_large_body_dropped_early_frees_its_place() {
    run(async |case: &Case| {
        let origin =
            case.plain(PlainOrigin::builder().at_most(1).reply(|_| Reply::ok(vec![b'x'; 1024 * 1024])));
        let agent = Agent::builder().keep_alive(false).max_sockets(1).build().unwrap();
        for _ in 0..5 {
            drop(agent.get(origin.url("/")).send().await.unwrap());
        }
        assert_eq!((origin.stats().peak_open, at_rest(&agent).await.done), (1, 5));
        origin.wait(|stats| stats.open == 0).await;
    });
}

//! A current-thread runtime that was used and is not driven any more holds up nobody elsewhere.

use keepalive::{Agent, CloseReason};
use testkit::{Case, Gate, PlainOrigin, Script, run, run_paused};
use tokio::task::JoinSet;
use tokio::time::advance;

use super::{MS, on_a_thread, runtime};
use crate::kit::{accounts, at_rest, fetch, polled, turns};

/// The request waited for ever for a dial that nobody drove.
#[test]
fn a_dial_on_a_runtime_that_nobody_drives_is_given_up_by_who_waits_elsewhere() {
    run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let limited = Agent::builder().max_sockets(1).queue_timeout(100 * MS).connect_timeout(100 * MS);
        let agent = limited.build().unwrap();
        let still = runtime();
        let entered = still.enter();
        drop(polled(fetch(&agent, origin.url("/"))));
        drop(entered);
        let error = fetch(&agent, origin.url("/")).await.unwrap_err();
        assert!(error.is_connect() && error.is_timeout(), "{error:?}");
        assert!(error.to_string().contains("the runtime it was begun on may not be running"), "{error}");
        still.shutdown_background();
        assert_eq!(at_rest(&agent).await.closed_by.get(&CloseReason::DialAborted), Some(&1));
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
    });
}

/// The one keeper lived on the first runtime, and time stood still when nobody drove that.
#[test]
fn an_offer_lapses_though_nobody_drives_the_first_runtime() {
    run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate).record_requests());
        let agent = Agent::builder().max_sockets(1).build().unwrap();
        gate.release(1);
        let first = runtime();
        on_a_thread(|| first.block_on(fetch(&agent, origin.url("/first")))).unwrap();
        let mut asked = JoinSet::new();
        asked.spawn(polled(fetch(&agent, origin.url("/holder"))));
        let parked = polled(fetch(&agent, origin.url("/parked")));
        asked.spawn(polled(fetch(&agent, origin.url("/next"))));
        origin.wait(|stats| stats.requests == 2).await;
        gate.open();
        assert_eq!(asked.join_next().await.unwrap().unwrap().unwrap(), "hello");
        turns().await;
        advance(100 * MS).await;
        assert_eq!(asked.join_next().await.unwrap().unwrap().unwrap(), "hello");
        assert_eq!(origin.requests()[2].target, "/next");
        drop(parked);
        first.shutdown_background();
    });
}

/// The error blamed a response body although that had been dropped.
#[test]
fn a_dropped_body_that_an_undriven_runtime_reads_off_is_not_called_unread() {
    run_paused(async |case: &Case| {
        let half = Script::new().request().send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
        let origin = case.scripted(half);
        let agent = Agent::builder().max_sockets(1).queue_timeout(1000 * MS).build().unwrap();
        let still = runtime();
        let request = agent.get(origin.url("/"));
        on_a_thread(|| still.block_on(async { drop(request.send().await.unwrap()) }));
        assert_eq!(accounts(&agent).draining, 1);
        let waits = tokio::spawn(polled(fetch(&agent, origin.url("/"))));
        turns().await;
        advance(1000 * MS).await;
        let error = waits.await.unwrap().unwrap_err();
        assert!(error.is_timeout() && error.to_string().contains("all 1 sockets are in use"), "{error}");
        still.shutdown_background();
        assert_eq!(at_rest(&agent).await.opened, 1);
    });
}

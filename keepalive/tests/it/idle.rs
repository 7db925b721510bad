//! Idle sockets that are good for nothing any more, and what the next request notices of it: nothing.

use std::time::Duration;

use keepalive::{Agent, CloseReason};
use testkit::{Case, Gate, PlainOrigin, Script, ScriptedOrigin, ok};
use tokio::task::JoinSet;

use super::wire;
use crate::kit::{accounts, at_rest, fetch, info, poll, polled, turns, until};

/// An origin that answers once, then does this at the signal `now`, and serves its second connection well.
fn goes_bad(case: &Case, end: impl FnOnce(Script) -> Script) -> ScriptedOrigin {
    let bad = end(Script::new().request().send(ok("first")).signal("now"));
    let good = Script::new().request().send(ok("again")).repeat();
    case.scripted(ScriptedOrigin::builder().connection(bad).connection(good))
}

/// Waits, without any request, until the idle socket is gone; then a request must not notice.
async fn leaves_by_itself(origin: &ScriptedOrigin, reason: CloseReason) {
    let agent = wire::agent();
    assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "first");
    turns().await;
    assert_eq!(accounts(&agent).idle, 1, "nothing has happened to it yet");
    origin.signal("now");
    until(&agent, |totals| totals.closed == 1).await;
    let totals = accounts(&agent);
    assert_eq!((totals.idle, totals.closed_by.get(&reason)), (0, Some(&1)), "{totals:#?}");
    assert!(agent.status().origins.is_empty());
    origin.wait(|record| record.open() == 0).await;
    assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "again");
    assert_eq!((origin.record().accepted(), at_rest(&agent).await.failed), (2, 0));
}

#[test]
fn a_socket_the_server_closes_goes_away_without_a_request() {
    wire::run(async |case: &Case| {
        leaves_by_itself(&goes_bad(case, Script::close), CloseReason::ClosedByServer).await;
    });
}

#[test]
fn a_socket_the_server_resets_goes_away_without_a_request() {
    wire::run(async |case: &Case| {
        leaves_by_itself(&goes_bad(case, Script::reset), CloseReason::ClosedByServer).await;
    });
}

#[test]
fn a_socket_the_server_half_closes_goes_away_without_a_request() {
    wire::run(async |case: &Case| {
        leaves_by_itself(&goes_bad(case, Script::half_close), CloseReason::ClosedByServer).await;
    });
}

#[test]
fn a_socket_with_unsolicited_bytes_goes_away_without_a_request() {
    let timeout = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    wire::run(async |case: &Case| {
        leaves_by_itself(&goes_bad(case, |script| script.send(timeout)), CloseReason::UnsolicitedBytes).await;
        let bytes_and_end = goes_bad(case, |script| script.send(timeout).close());
        leaves_by_itself(&bytes_and_end, CloseReason::UnsolicitedBytes).await;
    });
}

/// Keeps the client's runtime from noticing anything, until the server says that it is done.
fn meanwhile(origin: &ScriptedOrigin) {
    origin.signal("now");
    while origin.record().open() > 0 {
        std::thread::yield_now();
    }
}

#[test]
fn a_socket_found_dead_by_a_request_costs_the_request_nothing() {
    wire::run(async |case: &Case| {
        for end in [Script::close, Script::reset] {
            let origin = goes_bad(case, end);
            let agent = wire::agent();
            assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "first");
            meanwhile(&origin);
            assert_eq!(agent.status().totals.idle, 1, "no task of the agent has run since");
            // A POST must not be sent twice: it has to be kept from a socket that is known to be dead.
            let response = agent.post(origin.url("/")).body("x").send().await.unwrap();
            let second = info(&response);
            assert_eq!((second.reused, second.request_number, second.attempts), (false, 1, 1));
            assert_eq!(response.text().await.unwrap(), "again");
            let record = origin.record();
            assert_eq!((record.accepted(), record.requests().len()), (2, 2));
            let totals = at_rest(&agent).await;
            assert_eq!((totals.requests, totals.done, totals.failed), (2, 2, 0));
            assert_eq!(totals.closed_by.get(&CloseReason::ClosedByServer), Some(&1));
        }
    });
}

/// By the keeper, and by a request that is faster than it.
#[test]
fn the_idle_age_at_which_the_server_closes_is_shown_also_after_the_origin_was_left() {
    wire::run_paused(async |case: &Case| {
        for found_by_a_request in [false, true] {
            let origin = goes_bad(case, Script::close);
            let agent = wire::agent();
            assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "first");
            assert_eq!(agent.status().origins[0].server_idle_limit, None);
            tokio::time::advance(Duration::from_secs(6)).await;
            turns().await;
            if found_by_a_request {
                meanwhile(&origin);
            } else {
                origin.signal("now");
                until(&agent, |totals| totals.closed == 1).await;
                assert!(agent.status().origins.is_empty());
            }
            assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "again");
            let limit = agent.status().origins[0].server_idle_limit.expect("the server closed one");
            // The keeper's sleep may end a timer's tick late.
            assert!((6_000..6_100).contains(&limit.as_millis()), "{limit:?}");
            assert_eq!(accounts(&agent).closed_by.get(&CloseReason::ClosedByServer), Some(&1));
        }
    });
}

/// Its place is before all that came after it, also if it has to wait for another socket.
#[test]
fn a_request_that_found_its_socket_dead_is_not_overtaken() {
    wire::run_paused(async |case: &Case| {
        let bad = Script::new().request().send(ok("first")).signal("now").close();
        let good = Script::new().request().send(ok("again")).repeat();
        let origin = case.scripted(ScriptedOrigin::builder().connection(bad).connection(good));
        let agent = wire::builder().max_sockets(1).build().unwrap();
        let first = polled(fetch(&agent, origin.url("/")));
        let mut waiting: Vec<_> =
            (0..4).map(|n| polled(fetch(&agent, origin.url(&format!("/{n}"))))).collect();
        assert_eq!(first.await.unwrap(), "first");
        // The oldest of those who wait has been offered a socket that dies before it is polled.
        assert_eq!((accounts(&agent).active, accounts(&agent).waiting), (1, 4));
        meanwhile(&origin);
        assert!(poll(&mut waiting[0]).is_pending());
        let mut asked = JoinSet::new();
        while let Some(waiter) = waiting.pop() {
            asked.spawn(waiter);
        }
        for text in asked.join_all().await {
            assert_eq!(text.unwrap(), "again");
        }
        let record = origin.record();
        let order: Vec<_> = record.requests().iter().map(|request| request.target.clone()).collect();
        assert_eq!(order, ["/", "/0", "/1", "/2", "/3"]);
        assert_eq!(accounts(&agent).failed, 0);
    });
}

/// The server closes after each response and does not say so: a request may meet the close on its way.
#[test]
fn a_server_that_hangs_up_without_a_word_spoils_nothing_that_may_not_be_sent_again() {
    wire::run(async |case: &Case| {
        for at_once in [1, 10] {
            let origin = case.plain(PlainOrigin::builder().at_most(at_once.min(3)).close_idle_after(1));
            let agent = wire::builder().max_sockets(3).build().unwrap();
            let mut workers = JoinSet::new();
            for _ in 0..at_once {
                let (agent, url) = (agent.clone(), origin.url("/"));
                workers.spawn(async move { served_or_stale(&agent, &url, 200 / at_once).await });
            }
            let stale: u64 = workers.join_all().await.into_iter().sum();
            eprintln!("{stale} of 200 requests met a close, {at_once} at once");
            let totals = at_rest(&agent).await;
            assert_eq!((totals.done, totals.failed), (200 - stale, stale));
            assert!(origin.stats().peak_open <= at_once.min(3));
        }
    });
}

/// Sends that many requests one after the other and counts those that met a close.
async fn served_or_stale(agent: &Agent, url: &str, requests: usize) -> u64 {
    let mut stale = 0;
    for n in 0..requests {
        match fetch(agent, url.to_owned()).await {
            Ok(text) => assert_eq!(text, "hello"),
            Err(error) => {
                assert!(error.is_stale() && error.safe_to_retry(), "request {n}: {error:?}");
                assert!(error.reused_connection() && error.idle_for().is_some() && error.bytes_read() == 0);
                stale += 1;
            }
        }
    }
    stale
}

#[cfg(target_os = "linux")] // an address that no other test's sockets use
#[test]
fn a_server_that_restarts_costs_no_request() {
    wire::run(async |case: &Case| {
        let gate = Gate::new();
        let old = case.plain(PlainOrigin::builder().bind("127.0.0.81:0").gate(&gate));
        let (address, url) = (old.addr().to_string(), old.url("/"));
        let agent = wire::agent();
        let mut asked = JoinSet::new();
        (0..5).for_each(|_| drop(asked.spawn(fetch(&agent, url.clone()))));
        old.wait(|stats| stats.requests == 5).await;
        gate.open();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        assert_eq!(at_rest(&agent).await.idle, 5);
        old.stop();
        let new = case.plain(PlainOrigin::builder().bind(address));
        // The client's runtime has not run since: all five are dead and stand there as idle.
        assert_eq!(agent.status().totals.idle, 5);
        assert_eq!(agent.post(url).body("x").send().await.unwrap().text().await.unwrap(), "hello");
        assert_eq!((new.stats().requests, at_rest(&agent).await.failed), (1, 0));
        until(&agent, |totals| totals.idle == 1).await;
    });
}

#[test]
fn close_idle_closes_idle_sockets_only() {
    wire::run(async |case: &Case| {
        let gate = Gate::new();
        let held = case.plain(PlainOrigin::builder().gate(&gate));
        let free = case.plain(PlainOrigin::builder());
        let agent = wire::agent();
        let mut asked = JoinSet::new();
        asked.spawn(fetch(&agent, held.url("/")));
        fetch(&agent, free.url("/")).await.unwrap();
        held.wait(|stats| stats.requests == 1).await;
        agent.close_idle();
        let totals = accounts(&agent);
        assert_eq!((totals.idle, totals.closed_by.get(&CloseReason::CloseIdle)), (0, Some(&1)));
        free.wait(|stats| stats.open == 0).await;
        gate.open();
        assert!(asked.join_next().await.unwrap().unwrap().is_ok());
        fetch(&agent, held.url("/")).await.unwrap();
        fetch(&agent, free.url("/")).await.unwrap();
        assert_eq!((held.stats().accepted, free.stats().accepted), (1, 2));
    });
}

#[test]
fn an_idle_socket_outlives_any_silence() {
    wire::run_paused(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = wire::agent();
        for _ in 0..3 {
            fetch(&agent, origin.url("/")).await.unwrap();
            tokio::time::advance(Duration::from_secs(14)).await;
            turns().await;
        }
        assert_eq!((origin.stats().accepted, accounts(&agent).idle), (1, 1));
    });
}

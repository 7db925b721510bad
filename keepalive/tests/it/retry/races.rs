//! Servers that close idle connections at the worst moments, and one that restarts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use keepalive::CloseReason;
use testkit::{Case, PlainOrigin, Reply, Script, ScriptedOrigin, ok};
use tokio::task::JoinSet;

use super::wire;
use crate::kit::{accounts, at_rest, closed_by, fetch, polled, until};

/// Closes after each answer without saying so: sometimes before the next request is written, sometimes
/// while it is, sometimes after.
#[test]
fn gets_all_succeed_against_a_server_that_closes_after_each_answer() {
    wire::run_threads(2, async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder().at_most(4).close_idle_after(1));
        let agent = wire::builder().max_sockets(4).build().unwrap();
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let (agent, url) = (agent.clone(), origin.url("/"));
            tasks.spawn(async move {
                for _ in 0..200 {
                    assert_eq!(fetch(&agent, url.clone()).await.unwrap(), "hello");
                }
            });
        }
        while let Some(task) = tasks.join_next().await {
            task.unwrap();
        }
        let totals = at_rest(&agent).await;
        assert_eq!((totals.done, totals.failed), (1600, 0));
        let stats = origin.stats();
        // A retry is a request the server never got to read, or read and dropped.
        assert!(stats.peak_open <= 4, "{stats:?}");
        let stale = totals.closed_by.get(&CloseReason::Stale).copied().unwrap_or(0);
        // With HTTP/2 it is the connection's task that tells how it ended.
        assert!(totals.retried <= if wire::HTTP2 { totals.closed } else { stale }, "{totals:?}");
    });
}

/// Each POST carries a token of its own; the server counts how often it saw each.
#[test]
fn a_post_is_executed_at_most_once_and_the_error_says_so() {
    wire::run_threads(2, async |case: &Case| {
        let seen = Arc::new(Mutex::new(HashMap::<String, usize>::new()));
        let counts = Arc::clone(&seen);
        let origin = case.plain(PlainOrigin::builder().close_idle_after(1).reply(move |request| {
            let token = String::from_utf8(request.body.clone()).unwrap();
            *counts.lock().unwrap().entry(token.clone()).or_default() += 1;
            Reply::ok(token)
        }));
        let agent = wire::builder().max_sockets(4).build().unwrap();
        let mut tasks = JoinSet::new();
        for task in 0..8 {
            let (agent, url) = (agent.clone(), origin.url("/"));
            tasks.spawn(async move {
                let mut failed = 0;
                for number in 0..100 {
                    let token = format!("{task}-{number}");
                    match agent.post(url.clone()).body(token.clone()).send().await {
                        Ok(response) => assert_eq!(response.text().await.unwrap(), token),
                        Err(error) => {
                            assert!(error.is_stale() && !error.safe_to_retry(), "{error:?}");
                            assert!(error.to_string().contains("may have executed it"), "{error}");
                            failed += 1;
                        }
                    }
                    // With a key it always gets there, twice at most.
                    let request = agent.post(url.clone()).header("idempotency-key", &token);
                    let response = request.body(format!("{token} with key")).send().await.unwrap();
                    assert_eq!(response.text().await.unwrap(), format!("{token} with key"));
                }
                failed
            });
        }
        let mut failed = 0;
        while let Some(task) = tasks.join_next().await {
            failed += task.unwrap();
        }
        for (token, count) in seen.lock().unwrap().iter() {
            let most = if token.ends_with("with key") { 2 } else { 1 };
            assert!(*count <= most, "{token} was executed {count} times");
        }
        let totals = at_rest(&agent).await;
        assert_eq!((totals.failed, totals.done), (failed, 1600 - failed));
    });
}

/// Every pooled socket is stale at once.
#[test]
fn a_restarted_server_costs_no_get() {
    wire::run_threads(2, async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let (address, url) = (origin.addr(), origin.url("/"));
        let agent = wire::builder().max_sockets(20).build().unwrap();
        for _ in 0..5 {
            let mut tasks = JoinSet::new();
            for _ in 0..40 {
                tasks.spawn(fetch(&agent, url.clone()));
            }
            while let Some(text) = tasks.join_next().await {
                assert_eq!(text.unwrap().unwrap(), "hello");
            }
        }
        let before = accounts(&agent).opened;
        origin.stop();
        let again = case.plain(PlainOrigin::builder().at_most(20).bind(address.to_string()));
        let mut tasks = JoinSet::new();
        for _ in 0..40 {
            tasks.spawn(fetch(&agent, url.clone()));
        }
        while let Some(text) = tasks.join_next().await {
            assert_eq!(text.unwrap().unwrap(), "hello");
        }
        let totals = at_rest(&agent).await;
        assert_eq!((totals.failed, totals.done), (0, 240));
        assert!(totals.opened > before && again.stats().peak_open <= 20);
    });
}

/// A restart takes the sockets with it that were dialled and never used, too: one that waited among the idle,
/// however short, is no server's answer. The GET failed.
#[test]
fn a_get_on_a_socket_that_was_parked_a_moment_ago_and_never_used_is_sent_once_more() {
    if wire::HTTP2 {
        // The script below is one of HTTP/1.1.
        return;
    }
    wire::run_paused(async |case: &Case| {
        let gone = Script::new().request().close();
        let good = Script::new().request().send(ok("good")).repeat();
        let origin = case.scripted(ScriptedOrigin::builder().connection(gone).otherwise(good));
        let agent = wire::agent();
        drop(polled(fetch(&agent, origin.url("/"))));
        until(&agent, |it| it.idle == 1).await;
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "good");
        let totals = at_rest(&agent).await;
        assert_eq!((totals.retried, totals.opened, totals.done), (1, 2, 1));
        assert_eq!(closed_by(&agent), [(CloseReason::Stale, 1)]);
    });
}

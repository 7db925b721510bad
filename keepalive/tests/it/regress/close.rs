//! `close()` comes to its end, whatever happens meanwhile.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keepalive::Agent;
use testkit::{Case, Gate, PlainOrigin, Script, run};
use tokio::task::JoinSet;

use super::HALF;
use crate::kit::{accounts, at_rest, fetch, info, poll, polled, turns};

/// The one who waited in `close()` was not told of an end that `destroy()` brought about.
#[test]
fn close_ends_though_the_agent_is_destroyed_while_it_waits() {
    run(async |case: &Case| {
        let origin = case.scripted(Script::new().request().send(HALF));
        let agent = Agent::new();
        let response = agent.get(origin.url("/")).send().await.unwrap();
        let closed = polled(agent.close());
        let waits = tokio::spawn(closed);
        agent.destroy();
        drop(response);
        waits.await.unwrap();
        assert_eq!((accounts(&agent).opened, accounts(&agent).closed), (1, 1));
    });
}

/// A destroyed agent never came to rest in the eyes of `close()`.
#[test]
fn close_after_destroy_ends_with_the_last_response() {
    run(async |case: &Case| {
        let origin = case.scripted(Script::new().request().send(HALF));
        let agent = Agent::new();
        let response = agent.get(origin.url("/")).send().await.unwrap();
        agent.destroy();
        let mut closed = polled(agent.close());
        turns().await;
        assert!(poll(&mut closed).is_pending(), "the response holds its socket");
        let waits = tokio::spawn(closed);
        drop(response);
        waits.await.unwrap();
        assert_eq!(accounts(&agent).closed, 1);
    });
}

/// The global agent is the whole process's, other tests included: this one runs in a process of its own.
#[test]
fn the_global_agent_closes_under_load() {
    let test = ["--exact", "regress::close::alone_the_global_agent_closes_under_load", "--ignored"];
    let output = Command::new(std::env::current_exe().unwrap()).args(test).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// `close()` waited until no socket was open, which under load never was.
#[test]
#[ignore = "run by the_global_agent_closes_under_load"]
fn alone_the_global_agent_closes_under_load() {
    // Without the fixture, which would find the sockets that the agent keeps.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let agent = Agent::global();
    let limit = std::time::Duration::from_secs(20);
    runtime.block_on(async { tokio::time::timeout(limit, under_load(agent)).await.unwrap() });
    runtime.block_on(async { tokio::time::timeout(limit, polled_late(agent)).await.unwrap() });
}

async fn under_load(agent: &'static Agent) {
    let origin = PlainOrigin::new();
    let stop = Arc::new(AtomicBool::new(false));
    let mut load = JoinSet::new();
    for _ in 0..4 {
        let (stop, url) = (Arc::clone(&stop), origin.url("/"));
        load.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(fetch(agent, url.clone()).await.unwrap(), "hello");
            }
        });
    }
    origin.wait(|stats| stats.requests >= 50).await;
    // Sockets are numbered from 1 in the order in which they are opened.
    let old = accounts(agent).opened;
    agent.close().await;
    assert!(accounts(agent).closed >= old);
    for _ in 0..20 {
        let response = agent.get(origin.url("/")).send().await.unwrap();
        assert!(info(&response).socket_id > old);
    }
    stop.store(true, Ordering::Relaxed);
    load.join_all().await;
    assert!(at_rest(agent).await.idle > 0, "sockets opened later are kept");
    let opened = accounts(agent).opened;
    let response = agent.get(origin.url("/")).send().await.unwrap();
    assert!(info(&response).reused && accounts(agent).opened == opened);
}

/// The future of a `close()` that was over before its first poll waited for the sockets of later requests.
async fn polled_late(agent: &'static Agent) {
    let closed = agent.close();
    at_rest(agent).await;
    let gate = Gate::new();
    let origin = PlainOrigin::builder().gate(&gate).start();
    let under_way = tokio::spawn(polled(fetch(agent, origin.url("/"))));
    origin.wait(|stats| stats.requests == 1).await;
    closed.await;
    gate.open();
    assert_eq!(under_way.await.unwrap().unwrap(), "hello");
}

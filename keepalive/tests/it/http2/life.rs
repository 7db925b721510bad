//! The life of a connection with many requests: idle, old, worn out, closed, destroyed, dropped.

use std::pin::pin;
use std::time::Duration;

use keepalive::{Agent, CloseReason, Error};
use testkit::{Case, Frame, Gate, PlainOrigin, Reply};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::advance;

use super::{Cue, agent, builder, frames, plain};
use crate::kit::{
    at_rest, closed_by, eventually, fetch, info, poll_once, polled, turns, until, within_polls,
};

/// That many requests on one connection, held by the gate.
async fn held(agent: &Agent, origin: &PlainOrigin, requests: usize) -> JoinSet<Result<String, Error>> {
    let mut asked = JoinSet::new();
    let before = origin.stats().requests;
    (0..requests).for_each(|_| drop(asked.spawn(fetch(agent, origin.url("/")))));
    origin.wait(|stats| stats.requests == before + requests).await;
    asked
}

#[test]
fn an_idle_connection_that_its_server_closes_is_noticed_without_a_request() {
    testkit::run(async |case: &Case| {
        for politely in [false, true] {
            let origin = frames(case, move |mut peer| async move {
                let stream = peer.request().await?;
                peer.answer(stream, "hello").await?;
                if politely {
                    peer.send(&Frame::go_away(stream, 0)).await?;
                }
                Ok(())
            });
            let agent = agent();
            fetch(&agent, origin.url("/")).await.unwrap();
            until(&agent, |totals| totals.idle == 0 && totals.closed == 1).await;
            let reason = if politely { CloseReason::GoAway } else { CloseReason::ClosedByServer };
            assert_eq!(closed_by(&agent), [(reason, 1)]);
        }
    });
}

#[test]
fn idle_time_age_and_requests_are_limited() {
    testkit::run_paused(async |case: &Case| {
        let s = Duration::from_secs(1);
        let gate = Gate::new();
        let origin = case.plain(plain().gate(&gate));
        let idle = builder().free_socket_timeout(5 * s).build().unwrap();
        let old = builder().max_socket_age(5 * s).free_socket_timeout(None).build().unwrap();
        let mut asked = held(&idle, &origin, 3).await;
        let mut others = held(&old, &origin, 3).await;
        advance(6 * s).await;
        turns().await;
        assert_eq!((idle.status().totals.closed, old.status().totals.closed), (0, 0), "they are in use");
        gate.release(6);
        while let Some(text) = asked.join_next().await {
            assert_eq!(text.unwrap().unwrap(), "hello");
        }
        while let Some(text) = others.join_next().await {
            assert_eq!(text.unwrap().unwrap(), "hello");
        }
        assert_eq!((at_rest(&idle).await.idle, at_rest(&old).await.idle), (1, 0));
        assert_eq!(closed_by(&old), [(CloseReason::MaxAge, 1)]);
        advance(4 * s).await;
        turns().await;
        assert_eq!(idle.status().totals.idle, 1);
        advance(2 * s).await;
        until(&idle, |totals| totals.closed == 1).await;
        assert_eq!(closed_by(&idle), [(CloseReason::IdleTimeout, 1)]);
    });
}

#[test]
fn a_connection_carries_no_more_requests_than_allowed_and_finishes_those() {
    testkit::run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(plain().gate(&gate));
        let agent = builder().max_requests_per_socket(3).max_sockets(2).build().unwrap();
        let mut asked = JoinSet::new();
        (0..8).for_each(|_| drop(asked.spawn(fetch(&agent, origin.url("/")))));
        origin.wait(|stats| stats.requests == 6).await;
        turns().await;
        assert_eq!((origin.stats().requests, origin.stats().accepted), (6, 2));
        gate.open();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        let totals = at_rest(&agent).await;
        assert_eq!((totals.done, totals.opened), (8, 3));
        assert_eq!((origin.stats().peak_open, origin.stats().peak_streams), (2, 3));
        assert_eq!(totals.closed_by[&CloseReason::MaxRequests], 2);
    });
}

#[test]
fn close_waits_for_the_streams_and_close_idle_spares_them() {
    testkit::run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(plain().gate(&gate));
        let agent = agent();
        let asked = held(&agent, &origin, 4).await;
        agent.close_idle();
        turns().await;
        assert_eq!(agent.status().totals.active, 1);
        let mut closed = pin!(agent.close());
        assert!(poll_once(&mut closed).await.is_none());
        assert!(fetch(&agent, origin.url("/")).await.unwrap_err().is_agent_closed());
        gate.open();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        closed.await;
        assert_eq!(closed_by(&agent), [(CloseReason::AgentClosed, 1)]);
        assert_eq!(agent.status().totals.done, 4);
    });
}

/// Its goodbye is not taken: it waits a second for that, and no longer.
#[test]
fn close_does_not_wait_for_a_server_that_does_not_listen() {
    testkit::run_paused(async |case: &Case| {
        let cue = Cue::new();
        let come = cue.clone();
        let origin = frames(case, move |mut peer| {
            let cue = come.clone();
            async move {
                let stream = peer.request().await?;
                peer.answer(stream, "hello").await?;
                // Open, and nobody reads.
                cue.come().await;
                peer.rest().await
            }
        });
        let agent = agent();
        fetch(&agent, origin.url("/")).await.unwrap();
        let mut closed = pin!(agent.close());
        for _ in 0..20 {
            if poll_once(&mut closed).await.is_some() {
                assert_eq!(closed_by(&agent), [(CloseReason::AgentClosed, 1)]);
                return cue.give();
            }
            turns().await;
            advance(Duration::from_millis(100)).await;
        }
        panic!("close() waits for ever: {:#?}", agent.status());
    });
}

#[test]
fn destroy_ends_all_streams_at_once_and_they_say_so() {
    testkit::run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(plain().gate(&gate).max_streams(4));
        let agent = builder().max_sockets(1).build().unwrap();
        let mut asked = held(&agent, &origin, 4).await;
        (0..3).for_each(|_| drop(asked.spawn(fetch(&agent, origin.url("/")))));
        until(&agent, |totals| totals.queued == 3).await;
        agent.destroy();
        for failed in asked.join_all().await {
            assert!(failed.unwrap_err().is_destroyed());
        }
        let totals = at_rest(&agent).await;
        assert_eq!((totals.failed, totals.streams), (7, 0));
        assert_eq!(closed_by(&agent), [(CloseReason::Destroyed, 1)]);
        origin.wait(|stats| stats.open == 0).await;
    });
}

#[test]
fn streams_finish_after_their_agent_was_dropped() {
    testkit::run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(plain().gate(&gate));
        let agent = agent();
        let asked = held(&agent, &origin, 4).await;
        drop(agent);
        gate.open();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        origin.wait(|stats| stats.open == 0).await;
    });
}

/// In the queue, on the way, at the head, in the body: nothing of it is left.
#[test]
fn a_request_dropped_after_any_poll_leaves_nothing() {
    testkit::run(async |case: &Case| {
        let large = vec![b'x'; 1 << 20];
        let origin = case.plain(plain().reply(|request| Reply::ok(request.body.clone())));
        let agent = builder().max_sockets(1).max_streams_per_socket(2).build().unwrap();
        for polls in 1..60 {
            let url = origin.url("/");
            let work = {
                let request = agent.post(url.clone()).body(large.clone());
                async move { request.send().await.unwrap().bytes().await.unwrap().len() }
            };
            // One in front of it, so that every second one has to wait.
            let other = (polls % 2 == 0).then(|| polled(fetch(&agent, url.clone())));
            if within_polls(polls, work).await.is_some() {
                assert!(polls > 2);
            }
            drop(other);
            let totals = at_rest(&agent).await;
            assert_eq!((totals.streams, totals.running), (0, 0), "after {polls}");
        }
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "");
        assert_eq!(agent.status().totals.opened, 1);
    });
}

#[test]
fn a_body_dropped_midway_resets_its_stream_and_nothing_else() {
    testkit::run(async |case: &Case| {
        let origin = case.plain(plain().reply(|_| Reply::ok(vec![b'x'; 4 << 20])));
        let agent = builder().max_sockets(1).build().unwrap();
        for n in 1..=10 {
            let response = agent.get(origin.url("/")).send().await.unwrap();
            assert_eq!(info(&response).request_number, n);
            drop(response);
        }
        let totals = at_rest(&agent).await;
        assert_eq!((totals.opened, totals.done, totals.streams, totals.idle), (1, 10, 0, 1));
        origin.wait(|stats| stats.streams == 0).await;
    });
}

/// The connection's task dies with the runtime that it was begun on; whoever is elsewhere gets an error, or
/// another connection.
#[test]
fn a_runtime_that_ends_takes_its_connections_along() {
    testkit::run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(plain().gate(&gate));
        let agent = agent();
        gate.release(1);
        let (first, url) = (agent.clone(), origin.url("/"));
        let other = std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            assert_eq!(runtime.block_on(fetch(&first, url.clone())).unwrap(), "hello");
            // One that is under way when it ends.
            let asked = runtime.spawn(fetch(&first, url));
            runtime.block_on(eventually(|| first.status().totals.running == 1));
            drop(asked);
        });
        tokio::task::spawn_blocking(move || other.join().unwrap()).await.unwrap();
        let totals = at_rest(&agent).await;
        assert_eq!((totals.opened, totals.closed, totals.streams), (1, 1, 0));
        gate.open();
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
        assert_eq!(at_rest(&agent).await.opened, 2);
    });
}

#[test]
fn one_connection_serves_several_runtimes() {
    testkit::run_threads(2, async |case: &Case| {
        let origin = case.plain(plain());
        let agent = agent();
        fetch(&agent, origin.url("/")).await.unwrap();
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let (agent, url) = (agent.clone(), origin.url("/"));
                tokio::task::spawn_blocking(move || {
                    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                    runtime.block_on(async {
                        for _ in 0..30 {
                            assert_eq!(fetch(&agent, url.clone()).await.unwrap(), "hello");
                        }
                    });
                })
            })
            .collect();
        for thread in threads {
            thread.await.unwrap();
        }
        let totals = at_rest(&agent).await;
        assert_eq!((totals.opened, totals.done), (1, 91));
    });
}

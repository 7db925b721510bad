//! Dropping a request or a body at any point leaks nothing and holds nobody up.

#[path = "cancel/aborts.rs"]
mod aborts;
#[path = "cancel/phases.rs"]
mod phases;
#[path = "cancel/polls.rs"]
mod polls;

use std::time::Duration;

use keepalive::CloseReason;
use testkit::{Case, Gate, PlainOrigin, Reply, Script, ScriptedOrigin, ok};
use tokio::task::JoinSet;

use super::wire;
use crate::kit::{accounts, at_rest, fetch, poll, polled, turns, until};

#[test]
fn a_future_that_is_never_polled_does_nothing() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = wire::agent();
        let request = agent.get(origin.url("/")).build().unwrap();
        let (future, sending) = (agent.request(request), agent.get(origin.url("/")).send());
        turns().await;
        let totals = accounts(&agent);
        assert_eq!((totals.requests, totals.opened, origin.stats().accepted), (0, 0, 0));
        drop((future, sending));
        assert_eq!(accounts(&agent).cancelled, 0);
    });
}

#[test]
fn a_cancelled_waiter_is_out_of_the_queue_at_once() {
    wire::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = wire::builder().max_sockets(1).build().unwrap();
        let holder = polled(fetch(&agent, origin.url("/")));
        let mut waiters: Vec<_> = (0..100).map(|_| polled(fetch(&agent, origin.url("/")))).collect();
        for left in (0..100).rev() {
            drop(waiters.swap_remove(left / 2));
            let status = agent.status();
            assert_eq!((status.origins[0].queued, status.totals.cancelled), (left, 100 - left as u64));
        }
        gate.open();
        assert_eq!(holder.await.unwrap(), "hello");
        assert_eq!(origin.stats().requests, 1, "no cancelled request is sent");
    });
}

/// Nothing tells the client's side of a socket in use what the server has in mind for it: it is closed.
#[test]
fn a_request_dropped_while_the_server_works_closes_its_socket_and_frees_its_place() {
    wire::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().at_most(1).gate(&gate));
        let agent = wire::builder().max_sockets(1).build().unwrap();
        let mut worked_on = polled(fetch(&agent, origin.url("/")));
        until(&agent, |totals| totals.active == 1).await;
        assert!(poll(&mut worked_on).is_pending());
        origin.wait(|stats| stats.requests == 1).await;
        let next = polled(fetch(&agent, origin.url("/")));
        drop(worked_on);
        assert_eq!(accounts(&agent).closed_by.get(&CloseReason::Cancelled), Some(&1));
        // The server sees the one end and the other come.
        origin.wait(|stats| (stats.accepted, stats.open) == (2, 1)).await;
        gate.open();
        assert_eq!(next.await.unwrap(), "hello");
        assert_eq!((origin.stats().accepted, origin.stats().peak_open), (2, 1));
    });
}

/// A future in a `select!` whose other arm is at work is not polled: the socket it was offered goes on.
#[test]
fn an_offer_that_nobody_polls_for_goes_to_the_next_after_100_ms() {
    wire::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate).record_requests());
        let agent = wire::builder().max_sockets(1).build().unwrap();
        let first = polled(fetch(&agent, origin.url("/first")));
        let parked = polled(fetch(&agent, origin.url("/parked")));
        let mut asked = JoinSet::new();
        asked.spawn(polled(fetch(&agent, origin.url("/next"))));
        gate.release(1);
        assert_eq!(first.await.unwrap(), "hello");
        tokio::time::advance(Duration::from_millis(99)).await;
        turns().await;
        assert_eq!(
            (agent.status().totals.waiting, origin.stats().requests),
            (2, 1),
            "it may still be polled"
        );
        tokio::time::advance(Duration::from_millis(1)).await;
        origin.wait(|stats| stats.requests == 2).await;
        assert_eq!(agent.status().totals.waiting, 1, "the parked one has kept its place");
        // Behind it nobody waits any more; but whoever asks now is younger.
        let younger = polled(fetch(&agent, origin.url("/younger")));
        let mut parked = parked;
        assert!(poll(&mut parked).is_pending());
        asked.spawn(younger);
        asked.spawn(parked);
        gate.open();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        let order: Vec<_> = origin.requests().into_iter().map(|request| request.target).collect();
        assert_eq!(order, ["/first", "/next", "/parked", "/younger"]);
        assert_eq!(origin.stats().accepted, 1);
    });
}

/// Runs it on a thread that no runtime knows.
fn outside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap())
}

#[test]
fn futures_may_be_dropped_outside_the_runtime() {
    wire::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = wire::builder().max_sockets(1).build().unwrap();
        let mut in_flight = polled(fetch(&agent, origin.url("/")));
        until(&agent, |totals| totals.active == 1).await;
        assert!(poll(&mut in_flight).is_pending());
        let (queued, last) = (polled(fetch(&agent, origin.url("/"))), polled(fetch(&agent, origin.url("/"))));
        outside(move || drop(queued));
        assert_eq!((accounts(&agent).cancelled, accounts(&agent).waiting), (1, 1));
        outside(move || drop(in_flight));
        assert_eq!(accounts(&agent).cancelled, 2);
        gate.open();
        assert_eq!(last.await.unwrap(), "hello");
        assert_eq!(at_rest(&agent).await.done, 1);
    });
}

#[test]
fn bodies_may_be_dropped_outside_the_runtime() {
    wire::run(async |case: &Case| {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\nand the rest comes never";
        let whole = ok(vec![b'x'; 100_000]);
        let scripts = [Script::new().request().send(head), Script::new().request().send(whole).repeat()];
        for (script, idle) in scripts.into_iter().zip([0, 1]) {
            let origin = case.scripted(ScriptedOrigin::builder().connection(script));
            let agent = wire::agent();
            let mut response = agent.get(origin.url("/")).send().await.unwrap();
            if idle == 1 {
                // Nearly all of it is read; what is left is in the socket, for sure.
                let mut read = 0;
                while read < 99_000 {
                    read += response.chunk().await.unwrap().unwrap().len();
                }
            }
            outside(move || drop(response));
            let totals = accounts(&agent);
            assert_eq!(
                (totals.active, totals.draining, totals.done),
                (0, 0, 1),
                "nobody is there to read on"
            );
            assert_eq!(totals.idle, idle);
            assert_eq!(totals.closed_by.contains_key(&CloseReason::BodyNotDrained), idle == 0);
        }
    });
}

#[test]
fn requests_go_on_after_the_agent_was_dropped() {
    wire::run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate).reply(|_| Reply::ok(vec![b'x'; 500_000])));
        let agent = wire::builder().max_sockets(1).build().unwrap();
        let mut asked = JoinSet::new();
        for _ in 0..3 {
            let request = agent.get(origin.url("/")).build().unwrap();
            let mut future = polled(agent.request(request));
            asked.spawn(async move { future.as_mut().await?.into_body().bytes().await });
        }
        origin.wait(|stats| stats.requests == 1).await;
        drop(agent);
        gate.open();
        for body in asked.join_all().await {
            assert_eq!(body.unwrap().len(), 500_000);
        }
        // The queue was served on one socket, which is closed with the last body.
        origin.wait(|stats| stats.open == 0).await;
        assert_eq!((origin.stats().accepted, origin.stats().requests), (1, 3));
    });
}

#[test]
fn idle_sockets_are_closed_when_the_last_handle_is_dropped_though_requests_go_on() {
    wire::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let (idle, busy) =
            (case.plain(PlainOrigin::builder()), case.plain(PlainOrigin::builder().gate(&gate)));
        let agent = wire::agent();
        let clone = agent.clone();
        fetch(&agent, idle.url("/")).await.unwrap();
        let request = agent.get(busy.url("/")).build().unwrap();
        let mut asked = JoinSet::new();
        asked.spawn(polled(agent.request(request)));
        busy.wait(|stats| stats.requests == 1).await;
        drop(agent);
        turns().await;
        assert_eq!((idle.stats().open, clone.status().totals.idle), (1, 1), "a clone is the same agent");
        drop(clone);
        idle.wait(|stats| stats.open == 0).await;
        assert_eq!(busy.stats().open, 1);
        gate.open();
        assert!(asked.join_next().await.unwrap().unwrap().is_ok());
        busy.wait(|stats| stats.open == 0).await;
    });
}

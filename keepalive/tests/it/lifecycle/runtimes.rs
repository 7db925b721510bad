//! One agent and several runtimes: none, one after the other, several at once.

use std::time::Duration;

use keepalive::{Agent, Body, CloseReason};
use testkit::{Case, Gate, PlainOrigin, Script, ScriptedOrigin, ok};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use super::wire::{self, SCHEME};
use crate::kit::{accounts, at_rest, fetch, info, poll, polled, turns, until};
use crate::runtimes::{after_the_end_of, block_on, on_a_thread};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Runs the future on a thread with a runtime of its own, which ends with it.
fn elsewhere<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| scope.spawn(|| runtime().block_on(work)).join().unwrap())
}

#[test]
fn an_agent_needs_no_runtime_until_a_request_is_polled() {
    let agent = wire::builder().max_sockets(3).build().unwrap();
    agent.set_max_sockets(4).unwrap();
    agent.close_idle();
    assert_eq!(accounts(&agent).opened, 0);
    assert!(poll(&mut Box::pin(agent.close())).is_ready(), "nothing is open");
    agent.destroy();
    drop((agent, wire::agent(), Agent::one_shot()));
}

#[test]
fn a_request_polled_outside_a_runtime_is_an_error_and_not_a_panic() {
    let agent = wire::agent();
    let request = http::Request::get("http://127.0.0.1:1/").body(Body::empty()).unwrap();
    let std::task::Poll::Ready(Err(error)) = poll(&mut Box::pin(agent.request(request))) else {
        panic!("it must be ready with an error");
    };
    assert!(error.is_request(), "{error:?}");
    assert!(error.to_string().contains("tokio runtime"), "{error}");
    assert_eq!((accounts(&agent).requests, accounts(&agent).failed, accounts(&agent).opened), (1, 1, 0));
}

#[test]
fn an_idle_socket_outlives_the_runtime_that_opened_it() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = wire::agent();
        for n in 1..=4 {
            let seen = elsewhere(async { info(&agent.get(origin.url("/")).send().await.unwrap()) });
            assert_eq!((seen.request_number, accounts(&agent).idle), (n, 1));
        }
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
        assert_eq!(origin.stats().accepted, 1);
    });
}

/// On a runtime new to the socket the first poll cannot write yet.
#[test]
fn a_request_dropped_before_it_wrote_a_byte_leaves_its_socket_as_it_was() {
    wire::run_paused(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = wire::agent();
        elsewhere(fetch(&agent, origin.url("/"))).unwrap();
        let unwritten = polled(fetch(&agent, origin.url("/")));
        assert_eq!(accounts(&agent).active, 1);
        drop(unwritten);
        let totals = accounts(&agent);
        // What waits above the socket cannot be taken back, and must not be written either.
        let (idle, closed) = if wire::BUFFERS { (0, 1) } else { (1, 0) };
        assert_eq!((totals.idle, totals.cancelled, totals.closed), (idle, 1, closed));
        let next = info(&agent.get(origin.url("/")).send().await.unwrap());
        assert_eq!(next.reused, !wire::BUFFERS);
        assert_eq!((origin.stats().accepted, origin.stats().requests), (1 + closed as usize, 2));
    });
}

/// The keeper ended with the first runtime; the second has one of its own.
#[test]
fn a_socket_moved_to_another_runtime_is_watched_there() {
    wire::run(async |case: &Case| {
        let twice = Script::new().request().send(ok("1")).request().send(ok("2")).signal("now").close();
        let origin = case.scripted(ScriptedOrigin::builder().connection(twice));
        let agent = wire::agent();
        assert_eq!(elsewhere(fetch(&agent, origin.url("/"))).unwrap(), "1");
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "2");
        origin.signal("now");
        until(&agent, |totals| totals.idle == 0).await;
        assert_eq!(at_rest(&agent).await.closed_by.get(&CloseReason::ClosedByServer), Some(&1));
    });
}

#[test]
fn a_socket_that_the_server_closed_while_no_runtime_lived_is_replaced() {
    wire::run(async |case: &Case| {
        let script = Script::new().request().send(ok("hello"));
        let closes = script.clone().signal("now").close();
        let origin = case.scripted(ScriptedOrigin::builder().connection(closes).otherwise(script));
        let agent = wire::agent();
        assert_eq!(elsewhere(fetch(&agent, origin.url("/"))).unwrap(), "hello");
        origin.signal("now");
        origin.wait(|record| record.open() == 0).await;
        assert_eq!(elsewhere(fetch(&agent, origin.url("/"))).unwrap(), "hello");
        assert_eq!(accounts(&agent).failed, 0);
        assert_eq!(accounts(&agent).closed_by.get(&CloseReason::ClosedByServer), Some(&1));
    });
}

#[test]
fn a_dial_that_dies_with_its_runtime_frees_its_place() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = wire::builder().max_sockets(1).build().unwrap();
        let (left, before) = elsewhere(async { (polled(fetch(&agent, origin.url("/"))), accounts(&agent)) });
        assert_eq!(before.connecting, 1);
        // Its dial never ran; the request learns of it wherever it is polled next.
        let totals = accounts(&agent);
        assert_eq!((totals.connecting, totals.closed_by.get(&CloseReason::DialAborted)), (0, Some(&1)));
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
        let error = left.await.unwrap_err();
        assert!(error.is_connect() && error.safe_to_retry(), "{error:?}");
        assert_eq!(error.to_string(), format!("the connection to {SCHEME}://{} was given up", origin.addr()));
        assert_eq!(at_rest(&agent).await.idle, 1);
    });
}

#[test]
fn a_dial_that_dies_with_its_runtime_is_begun_anew_for_those_who_wait_elsewhere() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = wire::builder().max_sockets(1).build().unwrap();
        let here = tokio::runtime::Handle::current();
        let (left, waits) = elsewhere(async {
            let left = polled(fetch(&agent, origin.url("/")));
            let _here = here.enter();
            let waits = polled(fetch(&agent, origin.url("/")));
            assert_eq!((accounts(&agent).connecting, accounts(&agent).queued), (1, 1));
            (left, waits)
        });
        assert_eq!(accounts(&agent).connecting, 1);
        assert_eq!(waits.await.unwrap(), "hello");
        assert!(left.await.unwrap_err().is_connect());
    });
}

#[test]
fn threads_with_a_runtime_each_share_the_sockets_and_the_cap() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder().at_most(2));
        let agent = wire::builder().max_sockets(2).build().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    runtime().block_on(async {
                        for _ in 0..50 {
                            assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
                        }
                    });
                });
            }
        });
        let (stats, totals) = (origin.stats(), at_rest(&agent).await);
        assert_eq!((stats.requests, totals.done), (200, 200));
        assert!(stats.peak_open <= 2, "{stats:?}");
    });
}

/// The keeper, which takes back offers that nobody claims, died with the runtime of the first request.
#[test]
fn an_offer_lapses_though_the_first_runtime_is_gone() {
    wire::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate).record_requests());
        let agent = wire::builder().max_sockets(1).build().unwrap();
        let first = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        gate.release(1);
        first.spawn(fetch(&agent, origin.url("/first"))).await.unwrap().unwrap();
        let mut asked = JoinSet::new();
        asked.spawn(polled(fetch(&agent, origin.url("/holder"))));
        let parked = polled(fetch(&agent, origin.url("/parked")));
        asked.spawn(polled(fetch(&agent, origin.url("/next"))));
        origin.wait(|stats| stats.requests == 2).await;
        // From here on no request is polled before the offer is made.
        std::thread::scope(|scope| scope.spawn(|| drop(first)).join().unwrap());
        gate.release(1);
        assert_eq!(asked.join_next().await.unwrap().unwrap().unwrap(), "hello");
        turns().await;
        tokio::time::advance(Duration::from_millis(100)).await;
        origin.wait(|stats| stats.requests == 3).await;
        assert_eq!(origin.requests()[2].target, "/next");
        gate.open();
        assert!(asked.join_next().await.unwrap().unwrap().is_ok());
        assert_eq!(parked.await.unwrap(), "hello");
    });
}

/// It was written to the idle socket without a question to the reactor, and its answer could not be read.
#[test]
fn a_post_is_not_written_where_the_reactor_is_gone() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder().record_requests());
        let unlimited = wire::builder().queue_timeout(None).connect_timeout(None).response_timeout(None);
        let agent = unlimited.build().unwrap();
        let first = fetch(&agent, origin.url("/"));
        let post = agent.post(origin.url("/post")).body("a").send();
        let error = on_a_thread(|| {
            let ended = runtime();
            ended.block_on(first).unwrap();
            after_the_end_of(ended, || block_on(post)).unwrap_err()
        });
        assert!(error.safe_to_retry(), "{error:?}");
        at_rest(&agent).await;
        assert_eq!(fetch(&agent, origin.url("/last")).await.unwrap(), "hello");
        let targets: Vec<_> = origin.requests().iter().map(|request| request.target.clone()).collect();
        assert_eq!(targets, ["/", "/last"]);
    });
}

//! The limit over all origins: who goes next, who makes room, and that nobody starves.
//!
//! The clock stands still, so that no offer lapses and no dial is added however slow the machine is.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use keepalive::{Agent, CloseReason};
use testkit::{Case, Gate, PlainOrigin, Reply};
use tokio::task::JoinSet;

use super::wire::{self, SCHEME};
use crate::kit::{accounts, at_rest, fetch, polled, until};

/// What several origins were asked, in one list.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// An origin that writes its requests down before it answers.
    fn origin(&self, case: &Case) -> PlainOrigin {
        let log = self.clone();
        case.plain(PlainOrigin::builder().reply(move |request| {
            log.0.lock().unwrap().push(request.target[1..].to_owned());
            Reply::ok("hello")
        }))
    }

    fn seen(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

fn agent(total: usize) -> Agent {
    wire::builder().max_total_sockets(total).build().unwrap()
}

#[test]
fn the_least_recently_used_idle_socket_of_another_origin_makes_room() {
    wire::run_paused(async |case: &Case| {
        let [a, b, c] = [(); 3].map(|()| case.plain(PlainOrigin::builder()));
        let agent = agent(2);
        for origin in [&a, &b, &a] {
            fetch(&agent, origin.url("/")).await.unwrap();
            tokio::time::advance(std::time::Duration::from_millis(1)).await;
        }
        fetch(&agent, c.url("/")).await.unwrap();
        b.wait(|stats| stats.open == 0).await;
        fetch(&agent, a.url("/")).await.unwrap();
        assert_eq!((a.stats().accepted, a.stats().open, c.stats().open), (1, 1, 1));
        let totals = accounts(&agent);
        assert_eq!((totals.idle, totals.closed_by.get(&CloseReason::Evicted)), (2, Some(&1)));
    });
}

#[test]
fn an_idle_socket_of_one_origin_does_not_block_another() {
    wire::run_paused(async |case: &Case| {
        let [a, b] = [(); 2].map(|()| case.plain(PlainOrigin::builder()));
        let agent = agent(1);
        for n in 1..=3 {
            for origin in [&a, &b] {
                assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
                assert_eq!(origin.stats().accepted, n, "each needs the only place and makes room for it");
            }
        }
        assert_eq!(accounts(&agent).idle, 1);
    });
}

/// Node serves the queue of the origin whose socket came free, so that all of A goes before B.
#[test]
fn the_queue_is_first_in_first_out_across_origins() {
    wire::run_paused(async |case: &Case| {
        let log = Log::default();
        let origins = [(); 3].map(|()| log.origin(case));
        let agent = agent(1);
        let order = ["a1", "b2", "a3", "c4", "a5", "b6", "a7", "a8", "c9", "b10"];
        let mut asked = JoinSet::new();
        for name in order {
            let origin = &origins[usize::from(name.as_bytes()[0] - b'a')];
            asked.spawn(polled(fetch(&agent, origin.url(&format!("/{name}")))));
        }
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        assert_eq!(log.seen(), order);
    });
}

#[test]
fn steady_load_on_one_origin_does_not_starve_another() {
    wire::run_paused(async |case: &Case| {
        let log = Log::default();
        let [a, c] = [(); 2].map(|()| log.origin(case));
        let agent = agent(1);
        let mut load = JoinSet::new();
        for _ in 0..3 {
            let (agent, url) = (agent.clone(), a.url("/a"));
            load.spawn(async move {
                loop {
                    fetch(&agent, url.clone()).await.unwrap();
                }
            });
        }
        for _ in 0..5 {
            let before = a.stats().requests + 20;
            a.wait(|stats| stats.requests >= before).await;
            let waits = polled(fetch(&agent, c.url("/c")));
            let asked = a.stats().requests;
            waits.await.unwrap();
            let served = log.seen().iter().rposition(|name| name == "c").unwrap();
            let overtaken = log.seen()[..served].iter().filter(|name| *name == "a").count() - asked;
            // The one in flight may not have arrived when this one asked; two more were in the queue.
            assert!(overtaken <= 3, "{overtaken} requests to the busy origin went first");
        }
        drop(load);
        assert!(at_rest(&agent).await.cancelled <= 3);
    });
}

/// Node stops looking at the first origin that may not use the slot.
#[test]
fn a_free_slot_goes_to_the_first_who_may_use_it() {
    wire::run_paused(async |case: &Case| {
        let (slow, fast) = (Gate::new(), Gate::new());
        let a = case.plain(PlainOrigin::builder().gate(&slow));
        let b = case.plain(PlainOrigin::builder().gate(&fast));
        let c = case.plain(PlainOrigin::builder());
        let agent = wire::builder().max_sockets(1).max_total_sockets(2).build().unwrap();
        let mut asked = JoinSet::new();
        asked.spawn(polled(fetch(&agent, a.url("/1"))));
        asked.spawn(polled(fetch(&agent, b.url("/1"))));
        a.wait(|stats| stats.requests == 1).await;
        b.wait(|stats| stats.requests == 1).await;
        // The older one may not have the slot: its origin is at its cap.
        asked.spawn(polled(fetch(&agent, a.url("/2"))));
        asked.spawn(polled(fetch(&agent, c.url("/1"))));
        fast.open();
        c.wait(|stats| stats.requests == 1).await;
        assert_eq!(a.stats().requests, 1);
        slow.open();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        assert_eq!(a.stats().accepted, 1, "and the older one had its own origin's socket");
    });
}

#[test]
fn the_total_can_be_raised_and_lowered_at_any_time() {
    wire::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origins = [(); 4].map(|()| case.plain(PlainOrigin::builder().gate(&gate)));
        let agent = agent(1);
        let mut asked = JoinSet::new();
        for origin in &origins {
            asked.spawn(polled(fetch(&agent, origin.url("/"))));
        }
        origins[0].wait(|stats| stats.requests == 1).await;
        agent.set_max_total_sockets(3).unwrap();
        origins[1].wait(|stats| stats.requests == 1).await;
        origins[2].wait(|stats| stats.requests == 1).await;
        assert_eq!(agent.status().totals.queued, 1);
        agent.set_max_total_sockets(None).unwrap();
        origins[3].wait(|stats| stats.requests == 1).await;
        gate.open();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        until(&agent, |totals| totals.idle == 4).await;
        agent.set_max_total_sockets(1).unwrap();
        assert_eq!(accounts(&agent).idle, 1);
        if wire::HTTP2 {
            until(&agent, |totals| totals.closed == 3).await;
        }
        let totals = accounts(&agent);
        assert_eq!((totals.idle, totals.closed_by.get(&CloseReason::OverLimit)), (1, Some(&3)));
    });
}

/// One server under several addresses counts the sockets of several origins together.
#[cfg(target_os = "linux")] // elsewhere only 127.0.0.1 is configured
#[test]
fn never_more_than_the_total_by_the_servers_own_count() {
    wire::run_threads(2, async |case: &Case| {
        for close_after in [usize::MAX, 3] {
            let server = case.plain(
                PlainOrigin::builder().at_most(4).bind("0.0.0.0:0").max_requests_per_connection(close_after),
            );
            let agent = wire::builder().max_sockets(3).max_total_sockets(4).build().unwrap();
            let mut asked = JoinSet::new();
            for n in 0..400_usize {
                let origin = SocketAddr::from(([127, 0, 0, 1 + (n % 7) as u8], server.port()));
                asked.spawn(fetch(&agent, format!("{SCHEME}://{origin}/")));
            }
            for text in asked.join_all().await {
                assert_eq!(text.unwrap(), "hello");
            }
            let stats = server.stats();
            assert_eq!((stats.peak_open, stats.requests), (4, 400), "closed after {close_after}");
            assert!(at_rest(&agent).await.idle <= 4);
        }
    });
}

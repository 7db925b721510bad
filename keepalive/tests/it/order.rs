//! Requests to one origin are served in the order in which they came.
//!
//! The clock stands still, so that no offer lapses and no dial is added however slow the machine is.

use testkit::{Case, Gate, PlainOrigin};
use tokio::task::JoinSet;

use super::wire;
use crate::kit::{at_rest, fetch, poll, polled, until};

/// An origin whose answers pass the gate, and which writes its requests down.
fn held(case: &Case, gate: &Gate) -> PlainOrigin {
    case.plain(PlainOrigin::builder().gate(gate).record_requests())
}

fn url(origin: &PlainOrigin, n: usize) -> String {
    origin.url(&format!("/{n}"))
}

fn arrived(origin: &PlainOrigin) -> Vec<usize> {
    origin.requests().iter().map(|request| request.target[1..].parse().unwrap()).collect()
}

#[test]
fn one_socket_serves_the_queue_first_in_first_out() {
    wire::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = held(case, &gate);
        let agent = wire::builder().max_sockets(1).build().unwrap();
        let mut asked = JoinSet::new();
        for n in 0..50 {
            asked.spawn(polled(fetch(&agent, url(&origin, n))));
        }
        origin.wait(|stats| stats.requests == 1).await;
        gate.open();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        assert_eq!(arrived(&origin), (0..50).collect::<Vec<_>>());
    });
}

#[test]
fn two_sockets_serve_the_queue_first_in_first_out() {
    wire::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = held(case, &gate);
        let agent = wire::builder().max_sockets(2).build().unwrap();
        let mut asked = JoinSet::new();
        for n in 0..20 {
            asked.spawn(polled(fetch(&agent, url(&origin, n))));
        }
        // One answer at a time: whose turn is next is then a question of the queue alone.
        for n in 2..20 {
            origin.wait(|stats| stats.requests == n).await;
            gate.release(1);
        }
        gate.open();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        let mut arrived = arrived(&origin);
        arrived[..2].sort_unstable();
        assert_eq!(arrived, (0..20).collect::<Vec<_>>());
        assert_eq!(origin.stats().accepted, 2);
    });
}

#[test]
fn a_cancelled_waiter_is_passed_over() {
    wire::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = held(case, &gate);
        let agent = wire::builder().max_sockets(1).build().unwrap();
        let mut waiting: Vec<_> = (0..8).map(|n| Some(polled(fetch(&agent, url(&origin, n))))).collect();
        // In the middle, two in a row, and the last.
        for gone in [2, 4, 5, 7] {
            waiting[gone] = None;
        }
        assert_eq!((agent.status().totals.waiting, agent.status().totals.cancelled), (4, 4));
        let mut asked = JoinSet::new();
        for waiter in waiting.into_iter().flatten() {
            asked.spawn(waiter);
        }
        gate.open();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        assert_eq!(arrived(&origin), [0, 1, 3, 6]);
        assert_eq!(origin.stats().accepted, 1);
    });
}

#[test]
fn a_waiter_dropped_with_a_socket_on_offer_leaves_it_to_the_next() {
    wire::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = held(case, &gate);
        let agent = wire::builder().max_sockets(1).build().unwrap();
        let mut asked = JoinSet::new();
        asked.spawn(polled(fetch(&agent, url(&origin, 0))));
        origin.wait(|stats| stats.requests == 1).await;
        let offered = polled(fetch(&agent, url(&origin, 1)));
        asked.spawn(polled(fetch(&agent, url(&origin, 2))));
        gate.release(1);
        // The first is answered, its socket is offered to the second, which is not polled.
        until(&agent, |totals| totals.done == 1 && totals.active == 1).await;
        assert_eq!(agent.status().totals.waiting, 2);
        drop(offered);
        gate.open();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        assert_eq!((arrived(&origin), origin.stats().accepted), (vec![0, 2], 1));
        assert_eq!(at_rest(&agent).await.cancelled, 1);
    });
}

#[test]
fn a_younger_request_never_overtakes_though_it_asks_while_a_socket_comes_free() {
    wire::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = held(case, &gate);
        let agent = wire::builder().max_sockets(1).build().unwrap();
        let mut first = polled(fetch(&agent, url(&origin, 0)));
        let mut older: Vec<_> = (1..4).map(|n| polled(fetch(&agent, url(&origin, n)))).collect();
        gate.open();
        assert_eq!(first.as_mut().await.unwrap(), "hello");
        // Its socket is back; the oldest waiter has been told, and has not been polled.
        let mut younger = polled(fetch(&agent, url(&origin, 4)));
        assert!(poll(&mut younger).is_pending());
        assert_eq!(origin.stats().requests, 1);
        let mut asked = JoinSet::new();
        asked.spawn(younger);
        while let Some(waiter) = older.pop() {
            asked.spawn(waiter);
        }
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        assert_eq!((arrived(&origin), origin.stats().accepted), (vec![0, 1, 2, 3, 4], 1));
    });
}

#[test]
fn nobody_overtakes_under_steady_load() {
    wire::run_paused(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder().record_requests());
        let agent = wire::builder().max_sockets(1).build().unwrap();
        let mut workers = JoinSet::new();
        for worker in 0..5 {
            let (agent, url) = (agent.clone(), url(&origin, worker));
            workers.spawn(async move {
                for _ in 0..20 {
                    fetch(&agent, url.clone()).await.unwrap();
                }
            });
        }
        workers.join_all().await;
        // Whoever was served asks again behind the four others.
        assert_eq!(arrived(&origin), (0..100).map(|n| n % 5).collect::<Vec<_>>());
    });
}

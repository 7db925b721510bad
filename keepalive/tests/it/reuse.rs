//! A socket is used again: which one, when it is back, and what a response says about it.

use std::time::Duration;

use keepalive::{Agent, Scheduling};
use testkit::{Case, Gate, PlainOrigin, Reply, Script, ScriptedOrigin, ok, response};
use tokio::task::JoinSet;

use super::wire;
use crate::kit::{at_rest, fetch, info, polled, until};

#[test]
fn sequential_requests_share_one_socket_by_default() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder().record_requests());
        let agent = wire::agent();
        let mut seen = Vec::new();
        for _ in 0..10 {
            let response = agent.get(origin.url("/")).send().await.unwrap();
            let info = info(&response);
            assert_eq!(response.text().await.unwrap(), "hello");
            seen.push((info.socket_id, info.reused, info.request_number));
        }
        let id = seen[0].0;
        assert_eq!(seen, (1..=10).map(|n| (id, n > 1, n)).collect::<Vec<_>>());
        assert_eq!(origin.stats().accepted, 1);
        assert!(origin.requests().iter().all(|request| request.header("connection") != Some("close")));
        assert_eq!(at_rest(&agent).await.reused, 9);
    });
}

/// Opens three sockets and has them come back one after the other; their numbers in that order.
async fn three_idle(agent: &Agent, origin: &PlainOrigin, gate: &Gate) -> Vec<u64> {
    let mut asked = JoinSet::new();
    for _ in 0..3 {
        let request = agent.get(origin.url("/"));
        asked.spawn(async move { info(&request.send().await.unwrap()).socket_id });
    }
    origin.wait(|stats| stats.requests == 3).await;
    let mut back = Vec::new();
    for n in 1..=3 {
        gate.release(1);
        back.push(asked.join_next().await.unwrap().unwrap());
        until(agent, |totals| totals.idle == n).await;
        // Two sockets that come back in the same instant have no order.
        tokio::time::advance(Duration::from_millis(1)).await;
    }
    gate.open();
    back
}

async fn next(agent: &Agent, origin: &PlainOrigin) -> u64 {
    let response = agent.get(origin.url("/")).send().await.unwrap();
    assert!(info(&response).reused);
    let id = info(&response).socket_id;
    response.text().await.unwrap();
    id
}

#[test]
fn lifo_takes_the_socket_used_last() {
    wire::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = wire::agent();
        let back = three_idle(&agent, &origin, &gate).await;
        for _ in 0..3 {
            assert_eq!(next(&agent, &origin).await, back[2], "of {back:?}");
        }
        assert_eq!(origin.stats().accepted, 3);
    });
}

#[test]
fn fifo_takes_the_socket_idle_the_longest() {
    wire::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = wire::builder().scheduling(Scheduling::Fifo).build().unwrap();
        let back = three_idle(&agent, &origin, &gate).await;
        for n in 0..6 {
            assert_eq!(next(&agent, &origin).await, back[n % 3], "the {n}th of {back:?}");
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(origin.stats().accepted, 3);
    });
}

#[test]
fn a_socket_handed_to_a_waiter_says_that_it_was_reused() {
    wire::run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = wire::builder().max_sockets(1).build().unwrap();
        let mut asked = JoinSet::new();
        for n in 0..3 {
            let mut waits = polled(agent.get(origin.url("/")).send());
            asked.spawn(async move { (n, info(&waits.as_mut().await.unwrap())) });
        }
        gate.open();
        let infos = asked.join_all().await;
        for (n, info) in &infos {
            assert_eq!((info.reused, info.request_number), (*n > 0, *n + 1));
            assert_eq!(info.socket_id, infos[0].1.socket_id);
            assert_eq!(info.timings.connect.is_some(), *n == 0, "only the first request was connected for");
        }
        assert_eq!(at_rest(&agent).await.reused, 2);
    });
}

/// The socket must be free while the caller still holds the response, whose body nobody has read.
#[test]
fn every_kind_of_short_response_gives_its_socket_back_at_once() {
    let chunked = [("transfer-encoding", "chunked")];
    let table = [
        ("GET", response(200, &[], ""), ""),
        ("GET", ok("small"), "small"),
        ("GET", response(204, &[], ""), ""),
        ("GET", response(304, &[], ""), ""),
        ("GET", response(304, &[("content-length", "500")], ""), ""),
        ("GET", response(200, &chunked, "0\r\n\r\n"), ""),
        ("GET", response(200, &chunked, "3\r\none\r\n0\r\n\r\n"), "one"),
        ("HEAD", response(200, &[("content-length", "500")], ""), ""),
        ("HEAD", response(200, &chunked, ""), ""),
        ("HEAD", b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), ""),
        ("HEAD", b"HTTP/1.1 404 Not Found\r\n\r\n".to_vec(), ""),
        ("POST", response(201, &[], "made"), "made"),
        ("GET", [&b"HTTP/1.1 103 Early Hints\r\n\r\n"[..], &ok("late")].concat(), "late"),
    ];
    for (method, answer, body) in table {
        gives_its_socket_back_at_once(method, answer, body);
    }
}

#[test]
fn so_does_one_in_several_chunks() {
    let chunked = [("transfer-encoding", "chunked")];
    for (chunks, body) in
        [("3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n", "onetwo"), ("3\r\none\r\n0\r\ntrailer: x\r\n\r\n", "one")]
    {
        gives_its_socket_back_at_once("GET", response(200, &chunked, chunks), body);
    }
}

fn gives_its_socket_back_at_once(method: &str, answer: Vec<u8>, body: &str) {
    wire::run(async |case: &Case| {
        let says = String::from_utf8_lossy(&answer).into_owned();
        let script = Script::new().request().send(answer).request().send(ok("next"));
        let origin = case.scripted(ScriptedOrigin::builder().connection(script));
        let agent = wire::builder().max_sockets(1).build().unwrap();
        let held = agent.method(method.parse().unwrap(), origin.url("/")).send().await.unwrap();
        assert_eq!(agent.status().totals.idle, 1, "after {method} {says:?}");
        let next = fetch(&agent, origin.url("/")).await.unwrap();
        assert_eq!((next.as_str(), origin.record().accepted()), ("next", 1), "after {method} {says:?}");
        assert_eq!(held.text().await.unwrap(), body, "of {method} {says:?}");
    });
}

#[test]
fn a_thousand_serial_requests_open_one_socket() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = wire::agent();
        let mut last = None;
        for _ in 0..1000 {
            // The response before is still held, and was not read.
            last = Some(agent.get(origin.url("/")).send().await.unwrap());
        }
        let stats = origin.stats();
        assert_eq!((stats.requests, stats.accepted), (1000, 1));
        assert_eq!(last.unwrap().text().await.unwrap(), "hello");
    });
}

#[test]
fn unread_small_bodies_pin_no_socket_and_are_not_lost() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder().reply(|request| Reply::ok(request.target.as_bytes())));
        let agent = wire::builder().max_sockets(1).build().unwrap();
        let mut held = Vec::new();
        for n in 0..5 {
            held.push(agent.get(origin.url(&format!("/{n}"))).send().await.unwrap());
        }
        for (n, response) in held.into_iter().enumerate() {
            assert_eq!(response.text().await.unwrap(), format!("/{n}"));
        }
        assert_eq!(origin.stats().accepted, 1);
    });
}

#[test]
fn a_large_body_gives_the_socket_back_with_its_last_byte() {
    wire::run(async |case: &Case| {
        let large = vec![b'x'; 3 * 1024 * 1024];
        let length = large.len();
        for chunked in [false, true] {
            let large = large.clone();
            let origin = case.plain(PlainOrigin::builder().reply(move |_| {
                let reply = Reply::ok(large.clone());
                if chunked { reply.chunked() } else { reply }
            }));
            let agent = wire::builder().max_sockets(1).build().unwrap();
            for _ in 0..3 {
                assert_eq!(
                    agent.get(origin.url("/")).send().await.unwrap().bytes().await.unwrap().len(),
                    length
                );
            }
            assert_eq!(origin.stats().accepted, 1, "chunked: {chunked}");
        }
    });
}

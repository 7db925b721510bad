//! A response body that is dropped, or kept and not read. The clock stands still where one is read off: the
//! 50 ms for it must not run out on a busy machine.

#[path = "unread/at_hand.rs"]
mod at_hand;

use std::time::Duration;

use keepalive::CloseReason;
use testkit::{Case, Script, ok};
use tokio::time::advance;

use super::wire;
use crate::kit::{closed_by, eventually, poll_once, text, turns};

const MS: Duration = Duration::from_millis(1);

/// What is read off at most.
const DRAINED: usize = 256 * 1024;

fn head(length: usize) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n")
}

fn chunks(count: usize) -> Vec<u8> {
    ["1000\r\n".as_bytes(), &[b'x'; 0x1000], b"\r\n"].concat().repeat(count)
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

#[test]
fn a_short_rest_is_read_off_and_the_socket_serves_again() {
    let length = 100 * 1024;
    let exact = (head(length), vec![b'x'; length]);
    let chunked = (CHUNKED.to_owned(), [chunks(20), b"0\r\nx-trailer: 1\r\n\r\n".to_vec()].concat());
    for (head, body) in [exact, chunked] {
        wire::run_paused(async |case: &Case| {
            let script = Script::new().request().send(head).send(&body[..1000]).signal("rest");
            let origin = case.scripted(script.send(&body[1000..]).request().send(ok("again")));
            let agent = wire::agent();
            drop(agent.get(origin.url("/")).send().await.unwrap());
            let totals = agent.status().totals;
            assert_eq!((totals.draining, totals.active, totals.idle, totals.done), (1, 0, 0, 1));
            origin.signal("rest");
            eventually(|| agent.status().totals.draining == 0).await;
            assert_eq!(closed_by(&agent), [], "it is idle");
            assert_eq!(text(&agent, &origin.url("/")).await, "again");
            assert_eq!(origin.record().accepted(), 1);
        });
    }
}

#[test]
fn up_to_256_kib_are_read_off_wherever_they_are_when_the_body_is_dropped() {
    for there in [0, 1000, 64 * 1024, DRAINED - 1, DRAINED] {
        wire::run_paused(async |case: &Case| {
            let body = vec![b'x'; DRAINED];
            let script = Script::new().request().send(head(DRAINED)).signal("some").send(&body[..there]);
            let script = script.reached("some").signal("rest").send(&body[there..]);
            let origin = case.scripted(script.request().send(ok("again")));
            let agent = wire::agent();
            let response = agent.get(origin.url("/")).send().await.unwrap();
            origin.signal("some");
            if there <= 64 * 1024 {
                origin.reached("some").await;
            }
            turns().await;
            drop(response);
            origin.signal("rest");
            eventually(|| agent.status().totals.draining == 0).await;
            assert_eq!(closed_by(&agent), [], "{there} bytes were there");
            assert_eq!(text(&agent, &origin.url("/")).await, "again");
        });
    }
}

#[test]
fn a_rest_known_to_be_long_is_not_waited_for() {
    wire::run_paused(async |case: &Case| {
        let origin = case.scripted(Script::new().request().send(head(DRAINED + 1)));
        let agent = wire::agent();
        drop(agent.get(origin.url("/")).send().await.unwrap());
        assert_eq!(closed_by(&agent), [(CloseReason::BodyNotDrained, 1)]);
        assert_eq!(agent.status().totals.done, 1);
        origin.wait(|record| record.open() == 0).await;
    });
}

#[test]
fn a_long_body_of_which_only_a_short_rest_is_unread_is_read_off() {
    wire::run_paused(async |case: &Case| {
        let length = DRAINED + 1000;
        let script = Script::new().request().send(head(length)).send(vec![b'x'; length - 100]).signal("rest");
        let origin = case.scripted(script.send([b'x'; 100]).request().send(ok("again")));
        let agent = wire::agent();
        let mut response = agent.get(origin.url("/")).send().await.unwrap();
        let mut read = 0;
        while read < length - 100 {
            read += response.chunk().await.unwrap().unwrap().len();
        }
        drop(response);
        origin.signal("rest");
        eventually(|| agent.status().totals.idle == 1).await;
        assert_eq!(text(&agent, &origin.url("/")).await, "again");
        assert_eq!(origin.record().accepted(), 1);
    });
}

#[test]
fn a_body_without_end_is_read_off_for_256_kib_and_no_more() {
    wire::run_paused(async |case: &Case| {
        let origin = case.scripted(Script::new().request().send(CHUNKED).send(chunks(4096)));
        let agent = wire::agent();
        drop(agent.get(origin.url("/")).send().await.unwrap());
        // No time passes: it is the number of bytes that ends it.
        eventually(|| agent.status().totals.closed == 1).await;
        assert_eq!(closed_by(&agent), [(CloseReason::BodyNotDrained, 1)]);
        origin.wait(|record| record.open() == 0).await;
    });
}

#[test]
fn a_slow_rest_is_waited_for_50_ms_and_no_more() {
    for body in [head(1000), format!("{CHUNKED}3\r\nabc\r\n")] {
        wire::run_paused(async |case: &Case| {
            let origin = case.scripted(Script::new().request().send(body));
            let agent = wire::agent();
            drop(agent.get(origin.url("/")).send().await.unwrap());
            turns().await;
            advance(49 * MS).await;
            turns().await;
            assert_eq!(agent.status().totals.draining, 1);
            advance(MS).await;
            eventually(|| agent.status().totals.closed == 1).await;
            assert_eq!(closed_by(&agent), [(CloseReason::BodyNotDrained, 1)]);
        });
    }
}

#[test]
fn a_draining_socket_goes_to_the_request_that_waits_for_it() {
    wire::run_paused(async |case: &Case| {
        let script =
            Script::new().request().send(head(3)).signal("rest").send("abc").request().send(ok("mine"));
        let origin = case.scripted(script);
        let agent = wire::builder().max_sockets(1).build().unwrap();
        let response = agent.get(origin.url("/")).send().await.unwrap();
        let mut second = Box::pin(agent.get(origin.url("/")).send());
        assert!(poll_once(&mut second).await.is_none());
        drop(response);
        let status = agent.status();
        assert_eq!((status.origins[0].draining, status.origins[0].queued), (1, 1));
        origin.signal("rest");
        assert_eq!(second.await.unwrap().text().await.unwrap(), "mine");
        assert_eq!(origin.record().accepted(), 1);
    });
}

#[test]
fn a_rest_that_is_broken_closes_the_socket_and_hurts_nobody() {
    wire::run_paused(async |case: &Case| {
        let broken = Script::new().request().send(CHUNKED).signal("rest").send("zz\r\n");
        let short = Script::new().request().send(head(9)).signal("rest").send("abc").close();
        for (script, reason) in [(broken, CloseReason::ProtocolError), (short, CloseReason::Truncated)] {
            let origin = case.scripted(script);
            let agent = wire::agent();
            drop(agent.get(origin.url("/")).send().await.unwrap());
            origin.signal("rest");
            eventually(|| agent.status().totals.closed == 1).await;
            assert_eq!(closed_by(&agent), [(reason, 1)]);
            assert_eq!((agent.status().totals.done, agent.status().totals.failed), (1, 0));
        }
    });
}

/// Whether it is found in the drop itself or in the task after it is chance, and the accounts must not tell.
#[test]
fn a_rest_that_was_broken_already_is_still_that_of_a_request_that_is_done() {
    wire::run_paused(async |case: &Case| {
        let broken = Script::new().request().send(CHUNKED).send("3\r\nabc\r\n").signal("rest").send("zz\r\n");
        let short = Script::new().request().send(head(9)).send("abc").signal("rest").half_close();
        for (script, reason) in [(broken, CloseReason::ProtocolError), (short, CloseReason::Truncated)] {
            let origin = case.scripted(script.reached("sent"));
            let agent = wire::agent();
            let mut response = agent.get(origin.url("/")).send().await.unwrap();
            assert_eq!(response.chunk().await.unwrap().unwrap(), "abc");
            origin.signal("rest");
            origin.reached("sent").await;
            turns().await;
            drop(response);
            let totals = agent.status().totals;
            assert_eq!((totals.done, totals.failed, totals.draining), (1, 0, 0), "{reason}");
            assert_eq!(closed_by(&agent), [(reason, 1)]);
        }
    });
}

#[test]
fn a_body_dropped_outside_of_a_runtime_closes_its_socket() {
    wire::run(async |case: &Case| {
        let origin = case.scripted(Script::new().request().send(head(3)));
        let agent = wire::agent();
        let response = agent.get(origin.url("/")).send().await.unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || drop(response));
        });
        assert_eq!(closed_by(&agent), [(CloseReason::BodyNotDrained, 1)]);
    });
}

#[test]
fn a_small_body_kept_unread_does_not_pin_its_socket() {
    let chunked = format!("{CHUNKED}3\r\nabc\r\n0\r\n\r\n").into_bytes();
    for body in [ok("abc"), chunked] {
        wire::run(async |case: &Case| {
            let origin = case.scripted(Script::new().request().send(body).repeat());
            let agent = wire::builder().max_sockets(1).build().unwrap();
            let mut kept = Vec::new();
            for _ in 0..5 {
                kept.push(agent.get(origin.url("/")).send().await.unwrap());
                assert_eq!(agent.status().totals.idle, 1);
            }
            for response in kept {
                assert_eq!(response.text().await.unwrap(), "abc");
            }
            assert_eq!(origin.record().accepted(), 1);
        });
    }
}

//! A final response before the request body is finished.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body::Frame;
use keepalive::CloseReason;
use testkit::{Case, Script, ScriptedOrigin, ok, response};
use tokio::time::advance;

use super::wire;
use crate::kit::{closed_by, eventually, text, turns};
use crate::sending::feed::feed;

const MS: Duration = Duration::from_millis(1);

/// A body that is always ready, does not end while a test is well, and tells by its [`Weak`] when it is dropped.
struct Endless {
    piece: Bytes,
    left: usize,
    _alive: Arc<()>,
}

/// Far more pieces than are pulled before an early response is there.
const PIECES: usize = 50_000;

fn endless(piece: usize) -> (Weak<()>, Endless) {
    let alive = Arc::new(());
    (Arc::downgrade(&alive), Endless { piece: vec![b'x'; piece].into(), left: PIECES, _alive: alive })
}

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.left = self.left.checked_sub(1).expect("somebody looks whether an answer came");
        Poll::Ready(Some(Ok(Frame::data(self.piece.clone()))))
    }
}

fn post<B>(origin: &ScriptedOrigin, body: B) -> Request<B> {
    Request::post(origin.url("/")).body(body).unwrap()
}

#[test]
fn the_upload_goes_on_while_the_response_body_is_polled() {
    wire::run(async |case: &Case| {
        let early = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc";
        let origin =
            case.scripted(Script::new().head().send(early).body().send("def").request().send(ok("2")));
        let agent = wire::agent();
        let (feeder, body) = feed();
        let response = agent.request(post(&origin, body)).await.unwrap();
        assert_eq!(agent.status().totals.active, 1);
        feeder.data("the rest, ");
        feeder.data("sent late");
        drop(feeder);
        assert_eq!(response.into_body().text().await.unwrap(), "abcdef");
        assert_eq!(origin.record().requests()[0].body, b"the rest, sent late");
        assert_eq!(text(&agent, &origin.url("/")).await, "2");
        assert_eq!((origin.record().accepted(), closed_by(&agent)), (1, vec![]));
    });
}

#[test]
fn an_upload_that_ends_within_the_grace_leaves_the_socket_usable() {
    for early in [ok("early"), ok(""), response(204, &[], "")] {
        wire::run_paused(async |case: &Case| {
            let origin = case.scripted(Script::new().head().send(early).body().request().send(ok("2")));
            let agent = wire::agent();
            let (feeder, body) = feed();
            let response = agent.request(post(&origin, body)).await.unwrap();
            response.into_body().bytes().await.unwrap();
            let status = agent.status();
            assert_eq!((status.totals.draining, status.totals.done), (1, 1));
            turns().await;
            advance(49 * MS).await;
            turns().await;
            feeder.data("late");
            drop(feeder);
            eventually(|| agent.status().totals.idle == 1).await;
            assert_eq!(text(&agent, &origin.url("/")).await, "2");
            assert_eq!((origin.record().accepted(), closed_by(&agent)), (1, vec![]));
            assert_eq!(origin.record().requests()[0].body, b"late");
        });
    }
}

#[test]
fn an_upload_that_outlasts_the_grace_costs_the_socket() {
    wire::run_paused(async |case: &Case| {
        let origin = case.scripted(Script::new().head().send(ok("early")).body());
        let agent = wire::agent();
        let (feeder, body) = feed();
        feeder.data("some");
        let response = agent.request(post(&origin, body)).await.unwrap();
        assert_eq!(response.into_body().text().await.unwrap(), "early");
        turns().await;
        advance(49 * MS).await;
        turns().await;
        assert!(!feeder.is_dropped());
        advance(MS).await;
        eventually(|| agent.status().totals.closed == 1).await;
        assert_eq!(closed_by(&agent), [(CloseReason::UploadUnfinished, 1)]);
        assert!(feeder.is_dropped(), "the user's body is let go");
        origin.wait(|record| record.open() == 0).await;
    });
}

#[test]
fn a_server_that_answers_and_reads_nothing_gets_its_answer_through() {
    wire::run_paused(async |case: &Case| {
        let origin = case.scripted(Script::new().head().send(ok("no, thanks")).signal("look").read_to_end());
        let agent = wire::agent();
        let (alive, body) = endless(64 * 1024);
        let response = agent.request(post(&origin, body)).await.unwrap();
        assert_eq!(response.into_body().text().await.unwrap(), "no, thanks");
        assert_eq!(agent.status().totals.draining, 1);
        turns().await;
        advance(50 * MS).await;
        eventually(|| agent.status().totals.closed == 1).await;
        assert_eq!(closed_by(&agent), [(CloseReason::UploadUnfinished, 1)]);
        assert_eq!(alive.strong_count(), 0, "the user's body is let go");
        // Before it reads on it cannot see the end.
        origin.signal("look");
    });
}

#[test]
fn an_early_response_is_seen_though_the_body_and_the_socket_are_always_ready() {
    wire::run(async |case: &Case| {
        let script = Script::new().head().send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nearly");
        let origin = case.scripted(script.read_to_end());
        let agent = wire::agent();
        let (alive, body) = endless(64);
        let mut response = agent.request(post(&origin, body)).await.unwrap();
        assert_eq!(response.body_mut().chunk().await.unwrap().unwrap(), "early");
        drop(response);
        assert_eq!(closed_by(&agent), [(CloseReason::Cancelled, 1)]);
        assert_eq!(alive.strong_count(), 0, "the user's body is let go");
    });
}

#[test]
fn a_refusal_reaches_the_caller_though_the_server_resets_the_upload() {
    let refusals = [
        response(413, &[("connection", "close")], "too large"),
        response(413, &[], "too large"),
        b"HTTP/1.0 413 No\r\ncontent-length: 9\r\n\r\ntoo large".to_vec(),
    ];
    for refusal in refusals {
        for reset in [true, false] {
            wire::run(async |case: &Case| {
                let script = Script::new().head().send(refusal.clone());
                // Closing with bytes unread is a reset, too, but the kernel's own.
                let origin = case.scripted(if reset { script.reset() } else { script.close() });
                let agent = wire::agent();
                let full = agent.post(origin.url("/")).body(vec![b'x'; 8 << 20]).send().await.unwrap();
                assert_eq!((full.status().as_u16(), &*full.text().await.unwrap()), (413, "too large"));
                let (alive, body) = endless(64 * 1024);
                let streamed = agent.request(post(&origin, body)).await.unwrap();
                assert_eq!(streamed.status(), 413);
                assert_eq!(streamed.into_body().text().await.unwrap(), "too large");
                eventually(|| agent.status().totals.closed == 2).await;
                assert_eq!(closed_by(&agent), [(CloseReason::UploadUnfinished, 2)]);
                assert_eq!(alive.strong_count(), 0, "the user's body is let go");
                assert_eq!(agent.status().totals.done, 2);
            });
        }
    }
}

#[test]
fn a_response_body_dropped_early_ends_the_upload_at_once() {
    wire::run_paused(async |case: &Case| {
        let early = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart";
        let origin = case.scripted(Script::new().head().send(early).body());
        let agent = wire::agent();
        let (feeder, body) = feed();
        drop(agent.request(post(&origin, body)).await.unwrap());
        assert!(feeder.is_dropped());
        assert_eq!(closed_by(&agent), [(CloseReason::Cancelled, 1)]);
        origin.wait(|record| record.open() == 0).await;
    });
}

#[test]
fn a_request_body_that_fails_after_the_head_fails_the_response_body() {
    wire::run(async |case: &Case| {
        let early = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart";
        let origin = case.scripted(Script::new().head().send(early).body());
        let agent = wire::agent();
        let (feeder, body) = feed();
        let mut response = agent.request(post(&origin, body)).await.unwrap();
        assert_eq!(response.body_mut().chunk().await.unwrap().unwrap(), "part");
        feeder.fail("the disk is gone");
        let error = response.body_mut().chunk().await.unwrap_err();
        assert!(error.is_request(), "{error:?}");
        assert_eq!(closed_by(&agent), [(CloseReason::RequestBodyFailed, 1)]);
        assert!(response.body_mut().chunk().await.unwrap().is_none(), "an error is the end");
    });
}

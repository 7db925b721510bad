//! Requests and responses as HTTP/2 has them: fields, lengths, interim and early responses.

use std::time::Duration;

use http::{Method, StatusCode};
use keepalive::Body;
use testkit::{Case, Frame, Reply};
use tokio::time::advance;

use super::{NO_ERROR, agent, builder, frames, plain};
use crate::kit::{at_rest, fetch, turns};
use crate::sending::feed::feed;

#[test]
fn fields_of_the_connection_are_not_sent_and_host_is_the_authority() {
    testkit::run(async |case: &Case| {
        let origin = case.plain(plain().record_requests());
        let agent = agent();
        let request = agent
            .get(origin.url("/"))
            .header("host", "name.example")
            .header("connection", "keep-alive, x-mine")
            .header("keep-alive", "timeout=5")
            .header("proxy-connection", "close")
            .header("te", "gzip")
            .header("accept", "text/plain");
        request.send().await.unwrap().text().await.unwrap();
        let request = &origin.requests()[0];
        assert_eq!(request.header(":authority"), Some("name.example"));
        for gone in ["host", "connection", "keep-alive", "proxy-connection", "te", "transfer-encoding"] {
            assert_eq!(request.header(gone), None);
        }
        assert_eq!(request.header("accept"), Some("text/plain"));
    });
}

#[test]
fn a_request_without_a_body_ends_with_its_head() {
    testkit::run(async |case: &Case| {
        let origin = frames(case, |mut peer| async move { peer.serve().await });
        let agent = agent();
        for method in [Method::GET, Method::POST, Method::DELETE] {
            agent.method(method, origin.url("/")).send().await.unwrap().bytes().await.unwrap();
        }
        let connection = &origin.record().connections[0];
        assert!(connection.of(Frame::HEADERS).all(|head| head.has(Frame::END_STREAM)));
        assert_eq!((connection.requests(), connection.of(Frame::DATA).count()), (3, 0));
    });
}

#[test]
fn responses_without_a_body_end_with_their_head() {
    testkit::run(async |case: &Case| {
        let origin = case.plain(plain().reply(|request| match request.target.as_str() {
            "/204" => Reply::new(204),
            "/304" => Reply::new(304).header("etag", "\"x\""),
            _ => Reply::ok("hello"),
        }));
        let agent = agent();
        for (method, path, status, length) in [
            (Method::HEAD, "/", 200, Some("5")),
            (Method::GET, "/204", 204, None),
            (Method::GET, "/304", 304, None),
        ] {
            let response = agent.method(method, origin.url(path)).send().await.unwrap();
            assert_eq!(response.status().as_u16(), status);
            assert_eq!(response.headers().get("content-length").map(|it| it.to_str().unwrap()), length);
            assert_eq!(response.text().await.unwrap(), "");
        }
        let totals = at_rest(&agent).await;
        assert_eq!((totals.opened, totals.done), (1, 3));
    });
}

#[test]
fn a_body_that_waits_for_100_is_sent_when_it_comes() {
    testkit::run_paused(async |case: &Case| {
        let origin = case.plain(plain().record_requests());
        let agent = agent();
        let request = agent.put(origin.url("/")).header("expect", "100-continue").body("payload");
        assert_eq!(request.send().await.unwrap().text().await.unwrap(), "hello");
        assert_eq!(origin.requests()[0].body, b"payload");
    });
}

/// The clock stands still until the test moves it.
#[test]
fn and_when_it_does_not_come_in_time() {
    testkit::run_paused(async |case: &Case| {
        let origin = frames(case, |mut peer| async move {
            let stream = peer.request().await?;
            while !peer.next(Frame::DATA).await?.has(Frame::END_STREAM) {}
            peer.answer(stream, "done").await?;
            peer.rest().await
        });
        let agent = agent();
        let request = agent.put(origin.url("/")).header("expect", "100-continue").body("payload");
        let request = tokio::spawn(async move { request.send().await.unwrap().text().await.unwrap() });
        origin.wait(|record| record.requests() == 1).await;
        turns().await;
        advance(Duration::from_millis(990)).await;
        turns().await;
        assert_eq!(origin.record().connections[0].of(Frame::DATA).count(), 0);
        advance(Duration::from_millis(20)).await;
        assert_eq!(request.await.unwrap(), "done");
    });
}

#[test]
fn a_body_that_waits_for_100_is_never_sent_after_a_final_answer() {
    testkit::run_paused(async |case: &Case| {
        let origin = frames(case, |mut peer| async move {
            let stream = peer.request().await?;
            peer.send(&Frame::head(stream, 417, &[], true)).await?;
            peer.serve().await
        });
        let agent = agent();
        let request = agent.put(origin.url("/")).header("expect", "100-continue").body("payload");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::EXPECTATION_FAILED);
        assert_eq!(response.text().await.unwrap(), "");
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
        let record = origin.record();
        assert!(record.connections[0].of(Frame::DATA).all(|frame| frame.payload.is_empty()));
        assert_eq!(record.connections.len(), 1);
    });
}

#[test]
fn interim_responses_are_passed_over() {
    testkit::run(async |case: &Case| {
        let origin = frames(case, |mut peer| async move {
            loop {
                let stream = peer.request().await?;
                for status in [103, 102, 103] {
                    peer.send(&Frame::head(stream, status, &[("link", "</a>")], false)).await?;
                }
                peer.answer(stream, "final").await?;
            }
        });
        let agent = agent();
        for _ in 0..2 {
            let response = agent.get(origin.url("/")).send().await.unwrap();
            assert_eq!((response.status(), response.headers().get("link")), (StatusCode::OK, None));
            assert_eq!(response.text().await.unwrap(), "final");
        }
    });
}

/// The response is there before the request is sent; what is left of that goes on while the body is read.
#[test]
fn an_early_response_is_read_while_the_request_is_sent() {
    testkit::run(async |case: &Case| {
        let origin = frames(case, |mut peer| async move {
            let stream = peer.request().await?;
            peer.send(&Frame::head(stream, 200, &[], false)).await?;
            peer.send(&Frame::data(stream, "echo", false)).await?;
            while !peer.next(Frame::DATA).await?.has(Frame::END_STREAM) {}
            peer.send(&Frame::data(stream, "!", true)).await?;
            peer.serve().await
        });
        let agent = agent();
        let (feeder, body) = feed();
        let response = agent.post(origin.url("/")).body(Body::wrap(body)).send().await.unwrap();
        feeder.data("late");
        drop(feeder);
        assert_eq!(response.text().await.unwrap(), "echo!");
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
        assert_eq!(at_rest(&agent).await.opened, 1);
    });
}

#[test]
fn a_whole_early_response_leaves_the_connection_to_others() {
    testkit::run(async |case: &Case| {
        for reset in [false, true] {
            let origin = frames(case, move |mut peer| async move {
                let stream = peer.request().await?;
                peer.answer(stream, "no need").await?;
                if reset {
                    peer.send(&Frame::reset(stream, NO_ERROR)).await?;
                }
                peer.serve().await
            });
            let agent = agent();
            let (feeder, body) = feed();
            let response = agent.post(origin.url("/")).body(Body::wrap(body)).send().await.unwrap();
            assert_eq!(response.text().await.unwrap(), "no need");
            assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
            let totals = at_rest(&agent).await;
            assert_eq!((totals.opened, totals.done, totals.streams), (1, 2, 0));
            assert!(feeder.is_dropped());
        }
    });
}

/// RFC 9113 §8.1.1: as long as it was said to be.
#[test]
fn a_response_that_is_not_as_long_as_it_says_is_an_error() {
    testkit::run(async |case: &Case| {
        for body in ["hell", "hello!"] {
            let origin = frames(case, move |mut peer| async move {
                let stream = peer.request().await?;
                peer.send(&Frame::head(stream, 200, &[("content-length", "5")], false)).await?;
                peer.send(&Frame::data(stream, body, true)).await?;
                peer.serve().await
            });
            let agent = agent();
            let error = match agent.get(origin.url("/")).send().await {
                Err(error) => error,
                Ok(response) => response.bytes().await.expect_err(body),
            };
            assert!(error.is_protocol(), "{body}: {error:?}");
            assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
            at_rest(&agent).await;
        }
    });
}

#[test]
fn a_request_that_is_not_as_long_as_it_says_is_an_error_and_not_sent_as_if_it_were() {
    testkit::run(async |case: &Case| {
        for (said, pieces, text) in
            [(6, 1, "ended at 3 bytes"), (6, 3, "has at least 9 bytes"), (0, 1, "has at least 3 bytes")]
        {
            let origin = case.plain(plain());
            let agent = agent();
            let (feeder, body) = feed();
            (0..pieces).for_each(|_| feeder.data("abc"));
            drop(feeder);
            let request = agent.post(origin.url("/")).header("content-length", said).body(Body::wrap(body));
            let error = request.send().await.unwrap_err();
            assert!(error.is_request(), "{error:?}");
            assert!(error.to_string().contains(text), "{error}");
            assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
            at_rest(&agent).await;
            assert_eq!(origin.stats().requests, 1);
        }
    });
}

/// As over HTTP/1.1: there is nothing to wait for.
#[test]
fn a_body_said_to_be_empty_need_not_say_that_it_ended() {
    testkit::run(async |case: &Case| {
        let origin = case.plain(plain().record_requests());
        let agent = agent();
        let (_feeder, body) = feed();
        let request = agent.post(origin.url("/")).header("content-length", 0).body(Body::wrap(body));
        assert_eq!(request.send().await.unwrap().text().await.unwrap(), "hello");
        assert_eq!(at_rest(&agent).await.done, 1);
        assert_eq!(origin.requests()[0].header("content-length"), Some("0"));
    });
}

#[test]
fn a_request_body_that_fails_resets_its_stream_alone() {
    testkit::run(async |case: &Case| {
        let origin = case.plain(plain());
        let agent = builder().max_sockets(1).build().unwrap();
        let (feeder, body) = feed();
        feeder.data("abc");
        feeder.fail("no more paper");
        let error = agent.post(origin.url("/")).body(Body::wrap(body)).send().await.unwrap_err();
        assert!(error.to_string().contains("the request body failed"), "{error}");
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
        assert_eq!(at_rest(&agent).await.opened, 1);
    });
}

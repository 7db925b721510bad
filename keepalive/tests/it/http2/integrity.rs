//! What is wrong is an error, and never looks whole.

use std::error::Error as _;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt, Full};
use keepalive::{Agent, Body, Tls};
use testkit::{Authority, Case, Frame, PlainOrigin, Script, ScriptedOrigin, ServerTls, ok, run, run_paused};
use tokio::time::advance;

use super::{INTERNAL_ERROR, agent, builder, frames, plain};
use crate::kit::{eventually, fetch, poll_once, turns};
use crate::sending::feed::{feed, feed_of};

pub(super) fn trailers() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "42".parse().unwrap());
    trailers
}

/// HTTP/1.1 says that the body has at least 4 bytes; here it is never looked at, and the server has a whole
/// request without it.
#[test]
fn a_body_that_was_said_to_be_empty_and_is_not_fails_its_request() {
    run(async |case: &Case| {
        let origin = case.plain(plain().record_requests());
        let (feeder, body) = feed();
        feeder.data("some");
        drop(feeder);
        let request = agent().post(origin.url("/")).header("content-length", "0").body(Body::wrap(body));
        match request.send().await {
            Err(error) => assert!(error.is_request(), "{error:?}"),
            Ok(response) => {
                let sent = String::from_utf8_lossy(&origin.requests()[0].body).into_owned();
                panic!("{} for a request whose body `some` was sent as {sent:?}", response.status());
            }
        }
    });
}

/// RFC 9113 §8.1: trailers need no chunks there.
#[test]
fn trailers_behind_a_body_of_known_length_are_sent() {
    run(async |case: &Case| {
        for exact in [false, true] {
            let origin = case.plain(plain().record_requests());
            let body = if exact {
                Body::wrap(Full::new(Bytes::from("data")).with_trailers(async { Some(Ok(trailers())) }))
            } else {
                let (feeder, body) = feed_of(4);
                feeder.data("data");
                feeder.trailers(trailers());
                drop(feeder);
                Body::wrap(body)
            };
            let sent = agent().post(origin.url("/")).body(body).send().await;
            if sent.is_ok() {
                let request = &origin.requests()[0];
                assert_eq!(request.body, b"data");
                assert_eq!(request.trailers, [("x-sum".to_owned(), "42".to_owned())], "{exact}");
            }
        }
    });
}

#[test]
fn trailers_of_a_body_without_data_are_sent() {
    run(async |case: &Case| {
        let origin = case.plain(plain().record_requests());
        let (feeder, body) = feed_of(0);
        feeder.trailers(trailers());
        drop(feeder);
        let sent = agent().post(origin.url("/")).body(Body::wrap(body)).send().await;
        if sent.is_ok() {
            assert_eq!(origin.requests()[0].trailers, [("x-sum".to_owned(), "42".to_owned())]);
        }
    });
}

/// HTTP/1.1 leaves them out. Here the h2 crate refuses all of them, which was taken for the end of the stream: the
/// request was never ended, and both sides waited for each other.
#[test]
fn trailers_that_would_change_the_framing_leave_no_request_half_sent() {
    run_paused(async |case: &Case| {
        let origin = case.plain(plain().record_requests());
        let (feeder, body) = feed();
        feeder.data("data");
        let mut trailers = trailers();
        trailers.insert("connection", "x".parse().unwrap());
        feeder.trailers(trailers);
        drop(feeder);
        let limit = Duration::from_secs(5);
        let agent = builder().response_timeout(limit).build().unwrap();
        let request = tokio::spawn(agent.post(origin.url("/")).body(Body::wrap(body)).send());
        eventually(|| origin.stats().streams == 1 || request.is_finished()).await;
        for _ in 0..20 {
            turns().await;
        }
        advance(2 * limit).await;
        match request.await.unwrap() {
            Ok(_) => assert_eq!(origin.requests()[0].trailers, [("x-sum".to_owned(), "42".to_owned())]),
            Err(error) => assert!(error.is_request(), "the server waits for the rest: {error}"),
        }
    });
}

/// It said how many bytes the head had.
#[test]
fn an_error_behind_the_head_tells_how_much_of_the_request_was_written() {
    run(async |case: &Case| {
        let origin = frames(case, |mut peer| async move {
            let stream = peer.request().await?;
            while !peer.next(Frame::DATA).await?.has(Frame::END_STREAM) {}
            peer.send(&Frame::head(stream, 200, &[], false)).await?;
            peer.send(&Frame::data(stream, "some", false)).await?;
            peer.request().await?;
            peer.send(&Frame::reset(stream, INTERNAL_ERROR)).await?;
            peer.serve().await
        });
        let agent = agent();
        let response = agent.post(origin.url("/")).body("x".repeat(10_000)).send().await.unwrap();
        let other = tokio::spawn(fetch(&agent, origin.url("/")));
        let error = response.text().await.unwrap_err();
        assert!(
            error.bytes_written() > 10_000,
            "{} bytes, of at least 10000: {error:?}",
            error.bytes_written()
        );
        other.abort();
    });
}

/// It told of none, although a server had the whole request.
#[test]
fn an_upgrade_that_is_sent_again_to_a_server_that_speaks_http2_now_was_written() {
    run(async |case: &Case| {
        let authority = Authority::new("tests");
        let tls = Tls::builder().builtin_roots(false).add_root_pem(authority.pem()).build().unwrap();
        let old = ServerTls::new(&authority.local()).alpn(&["http/1.1"]);
        let new = ServerTls::new(&authority.local()).alpn(&["h2"]);
        let script = Script::new().request().send(ok("first")).request().signal("reset").reset();
        let origin = case.scripted(ScriptedOrigin::builder().connection(script).tls(&old));
        let agent = Agent::builder().tls(tls).build().unwrap();
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "first");
        let request = agent.get(origin.url("/")).header("connection", "upgrade").header("upgrade", "echo");
        let mut request = Box::pin(request.send());
        while origin.record().requests().len() < 2 {
            assert!(poll_once(&mut request).await.is_none());
            tokio::task::yield_now().await;
        }
        origin.signal("reset");
        origin.wait(|record| record.open() == 0).await;
        origin.stop();
        let _new = PlainOrigin::builder().tls(&new).bind(origin.addr().to_string()).start();
        let error = request.await.unwrap_err();
        assert!(error.to_string().contains("needs HTTP/1.1"), "{error}: {:?}", error.source());
        assert!(error.bytes_written() > 0, "a server had the whole request: {error:?}");
    });
}

/// Over HTTP/1.1 it is sent as it is; here the request went to another host of the server, and nobody said so.
#[test]
fn a_host_that_is_no_authority_is_an_error_and_not_replaced() {
    run(async |case: &Case| {
        let origin = case.plain(plain().record_requests());
        let sent = agent().get(origin.url("/")).header("host", "my host").send().await;
        if sent.is_ok() {
            assert_eq!(origin.requests()[0].header(":authority"), Some("my host"));
        }
    });
}

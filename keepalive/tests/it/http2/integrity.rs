//! What is wrong is an error, and never looks whole.

use std::error::Error as _;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt, Full};
use keepalive::{Agent, Body, Tls};
use testkit::{Authority, Case, Frame, PlainOrigin, Script, ScriptedOrigin, ServerTls, ok};

use super::{INTERNAL_ERROR, agent, frames, plain};
use crate::kit::{fetch, poll_once};
use crate::sending::feed::{feed, feed_of};

fn trailers() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "42".parse().unwrap());
    trailers
}

/// HTTP/1.1 says that the body has at least 4 bytes; here it is never looked at, and the server has a whole
/// request without it.
#[test]
fn a_body_that_was_said_to_be_empty_and_is_not_fails_its_request() {
    testkit::run(async |case: &Case| {
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
    testkit::run(async |case: &Case| {
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
    testkit::run(async |case: &Case| {
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

/// It said how many bytes the head had.
#[test]
fn an_error_behind_the_head_tells_how_much_of_the_request_was_written() {
    testkit::run(async |case: &Case| {
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
    testkit::run(async |case: &Case| {
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

/// Nobody heard any more that the place of the stream that was given up is free.
#[test]
fn a_connection_goes_with_the_last_request_of_an_agent_that_is_gone() {
    testkit::run(async |case: &Case| {
        let origin = frames(case, |mut peer| async move {
            peer.request().await?;
            peer.serve().await
        });
        let agent = agent();
        let mut request = Box::pin(fetch(&agent, origin.url("/")));
        while origin.record().requests() < 1 {
            assert!(poll_once(&mut request).await.is_none());
            tokio::task::yield_now().await;
        }
        drop(agent);
        drop(request);
        origin.wait(|record| record.open() == 0).await;
    });
}

struct Panics;

impl std::task::Wake for Panics {
    fn wake(self: std::sync::Arc<Self>) {
        panic!("the waker of a test");
    }
}

/// The connection's task told that a place was free, and woke whoever waited for it: that panicked, and took the
/// connection with it, and all others on it.
#[test]
fn a_waker_that_panics_breaks_no_others_stream() {
    testkit::run(async |case: &Case| {
        let cue = super::Cue::new();
        let come = cue.clone();
        let origin = case.frames(testkit::FrameOrigin::script(move |mut peer: testkit::Peer| {
            let cue = come.clone();
            async move {
                peer.open(&[(super::MAX_CONCURRENT_STREAMS, 2)]).await?;
                let long = peer.request().await?;
                peer.send(&Frame::head(long, 200, &[], false)).await?;
                peer.request().await?;
                peer.next(Frame::RST_STREAM).await?;
                // A sign of life, which tells that the place is free.
                peer.send(&Frame::ping([7; 8], false)).await?;
                cue.come().await;
                peer.send(&Frame::data(long, "whole", true)).await?;
                peer.serve().await
            }
        }));
        let agent = super::builder().max_sockets(1).build().unwrap();
        let long = agent.get(origin.url("/")).send().await.unwrap();
        let mut given_up = Box::pin(fetch(&agent, origin.url("/")));
        while origin.record().requests() < 2 {
            assert!(poll_once(&mut given_up).await.is_none());
            tokio::task::yield_now().await;
        }
        let mut bad = Box::pin(fetch(&agent, origin.url("/")));
        let waker = std::task::Waker::from(std::sync::Arc::new(Panics));
        assert!(bad.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_pending());
        drop(given_up);
        origin.wait(|record| record.connections[0].of(Frame::RST_STREAM).count() == 1).await;
        crate::kit::turns().await;
        cue.give();
        assert_eq!(long.text().await.unwrap(), "whole");
        drop(bad);
        assert_eq!(crate::kit::at_rest(&agent).await.opened, 1);
    });
}

/// A body that is always ready, with nothing.
struct Idling(usize);

impl http_body::Body for Idling {
    type Data = Bytes;
    type Error = keepalive::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, keepalive::Error>>> {
        self.0 = self.0.checked_sub(1).expect("somebody looks whether an answer came");
        std::task::Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::new()))))
    }
}

/// Over HTTP/1.1 it gives others their turn after some pieces.
#[test]
fn an_early_response_is_seen_though_the_body_is_always_ready() {
    testkit::run(async |case: &Case| {
        let origin = frames(case, |mut peer| async move {
            let stream = peer.request().await?;
            peer.answer(stream, "early").await?;
            peer.serve().await
        });
        let response =
            agent().post(origin.url("/")).body(Body::wrap(Idling(1_000_000))).send().await.unwrap();
        assert_eq!(response.text().await.unwrap(), "early");
    });
}

#[test]
fn control_of_the_above_over_http1() {
    testkit::run(async |case: &Case| {
        let origin = case.scripted(Script::new().head().send(ok("early")).read_to_end());
        let agent = Agent::new();
        let response = agent.post(origin.url("/")).body(Body::wrap(Idling(1_000_000))).send().await.unwrap();
        assert_eq!(response.text().await.unwrap(), "early");
    });
}

/// A body in pieces that is never there at once.
struct Slow(usize, bool);

impl http_body::Body for Slow {
    type Data = Bytes;
    type Error = keepalive::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, keepalive::Error>>> {
        self.1 = !self.1;
        if self.1 {
            cx.waker().wake_by_ref();
            return std::task::Poll::Pending;
        }
        let Some(left) = self.0.checked_sub(1) else {
            return std::task::Poll::Ready(Some(Ok(http_body::Frame::trailers(trailers()))));
        };
        self.0 = left;
        std::task::Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(b"piece")))))
    }
}

/// (Holds.) Whatever was dropped when, the next requests are served and whole.
#[test]
fn a_request_dropped_after_any_poll_leaves_the_accounts_right() {
    testkit::run(async |case: &Case| {
        for streams in [1, 2] {
            let mut polls = 1;
            loop {
                let origin = case.plain(plain().record_requests());
                let agent = super::builder().max_sockets(1).max_streams_per_socket(streams).build().unwrap();
                let others: Vec<_> = (0..2)
                    .map(|_| {
                        let post = agent.post(origin.url("/")).body(Body::wrap(Slow(5, false)));
                        tokio::spawn(async move { post.send().await.unwrap().text().await.unwrap() })
                    })
                    .collect();
                let post = agent.post(origin.url("/dropped")).body(Body::wrap(Slow(5, false)));
                let done = crate::kit::within_polls(polls, async { post.send().await?.text().await }).await;
                for other in others {
                    assert_eq!(other.await.unwrap(), "hello");
                }
                assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
                let totals = crate::kit::at_rest(&agent).await;
                assert_eq!((totals.requests, totals.done), (4, 3 + u64::from(done.is_some())));
                for request in origin.requests().iter().filter(|it| it.target == "/" && it.method == "POST") {
                    assert_eq!(request.body, b"piecepiecepiecepiecepiece");
                    assert_eq!(request.trailers.len(), 1);
                }
                if done.is_some() {
                    break;
                }
                polls += 1;
            }
            assert!(polls > 3, "{polls}");
        }
    });
}

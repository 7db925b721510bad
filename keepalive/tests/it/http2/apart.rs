//! Nobody's stream, task or account suffers from what another one does.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use http_body::Frame as Piece;
use keepalive::{Body, Error};
use testkit::{Case, Frame, FrameOrigin, Peer, run};

use super::integrity::trailers;
use super::{Cue, MAX_CONCURRENT_STREAMS, agent, builder, frames, plain};
use crate::kit::{at_rest, fetch, poll_once, turns, within_polls};

/// Nobody heard any more that the place of the stream that was given up is free.
#[test]
fn a_connection_goes_with_the_last_request_of_an_agent_that_is_gone() {
    run(async |case: &Case| {
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

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("the waker of a test");
    }
}

/// The connection's task told that a place was free, and woke whoever waited for it: that panicked, and took the
/// connection with it, and all others on it.
#[test]
fn a_waker_that_panics_breaks_no_others_stream() {
    run(async |case: &Case| {
        let cue = Cue::new();
        let come = cue.clone();
        let origin = case.frames(FrameOrigin::script(move |mut peer: Peer| {
            let cue = come.clone();
            async move {
                peer.open(&[(MAX_CONCURRENT_STREAMS, 2)]).await?;
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
        let agent = builder().max_sockets(1).build().unwrap();
        let long = agent.get(origin.url("/")).send().await.unwrap();
        let mut given_up = Box::pin(fetch(&agent, origin.url("/")));
        while origin.record().requests() < 2 {
            assert!(poll_once(&mut given_up).await.is_none());
            tokio::task::yield_now().await;
        }
        let mut bad = Box::pin(fetch(&agent, origin.url("/")));
        let waker = Waker::from(Arc::new(Panics));
        assert!(bad.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(given_up);
        origin.wait(|record| record.connections[0].of(Frame::RST_STREAM).count() == 1).await;
        turns().await;
        cue.give();
        assert_eq!(long.text().await.unwrap(), "whole");
        drop(bad);
        assert_eq!(at_rest(&agent).await.opened, 1);
    });
}

/// A body that is always ready, with nothing.
struct Idling(usize);

impl http_body::Body for Idling {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Piece<Bytes>, Error>>> {
        self.0 = self.0.checked_sub(1).expect("somebody looks whether an answer came");
        Poll::Ready(Some(Ok(Piece::data(Bytes::new()))))
    }
}

/// Over HTTP/1.1 it gives others their turn after some pieces.
#[test]
fn an_early_response_is_seen_though_the_body_is_always_ready() {
    run(async |case: &Case| {
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

/// A body in pieces that is never there at once.
struct Slow(usize, bool);

impl http_body::Body for Slow {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Piece<Bytes>, Error>>> {
        self.1 = !self.1;
        if self.1 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(left) = self.0.checked_sub(1) else {
            return Poll::Ready(Some(Ok(Piece::trailers(trailers()))));
        };
        self.0 = left;
        Poll::Ready(Some(Ok(Piece::data(Bytes::from_static(b"piece")))))
    }
}

/// Whatever was dropped when, the next requests are served and whole.
#[test]
fn a_request_dropped_after_any_poll_leaves_the_accounts_right() {
    run(async |case: &Case| {
        for streams in [1, 2] {
            let mut polls = 1;
            loop {
                let origin = case.plain(plain().record_requests());
                let agent = builder().max_sockets(1).max_streams_per_socket(streams).build().unwrap();
                let others: Vec<_> = (0..2)
                    .map(|_| {
                        let post = agent.post(origin.url("/")).body(Body::wrap(Slow(5, false)));
                        tokio::spawn(async move { post.send().await.unwrap().text().await.unwrap() })
                    })
                    .collect();
                let post = agent.post(origin.url("/dropped")).body(Body::wrap(Slow(5, false)));
                let done = within_polls(polls, async { post.send().await?.text().await }).await;
                for other in others {
                    assert_eq!(other.await.unwrap(), "hello");
                }
                assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
                let totals = at_rest(&agent).await;
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

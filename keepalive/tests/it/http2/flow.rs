//! Bodies and windows: large ones both ways, slow readers, and nobody who waits for another's reader.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt as _;
use keepalive::Body;
use testkit::{Case, Frame, Reply};
use tokio::task::JoinSet;

use super::{Cue, INITIAL_WINDOW_SIZE, agent, builder, frames, plain};
use crate::kit::{at_rest, fetch, turns};
use crate::sending::feed::feed;

const MIB: usize = 1 << 20;

/// Bytes of which no two megabytes are the same.
fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n ^ (n >> 8) ^ (n >> 16)) as u8).collect()
}

#[test]
fn eight_megabytes_up_and_down() {
    testkit::run_threads(2, async |case: &Case| {
        let origin = case.plain(plain().reply(|request| Reply::ok(request.body.clone())));
        let agent = agent();
        let sent = bytes(8 * MIB);
        let response = agent.post(origin.url("/")).body(sent.clone()).send().await.unwrap();
        assert!(response.bytes().await.unwrap() == sent);
        let totals = at_rest(&agent).await;
        assert_eq!((totals.opened, totals.done, totals.streams), (1, 1, 0));
    });
}

/// Twenty bodies nobody reads, each larger than its window, and the connection serves on.
#[test]
fn bodies_that_nobody_reads_hold_nobody_up() {
    testkit::run(async |case: &Case| {
        let large: Arc<[u8]> = bytes(MIB).into();
        let origin = case.plain(plain().reply(move |request| match request.target.as_str() {
            "/large" => Reply::ok(large.to_vec()),
            _ => Reply::ok("hello"),
        }));
        let agent = builder().max_sockets(1).build().unwrap();
        let mut unread = Vec::new();
        for _ in 0..20 {
            unread.push(agent.get(origin.url("/large")).send().await.unwrap());
        }
        for _ in 0..50 {
            assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
        }
        let totals = agent.status().totals;
        assert_eq!((totals.opened, totals.streams, totals.running), (1, 20, 20));
        for response in unread {
            assert!(response.bytes().await.unwrap() == bytes(MIB));
        }
        assert_eq!(at_rest(&agent).await.done, 70);
    });
}

/// What a server may send ahead of the reader is bounded by the stream's window, and only reading opens it.
/// It comes after the head: what comes with it and might be a small body is taken in at once.
#[test]
fn an_unread_body_takes_bounded_memory() {
    testkit::run(async |case: &Case| {
        const WINDOW: usize = 512 * 1024;
        let cue = Cue::new();
        let come = cue.clone();
        let origin = frames(case, move |mut peer| {
            let come = come.clone();
            async move {
                let stream = peer.request().await?;
                peer.send(&Frame::head(stream, 200, &[], false)).await?;
                come.come().await;
                for _ in 0..WINDOW / 16_384 {
                    peer.send(&Frame::data(stream, vec![b'x'; 16_384], false)).await?;
                }
                // The client's word that it has read all that.
                peer.send(&Frame::ping(*b"all sent", false)).await?;
                while peer.next(Frame::WINDOW_UPDATE).await?.stream != stream {}
                peer.send(&Frame::data(stream, "more", true)).await?;
                peer.rest().await
            }
        });
        let agent = agent();
        let response = agent.get(origin.url("/")).send().await.unwrap();
        cue.give();
        let pong = |frame: &Frame| frame.kind == Frame::PING && frame.has(Frame::ACK);
        origin.wait(|record| record.connections[0].frames.iter().any(pong)).await;
        let opened = |stream| {
            let record = origin.record();
            let updates: Vec<_> = record.connections[0].of(Frame::WINDOW_UPDATE).cloned().collect();
            updates.iter().filter(|update| update.stream == stream).count()
        };
        assert_eq!(opened(1), 0, "nothing was read, and yet more was asked for");
        let record = origin.record();
        let settings = &record.connections[0].frames[0];
        let window = settings.payload.chunks(6).find(|value| value[..2] == INITIAL_WINDOW_SIZE.to_be_bytes());
        assert_eq!(window.unwrap()[2..], u32::try_from(WINDOW).unwrap().to_be_bytes());
        assert_eq!(response.bytes().await.unwrap().len(), WINDOW + 4);
        assert!(opened(1) > 0);
    });
}

const PIECE: usize = 16 * 1024;

/// A body of a mebibyte that counts what is pulled of it.
struct Pieces(Arc<AtomicUsize>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        let pulled = self.0.load(Ordering::Relaxed);
        self.0.store((pulled + PIECE).min(MIB), Ordering::Relaxed);
        Poll::Ready((pulled < MIB).then(|| Ok(http_body::Frame::data(vec![b'x'; PIECE].into()))))
    }
}

/// The server has no window left: no more is pulled of the body than it takes and a little.
#[test]
fn a_request_body_is_pulled_as_the_server_takes_it() {
    testkit::run(async |case: &Case| {
        let go = Cue::new();
        let come = go.clone();
        let origin = frames(case, move |mut peer| {
            let go = come.clone();
            async move {
                let stream = peer.request().await?;
                let mut left = 65_535;
                while left > 0 {
                    left -= peer.next(Frame::DATA).await?.payload.len();
                }
                peer.send(&Frame::ping(*b"no more!", false)).await?;
                let pong = |frame: &Frame| frame.kind == Frame::PING && frame.has(Frame::ACK);
                while !pong(&peer.frame().await?) {}
                go.come().await;
                peer.send(&Frame::window(0, 1 << 24)).await?;
                peer.send(&Frame::window(stream, 1 << 24)).await?;
                while !peer.next(Frame::DATA).await?.has(Frame::END_STREAM) {}
                peer.answer(stream, "taken").await?;
                peer.rest().await
            }
        });
        let agent = agent();
        let pulled = Arc::new(AtomicUsize::new(0));
        let request = agent.post(origin.url("/")).body(Body::wrap(Pieces(Arc::clone(&pulled))));
        let request = tokio::spawn(async move { request.send().await.unwrap().text().await.unwrap() });
        let ping = |frame: &Frame| frame.kind == Frame::PING && frame.has(Frame::ACK);
        origin.wait(|record| record.connections.iter().any(|it| it.frames.iter().any(ping))).await;
        turns().await;
        let most = 65_535 + 2 * PIECE;
        assert!(pulled.load(Ordering::Relaxed) <= most, "{pulled:?} were pulled");
        go.give();
        assert_eq!(request.await.unwrap(), "taken");
        let record = origin.record();
        let data: usize = record.connections[0].of(Frame::DATA).map(|frame| frame.payload.len()).sum();
        assert_eq!(data, MIB);
    });
}

/// One upload that stands still for lack of a window, and a hundred requests beside it.
#[test]
fn an_upload_that_the_server_does_not_take_holds_nobody_up() {
    testkit::run(async |case: &Case| {
        let origin = frames(case, |mut peer| async move {
            let stuck = peer.request().await?;
            // As much room for the connection, and none more for the stream.
            peer.send(&Frame::window(0, 1 << 20)).await?;
            for _ in 0..100 {
                let stream = peer.request().await?;
                peer.answer(stream, "hello").await?;
            }
            peer.answer(stuck, "early").await?;
            peer.rest().await
        });
        let agent = builder().max_sockets(1).build().unwrap();
        let stuck = agent.post(origin.url("/")).body(vec![b'x'; MIB]);
        let stuck = tokio::spawn(async move { stuck.send().await.unwrap().text().await.unwrap() });
        origin.wait(|record| record.requests() == 1).await;
        let mut asked = JoinSet::new();
        (0..100).for_each(|_| drop(asked.spawn(fetch(&agent, origin.url("/")))));
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        assert_eq!(stuck.await.unwrap(), "early");
        turns().await;
        assert_eq!(at_rest(&agent).await.opened, 1);
    });
}

#[test]
fn trailers_go_both_ways() {
    testkit::run(async |case: &Case| {
        let reply = |_: &testkit::Request| Reply::ok("body").chunked().trailer("x-sum", "7");
        let origin = case.plain(plain().record_requests().reply(reply));
        let agent = agent();
        let (feeder, body) = feed();
        feeder.data("data");
        let mut trailers = HeaderMap::new();
        trailers.insert("x-check", "42".parse().unwrap());
        feeder.trailers(trailers);
        drop(feeder);
        let request = agent.post(origin.url("/")).body(Body::wrap(body));
        let response = request.send().await.unwrap();
        let collected = http::Response::from(response).into_body().collect().await.unwrap();
        assert_eq!(collected.trailers().unwrap()["x-sum"], "7");
        assert_eq!(collected.to_bytes(), "body");
        let request = &origin.requests()[0];
        assert_eq!(
            (request.body.as_slice(), &request.trailers[..]),
            (&b"data"[..], &[("x-check".to_owned(), "42".to_owned())][..])
        );
        assert_eq!(at_rest(&agent).await.idle, 1);
    });
}

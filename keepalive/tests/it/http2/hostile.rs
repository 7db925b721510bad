//! Frames that no server may send. Whatever it is: the request fails and says so, the connection is closed,
//! once, and the next request has another.

use keepalive::CloseReason;
use testkit::{Case, Frame, FrameOrigin, Peer, block};
use tokio::task::JoinSet;

use super::{MAX_CONCURRENT_STREAMS, agent, frames};
use crate::kit::{accounts, at_rest, closed_by, fetch, until};

const PUSH_PROMISE: u8 = 5;
const TABLE_SIZE: u16 = 1;
const ENABLE_PUSH: u16 = 2;
const WINDOW: u16 = 4;
const FRAME_SIZE: u16 = 5;

/// The first stream of a client.
const FIRST: u32 = 1;

/// What is sent instead of an answer.
fn offences() -> Vec<(&'static str, Vec<Frame>)> {
    let head = |end| Frame::head(FIRST, 200, &[], end);
    vec![
        ("data on the connection", vec![Frame::data(0, "x", false)]),
        ("data on a stream that was never begun", vec![Frame::data(99, "x", true)]),
        ("a head on the connection", vec![Frame::head(0, 200, &[], true)]),
        ("a head on a stream of the server's", vec![Frame::head(2, 200, &[], true)]),
        ("a head on a stream that was never begun", vec![Frame::head(99, 200, &[], true)]),
        ("a block that never says what it says", vec![Frame::new(Frame::HEADERS, 4, FIRST, [0xff; 20])]),
        ("a block with a field that is in no table", vec![Frame::new(Frame::HEADERS, 4, FIRST, [0xfe])]),
        ("a push that nobody wants", vec![Frame::new(PUSH_PROMISE, 4, FIRST, [0, 0, 0, 2, 0x88])]),
        ("a push of nothing", vec![Frame::new(PUSH_PROMISE, 4, FIRST, [])]),
        ("an end of a stream that was never begun", vec![Frame::reset(99, 2)]),
        ("an end of the connection as of a stream", vec![Frame::reset(0, 2)]),
        ("an end of a stream in three bytes", vec![Frame::new(Frame::RST_STREAM, 0, FIRST, [0, 0, 1])]),
        ("a window that grows by nothing", vec![Frame::window(0, 0)]),
        ("a window that grows beyond all bounds", vec![Frame::window(0, u32::MAX >> 1)]),
        ("settings in five bytes", vec![Frame::new(Frame::SETTINGS, 0, 0, [0; 5])]),
        ("settings of a stream", vec![Frame::new(Frame::SETTINGS, 0, FIRST, [])]),
        ("an answer to settings with settings", vec![Frame::new(Frame::SETTINGS, 1, 0, [0; 6])]),
        ("a window of two times two to the thirty-first", vec![Frame::settings(&[(WINDOW, u32::MAX)])]),
        ("frames of one byte", vec![Frame::settings(&[(FRAME_SIZE, 1)])]),
        ("neither yes nor no", vec![Frame::settings(&[(ENABLE_PUSH, 2)])]),
        ("a ping in seven bytes", vec![Frame::new(Frame::PING, 0, 0, [0; 7])]),
        ("a ping of a stream", vec![Frame::new(Frame::PING, 0, FIRST, [0; 8])]),
        ("a goodbye in seven bytes", vec![Frame::new(Frame::GOAWAY, 0, 0, [0; 7])]),
        ("more of a block that was never begun", vec![Frame::new(Frame::CONTINUATION, 4, FIRST, [0x88])]),
        (
            "data in the middle of a block",
            vec![Frame::new(Frame::HEADERS, 0, FIRST, [0x88]), Frame::data(FIRST, "x", true)],
        ),
        (
            "more of another block",
            vec![Frame::new(Frame::HEADERS, 0, FIRST, [0x88]), Frame::new(Frame::CONTINUATION, 4, 3, [0x88])],
        ),
        ("padding longer than the frame", vec![head(false), Frame::new(Frame::DATA, 9, FIRST, [200, 1, 2])]),
        ("a frame larger than was allowed", vec![head(false), Frame::data(FIRST, vec![0; 20_000], true)]),
        ("data before the head", vec![Frame::data(FIRST, "x", true)]),
    ]
}

#[test]
fn what_breaks_the_rules_breaks_the_connection_once() {
    for (name, offence) in offences() {
        testkit::run(async |case: &Case| {
            let origin = frames(case, move |mut peer| {
                let offence = offence.clone();
                async move {
                    if peer.connection > 0 {
                        return peer.serve().await;
                    }
                    peer.request().await?;
                    for frame in &offence {
                        peer.send(frame).await?;
                    }
                    peer.rest().await
                }
            });
            let agent = agent();
            let error = match agent.post(origin.url("/")).send().await {
                Err(error) => error,
                Ok(response) => response.bytes().await.expect_err(name),
            };
            assert!(error.is_protocol() && !error.safe_to_retry(), "{name}: {error:?}");
            assert!(error.to_string().contains("broke the rules of HTTP/2"), "{name}: {error}");
            assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello", "{name}");
            let totals = at_rest(&agent).await;
            assert!(totals.opened <= 2, "{name}");
            for (reason, count) in closed_by(&agent) {
                assert_eq!((reason, count), (CloseReason::ProtocolError, 1), "{name}");
            }
        });
    }
}

/// One stream's bad head or body is its own affair, or the connection's: never another's, never a hang.
#[test]
fn a_response_that_is_none_fails_its_request() {
    let heads: [(&str, &[(&str, &str)]); 7] = [
        ("no status", &[("a", "b")]),
        ("a status that is no number", &[(":status", "abc")]),
        ("a status of one digit", &[(":status", "2")]),
        ("upper case", &[(":status", "200"), ("A", "b")]),
        ("a field of the connection", &[(":status", "200"), ("connection", "close")]),
        ("the status behind a field", &[("a", "b"), (":status", "200")]),
        ("two statuses", &[(":status", "200"), (":status", "204")]),
    ];
    for (name, fields) in heads {
        testkit::run(async |case: &Case| {
            let bytes = block(fields);
            let origin = frames(case, move |mut peer| {
                let bytes = bytes.clone();
                async move {
                    if peer.connection > 0 {
                        return peer.serve().await;
                    }
                    let stream = peer.request().await?;
                    peer.send(&Frame::new(Frame::HEADERS, 5, stream, bytes)).await?;
                    peer.serve().await
                }
            });
            let agent = agent();
            let error = agent.post(origin.url("/")).send().await.expect_err(name);
            assert!(error.is_protocol(), "{name}: {error:?}");
            assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello", "{name}");
            assert!(at_rest(&agent).await.opened <= 2, "{name}");
        });
    }
}

/// A head that never ends costs bounded memory and the connection.
#[test]
fn a_flood_of_continuations_is_cut_off() {
    testkit::run(async |case: &Case| {
        for piece in [0, 1, 16_000] {
            let field = block(&[("a", &"b".repeat(piece))]);
            let origin = frames(case, move |mut peer| {
                let field = field.clone();
                async move {
                    if peer.connection > 0 {
                        return peer.serve().await;
                    }
                    let stream = peer.request().await?;
                    peer.send(&Frame::new(Frame::HEADERS, 0, stream, [0x88])).await?;
                    let more = Frame::new(Frame::CONTINUATION, 0, stream, field);
                    // 160 MB of the largest; whoever takes that in takes in everything.
                    for _ in 0..10_000 {
                        peer.send(&more).await?;
                    }
                    peer.rest().await
                }
            });
            let agent = agent();
            let error = fetch(&agent, origin.url("/")).await.unwrap_err();
            assert!(error.is_protocol(), "{error:?}");
            assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
            at_rest(&agent).await;
        }
    });
}

#[test]
fn a_head_larger_than_64_kib_is_an_error() {
    testkit::run(async |case: &Case| {
        let large = "x".repeat(1000);
        let all: Vec<_> =
            std::iter::once((":status", "200")).chain((0..100).map(|_| ("a", large.as_str()))).collect();
        let bytes = block(&all);
        let origin = frames(case, move |mut peer| {
            let bytes = bytes.clone();
            async move {
                if peer.connection > 0 {
                    return peer.serve().await;
                }
                let stream = peer.request().await?;
                let mut pieces = bytes.chunks(16_000).peekable();
                peer.send(&Frame::new(Frame::HEADERS, 0, stream, pieces.next().unwrap_or_default())).await?;
                while let Some(piece) = pieces.next() {
                    let flags = if pieces.peek().is_none() { Frame::END_HEADERS } else { 0 };
                    peer.send(&Frame::new(Frame::CONTINUATION, flags, stream, piece)).await?;
                }
                peer.serve().await
            }
        });
        let agent = agent();
        let error = fetch(&agent, origin.url("/")).await.unwrap_err();
        assert!(error.is_protocol(), "{error:?}");
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
        assert!(at_rest(&agent).await.opened <= 2);
    });
}

/// 4,000 bytes once, and then one byte each time: 16 KiB of frame for 64 MB of head.
#[test]
fn a_bomb_of_references_does_not_go_off() {
    testkit::run(async |case: &Case| {
        let origin = frames(case, |mut peer| async move {
            if peer.connection > 0 {
                return peer.serve().await;
            }
            let stream = peer.request().await?;
            // Literal with indexing: name `a`, 3,900 bytes of value (127 + 3773 in base 128).
            let mut bytes = vec![0x88, 0x40, 1, b'a', 0x7f, 0x80 | (3773 % 128) as u8, (3773 / 128) as u8];
            bytes.extend([b'b'; 3900]);
            bytes.extend([0xbe; 12_000]);
            peer.send(&Frame::new(Frame::HEADERS, 5, stream, bytes)).await?;
            peer.serve().await
        });
        let agent = agent();
        let error = fetch(&agent, origin.url("/")).await.unwrap_err();
        assert!(error.is_protocol(), "{error:?}");
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
        assert!(at_rest(&agent).await.opened <= 2);
    });
}

/// Pings, settings and resets without end cost the sender, not us: bounded answers, and then the end.
#[test]
fn floods_of_small_frames_do_no_harm() {
    testkit::run(async |case: &Case| {
        for frame in [
            Frame::ping(*b"12345678", false),
            Frame::settings(&[(TABLE_SIZE, 4096)]),
            Frame::data(FIRST, "", false),
        ] {
            let origin = frames(case, move |mut peer| {
                let frame = frame.clone();
                async move {
                    if peer.connection > 0 {
                        return peer.serve().await;
                    }
                    let stream = peer.request().await?;
                    peer.send(&Frame::head(stream, 200, &[], false)).await?;
                    for _ in 0..2_000 {
                        peer.send(&frame).await?;
                    }
                    peer.send(&Frame::data(stream, "there", true)).await?;
                    peer.serve().await
                }
            });
            let agent = agent();
            match fetch(&agent, origin.url("/")).await {
                Ok(text) => assert_eq!(text, "there"),
                Err(error) => assert!(error.is_protocol(), "{error:?}"),
            }
            assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
            at_rest(&agent).await;
        }
    });
}

/// All requests on it fail, and none of another connection's does.
#[test]
fn an_offence_fails_all_requests_of_its_connection() {
    testkit::run(async |case: &Case| {
        let origin = case.frames(FrameOrigin::script(|mut peer: Peer| async move {
            peer.open(&[(MAX_CONCURRENT_STREAMS, 5)]).await?;
            let mut streams = Vec::new();
            for _ in 0..5 {
                streams.push(peer.request().await?);
            }
            if peer.connection == 0 {
                peer.send(&Frame::window(0, 0)).await?;
                return peer.rest().await;
            }
            for stream in streams {
                peer.answer(stream, "hello").await?;
            }
            peer.serve().await
        }));
        let agent = super::builder().max_sockets(2).build().unwrap();
        let mut asked = JoinSet::new();
        for _ in 0..10 {
            let request = agent.post(origin.url("/"));
            asked.spawn(async move { request.send().await?.text().await });
        }
        let results = asked.join_all().await;
        assert_eq!(results.iter().filter(|result| result.is_err()).count(), 5);
        let totals = at_rest(&agent).await;
        assert_eq!((totals.failed, totals.done), (5, 5));
    });
}

/// A whole conversation, cut after every byte.
#[test]
fn a_connection_that_is_cut_anywhere_fails_and_never_hangs() {
    testkit::run(async |case: &Case| {
        let bytes: Vec<u8> = [
            Frame::settings(&[(MAX_CONCURRENT_STREAMS, 100)]),
            Frame::head(FIRST, 200, &[("a", "b")], false),
            Frame::data(FIRST, "hello", false),
            Frame::data(FIRST, "", true),
        ]
        .iter()
        .flat_map(Frame::bytes)
        .collect();
        for reset in [false, true] {
            for cut in 0..=bytes.len() {
                let part = bytes[..cut].to_vec();
                let origin = case.frames(FrameOrigin::script(move |mut peer: Peer| {
                    let part = part.clone();
                    async move {
                        peer.preface().await?;
                        let settings = part.len().min(15);
                        peer.send_bytes(&part[..settings]).await?;
                        if part.len() > settings {
                            peer.request().await?;
                            peer.send_bytes(&part[settings..]).await?;
                        }
                        if reset {
                            peer.reset_on_close();
                        }
                        Ok(())
                    }
                }));
                let agent = agent();
                let got = fetch(&agent, origin.url("/")).await;
                match got {
                    Ok(text) => assert!(cut == bytes.len() && text == "hello", "{cut}"),
                    Err(error) => assert!(cut < bytes.len() || reset, "{cut}: {error:?}"),
                }
                until(&agent, |totals| totals.opened == totals.closed).await;
                accounts(&agent);
                assert_eq!(origin.record().requests(), usize::from(cut > 15), "{cut}");
            }
        }
    });
}

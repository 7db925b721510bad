//! What of a request's body can be sent again: all that was taken from it, while that is at most 64 KiB.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use keepalive::{Body, Error};
use testkit::{Case, Script, ScriptedOrigin, ok};

use super::stale_once;
use super::wire;
use crate::kit::text;

const LIMIT: usize = 64 * 1024;

/// A body that gives these pieces, one at each poll, and panics if it is polled after its end.
struct Pieces {
    left: std::vec::IntoIter<Frame<Bytes>>,
    ended: bool,
}

fn pieces(frames: Vec<Frame<Bytes>>) -> Body {
    Body::wrap(Pieces { left: frames.into_iter(), ended: false })
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        assert!(!self.ended, "polled after its end");
        let next = self.left.next();
        self.ended = next.is_none();
        Poll::Ready(next.map(Ok))
    }
}

/// The bodies of both attempts at a PUT on a socket that proves stale, or the error.
async fn both(case: &Case, body: Body) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let origin = case.scripted(stale_once());
    let agent = wire::agent();
    text(&agent, &origin.url("/warm")).await;
    let response = agent.put(origin.url("/")).body(body).send().await?;
    assert_eq!(response.connection_info().unwrap().attempts, 2);
    let record = origin.record();
    let [_, first, second] = &record.requests()[..] else { panic!("three requests") };
    assert_eq!(first.head, second.head);
    Ok((first.body.clone(), second.body.clone()))
}

#[test]
fn bytes_and_streams_up_to_the_limit() {
    wire::run(async |case: &Case| {
        for size in [0, 1, LIMIT - 1, LIMIT] {
            let data: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let halves = data.chunks((size / 2).max(1)).map(|half| Frame::data(Bytes::copy_from_slice(half)));
            for body in [Body::from(data.clone()), pieces(halves.collect())] {
                let (first, second) = both(case, body).await.unwrap();
                assert!(first == data && second == data, "{size}: {} and {}", first.len(), second.len());
            }
        }
    });
}

#[test]
fn one_byte_more_is_too_much() {
    wire::run(async |case: &Case| {
        let frames = vec![Frame::data(Bytes::from(vec![0; LIMIT])), Frame::data(Bytes::from_static(b"!"))];
        for body in [Body::from(vec![0; LIMIT + 1]), pieces(frames)] {
            let error = both(case, body).await.unwrap_err();
            assert!(error.is_stale() && error.safe_to_retry(), "{error:?}");
            assert!(error.to_string().contains("more than 64 KiB of its body"), "{error}");
        }
    });
}

#[test]
fn trailers_are_sent_again_too() {
    wire::run(async |case: &Case| {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", "42".parse().unwrap());
        let origin = case.scripted(stale_once());
        let agent = wire::agent();
        text(&agent, &origin.url("/warm")).await;
        let body = pieces(vec![Frame::data(Bytes::from_static(b"data")), Frame::trailers(trailers)]);
        agent.put(origin.url("/")).body(body).send().await.unwrap();
        let record = origin.record();
        let wire = |at: usize| {
            let bytes = String::from_utf8(record.connections[at].bytes.clone()).unwrap();
            bytes[bytes.rfind("PUT").unwrap()..].to_owned()
        };
        assert!(wire(0).ends_with("4\r\ndata\r\n0\r\nx-sum: 42\r\n\r\n"), "{}", wire(0));
        assert_eq!(wire(0), wire(1));
    });
}

/// The server went away while most of a large body was still to come: what was pulled by then decides.
#[test]
fn a_large_body_of_which_little_was_taken() {
    wire::run(async |case: &Case| {
        let stale = Script::new().request().send(ok("first")).head().reset();
        let good = Script::new().request().send(ok("good")).repeat();
        let origin = case.scripted(ScriptedOrigin::builder().connection(stale).otherwise(good));
        let agent = wire::agent();
        text(&agent, &origin.url("/warm")).await;
        // The rest comes only when the server has gone.
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        sender.send(Bytes::from(vec![1; 1000])).unwrap();
        let stream = Body::wrap(Receive(receiver));
        let request = tokio::spawn(agent.put(origin.url("/")).body(stream).send());
        origin.wait(|record| record.accepted() == 2).await;
        sender.send(Bytes::from(vec![2; 200_000])).unwrap();
        drop(sender);
        assert_eq!(request.await.unwrap().unwrap().connection_info().unwrap().attempts, 2);
        let record = origin.record();
        let body = &record.requests()[2].body;
        assert_eq!((body.len(), body[999], body[1000]), (201_000, 1, 2));
    });
}

/// The frames of a channel.
struct Receive(tokio::sync::mpsc::UnboundedReceiver<Bytes>);

impl http_body::Body for Receive {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.0.poll_recv(cx).map(|data| data.map(|data| Ok(Frame::data(data))))
    }
}

/// A body held back for a 100 is not taken at all, and held back again.
#[test]
fn an_expectation_is_kept_in_the_second_attempt() {
    wire::run(async |case: &Case| {
        let stale = Script::new().request().send(ok("first")).head().close();
        let good = Script::new()
            .head()
            .reached("second head")
            .signal("continue")
            .send("HTTP/1.1 100 Continue\r\n\r\n")
            .body()
            .send(ok("good"));
        let origin = case.scripted(ScriptedOrigin::builder().connection(stale).connection(good));
        let agent = wire::builder().expect_continue_timeout(None).build().unwrap();
        text(&agent, &origin.url("/warm")).await;
        let body = vec![7; 300_000];
        let request = agent.put(origin.url("/")).header("expect", "100-continue").body(body.clone());
        let request = tokio::spawn(request.send());
        origin.reached("second head").await;
        assert!(origin.record().requests()[2].body.is_empty());
        origin.signal("continue");
        let response = request.await.unwrap().unwrap();
        assert_eq!(response.connection_info().unwrap().attempts, 2);
        assert!(origin.record().requests()[2].body == body);
    });
}

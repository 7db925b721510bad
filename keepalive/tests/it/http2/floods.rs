//! Frames without end that break no rule by themselves: bounded by number where they can be, harmless where
//! they cannot, and always the sender's loss.

use keepalive::CloseReason;
use testkit::{Case, Frame};

use super::{agent, frames};
use crate::kit::{at_rest, closed_by, fetch};

const FIRST: u32 = 1;
const PRIORITY: u8 = 2;
const UNKNOWN: u8 = 0xfa;

/// What HTTP/1.1 allows, too.
const MAX_INTERIM: usize = 32;

#[test]
fn interim_responses_are_passed_over_up_to_a_limit() {
    for (count, passes) in [(MAX_INTERIM, true), (MAX_INTERIM + 1, false), (10_000, false)] {
        testkit::run(async |case: &Case| {
            let origin = frames(case, move |mut peer| async move {
                let stream = peer.request().await?;
                for _ in 0..count {
                    peer.send(&Frame::head(stream, 103, &[("link", "</a>")], false)).await?;
                }
                peer.answer(stream, "there").await?;
                peer.serve().await
            });
            let agent = agent();
            match fetch(&agent, origin.url("/")).await {
                Ok(text) => assert!(passes && text == "there", "{count}"),
                Err(error) => {
                    assert!(!passes && error.is_protocol(), "{count}: {error:?}");
                    assert_eq!(error.to_string(), "more than 32 1xx responses came first");
                }
            }
            assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello", "{count}");
            assert_eq!(at_rest(&agent).await.running, 0);
        });
    }
}

/// Frames that nothing has to be kept for, and nothing is: the response behind 20,000 of them arrives.
#[test]
fn frames_that_cost_nothing_are_let_pass() {
    for (name, frame) in [
        ("room on the connection", Frame::window(0, 1)),
        ("room on the stream", Frame::window(FIRST, 1)),
        ("priorities", Frame::new(PRIORITY, 0, FIRST, [0, 0, 0, 3, 1])),
        ("frames of no known kind", Frame::new(UNKNOWN, 0, FIRST, [0; 100])),
        ("answers to a ping that nobody sent", Frame::ping(*b"whatever", true)),
    ] {
        testkit::run(async |case: &Case| {
            let origin = frames(case, move |mut peer| {
                let frame = frame.clone();
                async move {
                    let stream = peer.request().await?;
                    for _ in 0..20_000 {
                        peer.send(&frame).await?;
                    }
                    peer.answer(stream, "there").await?;
                    peer.serve().await
                }
            });
            let agent = agent();
            assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "there", "{name}");
            at_rest(&agent).await;
            assert_eq!(closed_by(&agent), [], "{name}");
        });
    }
}

/// A server that resets whatever it is given costs one request each, which none of them repeats without end.
#[test]
fn a_reset_of_every_stream_fails_every_request_once() {
    testkit::run(async |case: &Case| {
        let origin = frames(case, |mut peer| async move {
            loop {
                let stream = peer.request().await?;
                peer.send(&Frame::reset(stream, super::CANCEL)).await?;
            }
        });
        let agent = agent();
        for _ in 0..500 {
            let error = fetch(&agent, origin.url("/")).await.unwrap_err();
            assert!(error.is_protocol(), "{error:?}");
        }
        let totals = at_rest(&agent).await;
        assert_eq!((totals.requests, totals.failed, totals.retried), (500, 500, 0));
        let connections = origin.record();
        assert_eq!(connections.requests(), 500, "no request was sent twice");
        assert!(closed_by(&agent).iter().all(|(reason, _)| *reason == CloseReason::ProtocolError));
    });
}

//! What a hostile review of HTTP/2 found.

use http_body::Body as _;
use http_body_util::BodyExt as _;
use keepalive::{Agent, AgentBuilder, Protocol};
use testkit::{Case, Frame, FrameOrigin, Peer};

use crate::kit::{at_rest, fetch, turns};

fn builder() -> AgentBuilder {
    Agent::builder().protocol(Protocol::Http2PriorKnowledge)
}

/// It was taken for one on a stale connection, and waited for a fresh one, for which there was no room as long
/// as the connection's other streams went on.
#[test]
fn a_request_whose_stream_is_reset_does_not_wait_for_another_connection() {
    testkit::run(async |case: &Case| {
        let origin = case.frames(FrameOrigin::script(|mut peer: Peer| async move {
            peer.open(&[]).await?;
            let long = peer.request().await?;
            peer.send(&Frame::head(long, 200, &[], false)).await?;
            let stream = peer.request().await?;
            peer.send(&Frame::reset(stream, INTERNAL_ERROR)).await?;
            peer.serve().await
        }));
        let agent = builder().max_sockets(1).build().unwrap();
        let long = agent.get(origin.url("/")).send().await.unwrap();
        let error = fetch(&agent, origin.url("/")).await.unwrap_err();
        assert!(error.to_string().contains("the server reset the stream"), "{error}");
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
        drop(long);
        let totals = at_rest(&agent).await;
        assert_eq!((totals.opened, totals.retried, origin.record().requests()), (1, 0, 3));
    });
}

/// The hint said what the head says, although there is no body, where the stream was ended after the head.
#[test]
fn a_response_to_head_has_no_body_to_come() {
    testkit::run(async |case: &Case| {
        let origin = case.frames(FrameOrigin::script(|mut peer: Peer| async move {
            peer.open(&[]).await?;
            let stream = peer.request().await?;
            peer.send(&Frame::head(stream, 200, &[("content-length", "10")], false)).await?;
            // It has the response before the end comes.
            peer.request().await?;
            peer.send(&Frame::data(stream, "", true)).await?;
            peer.rest().await
        }));
        let agent = builder().build().unwrap();
        let body = agent.head(origin.url("/")).send().await.unwrap().into_body();
        assert_eq!(body.size_hint().exact(), Some(0));
        let other = tokio::spawn(fetch(&agent, origin.url("/")));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "");
        other.abort();
        assert_eq!(at_rest(&agent).await.done, 1);
    });
}

/// RFC 9113 §7.
const INTERNAL_ERROR: u32 = 2;

/// All of the connection's window went to it as it opened, and nobody used it.
#[test]
fn an_upload_that_rests_with_its_response_leaves_window_to_others() {
    testkit::run(async |case: &Case| {
        let origin = case.frames(FrameOrigin::script(|mut peer: Peer| async move {
            peer.open(&[]).await?;
            let first = peer.request().await?;
            peer.send(&Frame::head(first, 200, &[], false)).await?;
            peer.send(&Frame::window(first, 1 << 20)).await?;
            loop {
                let data = peer.next(Frame::DATA).await?;
                let taken = u32::try_from(data.payload.len()).unwrap();
                if taken > 0 {
                    peer.send(&Frame::window(0, taken)).await?;
                }
                if data.stream != first && data.has(Frame::END_STREAM) {
                    peer.answer(data.stream, "hello").await?;
                }
            }
        }));
        let agent = builder().build().unwrap();
        let rests = agent.post(origin.url("/")).body(vec![b'x'; 1 << 20]).send().await.unwrap();
        turns().await;
        for _ in 0..3 {
            let second = agent.post(origin.url("/")).body("small").send().await.unwrap();
            assert_eq!(second.text().await.unwrap(), "hello");
        }
        drop(rests);
        assert_eq!(at_rest(&agent).await.opened, 1);
    });
}

//! What a hostile review of HTTP/2 found.

use keepalive::{Agent, AgentBuilder, Protocol};
use testkit::{Case, Frame, FrameOrigin, Peer};

use crate::kit::{at_rest, fetch};

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

/// RFC 9113 §7.
const INTERNAL_ERROR: u32 = 2;

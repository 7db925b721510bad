//! RST_STREAM at every moment: one stream's end is nobody else's.

use http::StatusCode;
use keepalive::{Agent, Error, Phase};
use testkit::{Case, End, Frame, FrameOrigin, Peer};

use super::{CANCEL, HTTP_1_1_REQUIRED, INTERNAL_ERROR, NO_ERROR, REFUSED_STREAM, agent, frames};
use crate::kit::{at_rest, fetch, info};

/// After what happened to one stream the connection serves the next.
async fn goes_on(agent: &Agent, origin: &FrameOrigin) {
    assert_eq!(fetch(agent, origin.url("/")).await.unwrap(), "hello");
    let totals = at_rest(agent).await;
    assert_eq!((totals.opened, totals.idle, totals.streams), (1, 1, 0));
    assert_eq!(origin.record().connections.len(), 1);
}

#[test]
fn a_refused_stream_is_tried_once_more() {
    testkit::run(async |case: &Case| {
        let origin = frames(case, |mut peer| async move {
            let stream = peer.request().await?;
            peer.send(&Frame::reset(stream, REFUSED_STREAM)).await?;
            peer.serve().await
        });
        let agent = agent();
        let response = agent.post(origin.url("/")).body("x").send().await.unwrap();
        assert_eq!((info(&response).socket_id, info(&response).attempts), (1, 1));
        assert_eq!(response.text().await.unwrap(), "hello");
        assert_eq!((origin.record().requests(), at_rest(&agent).await.retried), (2, 0));
        goes_on(&agent, &origin).await;
    });
}

#[test]
fn and_no_more_than_once() {
    testkit::run(async |case: &Case| {
        let origin = frames(case, |mut peer| async move {
            for _ in 0..2 {
                let stream = peer.request().await?;
                peer.send(&Frame::reset(stream, REFUSED_STREAM)).await?;
            }
            peer.serve().await
        });
        let agent = agent();
        let error = fetch(&agent, origin.url("/")).await.unwrap_err();
        assert!(error.to_string().contains("the server refused the stream"), "{error}");
        assert_eq!(origin.record().requests(), 2);
        goes_on(&agent, &origin).await;
    });
}

/// The error of a request to a server that does this with its stream.
async fn error_of<F>(
    case: &Case,
    body: usize,
    deed: impl Fn(Peer, u32) -> F + Clone + Send + Sync + 'static,
) -> Error
where
    F: Future<Output = Result<Peer, End>> + Send + 'static,
{
    let origin = frames(case, move |mut peer| {
        let deed = deed.clone();
        async move {
            let stream = peer.request().await?;
            deed(peer, stream).await?.serve().await
        }
    });
    let agent = agent();
    let request = agent.post(origin.url("/")).body("x".repeat(body));
    let error = match request.send().await {
        Err(error) => error,
        Ok(response) => response.text().await.unwrap_err(),
    };
    goes_on(&agent, &origin).await;
    error
}

#[test]
fn before_the_head() {
    testkit::run(async |case: &Case| {
        for (code, text) in [
            (INTERNAL_ERROR, "reset the stream"),
            (CANCEL, "reset the stream"),
            (HTTP_1_1_REQUIRED, "wants HTTP/1.1"),
        ] {
            let error = error_of(case, 3, move |peer, stream| async move {
                peer.send(&Frame::reset(stream, code)).await?;
                Ok(peer)
            })
            .await;
            assert_eq!((error.phase(), error.bytes_read()), (Phase::Wait, 0), "{error:?}");
            assert!(error.to_string().contains(text) && !error.safe_to_retry(), "{error}");
        }
    });
}

#[test]
fn in_the_middle_of_the_body() {
    testkit::run(async |case: &Case| {
        let error = error_of(case, 3, |peer, stream| async move {
            peer.send(&Frame::head(stream, 200, &[], false)).await?;
            peer.send(&Frame::data(stream, "some", false)).await?;
            peer.send(&Frame::reset(stream, INTERNAL_ERROR)).await?;
            Ok(peer)
        })
        .await;
        assert_eq!(error.phase(), Phase::Receive, "{error:?}");
        assert!(error.to_string().contains("the server reset the stream"), "{error}");
    });
}

#[test]
fn while_the_request_is_being_sent() {
    testkit::run(async |case: &Case| {
        let error = error_of(case, 1 << 20, |mut peer, stream| async move {
            peer.next(Frame::DATA).await?;
            peer.send(&Frame::reset(stream, INTERNAL_ERROR)).await?;
            Ok(peer)
        })
        .await;
        assert_eq!(error.phase(), Phase::Send, "{error:?}");
        assert!(error.to_string().contains("the server reset the stream"), "{error}");
        assert!(error.bytes_written() > 0 && !error.safe_to_retry(), "{error:?}");
    });
}

/// RFC 9113 §8.1: the response is whole, the rest of the request is not wanted.
#[test]
fn after_a_whole_response_while_the_request_is_being_sent() {
    testkit::run(async |case: &Case| {
        let origin = frames(case, |mut peer| async move {
            let stream = peer.request().await?;
            peer.next(Frame::DATA).await?;
            peer.send(&Frame::head(stream, 413, &[], false)).await?;
            peer.send(&Frame::data(stream, "too large", true)).await?;
            peer.send(&Frame::reset(stream, NO_ERROR)).await?;
            peer.serve().await
        });
        let agent = agent();
        let response = agent.post(origin.url("/")).body("x".repeat(1 << 20)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(response.text().await.unwrap(), "too large");
        goes_on(&agent, &origin).await;
    });
}

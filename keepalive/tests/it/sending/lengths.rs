//! Bodies that fail, or are not as long as the head says.

use std::error::Error as _;

use http::Request;
use keepalive::{Body, CloseReason, Error};
use testkit::{Case, Script, ScriptedOrigin};

use super::feed::{Feed, Feeder, feed, feed_of};
use super::wire;
use crate::kit::closed_by;

/// Sends a body that the head lies about: the request fails, its socket is closed, and the server never has
/// a whole request.
async fn fails(case: &Case, body: Feed, length: Option<&str>) -> Error {
    let origin = case.scripted(ScriptedOrigin::builder().connection(Script::new().request()));
    let agent = wire::agent();
    let mut request = Request::post(origin.url("/")).body(body).unwrap();
    if let Some(length) = length {
        request.headers_mut().insert("content-length", length.parse().unwrap());
    }
    let error = agent.request(request).await.unwrap_err();
    assert!(error.is_request() && !error.safe_to_retry(), "{error:?}");
    assert_eq!(closed_by(&agent), [(CloseReason::RequestBodyFailed, 1)]);
    origin.wait(|record| record.accepted() == 1 && record.open() == 0).await;
    assert_eq!(origin.record().requests().len(), 0, "{error}");
    error
}

fn fed(feed: (Feeder, Feed), pieces: &[&'static str]) -> Feed {
    pieces.iter().for_each(|piece| feed.0.data(*piece));
    feed.1
}

#[test]
fn a_body_that_fails_fails_its_request() {
    wire::run(async |case: &Case| {
        for pieces in [&[][..], &["some"], &["some", "more"]] {
            let (feeder, body) = feed();
            pieces.iter().for_each(|piece| feeder.data(*piece));
            feeder.fail("the disk is gone");
            let error = fails(case, body, None).await;
            assert_eq!(error.to_string(), "the request body failed");
            assert_eq!(error.source().unwrap().to_string(), "the disk is gone");
            assert_eq!(error.phase(), keepalive::Phase::Send);
        }
    });
}

#[test]
fn a_body_that_fails_once_it_gave_what_it_announced_fails_its_request() {
    wire::run(async |case: &Case| {
        let (feeder, body) = feed_of(4);
        feeder.data("some");
        feeder.fail("the checksum is wrong");
        let error = fails(case, body, None).await;
        assert_eq!(error.source().unwrap().to_string(), "the checksum is wrong");
    });
}

#[test]
fn a_body_that_ends_too_early_fails_its_request() {
    wire::run(async |case: &Case| {
        let text = "content-length says 9, the request body ended at 8 bytes";
        for (said, header) in [(feed_of(9), None), (feed(), Some("9")), (feed_of(9), Some("9"))] {
            let error = fails(case, fed(said, &["some", "more"]), header).await;
            assert_eq!(error.to_string(), text);
        }
        let error = fails(case, fed(feed(), &[]), Some("1")).await;
        assert_eq!(error.to_string(), "content-length says 1, the request body ended at 0 bytes");
    });
}

#[test]
fn a_body_that_is_too_long_fails_its_request_before_its_last_byte_is_sent() {
    wire::run(async |case: &Case| {
        for pieces in [&["some more"][..], &["so", "me more"], &["some", " more"]] {
            let error = fails(case, fed(feed(), pieces), Some("4")).await;
            assert_eq!(error.to_string(), "content-length says 4, the request body has at least 9 bytes");
        }
        let error = fails(case, fed(feed(), &["some"]), Some("0")).await;
        assert_eq!(error.to_string(), "content-length says 0, the request body has at least 4 bytes");
    });
}

#[test]
fn a_body_that_gave_all_it_announced_need_not_say_that_it_ended() {
    wire::run(async |case: &Case| {
        let origin = super::recorder(case);
        let agent = wire::agent();
        let (feeder, body) = feed_of(4);
        feeder.data("some");
        let request = Request::post(origin.url("/")).body(body).unwrap();
        agent.request(request).await.unwrap();
        assert!(feeder.is_dropped());
        assert_eq!(agent.status().totals.idle, 1);
    });
}

#[test]
fn a_body_said_to_be_empty_may_end_and_need_not_say_so() {
    wire::run(async |case: &Case| {
        for ends in [true, false] {
            let origin = super::recorder(case);
            let agent = wire::agent();
            let (feeder, body) = feed();
            let _feeder = Some(feeder).filter(|_| !ends);
            let request = agent.post(origin.url("/")).header("content-length", 0).body(Body::wrap(body));
            request.send().await.unwrap();
            assert_eq!(origin.record().requests()[0].header("content-length"), Some("0"));
            assert_eq!(agent.status().totals.idle, 1);
        }
    });
}

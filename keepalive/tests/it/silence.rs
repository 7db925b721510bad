//! A server that goes silent: `response_timeout` and `body_timeout`.

use std::time::Duration;

use http::Request;
use keepalive::{Agent, CloseReason, Phase};
use testkit::{Case, Script};
use tokio::time::advance;

use crate::kit::{at_rest, poll, poll_once};
use crate::sending::feed::feed;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn an_answer_that_does_not_come_is_an_error_after_response_timeout() {
    testkit::run_paused(async |case: &Case| {
        let origin = case.scripted(Script::new().request().reached("asked").stall());
        let agent = Agent::builder().response_timeout(5 * SECOND).build().unwrap();
        let mut request = Box::pin(agent.get(origin.url("/")).send());
        tokio::select! {
            _ = &mut request => panic!("no time has passed"),
            () = origin.reached("asked") => {}
        }
        advance(5 * SECOND - Duration::from_millis(1)).await;
        assert!(poll(&mut request).is_pending());
        advance(Duration::from_millis(2)).await;
        let error = request.await.unwrap_err();
        assert!(error.is_timeout() && error.phase() == Phase::Wait && error.safe_to_retry(), "{error:?}");
        assert_eq!(error.to_string(), "the server did not answer within 5 s (response_timeout)");
        assert_eq!(at_rest(&agent).await.closed_by[&CloseReason::TimedOut], 1);
    });
}

/// A server cannot buy time with 1xx responses.
#[test]
fn interim_responses_do_not_extend_the_time() {
    testkit::run_paused(async |case: &Case| {
        let hints = "HTTP/1.1 103 Early Hints\r\n\r\n";
        let script = Script::new().request().send(hints).reached("first").signal("more").send(hints);
        let origin = case.scripted(script.reached("second").stall());
        let agent = Agent::builder().response_timeout(5 * SECOND).build().unwrap();
        let mut request = Box::pin(agent.get(origin.url("/")).send());
        for step in ["first", "second"] {
            tokio::select! {
                _ = &mut request => panic!("it is not the time yet"),
                () = origin.reached(step) => {}
            }
            advance(3 * SECOND).await;
            origin.signal("more");
        }
        assert!(request.await.unwrap_err().is_timeout());
    });
}

/// Nor with a head that comes a byte at a time.
#[test]
fn a_head_that_trickles_does_not_extend_the_time() {
    testkit::run_paused(async |case: &Case| {
        let script = Script::new().request().send("HTTP/1.1 2").reached("first").signal("more").send("0");
        let origin = case.scripted(script.reached("second").stall());
        let agent = Agent::builder().response_timeout(5 * SECOND).build().unwrap();
        let mut request = Box::pin(agent.get(origin.url("/")).send());
        for step in ["first", "second"] {
            tokio::select! {
                _ = &mut request => panic!("it is not the time yet"),
                () = origin.reached(step) => {}
            }
            advance(3 * SECOND).await;
            origin.signal("more");
        }
        assert!(request.await.unwrap_err().is_timeout());
    });
}

/// The time begins with the last byte that the socket took.
#[test]
fn an_upload_that_goes_on_extends_the_time() {
    testkit::run_paused(async |case: &Case| {
        let origin = case.scripted(Script::new().head().reached("head").stall());
        let agent = Agent::builder().response_timeout(5 * SECOND).build().unwrap();
        let (feeder, body) = feed();
        feeder.data("some");
        let mut request = Box::pin(agent.request(Request::post(origin.url("/")).body(body).unwrap()));
        tokio::select! {
            _ = &mut request => panic!("it is not the time yet"),
            () = origin.reached("head") => {}
        }
        for _ in 0..3 {
            advance(4 * SECOND).await;
            feeder.data("more");
            assert!(poll_once(&mut request).await.is_none(), "it is not the time yet");
        }
        advance(5 * SECOND - Duration::from_millis(1)).await;
        assert!(poll_once(&mut request).await.is_none(), "it is not the time yet");
        advance(Duration::from_millis(1)).await;
        let error = poll_once(&mut request).await.expect("it is the time").unwrap_err();
        assert!(error.is_timeout() && error.phase() == Phase::Send, "{error:?}");
    });
}

#[test]
fn a_silence_inside_the_body_is_an_error_after_body_timeout() {
    testkit::run_paused(async |case: &Case| {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc";
        let origin = case.scripted(Script::new().request().send(head).signal("d").send("d").stall());
        let agent = Agent::builder().body_timeout(5 * SECOND).build().unwrap();
        let mut body = agent.get(origin.url("/")).send().await.unwrap().into_body();
        assert_eq!(body.chunk().await.unwrap().unwrap(), "abc");

        // Each byte starts the time anew.
        let mut chunk = Box::pin(body.chunk());
        assert!(poll(&mut chunk).is_pending());
        advance(4 * SECOND).await;
        assert!(poll(&mut chunk).is_pending());
        origin.signal("d");
        assert_eq!(chunk.await.unwrap().unwrap(), "d");
        let mut chunk = Box::pin(body.chunk());
        assert!(poll(&mut chunk).is_pending());
        advance(4 * SECOND).await;
        assert!(poll(&mut chunk).is_pending());
        advance(SECOND + Duration::from_millis(1)).await;
        let error = chunk.await.unwrap_err();
        assert!(error.is_timeout() && error.phase() == Phase::Receive, "{error:?}");
        assert_eq!(error.to_string(), "the server sent nothing of the body for 5 s (body_timeout)");
        drop(body);
        assert_eq!(at_rest(&agent).await.closed_by[&CloseReason::TimedOut], 1);
    });
}

/// What has come is no silence, however late it is read.
#[test]
fn a_slow_reader_does_not_trip_body_timeout() {
    testkit::run_paused(async |case: &Case| {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc";
        let origin =
            case.scripted(Script::new().request().send(head).signal("rest").send("def").reached("sent"));
        let agent = Agent::builder().body_timeout(5 * SECOND).build().unwrap();
        let mut body = agent.get(origin.url("/")).send().await.unwrap().into_body();
        assert_eq!(body.chunk().await.unwrap().unwrap(), "abc");
        advance(60 * SECOND).await;
        origin.signal("rest");
        origin.reached("sent").await;
        advance(60 * SECOND).await;
        assert_eq!(body.chunk().await.unwrap().unwrap(), "def");
        assert!(body.chunk().await.unwrap().is_none());
    });
}

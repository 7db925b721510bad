//! `Expect: 100-continue` and other interim responses (RFC 9110 §10.1.1, §15.2).

use std::time::Duration;

use http::Method;
use keepalive::{Agent, CloseReason, RequestBuilder};
use testkit::{Case, Script, ScriptedOrigin, ok, response};
use tokio::time::{Instant, advance};

use super::wire::{self, RECORD};
use crate::kit::{closed_by, poll_once, text, turns};
use crate::sending::feed::feed;

const MS: Duration = Duration::from_millis(1);
const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

fn put(agent: &Agent, origin: &ScriptedOrigin) -> RequestBuilder {
    agent.put(origin.url("/")).header("expect", "100-continue").body("payload")
}

/// Whether the first connection got nothing but its request's head.
fn only_the_head_came(origin: &ScriptedOrigin) -> bool {
    let record = origin.record();
    record.connections[0].bytes == record.connections[0].requests[0].head
}

#[test]
fn the_body_is_held_back_until_the_server_says_100() {
    for expect in ["100-continue", "100-Continue"] {
        wire::run_paused(async |case: &Case| {
            let script =
                Script::new().head().reached("head").signal("go").send(CONTINUE).body().send(ok("done"));
            let origin = case.scripted(script);
            let agent = wire::agent();
            let start = Instant::now();
            let request = agent.put(origin.url("/")).header("expect", expect).body("payload");
            let mut request = Box::pin(request.send());
            tokio::select! {
                _ = &mut request => panic!("the server said nothing yet"),
                () = origin.reached("head") => {}
            }
            assert!(poll_once(&mut request).await.is_none());
            assert!(only_the_head_came(&origin));
            origin.signal("go");
            assert_eq!(request.await.unwrap().text().await.unwrap(), "done");
            assert_eq!(origin.record().requests()[0].body, b"payload");
            assert_eq!(start.elapsed(), Duration::ZERO);
            assert_eq!(agent.status().totals.idle, 1);
        });
    }
}

#[test]
fn without_a_limit_nothing_but_the_head_is_ever_written() {
    wire::run_paused(async |case: &Case| {
        let origin = case.scripted(Script::new().head().reached("head").body());
        let agent = wire::builder().expect_continue_timeout(None).timeout(Duration::from_secs(60));
        let agent = agent.build().unwrap();
        let mut request = Box::pin(put(&agent, &origin).send());
        tokio::select! {
            _ = &mut request => panic!("no time has passed"),
            () = origin.reached("head") => {}
        }
        advance(Duration::from_secs(60)).await;
        let error = request.await.unwrap_err();
        assert!(error.is_timeout());
        let head = origin.record().requests()[0].head.len() as u64 + RECORD;
        assert_eq!(error.bytes_written(), head);
    });
}

#[test]
fn the_body_goes_out_when_the_limit_is_over() {
    for (limit, millis) in [(None, 1000), (Some(200 * MS), 200)] {
        wire::run_paused(async |case: &Case| {
            let origin = case.scripted(Script::new().head().reached("head").body().send(ok("done")));
            let builder = wire::builder();
            let builder = if limit.is_some() { builder.expect_continue_timeout(limit) } else { builder };
            let agent = builder.build().unwrap();
            let mut request = Box::pin(put(&agent, &origin).send());
            tokio::select! {
                _ = &mut request => panic!("no time has passed"),
                () = origin.reached("head") => {}
            }
            advance(millis * MS).await;
            assert_eq!(request.await.unwrap().text().await.unwrap(), "done");
            assert_eq!(origin.record().requests()[0].body, b"payload");
        });
    }
}

#[test]
fn the_body_does_not_go_out_before_the_limit_is_over() {
    for (millis, body) in [(999, 0), (1001, "payload".len() as u64 + RECORD)] {
        wire::run_paused(async |case: &Case| {
            let origin = case.scripted(Script::new().head().reached("head").body());
            let agent = wire::agent();
            let mut request = Box::pin(put(&agent, &origin).timeout(millis * MS).send());
            tokio::select! {
                _ = &mut request => panic!("no time has passed"),
                () = origin.reached("head") => {}
            }
            for _ in 0..millis {
                assert!(poll_once(&mut request).await.is_none());
                advance(MS).await;
            }
            let error = request.await.unwrap_err();
            assert_eq!(
                error.bytes_written(),
                origin.record().requests()[0].head.len() as u64 + RECORD + body,
                "{error}"
            );
        });
    }
}

#[test]
fn a_final_status_instead_of_100_stands_and_the_body_is_never_sent() {
    for status in [417, 401, 200] {
        wire::run_paused(async |case: &Case| {
            let origin =
                case.scripted(Script::new().head().send(response(status, &[], "final")).read_to_end());
            let agent = wire::agent();
            let (feeder, body) = feed();
            feeder.data("payload");
            let request =
                http::Request::put(origin.url("/")).header("expect", "100-continue").body(body).unwrap();
            let response = agent.request(request).await.unwrap();
            assert_eq!(response.status(), status);
            assert_eq!(response.into_body().text().await.unwrap(), "final");
            assert!(feeder.is_dropped());
            assert_eq!(closed_by(&agent), [(CloseReason::UploadUnfinished, 1)]);
            origin.wait(|record| record.open() == 0).await;
            assert!(only_the_head_came(&origin));
        });
    }
}

#[test]
fn a_final_status_whose_body_takes_long_does_not_release_the_request_body() {
    wire::run_paused(async |case: &Case| {
        let early = "HTTP/1.1 417 No\r\ncontent-length: 5\r\n\r\n";
        let origin =
            case.scripted(Script::new().head().send(early).signal("rest").send("final").read_to_end());
        let agent = wire::agent();
        let response = put(&agent, &origin).send().await.unwrap();
        advance(Duration::from_secs(2)).await;
        origin.signal("rest");
        assert_eq!(response.text().await.unwrap(), "final");
        origin.wait(|record| record.open() == 0).await;
        assert!(only_the_head_came(&origin));
    });
}

const INTERIM: &str =
    "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\nx-a: 1\r\n\r\n";

#[test]
fn other_interim_responses_are_passed_over() {
    wire::run_paused(async |case: &Case| {
        let script = Script::new().head().send(INTERIM).send(CONTINUE).body().send(INTERIM);
        let origin = case.scripted(script.send(response(200, &[("x-b", "2")], "done")));
        let response = put(&wire::agent(), &origin).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let names: Vec<_> = response.headers().keys().map(http::HeaderName::as_str).collect();
        assert_eq!(names, ["x-b", "content-length"]);
        assert_eq!(response.text().await.unwrap(), "done");
    });
}

#[test]
fn other_interim_responses_release_nothing() {
    wire::run_paused(async |case: &Case| {
        let origin = case.scripted(Script::new().head().send(INTERIM).reached("hinted").body());
        let agent = wire::builder().expect_continue_timeout(None).build().unwrap();
        let mut request = Box::pin(put(&agent, &origin).timeout(Duration::from_secs(60)).send());
        tokio::select! {
            _ = &mut request => panic!("nothing final was sent"),
            () = origin.reached("hinted") => {}
        }
        for _ in 0..2 {
            turns().await;
            assert!(poll_once(&mut request).await.is_none());
        }
        advance(Duration::from_secs(60)).await;
        let error = request.await.unwrap_err();
        assert_eq!(error.bytes_read(), INTERIM.len() as u64);
        assert_eq!(error.bytes_written(), origin.record().requests()[0].head.len() as u64 + RECORD);
    });
}

#[test]
fn interim_responses_nobody_asked_for_are_passed_over_up_to_a_limit() {
    wire::run(async |case: &Case| {
        for (count, served) in [(1, true), (32, true), (33, false), (10_000, false)] {
            let bytes = [CONTINUE.repeat(count).into_bytes(), ok("final")].concat();
            let script = Script::new().request().send(bytes.clone()).request().send(ok("next"));
            let bytewise = Script::new().request().bytewise(bytes).request().send(ok("next"));
            for script in [script, bytewise] {
                let origin = case.scripted(script);
                let agent = wire::agent();
                match agent.get(origin.url("/")).send().await {
                    Ok(response) if served => {
                        assert_eq!(response.text().await.unwrap(), "final");
                        assert_eq!(text(&agent, &origin.url("/")).await, "next");
                        assert_eq!(origin.record().accepted(), 1);
                    }
                    Err(error) if !served => {
                        assert!(error.is_protocol());
                        assert_eq!(error.to_string(), "more than 32 1xx responses came first");
                        assert_eq!(closed_by(&agent), [(CloseReason::ProtocolError, 1)]);
                    }
                    other => panic!("{count}: {other:?}"),
                }
                if count == 10_000 {
                    break;
                }
            }
        }
    });
}

#[test]
fn an_expectation_without_a_body_waits_for_nothing() {
    wire::run_paused(async |case: &Case| {
        for method in [Method::GET, Method::POST] {
            let origin = case.scripted(Script::new().request().send(ok("done")));
            let agent = wire::agent();
            let request = agent.method(method, origin.url("/")).header("expect", "100-continue");
            assert_eq!(request.send().await.unwrap().text().await.unwrap(), "done");
            assert_eq!(agent.status().totals.idle, 1);
        }
    });
}

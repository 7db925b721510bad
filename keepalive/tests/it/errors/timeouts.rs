//! The limit of a whole request, wherever it ran out.

use std::pin::Pin;
use std::time::Duration;

use http::Request;
use keepalive::{Agent, Body, CloseReason, Error, Phase, RequestOptions};
use testkit::{Case, Script, ok};
use tokio::time::advance;

use super::{chain, kinds, nothing_happened};
use crate::kit::{closed_by, eventually, poll_once, text};
use crate::sending::feed::feed;

const LIMIT: Duration = Duration::from_secs(3);
const ALMOST: Duration = Duration::from_millis(2999);
const MS: Duration = Duration::from_millis(1);

fn limited() -> Agent {
    Agent::builder().timeout(LIMIT).build().unwrap()
}

/// Lets the limit run out, at the moment it should, and checks what every such error has.
async fn late<T: std::fmt::Debug>(request: impl Future<Output = Result<T, Error>>, phase: Phase) -> Error {
    let mut request: Pin<Box<dyn Future<Output = Result<T, Error>>>> = Box::pin(request);
    assert!(poll_once(&mut request).await.is_none());
    advance(ALMOST).await;
    assert!(poll_once(&mut request).await.is_none(), "too early");
    advance(MS).await;
    let error = poll_once(&mut request).await.expect("too late").unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(error.phase(), phase);
    assert_eq!(chain(&error), "the request was not done within 3 s (timeout)");
    error
}

#[test]
fn in_the_queue() {
    testkit::run_paused(async |case: &Case| {
        let origin = case.scripted(Script::new().request().reached("asked"));
        let agent = Agent::builder().timeout(LIMIT).max_sockets(1).build().unwrap();
        let mut holder = Box::pin(agent.get(origin.url("/")).timeout(LIMIT * 100).send());
        tokio::select! {
            _ = &mut holder => panic!("nothing was answered"),
            () = origin.reached("asked") => {}
        }
        let error = late(agent.get(origin.url("/")).send(), Phase::Queue).await;
        assert_eq!(kinds(&error), ["timeout"]);
        nothing_happened(&error);
        assert!(error.safe_to_retry());
        assert_eq!(agent.status().totals.waiting, 0);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn while_connecting() {
    testkit::run_paused(async |_: &Case| {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        // Linux takes one more than the backlog, and lets nobody in after that.
        let filled = [0, 1].map(|_| std::net::TcpStream::connect(address).unwrap());
        let agent = limited();
        let error = late(agent.get(format!("http://{address}/")).send(), Phase::Connect).await;
        assert_eq!(kinds(&error), ["connect", "timeout"]);
        nothing_happened(&error);
        assert!(error.safe_to_retry());
        drop(filled);
    });
}

#[test]
fn while_sending() {
    testkit::run_paused(async |case: &Case| {
        let origin = case.scripted(Script::new().head().reached("head").body());
        let agent = limited();
        let (feeder, body) = feed();
        feeder.data("some");
        let request = Request::post(origin.url("/")).body(body).unwrap();
        let mut request = Box::pin(agent.request(request));
        tokio::select! {
            _ = &mut request => panic!("nothing was answered"),
            () = origin.reached("head") => {}
        }
        let error = late(request, Phase::Send).await;
        assert_eq!(kinds(&error), ["timeout"]);
        assert!(error.bytes_written() > 0 && !error.safe_to_retry());
        assert!(feeder.is_dropped());
        assert_eq!(closed_by(&agent), [(CloseReason::TimedOut, 1)]);
    });
}

#[test]
fn while_waiting_for_the_response_whoever_set_the_limit() {
    testkit::run_paused(async |case: &Case| {
        let origin = case.scripted(Script::new().request());
        let with_options = |options: RequestOptions| {
            let mut request = Request::get(origin.url("/")).body(Body::empty()).unwrap();
            request.extensions_mut().insert(options);
            request
        };
        for way in 0..5 {
            let agent = match way {
                0 => limited(),
                1 | 2 => Agent::new(),
                _ => Agent::builder().timeout(LIMIT * 2).build().unwrap(),
            };
            let mut request: Pin<Box<dyn Future<Output = Result<(), Error>>>> = match way {
                0 => {
                    let request = agent.get(origin.url("/")).send();
                    Box::pin(async { request.await.map(drop) })
                }
                1 | 3 => {
                    let request = agent.request(with_options(RequestOptions::new().timeout(LIMIT)));
                    Box::pin(async { request.await.map(drop) })
                }
                _ => {
                    let request = agent.get(origin.url("/")).timeout(LIMIT).send();
                    Box::pin(async { request.await.map(drop) })
                }
            };
            tokio::select! {
                _ = &mut request => panic!("nothing was answered"),
                () = origin.wait(|record| record.requests().len() == way + 1) => {}
            }
            let error = late(request, Phase::Wait).await;
            assert_eq!(kinds(&error), ["timeout"]);
            assert_eq!(error.bytes_written(), origin.record().requests()[way].head.len() as u64);
            assert!(error.safe_to_retry(), "it is a GET");
            assert_eq!(closed_by(&agent), [(CloseReason::TimedOut, 1)]);
        }
    });
}

#[test]
fn while_the_body_is_read() {
    testkit::run_paused(async |case: &Case| {
        let half = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
        let origin = case.scripted(Script::new().request().send(half));
        let agent = limited();
        let mut response = agent.get(origin.url("/")).send().await.unwrap();
        assert_eq!(response.chunk().await.unwrap().unwrap(), "half");
        let error = late(response.chunk(), Phase::Receive).await;
        assert_eq!(kinds(&error), ["timeout"]);
        assert_eq!(error.bytes_read(), half.len() as u64);
        assert_eq!(closed_by(&agent), [(CloseReason::TimedOut, 1)]);
        assert!(response.chunk().await.unwrap().is_none(), "an error is the end");
    });
}

#[test]
fn a_limit_does_not_outlive_its_request() {
    testkit::run_paused(async |case: &Case| {
        let origin = case.scripted(Script::new().request().send(ok("")).repeat());
        let agent = limited();
        text(&agent, &origin.url("/")).await;
        advance(LIMIT * 2).await;
        text(&agent, &origin.url("/")).await;
        eventually(|| agent.status().totals.idle == 1).await;
        assert_eq!(origin.record().accepted(), 1);
    });
}

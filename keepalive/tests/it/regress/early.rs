//! A complete early response that also says that the socket is not to be used again.

use http::Request;
use keepalive::{Agent, CloseReason};
use testkit::{Case, Script, ScriptedOrigin, ok, response, run_paused};

use crate::kit::{accounts, at_rest, fetch, polled, turns};
use crate::sending::feed::feed;

fn closing() -> [Vec<u8>; 2] {
    [
        response(200, &[("connection", "close")], "ok"),
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok".into(),
    ]
}

/// The upload that ended within its grace made the socket look reusable.
#[test]
fn an_early_response_that_closes_never_leads_to_an_idle_socket() {
    for early in closing() {
        run_paused(async |case: &Case| {
            let origin = case.scripted(Script::new().head().send(early).body());
            let agent = Agent::new();
            let (feeder, body) = feed();
            let request = Request::post(origin.url("/")).body(body).unwrap();
            let response = agent.request(request).await.unwrap();
            assert_eq!(response.into_body().text().await.unwrap(), "ok");
            drop(feeder);
            turns().await;
            let totals = accounts(&agent);
            assert_eq!((totals.idle, totals.draining, totals.done), (0, 0, 1));
            assert_eq!(totals.closed_by.get(&CloseReason::UploadUnfinished), Some(&1));
        });
    }
}

/// And the next request was written to a socket that the server was about to close.
#[test]
fn an_early_response_that_closes_never_hands_its_socket_over() {
    for early in closing() {
        run_paused(async |case: &Case| {
            let first = Script::new().head().send(early).body();
            let next = Script::new().request().send(ok("next"));
            let origin = case.scripted(ScriptedOrigin::builder().connection(first).otherwise(next));
            let agent = Agent::builder().max_sockets(1).build().unwrap();
            let (feeder, body) = feed();
            let request = Request::post(origin.url("/")).body(body).unwrap();
            let post = tokio::spawn(polled(agent.request(request)));
            let next = tokio::spawn(polled(fetch(&agent, origin.url("/"))));
            let response = post.await.unwrap().unwrap();
            drop(feeder);
            assert_eq!(next.await.unwrap().unwrap(), "next");
            assert_eq!(response.into_body().text().await.unwrap(), "ok");
            let record = origin.record();
            assert_eq!((record.accepted(), record.connections[0].requests.len()), (2, 1));
            assert_eq!(at_rest(&agent).await.closed_by.get(&CloseReason::UploadUnfinished), Some(&1));
        });
    }
}

//! When a socket is closed after a response, what is counted for it, and what never reaches a request.

#[path = "close_rules/reasons.rs"]
mod reasons;

use keepalive::CloseReason;
use testkit::{Case, End, Script, ScriptedOrigin, ok};

use super::wire;
use crate::kit::{closed_by, eventually, poll_once, text};

/// A response with this first part of its head, and the body `ok`.
fn response(head: &str) -> String {
    format!("{head}\r\ncontent-length: 2\r\n\r\nok")
}

#[test]
fn the_response_decides_whether_the_socket_is_kept() {
    use CloseReason::{Http10, ResponseSaidClose};
    let table = [
        ("HTTP/1.1 200 OK", None),
        ("HTTP/1.1 200 OK\r\nConnection: close", Some(ResponseSaidClose)),
        ("HTTP/1.1 200 OK\r\nCONNECTION: CLOSE", Some(ResponseSaidClose)),
        ("HTTP/1.1 200 OK\r\nconnection: keep-alive, Close", Some(ResponseSaidClose)),
        ("HTTP/1.1 200 OK\r\nconnection: close\t,x", Some(ResponseSaidClose)),
        ("HTTP/1.1 200 OK\r\nconnection: x\r\nvia: y\r\nconnection: ,close", Some(ResponseSaidClose)),
        ("HTTP/1.1 500 No\r\nconnection: close", Some(ResponseSaidClose)),
        ("HTTP/1.1 500 No", None),
        ("HTTP/1.1 200 OK\r\nconnection: closed, not-close", None),
        ("HTTP/1.1 200 OK\r\nproxy-connection: close", None),
        ("HTTP/1.0 200 OK", Some(Http10)),
        ("HTTP/1.0 200 OK\r\nproxy-connection: keep-alive", Some(Http10)),
        ("HTTP/1.0 200 OK\r\nConnection: Keep-Alive", None),
        ("HTTP/1.0 200 OK\r\nconnection: x, KEEP-ALIVE", None),
        ("HTTP/1.0 200 OK\r\nconnection: keep-alive, close", Some(ResponseSaidClose)),
    ];
    wire::run(async |case: &Case| {
        for (head, reason) in table {
            let origin = case.scripted(Script::new().request().send(response(head)).repeat());
            let agent = wire::agent();
            for _ in 0..2 {
                assert_eq!(text(&agent, &origin.url("/")).await, "ok", "{head:?}");
            }
            let closed = reason.map(|reason| (reason, 2));
            assert_eq!(closed_by(&agent), Vec::from_iter(closed), "{head:?}");
            assert_eq!(origin.record().accepted(), if reason.is_some() { 2 } else { 1 }, "{head:?}");
            if reason.is_some() {
                origin.wait(|record| record.connections[0].ended == Some(End::ClosedByPeer)).await;
            }
        }
    });
}

#[test]
fn a_request_that_says_close_has_the_last_word() {
    wire::run(async |case: &Case| {
        for value in ["close", "Close", "x-token, CLOSE", "close ,keep-alive"] {
            let origin = case.scripted(Script::new().request().send(ok("bye")).repeat());
            let agent = wire::agent();
            let response = agent.get(origin.url("/")).header("Connection", value).send().await.unwrap();
            assert_eq!(response.text().await.unwrap(), "bye");
            assert_eq!(closed_by(&agent), [(CloseReason::RequestSaidClose, 1)], "{value:?}");
            assert_eq!(origin.record().requests()[0].header("connection"), Some(value));
            origin.wait(|record| record.connections[0].ended == Some(End::ClosedByPeer)).await;
        }
    });
}

#[test]
fn a_body_without_length_ends_with_the_connection_and_the_socket_is_closed() {
    wire::run(async |case: &Case| {
        for head in ["HTTP/1.1 200 OK", "HTTP/1.0 200 OK\r\nconnection: keep-alive"] {
            let script = Script::new()
                .request()
                .send(format!("{head}\r\n\r\nfirst "))
                .signal("end")
                .send("last")
                .half_close();
            let origin = case.scripted(script);
            let agent = wire::agent();
            let mut response = agent.get(origin.url("/")).send().await.unwrap();
            assert_eq!(response.chunk().await.unwrap().unwrap(), "first ");
            assert_eq!(agent.status().totals.active, 1, "the body is not over");
            origin.signal("end");
            assert_eq!(response.text().await.unwrap(), "last");
            assert_eq!(closed_by(&agent), [(CloseReason::CloseDelimited, 1)], "{head:?}");
            origin.wait(|record| record.connections[0].ended == Some(End::ClosedByPeer)).await;
        }
    });
}

#[test]
fn surplus_bytes_leave_the_response_alone_and_never_reach_the_next_request() {
    wire::run(async |case: &Case| {
        for surplus in ["x", "\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged"] {
            let origin = ScriptedOrigin::builder()
                .connection(Script::new().request().send([ok("mine"), surplus.into()].concat()))
                .otherwise(Script::new().request().send(ok("next")));
            let origin = case.scripted(origin);
            let agent = wire::agent();
            assert_eq!(text(&agent, &origin.url("/1")).await, "mine");
            assert_eq!(closed_by(&agent), [(CloseReason::SurplusBytes, 1)], "{surplus:?}");
            assert_eq!(text(&agent, &origin.url("/2")).await, "next");
            assert_eq!(origin.record().requests()[1].connection, 1);
        }
    });
}

#[test]
fn bytes_on_an_idle_socket_close_it_without_a_request() {
    wire::run(async |case: &Case| {
        let origin = case.scripted(Script::new().request().send(ok("mine")).signal("more").send("x"));
        let agent = wire::agent();
        assert_eq!(text(&agent, &origin.url("/")).await, "mine");
        assert_eq!(agent.status().totals.idle, 1);
        origin.signal("more");
        eventually(|| agent.status().totals.closed == 1).await;
        assert_eq!(closed_by(&agent), [(CloseReason::UnsolicitedBytes, 1)]);
        assert_eq!(agent.status().totals.failed, 0);
    });
}

#[test]
fn an_unsolicited_response_never_reaches_the_next_request() {
    wire::run(async |case: &Case| {
        for round in 0..20 {
            let forged = Script::new().request().send(ok("mine")).signal("forge").send(ok("forged"));
            let honest = Script::new().request().send(ok(format!("token {round}")));
            let origin = case
                .scripted(ScriptedOrigin::builder().connection(forged.reached("forged")).otherwise(honest));
            let agent = wire::agent();
            assert_eq!(text(&agent, &origin.url("/")).await, "mine");
            origin.signal("forge");
            origin.reached("forged").await;
            assert_eq!(text(&agent, &origin.url("/")).await, format!("token {round}"));
            eventually(|| agent.status().totals.closed == 1).await;
            assert_eq!(closed_by(&agent), [(CloseReason::UnsolicitedBytes, 1)]);
        }
    });
}

#[test]
fn bytes_before_the_first_request_are_an_error_and_not_its_response() {
    wire::run_paused(async |case: &Case| {
        let greeting = Script::new().send(ok("greeting")).reached("greeted");
        let origin =
            ScriptedOrigin::builder().connection(greeting).otherwise(Script::new().request().send(ok("2")));
        let origin = case.scripted(origin);
        let agent = wire::agent();
        let mut request = Box::pin(agent.get(origin.url("/")).send());
        assert!(poll_once(&mut request).await.is_none());
        // The dial goes on by itself; the request gets its socket only when it is polled again.
        origin.reached("greeted").await;
        eventually(|| agent.status().totals.connecting == 0).await;
        let error = request.await.unwrap_err();
        assert!(error.is_protocol() && error.safe_to_retry(), "{error}");
        assert_eq!(error.bytes_written(), 0);
        assert!(error.to_string().ends_with("sent bytes before it was asked anything"), "{error}");
        assert_eq!(closed_by(&agent), [(CloseReason::UnsolicitedBytes, 1)]);
        assert_eq!(text(&agent, &origin.url("/")).await, "2");
    });
}

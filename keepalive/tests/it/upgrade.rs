//! Connections that leave HTTP: 101 and CONNECT.

use http::Request;
use keepalive::{Agent, Body, CloseReason, RequestBuilder, Upgraded};
use testkit::{Case, End, Script, ScriptedOrigin, ok, response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::wire::{self, SCHEME};
use crate::kit::{closed_by, eventually, poll_once, text};
use crate::sending::feed::feed;

const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

fn asking(agent: &Agent, origin: &ScriptedOrigin) -> RequestBuilder {
    agent.get(origin.url("/")).header("connection", "x, Upgrade").header("upgrade", "echo")
}

async fn upgraded(agent: &Agent, origin: &ScriptedOrigin) -> Upgraded {
    let response = asking(agent, origin).send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["upgrade"]), (101, &"echo".parse().unwrap()));
    response.into_body().into_upgraded().unwrap()
}

/// Switches every connection, and listens from then on.
fn switching(case: &Case) -> ScriptedOrigin {
    case.scripted(Script::new().request().send(SWITCHED).read_to_end())
}

#[test]
fn the_connection_is_handed_out_with_the_bytes_behind_the_head() {
    wire::run(async |case: &Case| {
        for (with_head, later) in [("ahead ", "later"), ("", "ahead later"), ("ahead later", "")] {
            let script = Script::new().request().send(format!("{SWITCHED}{with_head}"));
            let origin = case.scripted(script.signal("go").send(later).read_to_end().send(" bye"));
            let agent = wire::agent();
            let mut io = upgraded(&agent, &origin).await;
            origin.signal("go");
            let mut bytes = [0; 11];
            io.read_exact(&mut bytes[..3]).await.unwrap();
            io.read_exact(&mut bytes[3..]).await.unwrap();
            assert_eq!(&bytes, b"ahead later");
            io.write_all(b"ping").await.unwrap();
            io.shutdown().await.unwrap();
            let mut rest = String::new();
            io.read_to_string(&mut rest).await.unwrap();
            assert_eq!(rest, " bye");
            assert!(origin.record().connections[0].bytes.ends_with(b"\r\n\r\nping"));
        }
    });
}

#[test]
fn an_upgraded_socket_is_counted_as_such_until_it_is_dropped() {
    wire::run(async |case: &Case| {
        let origin = switching(case);
        let agent = wire::agent();
        let io = upgraded(&agent, &origin).await;
        let status = agent.status();
        assert_eq!((status.totals.upgraded, status.totals.active, status.totals.done), (1, 0, 1));
        assert_eq!(status.origins[0].upgraded, 1);
        agent.close_idle();
        assert_eq!(agent.status().totals.upgraded, 1);
        drop(io);
        assert_eq!(closed_by(&agent), [(CloseReason::Upgraded, 1)]);
        origin.wait(|record| record.connections[0].ended.is_some()).await;
    });
}

#[test]
fn an_upgraded_socket_leaves_its_place_at_the_origin_to_others() {
    wire::run(async |case: &Case| {
        let origin = ScriptedOrigin::builder()
            .connection(Script::new().request().send(SWITCHED).read_to_end())
            .otherwise(Script::new().request().send(ok("next")));
        let origin = case.scripted(origin);
        let agent = wire::builder().max_sockets(1).build().unwrap();
        let io = upgraded(&agent, &origin).await;
        assert_eq!(text(&agent, &origin.url("/")).await, "next");
        assert_eq!(origin.record().peak_open, 2);
        drop(io);
    });
}

#[test]
fn an_upgraded_socket_keeps_its_place_in_the_total() {
    wire::run(async |case: &Case| {
        let origin = ScriptedOrigin::builder()
            .connection(Script::new().request().send(SWITCHED).read_to_end())
            .otherwise(Script::new().request().send(ok("next")));
        let origin = case.scripted(origin);
        let agent = wire::builder().max_total_sockets(1).build().unwrap();
        let io = upgraded(&agent, &origin).await;
        let mut next = Box::pin(agent.get(origin.url("/")).send());
        assert!(poll_once(&mut next).await.is_none());
        assert_eq!((agent.status().totals.queued, agent.status().totals.opened), (1, 1));
        drop(io);
        assert_eq!(next.await.unwrap().text().await.unwrap(), "next");
        assert_eq!(origin.record().peak_open, 1);
    });
}

#[test]
fn an_upgrade_that_nobody_takes_is_closed_with_its_response() {
    wire::run(async |case: &Case| {
        let origin = switching(case);
        let agent = wire::agent();
        let response = asking(&agent, &origin).send().await.unwrap();
        assert_eq!(agent.status().totals.upgraded, 1);
        assert_eq!(response.text().await.unwrap(), "", "it is no body");
        assert_eq!(closed_by(&agent), [(CloseReason::Upgraded, 1)]);
    });
}

#[test]
fn what_is_no_upgrade_gives_its_body_back() {
    wire::run(async |case: &Case| {
        let long = "x".repeat(100_000);
        let origin = case.scripted(Script::new().request().send(response(426, &[], &long)).repeat());
        let agent = wire::agent();
        let response = asking(&agent, &origin).send().await.unwrap();
        assert_eq!(response.status(), 426);
        let body = response.into_body().into_upgraded().unwrap_err();
        assert_eq!(body.text().await.unwrap(), long);
        assert_eq!(agent.status().totals.idle, 1, "the socket still speaks HTTP");
    });
}

#[test]
fn both_fields_must_ask_for_an_upgrade() {
    wire::run(async |case: &Case| {
        let origin = switching(case);
        let agent = wire::agent();
        for (name, value) in [("connection", "upgrade"), ("upgrade", "echo")] {
            let error = agent.get(origin.url("/")).header(name, value).send().await.unwrap_err();
            assert!(error.is_protocol(), "{error}");
        }
    });
}

#[test]
fn an_upgraded_socket_outlives_its_agent_and_ends_with_destroy() {
    wire::run(async |case: &Case| {
        let origin =
            case.scripted(Script::new().request().send(SWITCHED).signal("go").send("alive").read_to_end());
        let agent = wire::agent();
        let mut kept = upgraded(&agent, &origin).await;
        drop(agent);
        origin.signal("go");
        let mut bytes = [0; 5];
        kept.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"alive");

        let agent = wire::agent();
        let mut destroyed = upgraded(&agent, &origin).await;
        agent.destroy();
        let mut rest = Vec::new();
        // What had come may be read; then the end, or an error, and no waiting for the server.
        let _ = destroyed.read_to_end(&mut rest).await;
        drop(destroyed);
        eventually(|| agent.status().totals.closed == 1).await;
    });
}

/// Without a scheme it means plain TCP.
fn connect(origin: &ScriptedOrigin) -> Request<Body> {
    let uri = if SCHEME == "http" { origin.addr().to_string() } else { origin.url("/") };
    Request::connect(uri).body(Body::empty()).unwrap()
}

#[test]
fn connect_opens_a_tunnel_on_any_2xx() {
    wire::run(async |case: &Case| {
        for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 204 Fine\r\ncontent-length: 7\r\n\r\n"] {
            let origin = case.scripted(Script::new().request().send(format!("{head}ahead")).read_to_end());
            let agent = wire::agent();
            let authority = origin.addr().to_string();
            let request = connect(&origin);
            let response = agent.request(request).await.unwrap();
            let mut io = response.into_body().into_upgraded().unwrap();
            let mut bytes = [0; 5];
            io.read_exact(&mut bytes).await.unwrap();
            assert_eq!(&bytes, b"ahead");
            io.write_all(b"through the tunnel").await.unwrap();
            drop(io);
            origin.wait(|record| record.connections[0].ended == Some(End::ClosedByPeer)).await;
            let sent = format!("CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n\r\nthrough the tunnel");
            assert_eq!(String::from_utf8_lossy(&origin.record().connections[0].bytes), sent);
            assert_eq!(closed_by(&agent), [(CloseReason::Upgraded, 1)]);
        }
    });
}

#[test]
fn a_refused_connect_is_a_response_like_any_other() {
    wire::run(async |case: &Case| {
        let origin = case.scripted(Script::new().request().send(response(407, &[], "who are you?")).repeat());
        let agent = wire::agent();
        for _ in 0..2 {
            let request = connect(&origin);
            let response = agent.request(request).await.unwrap();
            assert_eq!(response.status(), 407);
            let body = response.into_body().into_upgraded().unwrap_err();
            assert_eq!(body.text().await.unwrap(), "who are you?");
        }
        assert_eq!((origin.record().accepted(), agent.status().totals.upgraded), (1, 0));
    });
}

#[test]
fn a_switch_before_the_request_is_sent_whole_is_refused() {
    wire::run(async |case: &Case| {
        let origin = case.scripted(Script::new().head().send(SWITCHED).read_to_end());
        let agent = wire::agent();
        let (feeder, body) = feed();
        feeder.data("some");
        let request =
            Request::post(origin.url("/")).header("connection", "upgrade").header("upgrade", "echo");
        let error = agent.request(request.body(body).unwrap()).await.unwrap_err();
        assert!(error.is_protocol(), "{error:?}");
        assert_eq!(error.to_string(), "the server switched protocols before it had the whole request");
        assert_eq!(closed_by(&agent), [(CloseReason::ProtocolError, 1)]);
        assert!(feeder.is_dropped());
    });
}

#[test]
fn a_request_with_a_body_can_ask_for_an_upgrade() {
    wire::run(async |case: &Case| {
        let origin = case.scripted(Script::new().request().send(SWITCHED).read_to_end());
        let agent = wire::agent();
        let request = agent.post(origin.url("/")).header("connection", "upgrade").header("upgrade", "echo");
        let response = request.body("settings").send().await.unwrap();
        assert!(response.into_body().into_upgraded().is_ok());
        assert_eq!(origin.record().requests()[0].body, b"settings");
    });
}

//! What a hostile review found, and what does not concern several runtimes (those tests are in `runtimes`).

mod close;
mod early;
#[cfg(feature = "http2")]
mod http2;
mod wakers;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use http_body::Body as _;
use http_body_util::BodyExt as _;
use keepalive::{Agent, CloseReason, Phase};
use testkit::{Case, Script, ScriptedOrigin, run, run_paused};
use tokio::time::advance;

use crate::kit::{accounts, at_rest, fetch, polled, turns, until};

const MS: Duration = Duration::from_millis(1);

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// Half of a response whose body is 4 bytes long.
const HALF: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab";

/// The timer had no turn while there were bytes to read.
#[test]
fn the_whole_requests_limit_holds_though_the_body_never_stops_coming() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let mut socket = listener.accept().unwrap().0;
        let _ = socket.read(&mut [0; 1024]).unwrap();
        socket.write_all(CHUNKED.as_bytes()).unwrap();
        let chunks = b"4\r\nabcd\r\n".repeat(8192);
        while socket.write_all(&chunks).is_ok() {}
    });
    run_paused(async |_: &Case| {
        let agent = Agent::builder().timeout(200 * MS).build().unwrap();
        let mut response = agent.get(format!("http://{address}/")).send().await.unwrap();
        for _ in 0..10_000 {
            assert!(response.chunk().await.unwrap().is_some(), "it has no end");
        }
        advance(200 * MS).await;
        let error = response.chunk().await.unwrap_err();
        assert!(error.is_timeout() && error.phase() == Phase::Receive, "{error:?}");
        assert_eq!(at_rest(&agent).await.closed_by.get(&CloseReason::TimedOut), Some(&1));
    });
    server.join().unwrap();
}

/// Nobody looked at a FIN that came while the socket was on offer.
#[test]
fn a_socket_that_the_server_closes_while_it_is_on_offer_does_not_stay() {
    run_paused(async |case: &Case| {
        let script = Script::new().request().send(HALF).signal("rest").send("cd").signal("close").close();
        let origin = case.scripted(script);
        let agent = Agent::builder().max_sockets(1).free_socket_timeout(None).build().unwrap();
        let response = agent.get(origin.url("/")).send().await.unwrap();
        let parked = polled(fetch(&agent, origin.url("/")));
        origin.signal("rest");
        response.text().await.unwrap();
        assert_eq!((accounts(&agent).active, accounts(&agent).waiting), (1, 1), "it is on offer");
        origin.signal("close");
        origin.wait(|record| record.open() == 0).await;
        turns().await;
        assert_eq!(accounts(&agent).active, 1);
        drop(parked);
        until(&agent, |totals| totals.closed == 1).await;
        assert_eq!(accounts(&agent).closed_by.get(&CloseReason::ClosedByServer), Some(&1));
    });
}

/// The length that the chunk announced was added to what was there, and the sum overflowed.
#[test]
fn an_absurd_chunk_size_does_not_overflow_the_size_hint() {
    run(async |case: &Case| {
        let absurd = format!("{CHUNKED}5\r\nhello\r\nffffffffffffffff\r\nabc");
        let origin = case.scripted(Script::new().request().send(absurd));
        let response = Agent::new().get(origin.url("/")).send().await.unwrap();
        let hint = response.into_body().size_hint();
        assert!(hint.lower() >= 5 && hint.upper().is_none(), "{hint:?}");
    });
}

/// Only a body of one chunk was taken in with the head.
#[test]
fn small_chunks_that_came_with_the_head_do_not_pin_the_socket() {
    for trailers in ["", "x-sum: 7\r\nx-more: 8\r\n"] {
        run(async |case: &Case| {
            let answer = format!("{CHUNKED}1\r\na\r\n1\r\nb\r\n2\r\ncd\r\n0\r\n{trailers}\r\n");
            let origin = case.scripted(Script::new().request().send(answer).repeat());
            let agent = Agent::builder().max_sockets(1).build().unwrap();
            let kept = agent.get(origin.url("/")).send().await.unwrap();
            assert_eq!(accounts(&agent).idle, 1);
            assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "abcd");
            let kept = kept.into_body().collect().await.unwrap();
            assert_eq!(kept.trailers().map_or(0, http::HeaderMap::len), trailers.lines().count());
            assert_eq!(kept.to_bytes(), "abcd");
            assert_eq!((origin.record().accepted(), at_rest(&agent).await.done), (1, 2));
        });
    }
}

/// The text named `max_sockets`, which counts no upgraded sockets.
#[test]
fn a_queue_timeout_names_the_limit_in_all_where_an_upgraded_socket_holds_it() {
    run_paused(async |case: &Case| {
        let switched = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
        let builder = ScriptedOrigin::builder().connection(Script::new().request().send(switched));
        let origin = case.scripted(builder.otherwise(Script::new().request().reached("asked")));
        let limited = Agent::builder().max_sockets(2).max_total_sockets(2).queue_timeout(1000 * MS);
        let agent = limited.build().unwrap();
        let upgrade = agent.get(origin.url("/")).header("connection", "upgrade").header("upgrade", "echo");
        let upgraded = upgrade.send().await.unwrap();
        let holder = tokio::spawn(fetch(&agent, origin.url("/")));
        origin.reached("asked").await;
        let text = queue_timeout(&agent, &origin).await;
        assert!(text.ends_with("all 2 sockets of the agent are in use; make fewer requests at once, or raise max_total_sockets"), "{text}");
        holder.abort();
        drop(upgraded);
    });
}

/// What a request is told that waits in vain for 1 s.
async fn queue_timeout(agent: &Agent, origin: &ScriptedOrigin) -> String {
    let waits = tokio::spawn(polled(fetch(agent, origin.url("/"))));
    turns().await;
    advance(1000 * MS).await;
    let error = waits.await.unwrap().unwrap_err();
    assert!(error.is_timeout() && error.phase() == Phase::Queue, "{error:?}");
    error.to_string()
}

/// A socket on offer went on counting as held by the body that had been read.
#[test]
fn a_queue_timeout_does_not_blame_a_body_that_was_read_to_the_end() {
    run_paused(async |case: &Case| {
        let script = Script::new().request().send(HALF).signal("rest").send("cd");
        let origin = case.scripted(script.request().send(HALF));
        let agent = Agent::builder().max_sockets(1).queue_timeout(50 * MS).build().unwrap();
        let response = agent.get(origin.url("/")).send().await.unwrap();
        let parked = polled(fetch(&agent, origin.url("/")));
        let waits = tokio::spawn(polled(fetch(&agent, origin.url("/"))));
        origin.signal("rest");
        response.text().await.unwrap();
        turns().await;
        advance(50 * MS).await;
        let text = waits.await.unwrap().unwrap_err().to_string();
        assert!(text.contains("all 1 sockets are in use"), "{text}");
        drop(parked);
    });
}

/// But one that is not read is named, and so is for how long.
#[test]
fn a_queue_timeout_blames_a_body_that_is_not_read() {
    run_paused(async |case: &Case| {
        let origin = case.scripted(Script::new().request().send(HALF));
        let agent = Agent::builder().max_sockets(1).queue_timeout(1000 * MS).build().unwrap();
        let unread = agent.get(origin.url("/")).send().await.unwrap();
        let text = queue_timeout(&agent, &origin).await;
        assert!(text.contains("1 by response bodies not read to the end (oldest 1 s)"), "{text}");
        drop(unread);
        turns().await;
        advance(50 * MS).await;
        at_rest(&agent).await;
    });
}

/// The empty brackets were looked up as a name.
#[test]
fn empty_brackets_are_no_host() {
    run(async |_: &Case| {
        let agent = Agent::new();
        let error = fetch(&agent, "http://[]/").await.unwrap_err();
        assert!(error.is_request() && error.phase() == Phase::Prepare, "{error:?}");
        assert_eq!((accounts(&agent).opened, accounts(&agent).failed), (0, 1));
    });
}

//! The known defects of Node's own agent that lie above the pool's state machine, each as one story told to
//! two clients: to our agent and to [`NodeLike`], a small double that behaves as Node's client does. What a
//! story sees must be what its test says of each, and the two must differ. (Those inside the machine:
//! `src/pool/state/tables/defects`.)

mod clients;
mod node;

use std::time::Duration;

use http::Method;
use testkit::{Case, Gate, PlainOrigin, Script, ScriptedOrigin, ok, run_paused};

use self::clients::{Ask, Client};
use self::node::NodeLike;
use crate::kit::{poll, poll_once, turns};

/// Tells a story to both clients.
macro_rules! compare {
    ($story:ident, $ours:expr, $node:expr) => {
        assert_ne!($ours, $node, "this story does not tell one from the other");
        run_paused(async |case: &Case| {
            assert_eq!(
                $story(case, <keepalive::Agent as Client>::with_max_sockets(1)).await,
                $ours,
                "our agent"
            );
        });
        run_paused(async |case: &Case| {
            assert_eq!(
                $story(case, NodeLike::with_max_sockets(1)).await,
                $node,
                "the double of Node's client"
            );
        });
    };
}

async fn heads<C: Client>(case: &Case, client: C) -> String {
    let origin = case.scripted(Script::new().request().send("HTTP/1.1 200 OK\r\n\r\n").repeat());
    for _ in 0..3 {
        let response = client.ask(Ask::new(Method::HEAD, origin.addr())).await.unwrap();
        assert_eq!(client.read(response).await.unwrap(), "");
    }
    format!("{} connections", origin.record().accepted())
}

#[test]
fn head_replies_without_length_are_not_reused() {
    compare!(heads, "1 connections", "3 connections");
}

async fn kept_unread<C: Client>(case: &Case, client: C) -> String {
    let origin = case.scripted(Script::new().request().send(ok("small")).repeat());
    let kept = client.ask(Ask::new(Method::GET, origin.addr())).await.unwrap();
    let mut second = Box::pin(client.ask(Ask::new(Method::GET, origin.addr())));
    assert!(poll_once(&mut second).await.is_none());
    let queued = client.queued();
    assert_eq!(client.read(kept).await.unwrap(), "small");
    assert_eq!(client.read(second.await.unwrap()).await.unwrap(), "small");
    assert_eq!(origin.record().accepted(), 1);
    format!("{queued} queued")
}

#[test]
fn a_small_unread_body_pins_the_socket() {
    compare!(kept_unread, "0 queued", "1 queued");
}

async fn timeout_in_the_queue<C: Client>(case: &Case, client: C) -> String {
    let gate = Gate::new();
    let origin = case.plain(PlainOrigin::builder().gate(&gate));
    let mut holder = Box::pin(client.ask(Ask::new(Method::GET, origin.addr())));
    while origin.stats().requests == 0 {
        assert!(poll_once(&mut holder).await.is_none());
        tokio::task::yield_now().await;
    }
    let limit = Duration::from_millis(100);
    let mut queued = Box::pin(client.ask(Ask { timeout: limit, ..Ask::new(Method::GET, origin.addr()) }));
    assert!(poll(&mut queued).is_pending());
    tokio::time::advance(limit).await;
    let seen = match poll_once(&mut queued).await {
        None => "waits on".to_owned(),
        Some(Ok(_)) => panic!("nobody has answered it"),
        Some(Err(error)) => error,
    };
    drop(queued);
    gate.open();
    client.read(holder.await.unwrap()).await.unwrap();
    assert_eq!(origin.stats().requests, 1);
    seen
}

#[test]
fn a_timeout_does_not_cover_the_queue() {
    compare!(timeout_in_the_queue, "timeout", "waits on");
}

/// The server closes its idle connection; the next request comes before the client's runtime has noticed.
async fn stale<C: Client>(case: &Case, client: C) -> String {
    let once = Script::new().request().send(ok("first")).signal("close").close();
    let again = Script::new().request().send(ok("second")).repeat();
    let origin = case.scripted(ScriptedOrigin::builder().connection(once).connection(again));
    let first = client.ask(Ask::new(Method::POST, origin.addr())).await.unwrap();
    assert_eq!(client.read(first).await.unwrap(), "first");
    turns().await;
    origin.signal("close");
    // No await: nothing on the client's runtime sees the end come.
    while origin.record().open() > 0 {
        std::thread::yield_now();
    }
    match client.ask(Ask::new(Method::POST, origin.addr())).await {
        Ok(response) => client.read(response).await.unwrap(),
        Err(error) => error,
    }
}

#[test]
fn a_stale_idle_socket_fails_the_next_request() {
    compare!(stale, "second", "closed");
}

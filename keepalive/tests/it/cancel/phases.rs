//! A request dropped after its k-th poll, for every k, while it stays in one phase: in the queue, dialling,
//! writing, held back for a 100, waiting for the head, in the body, draining, upgraded. Whatever it was
//! doing, the agent is at rest afterwards, serves the next request, and has neither sockets nor tasks after
//! `destroy()`.

use std::future::Future;
use std::pin::Pin;

use keepalive::{Agent, Body, CloseReason, Totals};
use testkit::{Case, Gate, PlainOrigin, Reply, Script, ScriptedOrigin, ok};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

#[cfg(target_os = "linux")]
use super::wire::{self, SCHEME};
use crate::dial::hanging::{fill, narrow};
use crate::kit::{accounts, at_rest, eventually, fetch, poll, poll_once, polled, text, turns, until};
use crate::sending::feed::feed;

/// How often a request is polled at most that makes no progress.
const POLLS: usize = 6;

fn one() -> Agent {
    wire::builder().max_sockets(1).build().unwrap()
}

/// Polls a request `polls` times that must not come to its end with that.
async fn poll_it<F: Future>(future: &mut Pin<Box<F>>, polls: usize) {
    for _ in 0..polls {
        assert!(poll_once(future).await.is_none(), "it was to stay where it is");
        turns().await;
    }
}

/// Nothing is left of what was dropped, the next request is served, and `destroy()` ends it all though the
/// agent is still there.
async fn leaves_nothing(agent: Agent, url: &str) -> Totals {
    let totals = at_rest(&agent).await;
    assert_eq!(text(&agent, url).await, "next");
    at_rest(&agent).await;
    ends(&agent).await;
    totals
}

/// After `destroy()` there is neither a socket nor a task, though the agent is still there.
pub(super) async fn ends(agent: &Agent) {
    agent.destroy();
    let after = at_rest(agent).await;
    assert_eq!((after.opened, after.idle + after.upgraded), (after.closed, 0), "{after:#?}");
    eventually(|| Handle::current().metrics().num_alive_tasks() == 0).await;
}

#[test]
fn in_the_queue() {
    wire::run(async |case: &Case| {
        for polls in 1..=POLLS {
            let gate = Gate::new();
            let origin = case.plain(PlainOrigin::builder().gate(&gate).reply(|_| Reply::ok("next")));
            let agent = one();
            let mut holder = JoinSet::new();
            holder.spawn(fetch(&agent, origin.url("/")));
            origin.wait(|stats| stats.requests == 1).await;
            let mut queued = Box::pin(fetch(&agent, origin.url("/")));
            poll_it(&mut queued, polls).await;
            assert_eq!(accounts(&agent).queued, 1);
            drop(queued);
            assert_eq!(accounts(&agent).queued, 0, "at once");
            gate.open();
            assert_eq!(holder.join_next().await.unwrap().unwrap().unwrap(), "next");
            assert_eq!(leaves_nothing(agent, &origin.url("/")).await.cancelled, 1);
            assert_eq!(origin.stats().requests, 2);
        }
    });
}

#[cfg(target_os = "linux")] // elsewhere a full backlog does not make a dial hang
#[test]
fn while_its_dial_hangs() {
    wire::run(async |case: &Case| {
        let elsewhere = case.plain(PlainOrigin::builder().reply(|_| Reply::ok("next")));
        for polls in 1..=POLLS {
            let (_listener, address) = narrow();
            let _filler = fill(address);
            let agent = one();
            let mut dialling = Box::pin(fetch(&agent, format!("{SCHEME}://{address}/")));
            poll_it(&mut dialling, polls).await;
            assert_eq!(accounts(&agent).connecting, 1);
            drop(dialling);
            // Dials belong to the origin: this one goes on.
            assert_eq!((accounts(&agent).connecting, accounts(&agent).waiting), (1, 0));
            assert_eq!(text(&agent, &elsewhere.url("/")).await, "next");
            assert_eq!((accounts(&agent).connecting, accounts(&agent).cancelled), (1, 1));
            ends(&agent).await;
        }
    });
}

/// Without a turn of the runtime the dial has not even begun; with some, its socket is there and offered.
#[test]
fn while_it_dials_and_when_its_socket_is_there() {
    wire::run(async |case: &Case| {
        for polls in 1..=POLLS {
            for offered in [false, true] {
                let origin = case.plain(PlainOrigin::builder().reply(|_| Reply::ok("next")));
                let agent = one();
                let mut dialling = Box::pin(fetch(&agent, origin.url("/")));
                for _ in 0..polls {
                    assert!(poll(&mut dialling).is_pending());
                }
                assert_eq!(accounts(&agent).connecting, 1);
                if offered {
                    until(&agent, |totals| totals.active == 1).await;
                }
                drop(dialling);
                let totals = leaves_nothing(agent, &origin.url("/")).await;
                assert_eq!((totals.cancelled, totals.idle), (1, 1));
                assert_eq!(origin.stats().accepted, 1, "the next request took the socket of that dial");
            }
        }
    });
}

/// The server reads the head and no more, so that the socket is full at some time.
#[test]
fn while_it_writes() {
    wire::run(async |case: &Case| {
        for polls in 1..=POLLS {
            let origin = case.scripted(
                ScriptedOrigin::builder()
                    .connection(Script::new().head().signal("dropped").read_to_end())
                    .otherwise(Script::new().request().send(ok("next")).repeat()),
            );
            let agent = one();
            let (feeder, body) = feed();
            feeder.data(vec![b'x'; 32 << 20]);
            let mut writing = Box::pin(agent.post(origin.url("/")).body(Body::wrap(body)).send());
            while origin.record().connections.first().is_none_or(|it| it.requests.is_empty()) {
                poll_it(&mut writing, 1).await;
            }
            poll_it(&mut writing, polls).await;
            assert_eq!(accounts(&agent).active, 1);
            assert!(!feeder.is_dropped());
            drop(writing);
            origin.signal("dropped");
            assert!(feeder.is_dropped());
            assert_eq!(accounts(&agent).closed_by.get(&CloseReason::Cancelled), Some(&1));
            assert_eq!(leaves_nothing(agent, &origin.url("/")).await.cancelled, 1);
        }
    });
}

/// The request's body comes in pieces; the server reads them all and does not answer.
#[test]
fn between_the_pieces_of_its_body() {
    wire::run(async |case: &Case| {
        for pieces in 1..=POLLS {
            let origin = case.scripted(
                ScriptedOrigin::builder()
                    .connection(Script::new().request().stall())
                    .otherwise(Script::new().request().send(ok("next")).repeat()),
            );
            let agent = one();
            let (feeder, body) = feed();
            let mut writing = Box::pin(agent.post(origin.url("/")).body(Body::wrap(body)).send());
            poll_it(&mut writing, 1).await;
            until(&agent, |totals| totals.active == 1).await;
            for piece in 0..pieces {
                feeder.data(format!("piece {piece}"));
                poll_it(&mut writing, 1).await;
            }
            drop(writing);
            assert!(feeder.is_dropped());
            assert_eq!(leaves_nothing(agent, &origin.url("/")).await.cancelled, 1);
        }
    });
}

#[test]
fn while_its_body_is_held_back_for_a_100() {
    wire::run(async |case: &Case| {
        for polls in 1..=POLLS {
            let origin = case.scripted(
                ScriptedOrigin::builder()
                    .connection(Script::new().head().reached("head").read_to_end())
                    .otherwise(Script::new().request().send(ok("next")).repeat()),
            );
            let agent = wire::builder().max_sockets(1).expect_continue_timeout(None).build().unwrap();
            let request = agent.put(origin.url("/")).header("expect", "100-continue").body("payload");
            let mut held = Box::pin(request.send());
            tokio::select! {
                _ = &mut held => panic!("the server said nothing yet"),
                () = origin.reached("head") => {}
            }
            poll_it(&mut held, polls).await;
            drop(held);
            assert_eq!(leaves_nothing(agent, &origin.url("/")).await.cancelled, 1);
            let record = origin.record();
            assert_eq!(record.connections[0].bytes, record.connections[0].requests[0].head);
        }
    });
}

/// The head comes byte by byte, the next one only after one more poll.
#[test]
fn in_the_head() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n";
    wire::run(async |case: &Case| {
        for polls in 1..=head.len() {
            let slow = head.bytes().enumerate().fold(
                Script::new().request().reached("asked"),
                |script, (n, byte)| {
                    script.signal(format!("byte {n}")).send([byte]).reached(format!("sent {n}"))
                },
            );
            let origin = case.scripted(
                ScriptedOrigin::builder()
                    .connection(slow)
                    .otherwise(Script::new().request().send(ok("next")).repeat()),
            );
            let agent = one();
            let mut reading = Box::pin(fetch(&agent, origin.url("/")));
            tokio::select! {
                _ = &mut reading => panic!("the server said nothing yet"),
                () = origin.reached("asked") => {}
            }
            for n in 0..polls - 1 {
                origin.signal(&format!("byte {n}"));
                origin.reached(&format!("sent {n}")).await;
                poll_it(&mut reading, 1).await;
            }
            assert_eq!(accounts(&agent).active, 1);
            drop(reading);
            assert_eq!(leaves_nothing(agent, &origin.url("/")).await.cancelled, 1);
        }
    });
}

/// The body comes in 8 chunks of 64 KiB, too much to be read off at once; it is dropped after the k-th piece.
#[test]
fn in_the_body() {
    wire::run(async |case: &Case| {
        for pieces in 0..=20 {
            let whole = ok(vec![b'x'; 8 << 16]);
            let first = Script::new().request().send(whole).request().send(ok("next"));
            let origin = case.scripted(
                ScriptedOrigin::builder()
                    .connection(first.request().send(ok("next")))
                    .otherwise(Script::new().request().send(ok("next")).repeat()),
            );
            let agent = one();
            let mut response = agent.get(origin.url("/")).send().await.unwrap();
            let mut waiting = polled(fetch(&agent, origin.url("/")));
            for _ in 0..pieces {
                drop(response.chunk().await.unwrap());
            }
            drop(response);
            assert_eq!(waiting.as_mut().await.unwrap(), "next");
            let totals = leaves_nothing(agent, &origin.url("/")).await;
            assert_eq!((totals.done, totals.cancelled, totals.failed), (2, 0, 0));
        }
    });
}

/// The rest of a dropped body comes in pieces, and `destroy()` in between.
#[test]
fn while_it_drains() {
    wire::run(async |case: &Case| {
        for pieces in 0..=4 {
            let script = Script::new().request().send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n");
            let script = (0..4).fold(script, |script, n| {
                script.signal(format!("piece {n}")).send("x").reached(format!("sent {n}"))
            });
            let origin = case.scripted(
                ScriptedOrigin::builder()
                    .connection(script.request().send(ok("next")))
                    .otherwise(Script::new().request().send(ok("next")).repeat()),
            );
            let agent = one();
            drop(agent.get(origin.url("/")).send().await.unwrap());
            assert_eq!(accounts(&agent).draining, 1);
            for n in 0..pieces {
                origin.signal(&format!("piece {n}"));
                origin.reached(&format!("sent {n}")).await;
                turns().await;
            }
            if pieces == 2 {
                ends(&agent).await;
            } else {
                leaves_nothing(agent, &origin.url("/")).await;
            }
        }
    });
}

/// Asked to upgrade: dropped before the server switches, with the response, and as a bare socket.
#[test]
fn while_it_upgrades() {
    let switched = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    wire::run(async |case: &Case| {
        for polls in 1..=POLLS {
            for switches in [false, true] {
                let origin = case.scripted(
                    ScriptedOrigin::builder()
                        .connection(
                            Script::new()
                                .request()
                                .reached("asked")
                                .signal("go")
                                .send(switched)
                                .read_to_end(),
                        )
                        .otherwise(Script::new().request().send(ok("next")).repeat()),
                );
                let agent = one();
                let request =
                    agent.get(origin.url("/")).header("connection", "upgrade").header("upgrade", "echo");
                let mut asking = Box::pin(request.send());
                tokio::select! {
                    _ = &mut asking => panic!("the server said nothing yet"),
                    () = origin.reached("asked") => {}
                }
                poll_it(&mut asking, polls).await;
                if switches {
                    origin.signal("go");
                    let body = asking.await.unwrap().into_body();
                    assert_eq!(accounts(&agent).upgraded, 1);
                    if polls % 2 == 0 {
                        drop(body.into_upgraded().unwrap());
                    } else {
                        drop(body);
                    }
                } else {
                    drop(asking);
                }
                let totals = leaves_nothing(agent, &origin.url("/")).await;
                assert_eq!((totals.cancelled, totals.done), (u64::from(!switches), u64::from(switches)));
            }
        }
    });
}

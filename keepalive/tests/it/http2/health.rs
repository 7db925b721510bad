//! Connections on which the server is silent. The clock is paused: it is ours alone, and the server's runs.

use std::time::Duration;

use keepalive::{Agent, CloseReason, Phase};
use testkit::{Case, End, Frame, FrameOrigin, Peer};
use tokio::task::JoinHandle;
use tokio::time::advance;

use super::{Cue, builder, frames};
use crate::kit::{at_rest, closed_by, fetch, info, turns};

const S: Duration = Duration::from_secs(1);

fn agent() -> Agent {
    builder().max_sockets(1).ping_interval(5 * S).ping_timeout(2 * S).build().unwrap()
}

/// Reads on, and says nothing any more.
async fn hush(peer: &mut Peer) -> Result<(), End> {
    loop {
        peer.frame().await?;
    }
}

fn pings(origin: &FrameOrigin) -> usize {
    let record = origin.record();
    let all = record.connections.iter().flat_map(|connection| connection.of(Frame::PING));
    all.filter(|ping| !ping.has(Frame::ACK)).count()
}

/// Lets this much time pass in steps, with what can run in between.
async fn pass(time: Duration) {
    for _ in 0..10 {
        advance(time / 10).await;
        turns().await;
    }
}

fn asking(agent: &Agent, origin: &FrameOrigin) -> JoinHandle<Result<String, keepalive::Error>> {
    tokio::spawn(fetch(agent, origin.url("/")))
}

#[test]
fn a_server_that_does_not_answer_a_ping_is_dead_and_the_requests_say_so() {
    testkit::run_paused(async |case: &Case| {
        let origin = frames(case, |mut peer| async move {
            if peer.connection > 0 {
                return peer.serve().await;
            }
            hush(&mut peer).await
        });
        let agent = agent();
        let asked = [asking(&agent, &origin), asking(&agent, &origin)];
        origin.wait(|record| record.requests() == 2).await;
        turns().await;
        pass(5 * S - S / 100).await;
        assert_eq!(pings(&origin), 0);
        pass(S / 50).await;
        origin.wait(|record| record.connections[0].of(Frame::PING).count() == 1).await;
        pass(2 * S - S / 25).await;
        assert!(asked.iter().all(|asked| !asked.is_finished()));
        pass(S / 20).await;
        let mut failed = Vec::new();
        for asked in asked {
            failed.extend(asked.await.unwrap().err());
        }
        // The second was given a connection that had been given to another: it may be sent again, and waits.
        for error in &failed {
            assert!(error.is_timeout() && error.phase() == Phase::Wait, "{error:?}");
            assert!(error.to_string().contains("did not answer a PING"), "{error}");
        }
        assert!(!failed.is_empty());
        at_rest(&agent).await;
        assert_eq!(closed_by(&agent), [(CloseReason::Silent, 1)]);
    });
}

#[test]
fn requests_on_a_connection_that_died_are_sent_again_by_the_rule() {
    testkit::run_paused(async |case: &Case| {
        let origin = frames(case, |mut peer| async move {
            if peer.connection > 0 {
                return peer.serve().await;
            }
            let stream = peer.request().await?;
            peer.answer(stream, "hello").await?;
            hush(&mut peer).await
        });
        let agent = agent();
        fetch(&agent, origin.url("/")).await.unwrap();
        let get = agent.get(origin.url("/"));
        let get = tokio::spawn(async move { get.send().await });
        let post = agent.post(origin.url("/")).body("x");
        let post = tokio::spawn(async move { post.send().await });
        origin.wait(|record| record.requests() == 3).await;
        turns().await;
        pass(6 * S).await;
        pass(6 * S).await;
        let response = get.await.unwrap().unwrap();
        assert_eq!((info(&response).socket_id, info(&response).attempts), (2, 2));
        let error = post.await.unwrap().unwrap_err();
        assert!(error.is_timeout() && !error.safe_to_retry(), "{error:?}");
        assert!(error.to_string().contains("did not answer a PING"), "{error}");
        assert!(error.to_string().contains("may have executed it"), "{error}");
        drop(response);
        at_rest(&agent).await;
        assert_eq!(closed_by(&agent), [(CloseReason::Silent, 1)]);
        assert_eq!(origin.record().requests(), 4);
    });
}

#[test]
fn a_slow_server_that_answers_pings_is_waited_for() {
    testkit::run_paused(async |case: &Case| {
        let cue = Cue::new();
        let come = cue.clone();
        let origin = frames(case, move |mut peer| {
            let cue = come.clone();
            async move {
                let stream = peer.request().await?;
                for _ in 0..10 {
                    peer.next(Frame::PING).await?;
                    // Its answer says that ours has come.
                    peer.send(&Frame::ping(*b"and you?", false)).await?;
                    peer.next(Frame::PING).await?;
                }
                cue.come().await;
                peer.answer(stream, "at last").await?;
                peer.rest().await
            }
        });
        let agent = agent();
        let asked = asking(&agent, &origin);
        origin.wait(|record| record.requests() == 1).await;
        turns().await;
        for n in 1..=10 {
            pass(5 * S).await;
            origin.wait(|record| record.connections[0].of(Frame::PING).count() == 2 * n).await;
            assert_eq!(pings(&origin), n);
        }
        cue.give();
        assert_eq!(asked.await.unwrap().unwrap(), "at last");
        assert_eq!(at_rest(&agent).await.opened, 1);
    });
}

/// There is nothing to ask for: whoever holds an idle connection is not woken.
#[test]
fn a_connection_without_requests_is_left_alone() {
    testkit::run_paused(async |case: &Case| {
        let origin = frames(case, |mut peer| async move { peer.serve().await });
        let agent = builder().free_socket_timeout(None).ping_interval(S).ping_timeout(S).build().unwrap();
        fetch(&agent, origin.url("/")).await.unwrap();
        for _ in 0..50 {
            pass(S).await;
        }
        assert_eq!((pings(&origin), agent.status().totals.idle), (0, 1));
        fetch(&agent, origin.url("/")).await.unwrap();
        assert_eq!(origin.record().connections.len(), 1);
    });
}

#[test]
fn without_an_interval_nobody_is_asked_and_nobody_is_dead() {
    testkit::run_paused(async |case: &Case| {
        let origin = frames(case, |mut peer| async move { hush(&mut peer).await });
        let agent = builder().ping_interval(None).build().unwrap();
        let asked = asking(&agent, &origin);
        origin.wait(|record| record.requests() == 1).await;
        pass(250 * S).await;
        assert_eq!((pings(&origin), asked.is_finished()), (0, false));
        pass(100 * S).await;
        let error = asked.await.unwrap().unwrap_err();
        assert!(error.to_string().contains("response_timeout"), "{error}");
    });
}

/// On a dead connection places run out, instead of one request after another being lost in it.
#[test]
fn a_stream_that_was_given_up_keeps_its_place_until_the_server_shows_life() {
    testkit::run_paused(async |case: &Case| {
        let cue = Cue::new();
        let come = cue.clone();
        let origin = case.frames(FrameOrigin::script(move |mut peer: Peer| {
            let cue = come.clone();
            async move {
                peer.open(&[(super::MAX_CONCURRENT_STREAMS, 1)]).await?;
                peer.request().await?;
                let ping = loop {
                    let frame = peer.frame().await?;
                    if frame.kind == Frame::PING {
                        break frame;
                    }
                };
                cue.come().await;
                peer.send(&Frame::new(Frame::PING, Frame::ACK, 0, ping.payload)).await?;
                peer.serve().await
            }
        }));
        let agent = agent();
        let given_up = asking(&agent, &origin);
        origin.wait(|record| record.requests() == 1).await;
        given_up.abort();
        assert!(given_up.await.unwrap_err().is_cancelled());
        let next = asking(&agent, &origin);
        origin.wait(|record| record.connections[0].of(Frame::PING).count() == 1).await;
        turns().await;
        let totals = agent.status().totals;
        assert_eq!((totals.streams, totals.queued, totals.running, totals.cancelled), (1, 1, 0, 1));
        assert_eq!(origin.record().requests(), 1);
        assert_eq!(origin.record().connections[0].of(Frame::RST_STREAM).count(), 1);
        cue.give();
        assert_eq!(next.await.unwrap().unwrap(), "hello");
        assert_eq!((at_rest(&agent).await.opened, origin.record().requests()), (1, 2));
    });
}

/// Also where silence alone is never asked about: else the place would be lost for ever.
#[test]
fn a_given_up_stream_on_a_silent_connection_does_not_hold_it_for_ever() {
    for interval in [Some(5 * S), None] {
        testkit::run_paused(async |case: &Case| {
            let origin = frames(case, |mut peer| async move {
                if peer.connection > 0 {
                    return peer.serve().await;
                }
                hush(&mut peer).await
            });
            let agent = builder().max_sockets(1).max_streams_per_socket(1);
            let agent = agent.ping_interval(interval).ping_timeout(2 * S).build().unwrap();
            let given_up = asking(&agent, &origin);
            origin.wait(|record| record.requests() == 1).await;
            given_up.abort();
            let next = asking(&agent, &origin);
            origin.wait(|record| record.connections[0].of(Frame::PING).count() == 1).await;
            turns().await;
            pass(2 * S - S / 10).await;
            assert_eq!(agent.status().totals.closed, 0);
            pass(S / 5).await;
            assert_eq!(next.await.unwrap().unwrap(), "hello");
            at_rest(&agent).await;
            assert_eq!(closed_by(&agent), [(CloseReason::Silent, 1)]);
        });
    }
}

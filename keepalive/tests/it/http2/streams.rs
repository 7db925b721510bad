//! Streams: how many there are, who waits for one, and what is shown of them.

use http::Version;
use keepalive::{Agent, CloseReason, SocketState};
use testkit::{Case, End, Frame, FrameOrigin, Gate, Peer, PlainOrigin};
use tokio::task::JoinSet;

use super::{Cue, MAX_CONCURRENT_STREAMS, agent, builder, plain};
use crate::kit::{at_rest, fetch, info, polled, turns, until};

fn burst(agent: &Agent, origin: &PlainOrigin, requests: usize) -> JoinSet<String> {
    let mut asked = JoinSet::new();
    for n in 0..requests {
        let request = polled(fetch(agent, origin.url(&format!("/{n}"))));
        asked.spawn(async { request.await.unwrap() });
    }
    asked
}

fn targets(origin: &PlainOrigin) -> Vec<usize> {
    origin.requests().iter().map(|request| request.target[1..].parse().unwrap()).collect()
}

/// Limits of the server and of the agent; another connection is opened when all are in use, and no more
/// than allowed.
#[test]
fn streams_are_bounded_and_so_are_the_connections_for_more() {
    testkit::run(async |case: &Case| {
        for (theirs, ours, bound) in [(3, 100, 3), (100, 2, 2), (1, 1, 1)] {
            let gate = Gate::new();
            let origin = case.plain(plain().gate(&gate).max_streams(theirs));
            let agent = builder().max_sockets(3).max_streams_per_socket(ours).build().unwrap();
            let asked = burst(&agent, &origin, 30);
            origin.wait(|stats| stats.requests == 3 * bound).await;
            turns().await;
            let (stats, totals) = (origin.stats(), agent.status().totals);
            assert_eq!((stats.requests, stats.accepted, stats.streams), (3 * bound, 3, 3 * bound));
            assert_eq!((totals.running, totals.queued), (3 * bound as u64, 30 - 3 * bound));
            gate.open();
            asked.join_all().await;
            let stats = origin.stats();
            assert_eq!((stats.accepted, stats.peak_open, stats.peak_streams), (3, 3, bound));
            assert_eq!(at_rest(&agent).await.done, 30);
        }
    });
}

#[test]
fn who_waits_for_a_stream_is_served_first_come_first_served() {
    testkit::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(plain().gate(&gate).max_streams(2).record_requests());
        let agent = builder().max_sockets(1).build().unwrap();
        let asked = burst(&agent, &origin, 20);
        for n in 2..20 {
            origin.wait(|stats| stats.requests == n).await;
            gate.release(1);
        }
        gate.open();
        asked.join_all().await;
        assert_eq!(targets(&origin), (0..20).collect::<Vec<_>>());
        assert_eq!((origin.stats().accepted, origin.stats().peak_streams), (1, 2));
    });
}

/// Opens its connections with this limit, which is another one after the cue.
fn changing(case: &Case, from: u32, to: u32, cue: &Cue) -> FrameOrigin {
    let cue = cue.clone();
    case.frames(FrameOrigin::script(move |mut peer: Peer| {
        let cue = cue.clone();
        async move {
            peer.open(&[(MAX_CONCURRENT_STREAMS, from)]).await?;
            peer.next(Frame::SETTINGS).await?;
            tokio::select! {
                () = cue.come() => {}
                end = peer.rest() => return end,
            }
            peer.send(&Frame::settings(&[(MAX_CONCURRENT_STREAMS, to)])).await?;
            peer.serve().await
        }
    }))
}

#[test]
fn a_server_that_allows_no_stream_is_waited_for_on_one_connection() {
    testkit::run_paused(async |case: &Case| {
        let cue = Cue::new();
        let origin = changing(case, 0, 5, &cue);
        let agent = agent();
        let mut asked = JoinSet::new();
        (0..10).for_each(|_| drop(asked.spawn(fetch(&agent, origin.url("/")))));
        origin.wait(|record| record.connections.len() == 1).await;
        until(&agent, |totals| totals.idle == 1).await;
        turns().await;
        let totals = agent.status().totals;
        assert_eq!((totals.opened, totals.waiting, totals.queued), (1, 10, 10));
        cue.give();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        assert_eq!(origin.record().requests(), 10);
        // More than five at once: others may have been opened for the rest, once there was hope.
        assert!(origin.record().connections.len() <= 5);
    });
}

/// Where such a connection is not kept there is nothing to wait for.
#[test]
fn a_server_that_allows_no_stream_is_told_of_where_its_connection_is_not_kept() {
    testkit::run_paused(async |case: &Case| {
        let origin = changing(case, 0, 5, &Cue::new());
        let agent = builder().keep_alive(false).build().unwrap();
        let error = fetch(&agent, origin.url("/")).await.unwrap_err();
        let text = format!("{error}: {}", std::error::Error::source(&error).unwrap());
        assert!(text.contains("the server allowed no request on it"), "{text}");
        assert!(error.safe_to_retry() && error.bytes_written() == 0, "{error:?}");
        until(&agent, |totals| totals.closed == 1).await;
    });
}

#[test]
fn a_limit_that_is_lowered_to_none_and_raised_again_makes_nobody_dial() {
    testkit::run_paused(async |case: &Case| {
        let (lower, raise) = (Cue::new(), Cue::new());
        let cues = (lower.clone(), raise.clone());
        let origin = super::frames(case, move |mut peer| {
            let (lower, raise) = cues.clone();
            async move {
                let stream = peer.request().await?;
                peer.answer(stream, "first").await?;
                lower.come().await;
                peer.send(&Frame::settings(&[(MAX_CONCURRENT_STREAMS, 0)])).await?;
                tokio::select! {
                    () = raise.come() => {}
                    end = peer.rest() => return end,
                }
                peer.send(&Frame::settings(&[(MAX_CONCURRENT_STREAMS, 7)])).await?;
                peer.serve().await
            }
        });
        let agent = agent();
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "first");
        lower.give();
        while agent.sockets()[0].max_streams != Some(0) {
            tokio::task::yield_now().await;
        }
        let mut asked = JoinSet::new();
        (0..7).for_each(|_| drop(asked.spawn(fetch(&agent, origin.url("/")))));
        turns().await;
        assert_eq!((agent.status().totals.opened, agent.status().totals.queued), (1, 7));
        raise.give();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        assert_eq!(origin.record().connections.len(), 1);
    });
}

#[test]
fn status_and_sockets_show_streams() {
    testkit::run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(plain().gate(&gate).max_streams(4));
        let other = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = builder().max_sockets(2).build().unwrap();
        let asked = burst(&agent, &origin, 7);
        origin.wait(|stats| stats.requests == 7).await;
        let one = Agent::new();
        let plain = burst(&one, &other, 1);
        other.wait(|stats| stats.requests == 1).await;
        let (status, sockets) = (agent.status(), agent.sockets());
        assert_eq!((status.totals.streams, status.origins[0].streams, status.totals.active), (7, 7, 2));
        assert_eq!(sockets.iter().map(|it| it.streams.unwrap()).sum::<usize>(), 7);
        assert!(sockets.iter().all(|it| it.max_streams == Some(4) && it.state == SocketState::Active));
        assert_eq!((one.status().totals.streams, one.sockets()[0].streams), (0, None));
        gate.open();
        asked.join_all().await;
        plain.join_all().await;
        let totals = at_rest(&agent).await;
        assert_eq!((totals.streams, totals.idle), (0, 2));
        assert!(agent.sockets().iter().all(|it| it.streams == Some(0) && it.max_streams == Some(4)));
    });
}

#[test]
fn responses_say_which_socket_they_share() {
    testkit::run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(plain().gate(&gate));
        let agent = agent();
        let mut asked = JoinSet::new();
        for _ in 0..5 {
            let request = agent.get(origin.url("/"));
            asked.spawn(async move { request.send().await.unwrap() });
        }
        origin.wait(|stats| stats.requests == 5).await;
        gate.open();
        let mut infos: Vec<_> = asked.join_all().await.iter().map(|response| info(response)).collect();
        infos.sort_by_key(|info| info.request_number);
        for (n, info) in (1..).zip(&infos) {
            assert_eq!((info.socket_id, info.request_number, info.attempts), (1, n, 1));
            assert_eq!((info.reused, info.protocol), (n > 1, Version::HTTP_2));
            assert_eq!((info.timings.connect.is_some(), info.timings.dns.is_some()), (n == 1, n == 1));
            assert_eq!(info.peer_addr, Some(origin.addr()));
        }
    });
}

/// One that leaves while it waits for a stream is passed over.
#[test]
fn a_cancelled_waiter_for_a_stream_is_passed_over() {
    testkit::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(plain().gate(&gate).max_streams(1).record_requests());
        let agent = builder().max_sockets(1).build().unwrap();
        let mut waiting: Vec<_> =
            (0..6).map(|n| Some(polled(fetch(&agent, origin.url(&format!("/{n}")))))).collect();
        for gone in [1, 2, 5] {
            waiting[gone] = None;
        }
        assert_eq!((agent.status().totals.waiting, agent.status().totals.cancelled), (3, 3));
        let mut asked = JoinSet::new();
        waiting.into_iter().flatten().for_each(|request| drop(asked.spawn(request)));
        origin.wait(|stats| stats.requests == 1).await;
        gate.open();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        assert_eq!(targets(&origin), [0, 3, 4]);
    });
}

/// The script's own errors are ends, not panics.
#[test]
fn the_limit_in_the_first_settings_holds_for_the_first_burst() {
    testkit::run(async |case: &Case| {
        let origin = case.frames(FrameOrigin::script(|mut peer: Peer| async move {
            peer.open(&[(MAX_CONCURRENT_STREAMS, 2)]).await?;
            let streams = [peer.request().await?, peer.request().await?];
            // A third would come before the answers.
            tokio::select! {
                _ = peer.request() => return Err(End::BadRequest("one stream too many".to_owned())),
                () = tokio::time::sleep(std::time::Duration::from_millis(20)) => {}
            }
            for stream in streams {
                peer.answer(stream, "hello").await?;
            }
            peer.serve().await
        }));
        let agent = builder().max_sockets(1).build().unwrap();
        let mut asked = JoinSet::new();
        (0..6).for_each(|_| drop(asked.spawn(fetch(&agent, origin.url("/")))));
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        assert_eq!(origin.record().connections.len(), 1);
    });
}

/// Those that are too many end with their last stream; the one that stays serves on, and nothing opens.
#[test]
fn connections_beyond_a_lowered_cap_end_with_their_streams() {
    testkit::run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(plain().gate(&gate).max_streams(2));
        let agent = builder().max_sockets(3).build().unwrap();
        let asked = burst(&agent, &origin, 12);
        origin.wait(|stats| stats.requests == 6).await;
        agent.set_max_sockets(1).unwrap();
        gate.release(6);
        origin.wait(|stats| stats.open == 1).await;
        turns().await;
        gate.open();
        asked.join_all().await;
        let (stats, totals) = (origin.stats(), at_rest(&agent).await);
        assert_eq!((stats.accepted, stats.peak_open, stats.peak_streams), (3, 3, 2));
        assert_eq!((totals.done, totals.idle), (12, 1));
        assert_eq!(totals.closed_by.get(&CloseReason::OverLimit), Some(&2), "{totals:#?}");
    });
}

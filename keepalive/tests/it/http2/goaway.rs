//! GOAWAY: what is under way finishes, what was not looked at moves on, and nobody dials for ever.

use http::HeaderValue;
use keepalive::CloseReason;
use testkit::{Case, Frame};
use tokio::task::JoinSet;

use super::{Cue, ENHANCE_YOUR_CALM, NO_ERROR, agent, frames};
use crate::kit::{at_rest, closed_by, fetch, info, turns};

/// Requests that move meet no more connections than this.
const MOST: usize = 4;

#[test]
fn what_is_under_way_finishes_and_what_comes_goes_elsewhere() {
    testkit::run(async |case: &Case| {
        let cue = Cue::new();
        let come = cue.clone();
        let origin = frames(case, move |mut peer| {
            let cue = come.clone();
            async move {
                if peer.connection > 0 {
                    return peer.serve().await;
                }
                let stream = peer.request().await?;
                peer.send(&Frame::head(stream, 200, &[], false)).await?;
                peer.send(&Frame::go_away(stream, NO_ERROR)).await?;
                cue.come().await;
                peer.send(&Frame::data(stream, "late", true)).await?;
                peer.rest().await
            }
        });
        let agent = agent();
        let first = agent.get(origin.url("/")).send().await.unwrap();
        let second = agent.get(origin.url("/")).send().await.unwrap();
        assert_eq!((info(&first).socket_id, info(&second).socket_id), (1, 2));
        assert_eq!(second.text().await.unwrap(), "hello");
        cue.give();
        assert_eq!(first.text().await.unwrap(), "late");
        origin.wait(|record| record.open() == 1).await;
        let totals = at_rest(&agent).await;
        assert_eq!((totals.idle, totals.done, totals.retried), (1, 2, 0));
        assert_eq!(closed_by(&agent), [(CloseReason::GoAway, 1)]);
    });
}

#[test]
fn what_the_server_did_not_look_at_moves_whatever_it_is() {
    testkit::run(async |case: &Case| {
        for code in [NO_ERROR, ENHANCE_YOUR_CALM] {
            let origin = frames(case, move |mut peer| async move {
                if peer.connection > 0 {
                    return peer.serve().await;
                }
                for _ in 0..3 {
                    peer.request().await?;
                }
                peer.send(&Frame::go_away(0, code)).await?;
                peer.rest().await
            });
            let agent = agent();
            let mut asked = JoinSet::new();
            for _ in 0..3 {
                let request = agent.post(origin.url("/")).header("x", secret()).header("x", "2");
                let request = request.header("te", "gzip").body("x".repeat(1000));
                asked.spawn(async move { request.send().await.unwrap() });
            }
            for response in asked.join_all().await {
                let info = info(&response);
                assert_eq!((info.socket_id, info.attempts), (2, 1), "not written twice: it was not read");
                assert_eq!(response.text().await.unwrap(), "hello");
            }
            let record = origin.record();
            assert_eq!(record.connections.len(), 2);
            // Each begins with empty tables: the same fields are the same bytes, and so is what is a secret.
            let heads =
                record.connections.iter().map(|it| it.of(Frame::HEADERS).next().map(|it| &it.payload));
            let [first, second] = heads.collect::<Vec<_>>()[..] else { panic!("{record:?}") };
            assert!(first.is_some_and(|head| head.len() > 20) && first == second, "{first:?}, {second:?}");
            assert_eq!(at_rest(&agent).await.retried, 0);
            assert_eq!(closed_by(&agent), [(CloseReason::GoAway, 1)]);
        }
    });
}

fn secret() -> HeaderValue {
    let mut value = HeaderValue::from_static("1");
    value.set_sensitive(true);
    value
}

/// The server said that it looked at it. What became of it nobody knows.
#[test]
fn a_post_that_was_looked_at_is_never_sent_again() {
    testkit::run(async |case: &Case| {
        for warm in [false, true] {
            let origin = frames(case, move |mut peer| async move {
                if warm {
                    let stream = peer.request().await?;
                    peer.answer(stream, "hello").await?;
                }
                let stream = peer.request().await?;
                peer.send(&Frame::go_away(stream, NO_ERROR)).await?;
                Ok(())
            });
            let agent = agent();
            if warm {
                fetch(&agent, origin.url("/")).await.unwrap();
            }
            let error = agent.post(origin.url("/")).body("once").send().await.unwrap_err();
            assert!(!error.safe_to_retry(), "{error:?}");
            at_rest(&agent).await;
            let record = origin.record();
            assert_eq!((record.requests(), record.connections.len()), (1 + usize::from(warm), 1), "{error}");
        }
    });
}

#[test]
fn a_get_that_was_looked_at_on_a_used_connection_is_sent_once_more() {
    testkit::run(async |case: &Case| {
        let origin = frames(case, |mut peer| async move {
            let stream = peer.request().await?;
            peer.answer(stream, "hello").await?;
            let stream = peer.request().await?;
            peer.send(&Frame::go_away(stream, NO_ERROR)).await?;
            Ok(())
        });
        let agent = agent();
        fetch(&agent, origin.url("/")).await.unwrap();
        let response = agent.get(origin.url("/")).send().await.unwrap();
        assert_eq!((info(&response).socket_id, info(&response).attempts), (2, 2));
        drop(response);
        assert_eq!(at_rest(&agent).await.retried, 1);
    });
}

#[test]
fn a_storm_ends_after_four_connections() {
    testkit::run(async |case: &Case| {
        let origin = frames(case, |mut peer| async move {
            peer.request().await?;
            peer.send(&Frame::go_away(0, NO_ERROR)).await?;
            peer.rest().await
        });
        let agent = agent();
        for n in 1..=2 {
            let error = agent.post(origin.url("/")).body("x").send().await.unwrap_err();
            assert!(error.to_string().contains("GOAWAY"), "{error}");
            assert!(error.to_string().contains("too often in a row"), "{error}");
            assert_eq!(origin.record().connections.len(), n * MOST);
        }
        let totals = at_rest(&agent).await;
        assert_eq!((totals.failed, totals.opened), (2, 2 * MOST as u64));
        assert_eq!(closed_by(&agent), [(CloseReason::GoAway, 2 * MOST as u64)]);
    });
}

/// Also with the end of the connection right behind it, and with requests enough to wait for the next one.
#[test]
fn a_storm_that_comes_before_any_request_ends_too() {
    testkit::run(async |case: &Case| {
        for (closes, requests) in [(false, 1), (true, 1), (false, 10), (true, 10)] {
            let origin = frames(case, move |mut peer| async move {
                peer.send(&Frame::go_away(0, NO_ERROR)).await?;
                if closes { Ok(()) } else { peer.rest().await }
            });
            let agent = agent();
            let mut asked = JoinSet::new();
            (0..requests).for_each(|_| drop(asked.spawn(fetch(&agent, origin.url("/")))));
            for failed in asked.join_all().await {
                let error = failed.unwrap_err();
                assert!(error.to_string().contains("HTTP/2"), "{error}");
            }
            let totals = at_rest(&agent).await;
            assert_eq!((totals.failed, totals.idle), (requests, 0));
            let connections = origin.record().connections.len();
            assert!(connections <= MOST * requests as usize, "{connections} for {requests}");
        }
    });
}

/// One of many that waits for a stream when the connection goes: it is served by the next.
#[test]
fn who_waits_for_a_stream_goes_to_the_next_connection() {
    testkit::run_paused(async |case: &Case| {
        let cue = Cue::new();
        let come = cue.clone();
        let origin = frames(case, move |mut peer| {
            let cue = come.clone();
            async move {
                if peer.connection > 0 {
                    return peer.serve().await;
                }
                let stream = peer.request().await?;
                cue.come().await;
                peer.send(&Frame::go_away(stream, NO_ERROR)).await?;
                cue.come().await;
                peer.answer(stream, "first").await?;
                peer.rest().await
            }
        });
        let agent = super::builder().max_sockets(2).max_streams_per_socket(1).build().unwrap();
        let first = tokio::spawn(fetch(&agent, origin.url("/")));
        origin.wait(|record| record.requests() == 1).await;
        cue.give();
        let others = [fetch(&agent, origin.url("/")), fetch(&agent, origin.url("/"))];
        for other in others {
            assert_eq!(other.await.unwrap(), "hello");
        }
        turns().await;
        cue.give();
        assert_eq!(first.await.unwrap().unwrap(), "first");
        at_rest(&agent).await;
        assert_eq!(origin.record().connections.len(), 2);
    });
}

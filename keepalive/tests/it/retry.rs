//! A request whose socket proves stale after it was written: sent once more, or told why not.

#[path = "retry/bodies.rs"]
mod bodies;
#[path = "retry/moved.rs"]
mod moved;
#[path = "retry/races.rs"]
mod races;

use keepalive::{Body, CloseReason, Phase};
use testkit::{Case, Script, ScriptedBuilder, ScriptedOrigin, ok};

use super::wire;
use crate::kit::{accounts, at_rest, closed_by, fetch, info, poll, polled, text};

/// Serves one request, reads a second and closes: that connection is stale for the second.
pub(crate) fn stale() -> Script {
    Script::new().request().send(ok("first")).request().close()
}

/// A first connection that proves stale, then good ones.
pub(crate) fn stale_once() -> ScriptedBuilder {
    let good = Script::new().request().send(ok("good")).repeat();
    ScriptedOrigin::builder().connection(stale()).otherwise(good)
}

#[test]
fn a_get_is_sent_once_more_on_a_fresh_socket() {
    wire::run(async |case: &Case| {
        let origin = case.scripted(stale_once());
        let agent = wire::agent();
        text(&agent, &origin.url("/warm")).await;
        let request = agent.get(origin.url("/x?y=1")).header("accept", "text/plain").build().unwrap();
        let response = agent.request(request).await.unwrap();
        let it = info(&response);
        assert_eq!((it.attempts, it.reused, it.request_number, it.socket_id), (2, false, 1, 2));
        assert!(it.timings.connect.is_some());
        assert_eq!(response.into_body().text().await.unwrap(), "good");
        let record = origin.record();
        let heads: Vec<_> =
            record.connections.iter().map(|it| it.requests.last().unwrap().head.clone()).collect();
        assert_eq!(heads[0], heads[1], "the same bytes");
        let totals = at_rest(&agent).await;
        assert_eq!((totals.retried, totals.requests, totals.done, totals.reused), (1, 2, 2, 0));
        assert_eq!(closed_by(&agent), [(CloseReason::Stale, 1)]);
    });
}

#[test]
fn each_method_that_is_idempotent_or_has_a_key_is_sent_again_and_no_other() {
    wire::run(async |case: &Case| {
        for (method, key, again) in [
            ("GET", false, true),
            ("HEAD", false, true),
            ("OPTIONS", false, true),
            ("TRACE", false, true),
            ("PUT", false, true),
            ("DELETE", false, true),
            ("POST", false, false),
            ("PATCH", false, false),
            ("BREW", false, false),
            ("POST", true, true),
            ("PATCH", true, true),
        ] {
            let origin = case.scripted(stale_once());
            let agent = wire::agent();
            text(&agent, &origin.url("/warm")).await;
            let mut request = agent.method(method.parse().unwrap(), origin.url("/"));
            if key {
                request = request.header("idempotency-key", "7");
            }
            let outcome = request.send().await;
            assert_eq!(outcome.is_ok(), again, "{method} {key}: {outcome:?}");
            let served = if again { 3 } else { 2 };
            assert_eq!(origin.record().requests().len(), served, "{method} {key}");
            if let Err(error) = outcome {
                assert!(error.is_stale() && !error.safe_to_retry(), "{error:?}");
                assert!(error.to_string().contains("the server may have executed it"), "{error}");
                assert_eq!(agent.status().totals.retried, 0);
            }
        }
    });
}

#[test]
fn a_second_failure_is_the_last() {
    wire::run(async |case: &Case| {
        let gone = Script::new().request().close();
        let origin = case.scripted(ScriptedOrigin::builder().connection(stale()).connection(gone));
        let agent = wire::agent();
        text(&agent, &origin.url("/warm")).await;
        let error = agent.get(origin.url("/")).send().await.unwrap_err();
        let record = origin.record();
        assert_eq!((record.accepted(), record.requests().len()), (2, 3), "sent twice, and no more");
        let head = record.requests()[1].head.len() as u64 + wire::RECORD;
        assert_eq!((error.bytes_written(), error.bytes_read()), (2 * head, 0), "of both attempts");
        assert!(!error.is_stale() && error.safe_to_retry(), "the last socket was new: {error:?}");
        assert_eq!(
            error.to_string(),
            "the connection ended before the first byte of the response; that was its second attempt, after a stale connection"
        );
        let totals = at_rest(&agent).await;
        assert_eq!((totals.retried, totals.failed), (1, 1));
    });
}

#[test]
fn a_new_connection_that_ends_is_an_answer() {
    wire::run(async |case: &Case| {
        let origin = case.scripted(ScriptedOrigin::builder().connection(Script::new().request().close()));
        let agent = wire::agent();
        let error = fetch(&agent, origin.url("/")).await.unwrap_err();
        assert_eq!((origin.record().accepted(), error.is_stale()), (1, false));
        assert_eq!(closed_by(&agent), [(CloseReason::Truncated, 1)]);
        assert_eq!(at_rest(&agent).await.retried, 0);
    });
}

#[test]
fn one_byte_of_an_answer_is_enough_not_to_ask_again() {
    wire::run(async |case: &Case| {
        for answer in ["H", "HTTP/1.1 100 Continue\r\n\r\n"] {
            let half = Script::new().request().send(ok("first")).request().send(answer).close();
            let origin = case.scripted(ScriptedOrigin::builder().connection(half));
            let agent = wire::agent();
            text(&agent, &origin.url("/warm")).await;
            let error = fetch(&agent, origin.url("/")).await.unwrap_err();
            assert_eq!(error.bytes_read(), answer.len() as u64);
            assert_eq!((agent.status().totals.retried, origin.record().accepted()), (0, 1));
        }
    });
}

#[test]
fn when_nobody_listens_any_more_the_error_knows_that_it_was_written() {
    wire::run(async |case: &Case| {
        let script =
            Script::new().request().send(ok("first")).request().reached("asked").signal("die").close();
        let origin = case.scripted(ScriptedOrigin::builder().connection(script));
        let agent = wire::agent();
        text(&agent, &origin.url("/warm")).await;
        let mut request = Box::pin(fetch(&agent, origin.url("/")));
        tokio::select! {
            _ = &mut request => panic!("nothing was answered"),
            () = origin.reached("asked") => {}
        }
        let head = origin.record().requests()[1].head.len() as u64 + wire::RECORD;
        origin.stop();
        let error = request.await.unwrap_err();
        assert!(error.is_connect() && error.safe_to_retry(), "{error:?}");
        assert_eq!((error.phase(), error.bytes_written()), (Phase::Connect, head));
        accounts(&agent);
    });
}

#[test]
fn it_can_be_turned_off_for_the_agent_and_for_a_request() {
    wire::run(async |case: &Case| {
        for (of_agent, of_request, again) in
            [(true, None, true), (false, None, false), (true, Some(false), false), (false, Some(true), true)]
        {
            let origin = case.scripted(stale_once());
            let agent = wire::builder().retry(of_agent).build().unwrap();
            text(&agent, &origin.url("/warm")).await;
            let mut request = agent.get(origin.url("/"));
            if let Some(retry) = of_request {
                request = request.retry(retry);
            }
            match request.send().await {
                Ok(response) => assert!(again && response.connection_info().unwrap().attempts == 2),
                Err(error) => {
                    assert!(!again && error.is_stale() && error.safe_to_retry(), "{error:?}");
                    assert!(error.to_string().ends_with("since retry is off"), "{error}");
                }
            }
            assert_eq!(origin.record().requests().len(), if again { 3 } else { 2 });
        }
    });
}

#[test]
fn the_first_failure_closes_the_sockets_that_are_as_suspect() {
    wire::run(async |case: &Case| {
        let held = || Script::new().request().signal("go").send(ok("first")).request().close();
        let good = Script::new().request().send(ok("good")).repeat();
        let origin = case.scripted(
            ScriptedOrigin::builder()
                .connection(held())
                .connection(held())
                .connection(held())
                .otherwise(good),
        );
        let agent = wire::agent();
        let warm: Vec<_> = (0..3).map(|_| tokio::spawn(fetch(&agent, origin.url("/warm")))).collect();
        origin.wait(|record| record.requests().len() == 3).await;
        origin.signal("go");
        for warm in warm {
            warm.await.unwrap().unwrap();
        }
        assert_eq!(text(&agent, &origin.url("/")).await, "good");
        let totals = at_rest(&agent).await;
        assert_eq!(
            (totals.opened, totals.idle, totals.retried),
            (4, 1, 1),
            "not one failure for each of them"
        );
        // The one used is the one parked last, so all others were parked no later.
        assert_eq!(closed_by(&agent), [(CloseReason::Stale, 1), (CloseReason::Suspect, 2)]);
        origin.wait(|record| record.open() == 1).await;
    });
}

#[test]
fn it_keeps_within_the_cap_and_before_those_who_came_later() {
    wire::run(async |case: &Case| {
        let origin = case.scripted(stale_once().at_most(1));
        let agent = wire::builder().max_sockets(1).max_total_sockets(1).build().unwrap();
        text(&agent, &origin.url("/warm")).await;
        let requests: Vec<_> =
            ["/1", "/2", "/3"].map(|path| tokio::spawn(polled(fetch(&agent, origin.url(path))))).into();
        for request in requests {
            assert_eq!(request.await.unwrap().unwrap(), "good");
        }
        let record = origin.record();
        assert_eq!((record.accepted(), record.peak_open), (2, 1));
        let paths: Vec<_> = record.requests().iter().map(|request| request.target.clone()).collect();
        assert_eq!(paths, ["/warm", "/1", "/1", "/2", "/3"]);
    });
}

#[test]
fn destroy_is_no_stale_socket() {
    wire::run(async |case: &Case| {
        let script = Script::new().request().send(ok("first")).request().reached("asked");
        let origin = case.scripted(ScriptedOrigin::builder().connection(script));
        let agent = wire::agent();
        text(&agent, &origin.url("/warm")).await;
        let mut request = Box::pin(agent.get(origin.url("/")).send());
        tokio::select! {
            _ = &mut request => panic!("nothing was answered"),
            () = origin.reached("asked") => {}
        }
        agent.destroy();
        assert!(request.await.unwrap_err().is_destroyed());
        assert_eq!((origin.record().accepted(), at_rest(&agent).await.retried), (1, 0));
    });
}

/// Between the failure and its next poll the request holds a dead socket and no place.
#[test]
fn dropped_anywhere_in_a_second_attempt_leaks_nothing() {
    wire::run(async |case: &Case| {
        for polls in 1.. {
            let origin = case.scripted(stale_once());
            let agent = wire::builder().max_sockets(1).build().unwrap();
            text(&agent, &origin.url("/warm")).await;
            let request = agent.put(origin.url("/")).body(Body::from("some bytes")).send();
            let outcome = crate::kit::within_polls(polls, request).await;
            let done = outcome.is_some();
            drop(outcome);
            let totals = at_rest(&agent).await;
            assert_eq!((totals.failed, totals.cancelled), (0, u64::from(!done)), "{polls}");
            assert_eq!(text(&agent, &origin.url("/next")).await, "good", "{polls}");
            agent.destroy();
            origin.wait(|record| record.open() == 0).await;
            if done {
                assert!(polls > 2, "it had to wait");
                return;
            }
        }
    });
}

/// A queue timeout, a request's own timeout: they go on in the second attempt.
#[test]
fn the_whole_requests_time_covers_both_attempts() {
    wire::run_paused(async |case: &Case| {
        let silent = Script::new().request().reached("silent").stall();
        let origin = case.scripted(ScriptedOrigin::builder().connection(stale()).connection(silent));
        let agent = wire::agent();
        text(&agent, &origin.url("/warm")).await;
        let limit = std::time::Duration::from_secs(2);
        let mut request = Box::pin(agent.get(origin.url("/")).timeout(limit).send());
        tokio::select! {
            _ = &mut request => panic!("nothing was answered"),
            () = origin.reached("silent") => {}
        }
        tokio::time::advance(limit - std::time::Duration::from_millis(1)).await;
        assert!(poll(&mut request).is_pending());
        tokio::time::advance(std::time::Duration::from_millis(1)).await;
        assert!(request.await.unwrap_err().is_timeout());
    });
}

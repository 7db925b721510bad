//! Requests that can never be served because their own senders hold the sockets: the error explains it.

use std::time::Duration;

use keepalive::{Agent, Error, Phase, Response};
use testkit::{Case, Gate, PlainOrigin, Script, ScriptedOrigin, run_paused};
use tokio::task::JoinSet;

use crate::kit::{accounts, at_rest, fetch, polled, turns};

/// An origin whose bodies are long and do not arrive.
fn endless(case: &Case) -> ScriptedOrigin {
    let script =
        Script::new().request().send("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nthe first bytes");
    case.scripted(script)
}

async fn hold(agent: &Agent, origin: &ScriptedOrigin, bodies: usize) -> Vec<Response> {
    let mut held = Vec::new();
    for _ in 0..bodies {
        held.push(agent.get(origin.url("/")).send().await.unwrap());
    }
    held
}

/// Moves the clock to just before, and then to, the end of the time in the queue.
async fn times_out(agent: &Agent, asked: &mut JoinSet<Result<String, Error>>, limit: Duration) -> Vec<Error> {
    let waiting = asked.len();
    turns().await;
    tokio::time::advance(limit - Duration::from_millis(1)).await;
    turns().await;
    assert_eq!((agent.status().totals.queued, asked.try_join_next().is_none()), (waiting, true));
    tokio::time::advance(Duration::from_millis(1)).await;
    let mut errors = Vec::new();
    while let Some(outcome) = asked.join_next().await {
        errors.push(outcome.unwrap().unwrap_err());
    }
    errors
}

#[track_caller]
fn is_of_the_queue(error: &Error) {
    assert!(
        error.is_timeout() && error.safe_to_retry() && !error.is_connect() && !error.is_stale(),
        "{error:?}"
    );
    assert_eq!((error.phase(), error.bytes_written(), error.reused_connection()), (Phase::Queue, 0, false));
}

#[test]
fn five_unread_bodies_and_five_nested_requests_end_after_30_s_with_an_explanation() {
    run_paused(async |case: &Case| {
        let origin = endless(case);
        let agent = Agent::new();
        let held = hold(&agent, &origin, 5).await;
        tokio::time::advance(Duration::from_secs(1)).await;
        let mut asked = JoinSet::new();
        for _ in 0..5 {
            asked.spawn(polled(fetch(&agent, origin.url("/"))));
        }
        let errors = times_out(&agent, &mut asked, Duration::from_secs(30)).await;
        assert_eq!(errors.len(), 5);
        let text = format!(
            "30 s in the queue for http://{}: all 5 sockets are held, 5 by response bodies not read to the end \
             (oldest 31 s); read or drop the bodies, or raise max_sockets",
            origin.addr()
        );
        for error in &errors {
            is_of_the_queue(error);
            assert_eq!(error.to_string(), text);
        }
        assert_eq!(accounts(&agent).failed, 5);
        drop(held);
        assert_eq!(at_rest(&agent).await.active, 0);
    });
}

#[test]
fn dropping_one_body_lets_the_next_one_go() {
    run_paused(async |case: &Case| {
        let origin = endless(case);
        let agent = Agent::new();
        let mut held = hold(&agent, &origin, 5).await;
        let nested = polled(agent.get(origin.url("/")).send());
        turns().await;
        assert_eq!((agent.status().totals.queued, origin.record().accepted()), (1, 5));
        held.pop();
        held.push(nested.await.unwrap());
        assert_eq!((origin.record().accepted(), origin.record().peak_open), (6, 5));
    });
}

#[test]
fn raising_the_cap_lets_the_next_one_go() {
    run_paused(async |case: &Case| {
        let origin = endless(case);
        let agent = Agent::new();
        let held = hold(&agent, &origin, 5).await;
        let nested = polled(agent.get(origin.url("/")).send());
        agent.set_max_sockets(6).unwrap();
        nested.await.unwrap();
        drop(held);
    });
}

#[test]
fn bodies_and_requests_in_use_are_told_apart() {
    run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let limit = Duration::from_millis(2500);
        let agent = Agent::builder().max_sockets(2).queue_timeout(limit).build().unwrap();
        let busy: Vec<_> = (0..2).map(|_| polled(fetch(&agent, origin.url("/")))).collect();
        let mut working = JoinSet::new();
        busy.into_iter().for_each(|request| drop(working.spawn(request)));
        origin.wait(|stats| stats.requests == 2).await;
        let mut asked = JoinSet::new();
        asked.spawn(polled(fetch(&agent, origin.url("/"))));
        let errors = times_out(&agent, &mut asked, limit).await;
        is_of_the_queue(&errors[0]);
        assert_eq!(
            errors[0].to_string(),
            format!(
                "2.5 s in the queue for http://{}: all 2 sockets are in use; make fewer requests at once, or \
                 raise max_sockets",
                origin.addr()
            )
        );
        gate.open();
        assert!(working.join_all().await.iter().all(Result::is_ok), "those at work are left alone");
    });
}

#[test]
fn the_limit_that_holds_the_request_back_is_the_one_that_is_named() {
    run_paused(async |case: &Case| {
        let (origin, other) = (endless(case), case.plain(PlainOrigin::builder()));
        let agent = Agent::builder().max_total_sockets(2).build().unwrap();
        let held = hold(&agent, &origin, 2).await;
        let mut asked = JoinSet::new();
        asked.spawn(polled(fetch(&agent, other.url("/"))));
        let errors = times_out(&agent, &mut asked, Duration::from_secs(30)).await;
        is_of_the_queue(&errors[0]);
        assert_eq!(
            errors[0].to_string(),
            format!(
                "30 s in the queue for http://{}: all 2 sockets of the agent are held, 2 by response bodies not \
                 read to the end (oldest 30 s); read or drop the bodies, or raise max_total_sockets",
                other.addr()
            )
        );
        drop(held);
        assert_eq!(fetch(&agent, other.url("/")).await.unwrap(), "hello");
    });
}

#[test]
fn without_a_queue_timeout_a_request_waits_as_long_as_it_takes() {
    run_paused(async |case: &Case| {
        let origin = endless(case);
        let agent = Agent::builder().max_sockets(1).queue_timeout(None).build().unwrap();
        let held = hold(&agent, &origin, 1).await;
        let mut asked = JoinSet::new();
        asked.spawn(polled(agent.get(origin.url("/")).send()));
        turns().await;
        tokio::time::advance(Duration::from_secs(24 * 3600)).await;
        turns().await;
        assert!(asked.try_join_next().is_none());
        drop(held);
        assert!(asked.join_next().await.unwrap().unwrap().is_ok());
    });
}

//! Every limit of the pool, changed while the agent works: at rest, and under load.

use std::time::Duration;

use keepalive::{Agent, CloseReason, Scheduling};
use testkit::{Case, Gate, PlainOrigin, run, run_paused};
use tokio::task::JoinSet;
use tokio::time::advance;

use crate::kit::{accounts, at_rest, fetch, info, polled, text, turns, until};

const SECOND: Duration = Duration::from_secs(1);

/// An agent with that many idle sockets to an origin, which came free one after the other.
async fn with_idle(agent: &Agent, origin: &PlainOrigin, gate: &Gate, sockets: usize) {
    gate.hold();
    let (before, idle) = (origin.stats().requests, accounts(agent).idle);
    let mut asked = JoinSet::new();
    (0..sockets).for_each(|_| drop(asked.spawn(polled(fetch(agent, origin.url("/"))))));
    origin.wait(|stats| stats.requests == before + sockets).await;
    for _ in 0..sockets {
        gate.release(1);
        asked.join_next().await.unwrap().unwrap().unwrap();
    }
    gate.open();
    assert_eq!(accounts(agent).idle, idle + sockets);
}

fn closed(agent: &Agent, reason: CloseReason) -> u64 {
    accounts(agent).closed_by.get(&reason).copied().unwrap_or(0)
}

#[test]
fn a_bad_value_is_an_error_that_names_it_and_changes_nothing() {
    let agent = Agent::builder().max_sockets(3).max_total_sockets(9).build().unwrap();
    let errors = [
        ("max_sockets", agent.set_max_sockets(0)),
        ("max_total_sockets", agent.set_max_total_sockets(0)),
        ("free_socket_timeout", agent.set_free_socket_timeout(Duration::ZERO)),
        ("max_socket_age", agent.set_max_socket_age(Duration::ZERO)),
        ("max_requests_per_socket", agent.set_max_requests_per_socket(0)),
    ];
    for (name, outcome) in errors {
        let error = outcome.unwrap_err();
        assert!(error.is_request(), "{name}: {error:?}");
        assert!(error.to_string().starts_with(name) && error.to_string().contains("None"), "{error}");
    }
    assert_eq!(agent.status().totals.max_total_sockets, Some(9));
}

/// With the builder's arguments: a value, an option, `None`.
#[test]
fn every_setter_takes_what_the_builder_takes() {
    let agent = Agent::new();
    agent.set_max_total_free_sockets(7).unwrap();
    agent.set_max_total_free_sockets(None).unwrap();
    agent.set_max_queued(0).unwrap();
    agent.set_max_queued(Some(7)).unwrap();
    agent.set_max_queued(None).unwrap();
    agent.set_free_socket_timeout(SECOND).unwrap();
    agent.set_free_socket_timeout(None).unwrap();
    agent.set_max_socket_age(SECOND).unwrap();
    agent.set_max_socket_age(None).unwrap();
    agent.set_max_requests_per_socket(1).unwrap();
    agent.set_max_requests_per_socket(None).unwrap();
    agent.set_keep_alive(false).unwrap();
    agent.set_scheduling(Scheduling::Fifo).unwrap();
}

#[test]
fn max_total_free_sockets_closes_those_idle_the_longest_whatever_their_origin() {
    run(async |case: &Case| {
        let gate = Gate::new();
        let origins = [(); 3].map(|()| case.plain(PlainOrigin::builder().gate(&gate)));
        let agent = Agent::new();
        for origin in &origins {
            with_idle(&agent, origin, &gate, 2).await;
        }
        agent.set_max_total_free_sockets(3).unwrap();
        assert_eq!((accounts(&agent).idle, closed(&agent, CloseReason::IdleLimit)), (3, 3));
        origins[0].wait(|stats| stats.open == 0).await;
        origins[1].wait(|stats| stats.open == 1).await;
        assert_eq!(origins[2].stats().open, 2);

        // Under load: an active one is finished, and kept or not when it comes free.
        gate.hold();
        let busy = tokio::spawn(polled(fetch(&agent, origins[2].url("/"))));
        origins[2].wait(|stats| stats.requests == 3).await;
        agent.set_max_total_free_sockets(0).unwrap();
        assert_eq!((accounts(&agent).idle, accounts(&agent).active), (0, 1));
        gate.open();
        assert_eq!(busy.await.unwrap().unwrap(), "hello");
        assert_eq!((at_rest(&agent).await.idle, closed(&agent, CloseReason::IdleLimit)), (0, 6));
        agent.set_max_total_free_sockets(None).unwrap();
        text(&agent, &origins[0].url("/")).await;
        assert_eq!(at_rest(&agent).await.idle, 1);
    });
}

#[test]
fn max_queued_holds_for_the_next_request_and_turns_nobody_away_who_waits() {
    run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = Agent::builder().max_sockets(1).build().unwrap();
        let mut asked = JoinSet::new();
        (0..4).for_each(|_| drop(asked.spawn(polled(fetch(&agent, origin.url("/"))))));
        origin.wait(|stats| stats.requests == 1).await;
        agent.set_max_queued(2).unwrap();
        assert_eq!(accounts(&agent).queued, 3);
        let error = fetch(&agent, origin.url("/")).await.unwrap_err();
        assert!(error.is_queue_full() && error.to_string().contains("max_queued"), "{error:?}");
        agent.set_max_queued(None).unwrap();
        asked.spawn(polled(fetch(&agent, origin.url("/"))));
        gate.open();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        assert_eq!((accounts(&agent).done, accounts(&agent).failed), (5, 1));
    });
}

#[test]
fn free_socket_timeout_holds_for_what_is_idle_now() {
    run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = Agent::builder().free_socket_timeout(None).build().unwrap();
        with_idle(&agent, &origin, &gate, 2).await;
        advance(60 * SECOND).await;
        turns().await;
        assert_eq!(accounts(&agent).idle, 2);
        // Already over: at once, without the keeper's help.
        agent.set_free_socket_timeout(60 * SECOND).unwrap();
        assert_eq!((accounts(&agent).idle, closed(&agent, CloseReason::IdleTimeout)), (0, 2));
        origin.wait(|stats| stats.open == 0).await;

        // Not yet over: the keeper learns of the new time, which is sooner, and of one that is later.
        with_idle(&agent, &origin, &gate, 1).await;
        agent.set_free_socket_timeout(5 * SECOND).unwrap();
        agent.set_free_socket_timeout(9 * SECOND).unwrap();
        advance(5 * SECOND).await;
        turns().await;
        assert_eq!(accounts(&agent).idle, 1);
        agent.set_free_socket_timeout(8 * SECOND).unwrap();
        advance(3 * SECOND + Duration::from_millis(1)).await;
        until(&agent, |totals| totals.idle == 0).await;
        assert_eq!(closed(&agent, CloseReason::IdleTimeout), 3);

        // One in use is not touched, and has the new time from when it comes free.
        gate.hold();
        let busy = tokio::spawn(polled(fetch(&agent, origin.url("/"))));
        origin.wait(|stats| stats.requests == 4).await;
        advance(60 * SECOND).await;
        agent.set_free_socket_timeout(SECOND).unwrap();
        gate.open();
        assert_eq!(busy.await.unwrap().unwrap(), "hello");
        assert_eq!(accounts(&agent).idle, 1);
        advance(SECOND + Duration::from_millis(1)).await;
        until(&agent, |totals| totals.idle == 0).await;
    });
}

#[test]
fn max_socket_age_holds_for_what_is_open_now() {
    run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = Agent::builder().max_sockets(2).free_socket_timeout(None).build().unwrap();
        with_idle(&agent, &origin, &gate, 2).await;
        advance(100 * SECOND).await;
        gate.hold();
        let busy = tokio::spawn(polled(fetch(&agent, origin.url("/"))));
        origin.wait(|stats| stats.requests == 3).await;
        agent.set_max_socket_age(100 * SECOND).unwrap();
        assert_eq!((accounts(&agent).idle, accounts(&agent).active), (0, 1));
        gate.open();
        assert_eq!(busy.await.unwrap().unwrap(), "hello");
        assert_eq!((at_rest(&agent).await.idle, closed(&agent, CloseReason::MaxAge)), (0, 2));
        origin.wait(|stats| stats.open == 0).await;

        with_idle(&agent, &origin, &gate, 1).await;
        agent.set_max_socket_age(None).unwrap();
        advance(1000 * SECOND).await;
        turns().await;
        assert_eq!(info(&agent.get(origin.url("/")).send().await.unwrap()).request_number, 2);
    });
}

#[test]
fn max_requests_per_socket_holds_for_what_is_open_now() {
    run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = Agent::new();
        gate.open();
        for _ in 0..3 {
            text(&agent, &origin.url("/")).await;
        }
        agent.set_max_requests_per_socket(4).unwrap();
        assert_eq!(accounts(&agent).idle, 1);
        agent.set_max_requests_per_socket(3).unwrap();
        assert_eq!((accounts(&agent).idle, closed(&agent, CloseReason::MaxRequests)), (0, 1));
        origin.wait(|stats| stats.open == 0).await;

        gate.hold();
        let busy = tokio::spawn(polled(fetch(&agent, origin.url("/"))));
        origin.wait(|stats| stats.requests == 4).await;
        agent.set_max_requests_per_socket(1).unwrap();
        assert_eq!(accounts(&agent).active, 1);
        gate.open();
        assert_eq!(busy.await.unwrap().unwrap(), "hello");
        assert_eq!((at_rest(&agent).await.idle, closed(&agent, CloseReason::MaxRequests)), (0, 2));
        agent.set_max_requests_per_socket(None).unwrap();
        for number in 1..=5 {
            assert_eq!(info(&agent.get(origin.url("/")).send().await.unwrap()).request_number, number);
        }
    });
}

#[test]
fn keep_alive_off_closes_what_is_idle_and_still_hands_over() {
    run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = Agent::builder().max_sockets(2).build().unwrap();
        with_idle(&agent, &origin, &gate, 2).await;
        gate.hold();
        let mut asked = JoinSet::new();
        asked.spawn(polled(fetch(&agent, origin.url("/"))));
        origin.wait(|stats| stats.requests == 3).await;
        agent.set_keep_alive(false).unwrap();
        assert_eq!((accounts(&agent).idle, accounts(&agent).active), (0, 1));
        agent.set_max_sockets(1).unwrap();
        (0..5).for_each(|_| drop(asked.spawn(polled(fetch(&agent, origin.url("/"))))));
        gate.open();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        assert_eq!((at_rest(&agent).await.opened, closed(&agent, CloseReason::KeepAliveOff)), (2, 2));
        agent.set_keep_alive(true).unwrap();
        text(&agent, &origin.url("/")).await;
        assert_eq!(at_rest(&agent).await.idle, 1);
    });
}

#[test]
fn scheduling_holds_for_the_next_request() {
    run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = Agent::builder().max_sockets(3).build().unwrap();
        with_idle(&agent, &origin, &gate, 3).await;
        let next = async || {
            let response = agent.get(origin.url("/")).send().await.unwrap();
            let id = info(&response).socket_id;
            response.bytes().await.unwrap();
            id
        };
        let newest = next().await;
        assert_eq!(next().await, newest);
        agent.set_scheduling(Scheduling::Fifo).unwrap();
        let (oldest, second) = (next().await, next().await);
        assert!(oldest != newest && second != newest && second != oldest);
        assert_eq!(next().await, newest, "each in turn");
        agent.set_scheduling(Scheduling::Lifo).unwrap();
        assert_eq!(next().await, newest);
    });
}

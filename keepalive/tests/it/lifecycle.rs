//! The end of an agent: in peace with `close`, at once with `destroy`.

#[path = "lifecycle/runtimes.rs"]
mod runtimes;
#[path = "lifecycle/stress.rs"]
pub(crate) mod stress;

use keepalive::{Agent, CloseReason, Error, Phase};
use testkit::{Case, Gate, PlainOrigin, Script};
use tokio::task::JoinSet;

use super::wire;
use crate::kit::{accounts, at_rest, fetch, poll, polled, turns, until};

#[test]
fn close_refuses_what_is_new_serves_the_queue_and_is_done_when_no_socket_is_open() {
    wire::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let busy = case.plain(PlainOrigin::builder().gate(&gate));
        let idle = case.plain(PlainOrigin::builder());
        let agent = wire::builder().max_sockets(1).build().unwrap();
        fetch(&agent, idle.url("/")).await.unwrap();
        let mut asked = JoinSet::new();
        for _ in 0..3 {
            asked.spawn(polled(fetch(&agent, busy.url("/"))));
        }
        busy.wait(|stats| stats.requests == 1).await;

        let mut closed = Box::pin(agent.close());
        // From the call on, before the future is polled.
        let refused = fetch(&agent, busy.url("/")).await.unwrap_err();
        assert!(
            refused.is_agent_closed() && !refused.is_destroyed() && refused.safe_to_retry(),
            "{refused:?}"
        );
        assert_eq!((refused.phase(), accounts(&agent).idle), (Phase::Prepare, 0));
        idle.wait(|stats| stats.open == 0).await;
        assert!(poll(&mut closed).is_pending());

        gate.release(2);
        busy.wait(|stats| stats.requests == 3).await;
        turns().await;
        assert!(poll(&mut closed).is_pending(), "the last of the queue is being served");
        gate.open();
        closed.await;
        let totals = accounts(&agent);
        assert_eq!((totals.opened, totals.closed, totals.waiting), (2, 2, 0));
        assert_eq!(totals.closed_by.get(&CloseReason::AgentClosed), Some(&2));
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        assert_eq!((accounts(&agent).done, accounts(&agent).failed, busy.stats().accepted), (4, 1, 1));
    });
}

#[test]
fn close_goes_on_though_its_future_is_dropped() {
    wire::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = wire::agent();
        let mut asked = JoinSet::new();
        asked.spawn(polled(fetch(&agent, origin.url("/"))));
        origin.wait(|stats| stats.requests == 1).await;
        drop(agent.close());
        assert!(fetch(&agent, origin.url("/")).await.unwrap_err().is_agent_closed());
        gate.open();
        assert!(asked.join_next().await.unwrap().unwrap().is_ok());
        origin.wait(|stats| stats.open == 0).await;
        // Whoever asks later learns of the same end; twice is no harm.
        agent.close().await;
        agent.close().await;
        assert_eq!(accounts(&agent).closed, 1);
    });
}

#[test]
fn close_waits_for_a_body_that_is_being_read() {
    wire::run_paused(async |case: &Case| {
        let origin = case.scripted(
            Script::new()
                .request()
                .send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab")
                .signal("rest")
                .send("cd"),
        );
        let agent = wire::agent();
        let response = agent.get(origin.url("/")).send().await.unwrap();
        let mut closed = Box::pin(agent.close());
        turns().await;
        assert!(poll(&mut closed).is_pending());
        origin.signal("rest");
        assert_eq!(response.text().await.unwrap(), "abcd");
        closed.await;
        origin.wait(|record| record.open() == 0).await;
    });
}

#[test]
fn destroy_fails_the_queue_and_all_that_is_under_way() {
    wire::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let held = case.plain(PlainOrigin::builder().gate(&gate));
        let body =
            case.scripted(Script::new().request().send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab"));
        let idle = case.plain(PlainOrigin::builder());
        let agent = wire::builder().max_sockets(1).build().unwrap();
        fetch(&agent, idle.url("/")).await.unwrap();
        let mut reading = agent.get(body.url("/")).send().await.unwrap();
        assert_eq!(reading.chunk().await.unwrap().unwrap(), "ab");
        let mut asked = JoinSet::new();
        for name in ["head", "queued", "queued too"] {
            let mut waits = polled(fetch(&agent, held.url("/")));
            asked.spawn(async move { (name, waits.as_mut().await.unwrap_err()) });
        }
        held.wait(|stats| stats.requests == 1).await;

        agent.destroy();
        for _ in 0..3 {
            let (name, error) = asked.join_next().await.unwrap().unwrap();
            is_destroyed(&error);
            let phase = if name == "head" { Phase::Wait } else { Phase::Queue };
            assert_eq!(
                (error.phase(), error.bytes_written() > 0),
                (phase, name == "head"),
                "{name}: {error:?}"
            );
        }
        let error = reading.chunk().await.unwrap_err();
        is_destroyed(&error);
        assert_eq!(error.phase(), Phase::Receive);
        assert!(error.bytes_read() > 2);

        let totals = at_rest(&agent).await;
        assert_eq!((totals.opened, totals.closed, totals.failed), (3, 3, 4));
        assert_eq!(totals.closed_by.get(&CloseReason::Destroyed), Some(&3));
        for origin in [&held, &idle] {
            origin.wait(|stats| stats.open == 0).await;
        }
        body.wait(|record| record.open() == 0).await;
        let later = fetch(&agent, idle.url("/")).await.unwrap_err();
        assert!(later.is_agent_closed() && !later.is_destroyed(), "{later:?}");
        agent.close().await;
        agent.destroy();
    });
}

#[track_caller]
fn is_destroyed(error: &Error) {
    assert!(error.is_destroyed() && !error.is_agent_closed() && !error.is_timeout(), "{error:?}");
    assert!(!error.is_connect() && !error.is_stale() && error.safe_to_retry(), "{error:?}");
}

#[test]
fn destroy_stops_a_dial_and_a_drain() {
    wire::run_paused(async |case: &Case| {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n";
        let origin = case.scripted(Script::new().request().send(head));
        let agent = wire::agent();
        // The rest of its body would be read off, if it came.
        drop(agent.get(origin.url("/")).send().await.unwrap());
        until(&agent, |totals| totals.draining == 1).await;
        let dialing = polled(fetch(&agent, case.plain(PlainOrigin::builder()).url("/")));
        assert_eq!(accounts(&agent).connecting, 1);
        agent.destroy();
        is_destroyed(&dialing.await.unwrap_err());
        let totals = at_rest(&agent).await;
        assert_eq!((totals.opened, totals.closed, totals.done, totals.failed), (2, 2, 1, 1));
        assert_eq!(totals.closed_by.get(&CloseReason::DialAborted), Some(&1));
    });
}

#[test]
fn destroy_leaves_the_handles_of_other_agents_alone() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let (one, other) = (wire::agent(), wire::agent());
        fetch(&one, origin.url("/")).await.unwrap();
        fetch(&other, origin.url("/")).await.unwrap();
        one.destroy();
        origin.wait(|stats| stats.open == 1).await;
        fetch(&other, origin.url("/")).await.unwrap();
        assert_eq!(origin.stats().accepted, 2);
    });
}

/// The global agent is the whole process's, other tests included: this one runs in a process of its own.
#[test]
fn the_global_agent_stays_usable_after_close_and_after_destroy() {
    let program = std::env::current_exe().unwrap();
    let test = ["--exact", "lifecycle::alone_the_global_agent_stays_usable", "--ignored"];
    let output = std::process::Command::new(program).args(test).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// Without the fixture: the global agent is never dropped, and neither is its keeper.
#[test]
#[ignore = "run by the_global_agent_stays_usable_after_close_and_after_destroy"]
fn alone_the_global_agent_stays_usable() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let gate = Gate::new();
        let origin = PlainOrigin::builder().gate(&gate).start();
        gate.open();
        let agent = Agent::global();
        assert_eq!(fetch(agent, origin.url("/")).await.unwrap(), "hello");
        agent.close().await;
        assert_eq!((accounts(agent).idle, accounts(agent).closed), (0, 1));
        assert_eq!(keepalive::get(origin.url("/")).send().await.unwrap().text().await.unwrap(), "hello");

        gate.hold();
        let mut asked = JoinSet::new();
        (0..7).for_each(|_| drop(asked.spawn(polled(fetch(agent, origin.url("/"))))));
        origin.wait(|stats| stats.requests == 2 + 5).await;
        agent.destroy();
        for outcome in asked.join_all().await {
            assert!(outcome.unwrap_err().is_destroyed());
        }
        gate.open();
        assert_eq!(fetch(agent, origin.url("/")).await.unwrap(), "hello");
        assert_eq!(at_rest(agent).await.failed, 7);
    });
}

/// The requests that a destroyed agent failed need nothing of it any more, polled or not. A task that held one
/// and waited for the end waited for itself.
#[test]
fn close_after_destroy_waits_for_no_request_that_waited() {
    wire::run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = wire::builder().max_sockets(1).build().unwrap();
        let head = polled(fetch(&agent, origin.url("/")));
        until(&agent, |it| it.active == 1).await;
        let mut queued = polled(fetch(&agent, origin.url("/")));
        let mut closed = Box::pin(agent.close());
        assert!(poll(&mut closed).is_pending());
        agent.destroy();
        drop(head);
        closed.await;
        agent.close().await;
        let totals = accounts(&agent);
        assert_eq!((totals.closed, totals.waiting), (1, 1));
        is_destroyed(&queued.as_mut().await.unwrap_err());
        assert_eq!(accounts(&agent).waiting, 0);
    });
}

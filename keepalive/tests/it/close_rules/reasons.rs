//! Every reason that a stranger can bring about, alone in the counts. Those of responses, of uploads and of
//! dropped bodies are in the modules of these.

use std::time::Duration;

use keepalive::{Agent, AgentBuilder, CloseReason};
use testkit::{Case, PlainOrigin, Script, ok};

use super::wire;
use crate::kit::{closed_by, eventually, poll_once, text};

fn built(builder: AgentBuilder) -> Agent {
    builder.build().unwrap()
}

/// A request fails on a socket that is then closed for this reason.
async fn fails(case: &Case, script: Script, reason: CloseReason) {
    let origin = case.scripted(script);
    let agent = wire::agent();
    let outcome = match agent.get(origin.url("/")).send().await {
        Ok(response) => response.text().await,
        Err(error) => Err(error),
    };
    outcome.unwrap_err();
    assert_eq!(closed_by(&agent), [(reason, 1)]);
    assert_eq!(agent.status().totals.failed, 1);
}

#[test]
fn a_broken_response() {
    wire::run(async |case: &Case| {
        let half = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
        fails(case, Script::new().request().send(half).close(), CloseReason::Truncated).await;
        fails(case, Script::new().request().close(), CloseReason::Truncated).await;
        fails(case, Script::new().request().send(half).reset(), CloseReason::IoError).await;
        fails(case, Script::new().request().send("nonsense\r\n"), CloseReason::ProtocolError).await;
    });
}

#[test]
fn a_dial_that_failed_and_one_that_was_given_up() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = wire::agent();
        let mut request = Box::pin(agent.get(origin.url("/")).send());
        assert!(poll_once(&mut request).await.is_none());
        agent.destroy();
        assert!(request.await.unwrap_err().is_destroyed());
        eventually(|| agent.status().totals.closed == 1).await;
        assert_eq!(closed_by(&agent), [(CloseReason::DialAborted, 1)]);

        origin.stop();
        let agent = wire::agent();
        agent.get(origin.url("/")).send().await.unwrap_err();
        assert_eq!(closed_by(&agent), [(CloseReason::DialFailed, 1)]);
        assert_eq!(agent.status().totals.failed_dials, 1);
    });
}

#[test]
fn a_request_that_was_dropped_or_took_too_long() {
    wire::run_paused(async |case: &Case| {
        let origin = case.scripted(Script::new().request().reached("asked"));
        let agent = wire::agent();
        let mut request = Box::pin(agent.get(origin.url("/")).send());
        tokio::select! {
            _ = &mut request => panic!("nothing was answered"),
            () = origin.reached("asked") => drop(request),
        }
        assert_eq!(closed_by(&agent), [(CloseReason::Cancelled, 1)]);

        let agent = built(wire::builder().timeout(Duration::from_secs(3)));
        let mut request = Box::pin(agent.get(origin.url("/")).send());
        tokio::select! {
            _ = &mut request => panic!("no time has passed"),
            () = origin.wait(|record| record.requests().len() == 2) => {}
        }
        tokio::time::advance(Duration::from_secs(3)).await;
        assert!(request.await.unwrap_err().is_timeout());
        assert_eq!(closed_by(&agent), [(CloseReason::TimedOut, 1)]);
    });
}

#[test]
fn an_idle_socket_that_the_server_closed() {
    wire::run(async |case: &Case| {
        let origin = case.scripted(Script::new().request().send(ok("")).close());
        let agent = wire::agent();
        text(&agent, &origin.url("/")).await;
        eventually(|| agent.status().totals.closed == 1).await;
        assert_eq!(closed_by(&agent), [(CloseReason::ClosedByServer, 1)]);
    });
}

#[test]
fn an_idle_socket_that_the_agent_closed() {
    use CloseReason::{AgentClosed, CloseIdle, Destroyed, IdleLimit, KeepAliveOff};
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let used = async |builder: AgentBuilder| {
            let agent = built(builder);
            text(&agent, &origin.url("/")).await;
            agent
        };
        let agent = used(wire::builder().keep_alive(false)).await;
        assert_eq!(closed_by(&agent), [(KeepAliveOff, 1)]);
        let agent = used(wire::builder().max_free_sockets(0)).await;
        assert_eq!(closed_by(&agent), [(IdleLimit, 1)]);
        let agent = used(wire::builder()).await;
        agent.close_idle();
        assert_eq!(closed_by(&agent), [(CloseIdle, 1)]);
        let agent = used(wire::builder()).await;
        agent.close().await;
        assert_eq!(closed_by(&agent), [(AgentClosed, 1)]);
        let agent = used(wire::builder()).await;
        agent.destroy();
        assert_eq!(closed_by(&agent), [(Destroyed, 1)]);
    });
}

#[test]
fn an_idle_socket_that_was_one_too_many() {
    wire::run(async |case: &Case| {
        let (one, two) = (case.plain(PlainOrigin::builder()), case.plain(PlainOrigin::builder()));
        let agent = built(wire::builder().max_total_sockets(1));
        text(&agent, &one.url("/")).await;
        text(&agent, &two.url("/")).await;
        assert_eq!(closed_by(&agent), [(CloseReason::Evicted, 1)]);

        let agent = wire::agent();
        text(&agent, &one.url("/")).await;
        text(&agent, &two.url("/")).await;
        agent.set_max_total_sockets(1).unwrap();
        assert_eq!(closed_by(&agent), [(CloseReason::OverLimit, 1)]);
    });
}

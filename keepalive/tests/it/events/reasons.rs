//! Reasons to close that the counts of an agent are too late to show, or that take time to come about.

use std::time::Duration;

use testkit::{Case, PlainOrigin, Reply};
use tokio::time::advance;

use super::wire;
use super::{built, told};
use crate::kit::{text, until};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn an_idle_socket_whose_time_is_up() {
    let hinting = || PlainOrigin::builder().reply(|_| Reply::ok("").header("keep-alive", "timeout=5"));
    wire::run_paused(async |case: &Case| {
        for (agent, origin, seconds, reason) in [
            (wire::builder(), case.plain(PlainOrigin::builder()), 15, "idle_timeout"),
            (wire::builder(), case.plain(hinting()), 4, "keep_alive_hint"),
            (wire::builder().max_socket_age(9 * SECOND), case.plain(PlainOrigin::builder()), 9, "max_age"),
        ] {
            let (agent, mut events) = built(agent);
            text(&agent, &origin.url("/")).await;
            told(&mut events);
            // The keeper has to learn the time before it passes.
            crate::kit::turns().await;
            advance(seconds * SECOND).await;
            until(&agent, |totals| totals.closed == 1).await;
            assert_eq!(told(&mut events), [format!("closed 1 {reason} after 1")]);
        }
    });
}

#[test]
fn a_socket_that_may_carry_no_more_requests() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let (agent, mut events) = built(wire::builder().max_requests_per_socket(2));
        text(&agent, &origin.url("/")).await;
        text(&agent, &origin.url("/")).await;
        assert_eq!(told(&mut events).last().map(String::as_str), Some("closed 1 max_requests after 2"));
    });
}

#[test]
fn a_socket_whose_agent_is_dropped() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let (agent, mut events) = built(wire::builder());
        text(&agent, &origin.url("/")).await;
        told(&mut events);
        drop(agent);
        assert_eq!(told(&mut events), ["closed 1 agent_dropped after 1"]);
    });
}

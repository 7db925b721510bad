//! Limits raised and lowered while requests run, and what the agent says after each change.

#![allow(clippy::disallowed_methods, reason = "a program spawns tasks of its own")]

use std::time::Duration;

use keepalive::Agent;
use testkit::{Gate, PlainOrigin};
use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The gate keeps the answers back, so that each step can be looked at.
    let gate = Gate::new();
    let origin = PlainOrigin::builder().gate(&gate).start();
    let agent = Agent::builder().max_sockets(2).build()?;

    let mut requests = JoinSet::new();
    for _ in 0..12 {
        let request = agent.get(origin.url("/"));
        requests.spawn(async move { request.send().await?.text().await });
    }
    origin.wait(|stats| stats.requests == 2).await;
    show("12 requests, max_sockets 2", &agent);

    agent.set_max_sockets(8)?;
    origin.wait(|stats| stats.requests == 8).await;
    show("raised to 8: the queue moves at once", &agent);

    agent.set_max_sockets(3)?;
    show("lowered to 3: active sockets finish first", &agent);

    gate.open();
    while let Some(text) = requests.join_next().await {
        assert_eq!(text??, "hello");
    }
    show("all answered", &agent);

    agent.set_max_free_sockets(1)?;
    show("max_free_sockets 1: idle sockets close at once", &agent);

    agent.set_free_socket_timeout(Duration::from_millis(1))?;
    while agent.status().totals.idle > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    show("free_socket_timeout 1 ms: the last one went", &agent);

    for (reason, sockets) in agent.status().totals.closed_by {
        println!("{sockets} closed: {reason}");
    }
    // A value that would let nothing through is refused and changes nothing.
    println!("{}", agent.set_max_sockets(0).expect_err("0 is no limit to work with"));
    Ok(())
}

/// One line of `status()` for each origin that has a socket or a waiting request.
fn show(what: &str, agent: &Agent) {
    println!("{what}");
    let status = agent.status();
    for it in &status.origins {
        let (active, idle, connecting, closing) = (it.active, it.idle, it.connecting, it.closing);
        println!(
            "  {}: {active} active, {idle} idle, {connecting} connecting, {closing} closing, {} queued",
            it.origin, it.queued
        );
    }
    if status.origins.is_empty() {
        println!("  no sockets and no requests");
    }
}

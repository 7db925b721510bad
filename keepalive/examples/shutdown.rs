//! A graceful end under a deadline: what waits is served, new requests are refused, then every socket is
//! closed. Whatever is not done in time is cut off.

#![allow(clippy::disallowed_methods, reason = "a program spawns tasks of its own")]

use std::time::Duration;

use keepalive::{Agent, Error};
use testkit::{Gate, PlainOrigin};
use tokio::task::JoinSet;
use tokio::time::timeout;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let origin = PlainOrigin::builder().delay(Duration::from_millis(5)).start();
    end("a server that answers", &origin, Duration::from_secs(10)).await?;

    // The gate is never opened.
    let stuck = PlainOrigin::builder().gate(&Gate::new()).start();
    end("a server that does not", &stuck, Duration::from_millis(100)).await?;
    Ok(())
}

/// Ten requests over two sockets, and the end of their agent before they are answered.
async fn end(what: &str, origin: &PlainOrigin, limit: Duration) -> Result<(), Box<dyn std::error::Error>> {
    println!("{what}:");
    let agent = Agent::builder().max_sockets(2).build()?;
    let mut requests = JoinSet::new();
    for _ in 0..10 {
        let request = agent.get(origin.url("/"));
        requests.spawn(async move { request.send().await?.text().await });
    }
    // All ten are in the agent's hands once the last one has asked.
    while agent.status().totals.requests < 10 {
        tokio::task::yield_now().await;
    }

    let closed = agent.close();
    let refused = agent.get(origin.url("/")).send().await.expect_err("the agent is closing");
    println!("  a new request: {refused}");
    if timeout(limit, closed).await.is_err() {
        println!("  not done within {limit:?}");
        agent.destroy();
        // Nothing can hold it up now: this waits for the sockets to be closed.
        agent.close().await;
    }

    let outcomes: Vec<Result<String, Error>> = requests.join_all().await;
    if let Some(error) = outcomes.iter().find_map(|outcome| outcome.as_ref().err()) {
        println!("  {error}");
    }
    let totals = agent.status().totals;
    println!(
        "  {} requests done, {} failed or refused, {} of {} sockets closed",
        totals.done, totals.failed, totals.closed, totals.opened
    );
    Ok(())
}

//! A graceful end: what waits is served, new requests are refused, then every socket is closed.

#![allow(clippy::disallowed_methods, reason = "a program spawns tasks of its own")]

use std::time::Duration;

use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let origin = testkit::PlainOrigin::builder().delay(Duration::from_millis(5)).start();
    let agent = keepalive::Agent::builder().max_sockets(2).build()?;

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
    println!("a new request: {refused}");
    while let Some(text) = requests.join_next().await {
        assert_eq!(text??, "hello");
    }
    closed.await;

    let totals = agent.status().totals;
    println!("{} requests done, {} of {} sockets closed", totals.done, totals.closed, totals.opened);
    Ok(())
}

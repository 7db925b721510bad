//! 100 requests at once over 4 sockets, and what the agent says meanwhile.

#![allow(clippy::disallowed_methods, reason = "a program spawns tasks of its own")]

use std::time::Duration;

use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let origin = testkit::PlainOrigin::builder().delay(Duration::from_millis(5)).start();
    let agent = keepalive::Agent::builder().max_sockets(4).build()?;

    let mut requests = JoinSet::new();
    for number in 0..100 {
        let request = agent.get(origin.url("/")).query([("n", number.to_string())]);
        requests.spawn(async move { request.send().await?.text().await });
    }
    while let Some(text) = requests.join_next().await {
        assert_eq!(text??, "hello");
        if requests.len() == 50 {
            for origin in agent.status().origins {
                println!("{}: {} active, {} queued", origin.origin, origin.active, origin.queued);
            }
        }
    }

    let totals = agent.status().totals;
    println!("{} requests, {} sockets opened, {} reused", totals.requests, totals.opened, totals.reused);
    println!("the server saw at most {} connections at once", origin.stats().peak_open);
    Ok(())
}

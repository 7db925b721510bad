//! What an agent tells as it happens, and the sockets it has at the end.

#![allow(clippy::disallowed_methods, reason = "a program spawns tasks of its own")]

use keepalive::{Agent, Event};
use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let origin = testkit::PlainOrigin::builder().max_requests_per_connection(3).start();
    let agent = Agent::builder().max_sockets(2).build()?;

    let mut events = agent.subscribe();
    let listener = tokio::spawn(async move {
        while let Some(event) = events.next().await {
            match event {
                Event::SocketOpened { socket, origin, .. } => println!("socket {socket} to {origin} opened"),
                Event::SocketClosed { socket, reason, requests, .. } => {
                    println!("socket {socket} closed after {requests} requests: {reason}");
                }
                Event::RequestAssigned { request, socket, .. } => {
                    println!("request {request} goes over socket {socket}");
                }
                Event::RequestUnserved { request, reason, .. } => {
                    println!("request {request} had no socket: {}", reason.name());
                }
                Event::Lost { count } => println!("too slow: {count} events lost"),
                _ => {}
            }
        }
    });

    let mut requests = JoinSet::new();
    for _ in 0..8 {
        let request = agent.get(origin.url("/"));
        requests.spawn(async move { request.send().await?.text().await });
    }
    while let Some(text) = requests.join_next().await {
        assert_eq!(text??, "hello");
    }
    for socket in agent.sockets() {
        println!("socket {} is {:?} after {} requests", socket.id, socket.state, socket.requests);
    }

    // The listener does not keep the agent alive: with the agent its events end.
    drop(agent);
    listener.await?;
    Ok(())
}

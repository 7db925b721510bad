//! Sockets that wait for the next request: the memory they hold, and how often they wake the runtime up.

use std::error::Error;
use std::thread;
use std::time::Duration;

use keepalive::Agent;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::alloc::counts;
use super::server::Server;
use super::{Figure, Rule};

const SOCKETS: usize = 1_000;
/// What is promised of each.
const BYTES: f64 = 1024.0;
const WATCHED: Duration = Duration::from_secs(1);

pub(crate) fn figures(server: &Server) -> Result<Vec<Figure>, Box<dyn Error>> {
    keepalive::raise_fd_limit()?;
    // All that is counted happens on this thread.
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let agent = Agent::builder()
            .max_sockets(SOCKETS)
            .max_free_sockets(SOCKETS)
            .max_total_sockets(SOCKETS)
            .free_socket_timeout(Duration::from_secs(3600))
            .build()?;
        let url = server.url() + "big";
        open(&agent, &url, 1).await?;
        let before = counts().live;
        open(&agent, &url, SOCKETS).await?;
        let held = counts().live - before;
        let idle: usize = agent.status().origins.iter().map(|origin| origin.idle).sum();
        if idle != SOCKETS {
            return Err(format!("{idle} sockets are idle, of {SOCKETS}").into());
        }
        let wake_ups = wake_ups().await?;
        Ok(vec![
            Figure::new("bytes.idle_socket", held as f64 / (SOCKETS - 1) as f64, Rule::AtMost(BYTES)),
            Figure::new("wake_ups.idle_sockets", wake_ups, Rule::AtMost(0.0)),
        ])
    })
}

/// Brings the agent `count` idle sockets: bodies too large to be read on arrival hold them until all are
/// open.
async fn open(agent: &Agent, url: &str, count: usize) -> Result<(), keepalive::Error> {
    let mut held = Vec::with_capacity(count);
    for _ in 0..count {
        held.push(agent.get(url).send().await?);
    }
    for response in held {
        response.bytes().await?;
    }
    Ok(())
}

/// How often this runtime's only worker woke up during a second in which nobody asked it for anything.
async fn wake_ups() -> Result<f64, Box<dyn Error>> {
    // What the last request left behind is done first.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let (send, over) = oneshot::channel();
    let metrics = Handle::current().metrics();
    let before = metrics.worker_park_count(0);
    // Not by the runtime's timer, which may wake up more than once for one sleep.
    let clock = thread::spawn(move || {
        thread::sleep(WATCHED);
        let _ = send.send(());
    });
    over.await?;
    let parked = metrics.worker_park_count(0) - before;
    clock.join().map_err(|_| "the clock broke")?;
    // It went to sleep once for the clock.
    Ok(parked.saturating_sub(1) as f64)
}

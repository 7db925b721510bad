//! Sockets that wait, for the next request or for the rest of a body: the memory they hold, and how often the
//! idle ones wake the runtime up.

use std::error::Error;
use std::future::ready;
use std::thread;
use std::time::Duration;

use keepalive::{Agent, AgentBuilder, Protocol, Tls};
use tokio::runtime::{Builder, Handle};
use tokio::select;
use tokio::sync::oneshot;

use super::alloc::counts;
use super::server::{BIG, BIG_LENGTH, STALLED, Server};
use super::{Figure, Rule, bare};

/// The pool's tables, which double, are nearly full then. Just after they doubled a socket holds 340 bytes
/// more.
const SOCKETS: usize = 1_000;
/// What is promised of each; of one with TLS, above what a connection of rustls without a pool needs.
const BYTES: f64 = 1024.0;
/// What a large body may hold while nothing comes, with its socket and its response's head: less than any
/// buffer that it is read into.
const WAITING_BYTES: f64 = 4096.0;
/// A deadline that went away may still wake the pool's keeper once, and an offer's is 100 ms off.
const SETTLED: Duration = Duration::from_millis(300);
const WATCHED: Duration = Duration::from_secs(1);

pub(crate) fn figures(server: &Server) -> Result<Vec<Figure>, Box<dyn Error>> {
    keepalive::raise_fd_limit()?;
    // All that is counted happens on this thread.
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let (agent, plain) = idle(Agent::builder(), &server.url(BIG), SOCKETS).await?;
        let wake_ups = wake_ups().await?;
        drop(agent);
        let with_tls = Agent::builder()
            .tls(Tls::builder().add_root_pem(&server.root).build()?)
            .protocol(Protocol::Http1);
        let (agent, tls) = idle(with_tls, &server.tls_url(BIG), SOCKETS).await?;
        drop(agent);
        let waiting = waiting(&server.url(STALLED), SOCKETS / 10).await?;
        let bare = bare::plain(server, SOCKETS).await?;
        let rustls = bare::tls(server, SOCKETS).await?;
        Ok(vec![
            Figure::new("bytes.idle_socket", plain, Rule::AtMost(BYTES)),
            Figure::new("bytes.waiting_body", waiting, Rule::AtMost(WAITING_BYTES)),
            Figure::new("bytes.bare_socket", bare, Rule::None),
            Figure::new("bytes.idle_tls_socket", tls, Rule::AtMost(rustls + BYTES)),
            Figure::new("bytes.bare_tls_socket", rustls, Rule::None),
            Figure::new("wake_ups.idle_sockets", wake_ups, Rule::AtMost(0.0)),
        ])
    })
}

/// An agent with that many idle sockets, and how many bytes of heap each of them holds.
async fn idle(builder: AgentBuilder, url: &str, count: usize) -> Result<(Agent, f64), Box<dyn Error>> {
    let agent = builder
        .max_sockets(count)
        .max_free_sockets(count)
        .max_total_sockets(count)
        .free_socket_timeout(Duration::from_secs(3600))
        .build()?;
    open(&agent, url, 1).await?;
    let before = counts().live;
    open(&agent, url, count).await?;
    let bytes = counts().live - before;
    let idle: usize = agent.status().origins.iter().map(|origin| origin.idle).sum();
    if idle != count {
        return Err(format!("{idle} sockets are idle, of {count}").into());
    }
    Ok((agent, bytes as f64 / (count - 1) as f64))
}

/// Brings the agent `count` idle sockets: bodies too large to be read on arrival hold them until all are
/// open.
async fn open(agent: &Agent, url: &str, count: usize) -> Result<(), keepalive::Error> {
    let mut held = Vec::with_capacity(count);
    for _ in 0..count {
        held.push(agent.get(url).send().await?);
    }
    for mut response in held {
        while response.body_mut().chunk().await?.is_some() {}
    }
    Ok(())
}

/// How many bytes of heap each of `count` bodies holds that are large and have come but for their last byte.
async fn waiting(url: &str, count: usize) -> Result<f64, Box<dyn Error>> {
    let agent = Agent::builder().max_sockets(count).build()?;
    let mut held = Vec::with_capacity(count);
    let mut before = 0;
    for n in 0..=count {
        let mut response = agent.get(url).send().await?;
        let mut read = 0;
        while read < BIG_LENGTH - 1 {
            read += response.body_mut().chunk().await?.map_or(0, |chunk| chunk.len());
        }
        select! {
            biased;
            _ = response.body_mut().chunk() => return Err("the body went on".into()),
            () = ready(()) => {}
        }
        // The first one brings what they share.
        if n == 0 {
            drop(response);
            before = counts().live;
        } else {
            held.push(response);
        }
    }
    Ok((counts().live - before) as f64 / count as f64)
}

/// How often this runtime's only worker woke up during a time in which nobody asked it for anything.
async fn wake_ups() -> Result<f64, Box<dyn Error>> {
    rest(SETTLED).await?;
    let metrics = Handle::current().metrics();
    let before = metrics.worker_park_count(0);
    rest(WATCHED).await?;
    // It went to sleep once for the rest itself.
    Ok((metrics.worker_park_count(0) - before).saturating_sub(1) as f64)
}

/// Sleeps by another thread's clock: the runtime's may wake up more than once for one sleep.
async fn rest(time: Duration) -> Result<(), Box<dyn Error>> {
    let (send, over) = oneshot::channel();
    let clock = thread::spawn(move || {
        thread::sleep(time);
        let _ = send.send(());
    });
    over.await?;
    clock.join().map_err(|_| "the clock broke".into())
}

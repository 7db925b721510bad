//! One way of doing the demo's requests, and what came of it.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use keepalive::{Agent, ConnectionInfo};
use testkit::PlainOrigin;
use tokio::task::JoinSet;

use super::plan::{DELAY, Plan};
use crate::exit::Fault;
use crate::report::{chain, times};

/// How the requests are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    OneShot,
    KeepAliveOff,
    KeepAlive,
}

/// What was counted.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) way: Way,
    pub(crate) requests: usize,
    pub(crate) failed: usize,
    /// Connections the agent made.
    pub(crate) opened: u64,
    /// The most connections that were open at once, counted by the server.
    pub(crate) max_open: usize,
    /// Requests that went over a socket which had served before.
    pub(crate) reused: usize,
    /// How long requests waited for a socket, in microseconds.
    pub(crate) queue: Histogram<u64>,
    pub(crate) wall: Duration,
    pub(crate) first_error: Option<String>,
}

/// Does all waves.
pub(crate) async fn run(plan: &Plan, way: Way) -> Result<Run, Fault> {
    let agent = way.agent(plan.max_sockets)?;
    let origin = PlainOrigin::builder().delay(DELAY).start();
    let url = origin.url("/");
    let mut run = Run {
        way,
        requests: plan.requests,
        failed: 0,
        opened: 0,
        max_open: 0,
        reused: 0,
        queue: times::histogram(),
        wall: Duration::ZERO,
        first_error: None,
    };
    let began = Instant::now();
    for size in plan.waves() {
        let mut wave: JoinSet<_> = (0..size).map(|_| request(agent.clone(), url.clone())).collect();
        while let Some(done) = wave.join_next().await {
            run.count(done.unwrap_or_else(|panic| Err(panic.to_string())));
        }
    }
    run.wall = began.elapsed();
    agent.close().await;
    let totals = agent.status().totals;
    run.opened = totals.opened - totals.failed_dials;
    run.max_open = origin.stats().peak_open;
    Ok(run)
}

async fn request(agent: Agent, url: String) -> Result<ConnectionInfo, String> {
    let whole = async {
        let response = agent.get(url).send().await?;
        let info = response.connection_info().cloned();
        response.bytes().await?;
        Ok::<_, keepalive::Error>(info)
    };
    let info = whole.await.map_err(|error| chain(&error))?;
    info.ok_or_else(|| "the response says nothing of its connection".to_owned())
}

impl Way {
    /// As in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OneShot => "one_shot",
            Self::KeepAliveOff => "keep_alive_off",
            Self::KeepAlive => "keep_alive",
        }
    }

    /// For people.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::OneShot => "one-shot sockets",
            Self::KeepAliveOff => "agent, keep-alive off",
            Self::KeepAlive => "agent, keep-alive on",
        }
    }

    fn agent(self, max_sockets: usize) -> Result<Agent, Fault> {
        let keep_alive = match self {
            Self::OneShot => return Ok(Agent::one_shot()),
            Self::KeepAliveOff => false,
            Self::KeepAlive => true,
        };
        let agent = Agent::builder().max_sockets(max_sockets).keep_alive(keep_alive).build();
        agent.map_err(|error| Fault::usage(error.to_string()))
    }
}

impl Run {
    fn count(&mut self, done: Result<ConnectionInfo, String>) {
        match done {
            Ok(info) => {
                self.reused += usize::from(info.reused);
                times::record(&mut self.queue, info.timings.queue);
            }
            Err(error) => {
                self.failed += 1;
                self.first_error.get_or_insert(error);
            }
        }
    }

    /// Requests that were answered.
    pub(crate) fn answered(&self) -> usize {
        self.requests - self.failed
    }
}

//! `keepalive fetch`: many requests through one agent, a line of JSON for each.
//!
//! The input is read as it is needed: a job is started only while fewer than `concurrency` are in flight,
//! and a job is in flight until its line was taken by the writer. So memory is bounded however long the
//! input and however slow the reader of the output.

mod engine;
mod input;
mod job;
mod output;
mod pattern;
mod tally;
mod trust;

use keepalive::Agent;
use tokio::runtime::Builder;

use self::engine::Engine;
use self::input::Input;
use self::job::Worker;
pub(crate) use self::job::{Answer, Failure, Outcome};
use self::output::Targets;
use self::pattern::Pattern;
pub(crate) use self::tally::Tally;
use crate::exit::{Exit, Fault};
use crate::options::FetchOptions;
use crate::report::lines::Lines;
use crate::report::progress::Progress;
use crate::signals::Signals;

/// Does all the requests and prints what came of them.
pub(crate) fn run(options: FetchOptions) -> Result<Exit, Fault> {
    let runtime = Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::io("cannot start", "the runtime", &error))?;
    let exit = runtime.block_on(fetch(options));
    // Not waited for: a name that is being resolved cannot be stopped.
    runtime.shutdown_background();
    exit
}

async fn fetch(options: FetchOptions) -> Result<Exit, Fault> {
    let signals = Signals::new()?;
    // Files need descriptors too. What cannot be raised is lived with.
    let _ = keepalive::raise_fd_limit();
    let agent = agent(&options)?;
    let total = options.input.is_none().then_some(options.urls.len());
    let worker = Worker {
        agent: agent.clone(),
        pattern: Pattern::new(options.request, options.one_shot)?,
        fail: options.fail,
    };
    let targets = Targets::new(options.bodies)?;
    let input = Input::open(options.urls, options.input)?;
    let progress = Progress::new(total);
    let lines = Lines::start(progress.clone())?;
    let tally = Tally::new(options.max_sockets, options.concurrency);
    let engine = Engine::new(worker, options.concurrency, targets, tally, progress);
    engine.run(input, lines, signals, &agent).await
}

fn agent(options: &FetchOptions) -> Result<Agent, Fault> {
    let agent = Agent::builder()
        .max_sockets(options.max_sockets)
        .keep_alive(!options.one_shot)
        .local_address(options.local_address)
        .timeout(options.timeout)
        .tls(trust::tls(&options.tls)?)
        .protocol(options.protocol)
        // Every body is read at once, so whoever waits gets a socket, and how long depends on --concurrency.
        .queue_timeout(None)
        .build();
    agent.map_err(|error| Fault::usage(error.to_string()))
}

//! `keepalive demo`: the same requests three ways, each to a fresh origin on the loopback address.

mod plan;
mod run;

use tokio::runtime::Builder;

pub(crate) use self::plan::Plan;
pub(crate) use self::run::{Run, Way};
use crate::exit::{Exit, Fault};
use crate::options::DemoOptions;
use crate::report::{self, demo_json, demo_table, demo_text};
use crate::signals::Signals;

/// Runs the demo and prints it.
pub(crate) fn run(options: &DemoOptions) -> Result<Exit, Fault> {
    let plan = Plan::new(options.requests, options.max_sockets);
    // One thread, so that all requests of a wave stand in the queue before the first of them is answered.
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::io("cannot start", "the runtime", &error))?;
    let runs = runtime.block_on(async {
        let mut signals = Signals::new()?;
        tokio::select! {
            runs = three_ways(&plan) => runs.map(Ok),
            exit = signals.recv() => Ok(Err(exit)),
        }
    })?;
    let runs = match runs {
        Ok(runs) => runs,
        Err(stopped) => return Ok(stopped),
    };
    let text = if options.json {
        demo_json::render(&runs)
    } else {
        format!("{}\n{}\n{}", plan.describe(), demo_table::render(&runs), demo_text::render(&runs))
    };
    report::print(&text)?;
    Ok(exit(&runs))
}

async fn three_ways(plan: &Plan) -> Result<[Run; 3], Fault> {
    Ok([
        run::run(plan, Way::OneShot).await?,
        run::run(plan, Way::KeepAliveOff).await?,
        run::run(plan, Way::KeepAlive).await?,
    ])
}

fn exit(runs: &[Run; 3]) -> Exit {
    let failed: usize = runs.iter().map(|run| run.failed).sum();
    match runs.iter().find_map(|run| run.first_error.as_deref()) {
        None => Exit::Well,
        Some(error) => {
            report::complain(&format!("{failed} requests failed; the first: {error}"));
            Exit::Failed
        }
    }
}

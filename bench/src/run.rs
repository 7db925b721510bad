//! The whole command: what is to be measured, the rounds, the report.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::cli::Options;
use crate::client::Failure;
use crate::clients::{self, Contestant, Skipped};
use crate::figures;
use crate::machine::{self, Machine};
use crate::report::{self, Report};
use crate::rounds::{Pace, Plan};
use crate::work::{Kind, WORKS, Work};

pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let begun = Instant::now();
    let machine = Machine::look();
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scratch = bench.join("target/foreign");
    std::fs::create_dir_all(&scratch)?;
    let (contestants, skipped) = clients::gather(bench, &scratch, |name| is_wanted(&options.client, name));
    if options.list {
        list(&contestants, &skipped)?;
        return Ok(ExitCode::SUCCESS);
    }
    for skipped in &skipped {
        eprintln!("skipped: {}: {}", skipped.client, skipped.why);
    }
    if cfg!(debug_assertions) {
        eprintln!("not a release build: these figures say nothing");
    }
    let works: Vec<&Work> = WORKS.iter().filter(|work| is_chosen(work, options)).collect();
    let mut plan = Plan { works: &works, contestants: &contestants, pace: Pace::FULL, until: None };
    let pairs = plan.pairs();
    if pairs.is_empty() {
        return Err("no such client can do such a work here; --list tells which can".into());
    }
    if options.quick {
        let left = (QUICK - SLACK).saturating_sub(begun.elapsed());
        plan.pace = Pace::within(left, &pairs, options.rounds);
        plan.until = options.rounds.is_none().then(|| begun + QUICK);
    } else {
        plan.pace.rounds = options.rounds.unwrap_or(plan.pace.rounds);
    }
    let runs = plan.run()?;
    let report = Report {
        machine,
        versions: machine::versions(bench),
        command: command(),
        pace: plan.pace,
        rows: figures::rows(&runs.samples),
        skipped,
        failed: runs.failed,
    };
    report::print(&report)?;
    let whole =
        !options.quick && options.work.is_empty() && options.client.is_empty() && !cfg!(debug_assertions);
    if whole {
        report::publish(&report, bench)?
    } else {
        report::keep(&report, bench)?
    }
    Ok(if report.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn is_wanted(named: &[String], name: &str) -> bool {
    named.is_empty() || named.iter().any(|named| named == name)
}

fn is_chosen(work: &Work, options: &Options) -> bool {
    if options.work.is_empty() {
        !(options.quick && work.kind == Kind::Idle)
    } else {
        is_wanted(&options.work, work.name)
    }
}

/// As it was typed, in the form that the documentation uses.
fn command() -> String {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut command = String::from("cargo run --release --manifest-path bench/Cargo.toml");
    if !arguments.is_empty() {
        command.push_str(" -- ");
        command.push_str(&arguments.join(" "));
    }
    command
}

fn list(contestants: &[Contestant], skipped: &[Skipped]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for work in WORKS {
        let able: Vec<_> =
            contestants.iter().filter(|client| client.can(work)).map(Contestant::name).collect();
        let able = if able.is_empty() { "nobody".into() } else { able.join(" ") };
        writeln!(out, "{:<26} {}: {able}", work.name, work.title)?;
    }
    let names: Vec<_> = clients::names().collect();
    writeln!(out, "clients: {}", names.join(" "))?;
    for Skipped { client, why } in skipped {
        writeln!(out, "skipped: {client}: {why}")?;
    }
    Ok(())
}

/// What `--quick` may take, and a little for the report.
const QUICK: Duration = Duration::from_secs(110);

/// Kept back of that when runs are planned, for a machine that is slower than planned for.
const SLACK: Duration = Duration::from_secs(25);

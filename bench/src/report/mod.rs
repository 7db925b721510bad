//! What a bench leaves behind: Markdown on stdout, the figures as JSON, charts, and the tables of the pages.
//!
//! A whole run writes `results/` and the pages. Any other leaves them as they are and writes what git ignores.

mod chart;
mod markdown;
mod pages;
mod sections;
mod summary;
mod svg;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use self::chart::Drawn;
use crate::client::Failure;
use crate::clients::Skipped;
use crate::figures::Row;
use crate::machine::Machine;
use crate::rounds::{Failed, Pace};

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) versions: BTreeMap<String, String>,
    pub(crate) command: String,
    pub(crate) pace: Pace,
    pub(crate) rows: Vec<Row>,
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) failed: Vec<Failed>,
}

pub(crate) fn print(report: &Report) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (_, text) in sections::all(report) {
        writeln!(out, "{text}\n")?;
    }
    Ok(())
}

/// After a whole run: into the repository.
pub(crate) fn publish(report: &Report, bench: &Path) -> Result<(), Failure> {
    let results = bench.join("results");
    write(&results.join("summary.json"), &summary::json(report)?)?;
    charts(report, &results)?;
    let mut parts = sections::all(report);
    parts.extend(sections::short(report).map(|text| ("short".to_owned(), text)));
    parts.extend(chart::all(report).into_iter().map(|chart| {
        let (name, title) = (chart.name, chart.title);
        (format!("chart {name}"), format!("![{title}](bench/results/{name}.svg)"))
    }));
    let root = bench.parent().ok_or("bench/ is in no directory")?;
    for page in ["BENCHMARKS.md", "README.md"] {
        let path = root.join(page);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let text = pages::fill(&text, &parts).map_err(|error| format!("{page}: {error}"))?;
        write(&path, &text)?;
    }
    Ok(())
}

/// After any other run: beside it.
pub(crate) fn keep(report: &Report, bench: &Path) -> Result<(), Failure> {
    let results = bench.join("results");
    write(&results.join("partial.json"), &summary::json(report)?)?;
    charts(report, &results.join("partial"))
}

fn charts(report: &Report, directory: &Path) -> Result<(), Failure> {
    for Drawn { name, picture, .. } in chart::all(report) {
        write(&directory.join(format!("{name}.svg")), &picture)?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let wrong = |error: io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(path.parent().expect("it is a file's")).map_err(wrong)?;
    fs::write(path, text).map_err(wrong)?;
    Ok(())
}

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
    for (name, text) in sections::all(report) {
        if name == "beaten" {
            writeln!(out, "Where another client takes less than keepalive:\n")?;
        }
        writeln!(out, "{text}\n")?;
    }
    Ok(())
}

/// After a whole run: into the repository.
pub(crate) fn publish(report: &Report, bench: &Path) -> Result<(), Failure> {
    let results = bench.join("results");
    write(&results.join("summary.json"), &summary::json(report)?)?;
    charts(report, &results)?;
    let root = bench.parent().ok_or("bench/ is in no directory")?;
    for page in ["BENCHMARKS.md", "README.md"] {
        let path = root.join(page);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let text = pages::fill(&text, &parts(report)).map_err(|error| format!("{page}: {error}"))?;
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

/// What the pages have places for.
fn parts(report: &Report) -> Vec<(String, String)> {
    let mut parts = sections::all(report);
    parts.extend(sections::short(report).map(|text| ("short".to_owned(), text)));
    parts.extend(chart::all(report).into_iter().map(|chart| {
        let (name, title) = (chart.name, chart.title);
        (format!("chart {name}"), format!("![{title}](bench/results/{name}.svg)"))
    }));
    parts
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures;
    use crate::job::{Idle, Latency, Outcome};
    use crate::rounds::Sample;
    use crate::work::{Kind, WORKS};

    /// As after a whole run in which each client takes so many µs for a request, and as much of all else.
    fn report(clients: &[(&'static str, f64)]) -> Report {
        let samples: Vec<_> = WORKS
            .iter()
            .flat_map(|work| clients.iter().map(move |&(client, cost)| (work, client, cost)))
            .filter(|(work, client, _)| *client != "raw" || work.limit() == "raw")
            .map(|(work, client, cost)| Sample {
                work,
                client,
                round: 0,
                outcome: Outcome {
                    requests: 1_000_000,
                    body_bytes: 0,
                    errors: 0,
                    wall_s: cost,
                    cpu_s: cost,
                    latency_us: (work.kind == Kind::Queue).then_some(Latency {
                        p50: 1.0,
                        p90: cost,
                        p99: cost,
                        max: cost,
                    }),
                    turns: None,
                    allocs_per_req: None,
                    idle: (work.kind == Kind::Idle).then_some(Idle {
                        heap_per_socket: cost,
                        wakeups: 0,
                        sockets: 1,
                    }),
                },
                sockets: cost as u64,
                handshakes: 0,
                server_cpu_us: None,
            })
            .collect();
        Report {
            machine: Machine::look(),
            versions: BTreeMap::new(),
            command: "the command".into(),
            pace: Pace::FULL,
            rows: figures::rows(&samples),
            skipped: Vec::new(),
            failed: Vec::new(),
        }
    }

    #[test]
    fn every_mark_of_the_pages_is_filled_after_a_whole_run() {
        let report = report(&[("raw", 5.0), ("keepalive", 6.0), ("hyper-util", 8.0)]);
        for page in [include_str!("../../../BENCHMARKS.md"), include_str!("../../../README.md")] {
            let filled = pages::fill(page, &parts(&report)).unwrap();
            assert!(filled.contains("**keepalive** | 6.00"));
            assert!(!filled.contains("Not measured."), "{filled}");
        }
    }

    #[test]
    fn a_whole_run_leaves_the_figures_and_every_chart_that_the_pages_show() {
        let root = std::env::temp_dir().join(format!("keepalive-bench-report-{}", std::process::id()));
        fs::create_dir_all(root.join("bench")).unwrap();
        let pages = [
            ("BENCHMARKS.md", include_str!("../../../BENCHMARKS.md")),
            ("README.md", include_str!("../../../README.md")),
        ];
        for (page, text) in pages {
            fs::write(root.join(page), text).unwrap();
        }
        publish(&report(&[("raw", 5.0), ("keepalive", 6.0)]), &root.join("bench")).unwrap();
        let summary = fs::read(root.join("bench/results/summary.json")).unwrap();
        let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
        assert_eq!((&summary["v"], &summary["rows"][0]["work"]), (&1.into(), &WORKS[0].name.into()));
        let mut shown = 0;
        for (page, _) in pages {
            let text = fs::read_to_string(root.join(page)).unwrap();
            for chart in text.split("](").filter_map(|after| after.split_once(".svg)")) {
                let path = root.join(format!("{}.svg", chart.0));
                assert!(path.exists(), "{page} shows {}", path.display());
                shown += 1;
            }
        }
        assert!(shown >= 2, "each page shows a chart");
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn the_summary_says_who_is_ahead_of_us_and_no_limit() {
        let beaten = |rival| {
            let report = report(&[("raw", 5.0), ("keepalive", 6.0), ("hyper-util", rival)]);
            let parts = sections::all(&report);
            parts.into_iter().find(|(name, _)| name == "beaten").unwrap().1
        };
        assert_eq!(beaten(6.5), "Nowhere in this run.");
        let lines = beaten(5.5);
        assert!(
            lines.contains(
                "- small GET, 64 sockets, µs of CPU time per request: `hyper-util` 5.50; keepalive 6.00"
            ),
            "{lines}"
        );
        assert!(
            lines.contains("- 10,000 idle sockets, bytes of heap per socket: `hyper-util` 5.50;"),
            "{lines}"
        );
    }
}

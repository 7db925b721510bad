//! The demo as one line of JSON.

use serde::Serialize;

use super::times::{ms, quantile_ms};
use crate::demo::Run;

#[derive(Serialize)]
struct Report {
    v: u32,
    runs: Vec<RunReport>,
}

#[derive(Serialize)]
struct RunReport {
    name: &'static str,
    requests: usize,
    failed: usize,
    sockets_opened: u64,
    max_open: usize,
    reused: usize,
    queue_ms: Quantiles,
    wall_ms: f64,
}

#[derive(Serialize)]
struct Quantiles {
    p50: f64,
    p95: f64,
}

/// The whole report, with its line end.
pub(crate) fn render(runs: &[Run]) -> String {
    let report = Report { v: 1, runs: runs.iter().map(RunReport::of).collect() };
    let json = serde_json::to_string(&report).expect("numbers and names are always JSON");
    json + "\n"
}

impl RunReport {
    fn of(run: &Run) -> Self {
        Self {
            name: run.way.name(),
            requests: run.requests,
            failed: run.failed,
            sockets_opened: run.opened,
            max_open: run.max_open,
            reused: run.reused,
            queue_ms: Quantiles { p50: quantile_ms(&run.queue, 0.5), p95: quantile_ms(&run.queue, 0.95) },
            wall_ms: ms(run.wall),
        }
    }
}

//! The demo as a table for people.

use super::percent_text;
use super::times::{ms, ms_text, quantile_ms};
use crate::demo::Run;

/// The table: words to the left, numbers to the right, a line for each run.
pub(crate) fn render(runs: &[Run]) -> String {
    let head = HEAD.map(str::to_owned);
    let rule = || [const { String::new() }; COLUMNS];
    let mut rows = vec![head, rule()];
    rows.extend(runs.iter().map(row));
    let mut widths = [0; COLUMNS];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len());
        }
    }
    rows[1] = widths.map(|width| "-".repeat(width));
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn row(run: &Run) -> [String; COLUMNS] {
    [
        run.way.label().to_owned(),
        run.requests.to_string(),
        run.failed.to_string(),
        run.opened.to_string(),
        run.max_open.to_string(),
        percent_text(run.reused, run.answered()),
        ms_text(quantile_ms(&run.queue, 0.5)),
        ms_text(quantile_ms(&run.queue, 0.95)),
        ms_text(ms(run.wall)),
    ]
}

fn line(row: &[String; COLUMNS], widths: &[usize; COLUMNS]) -> String {
    let mut line = format!("{:<width$}", row[0], width = widths[0]);
    for (cell, width) in row.iter().zip(widths).skip(1) {
        line.push_str(&format!("  {cell:>width$}"));
    }
    line + "\n"
}

const COLUMNS: usize = 9;

const HEAD: [&str; COLUMNS] = [
    "",
    "requests",
    "failed",
    "sockets opened",
    "most open at once",
    "reused",
    "queue p50",
    "queue p95",
    "wall time",
];

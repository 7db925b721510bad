//! What is said after a fetch.

use keepalive::Totals;

use super::times::{ms_text, quantile_ms};
use super::{note, percent_text};
use crate::exit::Exit;
use crate::fetch::Tally;

/// Prints it to standard error.
pub(crate) fn print(tally: &Tally, totals: &Totals, stopped: Option<Exit>) {
    let opened = totals.opened - totals.failed_dials;
    note(&render(tally, opened, stopped));
}

fn render(tally: &Tally, opened: u64, stopped: Option<Exit>) -> String {
    let mut text = format!("requests {}, failed {}", tally.requests, tally.failed);
    if let Some(exit) = stopped {
        let signal = if exit == Exit::Terminated { "SIGTERM" } else { "SIGINT" };
        text.push_str(&format!(", stopped by {signal} with {} in flight", tally.abandoned));
    }
    text.push_str(&format!(
        "\nsockets opened {opened} (perfect keep-alive: {}), reused {}",
        tally.perfect(),
        percent_text(tally.reused, tally.answered)
    ));
    if !tally.total.is_empty() {
        let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|at| ms_text(quantile_ms(&tally.total, at)));
        text.push_str(&format!("\ntotal time p50 {p50}, p95 {p95}, p99 {p99}"));
    }
    text
}

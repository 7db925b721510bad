//! Which charts there are, and what each shows.

use super::Report;
use super::markdown::{OURS, grouped, number};
use super::sections::of;
use super::svg::{Bar, Chart, Paint};
use crate::figures::Row;
use crate::work::{Kind, WORKS, Work};

pub(super) struct Drawn {
    /// Of its file, and stable.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) picture: String,
}

/// A chart for each work that was done.
pub(super) fn all(report: &Report) -> Vec<Drawn> {
    WORKS.iter().filter_map(|work| one(report, work)).collect()
}

fn one(report: &Report, work: &'static Work) -> Option<Drawn> {
    let rows = of(&report.rows, work.name);
    let rounds = rows.iter().map(|row| row.rounds).max()?;
    let of_rounds = match rounds {
        1 => "one round".to_owned(),
        rounds => format!("median of {rounds} rounds, line: least to most"),
    };
    let cpu_unit = format!("CPU time of the client for one request, µs; {of_rounds}");
    let (name, unit) = match work.kind {
        Kind::Steady => (work.name, cpu_unit.as_str()),
        Kind::Queue => ("queue", "p99 of the time of a request, divided by its p50; 1 is fair"),
        Kind::Cold | Kind::ColdCapped => (work.name, "sockets opened"),
        Kind::Idle if work.tls => ("idle_heap_tls", "bytes of heap for each idle socket"),
        Kind::Idle => ("idle_heap", "bytes of heap for each idle socket"),
    };
    let mut bars: Vec<_> = rows.into_iter().filter_map(bar).collect();
    bars.sort_by(|a, b| a.value.total_cmp(&b.value));
    let chart = Chart {
        title: work.title.to_owned(),
        unit: format!("{unit}. Shorter is better."),
        source: [report.command.clone(), report.machine.sentence()],
        bars,
    };
    Some(Drawn { name, title: work.title, picture: chart.draw() })
}

fn bar(row: &Row) -> Option<Bar> {
    let (value, text, spread) = match row.work.kind {
        Kind::Steady => {
            let ratio = row.ratio_to_limit.filter(|_| row.client != row.work.limit());
            let ratio = ratio.map_or_else(String::new, |ratio| format!(" ({ratio:.2} of the limit)"));
            let text = number(row.cpu_us_per_req) + &ratio;
            (row.cpu_us_per_req, text, Some((row.cpu_us_min, row.cpu_us_max)))
        }
        Kind::Queue => {
            let ratio = row.latency_us?.p99_over_p50;
            (ratio, number(ratio), None)
        }
        Kind::Cold | Kind::ColdCapped => (row.sockets_opened as f64, row.sockets_opened.to_string(), None),
        Kind::Idle => {
            let heap = row.idle?.heap_per_socket;
            (heap, grouped(heap), None)
        }
    };
    let paint = match row.client {
        OURS => Paint::Ours,
        client if client == row.work.limit() => Paint::Limit,
        _ => Paint::Rival,
    };
    Some(Bar { label: row.client.to_owned(), value, spread, text, paint })
}

//! The parts of the report, each with the name of its place in the pages.

use super::Report;
use super::markdown::{OURS, Table, client, grouped, number, one_line, or_dash};
use crate::figures::{Row, Waits};
use crate::work::{Kind, WORKS, Work};

/// All parts that there is something to say in, in the order of the page.
pub(super) fn all(report: &Report) -> Vec<(String, String)> {
    let rows = &report.rows;
    let parts = [
        ("machine", Some(machine(report))),
        ("small", matrix(rows, &SMALL)),
        ("bodies", matrix(rows, &BODIES)),
        ("tls_http2", matrix(rows, &TLS_HTTP2)),
        ("queue", each(rows, Kind::Queue, queue)),
        ("cold", join([each(rows, Kind::Cold, cold), each(rows, Kind::ColdCapped, cold)])),
        ("idle", each(rows, Kind::Idle, idle)),
        ("beaten", beaten(rows)),
        ("every", every(rows)),
        ("missing", Some(missing(report))),
    ];
    parts
        .into_iter()
        .filter_map(|(name, text)| Some((name.to_owned(), text?.trim_end().to_owned())))
        .collect()
}

fn machine(report: &Report) -> String {
    let versions: Vec<_> =
        report.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    format!(
        "- Machine: {}\n- Command: `{}`\n- {}\n- Versions: {}",
        report.machine.sentence(),
        report.command,
        report.pace.sentence(),
        versions.join(", ")
    )
}

/// For the README: little, and where it comes from.
pub(super) fn short(report: &Report) -> Option<String> {
    let rows = of(&report.rows, SHORT);
    let title = rows.first()?.work.title;
    let mut table = Table::new([title, "CPU µs per request", "requests per CPU second", "of the limit"]);
    for row in rows {
        let speed = grouped(1e6 / row.cpu_us_per_req);
        table.row([client(row.client), number(row.cpu_us_per_req), speed, ratio(row)]);
    }
    Some(format!("{}\n`{}`: {}", table.end(), report.command, report.machine.sentence()))
}

/// The rows of one work, the cheapest first.
pub(super) fn of<'a>(rows: &'a [Row], work: &str) -> Vec<&'a Row> {
    let mut rows: Vec<_> = rows.iter().filter(|row| row.work.name == work).collect();
    rows.sort_by(|a, b| a.cpu_us_per_req.total_cmp(&b.cpu_us_per_req));
    rows
}

fn detail(rows: &[Row], work: &str) -> Option<String> {
    let rows = of(rows, work);
    let title = rows.first()?.work.title;
    let allocs = rows.iter().any(|row| row.allocs_per_req.is_some());
    let mut columns = vec![
        title,
        "CPU µs per request",
        "min–max",
        "requests per CPU second",
        "requests per second",
        "min–max",
        "of the limit",
        "server's CPU µs",
    ];
    columns.extend(allocs.then_some("allocations"));
    let mut table = Table::new(columns);
    for row in rows {
        let mut cells = vec![
            client(row.client),
            number(row.cpu_us_per_req),
            format!("{}–{}", number(row.cpu_us_min), number(row.cpu_us_max)),
            grouped(1e6 / row.cpu_us_per_req),
            grouped(row.req_per_s),
            format!("{}–{}", grouped(row.req_per_s_min), grouped(row.req_per_s_max)),
            ratio(row),
            or_dash(row.server_cpu_us_per_req.map(number)),
        ];
        cells.extend(allocs.then(|| or_dash(row.allocs_per_req.map(number))));
        table.row(cells);
    }
    Some(table.end())
}

/// Several works beside each other: CPU time for a request, and the ratio to the limit.
fn matrix(rows: &[Row], works: &[&str]) -> Option<String> {
    let works: Vec<&Work> = works
        .iter()
        .filter_map(|name| Work::named(name))
        .filter(|work| rows.iter().any(|row| row.work.name == work.name))
        .collect();
    let mut clients: Vec<&str> = Vec::new();
    for work in &works {
        for row in of(rows, work.name) {
            if !clients.contains(&row.client) {
                clients.push(row.client);
            }
        }
    }
    let mut table = Table::new(
        std::iter::once("CPU µs per request (of the limit)").chain(works.iter().map(|work| work.title)),
    );
    for name in clients {
        let cells = works.iter().map(|work| {
            let row = rows.iter().find(|row| row.work.name == work.name && row.client == name);
            or_dash(row.map(|row| format!("{} ({})", number(row.cpu_us_per_req), ratio(row))))
        });
        table.row(std::iter::once(client(name)).chain(cells));
    }
    // Of one alone there is a table with more in it.
    (works.len() > 1).then(|| table.end())
}

fn queue(rows: &[&Row], title: &str) -> String {
    let columns = [
        title,
        "p50 ms",
        "p90 ms",
        "p99 ms",
        "max ms",
        "p99/p50",
        "p50 turns",
        "p99 turns",
        "max turns",
        "p99/p50 of turns",
        "CPU µs per request",
    ];
    let mut table = Table::new(columns);
    for row in rows {
        let Some(times) = row.latency_us else { continue };
        let ms = |us: f64| number(us / 1e3);
        let [p50, p90, p99, max] = [times.p50, times.p90, times.p99, times.max].map(ms);
        let ratio = number(times.p99_over_p50);
        let turns = |pick: fn(&Waits) -> String| or_dash(row.turns.as_ref().map(pick));
        table.row([
            client(row.client),
            p50,
            p90,
            p99,
            max,
            ratio,
            turns(|turns| grouped(turns.p50)),
            turns(|turns| grouped(turns.p99)),
            turns(|turns| grouped(turns.max)),
            turns(|turns| number(turns.p99_over_p50)),
            number(row.cpu_us_per_req),
        ]);
    }
    table.end()
}

fn cold(rows: &[&Row], title: &str) -> String {
    let mut table = Table::new([title, "sockets opened", "TLS handshakes", "CPU ms in all", "ms in all"]);
    for row in rows {
        let requests = row.work.tasks as f64;
        table.row([
            client(row.client),
            row.sockets_opened.to_string(),
            if row.work.tls { row.tls_handshakes.to_string() } else { or_dash(None) },
            number(row.cpu_us_per_req * requests / 1e3),
            number(requests / row.req_per_s * 1e3),
        ]);
    }
    table.end()
}

fn idle(rows: &[&Row], title: &str) -> String {
    let mut table = Table::new([title, "heap bytes per socket", "wake-ups", "sockets"]);
    for row in rows {
        let Some(idle) = row.idle else { continue };
        let (heap, sockets) = (grouped(idle.heap_per_socket), grouped(idle.sockets as f64));
        table.row([client(row.client), heap, idle.wakeups.to_string(), sockets]);
    }
    table.end()
}

/// Where another client takes less than ours, of what the work is about.
fn beaten(rows: &[Row]) -> Option<String> {
    let mut ran = false;
    let mut lines = Vec::new();
    for ours in rows.iter().filter(|row| row.client == OURS) {
        ran = true;
        let (our, unit) = weight(ours);
        let rivals = of(rows, ours.work.name).into_iter().filter(|row| row.client != row.work.limit());
        let mut ahead: Vec<_> =
            rivals.map(|row| (weight(row).0, row.client)).filter(|row| row.0 < our).collect();
        ahead.sort_by(|a, b| a.0.total_cmp(&b.0));
        let ahead: Vec<_> = ahead.iter().map(|(its, name)| format!("`{name}` {}", number(*its))).collect();
        if !ahead.is_empty() {
            let (title, ahead) = (ours.work.title, ahead.join(", "));
            lines.push(format!("- {title}, {unit}: {ahead}; keepalive {}", number(our)));
        }
    }
    ran.then(|| if lines.is_empty() { "Nowhere in this run.".into() } else { lines.join("\n") })
}

/// What a work is about, less being better, and its unit.
fn weight(row: &Row) -> (f64, &'static str) {
    match (row.work.kind, row.latency_us, row.idle) {
        (Kind::Queue, Some(times), _) => (times.p99_over_p50, "p99/p50"),
        (Kind::Idle, _, Some(idle)) => (idle.heap_per_socket, "bytes of heap per socket"),
        (Kind::Cold | Kind::ColdCapped, ..) => (row.sockets_opened as f64, "sockets"),
        _ => (row.cpu_us_per_req, "µs of CPU time per request"),
    }
}

/// One table for each work of a kind.
fn each(rows: &[Row], kind: Kind, table: fn(&[&Row], &str) -> String) -> Option<String> {
    let tables = Work::of(kind).map(|work| {
        let rows = of(rows, work.name);
        (!rows.is_empty()).then(|| table(&rows, work.title))
    });
    join(tables)
}

fn every(rows: &[Row]) -> Option<String> {
    join(WORKS.iter().filter(|work| work.kind == Kind::Steady).map(|work| detail(rows, work.name)))
}

fn join(parts: impl IntoIterator<Item = Option<String>>) -> Option<String> {
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("\n"))
}

/// What has no row, or fewer runs than the others, and why.
fn missing(report: &Report) -> String {
    let skipped = report
        .skipped
        .iter()
        .map(|skipped| format!("- `{}` was skipped: {}", skipped.client, one_line(&skipped.why)));
    // Clients that failed in the same way share a line.
    let mut failed: Vec<(String, Vec<String>)> = Vec::new();
    for run in &report.failed {
        let how = format!("`{}`, round {}: {}", run.work, run.round, one_line(&run.why));
        let client = format!("`{}`", run.client);
        match failed.iter_mut().find(|(other, _)| *other == how) {
            Some((_, clients)) => clients.push(client),
            None => failed.push((how, vec![client])),
        }
    }
    let failed = failed.into_iter().map(|(how, clients)| format!("- {} failed at {how}", clients.join(", ")));
    let lines: Vec<_> = skipped.chain(failed).collect();
    if lines.is_empty() { "No client was skipped and no run failed.".into() } else { lines.join("\n") }
}

fn ratio(row: &Row) -> String {
    or_dash(row.ratio_to_limit.map(|ratio| format!("{ratio:.2}")))
}

const SHORT: &str = "get_small_64_1t";

const SMALL: [&str; 5] =
    ["get_small_1_1t", "get_small_16_1t", "get_small_64_1t", "get_small_256_1t", "get_small_64_2t"];

const BODIES: [&str; 6] =
    ["post_4k_64_1t", "get_64k_64_1t", "chunked_64k_64_1t", "post_64k_64_1t", "get_8m_4_1t", "post_8m_4_1t"];

const TLS_HTTP2: [&str; 3] = ["tls_get_small_64_1t", "h2c_get_small_1x64_1t", "h2_tls_get_small_1x64_1t"];

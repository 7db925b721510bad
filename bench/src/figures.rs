//! From the runs to the figures of a row: medians and how far they spread.

use serde::Serialize;

use crate::job::{Idle, Latency, Turns};
use crate::rounds::Sample;
use crate::work::Work;

/// What a client did at a work, over all rounds. The names are those of `summary.json`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    #[serde(rename = "work", serialize_with = "name_alone")]
    pub(crate) work: &'static Work,
    pub(crate) client: &'static str,
    pub(crate) req_per_s: f64,
    pub(crate) req_per_s_min: f64,
    pub(crate) req_per_s_max: f64,
    pub(crate) cpu_us_per_req: f64,
    pub(crate) cpu_us_min: f64,
    pub(crate) cpu_us_max: f64,
    /// The limit's CPU time divided by this client's, in the same round; the median over the rounds.
    pub(crate) ratio_to_limit: Option<f64>,
    pub(crate) rounds: usize,
    /// The most that any round opened.
    pub(crate) sockets_opened: u64,
    pub(crate) tls_handshakes: u64,
    pub(crate) server_cpu_us_per_req: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allocs_per_req: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) latency_us: Option<Times>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) turns: Option<Waits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) idle: Option<Idle>,
}

/// Medians over the rounds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Times {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
    pub(crate) p99_over_p50: f64,
}

/// As [`Times`], in other requests that were done meanwhile.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Waits {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
    pub(crate) p99_over_p50: f64,
}

/// One row for each work and client that has a run, in the order of `samples`' first round.
pub(crate) fn rows(samples: &[Sample]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for sample in samples {
        if !rows.iter().any(|row| row.work.name == sample.work.name && row.client == sample.client) {
            rows.push(row(samples, sample.work, sample.client));
        }
    }
    rows
}

fn row(samples: &[Sample], work: &'static Work, client: &'static str) -> Row {
    let of =
        |name| samples.iter().filter(move |sample| sample.work.name == work.name && sample.client == name);
    let all = || of(client);
    let speed = Spread::of(all().map(Sample::req_per_s)).expect("there is a run");
    let cpu = Spread::of(all().map(Sample::cpu_us)).expect("there is a run");
    let ratios = all().filter_map(|sample| {
        let limit = of(work.limit()).find(|limit| limit.round == sample.round)?;
        Some(limit.cpu_us() / sample.cpu_us())
    });
    let time =
        |pick: fn(&Latency) -> f64| median(all().filter_map(|s| s.outcome.latency_us.as_ref().map(pick)));
    let times = || {
        Some(Times {
            p50: time(|times| times.p50)?,
            p90: time(|times| times.p90)?,
            p99: time(|times| times.p99)?,
            max: time(|times| times.max)?,
            p99_over_p50: time(|times| times.p99 / times.p50)?,
        })
    };
    let turn = |pick: fn(&Turns) -> f64| median(all().filter_map(|s| s.outcome.turns.as_ref().map(pick)));
    let turns = || {
        Some(Waits {
            p50: turn(|turns| turns.p50)?,
            p99: turn(|turns| turns.p99)?,
            max: turn(|turns| turns.max)?,
            // Of a client that is asked by one task at a time none is done meanwhile.
            p99_over_p50: turn(|turns| turns.p99.max(1.0) / turns.p50.max(1.0))?,
        })
    };
    Row {
        work,
        client,
        req_per_s: speed.median,
        req_per_s_min: speed.min,
        req_per_s_max: speed.max,
        cpu_us_per_req: cpu.median,
        cpu_us_min: cpu.min,
        cpu_us_max: cpu.max,
        ratio_to_limit: median(ratios),
        rounds: all().count(),
        sockets_opened: all().map(|sample| sample.sockets).max().unwrap_or(0),
        tls_handshakes: all().map(|sample| sample.handshakes).max().unwrap_or(0),
        server_cpu_us_per_req: median(all().filter_map(|sample| sample.server_cpu_us)),
        allocs_per_req: median(all().filter_map(|sample| sample.outcome.allocs_per_req)),
        latency_us: times(),
        turns: turns(),
        idle: all().find_map(|sample| sample.outcome.idle),
    }
}

impl Sample {
    fn req_per_s(&self) -> f64 {
        self.outcome.requests as f64 / self.outcome.wall_s
    }

    /// Of the client, for a request.
    fn cpu_us(&self) -> f64 {
        self.outcome.cpu_s * 1e6 / self.outcome.requests as f64
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Spread {
    min: f64,
    median: f64,
    max: f64,
}

impl Spread {
    /// Nothing of nothing.
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        let middle = values.len() / 2;
        let median =
            if values.len() % 2 == 1 { values[middle] } else { values[middle - 1].midpoint(values[middle]) };
        Some(Self { min, median, max })
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    Spread::of(values).map(|spread| spread.median)
}

fn name_alone<S: serde::Serializer>(work: &Work, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(work.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Outcome;

    fn sample(client: &'static str, round: u32, requests: u64, cpu_s: f64) -> Sample {
        let outcome = Outcome {
            requests,
            body_bytes: requests * 12,
            errors: 0,
            wall_s: 0.5,
            cpu_s,
            latency_us: None,
            turns: None,
            allocs_per_req: None,
            idle: None,
        };
        let work = Work::named("get_small_64_1t").expect("it is in the table");
        Sample { work, client, round, outcome, sockets: 64, handshakes: 0, server_cpu_us: None }
    }

    #[test]
    fn the_median_of_an_odd_and_an_even_number() {
        let of = |values: &[f64]| Spread::of(values.iter().copied());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[3.0]), Some(Spread { min: 3.0, median: 3.0, max: 3.0 }));
        assert_eq!(of(&[9.0, 1.0, 2.0]), Some(Spread { min: 1.0, median: 2.0, max: 9.0 }));
        assert_eq!(of(&[9.0, 1.0, 2.0, 4.0]), Some(Spread { min: 1.0, median: 3.0, max: 9.0 }));
    }

    #[test]
    fn a_ratio_compares_runs_of_one_round() {
        // A slow second round for both: 0.5, 0.5, and 0.25 in the third.
        let samples = [
            sample("raw", 0, 100_000, 0.5),
            sample("keepalive", 0, 50_000, 0.5),
            sample("raw", 1, 10_000, 0.5),
            sample("keepalive", 1, 5_000, 0.5),
            sample("raw", 2, 100_000, 0.5),
            sample("keepalive", 2, 25_000, 0.5),
        ];
        let rows = rows(&samples);
        assert_eq!(rows.iter().map(|row| row.client).collect::<Vec<_>>(), ["raw", "keepalive"]);
        assert_eq!(rows[0].ratio_to_limit, Some(1.0));
        assert_eq!(rows[1].ratio_to_limit, Some(0.5));
        assert_eq!((rows[1].cpu_us_min, rows[1].cpu_us_per_req, rows[1].cpu_us_max), (10.0, 20.0, 100.0));
        assert_eq!((rows[1].req_per_s, rows[1].rounds), (50_000.0, 3));
    }

    #[test]
    fn turns_are_told_where_they_were_counted() {
        let mut counted = [100.0, 300.0, 900.0].map(|p99| {
            let mut sample = sample("keepalive", 0, 100, 0.5);
            sample.outcome.turns = Some(Turns { p50: 100.0, p99, max: p99 + 1.0 });
            sample
        });
        counted.iter_mut().zip(0..).for_each(|(sample, round)| sample.round = round);
        let samples = [&counted[..], &[sample("go", 0, 100, 0.5)]].concat();
        let rows = rows(&samples);
        let json = serde_json::to_value(&rows).unwrap();
        let expected = serde_json::json!({"p50": 100.0, "p99": 300.0, "max": 301.0, "p99_over_p50": 3.0});
        assert_eq!(json[0]["turns"], expected);
        assert!(json[1].get("turns").is_none());
    }

    #[test]
    fn a_round_that_the_limit_failed_in_has_no_ratio() {
        let rows = rows(&[sample("raw", 1, 100, 0.5), sample("keepalive", 0, 100, 0.5)]);
        assert_eq!(rows[1].ratio_to_limit, None);
        assert_eq!(rows[1].cpu_us_per_req, 5000.0);
    }

    #[test]
    fn the_summary_has_the_names_that_its_readers_know() {
        let rows = rows(&[sample("raw", 0, 100_000, 0.5)]);
        let json = serde_json::to_value(&rows[0]).unwrap();
        for name in
            ["req_per_s", "req_per_s_min", "req_per_s_max", "cpu_us_per_req", "cpu_us_min", "cpu_us_max"]
        {
            assert!(json[name].is_f64(), "{name} in {json}");
        }
        assert_eq!((json["work"].as_str(), json["client"].as_str()), (Some("get_small_64_1t"), Some("raw")));
        assert_eq!((json["ratio_to_limit"].as_f64(), json["rounds"].as_u64()), (Some(1.0), Some(1)));
    }
}

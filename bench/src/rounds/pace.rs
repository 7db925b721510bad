//! How many rounds and how long each run: by what was asked for, or so that it ends in time.

use std::time::Duration;

use serde::Serialize;

use crate::clients::Contestant;
use crate::work::{Kind, Work};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Pace {
    pub(crate) rounds: u32,
    warm_ms: u64,
    /// The warm-up of what is compiled while it runs.
    slow_warm_ms: u64,
    run_ms: u64,
}

impl Pace {
    pub(crate) const FULL: Self = Self { rounds: 7, warm_ms: 150, slow_warm_ms: 1500, run_ms: 400 };

    /// As long runs as `time` allows, and as many rounds of runs that are long enough. `rounds`: so many
    /// and no others.
    pub(crate) fn within(time: Duration, pairs: &[(&Work, &Contestant)], rounds: Option<u32>) -> Self {
        let quick = Self { rounds: 1, warm_ms: 80, slow_warm_ms: 600, run_ms: 0 };
        let fixed: Duration = pairs.iter().map(|(work, client)| START + quick.time(work, client)).sum();
        let timed = pairs.iter().filter(|(work, _)| is_timed(work)).count().max(1) as u32;
        let with = |rounds: u32| {
            let run = (time / rounds).saturating_sub(fixed) / timed;
            Self { rounds, run_ms: (run.as_millis() as u64).clamp(SHORTEST_MS, Self::FULL.run_ms), ..quick }
        };
        rounds.map(with).unwrap_or_else(|| {
            let more = (2..=Self::FULL.rounds).rev().map(with);
            more.into_iter().find(|pace| pace.run_ms >= GOOD_MS).unwrap_or_else(|| with(1))
        })
    }

    pub(crate) fn warm_ms(&self, client: &Contestant) -> u64 {
        if client.warms_up_slowly() { self.slow_warm_ms } else { self.warm_ms }
    }

    pub(crate) fn run_ms(&self) -> u64 {
        self.run_ms
    }

    /// What a run takes that does as it is told.
    pub(crate) fn time(&self, work: &Work, client: &Contestant) -> Duration {
        let ms = if is_timed(work) { self.warm_ms(client) + self.run_ms } else { 0 };
        Duration::from_millis(ms)
    }

    /// As people read it.
    pub(crate) fn sentence(&self) -> String {
        let Self { rounds, warm_ms, slow_warm_ms, run_ms } = self;
        let rounds = if *rounds == 1 { "1 round".into() } else { format!("{rounds} rounds") };
        format!("{rounds}; each run {run_ms} ms after {warm_ms} ms of warm-up ({slow_warm_ms} ms for Node)")
    }
}

fn is_timed(work: &Work) -> bool {
    matches!(work.kind, Kind::Steady | Kind::Queue)
}

/// For the start of a process and its end; Node's take longest.
const START: Duration = Duration::from_millis(80);

/// Below this a run is too short for the clocks of CPU time.
const SHORTEST_MS: u64 = 40;

/// From here on another round says more than a longer run.
const GOOD_MS: u64 = 150;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{client, clients};

    /// What `within` gives for so many runs of clients in Rust.
    fn within(seconds: u64, runs: usize, rounds: Option<u32>) -> (Pace, Duration) {
        let in_rust = |name: &str| client::CLIENTS.iter().any(|(about, _)| about.name == name);
        let (clients, _) = clients::gather(Path::new(""), Path::new(""), in_rust);
        let work = Work::named("get_small_64_1t").expect("it is in the table");
        let pairs: Vec<_> = clients.iter().cycle().take(runs).map(|client| (work, client)).collect();
        let pace = Pace::within(Duration::from_secs(seconds), &pairs, rounds);
        let round: Duration = pairs.iter().map(|(work, client)| START + pace.time(work, client)).sum();
        (pace, round * pace.rounds)
    }

    #[test]
    fn few_runs_are_as_many_and_as_long_as_in_full() {
        let (pace, _) = within(100, 4, None);
        assert_eq!((pace.rounds, pace.run_ms), (Pace::FULL.rounds, Pace::FULL.run_ms));
    }

    #[test]
    fn many_runs_are_short_and_once_and_end_in_time() {
        let (pace, takes) = within(100, 400, None);
        assert_eq!(pace.rounds, 1);
        assert!(pace.run_ms > SHORTEST_MS && pace.run_ms < GOOD_MS, "{pace:?}");
        assert!(takes <= Duration::from_secs(100), "{takes:?}");
    }

    #[test]
    fn between_them_rounds_come_before_longer_runs() {
        let (pace, takes) = within(100, 100, None);
        assert!(pace.rounds > 1 && pace.run_ms >= GOOD_MS && pace.run_ms < Pace::FULL.run_ms, "{pace:?}");
        assert!(takes <= Duration::from_secs(100), "{takes:?}");
    }

    #[test]
    fn rounds_that_are_asked_for_are_made() {
        let (pace, _) = within(1, 400, Some(9));
        assert_eq!((pace.rounds, pace.run_ms), (9, SHORTEST_MS));
    }
}

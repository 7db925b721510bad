//! Which runs are made.
//!
//! `KEEPALIVE_TORTURE` not set: as many of each workload as [`RUNS`] says, spread evenly over all.
//! `KEEPALIVE_TORTURE=all`: every one. `KEEPALIVE_TORTURE=read/cut/7`: that one. What comes second is drawn by
//! `KEEPALIVE_SEED`.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::fault::{Dropped, Fault, Misfortune, Op};
use super::rig::{self, Run};
use super::workloads::Workload;
use crate::Phase;

/// Runs a workload well, and then with each misfortune that is chosen.
pub(super) fn torture(workload: &Workload) {
    let well = rig::run(workload, &Misfortune::default());
    let all = misfortunes(&well);
    let chosen = chosen(&all);
    let mut tally = Tally::default();
    for misfortune in &chosen {
        match catch_unwind(AssertUnwindSafe(|| rig::run(workload, misfortune))) {
            Ok(run) => tally.add(&run),
            Err(panic) => {
                let test = format!("torture::workloads::{}", workload.name);
                eprintln!(
                    "to repeat: KEEPALIVE_TORTURE={misfortune} cargo test -p keepalive --lib {test} -- --exact"
                );
                resume_unwind(panic);
            }
        }
    }
    let counts = Op::ALL.iter().zip(well.counts).map(|(op, count)| format!("{op:?} {count}"));
    let counts = counts.collect::<Vec<_>>().join(", ").to_lowercase();
    println!("{}: {} requests; {counts}", workload.name, well.outcomes.len());
    println!("{}: {} of {} runs; {tally:?}", workload.name, chosen.len(), all.len());
    // The kernel may bring it about that there are fewer operations than in the first run, looks above all.
    let (met, runs) = (tally.alone.met, tally.alone.runs);
    assert!(met * 4 >= runs * 3, "the faults of too many runs met nothing: {tally:?}");
}

/// Each operation of a run in each way, alone and with a second misfortune.
fn misfortunes(run: &Run) -> Vec<Misfortune> {
    let mut faults = Vec::new();
    for (op, count) in Op::ALL.into_iter().zip(run.counts) {
        for &way in op.ways() {
            faults.extend((1..=count).map(|at| Fault { op, way, at }));
        }
    }
    let mut draw = Draw(env::var("KEEPALIVE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0));
    let mut all = Vec::new();
    for &fault in &faults {
        all.push(Misfortune { faults: vec![fault], dropped: None });
        all.push(if draw.below(2) == 0 {
            let dropped = Dropped { nth: draw.below(run.outcomes.len()), polls: 1 + draw.below(MOST_POLLS) };
            Misfortune { faults: vec![fault], dropped: Some(dropped) }
        } else {
            Misfortune { faults: vec![fault, faults[draw.below(faults.len())]], dropped: None }
        });
    }
    all
}

fn chosen(all: &[Misfortune]) -> Vec<Misfortune> {
    match env::var("KEEPALIVE_TORTURE") {
        Ok(which) if which == "all" => all.to_vec(),
        Ok(which) => vec![Misfortune::parse(&which).expect("`all`, or as a run is named that failed")],
        // An odd step: those alone and those with a second one take turns.
        Err(_) => all.iter().step_by(all.len().div_ceil(RUNS) | 1).cloned().collect(),
    }
}

/// Numbers of which each follows from the seed (splitmix64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) as usize % limit
    }
}

/// What came of all runs.
#[derive(Debug, Default)]
struct Tally {
    /// With one fault.
    alone: Share,
    /// With a second misfortune.
    second: Share,
    requests: usize,
    dropped: usize,
    queue: usize,
    connect: usize,
    tls: usize,
    send: usize,
    wait: usize,
    receive: usize,
}

/// How many runs there were, and in how many of them every fault met its operation.
#[derive(Debug, Default)]
struct Share {
    runs: usize,
    met: usize,
}

impl Tally {
    fn add(&mut self, run: &Run) {
        let share = if run.is_alone { &mut self.alone } else { &mut self.second };
        share.runs += 1;
        share.met += usize::from(run.fired);
        self.requests += run.outcomes.len();
        for outcome in &run.outcomes {
            match &outcome.end {
                None => self.dropped += 1,
                Some(Ok(_)) => {}
                Some(Err(error)) => match error.phase() {
                    Phase::Prepare => unreachable!("nothing is wrong with the requests"),
                    Phase::Queue => self.queue += 1,
                    Phase::Connect => self.connect += 1,
                    Phase::Tls => self.tls += 1,
                    Phase::Send => self.send += 1,
                    Phase::Wait => self.wait += 1,
                    Phase::Receive => self.receive += 1,
                },
            }
        }
    }
}

/// So many runs of a workload, where not all are wanted.
const RUNS: usize = 100;

/// A request is dropped after so many polls at most: about as many as it takes.
const MOST_POLLS: usize = 4;

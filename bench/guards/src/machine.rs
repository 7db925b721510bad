//! The pool's state machine: what its steps cost beside 10 to 100,000 waiters, origins and idle sockets.

use std::hint::black_box;
use std::time::Instant;

use keepalive::unstable::{Crowd, Machine, Work};

use super::alloc::counts;
use super::callgrind::{self, Counted};
use super::{Figure, Rule};

/// What is done beside many of what.
const CASES: [(Work, Crowd, &str); 13] = [
    (Work::CheckOut, Crowd::Waiters, "check_out.waiters"),
    (Work::CheckOut, Crowd::Origins, "check_out.origins"),
    (Work::CheckOut, Crowd::Idle, "check_out.idle"),
    (Work::CheckOutHinted, Crowd::Idle, "check_out_hinted.idle"),
    (Work::HandOver, Crowd::Waiters, "hand_over.waiters"),
    (Work::HandOver, Crowd::Origins, "hand_over.origins"),
    (Work::HandOver, Crowd::Idle, "hand_over.idle"),
    (Work::Leave, Crowd::Waiters, "leave.waiters"),
    (Work::Leave, Crowd::Origins, "leave.origins"),
    (Work::Leave, Crowd::Idle, "leave.idle"),
    (Work::Evict, Crowd::Waiters, "evict.waiters"),
    (Work::Evict, Crowd::Origins, "evict.origins"),
    (Work::Burst, Crowd::Waiters, "burst.waiters"),
];

const SIZES: [usize; 5] = [10, 100, 1_000, 10_000, 100_000];
const SMALLEST: usize = SIZES[0];

/// Steps that are counted together: enough that what happens every few steps has its share.
const STEPS: usize = 1_000;
/// Steps before: tables have their room then.
const WARM_UP: usize = 100;
/// A step beside very many may cost this much of a step beside few.
const FLAT: f64 = 1.2;
/// Another compiler may need this much more.
const MARGIN: f64 = 0.10;

/// The part of the program under valgrind.
pub(crate) fn count() {
    for (work, crowd, name) in CASES {
        for &size in sizes(work) {
            let mut machine = warm(work, crowd, size);
            callgrind::count_steps(&key(name, size), STEPS, || steps(&mut machine, STEPS));
        }
    }
}

/// Instructions of a step, and how they grow.
pub(crate) fn instructions(counted: &Counted) -> Result<Vec<Figure>, String> {
    let mut figures = Vec::new();
    let mut ratios = Vec::new();
    for (work, _, name) in CASES {
        let mut first = None;
        let mut most = 0.0_f64;
        for &size in sizes(work) {
            let key = key(name, size);
            let &value = counted.get(&key).ok_or_else(|| format!("{key} was not counted"))?;
            // What a burst takes depends on whether its tables could grow in place.
            let is_kept = size == SMALLEST && work != Work::Burst;
            let rule = if is_kept { Rule::Baseline(MARGIN) } else { Rule::None };
            figures.push(Figure::new(key, value, rule));
            most = most.max(value / *first.get_or_insert(value));
        }
        ratios.push(Figure::new(format!("flatness.{name}"), most, Rule::AtMost(FLAT)));
    }
    figures.extend(ratios);
    Ok(figures)
}

/// Allocations of a step; the worst of all sizes.
pub(crate) fn allocations() -> Vec<Figure> {
    let per_step = |work, crowd, size| {
        let mut machine = warm(work, crowd, size);
        let before = counts().allocations;
        steps(&mut machine, STEPS);
        (counts().allocations - before) as f64 / STEPS as f64
    };
    let worst = |&(work, crowd, name): &(Work, Crowd, &str)| {
        let most = sizes(work).iter().map(|&size| per_step(work, crowd, size)).fold(0.0, f64::max);
        // The dial that these begin takes far more.
        let rule = match work {
            Work::Evict | Work::Burst => Rule::None,
            _ => Rule::AtMost(0.0),
        };
        Figure::new(format!("allocations.{name}"), most, rule)
    };
    CASES.iter().map(worst).collect()
}

/// Nanoseconds of a step, for people.
pub(crate) fn times() -> Vec<Figure> {
    let per_step = |work, crowd, size| {
        let mut machine = warm(work, crowd, size);
        let rounds = (0..5).map(|_| {
            let start = Instant::now();
            steps(&mut machine, 10 * STEPS);
            start.elapsed().as_nanos() as f64 / (10 * STEPS) as f64
        });
        rounds.fold(f64::INFINITY, f64::min)
    };
    let cases = CASES.iter().flat_map(|case| {
        let sizes = sizes(case.0);
        [sizes[0], sizes[sizes.len() - 1]].map(|size| (case, size))
    });
    cases
        .map(|(&(work, crowd, name), size)| {
            Figure::new(format!("ns.{name}.{size}"), per_step(work, crowd, size).round(), Rule::None)
        })
        .collect()
}

/// A burst that is not flat would take a quarter of an hour to grow to 100,000 before it could fail.
fn sizes(work: Work) -> &'static [usize] {
    if work == Work::Burst { &SIZES[..4] } else { &SIZES }
}

fn warm(work: Work, crowd: Crowd, size: usize) -> Machine {
    let mut machine = Machine::new(work, crowd, size);
    steps(&mut machine, WARM_UP);
    machine
}

fn steps(machine: &mut Machine, count: usize) {
    for _ in 0..count {
        black_box(&mut *machine).step();
    }
}

fn key(name: &str, size: usize) -> String {
    format!("instructions.{name}.{size}")
}

//! Counts what a client's tasks do, and takes the times.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rustix::time::{ClockId, clock_gettime};

use super::Failure;
use crate::heap;
use crate::job::{Job, Latency, Outcome, Turns};

/// Shared by the tasks and the driver.
pub(super) struct Meter {
    stop: AtomicBool,
    measuring: AtomicBool,
    errors: AtomicU64,
    first_error: Mutex<Option<Failure>>,
    counters: Mutex<Vec<Arc<Counter>>>,
    /// If wanted.
    waits: Option<Waits>,
}

/// How long requests took, in two measures.
struct Waits {
    /// How many requests are done. A request's turns are what this grows by meanwhile.
    done: AtomicU64,
    recorded: Mutex<Recorded>,
}

struct Recorded {
    nanos: Histogram<u64>,
    turns: Histogram<u64>,
}

/// The beginning of a request.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    at: Instant,
    /// How many were done by then.
    done: u64,
}

/// One task's numbers; aligned so that threads do not share a cache line.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct Counter {
    requests: AtomicU64,
    body_bytes: AtomicU64,
    /// What `Waits::done` was when the request under way began, and 1; 0 if there is none.
    asked: AtomicU64,
}

/// The beginning of a measurement.
pub(super) struct Begun {
    wall: Instant,
    cpu: Duration,
    allocations: u64,
    requests: u64,
    body_bytes: u64,
}

impl Meter {
    pub(super) fn new(job: &Job) -> Arc<Self> {
        let histogram = |most| Histogram::new_with_max(most, 3).expect("good bounds");
        let recorded = || Recorded { nanos: histogram(LONGEST_NS), turns: histogram(MOST_TURNS) };
        Arc::new(Self {
            stop: AtomicBool::new(false),
            measuring: AtomicBool::new(false),
            errors: AtomicU64::new(0),
            first_error: Mutex::default(),
            counters: Mutex::default(),
            waits: job.latency.then(|| Waits { done: AtomicU64::new(0), recorded: Mutex::new(recorded()) }),
        })
    }

    pub(super) fn counter(&self) -> Arc<Counter> {
        let counter = Arc::<Counter>::default();
        lock(&self.counters).push(Arc::clone(&counter));
        counter
    }

    /// A request begins; nothing is noted of that where nobody wants to know.
    pub(super) fn start(&self, counter: &Counter) -> Option<Asked> {
        let done = self.waits.as_ref()?.done.load(Ordering::Relaxed);
        counter.asked.store(done + 1, Ordering::Relaxed);
        Some(Asked { at: Instant::now(), done })
    }

    /// Notes what came of a request, the bytes of its body; says whether another is to follow.
    pub(super) fn note(&self, counter: &Counter, asked: Option<Asked>, result: Result<u64, Failure>) -> bool {
        match result {
            Ok(bytes) => {
                counter.requests.fetch_add(1, Ordering::Relaxed);
                counter.body_bytes.fetch_add(bytes, Ordering::Relaxed);
                if let (Some(asked), Some(waits)) = (asked, &self.waits) {
                    let turns = waits.done.fetch_add(1, Ordering::Relaxed) - asked.done;
                    counter.asked.store(0, Ordering::Relaxed);
                    if self.measuring.load(Ordering::Relaxed) {
                        let nanos = asked.at.elapsed().as_nanos() as u64;
                        let mut recorded = lock(&waits.recorded);
                        recorded.nanos.saturating_record(nanos);
                        recorded.turns.saturating_record(turns);
                    }
                }
            }
            Err(error) => {
                lock(&self.first_error).get_or_insert(error);
                if self.errors.fetch_add(1, Ordering::Relaxed) >= MAX_ERRORS {
                    return false;
                }
            }
        }
        !self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&self) -> Begun {
        self.measuring.store(true, Ordering::Relaxed);
        let (requests, body_bytes) = self.sums();
        let allocations = heap::allocations();
        Begun { requests, body_bytes, allocations, cpu: cpu_time(), wall: Instant::now() }
    }

    pub(super) fn end(&self, begun: &Begun) -> Result<Outcome, Failure> {
        let (wall, cpu) = (begun.wall.elapsed(), cpu_time() - begun.cpu);
        let (requests, body_bytes) = self.sums();
        let allocations = heap::allocations() - begun.allocations;
        self.measuring.store(false, Ordering::Relaxed);
        self.stop.store(true, Ordering::Relaxed);
        let errors = self.errors.load(Ordering::Relaxed);
        if let Some(first) = lock(&self.first_error).take() {
            eprintln!("{errors} errors, the first: {}", chain(&*first));
        }
        if requests == begun.requests || errors > MAX_ERRORS {
            return Err(format!("{} requests done, {errors} errors", requests - begun.requests).into());
        }
        Ok(Outcome {
            requests: requests - begun.requests,
            body_bytes: body_bytes - begun.body_bytes,
            errors,
            wall_s: wall.as_secs_f64(),
            cpu_s: cpu.as_secs_f64(),
            latency_us: self.waits.as_ref().map(Waits::latency),
            turns: self.waits.as_ref().map(|waits| waits.turns(&lock(&self.counters))),
            allocs_per_req: Some(allocations as f64 / (requests - begun.requests) as f64),
            idle: None,
        })
    }

    fn sums(&self) -> (u64, u64) {
        lock(&self.counters).iter().fold((0, 0), |sums, counter| {
            let requests = counter.requests.load(Ordering::Relaxed);
            (sums.0 + requests, sums.1 + counter.body_bytes.load(Ordering::Relaxed))
        })
    }
}

impl Waits {
    fn latency(&self) -> Latency {
        let nanos = &lock(&self.recorded).nanos;
        let micros = |nanos: u64| nanos as f64 / 1e3;
        let at = |quantile| micros(nanos.value_at_quantile(quantile));
        Latency { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: micros(nanos.max()) }
    }

    /// Who still waits, and longer than half of those who were served, counts with the turns so far: else one
    /// who starves would not show. The others are at the beginning of a wait like all, and tell nothing.
    fn turns(&self, counters: &[Arc<Counter>]) -> Turns {
        let turns = &mut lock(&self.recorded).turns;
        let (done, usual) = (self.done.load(Ordering::Relaxed), turns.value_at_quantile(0.5));
        for counter in counters {
            let asked = counter.asked.load(Ordering::Relaxed);
            // It may have begun this moment.
            let waited = if asked == 0 { 0 } else { (done + 1).saturating_sub(asked) };
            if waited > usual {
                turns.saturating_record(waited);
            }
        }
        let at = |quantile| turns.value_at_quantile(quantile) as f64;
        Turns { p50: at(0.5), p99: at(0.99), max: turns.max() as f64 }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Of the whole process, user and system.
pub(super) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// The longest time that the histogram can tell: beyond any run.
const LONGEST_NS: u64 = 600_000_000_000;

/// More requests than any run makes.
const MOST_TURNS: u64 = 1_000_000_000;

/// A client with more errors than this has no figure.
const MAX_ERRORS: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn meter() -> Arc<Meter> {
        let job = r#"{"url":"","method":"GET","upload":0,"sockets":1,"tasks":1,"threads":1,"warm_ms":0,
            "run_ms":0,"ca":null,"latency":true,"http2":false,"requests":null}"#;
        Meter::new(&serde_json::from_str(job).unwrap())
    }

    #[test]
    fn a_time_is_told_as_long_as_it_was() {
        let meter = meter();
        let counter = meter.counter();
        let begun = meter.begin();
        let long_ago = Instant::now().checked_sub(Duration::from_secs(3)).unwrap();
        assert!(meter.note(&counter, Some(Asked { at: long_ago, done: 0 }), Ok(7)));
        let outcome = meter.end(&begun).unwrap();
        assert_eq!((outcome.requests, outcome.body_bytes), (1, 7));
        let latency = outcome.latency_us.unwrap();
        assert!((3e6..60e6).contains(&latency.p50) && latency.max >= latency.p50, "{latency:?}");
    }

    #[test]
    fn turns_are_the_others_that_were_done_meanwhile() {
        let meter = meter();
        let (one, other, starved) = (meter.counter(), meter.counter(), meter.counter());
        let begun = meter.begin();
        let serve = |counter: &Counter, asked| assert!(meter.note(counter, asked, Ok(1)));
        meter.start(&starved);
        let asked = meter.start(&one);
        for _ in 0..5 {
            let asked = meter.start(&other);
            serve(&other, asked);
        }
        serve(&one, asked);
        // It asked last, and is not done: that tells nothing.
        meter.start(&other);
        let turns = meter.end(&begun).unwrap().turns.unwrap();
        // Five had none in between, one had five, and one waits since six.
        assert_eq!((turns.p50, turns.p99, turns.max), (0.0, 6.0, 6.0), "{turns:?}");
    }
}

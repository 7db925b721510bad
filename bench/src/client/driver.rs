//! Drives an asynchronous client: so many tasks, each one request after another, for so long.

use std::future::Future;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::meter::Meter;
use super::{Failure, idle};
use crate::job::{Job, Outcome};

/// What one task has of a client: a handle to its pool, or a connection of its own.
pub(super) trait Client: Send + 'static {
    /// One request, and its response to the last byte; gives the bytes of the body.
    fn exchange(&mut self) -> impl Future<Output = Result<u64, Failure>> + Send;
}

/// Runs `job` with what `make` gives each task, on tokio's scheduler for that number of threads.
pub(super) fn drive<C: Client>(
    job: &Job,
    make: impl AsyncFn() -> Result<C, Failure>,
) -> Result<Outcome, Failure> {
    if let Some(count) = job.idle {
        return idle::weigh(count, &make);
    }
    runtime(job)?.block_on(async {
        let meter = Meter::new(job);
        let mut clients = Vec::new();
        for _ in 0..job.requests.unwrap_or(job.tasks) {
            clients.push(make().await?);
        }
        let begun = meter.begin();
        let mut tasks = JoinSet::new();
        let once = job.requests.is_some();
        for mut client in clients {
            let (meter, counter) = (meter.clone(), meter.counter());
            tasks.spawn(async move {
                loop {
                    let asked = meter.start(&counter);
                    let result = client.exchange().await;
                    if !meter.note(&counter, asked, result) || once {
                        return;
                    }
                }
            });
        }
        if once {
            while tasks.join_next().await.transpose()?.is_some() {}
            return meter.end(&begun);
        }
        sleep(Duration::from_millis(job.warm_ms)).await;
        let begun = meter.begin();
        sleep(Duration::from_millis(job.run_ms)).await;
        meter.end(&begun)
    })
}

/// Measures what `threads` do, which are a client's own: one request after another until the meter says that
/// it is enough, or one alone.
pub(super) fn watch(
    job: &Job,
    meter: &Meter,
    threads: impl FnOnce() -> Vec<JoinHandle<Result<(), Failure>>>,
) -> Result<Outcome, Failure> {
    let begun = meter.begin();
    let threads = threads();
    if job.requests.is_some() {
        join(threads)?;
        return meter.end(&begun);
    }
    thread::sleep(Duration::from_millis(job.warm_ms));
    let begun = meter.begin();
    thread::sleep(Duration::from_millis(job.run_ms));
    let outcome = meter.end(&begun);
    join(threads)?;
    outcome
}

fn join(threads: Vec<JoinHandle<Result<(), Failure>>>) -> Result<(), Failure> {
    threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread has panicked")?)
}

fn runtime(job: &Job) -> Result<Runtime, Failure> {
    let mut builder = match job.threads {
        1 => Builder::new_current_thread(),
        threads => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
    };
    Ok(builder.enable_all().build()?)
}

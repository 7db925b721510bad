//! The loop that keeps requests in flight: takes URLs in, starts jobs, hands lines out.
//!
//! It ends when the input is used up and all jobs are done; when a signal comes; or when standard output
//! takes no more. In the last two cases the jobs in flight are dropped, which removes their files.

use std::sync::Arc;

use keepalive::Agent;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

use super::input::{Entry, Input};
use super::job::{Failure, Job, Outcome, Worker};
use super::output::Targets;
use super::tally::Tally;
use crate::exit::{Exit, Fault};
use crate::report::lines::{Closed, Lines};
use crate::report::progress::Progress;
use crate::report::{self, fetch_line, summary};
use crate::signals::Signals;

pub(super) struct Engine {
    worker: Arc<Worker>,
    concurrency: usize,
    targets: Targets,
    tally: Tally,
    progress: Progress,
    jobs: JoinSet<Outcome>,
    /// URLs taken so far.
    taken: usize,
    /// The worst that input and output had to say.
    exit: Exit,
}

/// Why the loop ended.
enum End {
    Done,
    Signal(Exit),
    OutputClosed,
}

impl Engine {
    pub(super) fn new(
        worker: Worker,
        concurrency: usize,
        targets: Targets,
        tally: Tally,
        progress: Progress,
    ) -> Self {
        Self {
            worker: Arc::new(worker),
            concurrency,
            targets,
            tally,
            progress,
            jobs: JoinSet::new(),
            taken: 0,
            exit: Exit::Well,
        }
    }

    /// Runs to the end and prints the summary.
    pub(super) async fn run(
        mut self,
        input: Input,
        lines: Lines,
        mut signals: Signals,
        agent: &Agent,
    ) -> Result<Exit, Fault> {
        let name = input.name();
        let mut end = self.work(input, &lines, &mut signals).await;
        self.progress.finish();
        if let End::Done = end {
            tokio::select! {
                biased;
                exit = signals.recv() => end = End::Signal(exit),
                written = lines.finish() => written?,
            }
        } else {
            self.stop(&lines).await;
            let written = lines.finish_soon().await;
            if let End::OutputClosed = end {
                written?;
            }
        }
        let stopped = match end {
            End::Signal(exit) => Some(exit),
            End::Done | End::OutputClosed => None,
        };
        summary::print(&self.tally, &agent.status().totals, stopped);
        match stopped {
            Some(exit) => Ok(exit),
            None => self.exit(name.as_deref()),
        }
    }

    async fn work(&mut self, mut input: Input, lines: &Lines, signals: &mut Signals) -> End {
        let mut more = true;
        while more || !self.jobs.is_empty() {
            tokio::select! {
                biased;
                exit = signals.recv() => return End::Signal(exit),
                next = done(&mut self.jobs, lines), if !self.jobs.is_empty() => match next {
                    Ok((permit, joined)) => self.finish(joined, |line| permit.send(line)),
                    Err(Closed) => return End::OutputClosed,
                },
                entry = input.next(), if more && self.jobs.len() < self.concurrency => match entry {
                    Ok(Some(entry)) => self.start(entry),
                    Ok(None) => more = false,
                    Err(fault) => {
                        more = false;
                        self.exit = self.progress.pause(|| fault.report());
                    }
                },
            }
        }
        End::Done
    }

    fn start(&mut self, entry: Entry) {
        let target = self.targets.of(self.taken);
        self.taken += 1;
        let job = Job { id: self.taken, entry, target };
        let worker = Arc::clone(&self.worker);
        self.jobs.spawn(async move { worker.run(job).await });
    }

    fn finish(&mut self, joined: Result<Outcome, JoinError>, send: impl FnOnce(String)) {
        match joined {
            Ok(outcome) => {
                if let Some(Failure::Output(text)) = &outcome.failure {
                    self.progress.pause(|| report::complain(text));
                    self.exit = Exit::Io;
                }
                self.tally.count(&outcome);
                self.progress.advance(self.tally.failed);
                send(fetch_line::render(&outcome));
            }
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => self.tally.abandoned += 1,
        }
    }

    /// Drops what is in flight. What had just ended still gets its line, if the writer is not stuck.
    async fn stop(&mut self, lines: &Lines) {
        self.jobs.abort_all();
        while let Some(joined) = self.jobs.join_next().await {
            self.finish(joined, |line| lines.offer(line));
        }
    }

    fn exit(&self, input: Option<&str>) -> Result<Exit, Fault> {
        if self.exit != Exit::Well {
            return Ok(self.exit);
        }
        if self.taken == 0 {
            return Err(Fault::usage(format!("no URL in {}", input.unwrap_or("the input"))));
        }
        self.targets.check(self.taken)?;
        Ok(if self.tally.failed > 0 { Exit::Failed } else { Exit::Well })
    }
}

/// The next job that is done, once there is room for its line.
///
/// # Cancel safety
///
/// No job is lost.
async fn done<'a>(
    jobs: &mut JoinSet<Outcome>,
    lines: &'a Lines,
) -> Result<(mpsc::Permit<'a, String>, Result<Outcome, JoinError>), Closed> {
    let permit = lines.reserve().await?;
    match jobs.join_next().await {
        Some(joined) => Ok((permit, joined)),
        None => std::future::pending().await,
    }
}

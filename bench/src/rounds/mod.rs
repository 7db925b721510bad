//! Runs everything: in each round each client does each work once, one after another, so that a slow minute
//! of the machine falls on all of them.
//!
//! The server is one process for the whole time, a client a new one for each run. Nothing is lost: what does
//! not end, or not well, is noted with what it said.

mod check;
mod cores;
mod origin;
mod pace;
mod process;
mod progress;

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;

use self::cores::Cores;
use self::origin::Origin;
pub(crate) use self::pace::Pace;
use self::progress::Progress;
use crate::client::Failure;
use crate::clients::Contestant;
use crate::job::{Job, Outcome};
use crate::work::{Kind, Work};

/// What is to be done.
pub(crate) struct Plan<'a> {
    pub(crate) works: &'a [&'static Work],
    pub(crate) contestants: &'a [Contestant],
    pub(crate) pace: Pace,
    /// When no other run begins.
    pub(crate) until: Option<Instant>,
}

/// What has been done.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    pub(crate) samples: Vec<Sample>,
    pub(crate) failed: Vec<Failed>,
}

/// One run that went well.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) work: &'static Work,
    pub(crate) client: &'static str,
    pub(crate) round: u32,
    pub(crate) outcome: Outcome,
    /// What the server saw: sockets and TLS handshakes.
    pub(crate) sockets: u64,
    pub(crate) handshakes: u64,
    /// The server's own time for a request, in µs.
    pub(crate) server_cpu_us: Option<f64>,
}

/// One run that did not.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Failed {
    pub(crate) work: &'static str,
    pub(crate) client: &'static str,
    /// From 1 on.
    pub(crate) round: u32,
    pub(crate) why: String,
}

impl Plan<'_> {
    /// The runs of one round, in the order of the tables.
    pub(crate) fn pairs(&self) -> Vec<(&'static Work, &Contestant)> {
        let of = |work: &'static Work| self.able(work).map(move |client| (work, client));
        self.works.iter().flat_map(|work| of(work)).collect()
    }

    fn able(&self, work: &'static Work) -> impl Iterator<Item = &Contestant> {
        self.contestants.iter().filter(|client| client.can(work))
    }

    pub(crate) fn run(&self) -> Result<Runs, Failure> {
        let this_program = std::env::current_exe()?;
        let cores = Cores::allowed()?;
        let mut origin = Origin::start(&this_program, &cores)?;
        let mut runs = Runs::default();
        let mut progress = Progress::new(self.pace.rounds as usize * self.pairs().len());
        for round in 0..self.pace.rounds {
            for (place, &work) in self.works.iter().enumerate().filter(|(_, work)| in_round(work, round)) {
                // Each round begins with another client, so that nobody is always the first.
                let mut clients: Vec<_> = self.able(work).collect();
                let first = (round as usize + place) % clients.len().max(1);
                clients.rotate_left(first);
                for client in clients {
                    progress.step(round, work.name, client.name());
                    let result = match runs.turn(work, client.name(), self.until) {
                        Turn::Run => self.once(&this_program, &cores, &mut origin, round, work, client),
                        Turn::TooLate => Ok(Err("not run: the time was up".into())),
                        Turn::Enough => continue,
                    };
                    let why = match result {
                        Ok(Ok(sample)) => {
                            runs.samples.push(sample);
                            continue;
                        }
                        Ok(Err(why)) => why,
                        Err(error) => {
                            origin = Origin::start(&this_program, &cores)?;
                            error.to_string()
                        }
                    };
                    runs.failed.push(Failed {
                        work: work.name,
                        client: client.name(),
                        round: round + 1,
                        why,
                    });
                }
            }
        }
        Ok(runs)
    }

    /// The outer error is the server's, the inner one the client's.
    fn once(
        &self,
        this_program: &Path,
        cores: &Cores,
        origin: &mut Origin,
        round: u32,
        work: &'static Work,
        client: &Contestant,
    ) -> Result<Result<Sample, String>, Failure> {
        let job = self.job(origin, work, client);
        origin.reset()?;
        // Not where a client uses its core too, nor while both rest.
        let awake = cores.are_apart(work.threads) && work.kind != Kind::Idle;
        origin.stay_awake(awake)?;
        let before = origin.cpu();
        cores.pin_for_client(work.threads)?;
        let outcome = measure(this_program, client, work, &job, self.pace.time(work, client));
        let stats = origin.stats()?;
        origin.stay_awake(false)?;
        // What spins is always busy.
        let server = origin.cpu().zip(before).filter(|_| !awake).map(|(after, before)| after - before);
        Ok(outcome.map(|outcome| Sample {
            work,
            client: client.name(),
            round,
            outcome,
            sockets: stats.accepted,
            handshakes: stats.handshakes,
            server_cpu_us: server.map(|time| time.as_secs_f64() * 1e6 / stats.requests.max(1) as f64),
        }))
    }

    fn job(&self, origin: &Origin, work: &Work, client: &Contestant) -> Job {
        let (url, ca) = origin.url(work);
        // Where it counts what is opened, a client that has no limit is not given one from outside.
        let unlimited = work.is_cold() && !client.about.cap;
        Job {
            url,
            method: work.ask.method().into(),
            upload: work.ask.upload(),
            sockets: if unlimited { work.tasks } else { work.sockets },
            tasks: work.tasks,
            threads: work.threads,
            warm_ms: self.pace.warm_ms(client),
            run_ms: self.pace.run_ms(),
            ca,
            latency: work.kind == Kind::Queue,
            http2: work.http2,
            requests: work.is_cold().then_some(work.tasks),
            idle: (work.kind == Kind::Idle).then_some(work.sockets),
        }
    }
}

enum Turn {
    Run,
    TooLate,
    /// It has what it needs, or has failed too often.
    Enough,
}

impl Runs {
    fn turn(&self, work: &Work, client: &str, until: Option<Instant>) -> Turn {
        let failures = self.failed.iter().filter(|run| run.work == work.name && run.client == client).count();
        let done = self.samples.iter().any(|run| run.work.name == work.name && run.client == client);
        match until {
            Some(until) if Instant::now() >= until => {
                if done || failures > 0 {
                    Turn::Enough
                } else {
                    Turn::TooLate
                }
            }
            _ if failures >= TRIES => Turn::Enough,
            _ => Turn::Run,
        }
    }
}

/// What rests does not differ from round to round, and takes long to set up.
fn in_round(work: &Work, round: u32) -> bool {
    work.kind != Kind::Idle || round == 0
}

/// Runs a client once; an error says what is wrong with it.
fn measure(
    this_program: &Path,
    client: &Contestant,
    work: &Work,
    job: &Job,
    time: Duration,
) -> Result<Outcome, String> {
    let job = serde_json::to_string(job).map_err(|error| error.to_string())?;
    let grace = if work.kind == Kind::Idle { IDLE_GRACE } else { GRACE };
    let said = process::output(client.command(this_program).arg(job), time + grace)?;
    let wrong = |what: String| process::with_stderr(&what, &said.stderr);
    let outcome: Outcome = serde_json::from_str(&said.stdout)
        .map_err(|error| wrong(format!("printed {:?}: {error}", said.stdout)))?;
    check::check(work, &outcome).map_err(wrong)?;
    Ok(outcome)
}

/// A client that fails so often at a work is not asked again.
const TRIES: usize = 2;

/// For a client's start, its end, and being slow.
const GRACE: Duration = Duration::from_secs(20);

/// The same, with 10,000 handshakes.
const IDLE_GRACE: Duration = Duration::from_secs(120);

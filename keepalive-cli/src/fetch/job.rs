//! One request, from the URL to the last byte of its body.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use http::{Response, StatusCode, Version};
use keepalive::{Agent, Body, ConnectionInfo, Origin, Phase};

use super::input::Entry;
use super::output::Draft;
use super::pattern::Pattern;
use crate::report::chain;

/// What to do.
#[derive(Debug)]
pub(super) struct Job {
    /// From 1.
    pub(super) id: usize,
    pub(super) entry: Entry,
    /// Where the body goes.
    pub(super) target: Option<PathBuf>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) id: usize,
    pub(crate) url: String,
    /// `None` if no response came.
    pub(crate) answer: Option<Answer>,
    /// Bytes of the body that came.
    pub(crate) bytes: u64,
    pub(crate) failure: Option<Failure>,
    pub(crate) total: Duration,
    /// Where a connection was made, or found.
    pub(crate) reached: Option<Origin>,
}

/// What is known of a response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) version: Version,
    pub(crate) info: Option<ConnectionInfo>,
    /// From the head to the end of the body.
    pub(crate) receive: Duration,
}

/// Why a request counts as failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No complete response came.
    Request(String),
    /// It came, with a status that `--fail` counts as failed.
    Status(StatusCode),
    /// It came, and its body cannot be written.
    Output(String),
}

/// What all jobs share.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) agent: Agent,
    pub(super) pattern: Pattern,
    pub(super) fail: bool,
}

impl Worker {
    /// Does a job.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it leaves no file behind.
    pub(super) async fn run(&self, job: Job) -> Outcome {
        let began = Instant::now();
        let Job { id, entry: Entry { url, flaw }, target } = job;
        let mut outcome = Outcome {
            id,
            url,
            answer: None,
            bytes: 0,
            failure: flaw.map(|flaw| Failure::Request(flaw.to_owned())),
            total: Duration::ZERO,
            reached: None,
        };
        if outcome.failure.is_none() {
            outcome.failure = self.perform(&mut outcome, target).await.err();
        }
        outcome.total = began.elapsed();
        outcome
    }

    async fn perform(&self, outcome: &mut Outcome, target: Option<PathBuf>) -> Result<(), Failure> {
        let request = self.pattern.request(&outcome.url).map_err(Failure::request)?;
        let origin = Origin::from_uri(request.uri()).map_err(Failure::request)?;
        let response = match self.agent.request(request).await {
            Ok(response) => response,
            Err(error) => {
                outcome.reached = (error.phase() > Phase::Connect).then_some(origin);
                return Err(Failure::request(error));
            }
        };
        outcome.reached = Some(origin);
        let began = Instant::now();
        let mut answer = Answer::of(&response);
        let status = answer.status;
        let refused = self.fail && status.as_u16() >= 400;
        let received = receive(response.into_body(), target.filter(|_| !refused), &mut outcome.bytes).await;
        answer.receive = began.elapsed();
        outcome.answer = Some(answer);
        received?;
        if refused { Err(Failure::Status(status)) } else { Ok(()) }
    }
}

/// Reads the whole body, into a file if there is a target.
async fn receive(mut body: Body, target: Option<PathBuf>, bytes: &mut u64) -> Result<(), Failure> {
    let mut draft = match target {
        Some(target) => Some(Draft::create(target).await.map_err(Failure::Output)?),
        None => None,
    };
    while let Some(chunk) = body.chunk().await.map_err(Failure::request)? {
        *bytes += chunk.len() as u64;
        if let Some(draft) = &mut draft {
            draft.write(&chunk).await.map_err(Failure::Output)?;
        }
    }
    match draft {
        Some(draft) => draft.keep().await.map_err(Failure::Output),
        None => Ok(()),
    }
}

impl Answer {
    fn of(response: &Response<Body>) -> Self {
        Self {
            status: response.status(),
            version: response.version(),
            info: response.extensions().get().cloned(),
            receive: Duration::ZERO,
        }
    }
}

impl Failure {
    #[expect(clippy::needless_pass_by_value, reason = "for map_err")]
    fn request(error: keepalive::Error) -> Self {
        Self::Request(chain(&error))
    }

    /// As one line.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Request(text) | Self::Output(text) => text.clone(),
            Self::Status(status) => format!("status {status} counts as failed (--fail)"),
        }
    }
}

//! How the parts of the library make errors.

use std::fmt;
use std::time::Duration;

use super::{Error, Inner, Kind, Phase};

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What is known of the socket a request failed on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Evidence {
    pub(crate) reused: bool,
    pub(crate) idle_for: Duration,
    pub(crate) written: u64,
    pub(crate) read: u64,
    /// The method is idempotent or the request carries an `Idempotency-Key`.
    pub(crate) repeatable: bool,
}

impl Error {
    /// A request, or a setting, that cannot work.
    pub(crate) fn request(text: impl Into<String>) -> Self {
        Self::new(Kind::Request, Phase::Prepare, text)
    }

    pub(crate) fn queue_full(max_queued: usize) -> Self {
        let text = format!(
            "the queue is full: {max_queued} requests wait for a socket already; make fewer at once, or raise max_queued"
        );
        Self::new(Kind::QueueFull, Phase::Queue, text)
    }

    pub(crate) fn closed() -> Self {
        Self::new(Kind::Closed, Phase::Prepare, "the agent is closed and takes no more requests")
    }

    pub(crate) fn destroyed(phase: Phase) -> Self {
        Self::new(Kind::Destroyed, phase, "the agent was destroyed before the request was done")
    }

    pub(crate) fn connect(text: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self::new(Kind::Connect, Phase::Connect, text).caused_by(source)
    }

    /// No TLS connection came about over the TCP connection.
    #[cfg(feature = "tls")]
    pub(crate) fn tls(text: impl Into<String>) -> Self {
        Self::new(Kind::Connect, Phase::Tls, text)
    }

    pub(crate) fn timeout(phase: Phase, text: impl Into<String>) -> Self {
        Self::new(Kind::Timeout, phase, text)
    }

    pub(crate) fn io(phase: Phase, text: impl Into<String>, source: std::io::Error) -> Self {
        Self::new(Kind::Io, phase, text).caused_by(source)
    }

    pub(crate) fn protocol(phase: Phase, text: impl Into<String>) -> Self {
        Self::new(Kind::Protocol, phase, text)
    }

    /// Says where it happened.
    pub(crate) fn at(mut self, phase: Phase) -> Self {
        self.0.phase = phase;
        self
    }

    /// Adds to the text.
    pub(crate) fn note(mut self, note: impl fmt::Display) -> Self {
        self.0.text = format!("{}; {note}", self.0.text).into();
        self
    }

    pub(crate) fn caused_by(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn with(mut self, evidence: Evidence) -> Self {
        self.0.evidence = evidence;
        self
    }

    fn new(kind: Kind, phase: Phase, text: impl Into<String>) -> Self {
        let (text, evidence) = (text.into().into(), Evidence::default());
        Self(Box::new(Inner { kind, phase, text, source: None, evidence }))
    }
}

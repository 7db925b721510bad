//! The one error type: what failed, in which phase, and the evidence of what reached the server.

mod build;

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

pub(crate) use self::build::{BoxError, Evidence};
use crate::descriptors::is_shortage;

/// Why a request failed, or an agent could not be made.
///
/// [`Display`](fmt::Display) says what happened and, where there is something to do about it, what; the
/// cause, if there is one, is in [`source`](StdError::source) and not repeated. The methods say what a
/// program can decide on.
///
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let error = keepalive::get("ftp://example.org/").send().await.unwrap_err();
/// assert!(error.is_request());
/// assert_eq!(error.to_string(), "scheme `ftp` is not supported, only `http` and `https` are");
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    phase: Phase,
    text: Box<str>,
    source: Option<BoxError>,
    evidence: Evidence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Request,
    QueueFull,
    Closed,
    Destroyed,
    Connect,
    Timeout,
    Io,
    Protocol,
}

/// How far a request had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Before it entered the queue: the request or the agent's settings are at fault.
    Prepare,
    /// Waiting for a socket.
    Queue,
    /// Resolving the name and connecting.
    Connect,
    /// The TLS handshake.
    Tls,
    /// Writing the request.
    Send,
    /// Waiting for the response head.
    Wait,
    /// Reading the response body.
    Receive,
}

impl Error {
    /// How far the request had come.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.0.phase
    }

    /// A time limit ran out; [`phase`](Self::phase) says where.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.0.kind == Kind::Timeout
    }

    /// No connection could be made: the name did not resolve, nobody listened, the TLS handshake failed,
    /// or it took too long.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        matches!(self.0.phase, Phase::Connect | Phase::Tls)
    }

    /// As many requests as `max_queued` allows were waiting already.
    #[must_use]
    pub fn is_queue_full(&self) -> bool {
        self.0.kind == Kind::QueueFull
    }

    /// The agent was destroyed while the request waited or ran.
    #[must_use]
    pub fn is_destroyed(&self) -> bool {
        self.0.kind == Kind::Destroyed
    }

    /// The agent takes no more requests: it was closed or destroyed before this one.
    #[must_use]
    pub fn is_agent_closed(&self) -> bool {
        self.0.kind == Kind::Closed
    }

    /// The socket had served before and not one byte of the response came: most likely the server
    /// closed it while it was idle.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        let stale_kind = matches!(self.0.kind, Kind::Io | Kind::Protocol);
        stale_kind && self.0.evidence.reused && self.0.evidence.read == 0
    }

    /// The process or the system ran out of file descriptors (EMFILE, ENFILE), and none came free within
    /// `connect_timeout`. [`raise_fd_limit`](crate::raise_fd_limit) may help.
    #[must_use]
    pub fn is_descriptor_limit(&self) -> bool {
        let mut source = self.source();
        while let Some(error) = source {
            if error.downcast_ref().is_some_and(is_shortage) {
                return true;
            }
            source = error.source();
        }
        false
    }

    /// The request itself is at fault, or its body; sending it again changes nothing.
    #[must_use]
    pub fn is_request(&self) -> bool {
        self.0.kind == Kind::Request
    }

    /// The server's answer was not valid HTTP, or was cut short.
    #[must_use]
    pub fn is_protocol(&self) -> bool {
        self.0.kind == Kind::Protocol
    }

    /// Whether the socket had served a request before this one.
    #[must_use]
    pub fn reused_connection(&self) -> bool {
        self.0.evidence.reused
    }

    /// How long the socket had been idle before this request, if it was reused.
    #[must_use]
    pub fn idle_for(&self) -> Option<Duration> {
        self.0.evidence.reused.then_some(self.0.evidence.idle_for)
    }

    /// How many bytes of the request the socket took.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.0.evidence.written
    }

    /// How many bytes came from the server.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.0.evidence.read
    }

    /// Whether sending the request again cannot make the server act twice: no byte of it was written,
    /// or its method is idempotent (RFC 9110 §9.2.2), or it carries an `Idempotency-Key`. `false` for a
    /// request that can never be sent. After [`is_agent_closed`](Self::is_agent_closed) it takes another
    /// agent.
    #[must_use]
    pub fn safe_to_retry(&self) -> bool {
        self.0.kind != Kind::Request && (self.0.evidence.written == 0 || self.0.evidence.repeatable)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug.field("kind", &self.0.kind).field("phase", &self.0.phase).field("text", &self.0.text);
        if let Some(source) = &self.0.source {
            debug.field("source", source);
        }
        debug.field("evidence", &self.0.evidence).finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

//! What a response's user can learn about the socket that it came on.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http::{Extensions, Version};

use crate::clock;
use crate::pool::Leased;

/// Which socket served a request, and how long each step took; in the extensions of the response.
///
/// ```
/// # async fn f(response: http::Response<keepalive::Body>) {
/// if let Some(info) = response.extensions().get::<keepalive::ConnectionInfo>() {
///     println!("socket {} reused: {}, waited {:?}", info.socket_id, info.reused, info.timings.queue);
/// }
/// # }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// The agent's number for the socket, from 1 up; never given twice.
    pub socket_id: u64,
    /// Whether the socket had served a request before (Node: `request.reusedSocket`).
    pub reused: bool,
    /// Which request of this socket it was, from 1 up.
    pub request_number: u64,
    /// How many times the request was written: 1, or 2 if the socket it was written to first proved stale
    /// (see [`AgentBuilder::retry`](crate::AgentBuilder::retry)).
    pub attempts: u32,
    /// The socket's own address.
    pub local_addr: Option<SocketAddr>,
    /// The server's address.
    pub peer_addr: Option<SocketAddr>,
    /// The protocol spoken on the socket.
    pub protocol: Version,
    /// How long each step took.
    pub timings: Timings,
}

/// How long the steps of a request took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timings {
    /// Waiting for a socket, a dial for this request not counted; all attempts together. The other times
    /// are those of the last attempt.
    pub queue: Duration,
    /// Resolving the name; only for the first request on a socket.
    pub dns: Option<Duration>,
    /// Connecting; only for the first request on a socket.
    pub connect: Option<Duration>,
    /// The TLS handshake; only for the first request on a socket.
    pub tls: Option<Duration>,
    /// Writing the request. With an early response, until that came.
    pub send: Duration,
    /// From there to the response head.
    pub wait: Duration,
}

/// What a request has waited for sockets so far.
pub(super) struct Waits {
    since: Instant,
    queued: Duration,
    attempts: u32,
}

impl Waits {
    pub(super) fn begin(now: tokio::time::Instant) -> Self {
        Self { since: now.into_std(), queued: Duration::ZERO, attempts: 1 }
    }

    pub(super) fn since(&self) -> tokio::time::Instant {
        self.since.into()
    }

    /// The request has a socket now.
    pub(super) fn end(&mut self, leased: &mut Leased) -> Stopwatch {
        let facts = leased.facts();
        let now = facts.taken_at;
        let dialed = leased.take_dialed();
        // What follows the start of its dial is not the queue's.
        let queued_until = dialed.as_ref().map_or(now, |dial| dial.began);
        self.queued += queued_until.saturating_duration_since(self.since);
        let dialed = dialed.map(|dial| dial.timings);
        let timings = Timings {
            queue: self.queued,
            dns: dialed.map(|timings| timings.dns),
            connect: dialed.map(|timings| timings.connect),
            tls: dialed.and_then(|timings| timings.tls),
            ..Timings::default()
        };
        let info = ConnectionInfo {
            socket_id: facts.socket,
            reused: facts.request_number > 1,
            request_number: facts.request_number,
            attempts: self.attempts,
            local_addr: facts.local,
            peer_addr: facts.peer,
            protocol: facts.protocol,
            timings,
        };
        let mut extensions = Extensions::new();
        extensions.insert(info);
        Stopwatch { sending_since: now, extensions }
    }

    /// The socket proved stale, with the request `written` or not: it waits for another.
    pub(super) fn begin_again(&mut self, written: bool) {
        self.since = clock::now().into_std();
        self.attempts += u32::from(written);
    }
}

/// Takes the times of an attempt.
pub(super) struct Stopwatch {
    sending_since: Instant,
    /// The [`ConnectionInfo`], where it is to be in the end.
    extensions: Extensions,
}

impl Stopwatch {
    /// When the attempt began.
    pub(super) fn began(&self) -> tokio::time::Instant {
        self.sending_since.into()
    }

    /// The response head is there, and the request was sent by then if it ever will be.
    pub(super) fn stop(&mut self, sent_at: Option<Instant>) -> Instant {
        let now = clock::now().into_std();
        let sent = sent_at.unwrap_or(now);
        if let Some(info) = self.extensions.get_mut::<ConnectionInfo>() {
            info.timings.send = sent.saturating_duration_since(self.sending_since);
            info.timings.wait = now.saturating_duration_since(sent);
        }
        now
    }

    /// Of the response.
    pub(super) fn into_extensions(self) -> Extensions {
        self.extensions
    }
}

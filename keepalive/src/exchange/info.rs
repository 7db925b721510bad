//! What a response's user can learn about the socket that it came on.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http::{Extensions, Version};

use crate::clock;
use crate::pool::{Dialed, Facts, Leased};

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
    /// By the attempts before this one.
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

    /// What the response tells of the socket that it came on: its head is there `now`, and the request was sent
    /// by then if it ever will be.
    pub(super) fn tell(
        &self,
        facts: &Facts,
        dialed: Option<Dialed>,
        sent_at: Option<Instant>,
        now: Instant,
    ) -> Extensions {
        let sent = sent_at.unwrap_or(now);
        let queue = self.queued_until(facts, dialed.as_ref());
        let dialed = dialed.map(|dialed| dialed.timings);
        let mut extensions = Extensions::new();
        extensions.insert(ConnectionInfo {
            socket_id: facts.socket,
            reused: facts.request_number > 1,
            request_number: facts.request_number,
            attempts: self.attempts,
            local_addr: facts.local,
            peer_addr: facts.peer,
            protocol: facts.protocol,
            timings: Timings {
                queue,
                dns: dialed.map(|timings| timings.dns),
                connect: dialed.map(|timings| timings.connect),
                tls: dialed.and_then(|timings| timings.tls),
                send: sent.saturating_duration_since(facts.taken_at),
                wait: now.saturating_duration_since(sent),
            },
        });
        extensions
    }

    /// What the request had proved stale, with the request `written` or not: it waits for another.
    pub(super) fn begin_again(&mut self, leased: &mut Leased, written: bool) {
        let dialed = leased.take_dialed();
        self.queued = self.queued_until(&leased.facts(), dialed.as_ref());
        self.since = clock::now().into_std();
        self.attempts += u32::from(written);
    }

    /// What follows the start of its dial is not the queue's.
    fn queued_until(&self, facts: &Facts, dialed: Option<&Dialed>) -> Duration {
        let until = dialed.map_or(facts.taken_at, |dialed| dialed.began);
        self.queued + until.saturating_duration_since(self.since)
    }
}

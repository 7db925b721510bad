//! The settings of an agent.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{Agent, Handle};
use crate::Error;
use crate::Protocol;
#[cfg(feature = "tls")]
use crate::Tls;
use crate::connect::{Connect, Connector};
use crate::options::{self, DialTimeouts, RequestDefaults, Scheduling, SocketOptions};
use crate::pool::{Limits, Pool};

/// Settings for a new [`Agent`].
///
/// Limits and times that may be absent take a value or `None`. Nothing is checked before
/// [`build`](Self::build). What limits the pool, from `max_sockets` to `scheduling`, can be changed while
/// the agent works: see [`Agent::set_max_sockets`] and its like.
///
/// ```
/// use std::time::Duration;
/// let agent = keepalive::Agent::builder()
///     .max_sockets(8)
///     .max_total_sockets(512)
///     .queue_timeout(Duration::from_secs(5))
///     .timeout(None)
///     .build()?;
/// # Ok::<(), keepalive::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "settings do nothing until `build`"]
pub struct AgentBuilder {
    max_sockets: Option<usize>,
    /// `None`: the default, which follows the limit of descriptors.
    max_total_sockets: Option<Option<usize>>,
    limits: Limits,
    sockets: SocketOptions,
    requests: RequestDefaults,
}

impl AgentBuilder {
    pub(super) fn new() -> Self {
        Self {
            max_sockets: Some(options::DEFAULT_MAX_SOCKETS),
            max_total_sockets: None,
            limits: Limits {
                max_sockets: options::DEFAULT_MAX_SOCKETS,
                max_total_sockets: usize::MAX,
                max_free_sockets: options::DEFAULT_MAX_FREE_SOCKETS,
                max_total_free_sockets: usize::MAX,
                max_queued: usize::MAX,
                free_socket_timeout: Some(options::DEFAULT_FREE_SOCKET_TIMEOUT),
                max_socket_age: None,
                max_requests_per_socket: None,
                keep_alive: true,
                scheduling: Scheduling::default(),
            },
            sockets: SocketOptions::default(),
            requests: RequestDefaults {
                queue_timeout: Some(options::DEFAULT_QUEUE_TIMEOUT),
                // Worked out when the agent is made.
                dial_timeouts: DialTimeouts::default(),
                expect_continue_timeout: Some(options::DEFAULT_EXPECT_CONTINUE_TIMEOUT),
                response_timeout: Some(options::DEFAULT_RESPONSE_TIMEOUT),
                body_timeout: Some(options::DEFAULT_BODY_TIMEOUT),
                timeout: None,
                local_address: None,
                title_case_headers: false,
                // Taken over from the sockets' when the agent is made.
                #[cfg(feature = "http2")]
                protocol: crate::Protocol::default(),
                retry: true,
                one_shot: false,
            },
        }
    }

    /// How many sockets may be open to one origin (Node: `maxSockets`). A socket counts from the start
    /// of its dial until close(2) has returned. `None` is no limit, 0 an error. Default: 5.
    pub fn max_sockets(mut self, limit: impl Into<Option<usize>>) -> Self {
        self.max_sockets = limit.into();
        self
    }

    /// How many sockets may be open in all (Node: `maxTotalSockets`); upgraded ones count too. At the
    /// limit an idle socket of another origin makes room. `None` is no limit, 0 an error. Default:
    /// [`default_max_total_sockets`](crate::default_max_total_sockets), three quarters of the descriptors
    /// that the process may open, and anew after [`raise_fd_limit`](crate::raise_fd_limit).
    ///
    /// Where descriptors run out below the limit, the least recently used idle socket of any agent of the
    /// process makes room, and a dial waits for as long as `connect_timeout` allows.
    pub fn max_total_sockets(mut self, limit: impl Into<Option<usize>>) -> Self {
        self.max_total_sockets = Some(limit.into());
        self
    }

    /// How many idle sockets are kept for one origin (Node: `maxFreeSockets`); the one idle the longest
    /// goes first. 0 keeps none, `None` is no limit. Default: 256.
    pub fn max_free_sockets(mut self, limit: impl Into<Option<usize>>) -> Self {
        self.limits.max_free_sockets = limit.into().unwrap_or(usize::MAX);
        self
    }

    /// How many idle sockets are kept in all; the one idle the longest goes first. 0 keeps none, `None`
    /// is no limit. Default: no limit.
    pub fn max_total_free_sockets(mut self, limit: impl Into<Option<usize>>) -> Self {
        self.limits.max_total_free_sockets = limit.into().unwrap_or(usize::MAX);
        self
    }

    /// How many requests may wait in the queue, of all origins together; one more fails at once with
    /// [`Error::is_queue_full`]. A request whose dial is under way, or for which a socket is being closed
    /// to make room, does not wait in the queue. 0 lets none wait, `None` is no limit. Default: no limit.
    pub fn max_queued(mut self, limit: impl Into<Option<usize>>) -> Self {
        self.limits.max_queued = limit.into().unwrap_or(usize::MAX);
        self
    }

    /// How long a socket may be idle (Node: `timeout`, which is 5 s on its global agent). The server's
    /// `Keep-Alive: timeout=` makes it less for that server, with a margin of 1 s. Time in which the
    /// process was suspended counts, if it was more than 1 s; without any limit more than 15 s of it end
    /// what is idle. `None` is no limit, zero an error: `keep_alive(false)` keeps none. Default: 15 s.
    pub fn free_socket_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.limits.free_socket_timeout = limit.into();
        self
    }

    /// How long a socket may be open before it carries no further request, less up to 2.5 %, so that
    /// sockets opened together do not all go together. One on a request finishes it. `None` is no limit,
    /// zero an error. Default: no limit.
    pub fn max_socket_age(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.limits.max_socket_age = limit.into();
        self
    }

    /// How many requests a socket may carry. `None` is no limit, 0 an error. Default: no limit.
    pub fn max_requests_per_socket(mut self, limit: impl Into<Option<u64>>) -> Self {
        self.limits.max_requests_per_socket = limit.into();
        self
    }

    /// Whether a socket that nobody waits for is kept (Node: `keepAlive`). When off, a socket is still
    /// handed on to a request that waits, and no `Connection: close` is sent. Default: true.
    pub fn keep_alive(mut self, keep_alive: bool) -> Self {
        self.limits.keep_alive = keep_alive;
        self
    }

    /// Which versions of HTTP are spoken. Default: [`Protocol::Auto`], or [`Protocol::Http1`] without the
    /// feature `http2`.
    ///
    /// An HTTP/2 connection counts as one socket and carries many requests; the queue waits for a free
    /// stream, and a further connection is opened when there is none, up to `max_sockets`.
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.sockets.protocol = protocol;
        self
    }

    /// How many requests an HTTP/2 connection may carry at once; its server may allow fewer (RFC 9113
    /// §5.1.2). 0 is an error. Default: 100.
    #[cfg(feature = "http2")]
    pub fn max_streams_per_socket(mut self, limit: usize) -> Self {
        self.sockets.mux.max_streams = limit;
        self
    }

    /// After how long a silence the server of an HTTP/2 connection with requests on it is asked whether it
    /// is there (PING, RFC 9113 §6.7). `None` never asks for that reason, zero is an error. Default: 30 s.
    #[cfg(feature = "http2")]
    pub fn ping_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.sockets.mux.ping_interval = interval.into();
        self
    }

    /// How long the server may take to answer that, or the PING that follows a request which was given up,
    /// before the connection counts as dead and its requests fail or move. Zero is an error. Default: 10 s.
    #[cfg(feature = "http2")]
    pub fn ping_timeout(mut self, timeout: Duration) -> Self {
        self.sockets.mux.ping_timeout = timeout;
        self
    }

    /// Which idle socket is used next (Node: `scheduling`). Default: [`Scheduling::Lifo`].
    pub fn scheduling(mut self, scheduling: Scheduling) -> Self {
        self.limits.scheduling = scheduling;
        self
    }

    /// How long a request waits in the queue; while a dial is under way for it this clock stands, as
    /// `connect_timeout` runs. The error says what held the sockets. `None` is no limit. Default: 30 s.
    pub fn queue_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.requests.queue_timeout = limit.into();
        self
    }

    /// How long name resolution and connecting may take together, and waiting for a file descriptor where
    /// none is free ([`Error::is_descriptor_limit`]). A host's addresses are tried in turn, each with an
    /// equal share of the time that is left. `None` is no limit, zero an error.
    /// Default: 10 s.
    pub fn connect_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.sockets.connect_timeout = limit.into();
        self
    }

    /// How long a TLS handshake may take, after the connection is made. `None` is no limit, zero an error.
    /// Default: 10 s.
    #[cfg(feature = "tls")]
    pub fn tls_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.sockets.tls.timeout = limit.into();
        self
    }

    /// How TLS is spoken with `https` origins: trusted authorities, one's own certificate, versions. A
    /// request's own: [`RequestOptions::tls`](crate::RequestOptions::tls). Default: [`Tls::default`], the
    /// system's authorities, read at the first `https` request.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.sockets.tls.settings = tls;
        self
    }

    /// How long a request with `Expect: 100-continue` waits for the 100 before it sends its body anyway
    /// (RFC 9110 §10.1.1). `None`: it waits for the 100, for no longer than the
    /// [`response_timeout`](Self::response_timeout). Default: 1 s.
    pub fn expect_continue_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.requests.expect_continue_timeout = limit.into();
        self
    }

    /// How long the server may take to answer: from the last byte of the request that the socket took to
    /// the response head. A 1xx does not extend it. `None` is no limit, zero an error. Default: 300 s.
    pub fn response_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.requests.response_timeout = limit.into();
        self
    }

    /// How long the server may be silent inside a response body. A slow reader does not trip it: bytes
    /// that have come are no silence. `None` is no limit, zero an error. Default: 300 s.
    pub fn body_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.requests.body_timeout = limit.into();
        self
    }

    /// How long a whole request may take, from its first poll to the last byte of the response body,
    /// the queue included. It fires when the future or the body is polled. `None` is no limit, zero an
    /// error. Default: no limit. A request's own: [`RequestOptions`](crate::RequestOptions).
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.requests.timeout = limit.into();
        self
    }

    /// Whether a request is written once more, on a fresh socket, when the one it was written to proves
    /// stale: it had served before or had been idle, and ended before a byte of the response came (RFC
    /// 9110 §9.2.2). Only if its method is idempotent or it carries an `Idempotency-Key`, and if at most 64
    /// KiB of its body had been taken from it by then: nothing is ever executed twice that must not be. A
    /// request of which not a byte was written is moved to another socket whatever is set here. A request's
    /// own: [`RequestOptions::retry`](crate::RequestOptions::retry). Default: true.
    pub fn retry(mut self, retry: bool) -> Self {
        self.requests.retry = retry;
        self
    }

    /// Whether small writes leave at once (TCP_NODELAY; Node: `noDelay`). Default: true.
    pub fn tcp_nodelay(mut self, nodelay: bool) -> Self {
        self.sockets.tcp_nodelay = nodelay;
        self
    }

    /// After how long a silence TCP asks whether the peer is still there (Node: `keepAliveMsecs`).
    /// In whole seconds, from 1 to 32767; `None` turns it off. Default: 60 s.
    pub fn tcp_keepalive(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.sockets.tcp_keepalive = time.into();
        self
    }

    /// The local address that sockets are bound to (Node: `localAddress`); part of the
    /// [`Origin`](crate::Origin). Default: the system's choice.
    pub fn local_address(mut self, address: impl Into<Option<IpAddr>>) -> Self {
        self.requests.local_address = address.into();
        self
    }

    /// Writes `Content-Type` instead of `content-type`, for servers that do not know that header names
    /// have no case (RFC 9110 §5.1). Default: false.
    pub fn title_case_headers(mut self, title_case: bool) -> Self {
        self.requests.title_case_headers = title_case;
        self
    }

    /// Makes the agent. It starts nothing: no task, no socket, and needs no runtime.
    ///
    /// # Errors
    ///
    /// [`Error::is_request`] for a setting that would let nothing through, and says which.
    pub fn build(mut self) -> Result<Agent, Error> {
        self.limits.max_sockets = check_sockets("max_sockets", self.max_sockets)?;
        if let Some(limit) = self.max_total_sockets {
            self.limits.max_total_sockets = check_sockets("max_total_sockets", limit)?;
        }
        check_requests(self.limits.max_requests_per_socket)?;
        check_time("free_socket_timeout", self.limits.free_socket_timeout)?;
        check_time("max_socket_age", self.limits.max_socket_age)?;
        check_time("connect_timeout", self.sockets.connect_timeout)?;
        #[cfg(feature = "tls")]
        check_time("tls_timeout", self.sockets.tls.timeout)?;
        #[cfg(feature = "http2")]
        {
            check_time("ping_interval", self.sockets.mux.ping_interval)?;
            check_time("ping_timeout", Some(self.sockets.mux.ping_timeout))?;
            check_sockets("max_streams_per_socket", Some(self.sockets.mux.max_streams))?;
        }
        self.check_protocol()?;
        check_time("response_timeout", self.requests.response_timeout)?;
        check_time("body_timeout", self.requests.body_timeout)?;
        check_time("timeout", self.requests.timeout)?;
        if self.sockets.tcp_keepalive.is_some_and(|time| !(1..=MAX_TCP_KEEPALIVE).contains(&time.as_secs())) {
            let text =
                format!("tcp_keepalive must be from 1 s to {MAX_TCP_KEEPALIVE} s, or None to turn it off");
            return Err(Error::request(text));
        }
        Ok(self.make(false))
    }

    /// Only what was compiled in can be spoken.
    fn check_protocol(&self) -> Result<(), Error> {
        let wants = self.sockets.protocol;
        if cfg!(feature = "http2") || matches!(wants, Protocol::Http1 | Protocol::Auto) {
            return Ok(());
        }
        Err(Error::request(format!("{wants:?} needs the feature `http2`, which this build has not")))
    }

    /// The defaults need no check.
    pub(super) fn with_defaults(self) -> Agent {
        self.make(false)
    }

    pub(super) fn global(self) -> Agent {
        self.make(true)
    }

    pub(super) fn one_shot(mut self) -> Agent {
        self.limits.max_sockets = usize::MAX;
        self.limits.keep_alive = false;
        self.requests.one_shot = true;
        self.make(false)
    }

    fn make(self, stays_open: bool) -> Agent {
        let connect = Arc::new(Connector::new(self.sockets.clone()));
        self.over(connect, stays_open)
    }

    /// An agent whose connections come from elsewhere.
    #[cfg(test)]
    pub(crate) fn build_over(self, connect: Arc<dyn Connect>) -> Agent {
        self.over(connect, false)
    }

    fn over(mut self, connect: Arc<dyn Connect>, stays_open: bool) -> Agent {
        if cfg!(not(feature = "http2")) {
            self.sockets.protocol = Protocol::Http1;
        }
        self.requests.dial_timeouts = self.sockets.dial_timeouts();
        #[cfg(feature = "http2")]
        {
            self.requests.protocol = self.sockets.protocol;
        }
        let default_total = self.max_total_sockets.is_none();
        let pool = Pool::new(self.limits, default_total, connect, stays_open);
        pool.speak(self.sockets.protocol, self.sockets.max_streams());
        Agent { handle: Arc::new(Handle { pool, defaults: Arc::new(self.requests) }) }
    }
}

/// What Linux takes for TCP_KEEPIDLE.
const MAX_TCP_KEEPALIVE: u64 = 32_767;

/// A limit of sockets as the pool wants it.
pub(super) fn check_sockets(name: &str, limit: Option<usize>) -> Result<usize, Error> {
    match limit {
        Some(0) => Err(Error::request(format!(
            "{name} is 0, which lets no request through: use 1 or more, or None for no limit"
        ))),
        limit => Ok(limit.unwrap_or(usize::MAX)),
    }
}

pub(super) fn check_requests(limit: Option<u64>) -> Result<(), Error> {
    match limit {
        Some(0) => Err(Error::request(
            "max_requests_per_socket is 0, which lets no request through: use 1 or more, or None for no limit",
        )),
        _ => Ok(()),
    }
}

pub(super) fn check_time(name: &str, time: Option<Duration>) -> Result<(), Error> {
    match time {
        Some(Duration::ZERO) => {
            Err(Error::request(format!("{name} is zero: use a longer time, or None for no limit")))
        }
        _ => Ok(()),
    }
}

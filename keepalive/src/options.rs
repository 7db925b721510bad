//! Defaults and settings, as plain values.

use std::net::IpAddr;
use std::time::Duration;

#[cfg(feature = "tls")]
use crate::Tls;
#[cfg(feature = "http2")]
use crate::mux::MuxOptions;

/// Sockets an agent opens to one origin at most, unless told otherwise (Node 0.10:
/// `Agent.defaultMaxSockets`, 5; today's Node sets no limit).
pub const DEFAULT_MAX_SOCKETS: usize = 5;

/// Sockets an agent opens in all at most, unless told otherwise, on a system without a limit of
/// descriptors; elsewhere [`default_max_total_sockets`](crate::default_max_total_sockets).
pub const DEFAULT_MAX_TOTAL_SOCKETS: usize = 1024;

/// Idle sockets an agent keeps for one origin at most, unless told otherwise (Node: `maxFreeSockets`).
pub const DEFAULT_MAX_FREE_SOCKETS: usize = 256;

/// How long an idle socket is kept, unless told otherwise.
pub const DEFAULT_FREE_SOCKET_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a request waits for a socket, unless told otherwise.
pub const DEFAULT_QUEUE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long name resolution and TCP connect may take together, unless told otherwise.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a TLS handshake may take, unless told otherwise.
#[cfg(feature = "tls")]
pub const DEFAULT_TLS_TIMEOUT: Duration = Duration::from_secs(10);

/// How many requests an HTTP/2 connection may carry at once, unless told otherwise; its server may allow
/// fewer.
#[cfg(feature = "http2")]
pub const DEFAULT_MAX_STREAMS_PER_SOCKET: usize = 100;

/// After how long a silence the server of an HTTP/2 connection in use is asked whether it is there, unless
/// told otherwise.
#[cfg(feature = "http2")]
pub const DEFAULT_PING_INTERVAL: Duration = Duration::from_secs(30);

/// How long it may take to answer that, unless told otherwise.
#[cfg(feature = "http2")]
pub const DEFAULT_PING_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a request with `Expect: 100-continue` holds its body back, unless told otherwise.
pub const DEFAULT_EXPECT_CONTINUE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a server may take to answer, unless told otherwise.
pub const DEFAULT_RESPONSE_TIMEOUT: Duration = Duration::from_secs(300);

/// How long a server may be silent inside a response body, unless told otherwise.
pub const DEFAULT_BODY_TIMEOUT: Duration = Duration::from_secs(300);

/// After how long a silent connection is probed by TCP keep-alive, unless told otherwise.
pub const DEFAULT_TCP_KEEPALIVE: Duration = Duration::from_secs(60);

/// Which idle socket a request gets (Node: `scheduling`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Scheduling {
    /// The one used last. Surplus sockets stay idle and go away; fewer are found closed by the server.
    #[default]
    Lifo,
    /// The one idle the longest. Spreads requests over all sockets and keeps every one of them alive.
    Fifo,
}

/// Which versions of HTTP an agent speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Protocol {
    /// HTTP/2 with an `https` origin that chooses it (ALPN, RFC 7301), else HTTP/1.1.
    #[cfg_attr(feature = "http2", default)]
    Auto,
    /// HTTP/1.1 only.
    #[cfg_attr(not(feature = "http2"), default)]
    Http1,
    /// With `https` origins HTTP/2 only: one that does not choose it is an error. `http` stays HTTP/1.1.
    Http2,
    /// HTTP/2 without asking, also over plain `http` (RFC 9113 §3.3).
    Http2PriorKnowledge,
}

/// How sockets are made; part of the agent, the same for all its origins.
#[derive(Debug, Clone)]
pub(crate) struct SocketOptions {
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) tcp_nodelay: bool,
    pub(crate) tcp_keepalive: Option<Duration>,
    pub(crate) protocol: Protocol,
    #[cfg(feature = "http2")]
    pub(crate) mux: MuxOptions,
    #[cfg(feature = "tls")]
    pub(crate) tls: TlsDefaults,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Some(DEFAULT_CONNECT_TIMEOUT),
            tcp_nodelay: true,
            tcp_keepalive: Some(DEFAULT_TCP_KEEPALIVE),
            protocol: Protocol::default(),
            #[cfg(feature = "http2")]
            mux: MuxOptions {
                max_streams: DEFAULT_MAX_STREAMS_PER_SOCKET,
                ping_interval: Some(DEFAULT_PING_INTERVAL),
                ping_timeout: DEFAULT_PING_TIMEOUT,
            },
            #[cfg(feature = "tls")]
            tls: TlsDefaults { settings: Tls::default(), timeout: Some(DEFAULT_TLS_TIMEOUT) },
        }
    }
}

impl SocketOptions {
    /// How many requests a socket may carry at once.
    pub(crate) fn max_streams(&self) -> usize {
        #[cfg(feature = "http2")]
        return self.mux.max_streams;
        #[cfg(not(feature = "http2"))]
        1
    }

    /// What all steps of a dial may take together, to a plain origin and to a secure one.
    pub(crate) fn dial_timeouts(&self) -> DialTimeouts {
        let plain = self.connect_timeout;
        #[cfg(feature = "tls")]
        let secure = plain.zip(self.tls.timeout).and_then(|(tcp, tls)| tcp.checked_add(tls));
        #[cfg(not(feature = "tls"))]
        let secure = plain;
        #[cfg(feature = "http2")]
        let (plain, secure) = {
            let settings = |time: Option<Duration>| time?.checked_add(crate::mux::SETTINGS_TIMEOUT);
            let plain = if self.protocol == Protocol::Http2PriorKnowledge { settings(plain) } else { plain };
            (plain, if self.protocol == Protocol::Http1 { secure } else { settings(secure) })
        };
        DialTimeouts { plain, secure }
    }
}

/// How TLS is spoken with origins that have no settings of their own, and how long any handshake may take.
#[cfg(feature = "tls")]
#[derive(Debug, Clone)]
pub(crate) struct TlsDefaults {
    pub(crate) settings: Tls,
    pub(crate) timeout: Option<Duration>,
}

/// What all steps of a dial may take together.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct DialTimeouts {
    pub(crate) plain: Option<Duration>,
    pub(crate) secure: Option<Duration>,
}

/// How requests are written and how long they may take; part of the agent.
#[derive(Debug, Clone)]
pub(crate) struct RequestDefaults {
    pub(crate) queue_timeout: Option<Duration>,
    /// How long a request may have to wait for a dial.
    pub(crate) dial_timeouts: DialTimeouts,
    pub(crate) expect_continue_timeout: Option<Duration>,
    pub(crate) response_timeout: Option<Duration>,
    pub(crate) body_timeout: Option<Duration>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) local_address: Option<IpAddr>,
    pub(crate) title_case_headers: bool,
    /// As in [`SocketOptions`].
    #[cfg(feature = "http2")]
    pub(crate) protocol: Protocol,
    /// Whether a request may be written again on a fresh socket.
    pub(crate) retry: bool,
    /// A socket of its own for each request, with `connection: close`.
    pub(crate) one_shot: bool,
}

/// What one request wants otherwise than its agent.
///
/// Put it into the extensions of an [`http::Request`]; [`RequestBuilder`](crate::RequestBuilder) does
/// so by itself.
///
/// ```
/// # use std::time::Duration;
/// let mut request = http::Request::get("http://127.0.0.1:8080/").body(keepalive::Body::empty())?;
/// request.extensions_mut().insert(
///     keepalive::RequestOptions::new().timeout(Duration::from_secs(2)),
/// );
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct RequestOptions {
    pub(crate) timeout: Option<Duration>,
    pub(crate) local_address: Option<IpAddr>,
    pub(crate) retry: Option<bool>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Tls>,
}

impl RequestOptions {
    /// Nothing different from the agent's settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits the whole request, from the first poll to the last byte of the body, waiting in the
    /// queue included. Default: the agent's [`timeout`](crate::AgentBuilder::timeout).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Binds the socket to this local address (Node: `localAddress`). It is part of the
    /// [`Origin`](crate::Origin): requests from different addresses never share a socket. Default: the
    /// agent's [`local_address`](crate::AgentBuilder::local_address).
    #[must_use]
    pub fn local_address(mut self, address: IpAddr) -> Self {
        self.local_address = Some(address);
        self
    }

    /// Whether the request may be written again when its socket proves stale, see
    /// [`AgentBuilder::retry`](crate::AgentBuilder::retry). Default: the agent's.
    #[must_use]
    pub fn retry(mut self, retry: bool) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Speaks TLS in this way. It is part of the [`Origin`](crate::Origin): requests with different settings
    /// never share a socket. Default: the agent's [`tls`](crate::AgentBuilder::tls).
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }
}

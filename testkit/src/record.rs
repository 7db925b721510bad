//! What a scripted origin saw: its connections, their requests, and how each one ended.
//!
//! Plain values, without locks. Filled by the origin; read by tests.
//!
//! Invariants: 1. a connection's place in `connections` is its `order`; 2. `ended` is set once and stays;
//! 3. `peak_open` counts a connection from its accept until the kernel knew that the peer had gone.

use std::net::SocketAddr;

use crate::request::Request;
use crate::server::Ledger;

/// All that a scripted origin has seen so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Every connection in the order of its accept.
    pub connections: Vec<Connection>,
    /// The largest number of connections that were open at once.
    ///
    /// At each accept the connections whose peer is gone are taken out first, so a client that closes one
    /// socket before it opens the next never counts as two. A peer that only closed its sending half counts
    /// as gone: the kernel does not tell the two apart.
    pub peak_open: usize,
    open: usize,
    requests: usize,
}

/// One connection that an origin accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// The place among all connections of the origin, counted from 0.
    pub order: usize,
    /// The client's address; none on a unix socket.
    pub peer: Option<SocketAddr>,
    /// The requests that were read on it.
    pub requests: Vec<Request>,
    /// Every byte that was read on it.
    pub bytes: Vec<u8>,
    /// How it ended; none while it is open.
    pub ended: Option<End>,
    /// What the TLS handshake agreed on; none before, and without TLS.
    pub tls: Option<Handshake>,
    /// Whether the client said goodbye before its end (`close_notify`), as far as it was read.
    pub goodbye: bool,
}

/// What a TLS handshake agreed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handshake {
    /// Whether TLS 1.3 is spoken, and not 1.2.
    pub tls13: bool,
    /// The protocol that was chosen (ALPN).
    pub alpn: Option<String>,
    /// The name that the client asked for (SNI); it names no IP address.
    pub server_name: Option<String>,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// How many certificates the client showed.
    pub client_certificates: usize,
}

/// How a connection ended, seen from the origin.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// The peer closed it, or closed its sending half.
    ClosedByPeer,
    /// The peer reset it, or answered what was sent with a reset.
    ResetByPeer,
    /// The origin closed it, as told.
    ClosedByScript,
    /// The origin reset it, as told.
    ResetByScript,
    /// It came after the last script: the test did not expect it. Closed at once.
    Unexpected,
    /// The peer sent what is no request; the text says why. Closed by the origin.
    BadRequest(String),
    /// The peer broke off the TLS handshake, or what it sent is not TLS; the text says why.
    BadTls(String),
    /// The origin was stopped or dropped while the connection was open.
    OriginStopped,
}

impl Record {
    /// How many connections were accepted.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.connections.len()
    }

    /// How many connections have not ended yet.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open
    }

    /// The requests of all connections in the order in which the origin read them.
    #[must_use]
    pub fn requests(&self) -> Vec<&Request> {
        let mut all: Vec<_> = self.connections.iter().flat_map(|connection| &connection.requests).collect();
        all.sort_by_key(|request| request.order);
        all
    }

    /// Adds a request and returns its place among its connection's.
    pub(crate) fn request(&mut self, connection: usize, mut request: Request) -> usize {
        request.connection = connection;
        request.order = self.requests;
        self.requests += 1;
        let requests = &mut self.connections[connection].requests;
        requests.push(request);
        requests.len() - 1
    }
}

impl Ledger for Record {
    fn admit(&mut self, peer: Option<SocketAddr>) -> usize {
        let order = self.connections.len();
        self.connections.push(Connection { order, peer, ..Connection::default() });
        self.open += 1;
        self.peak_open = self.peak_open.max(self.open);
        order
    }

    fn end(&mut self, order: usize, end: End) {
        let ended = &mut self.connections[order].ended;
        if ended.is_none() {
            *ended = Some(end);
            self.open -= 1;
        }
    }

    #[cfg(feature = "case")]
    fn open(&self) -> usize {
        self.open
    }
}

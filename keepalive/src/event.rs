//! What an agent tells of itself as it happens: plain values. `pool::journal` keeps and delivers them.

use std::net::SocketAddr;
use std::time::Duration;

use crate::{CloseReason, Origin};

/// Something that happened inside an agent, see [`Agent::subscribe`](crate::Agent::subscribe).
///
/// Sockets are named by [`ConnectionInfo::socket_id`](crate::ConnectionInfo::socket_id). Requests have
/// numbers of their own, from 1 up in the order in which they were polled first; never given twice. No
/// URL, header or user name is in an event: an origin is all it tells of where a request went.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "event", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Event {
    /// A place under the caps was taken and a dial begins (Node: `agent.createConnection`). This is what
    /// [`Totals::opened`](crate::Totals::opened) counts.
    SocketDialing {
        /// Which socket.
        socket: u64,
        /// Where to.
        origin: Origin,
    },
    /// The connection stands (Node: the socket's `'connect'`).
    SocketOpened {
        /// Which socket.
        socket: u64,
        /// Where to.
        origin: Origin,
        /// The socket's own address.
        local_addr: Option<SocketAddr>,
        /// The server's address.
        peer_addr: Option<SocketAddr>,
    },
    /// A request goes over a socket that has served before; follows its [`RequestAssigned`](Self::RequestAssigned)
    /// (Node: `agent.reuseSocket`, `request.reusedSocket`).
    SocketReused {
        /// Which socket.
        socket: u64,
        /// Where to.
        origin: Origin,
        /// Which request of this socket it is, from 2 up.
        request_number: u64,
        /// How long the socket was free.
        idle_for: Duration,
    },
    /// The socket is free, nobody waits for it, and it is kept (Node: `'free'`, when `agent.keepSocketAlive`
    /// lets it live).
    SocketParked {
        /// Which socket.
        socket: u64,
        /// Where to.
        origin: Origin,
    },
    /// The socket is closed, or its dial has ended without one (Node: the socket's `'close'`). Comes once for
    /// each [`SocketDialing`](Self::SocketDialing), after close(2) has returned.
    SocketClosed {
        /// Which socket.
        socket: u64,
        /// Where to.
        origin: Origin,
        /// Why.
        reason: CloseReason,
        /// How long the connection stood; of a dial that did not succeed, how long that took.
        age: Duration,
        /// How many requests it was given to.
        requests: u64,
    },
    /// The request waits for a slot: no socket is free and no dial is under way for it (Node: it goes to
    /// `agent.requests`).
    RequestQueued {
        /// Which request.
        request: u64,
        /// Where to.
        origin: Origin,
    },
    /// The request has its socket (Node: the request's `'socket'`); once more after
    /// [`RequestRetried`](Self::RequestRetried), if its socket ended before a byte was written, or if an
    /// HTTP/2 server said that it did not look at it.
    RequestAssigned {
        /// Which request.
        request: u64,
        /// Where to.
        origin: Origin,
        /// Which socket.
        socket: u64,
        /// The time since it asked for one, its dial included.
        waited: Duration,
    },
    /// The request was written on this socket, which proved stale, and is to be written once more.
    RequestRetried {
        /// Which request.
        request: u64,
        /// Where to.
        origin: Origin,
        /// Which socket failed it.
        socket: u64,
    },
    /// The request ends without a socket. Each request has this or
    /// [`RequestAssigned`](Self::RequestAssigned) as its last word; one that never asks for a socket, because it is
    /// not valid or the agent takes no more, has neither.
    RequestUnserved {
        /// Which request.
        request: u64,
        /// Where to.
        origin: Origin,
        /// Why.
        reason: Unserved,
        /// The time since it asked for one.
        waited: Duration,
    },
    /// This listener was too slow and the events at this place are gone, the oldest of those it had not
    /// taken. Not told to others.
    Lost {
        /// How many.
        count: u64,
    },
}

/// Why a request ended without a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Unserved {
    /// Its future was dropped.
    Cancelled,
    /// `queue_timeout`, or the limit of the whole request, ran out.
    TimedOut,
    /// As many as `max_queued` allows were waiting.
    QueueFull,
    /// The dial for it failed, or the agent was destroyed.
    Failed,
}

impl Unserved {
    /// The short name, as in JSON: `"timed_out"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::QueueFull => "queue_full",
            Self::Failed => "failed",
        }
    }
}

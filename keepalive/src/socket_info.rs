//! One entry of the live list of sockets: plain values, filled by `pool`.

use std::net::SocketAddr;
use std::time::Duration;

use crate::Origin;

/// One of an agent's sockets at one instant, see [`Agent::sockets`](crate::Agent::sockets).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SocketInfo {
    /// The agent's number for it, as in [`ConnectionInfo::socket_id`](crate::ConnectionInfo::socket_id).
    pub id: u64,
    /// Where it leads.
    pub origin: Origin,
    /// What it is doing.
    pub state: SocketState,
    /// How long the connection stands; while it is connecting, how long that has taken.
    pub age: Duration,
    /// How many requests it was given to, the present one included.
    pub requests: u64,
    /// How long it has been idle; only while it is.
    pub idle_for: Option<Duration>,
    /// The socket's own address; `None` while it is connecting.
    pub local_addr: Option<SocketAddr>,
    /// The server's address; `None` while it is connecting.
    pub peer_addr: Option<SocketAddr>,
    /// How many requests it carries at this moment, or is about to; `None` for HTTP/1.1. One that was given
    /// up counts until the server shows that it is there.
    pub streams: Option<usize>,
    /// How many it may carry at once: what its server allows, and no more than
    /// `AgentBuilder::max_streams_per_socket`; `None` for HTTP/1.1.
    pub max_streams: Option<usize>,
}

/// What a socket is doing. The counts of [`Status`](crate::Status) go by the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum SocketState {
    /// It is being dialled.
    Connecting,
    /// It is kept for later requests.
    Idle,
    /// It is on a request, or just offered to one.
    Active,
    /// The rest of a dropped body is read off.
    Draining,
    /// Its close(2) has not returned.
    Closing,
    /// It was handed out after a 101 or a CONNECT.
    Upgraded,
}

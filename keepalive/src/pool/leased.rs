//! What a request gets from the pool: a socket of its own, or a stream of one that carries many.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http::Version;

use super::lease::{Dead, Dialed, Past};
use super::{Lease, Socket};

/// A request's hold on what will carry it.
#[derive(Debug)]
pub(crate) enum Leased {
    One(Lease),
    #[cfg(feature = "http2")]
    Many(Box<super::Stream>),
}

/// What is to be known of it.
pub(crate) struct Facts {
    pub(crate) socket: u64,
    pub(crate) request_number: u64,
    pub(crate) idle_for: Duration,
    /// When the request got it.
    pub(crate) taken_at: Instant,
    pub(crate) local: Option<SocketAddr>,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) protocol: Version,
}

/// What the driver takes out under the lock.
pub(super) enum Taken {
    One(Box<Socket>),
    #[cfg(feature = "http2")]
    Many(Box<super::Stream>),
}

impl Leased {
    pub(crate) fn facts(&mut self) -> Facts {
        match self {
            Self::One(lease) => {
                let Socket { id, ref about, past, .. } = *lease.socket();
                let Past { request_number, idle_for, taken_at, .. } = past;
                let (local, peer) = (about.local, about.peer);
                let protocol = Version::HTTP_11;
                Facts { socket: id, request_number, idle_for, taken_at, local, peer, protocol }
            }
            #[cfg(feature = "http2")]
            Self::Many(stream) => Facts {
                socket: stream.id,
                request_number: stream.request_number,
                idle_for: stream.idle_for,
                taken_at: stream.taken_at,
                local: stream.local,
                peer: stream.peer,
                protocol: Version::HTTP_2,
            },
        }
    }

    /// Of the dial, for the first request.
    pub(crate) fn take_dialed(&mut self) -> Option<Dialed> {
        match self {
            Self::One(lease) => lease.socket().dialed.take().map(|dialed| *dialed),
            #[cfg(feature = "http2")]
            Self::Many(stream) => stream.dialed.take(),
        }
    }

    /// The request goes on without it, having `written` to it or not.
    pub(super) fn give_up(self, written: bool) -> Dead {
        match self {
            Self::One(lease) => lease.give_up(crate::CloseReason::Stale, written),
            #[cfg(feature = "http2")]
            Self::Many(stream) => stream.leave(),
        }
    }
}

//! What a request gets from the pool: a socket of its own, or a stream of one that carries many.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http::Version;

use super::Lease;
use super::lease::{Dead, Dialed};

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

impl Leased {
    /// When the request got it.
    pub(crate) fn taken_at(&self) -> Instant {
        match self {
            Self::One(lease) => lease.taken_at(),
            #[cfg(feature = "http2")]
            Self::Many(stream) => stream.taken_at,
        }
    }

    pub(crate) fn facts(&mut self) -> Facts {
        match self {
            Self::One(lease) => lease.facts(),
            #[cfg(feature = "http2")]
            Self::Many(stream) => stream.facts(),
        }
    }

    /// Of the dial, for the first request.
    pub(crate) fn take_dialed(&mut self) -> Option<Dialed> {
        match self {
            Self::One(lease) => lease.take_dialed(),
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

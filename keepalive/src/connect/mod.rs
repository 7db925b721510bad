//! How a connection to an origin comes about, behind one seam.
//!
//! Not here: when to dial and how often (`pool`). Called by the pool's dial task only.

mod connector;
mod dns;
mod tcp;
#[cfg(feature = "tls")]
mod tls;

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

pub(crate) use self::connector::Connector;
use crate::descriptors::Place;
use crate::io::{Io, Permit};
#[cfg(feature = "http2")]
use crate::mux::Opened;
use crate::{Error, Origin};

/// Makes connections. The permit goes into the socket, so that it is held until close(2); the place is
/// where the dial waits when it lacks descriptors.
pub(crate) trait Connect: Send + Sync + fmt::Debug {
    fn connect<'a>(&'a self, origin: &'a Origin, permit: Permit, place: Place) -> Connecting<'a>;
}

/// The future of [`Connect::connect`]. Dropping it closes what it had opened.
pub(crate) type Connecting<'a> = Pin<Box<dyn Future<Output = Result<Connected, Error>> + Send + 'a>>;

/// What carries requests to the server.
pub(crate) enum Carrier {
    /// A stream of bytes, for one request at a time.
    One(Box<dyn Io>),
    /// A connection for many at once.
    #[cfg(feature = "http2")]
    Many(Box<Opened>),
}

/// A connection that stands.
pub(crate) struct Connected {
    pub(crate) carrier: Carrier,
    pub(crate) local: Option<SocketAddr>,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) timings: DialTimings,
}

/// The end of a dial that gave way; it is for nobody.
fn nobody_waits(origin: &Origin) -> Error {
    let text = format!("no request waits for a connection to {origin} any more");
    Error::connect(text, "it would have needed a descriptor that others need")
}

/// How long the steps of a dial took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct DialTimings {
    pub(crate) dns: Duration,
    pub(crate) connect: Duration,
    pub(crate) tls: Option<Duration>,
}

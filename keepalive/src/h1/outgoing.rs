//! A request before it has a socket, and what is known of it when it lost one.

use super::RequestFacts;
use super::upload::Upload;

/// A request that is ready to be written.
pub(crate) struct Outgoing {
    pub(crate) upload: Upload,
    pub(crate) terms: Terms,
}

/// What is known of a request beside its bytes.
#[derive(Default)]
pub(crate) struct Terms {
    pub(crate) facts: RequestFacts,
    /// Its method is idempotent or it carries an `Idempotency-Key`.
    pub(crate) repeatable: bool,
    /// Whether it may be written a second time at all.
    pub(crate) retry: bool,
    /// This is the second time.
    pub(crate) again: bool,
    /// How many bytes of it were written the first time.
    pub(crate) written_before: u64,
    /// How often it moved because a server had not looked at it.
    #[cfg(feature = "http2")]
    pub(crate) moves: u32,
    /// Its head for HTTP/2, if that may be spoken and has a form for it.
    #[cfg(feature = "http2")]
    pub(crate) http2: Option<Box<http::Request<()>>>,
}

/// What decides about a request whose connection ended before a byte of its response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loss {
    /// The socket had served before, or had been idle: the server may have given it up already.
    pub(crate) parked: bool,
    /// Not a byte of the request was written, or taken to be written.
    pub(crate) untouched: bool,
    /// The method is idempotent, or there is an `Idempotency-Key`.
    pub(crate) repeatable: bool,
    /// Little enough of the body was pulled.
    pub(crate) replayable: bool,
    /// The user allows it.
    pub(crate) retry: bool,
    /// This was the second time.
    pub(crate) again: bool,
    /// The server says that it did not look at it (GOAWAY, REFUSED_STREAM).
    pub(crate) unseen: bool,
    /// It has not moved too often for that.
    pub(crate) may_move: bool,
}

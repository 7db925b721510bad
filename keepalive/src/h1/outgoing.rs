//! A request before it has a socket, and what is known of it when it lost one.

use bytes::BytesMut;
#[cfg(feature = "http2")]
use http::request::Parts;

#[cfg(feature = "http2")]
use super::{Fields, HeadOptions, encode_head};
use super::{Framing, Payload, RequestFacts};

/// A request that is ready to be written.
pub(crate) struct Outgoing {
    /// Empty until it is known which form it has.
    pub(crate) head: BytesMut,
    pub(crate) payload: Payload,
    pub(crate) framing: Framing,
    /// It carries `Expect: 100-continue`.
    pub(crate) expects: bool,
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
    /// Its head, if HTTP/2 may be spoken: that gets its form when it is known what is.
    #[cfg(feature = "http2")]
    pub(crate) original: Option<Box<Original>>,
}

/// A request's head as its user made it, and found to be sendable.
#[cfg(feature = "http2")]
pub(crate) struct Original {
    pub(crate) parts: http::request::Parts,
    options: HeadOptions,
}

#[cfg(feature = "http2")]
impl Original {
    /// Of a head that `check_head` found nothing wrong with.
    pub(crate) fn new(mut parts: Parts, options: HeadOptions) -> Self {
        // They are no part of it, and h2 has a meaning for one.
        parts.extensions.clear();
        Self { parts, options }
    }

    /// The head in its HTTP/1.1 form.
    pub(super) fn encode(&self, framing: Framing) -> BytesMut {
        let Self { parts: Parts { method, uri, headers, .. }, options } = self;
        let mut head = BytesMut::with_capacity(HEAD_SIZE);
        if let Err(error) = encode_head(method, uri, Fields::of(headers), framing, options, &mut head) {
            unreachable!("it was found to be sendable: {error}");
        }
        head
    }
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

/// Enough for the head of most requests.
pub(crate) const HEAD_SIZE: usize = 512;

//! HTTP/1.1 on the wire: requests to bytes, bytes to responses (RFC 9112).
//!
//! Sans-IO: no socket, no clock, no runtime. Bytes come and go in a `BytesMut` that the caller owns.
//! It is not a connection: writing, reading, time limits and the retry rule belong to the shell that
//! drives it. Called by that shell only.
//!
//! ```text
//! out: framing ─► encode_head ─► (body bytes | chunk_head, bytes, CHUNK_END … last_chunk)
//! in:  ResponseDecoder::head … ─► body … ─► verdict
//! ```
//!
//! Invariants:
//! 1. What comes out of the decoder does not depend on how the bytes were split over reads.
//! 2. Every length has a limit, and every byte is looked at a bounded number of times.
//! 3. Ambiguous framing is an error, in both directions. Whoever guesses lets somebody else's bytes
//!    pass for a response (RFC 9112 §11.2).
//! 4. Whether a socket may be used again is decided in one place, `ResponseDecoder::verdict`.

mod body;
mod chunked;
mod connection;
mod error;
mod excerpt;
mod fields;
mod framing;
mod head;
mod keep_alive;
mod lately;
mod length;
mod present;
mod quick;
mod request;
mod request_body;
mod request_error;
mod response;
mod scan;
mod target;
mod trailers;

#[cfg(test)]
mod tests;

pub(crate) use body::BodyEvent;
pub(crate) use error::ProtocolError;
pub(crate) use framing::{Framing, expects_continue, framing};
pub(crate) use head::Head;
#[cfg(feature = "unstable")]
pub(crate) use keep_alive::KeepAliveHint;
pub(crate) use present::Fields;
#[cfg(feature = "http2")]
pub(crate) use request::check_head;
pub(crate) use request::{HeadOptions, encode_head};
pub(crate) use request_body::{CHUNK_END, chunk_head, last_chunk};
pub(crate) use request_error::RequestError;
#[cfg(feature = "http2")]
pub(crate) use response::MAX_INFORMATIONAL;
pub(crate) use response::{HeadEvent, RequestFacts, ResponseDecoder, Verdict};
pub(crate) use target::TargetForm;

//! A chunked request body's framing bytes (RFC 9112 §7.1). The data between them is the shell's.

use std::fmt::Write;

use bytes::BytesMut;
use http::HeaderMap;

use super::trailers;

/// What follows a chunk's data.
pub(crate) const CHUNK_END: &[u8] = b"\r\n";

/// Appends the line that announces a chunk of `len` bytes, which must not be zero: an empty chunk is
/// the last one.
pub(crate) fn chunk_head(len: usize, out: &mut BytesMut) {
    debug_assert!(len > 0, "an empty chunk would end the body");
    write!(out, "{len:x}\r\n").expect("a BytesMut grows");
}

/// Appends the end of the body. Trailers that RFC 9110 §6.5.1 forbids are left out.
pub(crate) fn last_chunk(trailers: Option<&HeaderMap>, out: &mut BytesMut) {
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers.into_iter().flatten() {
        if trailers::is_sendable(name) {
            out.extend_from_slice(name.as_str().as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
    out.extend_from_slice(b"\r\n");
}

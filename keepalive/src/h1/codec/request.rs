//! A request's head as bytes (RFC 9112 §3).
//!
//! It is not a check of the body: `framing` decides that first. Called by the shell.
//!
//! Invariants:
//! 1. On an error nothing was written.
//! 2. No CR, LF or NUL gets out except the line ends written here: `Method`, `Uri`, `HeaderName` and
//!    `HeaderValue` cannot hold them (tests/injection.rs tries every byte).
//! 3. Exactly one Host, first, and at most one framing field.

use bytes::{BufMut, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, Method, Uri};

use super::connection::ConnectionTokens;
use super::framing::{Framing, only};
use super::present::Fields;
use super::request_error::RequestError;
use super::target::{Target, TargetForm};

/// How a head is written, beside what the request says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeadOptions {
    /// What the request line's target looks like.
    pub(crate) target: TargetForm,
    /// `Content-Type` instead of `content-type`, for servers that compare bytes.
    pub(crate) title_case: bool,
    /// Says `connection: close`, unless the request does so itself.
    pub(crate) connection_close: bool,
}

/// Appends the request line and the fields, up to and including the empty line.
///
/// Host comes first: the request's own, else the URI's. The others follow in the map's order, values
/// byte for byte; then the framing field, then `connection: close` if the options want it.
pub(crate) fn encode_head(
    method: &Method,
    uri: &Uri,
    fields: Fields<'_>,
    framing: Framing,
    options: &HeadOptions,
    out: &mut BytesMut,
) -> Result<(), RequestError> {
    let target = Target::new(method, uri, options.target)?;
    let host = own_host(uri, fields, &target)?;
    out.extend_from_slice(method.as_str().as_bytes());
    out.put_u8(b' ');
    target.write(out);
    out.extend_from_slice(if options.title_case { b" HTTP/1.1\r\nHost: " } else { b" HTTP/1.1\r\nhost: " });
    match host {
        Some(value) => out.extend_from_slice(value.as_bytes()),
        None => target.write_host(out),
    }
    out.extend_from_slice(b"\r\n");
    for (name, value) in fields.map {
        if matches!(*name, HOST | CONTENT_LENGTH | TRANSFER_ENCODING) {
            continue;
        }
        write_name(name, options.title_case, out);
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    match framing {
        Framing::None => {}
        Framing::Length(length) => {
            write_name(&CONTENT_LENGTH, options.title_case, out);
            out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        Framing::Chunked => {
            write_name(&TRANSFER_ENCODING, options.title_case, out);
            out.extend_from_slice(b"chunked\r\n");
        }
    }
    if options.connection_close && !ConnectionTokens::of(fields.map, fields.present).close {
        write_name(&CONNECTION, options.title_case, out);
        out.extend_from_slice(b"close\r\n");
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// Finds what [`encode_head`] would find, and writes nothing.
#[cfg(feature = "http2")]
pub(crate) fn check_head(
    method: &Method,
    uri: &Uri,
    fields: Fields<'_>,
    options: &HeadOptions,
) -> Result<(), RequestError> {
    let target = Target::new(method, uri, options.target)?;
    own_host(uri, fields, &target).map(drop)
}

/// The request's own Host; `None` if the target has one.
#[inline]
fn own_host<'a>(
    uri: &Uri,
    fields: Fields<'a>,
    target: &Target<'_>,
) -> Result<Option<&'a HeaderValue>, RequestError> {
    let host = if fields.present.host() { only(fields.map, &HOST)? } else { None };
    if host.is_none() && !target.has_host() {
        return Err(RequestError::no_host(uri));
    }
    Ok(host)
}

fn write_name(name: &HeaderName, title_case: bool, out: &mut BytesMut) {
    let start = out.len();
    out.extend_from_slice(name.as_str().as_bytes());
    if title_case {
        let mut upper = true;
        for byte in &mut out[start..] {
            if upper {
                byte.make_ascii_uppercase();
            }
            upper = *byte == b'-';
        }
    }
    out.extend_from_slice(b": ");
}

//! How a request's body is delimited (RFC 9112 §6, RFC 9110 §8.6).
//!
//! Not the response's: see `length`. Called by the shell before `encode_head`, which writes what was
//! decided here and skips the caller's own framing fields.

use http::header::{CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::length::decimal;
use super::present::Fields;
use super::request_error::RequestError;

/// What the head says about the body. The shell holds the body to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// No body and no field about it.
    None,
    /// `content-length`: exactly this many bytes follow, possibly none.
    Length(u64),
    /// `transfer-encoding: chunked`.
    Chunked,
}

/// Decides the framing, or says why the caller's fields and body cannot be sent.
///
/// `exact_size` is the body's exact length if it is known; without `has_body` it is zero.
pub(crate) fn framing(
    method: &Method,
    fields: Fields<'_>,
    exact_size: Option<u64>,
    has_body: bool,
) -> Result<Framing, RequestError> {
    let size = if has_body { exact_size } else { Some(0) };
    let Fields { map: headers, present } = fields;
    let said_length = if present.content_length() { said_length(headers)? } else { None };
    let said_chunked = present.transfer_encoding() && said_chunked(headers)?;
    let framing = match (said_length, said_chunked) {
        (Some(_), true) => return Err(RequestError::LengthAndChunked),
        (None, true) => Framing::Chunked,
        (Some(said), false) => match size {
            Some(body) if body != said => return Err(RequestError::LengthMismatch { said, body }),
            _ => Framing::Length(said),
        },
        (None, false) => match size {
            Some(0) if !announces_empty(method) => Framing::None,
            Some(body) => Framing::Length(body),
            None => Framing::Chunked,
        },
    };
    let forbidden = *method == Method::CONNECT || *method == Method::TRACE;
    if forbidden && !matches!(framing, Framing::None | Framing::Length(0)) {
        return Err(RequestError::BodyNotAllowed { method: method.clone() });
    }
    Ok(framing)
}

/// Whether the request asks to be told before it sends its body (RFC 9110 §10.1.1).
pub(crate) fn expects_continue(fields: Fields<'_>) -> bool {
    let expect = if fields.present.expect() { fields.map.get(EXPECT) } else { None };
    expect.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Methods whose content has a meaning say so when there is none (RFC 9110 §8.6).
fn announces_empty(method: &Method) -> bool {
    *method == Method::POST || *method == Method::PUT || *method == Method::PATCH
}

fn said_length(headers: &HeaderMap) -> Result<Option<u64>, RequestError> {
    let Some(value) = only(headers, &CONTENT_LENGTH)? else { return Ok(None) };
    match decimal(value.as_bytes()) {
        Some(length) => Ok(Some(length)),
        None => Err(RequestError::ContentLength { value: text(value) }),
    }
}

fn said_chunked(headers: &HeaderMap) -> Result<bool, RequestError> {
    let Some(value) = only(headers, &TRANSFER_ENCODING)? else { return Ok(false) };
    if value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked") {
        Ok(true)
    } else {
        Err(RequestError::TransferEncoding { value: text(value) })
    }
}

/// The only value of a field, if it has one.
pub(super) fn only<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, RequestError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    match values.next() {
        Some(_) => Err(RequestError::Duplicate(name.clone())),
        None => Ok(first),
    }
}

fn text(value: &HeaderValue) -> String {
    value.as_bytes().escape_ascii().to_string()
}

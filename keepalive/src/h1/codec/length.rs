//! Where a response's body ends (RFC 9112 §6.3).
//!
//! It does not decode: `body` does. Called by `response`.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, StatusCode, Version};

use super::connection::elements;
use super::error::ProtocolError;
use super::excerpt::Excerpt;
use super::head::Head;
use super::present::Present;

/// How the end of the body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyLength {
    /// This many bytes, possibly none.
    Exact(u64),
    /// The chunked coding says so.
    Chunked,
    /// The connection ends.
    UntilClose,
}

impl BodyLength {
    /// The length of a final response's body. `to_head` says that the request's method was HEAD.
    ///
    /// In the order of §6.3; 2xx to CONNECT (item 2) does not come here. Decisions: both fields
    /// together are an error, where item 3 would let transfer-encoding win; so is a transfer-encoding
    /// in HTTP/1.0 (§6.1 calls its framing faulty).
    pub(super) fn of(head: &Head, present: Present, to_head: bool) -> Result<Self, ProtocolError> {
        // 205 is not in the list: it may announce an empty body like any other.
        let bodiless = matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if to_head || bodiless || head.status.is_informational() {
            // Whatever the fields say: they describe what GET would have brought.
            return Ok(Self::Exact(0));
        }
        if present.transfer_encoding() {
            if head.version == Version::HTTP_10 {
                return Err(ProtocolError::Http10Coding);
            }
            if present.content_length() {
                return Err(ProtocolError::LengthAndCoding);
            }
            return coding(&head.headers);
        }
        let said = if present.content_length() { content_length(&head.headers)? } else { None };
        Ok(said.map_or(Self::UntilClose, Self::Exact))
    }
}

/// `1*DIGIT` as a number; None for anything else, a sign and an overflow included.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |n, &b| match b {
        b'0'..=b'9' => n.checked_mul(10)?.checked_add(u64::from(b - b'0')),
        _ => None,
    })
}

/// One length, however often it is repeated (RFC 9110 §8.6). Not a list: an empty element is an error.
fn content_length(headers: &HeaderMap) -> Result<Option<u64>, ProtocolError> {
    let mut length = None;
    // By its name, not by its hash: it is one of few fields and nearly always there.
    let lines = headers.iter().filter(|(name, _)| **name == CONTENT_LENGTH);
    for (_, value) in lines {
        let value = value.as_bytes();
        let mut add = |element: &[u8], this: Option<u64>| match (length, this) {
            (_, None) => Err(ProtocolError::ContentLength(Excerpt::of(element))),
            (Some(first), Some(this)) if first != this => {
                Err(ProtocolError::ContentLengthsDiffer(Excerpt::of(element)))
            }
            _ => {
                length = this;
                Ok(())
            }
        };
        match decimal(value) {
            // The usual one.
            Some(this) => add(value, Some(this))?,
            None => {
                for element in value.split(|&b| b == b',').map(<[u8]>::trim_ascii) {
                    add(element, decimal(element))?;
                }
            }
        }
    }
    Ok(length)
}

/// `chunked` alone is decoded. `identity` alone (RFC 2616, gone since) changes nothing, so that the
/// last part of §6.3 item 4 holds: the body ends with the connection. Any other coding is an error:
/// no `TE` field asked for it (RFC 9112 §7.4), and undecoded bytes would pass for the content. So is
/// `chunked` twice, before another one, or with parameters (§6.1, §7.1), and a field without codings.
fn coding(headers: &HeaderMap) -> Result<BodyLength, ProtocolError> {
    let mut codings = elements(headers, &TRANSFER_ENCODING);
    let first = codings.next().unwrap_or_default();
    // Of several, one that is not `chunked` says best what is wrong.
    let plain = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    if let Some(second) = codings.next() {
        let shown = if plain(first) { second } else { first };
        return Err(ProtocolError::Coding(Excerpt::of(shown)));
    }
    if plain(first) {
        Ok(BodyLength::Chunked)
    } else if first.eq_ignore_ascii_case(b"identity") {
        Ok(BodyLength::UntilClose)
    } else {
        Err(ProtocolError::Coding(Excerpt::of(first)))
    }
}

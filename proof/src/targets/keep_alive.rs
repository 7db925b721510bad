//! The Keep-Alive field: any value is read without a panic, and means what a simple parser beside it says.
//!
//! Input: the values of the field's lines, a line each.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use keepalive::unstable::{Asked, Decoder, Piece, Promise, keep_alive as ours};

/// See the module's header.
///
/// # Panics
///
/// A promise is broken.
pub fn keep_alive(data: &[u8]) {
    let mut headers = HeaderMap::new();
    let mut wire = b"HTTP/1.1 204 No Content\r\n".to_vec();
    for line in data.split(|&b| b == b'\n').take(MOST_LINES) {
        let Ok(value) = HeaderValue::from_bytes(&line[..line.len().min(MOST_LENGTH)]) else { continue };
        wire.extend_from_slice(b"Keep-Alive: ");
        wire.extend_from_slice(value.as_bytes());
        wire.extend_from_slice(b"\r\n");
        headers.append("keep-alive", value);
    }
    wire.extend_from_slice(b"\r\n");
    let said = ours(&headers);
    assert_eq!(said, reference(&headers), "for {headers:?}");

    let mut decoder = Decoder::new(Asked::default());
    decoder.feed(&wire);
    assert!(matches!(decoder.next(true), Ok(Piece::Head(_))));
    assert_eq!(decoder.promise(), said, "from the wire, for {headers:?}");
}

/// By the characters of each line, one after the other.
fn reference(headers: &HeaderMap) -> Option<Promise> {
    let (mut timeouts, mut maxima) = (Vec::new(), Vec::new());
    for line in headers.get_all("keep-alive") {
        let mut parts = vec![String::new()];
        let mut in_quotes = false;
        for byte in line.as_bytes() {
            match char::from(*byte) {
                ',' if !in_quotes => parts.push(String::new()),
                character => {
                    in_quotes = in_quotes != (character == '"');
                    parts.last_mut().expect("there is one").push(character);
                }
            }
        }
        for part in parts {
            let Some((name, value)) = part.split_once('=') else { continue };
            let blank = [' ', '\t'];
            let (name, mut value) =
                (name.trim_matches(blank).to_ascii_lowercase(), value.trim_matches(blank));
            if value.len() > 1 && value.starts_with('"') && value.ends_with('"') {
                value = &value[1..value.len() - 1];
            }
            match name.as_str() {
                "timeout" => timeouts.extend(number(value.strip_suffix('s').unwrap_or(value))),
                "max" => maxima.extend(number(value)),
                _ => {}
            }
        }
    }
    let timeout = timeouts.into_iter().min().map(|seconds| Duration::from_secs(seconds.into()));
    let max = maxima.into_iter().min();
    (timeout.is_some() || max.is_some()).then_some((timeout, max))
}

/// Digits and nothing else; what is too large is the largest.
fn number(text: &str) -> Option<u32> {
    if text.is_empty() || text.chars().any(|c| !c.is_ascii_digit()) {
        return None;
    }
    let digits = text.trim_start_matches('0');
    Some(if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u32::MAX) })
}

/// Below the limits of a head, which are another target's.
const MOST_LINES: usize = 50;
const MOST_LENGTH: usize = 1000;

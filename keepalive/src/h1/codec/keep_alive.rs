//! The server's Keep-Alive hint: how long and for how many requests it will keep the socket.
//!
//! The field has no living standard (draft-thomson-hybi-http-timeout-03); Apache, nginx and Node
//! send it. Unknown parameters and nonsense are ignored: a hint cannot make a response bad. It is
//! hop-by-hop, so it speaks of this socket only.

use std::time::Duration;

use http::HeaderMap;

use super::present::KEEP_ALIVE;

/// `Keep-Alive: timeout=5, max=100`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeepAliveHint {
    /// How long the server waits for the next request. At most `u32::MAX` seconds, so that it can be
    /// added to an `Instant`.
    pub(crate) timeout: Option<Duration>,
    /// How many requests the server will still take.
    pub(crate) max: Option<u32>,
}

impl KeepAliveHint {
    /// None if the fields say neither. Of a repeated parameter the smallest value counts.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let (mut timeout, mut max) = (None, None);
        for line in headers.get_all(KEEP_ALIVE) {
            for parameter in Parameters(line.as_bytes()) {
                let Some(equals) = parameter.iter().position(|&b| b == b'=') else { continue };
                let name = parameter[..equals].trim_ascii();
                let value = unquote(parameter[equals + 1..].trim_ascii());
                if name.eq_ignore_ascii_case(b"timeout") {
                    // undici takes `timeout=5s` too: some servers send it.
                    keep_smaller(&mut timeout, number(value.strip_suffix(b"s").unwrap_or(value)));
                } else if name.eq_ignore_ascii_case(b"max") {
                    keep_smaller(&mut max, number(value));
                }
            }
        }
        let timeout = timeout.map(|seconds| Duration::from_secs(u64::from(seconds)));
        (timeout.is_some() || max.is_some()).then_some(Self { timeout, max })
    }
}

/// Splits at commas outside quotes.
struct Parameters<'a>(&'a [u8]);

impl<'a> Iterator for Parameters<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let mut quoted = false;
        let comma = self.0.iter().position(|&b| {
            quoted ^= b == b'"';
            b == b',' && !quoted
        });
        let (parameter, rest) = match comma {
            Some(at) => (&self.0[..at], &self.0[at + 1..]),
            None => (self.0, &b""[..]),
        };
        self.0 = rest;
        Some(parameter)
    }
}

fn unquote(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value)
}

/// Digits, saturating.
fn number(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u32, |n, b| {
        b.is_ascii_digit().then(|| n.saturating_mul(10).saturating_add(u32::from(b - b'0')))
    })
}

fn keep_smaller(kept: &mut Option<u32>, new: Option<u32>) {
    *kept = match (*kept, new) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
}

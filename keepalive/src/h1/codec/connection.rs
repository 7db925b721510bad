//! The Connection field's tokens (RFC 9110 §7.6.1). `Proxy-Connection` is not one of them: ignored.

use http::header::CONNECTION;
use http::{HeaderMap, HeaderName};

use super::present::Present;

/// The tokens that matter to the codec, gathered from every Connection line, in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ConnectionTokens {
    pub(super) close: bool,
    pub(super) keep_alive: bool,
    pub(super) upgrade: bool,
}

impl ConnectionTokens {
    pub(super) fn of(headers: &HeaderMap, present: Present) -> Self {
        let mut tokens = Self::default();
        if !present.connection() {
            return tokens;
        }
        for token in elements(headers, &CONNECTION) {
            tokens.close |= token.eq_ignore_ascii_case(b"close");
            tokens.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
            tokens.upgrade |= token.eq_ignore_ascii_case(b"upgrade");
        }
        tokens
    }
}

/// The non-empty elements of a comma-separated field, over all its lines (RFC 9110 §5.6.1).
pub(super) fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(name).into_iter();
    lines.flat_map(|v| v.as_bytes().split(|&b| b == b',')).map(<[u8]>::trim_ascii).filter(|e| !e.is_empty())
}

//! The beginning of some offending bytes, short and escaped, for error texts.

use std::fmt;

/// Long enough to recognise `SSH-2.0-OpenSSH_9.6p1`, short enough for one line of a log.
const MAX: usize = 32;

/// What is in the names of fields whose values are nobody's business: `set-cookie`, `www-authenticate`,
/// `x-auth-token`, `x-api-key`, `x-session-id`.
const SECRETS: &[&[u8]] = &[b"cookie", b"auth", b"token", b"key", b"secret", b"session"];

/// At most [`MAX`] bytes, kept inline so that an error needs no allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Excerpt {
    bytes: [u8; MAX],
    len: usize,
    cut: bool,
}

impl Excerpt {
    pub(super) fn of(source: &[u8]) -> Self {
        let len = source.len().min(MAX);
        let mut bytes = [0; MAX];
        bytes[..len].copy_from_slice(&source[..len]);
        Self { bytes, len, cut: source.len() > MAX }
    }

    /// The field line that `source` begins with, without its end; no further than the name of a field that may
    /// hold a secret, wherever it is: a stray CR may have made one line of two.
    pub(super) fn of_field(source: &[u8]) -> Self {
        let line = source.split(|&b| b == b'\n').next().unwrap_or_default();
        let found = |word: &&[u8]| line.windows(word.len()).position(|part| part.eq_ignore_ascii_case(word));
        let Some(at) = SECRETS.iter().filter_map(found).min() else { return Self::of_line(line) };
        let rest = line[at..].iter().position(|b| b":= \t\r".contains(b));
        Self { cut: true, ..Self::of(&line[..rest.map_or(line.len(), |rest| at + rest)]) }
    }

    /// Whether they are the beginning of a TLS record: an alert or a handshake, of any version since SSL 3
    /// (RFC 8446 §5.1). Nothing else that is known begins with such a byte.
    pub(super) fn is_tls(&self) -> bool {
        matches!(self.bytes[..self.len], [0x15 | 0x16] | [0x15 | 0x16, 0x03, ..])
    }

    /// The line that `source` begins with, without its end.
    pub(super) fn of_line(source: &[u8]) -> Self {
        let end = source.iter().position(|&b| b == b'\n').unwrap_or(source.len());
        Self::of(source[..end].strip_suffix(b"\r").unwrap_or(&source[..end]))
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dots = if self.cut { "…" } else { "" };
        write!(f, "`{}{dots}`", self.bytes[..self.len].escape_ascii())
    }
}

//! A URI's authority taken apart, once for the origin and once for the request target.
//!
//! `Uri` could do it, but lets `a:65536`, `a:8x`, `a:+80` and `[::1]x` pass and says that they have no port,
//! or 80: the request would go to another server than the one that was named.

use http::Uri;
use http::uri::Authority;

/// Host and port as the URI has them, without user information.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HostPort<'a> {
    /// With brackets for IPv6; empty without an authority.
    pub(crate) host: &'a str,
    /// `Ok(None)` if there is none, or an empty one.
    pub(crate) port: Result<Option<u16>, BadPort>,
}

/// What follows a URI's host is no port.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BadPort;

impl<'a> HostPort<'a> {
    pub(crate) fn of(uri: &'a Uri) -> Self {
        Self::parse(without_user(uri.authority().map_or("", Authority::as_str)))
    }

    /// Whether the Host field says it in these words (RFC 9110 §7.2): the scheme's default port is left out,
    /// and so is a zone.
    pub(super) fn is_host_value(&self, text: &str, default: u16) -> bool {
        let port = match self.port {
            Ok(Some(port)) if port != default => format!(":{port}"),
            _ => String::new(),
        };
        text.strip_prefix(self.host) == Some(&port) && !self.host.contains('%')
    }

    fn parse(text: &'a str) -> Self {
        let end = if text.starts_with('[') {
            position(text, b']').map_or(text.len(), |bracket| bracket + 1)
        } else {
            position(text, b':').unwrap_or(text.len())
        };
        let (host, rest) = text.split_at(end);
        Self { host, port: port(rest) }
    }
}

/// An authority without its user information, which may hold a password.
pub(super) fn without_user(authority: &str) -> &str {
    authority.bytes().rposition(|byte| byte == b'@').map_or(authority, |at| &authority[at + 1..])
}

fn port(text: &str) -> Result<Option<u16>, BadPort> {
    match text.as_bytes() {
        [] | [b':'] => Ok(None),
        [b':', digits @ ..] => {
            let port = digits.iter().try_fold(0_u16, |port, digit| match digit {
                b'0'..=b'9' => port.checked_mul(10)?.checked_add(u16::from(digit - b'0')),
                _ => None,
            });
            port.map(Some).ok_or(BadPort)
        }
        _ => Err(BadPort),
    }
}

/// Shorter than the set-up of a search that is good at long texts.
fn position(text: &str, byte: u8) -> Option<usize> {
    text.bytes().position(|b| b == byte)
}

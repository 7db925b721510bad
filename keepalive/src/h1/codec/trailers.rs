//! Which fields may stand behind a body (RFC 9110 §6.5.1), and how many.

use http::header as h;
use http::{HeaderMap, HeaderName};

/// Trailers are checksums and statuses; 16 KiB is what Node and hyper allow for them.
pub(crate) const MAX_TRAILERS: usize = 16 * 1024;

/// As for `MAX_TRAILERS`; gRPC, the heaviest user, sends a handful.
pub(crate) const MAX_TRAILER_FIELDS: usize = 64;

/// Fields about the connection, the framing or the routing of a message. A received trailer of such
/// a name is dropped: whoever merges trailers into headers would take it for the real one.
const FRAMING: &[HeaderName] =
    &[h::CONTENT_LENGTH, h::TRANSFER_ENCODING, h::TRAILER, h::CONNECTION, h::UPGRADE, h::TE, h::HOST];

/// The same, for names that `http` has no constant for.
const FRAMING_NAMES: &[&str] = &["keep-alive", "proxy-connection"];

/// What else is never sent: it must be known before the content is handled, so a server ignores it
/// at best.
const UNSENDABLE: &[HeaderName] = &[
    // Request modifiers.
    h::CACHE_CONTROL,
    h::EXPECT,
    h::MAX_FORWARDS,
    h::PRAGMA,
    h::RANGE,
    // Authentication.
    h::AUTHORIZATION,
    h::PROXY_AUTHORIZATION,
    h::PROXY_AUTHENTICATE,
    h::WWW_AUTHENTICATE,
    h::COOKIE,
    h::SET_COOKIE,
    // How to read the content.
    h::CONTENT_ENCODING,
    h::CONTENT_TYPE,
    h::CONTENT_RANGE,
];

/// Drops what a received trailer section must not say.
pub(super) fn drop_framing(received: &mut HeaderMap) {
    for name in FRAMING {
        received.remove(name);
    }
    for name in FRAMING_NAMES {
        received.remove(*name);
    }
}

/// Whether a request's trailer is sent.
pub(super) fn is_sendable(name: &HeaderName) -> bool {
    !FRAMING.contains(name) && !FRAMING_NAMES.contains(&name.as_str()) && !UNSENDABLE.contains(name)
}

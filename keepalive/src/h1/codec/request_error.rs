//! What can be wrong with a caller's request, found before a byte of it is written.

use std::fmt;

use http::{HeaderName, Method, Uri};

/// The request cannot be sent as HTTP/1.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RequestError {
    /// Neither the URI nor a Host field names a host.
    NoHost { target: String },
    /// A proxy or CONNECT needs a URI with an authority and, for a proxy, a scheme.
    NotAbsolute { target: String },
    /// The port is missing (CONNECT) or no number below 65536.
    Port { authority: String },
    /// `*` goes with OPTIONS only (RFC 9112 §3.2.4).
    Asterisk { method: Method },
    /// The field may be there once only.
    Duplicate(HeaderName),
    /// A content-length that is no decimal number below 2^64.
    ContentLength { value: String },
    /// A transfer-encoding other than `chunked`.
    TransferEncoding { value: String },
    /// content-length and transfer-encoding together.
    LengthAndChunked,
    /// The content-length differs from the body's exact size.
    LengthMismatch { said: u64, body: u64 },
    /// CONNECT and TRACE carry no content (RFC 9110 §9.3.6, §9.3.8).
    BodyNotAllowed { method: Method },
}

impl RequestError {
    pub(super) fn no_host(uri: &Uri) -> Self {
        Self::NoHost { target: shown(uri) }
    }

    pub(super) fn not_absolute(uri: &Uri) -> Self {
        Self::NotAbsolute { target: shown(uri) }
    }
}

/// A URI without userinfo and query, which may hold secrets.
fn shown(uri: &Uri) -> String {
    format!("{}{}", uri.host().unwrap_or_default(), uri.path())
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHost { target } => write!(f, "a request to `{target}` has no host"),
            Self::NotAbsolute { target } => write!(f, "a request to `{target}` needs an absolute uri"),
            Self::Port { authority } => write!(f, "`{authority}` has no usable port"),
            Self::Asterisk { method } => write!(f, "the target `*` goes with OPTIONS, not with {method}"),
            Self::Duplicate(name) => write!(f, "the request has more than one `{name}`"),
            Self::ContentLength { value } => write!(f, "content-length is not a length: `{value}`"),
            Self::TransferEncoding { value } => {
                write!(f, "the only transfer-encoding a request may have is `chunked`, not `{value}`")
            }
            Self::LengthAndChunked => {
                f.write_str("the request has both content-length and transfer-encoding")
            }
            Self::LengthMismatch { said, body } => {
                write!(f, "content-length says {said}, the body has {body} bytes")
            }
            Self::BodyNotAllowed { method } => write!(f, "a {method} request cannot have a body"),
        }
    }
}

impl std::error::Error for RequestError {}

//! What can be wrong with a response. Not what can be wrong with a socket: that is `io::Error`.

use std::fmt;

use super::excerpt::Excerpt;

/// The server's bytes are not a valid HTTP/1 response, or end too early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProtocolError {
    /// The first bytes cannot begin an HTTP/1 response.
    NotHttp(Excerpt),
    /// `HTTP/`, but not 1.x.
    Version(Excerpt),
    /// The status line is malformed.
    StatusLine(Excerpt),
    /// A header field line is malformed.
    Field(Excerpt),
    /// No end of the head within `MAX_HEAD` bytes.
    HeadTooLarge,
    /// More than `MAX_FIELDS` header fields.
    TooManyFields,
    /// More than `MAX_INFORMATIONAL` 1xx responses before the final one.
    TooManyInformational,
    /// 101 although the request asked for no upgrade.
    UnaskedUpgrade,
    /// A content-length that is no decimal number below 2^64.
    ContentLength(Excerpt),
    /// Two content-lengths that differ; the second one is shown.
    ContentLengthsDiffer(Excerpt),
    /// content-length and transfer-encoding together.
    LengthAndCoding,
    /// A transfer coding other than one plain `chunked`.
    Coding(Excerpt),
    /// transfer-encoding in an HTTP/1.0 response.
    Http10Coding,
    /// The line that should carry a chunk's size does not.
    ChunkSize(Excerpt),
    /// A bad byte in a chunk extension.
    ChunkExtension(Excerpt),
    /// Chunk extensions beyond what the data justifies.
    ChunkExtensionTooLong,
    /// No CRLF where a chunk's data ends.
    ChunkEnd(Excerpt),
    /// A trailer field line is malformed.
    Trailer(Excerpt),
    /// No end of the trailers within `MAX_TRAILERS` bytes.
    TrailersTooLarge,
    /// More than `MAX_TRAILER_FIELDS` trailer fields.
    TooManyTrailers,
    /// The connection ended before the response did.
    Truncated(Missing),
}

/// What was still to come when the connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The head's end; this many bytes of it had come.
    Head { received: usize },
    /// All of the final response; a 1xx had come.
    Final,
    /// The last `missing` bytes of a body of `total`.
    Body { missing: u64, total: u64 },
    /// The last `missing` bytes of a chunk.
    Chunk { missing: u64 },
    /// The next chunk, or the last one.
    LastChunk,
    /// The end of the trailers.
    Trailers,
}

impl ProtocolError {
    /// The bytes were fine as far as they came.
    pub(crate) fn is_truncated(&self) -> bool {
        matches!(self, Self::Truncated(_))
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttp(x) if x.is_tls() => {
                f.write_str("the server speaks TLS on this port, and was asked in plain HTTP: use `https`")
            }
            Self::NotHttp(x) => write!(f, "the server does not speak HTTP/1: its first bytes are {x}"),
            Self::Version(x) => write!(f, "the server answered in another HTTP version: {x}"),
            Self::StatusLine(x) => write!(f, "the status line is malformed: {x}"),
            Self::Field(x) => write!(f, "a header field is malformed: {x}"),
            Self::HeadTooLarge => {
                write!(f, "the response head is longer than {} bytes", super::head::MAX_HEAD)
            }
            Self::TooManyFields => {
                write!(f, "the response has more than {} header fields", super::head::MAX_FIELDS)
            }
            Self::TooManyInformational => {
                write!(f, "more than {} 1xx responses came first", super::response::MAX_INFORMATIONAL)
            }
            Self::UnaskedUpgrade => f.write_str("the server switched protocols, which nobody asked it to"),
            Self::ContentLength(x) => write!(f, "content-length is not a length: {x}"),
            Self::ContentLengthsDiffer(x) => {
                write!(f, "there are two content-lengths that differ, the second is {x}")
            }
            Self::LengthAndCoding => {
                f.write_str("the response has both content-length and transfer-encoding")
            }
            Self::Coding(x) => write!(f, "the transfer coding {x} was not asked for and cannot be decoded"),
            Self::Http10Coding => f.write_str("an HTTP/1.0 response has a transfer-encoding"),
            Self::ChunkSize(x) => write!(f, "the size of a chunk was expected, and {x} came"),
            Self::ChunkExtension(x) => write!(f, "a chunk extension has a bad byte: {x}"),
            Self::ChunkExtensionTooLong => f.write_str("the chunk extensions are too long"),
            Self::ChunkEnd(x) => write!(f, "a chunk is longer than its size: {x} came after it"),
            Self::Trailer(x) => write!(f, "a trailer field is malformed: {x}"),
            Self::TrailersTooLarge => {
                write!(f, "the trailers are longer than {} bytes", super::trailers::MAX_TRAILERS)
            }
            Self::TooManyTrailers => {
                write!(f, "the response has more than {} trailer fields", super::trailers::MAX_TRAILER_FIELDS)
            }
            Self::Truncated(missing) => write!(f, "the connection ended {missing}"),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Final => f.write_str("before the first byte of the final response, after a 1xx one"),
            Self::Head { received: 0 } => f.write_str("before the first byte of the response"),
            Self::Head { received } => write!(f, "inside the response head, after {received} bytes of it"),
            Self::Body { missing, total } => write!(f, "{missing} bytes short of a body of {total}"),
            Self::Chunk { missing } => write!(f, "inside a chunk, {missing} bytes short of its end"),
            Self::LastChunk => f.write_str("before the last chunk of the body"),
            Self::Trailers => f.write_str("inside the trailers"),
        }
    }
}

impl std::error::Error for ProtocolError {}

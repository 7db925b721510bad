//! A response's body, whichever way it is delimited.
//!
//! Called by `response`, which chooses the way.
//!
//! Invariant: no byte is taken off the buffer that does not belong to this body.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::SizeHint;

use super::chunked::{ChunkedDecoder, take};
use super::error::{Missing, ProtocolError};
use super::length::BodyLength;

/// What the bytes so far brought.
#[derive(Debug)]
pub(crate) enum BodyEvent {
    /// Nothing: read more, then ask again.
    NeedMore,
    /// The next bytes of the content, never empty, sharing the read buffer's memory.
    Data(Bytes),
    /// The fields behind the content, never empty and never merged with the headers. The end follows.
    /// Boxed because they are rare, and would make every event as large as a map.
    Trailers(Box<HeaderMap>),
    /// Nothing more will come. What is left in the buffer does not belong to this response.
    End,
}

/// One body.
#[derive(Debug)]
pub(super) enum BodyDecoder {
    Exact { left: u64, total: u64 },
    Chunked(ChunkedDecoder),
    UntilClose { ended: bool },
}

impl BodyDecoder {
    pub(super) fn new(length: BodyLength) -> Self {
        match length {
            BodyLength::Exact(total) => Self::Exact { left: total, total },
            BodyLength::Chunked => Self::Chunked(ChunkedDecoder::new()),
            BodyLength::UntilClose => Self::UntilClose { ended: false },
        }
    }

    /// The next event. `eof` says that nothing will come behind `buf`.
    pub(super) fn decode(&mut self, buf: &mut BytesMut, eof: bool) -> Result<BodyEvent, ProtocolError> {
        let event = match self {
            Self::Exact { left: 0, .. } => Some(BodyEvent::End),
            Self::Exact { .. } | Self::UntilClose { .. } if buf.is_empty() => None,
            Self::Exact { left, .. } => Some(BodyEvent::Data(take(left, buf))),
            Self::UntilClose { .. } => Some(BodyEvent::Data(buf.split().freeze())),
            Self::Chunked(decoder) => decoder.decode(buf)?,
        };
        match event {
            Some(event) => Ok(event),
            None if eof => self.end(),
            None => Ok(BodyEvent::NeedMore),
        }
    }

    /// The rest of a body of known length, all of which is in `buf`: the end follows.
    pub(super) fn take_rest(&mut self, buf: &mut BytesMut) -> Bytes {
        match self {
            // A buffer with no room behind the body is of no use any more.
            Self::Exact { left, .. } if *left == buf.len() as u64 && buf.len() == buf.capacity() => {
                *left = 0;
                std::mem::take(buf).freeze()
            }
            Self::Exact { left, .. } => take(left, buf),
            _ => Bytes::new(),
        }
    }

    pub(super) fn is_end(&self) -> bool {
        match self {
            Self::Exact { left, .. } => *left == 0,
            Self::Chunked(decoder) => decoder.is_done(),
            Self::UntilClose { ended } => *ended,
        }
    }

    /// The bytes of content to come, if that is known.
    pub(super) fn remaining(&self) -> Option<u64> {
        match self {
            Self::Exact { left, .. } => Some(*left),
            _ => self.is_end().then_some(0),
        }
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        match (self.remaining(), self) {
            (Some(exact), _) => hint.set_exact(exact),
            (None, Self::Chunked(decoder)) => hint.set_lower(decoder.announced()),
            (None, _) => {}
        }
        hint
    }

    /// The connection ended and the buffer holds nothing that helps.
    fn end(&mut self) -> Result<BodyEvent, ProtocolError> {
        let missing = match self {
            Self::UntilClose { ended } => {
                *ended = true;
                return Ok(BodyEvent::End);
            }
            Self::Exact { left, total } => Missing::Body { missing: *left, total: *total },
            Self::Chunked(decoder) => decoder.missing(),
        };
        Err(ProtocolError::Truncated(missing))
    }
}

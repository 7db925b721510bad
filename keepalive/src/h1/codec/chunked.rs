//! Decodes the chunked coding (RFC 9112 §7.1), strictly.
//!
//! It does not join chunks: data is handed out in the pieces it came in, without copying. Called by
//! `body`.
//!
//! ```text
//! Size ─────────► SizeLf ──► Data ──► DataCr ──► DataLf ──► Size
//!  └► Extension ────┘ │ size 0
//!                     └────► Trailers ──► Done
//! ```
//!
//! Invariants:
//! 1. Lines end with CRLF, and no blank stands around a size: two parsers that disagree about a chunk
//!    disagree about where the next response begins.
//! 2. Extensions are skipped, and never cost more than the data that came with them plus
//!    `FREE_EXTENSIONS`.

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;

use super::body::BodyEvent;
use super::error::{Missing, ProtocolError};
use super::excerpt::Excerpt;
use super::fields;
use super::scan::{Block, Scanner};
use super::trailers;

/// Sixteen hexadecimal digits fill a `u64`; leading zeros count, nobody needs more.
const MAX_DIGITS: u8 = 16;

/// The longest extension of one chunk. Go reads chunk lines of 4 KiB at most.
const MAX_EXTENSION: u64 = 4 * 1024;

/// What all extensions together may cost beyond one byte for each byte of data. hyper allows 16 KiB
/// in all, which would end a long stream whose chunks are signed; Go weighs them against the data as
/// here (CVE-2023-39326: one-byte chunks with long extensions).
const FREE_EXTENSIONS: u64 = 16 * 1024;

/// One chunked body.
#[derive(Debug)]
pub(super) struct ChunkedDecoder {
    state: State,
    /// What extensions may still cost. Never below zero.
    allowance: u64,
}

#[derive(Debug)]
enum State {
    /// In the size; so many digits of it came.
    Size {
        size: u64,
        digits: u8,
    },
    /// In the extension; so many bytes of it came.
    Extension {
        size: u64,
        length: u64,
    },
    /// CR came.
    SizeLf {
        size: u64,
    },
    /// So much of the chunk is to come, at least 1.
    Data {
        left: u64,
    },
    DataCr,
    DataLf,
    Trailers(Scanner),
    Done,
}

impl State {
    const START: Self = Self::Size { size: 0, digits: 0 };
}

impl ChunkedDecoder {
    pub(super) fn new() -> Self {
        Self { state: State::START, allowance: FREE_EXTENSIONS }
    }

    /// Takes the next piece off the front of `buf`; None if more bytes are needed.
    pub(super) fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<BodyEvent>, ProtocolError> {
        loop {
            match &mut self.state {
                State::Data { .. } if buf.is_empty() => return Ok(None),
                State::Data { left } => {
                    let data = take(left, buf);
                    self.allowance = self.allowance.saturating_add(data.len() as u64);
                    if *left == 0 {
                        self.state = State::DataCr;
                    }
                    return Ok(Some(BodyEvent::Data(data)));
                }
                State::Trailers(scanner) => {
                    let Some(end) = scanner.end(buf)? else { return Ok(None) };
                    let trailers = parse_trailers(buf.split_to(end), scanner)?;
                    self.state = State::Done;
                    if !trailers.is_empty() {
                        return Ok(Some(BodyEvent::Trailers(Box::new(trailers))));
                    }
                }
                State::Done => return Ok(Some(BodyEvent::End)),
                _ => {
                    let Some(&byte) = buf.first() else { return Ok(None) };
                    self.frame(byte, buf)?;
                    buf.advance(1);
                }
            }
        }
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Bytes of data that are certain to come.
    pub(super) fn announced(&self) -> u64 {
        match self.state {
            State::Data { left } => left,
            _ => 0,
        }
    }

    /// What an end of the connection would cut off here.
    pub(super) fn missing(&self) -> Missing {
        match self.state {
            State::Data { left } => Missing::Chunk { missing: left },
            State::Trailers(_) => Missing::Trailers,
            _ => Missing::LastChunk,
        }
    }

    /// One byte between the data of two chunks. `rest` begins with it, for the error's text.
    fn frame(&mut self, byte: u8, rest: &[u8]) -> Result<(), ProtocolError> {
        let size_error = || Err(ProtocolError::ChunkSize(Excerpt::of_line(rest)));
        let end_error = || Err(ProtocolError::ChunkEnd(Excerpt::of_line(rest)));
        self.state = match self.state {
            State::Size { size, digits } => match (byte, hex(byte)) {
                (_, Some(_)) if digits == MAX_DIGITS => return size_error(),
                (_, Some(digit)) => State::Size { size: size << 4 | u64::from(digit), digits: digits + 1 },
                (b'\r', _) if digits > 0 => State::SizeLf { size },
                (b';', _) if digits > 0 => State::Extension { size, length: 0 },
                _ => return size_error(),
            },
            State::Extension { size, length } => match byte {
                b'\r' => State::SizeLf { size },
                b'\t' | b' '..=b'~' | 0x80.. if length == MAX_EXTENSION || self.allowance == 0 => {
                    return Err(ProtocolError::ChunkExtensionTooLong);
                }
                b'\t' | b' '..=b'~' | 0x80.. => {
                    self.allowance -= 1;
                    State::Extension { size, length: length + 1 }
                }
                _ => return Err(ProtocolError::ChunkExtension(Excerpt::of_line(rest))),
            },
            State::SizeLf { size } => match (byte, size) {
                (b'\n', 0) => State::Trailers(Scanner::new(Block::Trailers)),
                (b'\n', left) => State::Data { left },
                _ => return size_error(),
            },
            State::DataCr if byte == b'\r' => State::DataLf,
            State::DataLf if byte == b'\n' => State::START,
            _ => return end_error(),
        };
        Ok(())
    }
}

/// Takes what there is of `left` bytes off the front of `buf`.
pub(super) fn take(left: &mut u64, buf: &mut BytesMut) -> Bytes {
    let length = usize::try_from(*left).map_or(buf.len(), |left| left.min(buf.len()));
    *left -= length as u64;
    buf.split_to(length).freeze()
}

fn parse_trailers(mut block: BytesMut, scanner: &Scanner) -> Result<HeaderMap, ProtocolError> {
    if scanner.fields() == 0 {
        return Ok(HeaderMap::new());
    }
    if scanner.is_folded() {
        fields::unfold(&mut block);
    }
    let mut received = fields::parse(&block.freeze(), 0, scanner.fields()).map_err(ProtocolError::Trailer)?;
    trailers::drop_framing(&mut received);
    Ok(received)
}

fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

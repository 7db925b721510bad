//! What a connection has still to write: pieces of shared bytes, each some number of times, so that a body of
//! megabytes costs the server no copy.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::rc::Rc;

#[derive(Default)]
pub(super) struct Out {
    pieces: VecDeque<Piece>,
}

#[derive(Clone)]
pub(super) struct Piece {
    bytes: Rc<[u8]>,
    times: u64,
    /// Of the first repetition, already written.
    written: usize,
}

impl Piece {
    pub(super) fn new(bytes: impl Into<Rc<[u8]>>, times: u64) -> Self {
        Self { bytes: bytes.into(), times, written: 0 }
    }
}

impl Out {
    pub(super) fn push(&mut self, piece: Piece) {
        if piece.times > 0 && !piece.bytes.is_empty() {
            self.pieces.push_back(piece);
        }
    }

    pub(super) fn extend(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            self.push(piece.clone());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Writes until all is written or the sink takes no more; says whether all is.
    pub(super) fn write_to(&mut self, sink: &mut impl Write) -> io::Result<bool> {
        while !self.pieces.is_empty() {
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let mut count = 0;
            'fill: for piece in &self.pieces {
                for turn in 0..piece.times {
                    if count == MAX_SLICES {
                        break 'fill;
                    }
                    let from = if turn == 0 { piece.written } else { 0 };
                    slices[count] = IoSlice::new(&piece.bytes[from..]);
                    count += 1;
                }
            }
            match sink.write_vectored(&slices[..count]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn advance(&mut self, mut count: usize) {
        while count > 0 {
            let Some(piece) = self.pieces.front_mut() else { return };
            let part = count.min(piece.bytes.len() - piece.written);
            piece.written += part;
            count -= part;
            if piece.written == piece.bytes.len() {
                piece.written = 0;
                piece.times -= 1;
                if piece.times == 0 {
                    self.pieces.pop_front();
                }
            }
        }
    }
}

const MAX_SLICES: usize = 16;

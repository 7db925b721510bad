//! The bytes of an answer over HTTP/1.1.

use crate::plan::{Framing, Plan};
use crate::rng::Rng;

/// A whole answer.
pub(super) struct Answer {
    pub(super) bytes: Vec<u8>,
    /// Where its final head begins, behind the interim ones.
    pub(super) begins: usize,
    /// Where its head ends.
    pub(super) head: usize,
}

impl Answer {
    pub(super) fn of(plan: &Plan, says_close: bool, rng: &mut Rng) -> Self {
        let mut bytes = Vec::new();
        for _ in 0..plan.interim {
            bytes.extend(b"HTTP/1.1 103 Early Hints\r\nx-token: of-an-interim-head\r\n\r\n");
        }
        let begins = bytes.len();
        bytes.extend(format!("HTTP/1.1 {} Whatever\r\nx-token: {}\r\n", plan.status, plan.token).bytes());
        match plan.framing {
            Framing::Length => bytes.extend(format!("content-length: {}\r\n", plan.len).bytes()),
            Framing::Chunked | Framing::ChunkedWithTrailer => bytes.extend(b"transfer-encoding: chunked\r\n"),
            Framing::Close | Framing::Bare => {}
        }
        if says_close || plan.framing == Framing::Close {
            bytes.extend(b"connection: close\r\n");
        }
        bytes.extend(b"\r\n");
        let head = bytes.len();
        let body = plan.answer_body();
        match plan.framing {
            _ if plan.method == "HEAD" => {}
            Framing::Length | Framing::Close => bytes.extend(&body),
            Framing::Bare => {}
            Framing::Chunked | Framing::ChunkedWithTrailer => {
                let mut left = &body[..];
                while !left.is_empty() {
                    let (chunk, rest) = left.split_at(1 + rng.below(left.len()));
                    bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
                    bytes.extend(chunk);
                    bytes.extend(b"\r\n");
                    left = rest;
                }
                bytes.extend(b"0\r\n");
                if plan.framing == Framing::ChunkedWithTrailer {
                    bytes.extend(format!("x-token: {}\r\n", plan.token).bytes());
                }
                bytes.extend(b"\r\n");
            }
        }
        Self { bytes, begins, head }
    }
}

/// What comes behind an answer, and must reach nobody.
pub(super) const SURPLUS: &[u8] = b"HTTP/1.1 200 OK\r\nx-token: of-nobody\r\ncontent-length: 0\r\n\r\n";

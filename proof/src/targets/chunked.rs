//! The chunked decoder: under any split it says what it says of the whole, and that is what a simple strict
//! parser beside it says; a well-formed body comes back as it was made, and nothing behind it is touched.
//!
//! Input: whether the bytes are a body or a plan for one (bit 0) and whether the connection ends (bit 1), how
//! to split, the bytes. A plan is a list of chunks: how the size is written, the extension, the data.

use keepalive::unstable::Asked;

use crate::input::{Input, cut};
use crate::reading::{Reading, Stand, read};
use crate::reference::{self, Chunked};

/// See the module's header.
///
/// # Panics
///
/// A promise is broken.
pub fn chunked(data: &[u8]) {
    let mut input = Input::new(data);
    let (flags, seed) = (input.byte(), input.byte());
    let eof = flags & 2 != 0;
    if flags & 1 == 0 {
        any(input.rest(), seed, eof);
    } else {
        made(input, seed, eof);
    }
}

/// Whatever comes as a body.
fn any(body: &[u8], seed: u8, eof: bool) {
    let whole = read_body(&[body], eof);
    assert_eq!(read_body(&body.chunks(1).collect::<Vec<_>>(), eof), whole, "byte by byte");
    assert_eq!(read_body(&cut(body, seed), eof), whole, "in pieces");
    agree(body, &whole, eof);
}

/// With the parser beside it.
fn agree(body: &[u8], ours: &Reading, eof: bool) {
    let failed = |with: &str| matches!(&ours.stand, Stand::Failed(kind) if kind.starts_with(with));
    match reference::chunked(body) {
        Chunked::Bad { data } => {
            assert_eq!(ours.data, data);
            assert!(failed("") && !failed("Truncated"), "{:?}, and it is bad", ours.stand);
        }
        Chunked::Partial { data } => {
            assert_eq!(ours.data, data);
            let limit = failed("Trailer") || failed("TooManyTrailers");
            let stands = if eof { failed("Truncated") } else { ours.stand == Stand::Waiting };
            assert!(stands || limit, "{:?}, and it is not whole", ours.stand);
        }
        Chunked::Whole { data, trailers, rest } => {
            assert_eq!(ours.data, data);
            if ours.stand == Stand::Whole {
                assert_eq!(ours.unread, rest, "what follows the body");
                assert!(ours.trailers.is_none() || !trailers.is_empty(), "trailers from nowhere");
            } else {
                let limit = failed("Trailer") || failed("TooManyTrailers");
                assert!(limit && !trailers.is_empty(), "{:?}, and it is whole", ours.stand);
                assert!(!are_plain(&trailers), "{:?} for good trailers", ours.stand);
            }
        }
    }
}

/// Few short lines of letters, which nobody can find wrong.
fn are_plain(lines: &[&[u8]]) -> bool {
    let is_plain = |line: &[u8]| {
        let colon = line.iter().position(|&b| b == b':').unwrap_or_default();
        let (name, value) = line.split_at(colon);
        !name.is_empty() && name.iter().all(u8::is_ascii_alphabetic) && value.iter().all(u8::is_ascii_graphic)
    };
    lines.len() <= 64
        && lines.iter().map(|line| line.len() + 2).sum::<usize>() < 1024
        && lines.iter().all(|line| is_plain(line))
}

/// A body as the input plans it.
fn made(mut plan: Input<'_>, seed: u8, eof: bool) {
    let (mut body, mut content) = (Vec::new(), Vec::new());
    let trailers = plan.below(4);
    while !plan.is_empty() {
        let style = plan.byte();
        let extension = plan.below(8);
        let data = plan.text();
        if data.is_empty() {
            continue;
        }
        body.extend_from_slice(&size(data.len(), style));
        if extension > 0 {
            body.extend_from_slice(&b";a=\"\xff\tb"[..extension]);
        }
        body.extend_from_slice(b"\r\n");
        body.extend_from_slice(data);
        body.extend_from_slice(b"\r\n");
        content.extend_from_slice(data);
    }
    body.extend_from_slice(&b"0000\r\n"[usize::from(seed % 4)..]);
    for number in 0..trailers {
        body.extend_from_slice(format!("X-{number}:  v{number}\t\r\n").as_bytes());
    }
    body.extend_from_slice(b"\r\n");
    let end = body.len();
    body.extend_from_slice(NEXT);

    let got = read_body(&cut(&body, seed), eof);
    let want: String = (0..trailers).map(|number| format!("x-{number}: v{number}\n")).collect();
    assert_eq!(got.stand, Stand::Whole, "{}", body.escape_ascii());
    assert_eq!(got.data, content, "{}", body.escape_ascii());
    assert_eq!(got.trailers.unwrap_or_default(), want);
    assert_eq!(got.unread, NEXT);
    let without = read_body(&[&body[..end]], eof);
    assert_eq!(without.verdict, None, "the socket may be used again");
    let short = read_body(&[&body[..end - 1]], true);
    assert!(matches!(short.stand, Stand::Failed(kind) if kind.starts_with("Truncated")));
}

fn size(length: usize, style: u8) -> Vec<u8> {
    let zeros = "0".repeat(usize::from(style >> 2) % 8);
    let digits = if style & 1 == 0 { format!("{length:x}") } else { format!("{length:X}") };
    format!("{zeros}{digits}").into_bytes()
}

fn read_body(pieces: &[&[u8]], eof: bool) -> Reading {
    let pieces: Vec<&[u8]> = [HEAD].into_iter().chain(pieces.iter().copied()).collect();
    read(Asked::default(), &pieces, eof)
}

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

const NEXT: &[u8] = b"0\r\n\r\n";

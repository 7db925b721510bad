//! How the bytes are split over reads changes nothing, and costs nothing.

use bytes::BytesMut;

use super::super::head::{HeadScanner, MAX_HEAD};
use super::super::scan::{Block, Scanner};
use super::super::trailers::MAX_TRAILERS;
use super::{GET, RequestFacts, chunks, heads, lengths, read, verdicts};

/// Every response of every table.
fn messages() -> Vec<(RequestFacts, Vec<u8>)> {
    let tables =
        [heads::ACCEPTED, heads::REJECTED, lengths::NO_BODY, lengths::LENGTHS, lengths::BAD, verdicts::TABLE];
    let rows = tables.into_iter().flatten().map(|(facts, bytes, _)| (*facts, bytes.to_vec()));
    let chunked = chunks::BODIES.iter().map(|(body, _)| (GET, chunks::response(body)));
    rows.chain(chunked).collect()
}

#[test]
fn every_split_point_gives_the_same() {
    for (facts, bytes) in messages() {
        let whole = read(facts, &[&bytes]);
        for at in 0..=bytes.len() {
            let (a, b) = bytes.split_at(at);
            assert_eq!(read(facts, &[a, b]), whole, "{} | {}", a.escape_ascii(), b.escape_ascii());
        }
    }
}

#[test]
fn byte_by_byte_gives_the_same() {
    for (facts, bytes) in messages() {
        let pieces: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(facts, &pieces), read(facts, &[&bytes]), "{}", bytes.escape_ascii());
    }
}

#[test]
fn random_splits_give_the_same() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for (facts, bytes) in messages() {
        let whole = read(facts, &[&bytes]);
        for _ in 0..50 {
            let start = seed;
            let mut pieces = Vec::new();
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(below(&mut seed, 12).min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            assert_eq!(read(facts, &pieces), whole, "seed {start:#x}: {}", bytes.escape_ascii());
        }
    }
}

/// Bytes that are nearly a response: no panic, and no difference between whole and in pieces.
#[test]
fn damaged_messages_give_the_same_in_pieces() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for (facts, bytes) in messages().into_iter().filter(|(_, bytes)| !bytes.is_empty()) {
        for _ in 0..50 {
            let start = seed;
            let mut damaged = bytes.clone();
            for _ in 0..=below(&mut seed, 3) {
                let at = below(&mut seed, damaged.len());
                let byte = b"\r\n\0 \t:;,0f\x7f\xffa"[below(&mut seed, 13)];
                match below(&mut seed, 3) {
                    0 => damaged[at] = byte,
                    1 => damaged.insert(at, byte),
                    _ if damaged.len() > 1 => drop(damaged.remove(at)),
                    _ => {}
                }
            }
            let pieces: Vec<&[u8]> = damaged.chunks(1).collect();
            let whole = read(facts, &[&damaged]);
            assert_eq!(read(facts, &pieces), whole, "seed {start:#x}: {}", damaged.escape_ascii());
        }
    }
}

/// The guard against quadratic work, in bytes looked at: time would tell nothing on a busy machine.
#[test]
fn a_head_in_one_byte_pieces_costs_what_the_whole_costs() {
    let head = heads::head_of(MAX_HEAD);
    let steps = |size| {
        let mut scanner = HeadScanner::new();
        let mut buf = BytesMut::new();
        let mut found = 0;
        for piece in head.chunks(size) {
            buf.extend_from_slice(piece);
            found += usize::from(scanner.take(&mut buf).unwrap().is_some());
        }
        assert_eq!(found, 1, "parsed once");
        scanner.scanner.examined
    };
    assert_eq!(steps(head.len()), MAX_HEAD);
    assert_eq!(steps(1), MAX_HEAD);
    assert_eq!(steps(1460), MAX_HEAD);
}

#[test]
fn trailers_in_one_byte_pieces_cost_what_the_whole_costs() {
    let mut block = format!("x: {}\r\n", "y".repeat(MAX_TRAILERS - 9)).into_bytes();
    block.extend_from_slice(b"\r\n");
    let mut scanner = Scanner::new(Block::Trailers);
    for end in 1..block.len() {
        assert_eq!(scanner.end(&block[..end]).unwrap(), None);
    }
    assert_eq!(scanner.end(&block).unwrap(), Some(block.len()));
    assert_eq!(scanner.examined, block.len());
}

/// xorshift64, 0 to `n` - 1.
pub(super) fn below(seed: &mut u64, n: usize) -> usize {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    usize::try_from(*seed % n as u64).unwrap()
}

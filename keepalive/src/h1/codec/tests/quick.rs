//! A head taken apart in one pass is what the long way makes of it, errors included.
//!
//! Byte by byte every head goes the long way: the quick one is tried once, on what is there when a head
//! begins.

use bytes::BytesMut;

use super::super::head::HeadScanner;
use super::super::quick::Lines;
use super::show;
use super::splits::below;

const STARTS: &[&[u8]] =
    &[b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200\n", b"HTTP/1.0 404 Not Found\r\n", b"HTTP/1.1 2000\r\n"];
const NAMES: &[&[u8]] = &[b"a", b"Content-Length", b"x-y", b"date", b"", b"b c", b"caf\xe9", b"a\r"];
const COLONS: &[&[u8]] = &[b": ", b":", b":\t ", b" :", b""];
const VALUES: &[&[u8]] =
    &[b"1", b"", b"text/plain; charset=utf-8", b" x \t", b"a:b", b"\xff", b"a\rb", b"\0", b"\x7f"];
const ENDS: &[&[u8]] = &[b"\r\n", b"\n", b" \r\n", b"\r\n c\r\n", b"\n\t\r\n", b"\r\r\n"];

/// One of them: the first one more often.
fn one<'a>(seed: &mut u64, of: &[&'a [u8]]) -> &'a [u8] {
    if below(seed, 4) > 0 { of[0] } else { of[below(seed, of.len())] }
}

/// A head and a byte behind it; mostly a good one.
fn head(seed: &mut u64) -> Vec<u8> {
    let mut head = one(seed, STARTS).to_vec();
    for _ in 0..below(seed, 20) {
        // A line that is in order, or one of which every part may not be.
        let odd = below(seed, 12) == 0;
        for (part, good) in [(NAMES, 4), (COLONS, 3), (VALUES, 6), (ENDS, 3)] {
            head.extend_from_slice(one(seed, if odd { part } else { &part[..good] }));
        }
    }
    head.extend_from_slice(if below(seed, 4) > 0 { b"\r\n" } else { b"\n" });
    head.push(b'!');
    head
}

/// What comes of it, and how many bytes it took.
fn take(bytes: &[u8], size: usize) -> (String, usize) {
    let (mut scanner, mut buf, mut fed) = (HeadScanner::new(), BytesMut::new(), 0);
    for piece in bytes.chunks(size) {
        buf.extend_from_slice(piece);
        fed += piece.len();
        match scanner.take(&mut buf) {
            Ok(None) => {}
            Ok(Some((head, present))) => return (format!("{} {present:?}", show(&head)), fed - buf.len()),
            Err(error) => return (format!("{error:?}"), 0),
        }
    }
    ("more".to_owned(), fed - buf.len())
}

#[test]
fn both_ways_agree() {
    let (mut seed, mut quick, mut long, mut none) = (0x9e37_79b9_7f4a_7c15, 0, 0, 0);
    for _ in 0..4000 {
        let mut bytes = head(&mut seed);
        if below(&mut seed, 8) == 0 {
            // What a head begins with is looked at before either way is taken.
            let at = 7 + below(&mut seed, bytes.len() - 7);
            bytes[at] = b"\r\n\0 \t:;,0f\x7f\xffa"[below(&mut seed, 13)];
        }
        let got = take(&bytes, bytes.len());
        assert_eq!(got, take(&bytes, 1), "{}", bytes.escape_ascii());
        match Lines::of(&bytes) {
            _ if got.1 == 0 => none += 1,
            Some(_) => quick += 1,
            None => long += 1,
        }
    }
    assert!(
        quick > 300 && long > 300 && none > 300,
        "each was tried: {quick} quick, {long} long, {none} none"
    );
}

#[test]
fn what_is_not_plain_goes_the_long_way() {
    let start = "HTTP/1.1 200 OK\r\n";
    let head = |fields: String| format!("{start}{fields}\r\n").into_bytes();
    assert!(Lines::of(&head("a: b\r\n".repeat(16))).is_some());
    assert!(Lines::of(&head("a: b\r\n".repeat(17))).is_none(), "many fields");
    assert!(Lines::of(&head("a: b\r\n c\r\n".to_owned())).is_none(), "a folded line");
    assert!(Lines::of(&head("\tc\r\n".to_owned())).is_none(), "a continuation of nothing");
    let of_length = |length: usize| head(format!("a: {}\r\n", "b".repeat(length - start.len() - 7)));
    assert!(Lines::of(&of_length(16 * 1024)).is_some_and(|lines| lines.end == 16 * 1024));
    assert!(Lines::of(&of_length(16 * 1024 + 1)).is_none(), "a long head");
    let whole = head("a: b\r\n".to_owned());
    assert!((0..whole.len()).all(|end| Lines::of(&whole[..end]).is_none()), "a part of a head");
}

/// However it comes, a head is looked at twice at most.
#[test]
fn the_quick_way_is_tried_once() {
    let mut scanner = HeadScanner::new();
    let mut buf = BytesMut::from(&b"HTTP/1.1 2"[..]);
    assert!(scanner.take(&mut buf).unwrap().is_none());
    buf.extend_from_slice(b"00 OK\r\na: b\r\n\r\n");
    let length = buf.len();
    assert!(scanner.take(&mut buf).unwrap().is_some());
    assert_eq!(scanner.scanner.examined, length, "the long way");
}

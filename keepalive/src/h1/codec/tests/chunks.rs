//! The chunked coding, both ways (RFC 9112 §7.1).

use bytes::BytesMut;
use http::HeaderMap;

use super::super::request_body::{CHUNK_END, chunk_head, last_chunk};
use super::super::trailers::{MAX_TRAILER_FIELDS, MAX_TRAILERS};
use super::{GET, Row, check, read};

/// The head of every response here, as bytes and as `read` shows it.
const TE: &[u8] = b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n";
const SHOWN: &str = "HTTP/1.1 200 [transfer-encoding=chunked] ";

/// Bodies and what comes of them.
pub(super) const BODIES: &[(&[u8], &str)] = &[
    (b"0\r\n\r\n", "Reusable"),
    (b"5\r\nhello\r\n0\r\n\r\n", "\"hello\" Reusable"),
    (b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "\"abc\" Reusable"),
    (b"00a\r\n0123456789\r\n000\r\n\r\n", "\"0123456789\" Reusable"),
    (b"A\r\n0123456789\r\n0\r\n\r\n", "\"0123456789\" Reusable"),
    (b"0000000000000001\r\na\r\n0\r\n\r\n", "\"a\" Reusable"),
    (b"4\r\n\r\n\r\n\r\n0\r\n\r\n", "\"\\r\\n\\r\\n\" Reusable"),
    (b"0\r\n\r\nHTTP", "rest HTTP Close(SurplusBytes)"),
    // Extensions are skipped.
    (b"1;a\r\na\r\n0;b=\"c;d\"\r\n\r\n", "\"a\" Reusable"),
    (b"1;\r\na\r\n0\r\n\r\n", "\"a\" Reusable"),
    (b"1; a = b\t;\xff\r\na\r\n0\r\n\r\n", "\"a\" Reusable"),
    // Trailers come apart; those about the framing are dropped.
    (b"1\r\na\r\n0\r\nx: y\r\n\r\n", "\"a\" +[x=y] Reusable"),
    (b"0\r\nX:  y \r\nz:\r\nx: 2\r\n\r\n", "+[x=y, x=2, z=] Reusable"),
    (b"0\r\nx: y\r\n z\r\n\r\n", "+[x=y z] Reusable"),
    (b"0\r\ncontent-length: 9\r\nx: y\r\n\r\n", "+[x=y] Reusable"),
    (
        b"0\r\nTransfer-Encoding: chunked\r\nHost: a\r\nKeep-Alive: max=9\r\nconnection: close\r\n\r\n",
        "Reusable",
    ),
    // Sizes.
    (b"\r\n", "!ChunkSize Close(ProtocolError)"),
    (b";a\r\n", "!ChunkSize Close(ProtocolError)"),
    (b"g\r\n", "!ChunkSize Close(ProtocolError)"),
    (b"-1\r\n", "!ChunkSize Close(ProtocolError)"),
    (b"+1\r\n", "!ChunkSize Close(ProtocolError)"),
    (b"0x1\r\n", "!ChunkSize Close(ProtocolError)"),
    (b"1_0\r\n", "!ChunkSize Close(ProtocolError)"),
    (b" 1\r\n", "!ChunkSize Close(ProtocolError)"),
    (b"1 \r\n", "!ChunkSize Close(ProtocolError)"),
    (b"1 ;a\r\n", "!ChunkSize Close(ProtocolError)"),
    (b"1\t\r\n", "!ChunkSize Close(ProtocolError)"),
    (b"00000000000000001\r\n", "!ChunkSize Close(ProtocolError)"),
    (b"10000000000000000\r\n", "!ChunkSize Close(ProtocolError)"),
    (b"HTTP/1.1 200 OK\r\n", "!ChunkSize Close(ProtocolError)"),
    // Line ends.
    (b"1\na\r\n0\r\n\r\n", "!ChunkSize Close(ProtocolError)"),
    (b"1\r\r\na\r\n", "!ChunkSize Close(ProtocolError)"),
    (b"1\ra\r\n", "!ChunkSize Close(ProtocolError)"),
    (b"1;a\nb\r\n", "!ChunkExtension Close(ProtocolError)"),
    (b"1;a\rb\r\n", "!ChunkSize Close(ProtocolError)"),
    (b"1;a\x00\r\n", "!ChunkExtension Close(ProtocolError)"),
    (b"1;a\x7f\r\n", "!ChunkExtension Close(ProtocolError)"),
    (b"1\r\na\n0\r\n\r\n", "\"a\" !ChunkEnd Close(ProtocolError)"),
    (b"1\r\na\r0\r\n\r\n", "\"a\" !ChunkEnd Close(ProtocolError)"),
    (b"1\r\nab\r\n0\r\n\r\n", "\"a\" !ChunkEnd Close(ProtocolError)"),
    (b"1\r\na0\r\n\r\n", "\"a\" !ChunkEnd Close(ProtocolError)"),
    (b"0\r\n\n", "!Trailer Close(ProtocolError)"),
    (b"0\n\r\n", "!ChunkSize Close(ProtocolError)"),
    // Bad trailers.
    (b"0\r\nx: y\n\r\n", "!Trailer Close(ProtocolError)"),
    (b"0\r\nx : y\r\n\r\n", "!Trailer Close(ProtocolError)"),
    (b"0\r\n x: y\r\n\r\n", "!Trailer Close(ProtocolError)"),
    (b"0\r\nx\r\n\r\n", "!Trailer Close(ProtocolError)"),
    (b"0\r\nx: \x00\r\n\r\n", "!Trailer Close(ProtocolError)"),
    (b"0\r\nHTTP/1.1 200 OK\r\n\r\n", "!Trailer Close(ProtocolError)"),
    // Cut off.
    (b"", "!Truncated(LastChunk) Close(Truncated)"),
    (b"5", "!Truncated(LastChunk) Close(Truncated)"),
    (b"5\r\nhel", "\"hel\" !Truncated(Chunk { missing: 2 }) Close(Truncated)"),
    (b"ffffffffffffffff\r\na", "\"a\" !Truncated(Chunk { missing: 18446744073709551614 }) Close(Truncated)"),
    (b"5\r\nhello", "\"hello\" !Truncated(LastChunk) Close(Truncated)"),
    (b"5\r\nhello\r\n", "\"hello\" !Truncated(LastChunk) Close(Truncated)"),
    (b"0\r\n", "!Truncated(Trailers) Close(Truncated)"),
    (b"0\r\nx: y\r\n", "!Truncated(Trailers) Close(Truncated)"),
];

/// The coding's name may be written in any case, and its list may have empty elements.
const NAMES: &[Row] = &[
    (
        GET,
        b"HTTP/1.1 200 x\r\nTransfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 [transfer-encoding=CHUNKED] Reusable",
    ),
    (
        GET,
        b"HTTP/1.1 200 x\r\ntransfer-encoding: , chunked ,\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 [transfer-encoding=, chunked ,] Reusable",
    ),
];

/// A whole chunked response.
pub(super) fn response(body: &[u8]) -> Vec<u8> {
    [TE, body].concat()
}

fn decode(body: &[u8]) -> String {
    let seen = read(GET, &[&response(body)]);
    seen.strip_prefix(SHOWN).expect("the head is read").to_owned()
}

#[test]
fn chunked_bodies() {
    for (body, want) in BODIES {
        assert_eq!(decode(body), *want, "for {}", body.escape_ascii());
    }
    check(NAMES);
}

#[test]
fn one_long_extension() {
    let chunk = |length| [b"1;".as_slice(), &vec![b'x'; length], b"\r\na\r\n0\r\n\r\n"].concat();
    assert_eq!(decode(&chunk(4096)), "\"a\" Reusable");
    assert_eq!(decode(&chunk(4097)), "!ChunkExtensionTooLong Close(ProtocolError)");
}

/// One-byte chunks with an extension each: bounded. Big chunks with the same extensions: not.
#[test]
fn many_extensions() {
    let extension = "x".repeat(100);
    let body = |data: &str, chunks| {
        let chunk = format!("{:x};{extension}\r\n{data}\r\n", data.len());
        chunk.repeat(chunks) + "0\r\n\r\n"
    };
    // 16 KiB and 1 byte for each chunk so far: 165 × 100 ≤ 16384 + 164, not 166 × 100.
    assert!(decode(body("a", 165).as_bytes()).ends_with("Reusable"));
    assert!(decode(body("a", 166).as_bytes()).ends_with("!ChunkExtensionTooLong Close(ProtocolError)"));
    assert!(decode(body(&"a".repeat(100), 2000).as_bytes()).ends_with("Reusable"));
}

#[test]
fn the_most_trailers_pass_and_more_do_not() {
    let trailers = |n: usize| format!("0\r\n{}\r\n", "x: y\r\n".repeat(n));
    assert!(decode(trailers(MAX_TRAILER_FIELDS).as_bytes()).ends_with("Reusable"));
    assert_eq!(decode(trailers(MAX_TRAILER_FIELDS + 1).as_bytes()), "!TooManyTrailers Close(ProtocolError)");
    let trailer = |size: usize| format!("0\r\nx: {}\r\n\r\n", "y".repeat(size - "x: \r\n\r\n".len()));
    assert!(decode(trailer(MAX_TRAILERS).as_bytes()).ends_with("Reusable"));
    assert_eq!(decode(trailer(MAX_TRAILERS + 1).as_bytes()), "!TrailersTooLarge Close(ProtocolError)");
}

/// However small the pieces, data points into the buffer it was read into.
#[test]
fn data_is_not_copied() {
    let mut decoder = super::super::chunked::ChunkedDecoder::new();
    let mut buf = BytesMut::from(&b"5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n"[..]);
    let memory = buf.as_ptr_range();
    let mut pieces = 0;
    while let Some(super::BodyEvent::Data(data)) = decoder.decode(&mut buf).unwrap() {
        assert!(memory.contains(&data.as_ptr()));
        pieces += 1;
    }
    assert_eq!(pieces, 2);
}

#[test]
fn what_the_encoder_writes_the_decoder_reads() {
    let mut trailers = HeaderMap::new();
    for (name, value) in [
        ("x-sum", "1"),
        ("content-length", "5"),
        ("transfer-encoding", "chunked"),
        ("host", "a"),
        ("trailer", "a"),
        ("connection", "close"),
        ("authorization", "secret"),
        ("keep-alive", "max=1"),
        ("content-type", "a/b"),
        ("x-sign", "\u{2}2"),
    ] {
        if let Ok(value) = value.parse::<http::HeaderValue>() {
            trailers.append(name, value);
        }
    }
    let mut out = BytesMut::new();
    for piece in [&b"hello"[..], &[b'x'; 300]] {
        chunk_head(piece.len(), &mut out);
        out.extend_from_slice(piece);
        out.extend_from_slice(CHUNK_END);
    }
    last_chunk(Some(&trailers), &mut out);
    assert!(out.starts_with(b"5\r\nhello\r\n12c\r\nxxx"));
    assert!(out.ends_with(b"x\r\n0\r\nx-sum: 1\r\n\r\n"), "{}", out.escape_ascii());
    assert_eq!(decode(&out), format!("\"hello{}\" +[x-sum=1] Reusable", "x".repeat(300)));

    let mut bare = BytesMut::new();
    last_chunk(None, &mut bare);
    assert_eq!(bare, "0\r\n\r\n");
}

//! Every error is a lower-case sentence that names the thing.

use bytes::BytesMut;

use super::super::{ProtocolError, ResponseDecoder};
use super::{GET, chunks};

fn error(bytes: &[u8]) -> ProtocolError {
    let (mut decoder, mut buf) = (ResponseDecoder::new(GET), BytesMut::from(bytes));
    loop {
        match decoder.head(&mut buf) {
            Ok(super::HeadEvent::Response(_)) => break,
            Ok(super::HeadEvent::NeedMore) => return decoder.head_eof(&buf),
            Ok(_) => {}
            Err(error) => return error,
        }
    }
    loop {
        if let Err(error) = decoder.body(&mut buf, true) {
            return error;
        }
    }
}

#[test]
fn texts() {
    let fields = |n| format!("HTTP/1.1 200 x\r\n{}\r\n", "a: b\r\n".repeat(n)).into_bytes();
    let response = |field: &str| format!("HTTP/1.1 200 x\r\n{field}\r\n\r\n").into_bytes();
    let chunked = |body: &str| chunks::response(body.as_bytes());
    for (bytes, want) in [
        (
            b"SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13.5\r\n".to_vec(),
            "the server does not speak HTTP/1: its first bytes are `SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ub…`",
        ),
        (
            b"\x15\x03\x03".to_vec(),
            "the server speaks TLS on this port, and was asked in plain HTTP: use `https`",
        ),
        (
            b"\x16\x03\x01\x00".to_vec(),
            "the server speaks TLS on this port, and was asked in plain HTTP: use `https`",
        ),
        (b"\x15\x02\x03".to_vec(), "the server does not speak HTTP/1: its first bytes are `\\x15\\x02\\x03`"),
        (b"HTTP/2.0 200 OK\r\n".to_vec(), "the server answered in another HTTP version: `HTTP/2.0 200 OK`"),
        (b"HTTP/1.1 20\r\n\r\n".to_vec(), "the status line is malformed: `HTTP/1.1 20`"),
        (response("good: 1\r\nbad : 2\r\ngood: 3"), "a header field is malformed: `bad : 2`"),
        (response("good: 1\r\nbad: a\rb"), "a header field is malformed: `bad: a\\rb`"),
        (vec![b'H'; 0], "the connection ended before the first byte of the response"),
        (
            b"HTTP/1.1 100 x\r\n\r\n".to_vec(),
            "the connection ended before the first byte of the final response, after a 1xx one",
        ),
        (b"HTTP/1.1".to_vec(), "the connection ended inside the response head, after 8 bytes of it"),
        (fields(129), "the response has more than 128 header fields"),
        (
            [b"HTTP/1.1 200 ".to_vec(), vec![b'x'; 65536]].concat(),
            "the response head is longer than 65536 bytes",
        ),
        (b"HTTP/1.1 102 x\r\n\r\n".repeat(33), "more than 32 1xx responses came first"),
        (b"HTTP/1.1 101 x\r\n\r\n".to_vec(), "the server switched protocols, which nobody asked it to"),
        (response("content-length: 5x"), "content-length is not a length: `5x`"),
        (response("content-length: 5, 6"), "there are two content-lengths that differ, the second is `6`"),
        (
            response("content-length: 5\r\ntransfer-encoding: chunked"),
            "the response has both content-length and transfer-encoding",
        ),
        (
            response("transfer-encoding: chunked, gzip"),
            "the transfer coding `gzip` was not asked for and cannot be decoded",
        ),
        (
            b"HTTP/1.0 200 x\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(),
            "an HTTP/1.0 response has a transfer-encoding",
        ),
        (response("content-length: 5"), "the connection ended 5 bytes short of a body of 5"),
        (chunked("zz\r\n"), "the size of a chunk was expected, and `zz` came"),
        (chunked("1;\x01\r\n"), "a chunk extension has a bad byte: `\\x01`"),
        (chunked(&format!("1;{}", "x".repeat(5000))), "the chunk extensions are too long"),
        (chunked("1\r\nabc"), "a chunk is longer than its size: `bc` came after it"),
        (chunked("0\r\nx y\r\n\r\n"), "a trailer field is malformed: `x y`"),
        (chunked(&format!("0\r\n{}", "x".repeat(16384))), "the trailers are longer than 16384 bytes"),
        (chunked(&format!("0\r\n{}", "x: y\r\n".repeat(65))), "the response has more than 64 trailer fields"),
        (chunked("5\r\nhel"), "the connection ended inside a chunk, 2 bytes short of its end"),
        (chunked("5\r\nhello\r\n"), "the connection ended before the last chunk of the body"),
        (chunked("0\r\n"), "the connection ended inside the trailers"),
    ] {
        let error = error(&bytes);
        assert_eq!(error.to_string(), want);
        assert_eq!(error.is_truncated(), want.starts_with("the connection ended"));
    }
}

#[test]
fn what_was_left_out_of_an_excerpt_is_marked() {
    let line = |length: usize| format!("HTTP/1.1 200 x\r\n{}\r\n\r\n", "a".repeat(length));
    assert!(error(line(32).as_bytes()).to_string().ends_with(&format!("`{}`", "a".repeat(32))));
    assert!(error(line(33).as_bytes()).to_string().ends_with(&format!("`{}…`", "a".repeat(32))));
    let secret = error(b"HTTP/1.1 200 x\r\nX-Auth-Token: s\x01cret\r\n\r\n").to_string();
    assert!(secret.ends_with("`X-Auth-Token…`"), "{secret}");
}

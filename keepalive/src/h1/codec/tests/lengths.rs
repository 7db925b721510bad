//! Where a response's body ends (RFC 9112 §6.3, RFC 9110 §8.6).

use super::{GET, HEAD, Row, check};

pub(super) const NO_BODY: &[Row] = &[
    (HEAD, b"HTTP/1.1 200 x\r\ncontent-length: 5\r\n\r\n", "HTTP/1.1 200 [content-length=5] Reusable"),
    (
        HEAD,
        b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 [transfer-encoding=chunked] Reusable",
    ),
    (HEAD, b"HTTP/1.1 200 x\r\n\r\n", "HTTP/1.1 200 [] Reusable"),
    // Fields that frame nothing are not judged.
    (HEAD, b"HTTP/1.1 200 x\r\ncontent-length: x\r\n\r\n", "HTTP/1.1 200 [content-length=x] Reusable"),
    (GET, b"HTTP/1.1 304 x\r\ncontent-length: 5\r\n\r\n", "HTTP/1.1 304 [content-length=5] Reusable"),
    (
        GET,
        b"HTTP/1.1 304 x\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 304 [transfer-encoding=chunked] Reusable",
    ),
    (GET, b"HTTP/1.1 204 x\r\n\r\n", "HTTP/1.1 204 [] Reusable"),
    // The body of a 204 is surplus.
    (
        GET,
        b"HTTP/1.1 204 x\r\ncontent-length: 2\r\n\r\nno",
        "HTTP/1.1 204 [content-length=2] rest no Close(SurplusBytes)",
    ),
];

pub(super) const LENGTHS: &[Row] = &[
    (
        GET,
        b"HTTP/1.1 200 x\r\ncontent-length: 5\r\n\r\nhello",
        "HTTP/1.1 200 [content-length=5] \"hello\" Reusable",
    ),
    (GET, b"HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 200 [content-length=0] Reusable"),
    (GET, b"HTTP/1.1 205 x\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 205 [content-length=0] Reusable"),
    (
        GET,
        b"HTTP/1.1 200 x\r\ncontent-length: 005\r\n\r\nhello",
        "HTTP/1.1 200 [content-length=005] \"hello\" Reusable",
    ),
    (
        GET,
        b"HTTP/1.1 200 x\r\ncontent-length: 2\r\n\r\nhello",
        "HTTP/1.1 200 [content-length=2] \"he\" rest llo Close(SurplusBytes)",
    ),
    // The same value again is the same value.
    (
        GET,
        b"HTTP/1.1 200 x\r\ncontent-length: 2, 2\r\n\r\nhi",
        "HTTP/1.1 200 [content-length=2, 2] \"hi\" Reusable",
    ),
    (
        GET,
        b"HTTP/1.1 200 x\r\ncontent-length: 2\r\nContent-Length: 02\r\n\r\nhi",
        "HTTP/1.1 200 [content-length=2, content-length=02] \"hi\" Reusable",
    ),
    // Cut off.
    (
        GET,
        b"HTTP/1.1 200 x\r\ncontent-length: 5\r\n\r\nhel",
        "HTTP/1.1 200 [content-length=5] \"hel\" !Truncated(Body { missing: 2, total: 5 }) Close(Truncated)",
    ),
    (
        GET,
        b"HTTP/1.1 200 x\r\ncontent-length: 18446744073709551615\r\n\r\nx",
        "HTTP/1.1 200 [content-length=18446744073709551615] \"x\" !Truncated(Body { missing: \
         18446744073709551614, total: 18446744073709551615 }) Close(Truncated)",
    ),
    // Until the connection ends.
    (GET, b"HTTP/1.1 200 x\r\n\r\nhello", "HTTP/1.1 200 [] \"hello\" Close(CloseDelimited)"),
    (GET, b"HTTP/1.0 200 x\r\n\r\n", "HTTP/1.0 200 [] Close(CloseDelimited)"),
    (
        GET,
        b"HTTP/1.1 200 x\r\ntransfer-encoding: Identity\r\n\r\nhi",
        "HTTP/1.1 200 [transfer-encoding=Identity] \"hi\" Close(CloseDelimited)",
    ),
];

pub(super) const BAD: &[Row] = &[
    (
        GET,
        b"HTTP/1.1 200 x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
        "!ContentLengthsDiffer Close(ProtocolError)",
    ),
    (GET, b"HTTP/1.1 200 x\r\ncontent-length: 5, 6\r\n\r\n", "!ContentLengthsDiffer Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 x\r\ncontent-length: +5\r\n\r\n", "!ContentLength Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 x\r\ncontent-length: -5\r\n\r\n", "!ContentLength Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 x\r\ncontent-length: 5 5\r\n\r\n", "!ContentLength Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 x\r\ncontent-length: 0x5\r\n\r\n", "!ContentLength Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 x\r\ncontent-length: 5.0\r\n\r\n", "!ContentLength Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 x\r\ncontent-length: 5;\r\n\r\n", "!ContentLength Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 x\r\ncontent-length:\r\n\r\n", "!ContentLength Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 x\r\ncontent-length: 5,\r\n\r\n", "!ContentLength Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 x\r\ncontent-length: \"5\"\r\n\r\n", "!ContentLength Close(ProtocolError)"),
    (
        GET,
        b"HTTP/1.1 200 x\r\ncontent-length: 18446744073709551616\r\n\r\n",
        "!ContentLength Close(ProtocolError)",
    ),
    (
        GET,
        b"HTTP/1.1 200 x\r\ncontent-length: 99999999999999999999999\r\n\r\n",
        "!ContentLength Close(ProtocolError)",
    ),
    (GET, b"HTTP/1.1 200 x\r\ncontent-length: 5\r\n 5\r\n\r\n", "!ContentLength Close(ProtocolError)"),
    (
        GET,
        b"HTTP/1.1 200 x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
        "!LengthAndCoding Close(ProtocolError)",
    ),
    (
        GET,
        b"HTTP/1.1 200 x\r\ntransfer-encoding: identity\r\ncontent-length: 5\r\n\r\n",
        "!LengthAndCoding Close(ProtocolError)",
    ),
    (GET, b"HTTP/1.0 200 x\r\ntransfer-encoding: chunked\r\n\r\n", "!Http10Coding Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 x\r\ntransfer-encoding: gzip\r\n\r\n", "!Coding Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 x\r\ntransfer-encoding: gzip, chunked\r\n\r\n", "!Coding Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked, gzip\r\n\r\n", "!Coding Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked, chunked\r\n\r\n", "!Coding Close(ProtocolError)"),
    (
        GET,
        b"HTTP/1.1 200 x\r\ntransfer-encoding: identity\r\ntransfer-encoding: chunked\r\n\r\n",
        "!Coding Close(ProtocolError)",
    ),
    (GET, b"HTTP/1.1 200 x\r\ntransfer-encoding: xchunked\r\n\r\n", "!Coding Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked;a=b\r\n\r\n", "!Coding Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 x\r\ntransfer-encoding: \"chunked\"\r\n\r\n", "!Coding Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 x\r\ntransfer-encoding:\r\n\r\n", "!Coding Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 x\r\ntransfer-encoding: ,\r\n\r\n", "!Coding Close(ProtocolError)"),
];

#[test]
fn responses_without_a_body() {
    check(NO_BODY);
}

#[test]
fn lengths_that_are_honoured() {
    check(LENGTHS);
}

#[test]
fn framing_that_is_ambiguous() {
    check(BAD);
}

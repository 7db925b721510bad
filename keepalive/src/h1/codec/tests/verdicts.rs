//! May the socket be used again (RFC 9112 §9.3), and which reason wins.

use bytes::BytesMut;

use super::super::{HeadEvent, ResponseDecoder, Verdict};
use super::{CLOSE, GET, HEAD, Row, check};
use crate::CloseReason;

pub(super) const TABLE: &[Row] = &[
    // The Connection field: a list, any case, over several lines; close wins.
    (
        GET,
        b"HTTP/1.1 204 x\r\nconnection: close\r\n\r\n",
        "HTTP/1.1 204 [connection=close] Close(ResponseSaidClose)",
    ),
    (
        GET,
        b"HTTP/1.1 204 x\r\nConnection: CLOSE\r\n\r\n",
        "HTTP/1.1 204 [connection=CLOSE] Close(ResponseSaidClose)",
    ),
    (
        GET,
        b"HTTP/1.1 204 x\r\nconnection: keep-alive, x ,\tClose\r\n\r\n",
        "HTTP/1.1 204 [connection=keep-alive, x ,\\tClose] Close(ResponseSaidClose)",
    ),
    (
        GET,
        b"HTTP/1.1 204 x\r\nconnection: close\r\nconnection: keep-alive\r\n\r\n",
        "HTTP/1.1 204 [connection=close, connection=keep-alive] Close(ResponseSaidClose)",
    ),
    (GET, b"HTTP/1.1 204 x\r\nconnection: closed\r\n\r\n", "HTTP/1.1 204 [connection=closed] Reusable"),
    (GET, b"HTTP/1.1 204 x\r\nconnection: x close\r\n\r\n", "HTTP/1.1 204 [connection=x close] Reusable"),
    (
        GET,
        b"HTTP/1.1 204 x\r\nproxy-connection: close\r\n\r\n",
        "HTTP/1.1 204 [proxy-connection=close] Reusable",
    ),
    // HTTP/1.0 stays open only if it says so, and only with a length.
    (GET, b"HTTP/1.0 204 x\r\n\r\n", "HTTP/1.0 204 [] Close(Http10)"),
    (
        GET,
        b"HTTP/1.0 200 x\r\ncontent-length: 1\r\n\r\na",
        "HTTP/1.0 200 [content-length=1] \"a\" Close(Http10)",
    ),
    (
        GET,
        b"HTTP/1.0 200 x\r\nconnection: Keep-Alive\r\ncontent-length: 1\r\n\r\na",
        "HTTP/1.0 200 [connection=Keep-Alive, content-length=1] \"a\" Reusable",
    ),
    (
        GET,
        b"HTTP/1.0 204 x\r\nconnection: keep-alive, close\r\n\r\n",
        "HTTP/1.0 204 [connection=keep-alive, close] Close(ResponseSaidClose)",
    ),
    (
        GET,
        b"HTTP/1.0 200 x\r\nconnection: keep-alive\r\n\r\na",
        "HTTP/1.0 200 [connection=keep-alive] \"a\" Close(CloseDelimited)",
    ),
    (
        HEAD,
        b"HTTP/1.0 200 x\r\nconnection: keep-alive\r\n\r\n",
        "HTTP/1.0 200 [connection=keep-alive] Reusable",
    ),
    (
        GET,
        b"HTTP/1.0 204 x\r\nproxy-connection: keep-alive\r\n\r\n",
        "HTTP/1.0 204 [proxy-connection=keep-alive] Close(Http10)",
    ),
    // The request's wish comes before the response's, facts before both.
    (CLOSE, b"HTTP/1.1 204 x\r\n\r\n", "HTTP/1.1 204 [] Close(RequestSaidClose)"),
    (
        CLOSE,
        b"HTTP/1.0 204 x\r\nconnection: close\r\n\r\n",
        "HTTP/1.0 204 [connection=close] Close(RequestSaidClose)",
    ),
    (
        GET,
        b"HTTP/1.0 204 x\r\nconnection: close\r\n\r\n",
        "HTTP/1.0 204 [connection=close] Close(ResponseSaidClose)",
    ),
    (CLOSE, b"HTTP/1.1 204 x\r\n\r\n!", "HTTP/1.1 204 [] rest ! Close(SurplusBytes)"),
    (
        CLOSE,
        b"HTTP/1.1 200 x\r\nconnection: close\r\n\r\na",
        "HTTP/1.1 200 [connection=close] \"a\" Close(CloseDelimited)",
    ),
];

#[test]
fn verdicts() {
    check(TABLE);
}

#[test]
fn an_unfinished_request_is_not_reusable() {
    let (mut decoder, mut buf) =
        (ResponseDecoder::new(GET), BytesMut::from("HTTP/1.1 413 x\r\ncontent-length: 1\r\n\r\na"));
    assert_eq!(decoder.verdict(false, false), Verdict::Close(CloseReason::Cancelled));
    assert_eq!(decoder.prospect(), Verdict::Close(CloseReason::Cancelled));
    assert!(matches!(decoder.head(&mut buf), Ok(HeadEvent::Response(_))));
    assert!(decoder.body_remaining() != Some(0));
    assert_eq!(decoder.body_remaining(), Some(1));
    assert_eq!(decoder.verdict(true, false), Verdict::Close(CloseReason::BodyNotDrained));
    decoder.body(&mut buf, false).unwrap();
    assert!(decoder.body_remaining() == Some(0), "known with the last byte");
    assert_eq!(decoder.verdict(false, false), Verdict::Close(CloseReason::UploadUnfinished));
    assert_eq!(decoder.verdict(false, true), Verdict::Close(CloseReason::SurplusBytes));
    assert_eq!(decoder.verdict(true, true), Verdict::Close(CloseReason::SurplusBytes));
    assert_eq!(decoder.verdict(true, false), Verdict::Reusable);
}

#[test]
fn an_error_is_repeated() {
    let (mut decoder, mut buf) = (ResponseDecoder::new(GET), BytesMut::from("HTTP/1.1 200 x\r\n:\r\n\r\n"));
    let first = decoder.head(&mut buf).unwrap_err();
    assert_eq!(decoder.head(&mut BytesMut::new()).unwrap_err(), first);
    assert_eq!(decoder.body(&mut BytesMut::new(), true).unwrap_err(), first);
    assert!(!first.is_truncated());
}

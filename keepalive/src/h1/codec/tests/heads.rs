//! Status lines, header fields, 1xx and 101 (RFC 9112 §2 to §5).

use super::super::head::{MAX_FIELDS, MAX_HEAD};
use super::super::response::MAX_INFORMATIONAL;
use super::{CONNECT, GET, Row, UPGRADE, check, read};

pub(super) const ACCEPTED: &[Row] = &[
    (GET, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 200 [content-length=0] Reusable"),
    // The reason phrase: empty, absent with and without its space, obs-text, tab.
    (GET, b"HTTP/1.1 204 \r\n\r\n", "HTTP/1.1 204 [] Reusable"),
    (GET, b"HTTP/1.1 204\r\n\r\n", "HTTP/1.1 204 [] Reusable"),
    (GET, b"HTTP/1.1 204 caf\xe9\tau lait\r\n\r\n", "HTTP/1.1 204 [] Reusable"),
    // A bare LF ends lines (RFC 9112 §2.2), mixed too.
    (GET, b"HTTP/1.1 204 x\n\n", "HTTP/1.1 204 [] Reusable"),
    (GET, b"HTTP/1.1 204 x\na: b\r\nc: d\n\r\n", "HTTP/1.1 204 [a=b, c=d] Reusable"),
    (GET, b"HTTP/1.1 204 x\r\na: b\r\n\n", "HTTP/1.1 204 [a=b] Reusable"),
    // Empty lines before the status line.
    (GET, b"\r\nHTTP/1.1 204 x\r\n\r\n", "HTTP/1.1 204 [] Reusable"),
    (GET, b"\n\r\n\n\r\nHTTP/1.1 204 x\r\n\r\n", "HTTP/1.1 204 [] Reusable"),
    // Versions and statuses.
    (
        GET,
        b"HTTP/1.0 204 x\r\nconnection: keep-alive\r\n\r\n",
        "HTTP/1.0 204 [connection=keep-alive] Reusable",
    ),
    (GET, b"HTTP/1.2 204 x\r\n\r\n", "HTTP/1.1 204 [] Reusable"),
    (GET, b"HTTP/1.9 204 x\r\n\r\n", "HTTP/1.1 204 [] Reusable"),
    (GET, b"HTTP/1.1 999 x\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 999 [content-length=0] Reusable"),
    // Fields: blanks around the value, no value, any case, obs-text, every token character, repeats.
    (GET, b"HTTP/1.1 204 x\r\na:b\r\nc: \t d \t\r\n\r\n", "HTTP/1.1 204 [a=b, c=d] Reusable"),
    (GET, b"HTTP/1.1 204 x\r\na:\r\nb: \r\n\r\n", "HTTP/1.1 204 [a=, b=] Reusable"),
    (GET, b"HTTP/1.1 204 x\r\nX-Y: \xff:\r\n\r\n", "HTTP/1.1 204 [x-y=\\xff:] Reusable"),
    (GET, b"HTTP/1.1 204 x\r\n!#$%&'*+-.^_`|~9: z\r\n\r\n", "HTTP/1.1 204 [!#$%&'*+-.^_`|~9=z] Reusable"),
    (GET, b"HTTP/1.1 204 x\r\na: 1\r\nA: 2\r\n\r\n", "HTTP/1.1 204 [a=1, a=2] Reusable"),
    // obs-fold becomes one space (RFC 9112 §5.2).
    (GET, b"HTTP/1.1 204 x\r\na: b\r\n c\r\n\r\n", "HTTP/1.1 204 [a=b c] Reusable"),
    (GET, b"HTTP/1.1 204 x\r\na: b \t\r\n \t c\n\td\r\ne: f\r\n\r\n", "HTTP/1.1 204 [a=b c d, e=f] Reusable"),
    (GET, b"HTTP/1.1 204 x\r\na:\r\n b\r\n\r\n", "HTTP/1.1 204 [a=b] Reusable"),
    (GET, b"HTTP/1.1 204 x\r\na: b\r\n \r\n\r\n", "HTTP/1.1 204 [a=b] Reusable"),
    (GET, b"HTTP/1.1 204 x\r\na: b\r\n \r\n c\r\n\r\n", "HTTP/1.1 204 [a=b c] Reusable"),
    // 1xx come first, whatever their fields say; but `close` is for the connection, whoever says it.
    (GET, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 x\r\n\r\n", "continue HTTP/1.1 204 [] Reusable"),
    (
        GET,
        b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100\r\n\r\nHTTP/1.1 204 x\r\n\r\n",
        "1xx HTTP/1.1 103 [link=</a>] continue HTTP/1.1 204 [] Reusable",
    ),
    (
        GET,
        b"HTTP/1.1 199 x\r\ncontent-length: 9\r\nconnection: close\r\n\r\nHTTP/1.1 204 x\r\n\r\n",
        "1xx HTTP/1.1 199 [content-length=9, connection=close] HTTP/1.1 204 [] Close(ResponseSaidClose)",
    ),
    // A switch of protocols: what follows is not ours, and length fields mean nothing.
    (
        UPGRADE,
        b"HTTP/1.1 101 x\r\nupgrade: ws\r\ncontent-length: 1\r\n\r\n\x81\x00HTTP",
        "switched HTTP/1.1 101 [upgrade=ws, content-length=1] rest \\x81\\x00HTTP Close(Upgraded)",
    ),
    (
        UPGRADE,
        b"HTTP/1.1 200 no\r\ncontent-length: 1\r\n\r\nx",
        "HTTP/1.1 200 [content-length=1] \"x\" Reusable",
    ),
    (
        UPGRADE,
        b"HTTP/1.1 100 x\r\n\r\nHTTP/1.1 101 x\r\n\r\n",
        "continue switched HTTP/1.1 101 [] Close(Upgraded)",
    ),
    (
        CONNECT,
        b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\nSSH-",
        "switched HTTP/1.1 200 [transfer-encoding=chunked, content-length=5] rest SSH- Close(Upgraded)",
    ),
    (CONNECT, b"HTTP/1.0 299 x\r\n\r\n", "switched HTTP/1.0 299 [] Close(Upgraded)"),
    (
        CONNECT,
        b"HTTP/1.1 407 x\r\ncontent-length: 2\r\n\r\nno",
        "HTTP/1.1 407 [content-length=2] \"no\" Reusable",
    ),
];

pub(super) const REJECTED: &[Row] = &[
    // Not HTTP/1 at all.
    (GET, b"SSH-2.0-OpenSSH_9.6p1\r\n", "!NotHttp Close(ProtocolError)"),
    (GET, b"220 mail ESMTP\r\n", "!NotHttp Close(ProtocolError)"),
    (GET, b"\x15\x03\x03\x00\x02\x02\x46", "!NotHttp Close(ProtocolError)"),
    (GET, b"ICY 200 OK\r\n\r\n", "!NotHttp Close(ProtocolError)"),
    (GET, b"http/1.1 200 OK\r\n\r\n", "!NotHttp Close(ProtocolError)"),
    (GET, b"<html>", "!NotHttp Close(ProtocolError)"),
    (GET, b" HTTP/1.1 200 OK\r\n\r\n", "!NotHttp Close(ProtocolError)"),
    (GET, b"\rHTTP/1.1 200 OK\r\n\r\n", "!NotHttp Close(ProtocolError)"),
    (GET, b"\r\n\r\n\r\n\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "!NotHttp Close(ProtocolError)"),
    (GET, b"HTTP/2.0 200 OK\r\n\r\n", "!Version Close(ProtocolError)"),
    (GET, b"HTTP/2 200\r\n\r\n", "!Version Close(ProtocolError)"),
    (GET, b"HTTP/0.9 200 OK\r\n\r\n", "!Version Close(ProtocolError)"),
    (GET, b"HTTP/11 200 OK\r\n\r\n", "!Version Close(ProtocolError)"),
    // Status lines.
    (GET, b"HTTP/1.x 200 OK\r\n\r\n", "!StatusLine Close(ProtocolError)"),
    (GET, b"HTTP/1.10 200 OK\r\n\r\n", "!StatusLine Close(ProtocolError)"),
    (GET, b"HTTP/1.1\r\n\r\n", "!StatusLine Close(ProtocolError)"),
    (GET, b"HTTP/1.\r\n\r\n", "!StatusLine Close(ProtocolError)"),
    (GET, b"HTTP/1.1 \r\n\r\n", "!StatusLine Close(ProtocolError)"),
    (GET, b"HTTP/1.1  200 OK\r\n\r\n", "!StatusLine Close(ProtocolError)"),
    (GET, b"HTTP/1.1\t200 OK\r\n\r\n", "!StatusLine Close(ProtocolError)"),
    (GET, b"HTTP/1.1 20 OK\r\n\r\n", "!StatusLine Close(ProtocolError)"),
    (GET, b"HTTP/1.1 2000 OK\r\n\r\n", "!StatusLine Close(ProtocolError)"),
    (GET, b"HTTP/1.1 099 OK\r\n\r\n", "!StatusLine Close(ProtocolError)"),
    (GET, b"HTTP/1.1 +20 OK\r\n\r\n", "!StatusLine Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200OK\r\n\r\n", "!StatusLine Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200\tOK\r\n\r\n", "!StatusLine Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 O\x00K\r\n\r\n", "!StatusLine Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 O\rK\r\n\r\n", "!StatusLine Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 OK\r\r\n\r\n", "!StatusLine Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 OK\x7f\r\n\r\n", "!StatusLine Close(ProtocolError)"),
    // Fields.
    (GET, b"HTTP/1.1 200 OK\r\na : b\r\n\r\n", "!Field Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 OK\r\na\t: b\r\n\r\n", "!Field Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 OK\r\na\r\n : b\r\n\r\n", "!Field Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 OK\r\n a: b\r\n\r\n", "!Field Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 OK\r\n\ta: b\r\n\r\n", "!Field Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 OK\r\n \r\n\r\n", "!Field Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "!Field Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 OK\r\nnocolon\r\n\r\n", "!Field Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 OK\r\n: b\r\n\r\n", "!Field Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 OK\r\na(b): c\r\n\r\n", "!Field Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 OK\r\n\"a\": c\r\n\r\n", "!Field Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 OK\r\n\xc3\xa9: c\r\n\r\n", "!Field Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 OK\r\na: b\x00c\r\n\r\n", "!Field Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 OK\r\na: b\rc\r\n\r\n", "!Field Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 OK\r\na: b\r\r\n\r\n", "!Field Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 OK\r\na: b\r\r\n c\r\n\r\n", "!Field Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 OK\r\na: b\x7f\r\n\r\n", "!Field Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 OK\r\na: b\x0b\r\n\r\n", "!Field Close(ProtocolError)"),
    (GET, b"HTTP/1.1 200 OK\r\na: b\r\n\r\r\n\r\n", "!Field Close(ProtocolError)"),
    // 101 and 1xx.
    (GET, b"HTTP/1.1 101 x\r\nupgrade: ws\r\n\r\n", "!UnaskedUpgrade Close(ProtocolError)"),
    (CONNECT, b"HTTP/1.1 101 x\r\nupgrade: ws\r\n\r\n", "!UnaskedUpgrade Close(ProtocolError)"),
    // Cut off.
    (GET, b"", "!Truncated(Head { received: 0 }) Close(Truncated)"),
    (GET, b"HTT", "!Truncated(Head { received: 3 }) Close(Truncated)"),
    (GET, b"HTTP/1.1 200 OK\r\na: b\r\n", "!Truncated(Head { received: 23 }) Close(Truncated)"),
    (GET, b"HTTP/1.1 100 x\r\n\r\nHTTP/1.1 2", "continue !Truncated(Head { received: 10 }) Close(Truncated)"),
];

#[test]
fn heads_that_are_accepted() {
    check(ACCEPTED);
}

#[test]
fn heads_that_are_rejected() {
    check(REJECTED);
}

/// An SSH, TLS or SMTP server does not send 64 KiB, nor close: waiting for more would last for ever.
#[test]
fn what_is_not_http_is_rejected_at_the_first_byte_that_shows_it() {
    for (bytes, at) in [(&b"SSH-"[..], 1), (b"HTTQ", 4), (b"HTTP/2", 6), (b"\r\n\x16", 3), (b"HTTP/1,", 7)] {
        let mut decoder = super::ResponseDecoder::new(GET);
        let mut buf = super::BytesMut::new();
        for (i, byte) in bytes.iter().enumerate() {
            buf.extend_from_slice(&[*byte]);
            assert_eq!(decoder.head(&mut buf).is_err(), i + 1 == at, "{} at {i}", bytes.escape_ascii());
            if i + 1 == at {
                break;
            }
        }
    }
}

/// A head of exactly `size` bytes.
pub(super) fn head_of(size: usize) -> Vec<u8> {
    let mut head = b"HTTP/1.1 204 x\r\na: ".to_vec();
    head.resize(size - 4, b'v');
    head.extend_from_slice(b"\r\n\r\n");
    head
}

/// A head with this many fields.
fn head_with(fields: usize) -> Vec<u8> {
    let mut head = b"HTTP/1.1 204 x\r\n".to_vec();
    for i in 0..fields {
        head.extend_from_slice(format!("x-{i}: {i}\r\n folded\r\n").as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    head
}

#[test]
fn the_longest_head_passes_and_one_byte_more_does_not() {
    let longest = head_of(MAX_HEAD);
    assert!(read(GET, &[&longest]).ends_with("Reusable"));
    // Bytes behind the head do not count.
    let mut followed = longest.clone();
    followed.extend_from_slice(b"surplus");
    assert!(read(GET, &[&followed]).ends_with("rest surplus Close(SurplusBytes)"));
    assert_eq!(read(GET, &[&head_of(MAX_HEAD + 1)]), "!HeadTooLarge Close(ProtocolError)");
}

#[test]
fn a_head_without_an_end_is_rejected_at_the_limit() {
    let mut endless = head_of(MAX_HEAD + 100);
    endless.truncate(MAX_HEAD - 1);
    assert!(read(GET, &[&endless]).contains("Truncated"));
    endless.push(b'v');
    assert_eq!(read(GET, &[&endless]), "!HeadTooLarge Close(ProtocolError)");
}

#[test]
fn the_most_fields_pass_and_one_more_does_not() {
    assert!(read(GET, &[&head_with(MAX_FIELDS)]).ends_with("Reusable"));
    assert_eq!(read(GET, &[&head_with(MAX_FIELDS + 1)]), "!TooManyFields Close(ProtocolError)");
}

#[test]
fn the_most_1xx_pass_and_one_more_does_not() {
    let most = b"HTTP/1.1 102 x\r\n\r\n".repeat(usize::from(MAX_INFORMATIONAL));
    assert!(read(GET, &[&most, b"HTTP/1.1 204 x\r\n\r\n"]).ends_with("HTTP/1.1 204 [] Reusable"));
    let one_more = read(GET, &[&most, b"HTTP/1.1 100 x\r\n\r\n"]);
    assert!(one_more.ends_with("!TooManyInformational Close(ProtocolError)"), "{one_more}");
}

/// Header values and data point into the buffer they were read into.
#[test]
fn values_and_data_are_not_copied() {
    let mut buf = super::BytesMut::from(&b"HTTP/1.1 200 x\r\na: value\r\ncontent-length: 4\r\n\r\ndata"[..]);
    let memory = buf.as_ptr_range();
    let mut decoder = super::ResponseDecoder::new(GET);
    let super::HeadEvent::Response(head) = decoder.head(&mut buf).unwrap() else { panic!("no response") };
    assert!(memory.contains(&head.headers["a"].as_bytes().as_ptr()));
    let super::BodyEvent::Data(data) = decoder.body(&mut buf, false).unwrap() else { panic!("no data") };
    assert!(memory.contains(&data.as_ptr()));
}

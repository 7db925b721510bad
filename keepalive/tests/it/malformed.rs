//! Responses that are wrong, through the whole agent, in one piece and byte by byte.

mod lenient;

use keepalive::{Agent, CloseReason, Error};
use testkit::{Case, Script, ScriptedOrigin, ok};

use crate::kit::{closed_by, poll_once, text};

/// How a response is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Whole,
    Bytewise,
}

pub(crate) const WAYS: [Way; 2] = [Way::Whole, Way::Bytewise];

impl Way {
    pub(crate) fn send(self, script: Script, bytes: &[u8]) -> Script {
        match self {
            Self::Whole => script.send(bytes),
            // A long one byte by byte takes long and shows no more.
            Self::Bytewise if bytes.len() > 8192 => script.pieces(bytes.chunks(509)),
            Self::Bytewise => script.bytewise(bytes),
        }
    }
}

/// The request fails with a protocol error of this text, its socket is closed for this reason, and the next
/// request is served on another one.
async fn refused(case: &Case, bytes: &[u8], ends: bool, wanted: &str, reason: CloseReason) {
    for way in WAYS {
        let script = way.send(Script::new().request(), bytes);
        let origin = ScriptedOrigin::builder()
            .connection(if ends { script.half_close() } else { script })
            .otherwise(Script::new().request().send(ok("next")));
        let origin = case.scripted(origin);
        let agent = Agent::new();
        let error = fetch(&agent, &origin.url("/")).await.unwrap_err();
        let said = error.to_string();
        assert!(error.is_protocol() && !error.is_stale(), "{way:?}: {error:?}");
        assert!(said.contains(wanted), "{way:?}: {said:?} does not say {wanted:?}");
        let first = said.chars().next().unwrap();
        assert!(!said.contains(char::is_control) && !first.is_uppercase(), "{way:?}: {said:?}");
        assert_eq!(closed_by(&agent), [(reason, 1)], "{way:?}: {said}");
        assert_eq!(agent.status().totals.failed, 1);
        assert_eq!(text(&agent, &origin.url("/")).await, "next", "{way:?}: {said}");
        assert_eq!(origin.record().requests()[1].connection, 1);
        origin.wait(|record| record.connections[0].ended.is_some()).await;
    }
}

async fn fetch(agent: &Agent, url: &str) -> Result<String, Error> {
    agent.get(url).send().await?.text().await
}

#[test]
fn what_is_no_http_is_named() {
    testkit::run(async |case: &Case| {
        for (bytes, wanted) in [
            (
                &b"SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13\r\n"[..],
                "does not speak HTTP/1: its first bytes are `S",
            ),
            (b"220 mail.example ESMTP\r\n", "does not speak HTTP/1: its first bytes are `2"),
            (b"<html>an error page</html>", "does not speak HTTP/1: its first bytes are `<"),
            (b"\x15\x03\x01\x00\x02\x02\x28", "the server speaks TLS on this port"),
            (b"\0\0\x12\x04\0\0\0\0\0", "does not speak HTTP/1: its first bytes are `\\x00"),
            (b"ICY 200 OK\r\n\r\n", "does not speak HTTP/1: its first bytes are `I"),
            (b"http/1.1 200 OK\r\n\r\n", "does not speak HTTP/1: its first bytes are `h"),
            (b"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n", "does not speak HTTP/1"),
            (b"HTTP/2 200\r\n\r\n", "another HTTP version: `HTTP/2"),
            (b"HTTP/0.9 200 OK\r\n\r\n", "another HTTP version: `HTTP/0"),
        ] {
            refused(case, bytes, false, wanted, CloseReason::ProtocolError).await;
        }
    });
}

#[test]
fn a_bad_status_line_is_named() {
    testkit::run(async |case: &Case| {
        for line in [
            "HTTP/1.1",
            "HTTP/1.1 ",
            "HTTP/1.1 20 OK",
            "HTTP/1.1 2000 OK",
            "HTTP/1.1 abc OK",
            "HTTP/1.1  200 OK",
            "HTTP/1.x 200 OK",
            "HTTP/1.1 099 No",
            "HTTP/1.1 -20 No",
            "HTTP/1.1 200 O\0K",
            "HTTP/1.1 200 O\rK",
            "HTTP/1.1 200\tOK",
        ] {
            let wanted = "the status line is malformed: `HTTP/1.";
            refused(case, format!("{line}\r\n\r\n").as_bytes(), false, wanted, CloseReason::ProtocolError)
                .await;
        }
    });
}

#[test]
fn a_bad_header_field_is_named() {
    testkit::run(async |case: &Case| {
        for (line, shown) in [
            ("x-name : y", "`x-name : y`"),
            ("no colon", "`no colon`"),
            (": no name", "`: no name`"),
            ("a b: c", "`a b: c`"),
            ("x-a: b\0c", "`x-a: b\\x00c`"),
            ("x-a: b\rc", "`x-a: b\\rc`"),
            ("x-a\r: b", "`x-a\\r: b`"),
            ("x-\u{e9}: b", "`x-\\xc3\\xa9: b`"),
        ] {
            for (before, after) in [("", ""), ("a: b\r\n", ""), ("", "a: b\r\n")] {
                let bytes =
                    format!("HTTP/1.1 200 OK\r\n{before}{line}\r\n{after}content-length: 2\r\n\r\nok");
                let wanted = format!("a header field is malformed: {shown}");
                refused(case, bytes.as_bytes(), false, &wanted, CloseReason::ProtocolError).await;
            }
        }
        let folded = b"HTTP/1.1 200 OK\r\n x-a: folded before the first field\r\n\r\n";
        refused(case, folded, false, "a header field is malformed", CloseReason::ProtocolError).await;
    });
}

#[test]
fn a_head_without_end_or_with_too_many_fields_is_refused() {
    testkit::run(async |case: &Case| {
        let long = format!("HTTP/1.1 200 OK\r\nx-long: {}", "x".repeat(64 * 1024));
        let wanted = "the response head is longer than 65536 bytes";
        refused(case, long.as_bytes(), false, wanted, CloseReason::ProtocolError).await;
        let many = format!("HTTP/1.1 200 OK\r\n{}", "a: b\r\n".repeat(129));
        let wanted = "the response has more than 128 header fields";
        refused(case, many.as_bytes(), false, wanted, CloseReason::ProtocolError).await;
    });
}

#[test]
fn ambiguous_framing_is_refused() {
    testkit::run(async |case: &Case| {
        for (fields, wanted) in [
            ("content-length: 2\r\ncontent-length: 3", "two content-lengths that differ, the second is `3`"),
            ("content-length: 2, 3", "two content-lengths that differ, the second is `3`"),
            ("content-length: 2\r\ntransfer-encoding: chunked", "both content-length and transfer-encoding"),
            ("transfer-encoding: chunked\r\ncontent-length: 2", "both content-length and transfer-encoding"),
            ("content-length: -2", "content-length is not a length: `-2`"),
            ("content-length: +2", "content-length is not a length: `+2`"),
            ("content-length: 0x2", "content-length is not a length: `0x2`"),
            ("content-length: 2 2", "content-length is not a length: `2 2`"),
            ("content-length:", "content-length is not a length: ``"),
            ("content-length: 2,", "content-length is not a length: ``"),
            (
                "content-length: 18446744073709551616",
                "content-length is not a length: `18446744073709551616`",
            ),
            ("transfer-encoding: gzip", "the transfer coding `gzip` was not asked for"),
            ("transfer-encoding: gzip, chunked", "the transfer coding `gzip` was not asked for"),
            ("transfer-encoding: chunked, gzip", "the transfer coding `gzip` was not asked for"),
            ("transfer-encoding: chunked\r\ntransfer-encoding: chunked", "the transfer coding `chunked`"),
            ("transfer-encoding: xchunked", "the transfer coding `xchunked`"),
            ("transfer-encoding: \"chunked\"", "the transfer coding `\\\"chunked\\\"`"),
        ] {
            let bytes = format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n2\r\nok\r\n0\r\n\r\n");
            refused(case, bytes.as_bytes(), false, wanted, CloseReason::ProtocolError).await;
        }
        let old = b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
        let wanted = "an HTTP/1.0 response has a transfer-encoding";
        refused(case, old, false, wanted, CloseReason::ProtocolError).await;
    });
}

#[test]
fn a_bad_chunk_is_refused() {
    testkit::run(async |case: &Case| {
        for (chunks, wanted) in [
            ("zz\r\nok\r\n", "the size of a chunk was expected, and `z"),
            ("-2\r\nok\r\n", "the size of a chunk was expected, and `-"),
            ("0x2\r\nok\r\n", "the size of a chunk was expected, and `x"),
            ("\r\nok\r\n", "the size of a chunk was expected, and `"),
            (" 2\r\nok\r\n", "the size of a chunk was expected, and ` "),
            ("2 \r\nok\r\n", "the size of a chunk was expected, and ` "),
            ("2\nok\n0\n\n", "the size of a chunk was expected, and `"),
            ("11111111111111111\r\nok\r\n", "the size of a chunk was expected, and `"),
            (";x\r\nok\r\n", "the size of a chunk was expected, and `;"),
            ("2\r\nokay\r\n", "a chunk is longer than its size: `a"),
            ("2\r\nok\n0\r\n\r\n", "a chunk is longer than its size: `"),
            ("2;a\0b\r\nok\r\n", "a chunk extension has a bad byte"),
            ("2;a\nok\r\n", "a chunk extension has a bad byte"),
            ("2\r\nok\r\n0\r\nno colon\r\n\r\n", "a trailer field is malformed: `no colon`"),
            ("2\r\nok\r\n0\r\na: b\n\n", "a trailer field is malformed: `a: b`"),
        ] {
            let bytes = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
            refused(case, bytes.as_bytes(), false, wanted, CloseReason::ProtocolError).await;
        }
        let extension = format!("2;{}", "x".repeat(64 * 1024));
        let bytes = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{extension}");
        refused(
            case,
            bytes.as_bytes(),
            false,
            "the chunk extensions are too long",
            CloseReason::ProtocolError,
        )
        .await;
    });
}

#[test]
fn an_upgrade_nobody_asked_for_is_refused() {
    testkit::run(async |case: &Case| {
        let bytes = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
        let wanted = "the server switched protocols, which nobody asked it to";
        refused(case, bytes, false, wanted, CloseReason::ProtocolError).await;
    });
}

#[test]
fn a_response_cut_short_says_where() {
    testkit::run(async |case: &Case| {
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        for (bytes, wanted) in [
            (String::new(), "the connection ended before the first byte of the response"),
            ("HTTP/1.1 2".to_owned(), "the connection ended inside the response head, after 10 bytes of it"),
            ("HTTP/1.1 200 OK\r\na: b\r\n".to_owned(), "inside the response head, after 23 bytes of it"),
            ("HTTP/1.1 100 Continue\r\n\r\n".to_owned(), "the connection ended before the first byte"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_owned(), "5 bytes short of a body of 9"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n".to_owned(), "9 bytes short of a body of 9"),
            (format!("{chunked}9\r\nhalf"), "inside a chunk, 5 bytes short of its end"),
            (format!("{chunked}2\r\nok\r\n"), "before the last chunk of the body"),
            (format!("{chunked}2\r\nok\r\n1"), "before the last chunk of the body"),
            (format!("{chunked}2\r\nok\r\n0\r\n"), "inside the trailers"),
            (format!("{chunked}2\r\nok\r\n0\r\na: b\r\n"), "inside the trailers"),
        ] {
            refused(case, bytes.as_bytes(), true, wanted, CloseReason::Truncated).await;
        }
    });
}

/// What a server says of a length is no reason to have room for it.
#[test]
fn a_length_that_is_a_lie_reserves_no_memory() {
    testkit::run(async |case: &Case| {
        for length in [1 << 40, i64::MAX as u64, u64::MAX] {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\nabc");
            let script = Script::new().request().send(head).signal("more").send("def").close();
            let origin = case.scripted(script);
            let agent = Agent::new();
            let response = agent.get(origin.url("/")).send().await.unwrap();
            // Room is made when the second piece has come.
            let mut whole = Box::pin(response.bytes());
            assert!(poll_once(&mut whole).await.is_none());
            origin.signal("more");
            let error = whole.await.unwrap_err();
            assert!(error.is_protocol(), "{error:?}");
        }
    });
}

/// Whoever follows a redirect decides what goes with it; here nobody does, and no field reaches another origin.
#[test]
fn a_redirect_is_a_response_like_any_other() {
    testkit::run(async |case: &Case| {
        let other = case.scripted(Script::new());
        let head = format!("HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", other.url("/"));
        let origin = case.scripted(Script::new().request().send(head));
        let agent = Agent::new();
        let response = agent.get(origin.url("/")).header("authorization", "mine").send().await.unwrap();
        assert_eq!(response.status(), 302);
        assert_eq!((origin.record().accepted(), other.record().accepted()), (1, 0));
    });
}

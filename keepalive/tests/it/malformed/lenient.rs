//! Responses that are odd and understood all the same.

use http_body_util::BodyExt;
use keepalive::Agent;
use testkit::{Case, Script};

use super::WAYS;

/// The response is read as status, one header field and body, and the socket serves once more.
async fn accepted(case: &Case, bytes: &str, status: u16, field: (&str, Option<&str>), body: &str) {
    for way in WAYS {
        let origin = case.scripted(way.send(Script::new().request(), bytes.as_bytes()).repeat());
        let agent = Agent::new();
        for _ in 0..2 {
            let response = agent.get(origin.url("/")).send().await;
            let response = response.unwrap_or_else(|error| panic!("{way:?} {bytes:?}: {error}"));
            assert_eq!(response.status().as_u16(), status, "{way:?} {bytes:?}");
            let value = response.headers().get(field.0).map(|value| value.to_str().unwrap());
            assert_eq!(value, field.1, "{way:?} {bytes:?}");
            assert_eq!(response.text().await.unwrap(), body, "{way:?} {bytes:?}");
        }
        assert_eq!(origin.record().accepted(), 1, "{way:?} {bytes:?}");
    }
}

#[test]
fn odd_heads_are_understood() {
    testkit::run(async |case: &Case| {
        for (bytes, status, value) in [
            ("HTTP/1.1 999 Odd\r\na: b\r\ncontent-length: 2\r\n\r\nok", 999, "b"),
            ("HTTP/1.1 200\r\na: b\r\ncontent-length: 2\r\n\r\nok", 200, "b"),
            ("HTTP/1.1 200 \r\na: b\r\ncontent-length: 2\r\n\r\nok", 200, "b"),
            ("HTTP/1.1 200 Tr\u{e8}s bien\r\na: b\r\ncontent-length: 2\r\n\r\nok", 200, "b"),
            ("HTTP/1.1 200 OK\na: b\ncontent-length: 2\n\nok", 200, "b"),
            ("HTTP/1.1 200 OK\r\na: b\ncontent-length: 2\r\n\nok", 200, "b"),
            ("\r\nHTTP/1.1 200 OK\r\na: b\r\ncontent-length: 2\r\n\r\nok", 200, "b"),
            ("HTTP/1.7 200 OK\r\na: b\r\ncontent-length: 2\r\n\r\nok", 200, "b"),
            ("HTTP/1.1 200 OK\r\nA:b\r\nContent-LENGTH:\t2 \r\n\r\nok", 200, "b"),
            ("HTTP/1.1 200 OK\r\na:  \t b \t\r\ncontent-length: 2\r\n\r\nok", 200, "b"),
            ("HTTP/1.1 200 OK\r\na:\r\ncontent-length: 2\r\n\r\nok", 200, ""),
            (
                "HTTP/1.1 200 OK\r\na: one\r\n two\r\n\t three\r\ncontent-length: 2\r\n\r\nok",
                200,
                "one two three",
            ),
            ("HTTP/1.1 200 OK\r\na: one \t\r\n \t two\r\ncontent-length: 2\r\n\r\nok", 200, "one two"),
            ("HTTP/1.1 200 OK\na: one\n two\ncontent-length: 2\n\nok", 200, "one two"),
            ("HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok", 200, "b"),
            ("HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 2, 2\r\n\r\nok", 200, "b"),
            ("HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 0002\r\n\r\nok", 200, "b"),
        ] {
            accepted(case, bytes, status, ("a", Some(value)), "ok").await;
        }
    });
}

#[test]
fn odd_chunks_are_understood() {
    testkit::run(async |case: &Case| {
        for chunks in [
            "2\r\nok\r\n0\r\n\r\n",
            "1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
            "0002\r\nok\r\n000\r\n\r\n",
            "2;name=value;other=\"quo;ted\"\r\nok\r\n0;last\r\n\r\n",
            "2\r\nok\r\n0\r\nx-trailer: t\r\n\r\n",
        ] {
            let bytes = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n{chunks}");
            accepted(case, &bytes, 200, ("x-trailer", None), "ok").await;
        }
        let long = format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nA\r\n{0}\r\na\r\n{0}\r\n0\r\n\r\n",
            "0123456789"
        );
        accepted(case, &long, 200, ("x-trailer", None), "01234567890123456789").await;
    });
}

#[test]
fn trailers_are_a_frame_of_their_own() {
    testkit::run(async |case: &Case| {
        for way in WAYS {
            let bytes = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\nx-sum: 8\r\n\r\n";
            let origin = case.scripted(way.send(Script::new().request(), bytes));
            let agent = Agent::new();
            let response = agent.get(origin.url("/")).send().await.unwrap();
            let collected = response.into_body().collect().await.unwrap();
            let sums: Vec<_> = collected.trailers().unwrap().get_all("x-sum").iter().cloned().collect();
            assert_eq!(sums, ["7", "8"]);
            assert_eq!(collected.to_bytes(), "ok");
            assert_eq!(agent.status().totals.idle, 1);
        }
    });
}

#[test]
fn a_head_at_its_limits_is_understood() {
    testkit::run(async |case: &Case| {
        let many = format!("HTTP/1.1 200 OK\r\n{}content-length: 2\r\n\r\nok", "a: b\r\n".repeat(127));
        accepted(case, &many, 200, ("a", Some("b")), "ok").await;
        let (start, end) = ("HTTP/1.1 200 OK\r\na: b\r\nx-long: ", "\r\ncontent-length: 2\r\n\r\n");
        let long = "x".repeat(64 * 1024 - 1 - start.len() - end.len());
        accepted(case, &format!("{start}{long}{end}ok"), 200, ("a", Some("b")), "ok").await;
    });
}

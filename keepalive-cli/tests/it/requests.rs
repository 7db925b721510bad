//! What reaches the server, byte for byte: method, header fields, body.

use testkit::{Request, Script, ScriptedOrigin, ok};

use crate::program::fetch;

/// The one request that `fetch ARGS URL` makes.
fn sent(args: &[&str]) -> Request {
    let origin = ScriptedOrigin::new(Script::new().request().send(ok("")).repeat());
    let url = origin.url("/path?a=b%20c");
    fetch(args.iter().copied().chain([url.as_str()])).expect(0);
    let record = origin.record();
    let [request] = record.requests()[..] else { panic!("not one request: {record:?}") };
    request.clone()
}

#[test]
fn a_plain_get_says_no_more_than_it_must() {
    let request = sent(&[]);
    let head = String::from_utf8(request.head).unwrap();
    let host = request.headers[0].1.clone();
    assert_eq!(head, format!("GET /path?a=b%20c HTTP/1.1\r\nhost: {host}\r\n\r\n"));
}

#[test]
fn data_makes_it_a_post_with_the_bytes_as_given() {
    for data in ["a=b&c=d", "", "line\r\n\u{e9}\u{0001}", "--not-an-option", "x@y"] {
        let request = sent(&["-d", data]);
        assert_eq!((request.method.as_str(), request.body.as_slice()), ("POST", data.as_bytes()));
        assert_eq!(request.header("content-length"), Some(data.len().to_string().as_str()));
        assert_eq!(request.header("content-type"), None);
    }
}

#[test]
fn data_can_come_from_a_file() {
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("data");
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(sent(&["--data", &format!("@{}", file.display())]).body, bytes);
}

#[test]
fn the_method_is_what_was_asked_for() {
    assert_eq!(sent(&["-X", "DELETE"]).method, "DELETE");
    assert_eq!(sent(&["-X", "Frob"]).method, "Frob");
    let put = sent(&["--request", "PUT", "-d", "x"]);
    assert_eq!((put.method.as_str(), put.body.as_slice()), ("PUT", b"x".as_slice()));
    let head =
        ScriptedOrigin::new(Script::new().request().send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"));
    assert_eq!(fetch(["-X", "HEAD", &head.url("/")]).expect(0).line()["bytes"], 0);
}

#[test]
fn header_fields_keep_their_values_and_their_order() {
    let request =
        sent(&["-H", "X-One: a: b, \"c\"", "-H", "X-Two:\u{fc}", "--header", "x-one:d", "-H", "x-none:"]);
    assert_eq!(request.headers[0].0, "host");
    let fields: Vec<_> =
        request.headers[1..].iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for field in [("x-one", "a: b, \"c\""), ("x-one", "d"), ("x-two", "\u{fc}"), ("x-none", "")] {
        assert!(fields.contains(&field), "{field:?} is not among {fields:?}");
    }
    assert_eq!(fields.len(), 4);
}

#[test]
fn the_host_can_be_given() {
    let request = sent(&["-H", "Host: other.example"]);
    assert_eq!(request.headers, [("host".to_owned(), "other.example".to_owned())]);
}

#[test]
fn every_request_carries_them() {
    let origin = testkit::PlainOrigin::builder().record_requests().start();
    let url = origin.url("/");
    fetch(["-d", "body", "-H", "a: b", &url, &url, &url]).expect(0);
    assert_eq!(origin.requests().len(), 3);
    for request in origin.requests() {
        assert_eq!((request.body.as_slice(), request.header("a")), (b"body".as_slice(), Some("b")));
    }
}

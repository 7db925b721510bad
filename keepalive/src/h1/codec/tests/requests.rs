//! Request heads: targets, Host, fields, and a round trip through httparse.

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

#[cfg(feature = "http2")]
use super::super::check_head;
use super::super::{Fields, Framing, HeadOptions, RequestError, RequestFacts, TargetForm, encode_head};

const ORIGIN: HeadOptions =
    HeadOptions { target: TargetForm::Origin, title_case: false, connection_close: false };
const ABSOLUTE: HeadOptions = HeadOptions { target: TargetForm::Absolute, ..ORIGIN };

fn headers(fields: &[(&str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_static(value));
    }
    headers
}

fn encode(
    method: &str,
    uri: &str,
    fields: &[(&str, &'static str)],
    framing: Framing,
    options: &HeadOptions,
) -> Result<String, RequestError> {
    let uri: Uri = uri.parse().unwrap();
    let mut out = BytesMut::from("before|");
    let result =
        encode_head(&method.parse().unwrap(), &uri, Fields::of(&headers(fields)), framing, options, &mut out);
    let text = String::from_utf8(out.to_vec()).unwrap();
    let text = text.strip_prefix("before|").unwrap().to_owned();
    assert!(result.is_ok() || text.is_empty(), "nothing is written on an error");
    #[cfg(feature = "http2")]
    {
        let headers = headers(fields);
        let checked = check_head(&method.parse().unwrap(), &uri, Fields::of(&headers), options);
        let texts = [&checked, &result].map(|result| result.as_ref().map_err(ToString::to_string));
        assert_eq!(texts[0], texts[1], "the check finds the same");
    }
    result.map(|()| text)
}

/// The URI, then the line and the Host of the origin and the absolute form.
#[test]
fn targets() {
    for (uri, path, absolute, host) in [
        ("http://a.example/b?c=d", "/b?c=d", "http://a.example/b?c=d", "a.example"),
        ("http://a.example", "/", "http://a.example/", "a.example"),
        ("http://a.example?c", "/?c", "http://a.example/?c", "a.example"),
        ("http://a.example/?", "/?", "http://a.example/?", "a.example"),
        ("http://a.example:80/", "/", "http://a.example/", "a.example"),
        ("https://a.example:443/", "/", "https://a.example/", "a.example"),
        ("http://a.example:443/", "/", "http://a.example:443/", "a.example:443"),
        ("http://a.example:8080/", "/", "http://a.example:8080/", "a.example:8080"),
        ("http://a.example:/", "/", "http://a.example/", "a.example"),
        ("http://[::1]/", "/", "http://[::1]/", "[::1]"),
        ("http://[::1]:81/x", "/x", "http://[::1]:81/x", "[::1]:81"),
        ("http://[fe80::1%25eth0]:81/x", "/x", "http://[fe80::1]:81/x", "[fe80::1]:81"),
        ("http://a.example:0081/", "/", "http://a.example:81/", "a.example:81"),
        ("http://user:pass@a.example:81/", "/", "http://a.example:81/", "a.example:81"),
        ("http://us%40er@[::1]:81/", "/", "http://[::1]:81/", "[::1]:81"),
        ("http://a.example/b#fragment", "/b", "http://a.example/b", "a.example"),
        ("http://a.example/b?c#fragment", "/b?c", "http://a.example/b?c", "a.example"),
        ("http://a.example//b/../c%20d", "//b/../c%20d", "http://a.example//b/../c%20d", "a.example"),
        ("HTTP://A.example/", "/", "http://A.example/", "A.example"),
    ] {
        let want = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n");
        assert_eq!(encode("GET", uri, &[], Framing::None, &ORIGIN).unwrap(), want, "{uri}");
        let want = format!("GET {absolute} HTTP/1.1\r\nhost: {host}\r\n\r\n");
        assert_eq!(encode("GET", uri, &[], Framing::None, &ABSOLUTE).unwrap(), want, "{uri}");
    }
}

#[test]
fn connect_names_host_and_port() {
    for (uri, target) in [
        ("a.example:443", "a.example:443"),
        ("a.example:80", "a.example:80"),
        ("https://a.example/ignored", "a.example:443"),
        ("http://a.example:80", "a.example:80"),
        ("http://u:p@[::1]:81", "[::1]:81"),
    ] {
        for options in [&ORIGIN, &ABSOLUTE] {
            let want = format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n");
            assert_eq!(encode("CONNECT", uri, &[], Framing::None, options).unwrap(), want, "{uri}");
        }
    }
}

/// RFC 9112 §3.2.4: `*` to the origin, the empty path to a proxy.
#[test]
fn options_asterisk() {
    let uri = || Uri::builder().scheme("http").authority("a.example").path_and_query("*").build().unwrap();
    let mut out = BytesMut::new();
    let none = HeaderMap::new();
    encode_head(&Method::OPTIONS, &uri(), Fields::of(&none), Framing::None, &ORIGIN, &mut out).unwrap();
    assert_eq!(out, "OPTIONS * HTTP/1.1\r\nhost: a.example\r\n\r\n");
    out.clear();
    encode_head(&Method::OPTIONS, &uri(), Fields::of(&none), Framing::None, &ABSOLUTE, &mut out).unwrap();
    assert_eq!(out, "OPTIONS http://a.example HTTP/1.1\r\nhost: a.example\r\n\r\n");
    out.clear();
    let error =
        encode_head(&Method::GET, &uri(), Fields::of(&none), Framing::None, &ORIGIN, &mut out).unwrap_err();
    assert_eq!(error.to_string(), "the target `*` goes with OPTIONS, not with GET");
    let given = encode("OPTIONS", "*", &[("host", "a")], Framing::None, &ORIGIN).unwrap();
    assert_eq!(given, "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n");
}

#[test]
fn fields_follow_host_in_their_order() {
    let fields = [("x-b", "1"), ("accept", " */* "), ("Host", "given:1"), ("x-a", ""), ("x-b", "\t2")];
    let got = encode("GET", "http://a.example/", &fields, Framing::None, &ORIGIN).unwrap();
    let want = "GET / HTTP/1.1\r\nhost: given:1\r\nx-b: 1\r\nx-b: \t2\r\naccept:  */* \r\nx-a: \r\n\r\n";
    assert_eq!(got, want);
    let got = encode("GET", "/only/path", &[("host", "given")], Framing::None, &ORIGIN).unwrap();
    assert_eq!(got, "GET /only/path HTTP/1.1\r\nhost: given\r\n\r\n");
}

/// What `framing` decided is written, once, whatever the caller's fields say.
#[test]
fn framing_fields() {
    let own = [("content-length", "1"), ("x", "y"), ("transfer-encoding", "chunked")];
    for (framing, want) in [
        (Framing::None, ""),
        (Framing::Length(0), "content-length: 0\r\n"),
        (Framing::Length(u64::MAX), "content-length: 18446744073709551615\r\n"),
        (Framing::Chunked, "transfer-encoding: chunked\r\n"),
    ] {
        for fields in [&own[..], &own[1..2]] {
            let got = encode("POST", "http://a/", fields, framing, &ORIGIN).unwrap();
            assert_eq!(got, format!("POST / HTTP/1.1\r\nhost: a\r\nx: y\r\n{want}\r\n"));
        }
    }
}

#[test]
fn title_case() {
    let options = HeadOptions { title_case: true, connection_close: true, ..ORIGIN };
    let fields = [("content-type", "a/b"), ("x--y1-z", "v"), ("etag", "e")];
    let got = encode("PUT", "http://a/", &fields, Framing::Length(1), &options).unwrap();
    let want = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nX--Y1-Z: v\r\nEtag: e\r\n\
                Content-Length: 1\r\nConnection: close\r\n\r\n";
    assert_eq!(got, want);
    let got = encode("PUT", "http://a/", &[], Framing::Chunked, &options).unwrap();
    assert_eq!(got, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
}

#[test]
fn connection_close() {
    let options = HeadOptions { connection_close: true, ..ORIGIN };
    for (own, want) in [
        (None, "connection: close\r\n"),
        (Some("close"), "connection: close\r\n"),
        (Some("x, Close"), "connection: x, Close\r\n"),
        (Some("keep-alive"), "connection: keep-alive\r\nconnection: close\r\n"),
    ] {
        let fields: Vec<_> = own.into_iter().map(|value| ("connection", value)).collect();
        let got = encode("GET", "http://a/", &fields, Framing::None, &options).unwrap();
        assert_eq!(got, format!("GET / HTTP/1.1\r\nhost: a\r\n{want}\r\n"));
        assert!(RequestFacts::of(&Method::GET, Fields::of(&headers(&fields)), true).close);
    }
}

#[test]
fn requests_that_cannot_be_sent() {
    for (method, uri, fields, options, want) in [
        ("GET", "/b?secret", &[][..], &ORIGIN, "a request to `/b` has no host"),
        ("GET", "/b", &[("host", "a")], &ABSOLUTE, "a request to `/b` needs an absolute uri"),
        ("GET", "a.example:80", &[], &ABSOLUTE, "a request to `a.example` needs an absolute uri"),
        (
            "GET",
            "http://a/",
            &[("host", "a"), ("host", "a")],
            &ORIGIN,
            "the request has more than one `host`",
        ),
        ("CONNECT", "a.example", &[], &ORIGIN, "`a.example` has no usable port"),
        ("CONNECT", "/b", &[], &ORIGIN, "a request to `/b` needs an absolute uri"),
        ("GET", "*", &[("host", "a")], &ORIGIN, "the target `*` goes with OPTIONS, not with GET"),
    ] {
        let error = encode(method, uri, fields, Framing::None, options).unwrap_err();
        assert_eq!(error.to_string(), want, "{method} {uri}");
    }
}

#[test]
fn facts() {
    let facts = |method, fields| RequestFacts::of(&method, Fields::of(&headers(fields)), false);
    assert_eq!(facts(Method::GET, &[]), RequestFacts::default());
    assert!(facts(Method::HEAD, &[]).method_head);
    assert!(facts(Method::CONNECT, &[]).connect);
    assert!(facts(Method::GET, &[("connection", "x, CLOSE")]).close);
    assert!(facts(Method::GET, &[("connection", "Upgrade"), ("upgrade", "ws")]).upgrade);
    assert!(!facts(Method::GET, &[("upgrade", "ws")]).upgrade, "hop-by-hop: Connection must name it");
    assert!(!facts(Method::GET, &[("connection", "upgrade")]).upgrade);
}

#[test]
fn httparse_reads_the_same() {
    let fields =
        [("accept", "*/*"), ("x-long", "v".repeat(3000).leak() as &'static str), ("x-two", "a:b, c")];
    let text = encode("M-SEARCH", "http://a.example:81/p?q", &fields, Framing::Length(9), &ORIGIN).unwrap();
    let mut slots = [httparse::EMPTY_HEADER; 8];
    let mut parsed = httparse::Request::new(&mut slots);
    assert_eq!(parsed.parse(text.as_bytes()), Ok(httparse::Status::Complete(text.len())));
    assert_eq!((parsed.method, parsed.path, parsed.version), (Some("M-SEARCH"), Some("/p?q"), Some(1)));
    let mut want = vec![("host", "a.example:81")];
    want.extend(fields);
    want.push(("content-length", "9"));
    let got: Vec<_> =
        parsed.headers.iter().map(|h| (h.name, std::str::from_utf8(h.value).unwrap())).collect();
    assert_eq!(got, want);
}

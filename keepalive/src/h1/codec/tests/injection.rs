//! No part of a request can carry a line end or NUL onto the wire: every byte, in every part.
//!
//! The types of `http` see to that. These tests fail if a new version of it stops doing so.

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use super::super::{Fields, Framing, HeadOptions, TargetForm, encode_head};

/// What is written for this request, in both forms.
fn write(method: &Method, uri: &Uri, headers: &HeaderMap) -> Vec<Vec<u8>> {
    let forms = [TargetForm::Origin, TargetForm::Absolute];
    let written = forms.into_iter().filter_map(|target| {
        let options = HeadOptions { target, title_case: false, connection_close: false };
        let mut out = BytesMut::new();
        encode_head(method, uri, Fields::of(headers), Framing::None, &options, &mut out)
            .ok()
            .map(|()| out.to_vec())
    });
    written.collect()
}

/// Exactly `lines` lines, two spaces in the first one, no other control bytes than tab.
fn assert_clean(head: &[u8], lines: usize) {
    let text = head.escape_ascii();
    let body = head.strip_suffix(b"\r\n\r\n").unwrap_or_else(|| panic!("no end: {text}"));
    let split: Vec<&[u8]> = body.split(|&b| b == b'\n').collect();
    assert_eq!(split.len(), lines, "{text}");
    assert_eq!(split[0].iter().filter(|&&b| b == b' ').count(), 2, "{text}");
    for (i, line) in split.iter().enumerate() {
        let line = if i + 1 < lines { line.strip_suffix(b"\r").expect("CRLF") } else { line };
        assert!(line.iter().all(|&b| b == b'\t' || (b >= b' ' && b != 0x7f)), "{text}");
    }
}

#[test]
fn uris() {
    for byte in 0..=u8::MAX {
        let x = [byte];
        for uri in [
            [b"http://a.example/p", &x[..], b"q"].concat(),
            [b"http://a.example/p?", &x[..], b"q"].concat(),
            [b"http://a.", &x[..], b"b/"].concat(),
            [b"http://a.example:8", &x[..], b"0/"].concat(),
            [b"http://u", &x[..], b"@a.example/"].concat(),
            [b"http://a.example/#", &x[..], b"q"].concat(),
            [b"http://[::", &x[..], b"1]/"].concat(),
            [&x[..], b"http://a.example/"].concat(),
        ] {
            let Ok(uri) = Uri::from_maybe_shared(uri) else { continue };
            for head in write(&Method::GET, &uri, &HeaderMap::new()) {
                assert_clean(&head, 2);
            }
            for head in write(&Method::CONNECT, &uri, &HeaderMap::new()) {
                assert_clean(&head, 2);
            }
        }
    }
}

#[test]
fn methods_and_fields() {
    let uri = Uri::from_static("http://a.example/");
    for byte in 0..=u8::MAX {
        if let Ok(method) = Method::from_bytes(&[b'A', byte, b'B']) {
            for head in write(&method, &uri, &HeaderMap::new()) {
                assert_clean(&head, 2);
            }
        }
        let name = HeaderName::from_bytes(&[b'a', byte, b'b']);
        let value = HeaderValue::from_bytes(&[b'a', byte, b'b']).ok();
        let field = |name, value| HeaderMap::from_iter([(name, value)]);
        let cases = [
            (name.ok().map(|name| field(name, HeaderValue::from_static("v"))), 3),
            (value.clone().map(|value| field(HeaderName::from_static("x"), value)), 3),
            (value.map(|value| field(http::header::HOST, value)), 2),
        ];
        for (headers, lines) in cases {
            for head in headers.map_or_else(Vec::new, |headers| write(&Method::GET, &uri, &headers)) {
                assert_clean(&head, lines);
            }
        }
    }
}

/// `Uri` takes these. A port that is none, or beside the host, would be left out silently.
#[test]
fn authorities_that_are_not() {
    for authority in ["a:65536", "a:99999999999", "a:8x", "a:+80", "[::1]x", ""] {
        let uri: Uri = format!("http://user@{authority}/").parse().unwrap_or_default();
        assert!(write(&Method::GET, &uri, &HeaderMap::new()).is_empty(), "{authority}");
        let plain: Uri = format!("http://{authority}:80/").parse().unwrap_or_default();
        assert!(write(&Method::GET, &plain, &HeaderMap::new()).is_empty(), "{authority}:80");
    }
}

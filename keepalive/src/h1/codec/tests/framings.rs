//! How a request's body is announced (RFC 9110 §8.6, RFC 9112 §6).

use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::super::framing::{Framing, expects_continue, framing};
use super::super::present::Fields;

const BOTH: &[(&str, &str)] = &[("content-length", "5"), ("transfer-encoding", "chunked")];

#[test]
fn framings() {
    let length = |value| ("content-length", value);
    let coding = |value| ("transfer-encoding", value);
    check("GET", &[], Some(0), Ok(Framing::None));
    check("HEAD", &[], Some(0), Ok(Framing::None));
    check("DELETE", &[], Some(0), Ok(Framing::None));
    check("OPTIONS", &[], Some(0), Ok(Framing::None));
    check("TRACE", &[], Some(0), Ok(Framing::None));
    check("CONNECT", &[], Some(0), Ok(Framing::None));
    check("PROPFIND", &[], Some(0), Ok(Framing::None));
    check("POST", &[], Some(0), Ok(Framing::Length(0)));
    check("PUT", &[], Some(0), Ok(Framing::Length(0)));
    check("PATCH", &[], Some(0), Ok(Framing::Length(0)));
    check("POST", &[], Some(5), Ok(Framing::Length(5)));
    check("GET", &[], Some(5), Ok(Framing::Length(5)));
    check("POST", &[], None, Ok(Framing::Chunked));
    check("GET", &[], None, Ok(Framing::Chunked));
    // The caller's content-length must agree, if the body's size is known.
    check("POST", &[length("5")], Some(5), Ok(Framing::Length(5)));
    check("POST", &[length("5")], None, Ok(Framing::Length(5)));
    check("GET", &[length("0")], Some(0), Ok(Framing::Length(0)));
    check("POST", &[length("5")], Some(7), Err("content-length says 5, the body has 7 bytes"));
    check("POST", &[length("5")], Some(0), Err("content-length says 5, the body has 0 bytes"));
    check("HEAD", &[length("5")], Some(0), Err("content-length says 5, the body has 0 bytes"));
    check("POST", &[length("+5")], Some(5), Err("content-length is not a length: `+5`"));
    check("POST", &[length("")], Some(5), Err("content-length is not a length: ``"));
    check("POST", &[length("5, 5")], Some(5), Err("content-length is not a length: `5, 5`"));
    check(
        "POST",
        &[length("18446744073709551616")],
        None,
        Err("content-length is not a length: `18446744073709551616`"),
    );
    check(
        "POST",
        &[length("5"), length("5")],
        Some(5),
        Err("the request has more than one `content-length`"),
    );
    // transfer-encoding: chunked or nothing.
    check("POST", &[coding("chunked")], Some(5), Ok(Framing::Chunked));
    check("POST", &[coding("Chunked")], None, Ok(Framing::Chunked));
    check("GET", &[coding("chunked")], Some(0), Ok(Framing::Chunked));
    check(
        "POST",
        &[coding("gzip, chunked")],
        None,
        Err("the only transfer-encoding a request may have is `chunked`, not `gzip, chunked`"),
    );
    check(
        "POST",
        &[coding("identity")],
        None,
        Err("the only transfer-encoding a request may have is `chunked`, not `identity`"),
    );
    check(
        "POST",
        &[coding("chunked"), coding("chunked")],
        None,
        Err("the request has more than one `transfer-encoding`"),
    );
    check("POST", BOTH, Some(5), Err("the request has both content-length and transfer-encoding"));
    // No content with these.
    check("CONNECT", &[], Some(5), Err("a CONNECT request cannot have a body"));
    check("CONNECT", &[], None, Err("a CONNECT request cannot have a body"));
    check("CONNECT", &[coding("chunked")], Some(0), Err("a CONNECT request cannot have a body"));
    check("TRACE", &[], Some(5), Err("a TRACE request cannot have a body"));
}

#[test]
fn only_100_continue_is_an_expectation() {
    let expects = |fields: &[(&'static str, &'static str)]| expects_continue(Fields::of(&map(fields)));
    assert!(expects(&[("expect", "100-continue")]));
    assert!(expects(&[("host", "a"), ("expect", "100-Continue")]));
    assert!(!expects(&[("expect", "200-ok")]));
    assert!(!expects(&[("content-length", "5")]));
    assert!(!expects(&[]));
}

/// Method, the caller's fields, the body's exact size (None: unknown), framing or error text. A body
/// of size 0 is tried as no body too.
fn check(
    method: &str,
    fields: &[(&'static str, &'static str)],
    size: Option<u64>,
    want: Result<Framing, &str>,
) {
    let headers = map(fields);
    let method: Method = method.parse().unwrap();
    let got = framing(&method, Fields::of(&headers), size, true).map_err(|e| e.to_string());
    assert_eq!(got, want.map_err(str::to_owned), "for {method} {fields:?} {size:?}");
    if size == Some(0) {
        let absent = framing(&method, Fields::of(&headers), None, false).map_err(|e| e.to_string());
        assert_eq!(absent, got, "for {method} {fields:?} without a body");
    }
}

fn map(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers
}

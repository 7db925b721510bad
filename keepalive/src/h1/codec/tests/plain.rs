//! A URI whose authority is said to be the Host value as it is must be written as any other.

use bytes::BytesMut;
use http::{HeaderMap, Method, Uri};

use super::super::{Fields, Framing, HeadOptions, TargetForm, encode_head};
use crate::origin::{Place, Route};

fn encode(method: &Method, uri: &Uri, target: TargetForm) -> BytesMut {
    let options = HeadOptions { target, title_case: false, connection_close: false };
    let mut out = BytesMut::new();
    encode_head(method, uri, Fields::of(&HeaderMap::new()), Framing::None, &options, &mut out).unwrap();
    out
}

#[test]
fn plain_or_not_the_bytes_are_the_same() {
    for (uri, plain) in [
        ("http://a.example/b?c=d", true),
        ("http://a.example?c", true),
        ("HTTP://A.example:8080/", true),
        ("http://127.0.0.1:81/", true),
        ("http://[::1]/", true),
        ("http://[::1]:81/", true),
        ("http://a.example:443/", true),
        ("http://a.example:80/", false),
        ("http://a.example:/", false),
        ("http://a.example:0081/", false),
        ("http://user@a.example/", false),
        ("http://a.example:1@b.example:81/", false),
        ("http://[fe80::1%25eth0]:81/", false),
        #[cfg(feature = "tls")]
        ("https://a.example/", true),
        #[cfg(feature = "tls")]
        ("https://a.example:80/", true),
        #[cfg(feature = "tls")]
        ("https://a.example:443/", false),
    ] {
        let uri: Uri = uri.parse().unwrap();
        for _ in ["made", "found again"] {
            assert_eq!(Place::of(&uri, Route::default()).unwrap().is_host_value, plain, "{uri}");
        }
        if plain {
            for method in [Method::GET, Method::OPTIONS, Method::CONNECT] {
                let want = encode(&method, &uri, TargetForm::Origin);
                assert_eq!(encode(&method, &uri, TargetForm::PlainOrigin), want, "{method} {uri}");
            }
        }
    }
}

//! A request's head as HTTP/2 has it (RFC 9113 §8.3.1): the fields of a connection left out.

use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderName, TE, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};

use crate::h1::Framing;

/// Whether HTTP/2 has no form for the request here: an upgrade, a tunnel.
pub(crate) fn is_formless(head: &Parts) -> bool {
    head.method == Method::CONNECT || head.headers.keys().any(|name| *name == UPGRADE)
}

/// Whether the request's own Host, if it has one, can be the `:authority`.
pub(crate) fn has_authority(head: &Parts) -> bool {
    head.headers.get(HOST).is_none_or(|host| Authority::try_from(host.as_bytes()).is_ok())
}

/// The head in its HTTP/2 form, which takes the fields away, as they are needed again only if it is to be sent
/// again. They are in the list as well, which costs less than a copy of the map.
pub(super) fn form(head: &mut Parts, framing: Framing) -> (Request<()>, Vec<(HeaderName, HeaderValue)>) {
    let mut kept = Vec::with_capacity(head.headers.len());
    let (mut host, mut is_clean) = (None, true);
    for (name, value) in &head.headers {
        if *name == HOST && host.is_none() {
            host = Some(value);
        }
        is_clean &= !is_of_the_connection(name, value);
        kept.push((name.clone(), value.clone()));
    }
    let mut request = Request::new(());
    *request.method_mut() = head.method.clone();
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = target(head.uri.clone(), host);
    let mut fields = std::mem::take(&mut head.headers);
    if !is_clean {
        fields = cleaned(fields);
    }
    if let Framing::Length(length) = framing {
        fields.insert(CONTENT_LENGTH, length.into());
    }
    *request.headers_mut() = fields;
    (request, kept)
}

/// The request's own `Host` is the authority (RFC 9113 §8.3.1), user information is no part of it, and a
/// fragment is not sent.
fn target(uri: Uri, host: Option<&HeaderValue>) -> Uri {
    let is_good = |authority: &Authority| match host {
        Some(host) => host.as_bytes() == authority.as_str().as_bytes(),
        None => !authority.as_str().contains('@'),
    };
    if uri.scheme().is_some() && uri.path_and_query().is_some() && uri.authority().is_some_and(is_good) {
        return uri;
    }
    let mut parts = uri.clone().into_parts();
    let own = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
    parts.authority = own.or_else(|| {
        let authority = uri.authority()?.as_str();
        let bare = authority.rsplit_once('@').map_or(authority, |(_, bare)| bare);
        bare.parse().ok()
    });
    parts.scheme.get_or_insert(Scheme::HTTP);
    parts.path_and_query.get_or_insert_with(|| http::uri::PathAndQuery::from_static("/"));
    Uri::from_parts(parts).unwrap_or(uri)
}

/// Without the fields of the connection.
pub(super) fn cleaned(fields: HeaderMap) -> HeaderMap {
    let mut left = HeaderMap::with_capacity(fields.len());
    let mut of = None;
    for (name, value) in fields {
        // The values of one name follow each other, and only the first comes with it.
        of = name.or(of);
        if let Some(name) = of.as_ref().filter(|name| !is_of_the_connection(name, &value)) {
            left.append(name.clone(), value);
        }
    }
    left
}

/// RFC 9113 §8.2.2. `Expect` is kept: it is of the request.
fn is_of_the_connection(name: &HeaderName, value: &HeaderValue) -> bool {
    match *name {
        HOST | CONNECTION | TRANSFER_ENCODING | UPGRADE | CONTENT_LENGTH => true,
        TE => value != "trailers",
        EXPECT => false,
        _ => matches!(name.as_str(), "keep-alive" | "proxy-connection" | "http2-settings"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(method: Method, uri: &str, fields: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in fields {
            request = request.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        request.body(()).unwrap().into_parts().0
    }

    fn made(uri: &str, fields: &[(&str, &str)], framing: Framing) -> Request<()> {
        form(&mut parts(Method::GET, uri, fields), framing).0
    }

    #[test]
    fn fields_of_the_connection_are_left_out() {
        let fields = [
            ("connection", "keep-alive, x"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("transfer-encoding", "chunked"),
            ("te", "gzip"),
            ("te", "trailers"),
            ("http2-settings", "AAMAAABkAAQAAP__"),
            ("host", "b.example:81"),
            ("accept", "a"),
            ("accept", "b"),
            ("cookie", "c=1"),
        ];
        let request = made("https://me:pw@a.example/x?y=1", &fields, Framing::None);
        assert_eq!(request.uri(), "https://b.example:81/x?y=1");
        let left: Vec<_> =
            request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(left, [("te", "trailers"), ("accept", "a"), ("accept", "b"), ("cookie", "c=1")]);
    }

    #[test]
    fn the_authority_has_no_user_and_the_path_is_never_empty() {
        assert_eq!(made("http://me:pw@a.example:80", &[], Framing::None).uri(), "http://a.example:80/");
        let request = made("https://a.example/", &[("content-length", "9")], Framing::Length(3));
        assert_eq!(request.headers()["content-length"], "3");
    }

    #[test]
    fn what_was_taken_away_is_made_whole() {
        let fields =
            [("accept", "a"), ("host", "b.example"), ("x", ""), ("te", "gzip"), ("accept", "\u{fc}")];
        let mut head = parts(Method::PUT, "https://a.example/x?y=1", &fields);
        head.headers.get_mut("x").unwrap().set_sensitive(true);
        let whole = head.headers.clone();
        let (first, kept) = form(&mut head, Framing::Length(3));
        head.headers.extend(kept);
        assert_eq!(format!("{:?}", head.headers), format!("{whole:?}"));
        assert!(head.headers["x"].is_sensitive());
        let (second, _) = form(&mut head, Framing::Length(3));
        assert_eq!(format!("{first:?}"), format!("{second:?}"));
        assert_eq!((first.headers().len(), first.uri().host()), (4, Some("b.example")));
    }

    #[test]
    fn an_upgrade_has_no_form() {
        assert!(is_formless(&parts(Method::GET, "https://a/", &[("upgrade", "websocket")])));
        assert!(is_formless(&parts(Method::CONNECT, "https://a/", &[])));
        assert!(!is_formless(&parts(Method::GET, "https://a/", &[("accept", "a")])));
    }
}

//! A request's head as HTTP/2 has it (RFC 9113 §8.3.1): the fields of a connection left out.

use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderName, TE, TRANSFER_ENCODING, UPGRADE};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};

use crate::h1::Framing;

/// The head, or `None` if the request is one that HTTP/2 has no form for here: an upgrade, a tunnel.
pub(crate) fn head(method: Method, uri: Uri, mut fields: HeaderMap, framing: Framing) -> Option<Request<()>> {
    if method == Method::CONNECT {
        return None;
    }
    let (mut host, mut is_clean) = (None, true);
    for (name, value) in &fields {
        match *name {
            UPGRADE => return None,
            HOST => host = host.or(Some(value)),
            _ => {}
        }
        is_clean &= !is_of_the_connection(name, value);
    }
    let uri = target(uri, host);
    if !is_clean {
        fields = cleaned(fields);
    }
    announce(framing, &mut fields);
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = uri;
    *request.headers_mut() = fields;
    Some(request)
}

/// Gives the head away to be sent, and keeps what is not to be had again by [`refill`].
pub(super) fn hand_over(head: &mut Request<()>) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = head.method().clone();
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = head.uri().clone();
    // Bytes do not tell that they are not to be put into a table of the connection.
    let has_secrets = head.headers().values().any(HeaderValue::is_sensitive);
    let fields = head.headers_mut();
    *request.headers_mut() = if has_secrets { fields.clone() } else { std::mem::take(fields) };
    request
}

/// Makes a head that was given away whole, from its form in HTTP/1.1.
pub(super) fn refill(head: &mut Request<()>, form: &[u8], framing: Framing) {
    if !head.headers().is_empty() {
        return;
    }
    let mut fields = HeaderMap::new();
    for line in form.split(|&byte| byte == b'\n').skip(1) {
        let mut parts = line.strip_suffix(b"\r").unwrap_or(line).splitn(2, |&byte| byte == b':');
        let (Some(name), Some([b' ', value @ ..])) = (parts.next(), parts.next()) else { break };
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            fields.append(name, value);
        }
    }
    *head.headers_mut() = cleaned(fields);
    announce(framing, head.headers_mut());
}

fn announce(framing: Framing, fields: &mut HeaderMap) {
    if let Framing::Length(length) = framing {
        fields.insert(CONTENT_LENGTH, length.into());
    }
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
fn cleaned(fields: HeaderMap) -> HeaderMap {
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
    use bytes::BytesMut;

    use super::*;
    use crate::h1::{HeadOptions, TargetForm, encode_head};

    fn made(uri: &str, fields: &[(&str, &str)], framing: Framing) -> Request<()> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        head(Method::GET, uri.parse().unwrap(), headers, framing).unwrap()
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

    /// Also one whose fields are written in another way, and one with a secret in it.
    #[test]
    fn what_was_given_away_is_had_again() {
        let fields = [
            ("x-empty", ""),
            ("host", "b.example"),
            ("content-length", "3"),
            ("accept", " a:\tb "),
            ("te", "gzip"),
            ("accept", "\u{fc}"),
            ("connection", "close"),
        ];
        let uri = "https://a.example/x?y=1";
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(HeaderName::try_from(name).unwrap(), value);
        }
        for (title_case, secret) in [(false, false), (true, false), (true, true)] {
            let options = HeadOptions { target: TargetForm::Origin, title_case, connection_close: true };
            headers.get_mut("x-empty").unwrap().set_sensitive(secret);
            let (framing, mut form) = (Framing::Length(3), BytesMut::new());
            encode_head(&Method::PUT, &uri.parse().unwrap(), &headers, framing, &options, &mut form).unwrap();
            let mut kept = head(Method::PUT, uri.parse().unwrap(), headers.clone(), framing).unwrap();
            let first = hand_over(&mut kept);
            refill(&mut kept, &form, framing);
            let second = hand_over(&mut kept);
            assert_eq!(first.headers().len(), 4, "{first:?}");
            assert_eq!(format!("{first:?}"), format!("{second:?}"));
        }
    }

    #[test]
    fn an_upgrade_has_no_form() {
        let mut headers = HeaderMap::new();
        headers.insert(UPGRADE, "websocket".parse().unwrap());
        let uri: Uri = "https://a/".parse().unwrap();
        assert!(head(Method::GET, uri.clone(), headers, Framing::None).is_none());
        assert!(head(Method::CONNECT, uri, HeaderMap::new(), Framing::None).is_none());
    }
}

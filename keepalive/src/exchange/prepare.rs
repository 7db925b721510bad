//! From an `http::Request` to bytes that only need a socket; everything wrong with it is found here.

use std::time::Duration;

use bytes::BytesMut;
use http::request::Parts;
use http::uri::Scheme;
use http::{HeaderName, Method, Uri};

#[cfg(feature = "http2")]
use crate::Protocol;
use crate::h1::{
    Fields, HEAD_SIZE, HeadOptions, Outgoing, Payload, RequestError, RequestFacts, TargetForm, Terms,
    encode_head, expects_continue, framing,
};
#[cfg(feature = "http2")]
use crate::h1::{Original, check_head};
use crate::options::{RequestDefaults, RequestOptions};
use crate::origin::{Place, Route};
use crate::{Error, Origin};

pub(super) struct Prepared {
    pub(super) origin: Origin,
    pub(super) outgoing: Outgoing,
    pub(super) timeout: Option<Duration>,
}

pub(super) fn prepare(parts: Parts, payload: Payload, defaults: &RequestDefaults) -> Result<Prepared, Error> {
    let options = parts.extensions.get::<RequestOptions>();
    let timeout = options.and_then(|options| options.timeout).or(defaults.timeout);
    let route = Route {
        local_address: options.and_then(|options| options.local_address).or(defaults.local_address),
        #[cfg(feature = "tls")]
        tls: options.and_then(|options| options.tls.clone()),
    };

    let connect = parts.method == Method::CONNECT;
    let Place { origin, is_host_value } = if connect && parts.uri.scheme().is_none() {
        Place::of(&with_scheme(&parts.uri)?, route)?
    } else {
        Place::of(&parts.uri, route)?
    };
    let (method, uri, fields) = (&parts.method, &parts.uri, Fields::of(&parts.headers));
    let framing = framing(method, fields, payload.exact_size(), !payload.is_empty()).map_err(bad_request)?;
    let head_options = HeadOptions {
        target: if is_host_value { TargetForm::PlainOrigin } else { TargetForm::Origin },
        title_case: defaults.title_case_headers,
        connection_close: defaults.one_shot,
    };
    #[cfg(feature = "http2")]
    let has_form = !may_be_http2(defaults.protocol, &origin);
    #[cfg(not(feature = "http2"))]
    let has_form = true;
    let head = if has_form {
        let mut head = BytesMut::with_capacity(HEAD_SIZE);
        encode_head(method, uri, fields, framing, &head_options, &mut head).map_err(bad_request)?;
        head
    } else {
        #[cfg(feature = "http2")]
        check_head(method, uri, fields, &head_options).map_err(bad_request)?;
        BytesMut::new()
    };

    let outgoing = Outgoing {
        head,
        payload,
        framing,
        expects: expects_continue(fields),
        terms: Terms {
            facts: RequestFacts::of(method, fields, defaults.one_shot),
            repeatable: method.is_idempotent() || parts.headers.contains_key(IDEMPOTENCY_KEY),
            retry: options.and_then(|options| options.retry).unwrap_or(defaults.retry),
            again: false,
            written_before: 0,
            #[cfg(feature = "http2")]
            moves: 0,
            #[cfg(feature = "http2")]
            original: if has_form { None } else { Some(Box::new(Original::new(parts, head_options))) },
        },
    };
    Ok(Prepared { origin, outgoing, timeout })
}

/// Whether its connection may turn out to speak HTTP/2.
#[cfg(feature = "http2")]
fn may_be_http2(protocol: Protocol, origin: &Origin) -> bool {
    match protocol {
        Protocol::Http1 => false,
        Protocol::Auto | Protocol::Http2 => origin.is_secure(),
        Protocol::Http2PriorKnowledge => true,
    }
}

/// CONNECT names an authority and no scheme (RFC 9110 §9.3.6).
fn with_scheme(uri: &Uri) -> Result<Uri, Error> {
    let mut parts = uri.clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/"));
    Uri::from_parts(parts).map_err(|_| Error::request(format!("`{uri}` has no host to connect to")))
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn bad_request(error: RequestError) -> Error {
    Error::request(error.to_string())
}

/// draft-ietf-httpapi-idempotency-key-header.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

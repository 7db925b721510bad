//! From a URL to the request for it.

use std::fs;

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderMap, HeaderValue, Method, Request};
use keepalive::{Body, IntoUrl as _};

use crate::exit::Fault;
use crate::options::{Data, RequestPattern};

/// What all requests have in common.
#[derive(Debug)]
pub(super) struct Pattern {
    method: Method,
    headers: HeaderMap,
    body: Bytes,
}

impl Pattern {
    /// Reads the body's file, if there is one.
    pub(super) fn new(pattern: RequestPattern, one_shot: bool) -> Result<Self, Fault> {
        let RequestPattern { method, mut headers, data } = pattern;
        if one_shot {
            headers.append(CONNECTION, HeaderValue::from_static("close"));
        }
        let body = match data {
            Data::None => Bytes::new(),
            Data::Text(text) => text.into(),
            Data::File(path) => match fs::read(&path) {
                Ok(bytes) => bytes.into(),
                Err(error) => return Err(Fault::io("cannot read", path.display(), &error)),
            },
        };
        Ok(Self { method, headers, body })
    }

    /// The request for this URL.
    pub(super) fn request(&self, url: &str) -> Result<Request<Body>, keepalive::Error> {
        let mut request = Request::new(Body::from(self.body.clone()));
        *request.uri_mut() = url.into_url()?;
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = self.headers.clone();
        Ok(request)
    }
}

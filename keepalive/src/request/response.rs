//! A response with the body's read helpers at hand.

use std::fmt;
use std::ops::{Deref, DerefMut};

use bytes::Bytes;

use super::Names;
use crate::{Body, ConnectionInfo, Error};

/// What [`RequestBuilder::send`](crate::RequestBuilder::send) gives: an `http::Response<Body>`, to which
/// it derefs, with the helpers of its [`Body`].
pub struct Response(http::Response<Body>);

impl Response {
    /// The whole body, see [`Body::bytes`].
    ///
    /// # Errors
    ///
    /// As [`Body::bytes`].
    pub async fn bytes(self) -> Result<Bytes, Error> {
        self.into_body().bytes().await
    }

    /// The whole body as text, see [`Body::text`].
    ///
    /// # Errors
    ///
    /// As [`Body::text`].
    pub async fn text(self) -> Result<String, Error> {
        self.into_body().text().await
    }

    /// The next piece of the body, see [`Body::chunk`].
    ///
    /// # Errors
    ///
    /// As [`Body::chunk`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.0.body_mut().chunk().await
    }

    /// The whole body, parsed as JSON, see [`Body::json`].
    ///
    /// # Errors
    ///
    /// As [`Body::json`].
    #[cfg(feature = "json")]
    pub async fn json<T: serde::de::DeserializeOwned>(self) -> Result<T, Error> {
        self.into_body().json().await
    }

    /// Which socket served the request, and how long each step took.
    #[must_use]
    pub fn connection_info(&self) -> Option<&ConnectionInfo> {
        self.0.extensions().get()
    }

    /// The body alone.
    #[must_use]
    pub fn into_body(self) -> Body {
        self.0.into_body()
    }

    /// Head and body.
    #[must_use]
    pub fn into_parts(self) -> (http::response::Parts, Body) {
        self.0.into_parts()
    }

    /// The plain `http` type.
    #[must_use]
    pub fn into_inner(self) -> http::Response<Body> {
        self.0
    }
}

impl From<http::Response<Body>> for Response {
    fn from(response: http::Response<Body>) -> Self {
        Self(response)
    }
}

impl From<Response> for http::Response<Body> {
    fn from(response: Response) -> Self {
        response.0
    }
}

impl Deref for Response {
    type Target = http::Response<Body>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Response {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// Without the fields' values, which may be secret; the plain `http` type shows them.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status())
            .field("version", &self.version())
            .field("fields", &Names(self.headers()))
            .field("body", self.body())
            .finish_non_exhaustive()
    }
}

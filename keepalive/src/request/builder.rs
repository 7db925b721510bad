//! A request, step by step.

use std::fmt::{self, Display};
use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

use super::url::shown;
use super::{IntoUrl, Names, Response};
use crate::options::RequestOptions;
use crate::{Agent, Body, Error};

/// A request of one [`Agent`] in the making. What is wrong with it is said by [`send`](Self::send).
///
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// # let agent = keepalive::Agent::new();
/// # let origin = testkit::PlainOrigin::new();
/// # let url = origin.url("/search");
/// let response = agent
///     .post(&url)
///     .query([("q", "fair queue"), ("page", "2")])
///     .header("accept", "text/plain")
///     .body("hello")
///     .send()
///     .await?;
/// assert_eq!(response.status(), 200);
/// # Ok::<(), keepalive::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a request does nothing until it is sent"]
pub struct RequestBuilder {
    agent: Agent,
    /// The first thing that was wrong.
    request: Result<Request<Body>, Error>,
    options: RequestOptions,
}

impl RequestBuilder {
    pub(crate) fn new(agent: Agent, method: Method, url: impl IntoUrl) -> Self {
        let request = url.into_url().map(|url| {
            let mut request = Request::new(Body::empty());
            *request.method_mut() = method;
            *request.uri_mut() = url;
            request
        });
        Self { agent, request, options: RequestOptions::new() }
    }

    /// Adds a header field; one of the same name stays.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName, Error: Into<http::Error>> + Display + Clone,
        V: TryInto<HeaderValue, Error: Into<http::Error>>,
    {
        let bad = |what: &str, name: N, error: http::Error| {
            let name = name.to_string();
            Error::request(format!("the {what} of header `{}` is not valid", name.escape_debug()))
                .caused_by(error)
        };
        self.request = self.request.and_then(|mut request| {
            let key = name.clone().try_into().map_err(|error| bad("name", name.clone(), error.into()))?;
            let value = value.try_into().map_err(|error| bad("value", name, error.into()))?;
            request.headers_mut().append(key, value);
            Ok(request)
        });
        self
    }

    /// Sets header fields; those of the same names are replaced.
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        if let Ok(request) = &mut self.request {
            request.headers_mut().extend(headers);
        }
        self
    }

    /// Adds pairs to the URL's query, encoded as a form is (`a b` becomes `a+b`).
    pub fn query<K, V>(mut self, pairs: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        self.request = self.request.and_then(|mut request| {
            *request.uri_mut() = with_query(request.uri(), pairs)?;
            Ok(request)
        });
        self
    }

    /// Sets the body: bytes, text, or any [`Body`].
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        if let Ok(request) = &mut self.request {
            *request.body_mut() = body.into();
        }
        self
    }

    /// Sets the body to a value as JSON, and `content-type` unless it is set.
    #[cfg(feature = "json")]
    pub fn json<T: serde::Serialize + ?Sized>(mut self, value: &T) -> Self {
        self.request = self.request.and_then(|mut request| {
            let json = serde_json::to_vec(value)
                .map_err(|error| Error::request("the value cannot be written as JSON").caused_by(error))?;
            *request.body_mut() = json.into();
            let json_type = HeaderValue::from_static("application/json");
            request.headers_mut().entry(http::header::CONTENT_TYPE).or_insert(json_type);
            Ok(request)
        });
        self
    }

    /// Limits the whole request, see [`RequestOptions::timeout`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options = self.options.timeout(timeout);
        self
    }

    /// Binds the socket to a local address, see [`RequestOptions::local_address`].
    pub fn local_address(mut self, address: IpAddr) -> Self {
        self.options = self.options.local_address(address);
        self
    }

    /// Whether it may be written again, see [`RequestOptions::retry`].
    pub fn retry(mut self, retry: bool) -> Self {
        self.options = self.options.retry(retry);
        self
    }

    /// Speaks TLS in this way, see [`RequestOptions::tls`].
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: crate::Tls) -> Self {
        self.options = self.options.tls(tls);
        self
    }

    /// The request, for [`Agent::request`] or a `tower` service.
    ///
    /// # Errors
    ///
    /// [`Error::is_request`]: the first thing that was wrong with the URL, a header or the body.
    pub fn build(self) -> Result<Request<Body>, Error> {
        let mut request = self.request?;
        request.extensions_mut().insert(self.options);
        Ok(request)
    }

    /// Sends it, see [`Agent::request`].
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build) and [`Agent::request`].
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::request`].
    pub async fn send(self) -> Result<Response, Error> {
        let agent = self.agent.clone();
        let response = agent.request(self.build()?).await?;
        Ok(response.into())
    }
}

fn with_query<K: AsRef<str>, V: AsRef<str>>(
    uri: &Uri,
    pairs: impl IntoIterator<Item = (K, V)>,
) -> Result<Uri, Error> {
    let mut query = form_urlencoded::Serializer::new(uri.query().unwrap_or_default().to_owned());
    let query = query.extend_pairs(pairs).finish();
    let mut parts = uri.clone().into_parts();
    let path = if query.is_empty() { uri.path().to_owned() } else { format!("{}?{query}", uri.path()) };
    let cannot = || format!("a query cannot be added to `{}`", shown(&uri.to_string()));
    parts.path_and_query =
        Some(path.parse().map_err(|error: http::uri::InvalidUri| Error::request(cannot()).caused_by(error))?);
    Uri::from_parts(parts).map_err(|error| Error::request(cannot()).caused_by(error))
}

/// Without what may be secret: the user and the query of the URL, and the fields' values.
impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RequestBuilder");
        match &self.request {
            Ok(request) => debug
                .field("method", request.method())
                .field("url", &shown(&request.uri().to_string()))
                .field("fields", &Names(request.headers()))
                .field("body", request.body()),
            Err(error) => debug.field("error", error),
        };
        debug.field("options", &self.options).finish_non_exhaustive()
    }
}

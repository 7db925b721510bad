//! Requests without `http::Request::builder()`, for everyday use.

mod builder;
mod response;
mod url;

use std::fmt;

use http::HeaderMap;

pub use self::builder::RequestBuilder;
pub use self::response::Response;
pub use self::url::IntoUrl;

/// The names of fields, for `Debug`: values may be secret.
struct Names<'a>(&'a HeaderMap);

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys().map(http::HeaderName::as_str)).finish()
    }
}

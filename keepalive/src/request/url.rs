//! What can be taken for a URL.

use http::Uri;

use crate::Error;

/// A URL, or text that should be one. Implemented for `&str`, `String` and [`http::Uri`].
pub trait IntoUrl: sealed::Sealed {
    /// The parsed URL.
    ///
    /// # Errors
    ///
    /// [`Error::is_request`], naming the text.
    fn into_url(self) -> Result<Uri, Error>;
}

impl IntoUrl for &str {
    fn into_url(self) -> Result<Uri, Error> {
        self.trim().parse().map_err(|error: http::uri::InvalidUri| {
            Error::request(format!("`{}` is not a valid URL", shown(self))).caused_by(error)
        })
    }
}

impl IntoUrl for &String {
    fn into_url(self) -> Result<Uri, Error> {
        self.as_str().into_url()
    }
}

impl IntoUrl for String {
    fn into_url(self) -> Result<Uri, Error> {
        self.as_str().into_url()
    }
}

impl IntoUrl for Uri {
    fn into_url(self) -> Result<Uri, Error> {
        Ok(self)
    }
}

impl IntoUrl for &Uri {
    fn into_url(self) -> Result<Uri, Error> {
        Ok(self.clone())
    }
}

/// Text that is, or should be, a URL as error texts show it: in one line, and without user information and
/// query, which may hold secrets.
pub(super) fn shown(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = url.split_at(url.find("://").map_or(0, |at| at + 3));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let mut shown = String::new();
    for c in [scheme, host, path].iter().flat_map(|part| part.chars()) {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for &str {}
    impl Sealed for &String {}
    impl Sealed for String {}
    impl Sealed for http::Uri {}
    impl Sealed for &http::Uri {}
}

//! Where a request goes: the key under which sockets are shared.

mod cache;
mod hash;
mod host_port;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use http::Uri;
use http::uri::{Authority, Scheme};

pub(crate) use self::hash::ByOrigin;
pub(crate) use self::host_port::HostPort;
use self::host_port::without_user;
use crate::Error;
#[cfg(feature = "tls")]
use crate::Tls;

/// The server a socket leads to, and the way it leads there: scheme, host, port, local address, and TLS
/// settings where a request has its own.
///
/// Two requests may share a socket only if their origins are equal (Node: `agent.getName(options)`).
/// The host is compared in lower case, a missing port is the scheme's default, and user information
/// in a URL is not part of it. Cheap to clone.
///
/// ```
/// let a = keepalive::Origin::from_uri(&"http://Example.org".parse()?)?;
/// let b = keepalive::Origin::from_uri(&"http://example.org:80/path".parse()?)?;
/// assert_eq!(a, b);
/// assert_eq!(a.to_string(), "http://example.org:80");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Origin(Arc<Parts>);

struct Parts {
    key: Key,
    /// Of `key`.
    hash: u64,
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    host: Box<str>,
    port: u16,
    secure: bool,
    local_address: Option<IpAddr>,
    /// If they are not the agent's.
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

/// An origin as a URL named it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) origin: Origin,
    /// The URL's authority, as it is, is what the Host field has to say.
    pub(crate) is_host_value: bool,
}

/// The ways to a server that a request, or its agent, may choose.
#[derive(Debug, Default, Clone)]
pub(crate) struct Route {
    pub(crate) local_address: Option<IpAddr>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Tls>,
}

impl Origin {
    /// The origin of an absolute `http` or `https` URL, with the agent's own TLS settings.
    ///
    /// # Errors
    ///
    /// [`Error::is_request`] if the URL has no scheme or no host, or a scheme this build cannot dial.
    pub fn from_uri(uri: &Uri) -> Result<Self, Error> {
        Self::new(uri, Route::default())
    }

    pub(crate) fn new(uri: &Uri, route: Route) -> Result<Self, Error> {
        Place::of(uri, route).map(|place| place.origin)
    }

    /// The scheme, in lower case: `"http"` or `"https"`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        if self.0.key.secure { "https" } else { "http" }
    }

    /// The host, in lower case; an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.key.host
    }

    /// The port; the scheme's default where the URL named none.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.key.port
    }

    /// The local address its sockets are bound to, if any (Node: `localAddress`).
    #[must_use]
    pub fn local_address(&self) -> Option<IpAddr> {
        self.0.key.local_address
    }

    /// The TLS settings of its requests, if they are not the agent's.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(&self) -> Option<&Tls> {
        self.0.key.tls.as_ref()
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.0.key.secure
    }
}

impl Place {
    pub(crate) fn of(uri: &Uri, route: Route) -> Result<Self, Error> {
        let secure = match uri.scheme() {
            None => {
                return Err(Error::request(format!(
                    "`{}` is not an absolute URL: it has no scheme",
                    shown(uri)
                )));
            }
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS && cfg!(feature = "tls") => true,
            Some(scheme) => return Err(unsupported(scheme)),
        };
        #[cfg(feature = "tls")]
        if secure && route.tls.is_some() {
            return Self::make(uri, secure, route);
        }
        let authority = uri.authority().map_or("", Authority::as_str);
        if let Some(place) = cache::find(secure, authority, route.local_address) {
            return Ok(place);
        }
        let place = Self::make(uri, secure, route)?;
        cache::keep(authority, &place);
        Ok(place)
    }

    #[cfg_attr(not(feature = "tls"), expect(clippy::needless_pass_by_value, reason = "as with TLS"))]
    fn make(uri: &Uri, secure: bool, route: Route) -> Result<Self, Error> {
        let bad_port = || {
            let text = format!("`{}` has a bad port: it must be a number from 1 to 65535", shown(uri));
            Error::request(text)
        };
        let named = HostPort::of(uri);
        let (host, default) = (named.host, if secure { 443 } else { 80 });
        let port = named.port.map_err(|_| bad_port())?.unwrap_or(default);
        if port == 0 {
            return Err(bad_port());
        }
        let is_host_value = uri.authority().is_some_and(|text| named.is_host_value(text.as_str(), default));
        let host: Box<str> = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            // RFC 6874: the zone's `%` is written `%25` in a URL.
            Some(address) => address.replacen("%25", "%", 1).to_ascii_lowercase().into(),
            None => host.to_ascii_lowercase().into(),
        };
        if host.is_empty() {
            return Err(Error::request(format!("`{}` has no host", shown(uri))));
        }
        let key = Key {
            host,
            port,
            secure,
            local_address: route.local_address,
            #[cfg(feature = "tls")]
            tls: route.tls.filter(|_| secure),
        };
        let hash = hash::of(&key);
        Ok(Self { origin: Origin(Arc::new(Parts { key, hash })), is_host_value })
    }
}

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || (self.0.hash == other.0.hash && self.0.key == other.0.key)
    }
}

impl Eq for Origin {}

impl Hash for Origin {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
    }
}

impl Ord for Origin {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.key.cmp(&other.0.key)
    }
}

impl PartialOrd for Origin {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host().contains(':') {
            write!(f, "{}://[{}]:{}", self.scheme(), self.host(), self.port())?;
        } else {
            write!(f, "{}://{}:{}", self.scheme(), self.host(), self.port())?;
        }
        if let Some(local) = self.local_address() {
            write!(f, " from {local}")?;
        }
        #[cfg(feature = "tls")]
        if let Some(tls) = self.tls() {
            write!(f, " with TLS settings {}", tls.id())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Origin {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn unsupported(scheme: &Scheme) -> Error {
    Error::request(if *scheme == Scheme::HTTPS {
        "scheme `https` needs the feature `tls`, which this build has not".to_owned()
    } else {
        format!("scheme `{scheme}` is not supported, only `http` and `https` are")
    })
}

/// A URI for an error's text: without user information and query, which may hold secrets.
fn shown(uri: &Uri) -> String {
    let scheme = uri.scheme_str().map(|scheme| format!("{scheme}://")).unwrap_or_default();
    let authority = uri.authority().map_or("", |authority| without_user(authority.as_str()));
    format!("{scheme}{authority}{}", uri.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(uri: &str) -> Result<Origin, String> {
        Origin::from_uri(&uri.parse().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn host_case_default_port_and_user_do_not_matter() {
        let plain = origin("http://a.example/").unwrap();
        for same in
            ["http://A.Example", "http://a.example:80/x?y", "http://user:pw@a.example/", "http://a.example:/"]
        {
            assert_eq!(origin(same).unwrap(), plain, "{same}");
        }
        for other in ["http://b.example/", "http://a.example:81/"] {
            assert_ne!(origin(other).unwrap(), plain, "{other}");
        }
    }

    #[cfg_attr(not(feature = "tls"), expect(clippy::needless_update, reason = "as with TLS"))]
    #[test]
    fn local_address_is_part_of_it() {
        let uri: Uri = "http://[::1]:8080/".parse().unwrap();
        let route = Route { local_address: Some(IpAddr::from([127, 0, 0, 2])), ..Route::default() };
        let bound = Origin::new(&uri, route).unwrap();
        assert_ne!(bound, Origin::from_uri(&uri).unwrap());
        assert_eq!(bound.to_string(), "http://[::1]:8080 from 127.0.0.2");
        assert_eq!(bound.host(), "::1");
    }

    #[cfg(feature = "tls")]
    #[test]
    fn the_scheme_and_a_requests_own_tls_settings_are_part_of_it() {
        let plain = origin("http://a:443/").unwrap();
        let secure = origin("https://a/").unwrap();
        assert_ne!(plain, secure);
        assert_eq!((secure.to_string().as_str(), secure.scheme()), ("https://a:443", "https"));
        let with = |uri: &str, tls| {
            let route = Route { tls: Some(tls), ..Route::default() };
            Origin::new(&uri.parse().unwrap(), route).unwrap()
        };
        let (one, other) = (Tls::default(), Tls::default());
        assert_eq!(with("https://a/", one.clone()), with("https://a/", one.clone()));
        assert_ne!(with("https://a/", one.clone()), with("https://a/", other));
        assert_ne!(with("https://a/", one.clone()), secure);
        assert_eq!(with("http://a:443/", one), plain, "they say nothing without TLS");
    }

    #[test]
    fn says_what_is_wrong_with_a_url() {
        for (uri, text) in [
            ("/path", "`/path` is not an absolute URL: it has no scheme"),
            ("ftp://a/", "scheme `ftp` is not supported, only `http` and `https` are"),
            #[cfg(not(feature = "tls"))]
            ("https://a/", "scheme `https` needs the feature `tls`, which this build has not"),
            ("http://a:99999/", "`http://a:99999/` has a bad port: it must be a number from 1 to 65535"),
            ("http://a:8x/", "`http://a:8x/` has a bad port: it must be a number from 1 to 65535"),
            ("http://a:+80/", "`http://a:+80/` has a bad port: it must be a number from 1 to 65535"),
            ("http://[::1]x/", "`http://[::1]x/` has a bad port: it must be a number from 1 to 65535"),
            ("http://a:0/", "`http://a:0/` has a bad port: it must be a number from 1 to 65535"),
            ("http://:80/", "`http://:80/` has no host"),
            ("http://[]/", "`http://[]/` has no host"),
            (
                "http://me:secret@a:0/?key=1",
                "`http://a:0/` has a bad port: it must be a number from 1 to 65535",
            ),
        ] {
            assert_eq!(origin(uri).unwrap_err(), text);
        }
    }
}

//! The request target and the Host value (RFC 9112 §3.2, RFC 9110 §7.2).
//!
//! Userinfo and fragment are never sent: the first is a credential, the second the client's own.

use bytes::{BufMut, BytesMut};
use http::uri::{PathAndQuery, Scheme};
use http::{Method, Uri};

use super::request_error::RequestError;
use crate::origin::HostPort;

/// Which form the request line's target takes. CONNECT always takes the authority form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetForm {
    /// `/path?query`: to the origin itself (§3.2.1), and `*` for a server-wide OPTIONS (§3.2.4).
    Origin,
    /// The same, if it is known that the URI's authority is the Host value as it is, a good port included.
    PlainOrigin,
    /// `http://host/path?query`: to a proxy (§3.2.2).
    Absolute,
}

/// A target that was found to be sendable.
#[derive(Debug)]
pub(super) struct Target<'a> {
    uri: &'a Uri,
    kind: Kind<'a>,
    /// Without userinfo; with brackets for IPv6.
    host: &'a str,
    /// As it will be sent: the scheme's default is left out, except for CONNECT.
    port: Option<u16>,
}

#[derive(Debug, Clone, Copy)]
enum Kind<'a> {
    Origin,
    Absolute(&'a Scheme),
    Authority,
}

impl<'a> Target<'a> {
    pub(super) fn new(method: &Method, uri: &'a Uri, form: TargetForm) -> Result<Self, RequestError> {
        let not_absolute = || RequestError::not_absolute(uri);
        let connect = *method == Method::CONNECT;
        let HostPort { host, port } = match uri.authority() {
            Some(plain) if form == TargetForm::PlainOrigin && !connect => {
                HostPort { host: plain.as_str(), port: Ok(None) }
            }
            _ => HostPort::of(uri),
        };
        let kind = if connect {
            Kind::Authority
        } else if form == TargetForm::Absolute {
            Kind::Absolute(uri.scheme().ok_or_else(not_absolute)?)
        } else {
            Kind::Origin
        };
        if !matches!(kind, Kind::Origin) && host.is_empty() {
            return Err(not_absolute());
        }
        if uri.path() == "*" && *method != Method::OPTIONS {
            return Err(RequestError::Asterisk { method: method.clone() });
        }
        let bad_port = || RequestError::Port { authority: host.to_owned() };
        let default = default_port(uri);
        let port = match (port.map_err(|_| bad_port())?, kind) {
            // RFC 9112 §3.2.3: with CONNECT the port is sent even if it is the default one.
            (given, Kind::Authority) => Some(given.or(default).ok_or_else(bad_port)?),
            (given, _) => given.filter(|&p| Some(p) != default),
        };
        Ok(Self { uri, kind, host, port })
    }

    pub(super) fn write(&self, out: &mut BytesMut) {
        match self.kind {
            Kind::Origin => self.write_path("*", out),
            Kind::Absolute(scheme) => {
                out.extend_from_slice(scheme.as_str().as_bytes());
                out.extend_from_slice(b"://");
                self.write_host(out);
                // A proxy turns the empty path back into `*` (§3.2.4).
                self.write_path("", out);
            }
            Kind::Authority => self.write_host(out),
        }
    }

    /// The Host value: the authority without userinfo.
    pub(super) fn write_host(&self, out: &mut BytesMut) {
        let zone = if self.host.starts_with('[') { self.host.split_once('%') } else { None };
        match zone {
            // A zone (`[fe80::1%25eth0]`) means something on this machine only (RFC 6874 §4).
            Some((address, _)) => {
                out.extend_from_slice(address.as_bytes());
                out.put_u8(b']');
            }
            None => out.extend_from_slice(self.host.as_bytes()),
        }
        if let Some(port) = self.port {
            out.put_u8(b':');
            out.extend_from_slice(itoa::Buffer::new().format(port).as_bytes());
        }
    }

    pub(super) fn has_host(&self) -> bool {
        !self.host.is_empty()
    }

    fn write_path(&self, asterisk: &str, out: &mut BytesMut) {
        let text = self.uri.path_and_query().map_or("", PathAndQuery::as_str);
        if text == "*" {
            return out.extend_from_slice(asterisk.as_bytes());
        }
        // `http://host?query` has an empty path.
        if !text.starts_with('/') {
            out.put_u8(b'/');
        }
        out.extend_from_slice(text.as_bytes());
    }
}

fn default_port(uri: &Uri) -> Option<u16> {
    match uri.scheme_str() {
        Some("http") => Some(80),
        Some("https") => Some(443),
        _ => None,
    }
}

//! What an origin answers: bytes for a script, a [`Reply`] for a plain origin.
//!
//! Not a check of what may be answered: a test may well want a wrong answer. Called by tests, by the demo of
//! the program, and by the plain origin, which turns a reply into bytes.

use std::io::Write as _;

/// The bytes of a `200 OK` with this body and its length.
#[must_use]
pub fn ok(body: impl AsRef<[u8]>) -> Vec<u8> {
    response(200, &[], body)
}

/// The bytes of a response; `content-length` is added where the framing is not given and the status has a body.
#[must_use]
pub fn response(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut out = Vec::with_capacity(64 + body.len());
    start(&mut out, status);
    for (name, value) in headers {
        header(&mut out, name, value);
    }
    let framed = |name: &str| {
        name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("transfer-encoding")
    };
    if has_body(status) && !headers.iter().any(|(name, _)| framed(name)) {
        header(&mut out, "content-length", &body.len().to_string());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out
}

/// The answer of a plain origin to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Header fields besides `content-length`, `transfer-encoding` and `connection`, which the origin writes.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Whether the body is sent with chunked framing (one chunk) instead of a length.
    pub chunked: bool,
    /// Whether the origin says `connection: close` and closes after this answer.
    pub close: bool,
    /// Trailer fields, with HTTP/2 or chunked framing.
    pub trailers: Vec<(String, String)>,
}

impl Reply {
    /// An empty answer with this status.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            chunked: false,
            close: false,
            trailers: Vec::new(),
        }
    }

    /// A `200 OK` with this body.
    #[must_use]
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200).body(body)
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sends the body with chunked framing.
    #[must_use]
    pub fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// Adds a trailer field.
    #[must_use]
    pub fn trailer(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.trailers.push((name.into(), value.into()));
        self
    }

    /// Says `connection: close` and closes after this answer.
    #[must_use]
    pub fn close(mut self) -> Self {
        self.close = true;
        self
    }

    #[cfg(feature = "http2")]
    pub(crate) fn has_body(&self) -> bool {
        has_body(self.status)
    }

    /// Appends the answer's bytes; one to a `HEAD` request keeps its framing header and leaves the body out.
    pub(crate) fn write(&self, to_head: bool, out: &mut Vec<u8>) {
        start(out, self.status);
        for (name, value) in &self.headers {
            header(out, name, value);
        }
        let has_body = has_body(self.status);
        if has_body && self.chunked {
            header(out, "transfer-encoding", "chunked");
        } else if has_body {
            let _ = write!(out, "content-length: {}\r\n", self.body.len());
        }
        if self.close {
            header(out, "connection", "close");
        }
        out.extend_from_slice(b"\r\n");
        if !has_body || to_head {
            return;
        }
        if self.chunked {
            if !self.body.is_empty() {
                let _ = write!(out, "{:x}\r\n", self.body.len());
                out.extend_from_slice(&self.body);
                out.extend_from_slice(b"\r\n");
            }
            out.extend_from_slice(b"0\r\n");
            self.trailers.iter().for_each(|(name, value)| header(out, name, value));
            out.extend_from_slice(b"\r\n");
        } else {
            out.extend_from_slice(&self.body);
        }
    }
}

fn start(out: &mut Vec<u8>, status: u16) {
    let reason = match status {
        100 => "Continue",
        101 => "Switching Protocols",
        103 => "Early Hints",
        200 => "OK",
        204 => "No Content",
        304 => "Not Modified",
        404 => "Not Found",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    };
    let _ = write!(out, "HTTP/1.1 {status} {reason}\r\n");
}

fn header(out: &mut Vec<u8>, name: &str, value: &str) {
    let _ = write!(out, "{name}: {value}\r\n");
}

/// RFC 9110 section 6.4.1: these statuses never have a body.
fn has_body(status: u16) -> bool {
    !matches!(status, 100..=199 | 204 | 304)
}

#[cfg(test)]
mod tests {
    use super::{Reply, ok, response};

    #[test]
    fn bytes_of_a_script() {
        assert_eq!(ok("hi"), b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
        assert_eq!(response(204, &[("a", "b")], ""), b"HTTP/1.1 204 No Content\r\na: b\r\n\r\n");
        assert_eq!(
            response(200, &[("Content-Length", "9")], "hi"),
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"
        );
    }

    #[test]
    fn bytes_of_a_reply() {
        let text = |reply: Reply, to_head| {
            let mut out = Vec::new();
            reply.write(to_head, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(text(Reply::ok("hi"), false), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
        assert_eq!(text(Reply::ok("hi"), true), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n");
        assert_eq!(
            text(Reply::ok("hi").chunked().close(), false),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
        );
        assert_eq!(text(Reply::new(204).header("a", "b"), false), "HTTP/1.1 204 No Content\r\na: b\r\n\r\n");
    }
}

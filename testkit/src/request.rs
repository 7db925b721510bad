//! A request as it came over the wire, and the rule that says how long its body is.
//!
//! Not a validating parser: it accepts what a correct client sends and says what is wrong with the rest.
//! Called by the reader; read by tests and by the replies of a plain origin.

/// One request that an origin received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The place of this request among all that the origin received, counted from 0.
    pub order: usize,
    /// The place of its connection among all that the origin accepted, counted from 0.
    pub connection: usize,
    /// The method, as sent.
    pub method: String,
    /// The request target, as sent.
    pub target: String,
    /// The header fields in the order and case in which they came; bytes that are no UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The head byte for byte, with the empty line that ends it.
    pub head: Vec<u8>,
    /// The body with its chunked framing taken off; empty until it was read as a whole.
    pub body: Vec<u8>,
    /// The trailer fields of a chunked body.
    pub trailers: Vec<(String, String)>,
}

impl Request {
    /// Parses a head that ends with its empty line.
    pub(crate) fn parse(head: &[u8]) -> Result<Self, String> {
        let text = String::from_utf8_lossy(head);
        let mut lines = text.trim_end_matches("\r\n").split("\r\n");
        let start = lines.next().unwrap_or_default();
        let mut words = start.split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(format!("not a request line: {start:?}"));
        };
        if !matches!(version, "HTTP/1.1" | "HTTP/1.0") || method.is_empty() || target.is_empty() {
            return Err(format!("not a request line: {start:?}"));
        }
        Ok(Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: lines.map(field).collect::<Result<_, _>>()?,
            head: head.to_vec(),
            ..Self::default()
        })
    }

    /// The value of the first header field of that name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// How the body is framed (RFC 9112 section 6.3).
    pub(crate) fn framing(&self) -> Result<Framing, String> {
        if let Some(coding) = self.header("transfer-encoding") {
            return if coding.eq_ignore_ascii_case("chunked") {
                Ok(Framing::Chunked)
            } else {
                Err(format!("unknown transfer coding {coding:?}"))
            };
        }
        self.header("content-length").map_or(Ok(Framing::Length(0)), |length| {
            length.parse().map(Framing::Length).map_err(|_| format!("bad content-length {length:?}"))
        })
    }

    /// Whether the client wants the connection closed after the answer.
    pub(crate) fn wants_close(&self) -> bool {
        let connection = self.header("connection").unwrap_or_default();
        let has = |word| connection.split(',').any(|token| token.trim().eq_ignore_ascii_case(word));
        let old =
            self.head.split(|&byte| byte == b'\r').next().is_some_and(|line| line.ends_with(b"HTTP/1.0"));
        has("close") || (old && !has("keep-alive"))
    }
}

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(usize),
    Chunked,
}

/// Splits one field line.
pub(crate) fn field(line: &str) -> Result<(String, String), String> {
    let (name, value) = line.split_once(':').ok_or_else(|| format!("not a header line: {line:?}"))?;
    if name.is_empty() || name.contains([' ', '\t']) {
        return Err(format!("not a header line: {line:?}"));
    }
    Ok((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Framing, Request};

    #[test]
    fn a_head_is_taken_apart() {
        let head = b"PUT /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n";
        let request = Request::parse(head).unwrap();
        assert_eq!((request.method.as_str(), request.target.as_str()), ("PUT", "/a?b"));
        assert_eq!(request.header("HOST"), Some("x"));
        assert_eq!(request.headers[1].0, "Content-Length");
        assert_eq!(request.framing(), Ok(Framing::Length(3)));
        assert_eq!(request.head, head);
    }

    #[test]
    fn what_is_no_head_is_refused_with_its_text() {
        for (head, text) in [
            ("GET /\r\n\r\n", "not a request line: \"GET /\""),
            ("GET / HTTP/2\r\n\r\n", "not a request line"),
            ("GET / HTTP/1.1\r\nno colon\r\n\r\n", "not a header line: \"no colon\""),
            ("GET / HTTP/1.1\r\nname : x\r\n\r\n", "not a header line"),
        ] {
            let error = Request::parse(head.as_bytes()).unwrap_err();
            assert!(error.starts_with(text), "{error}");
        }
    }

    #[test]
    fn the_client_can_ask_for_the_close() {
        let wants = |head: &str| Request::parse(head.as_bytes()).unwrap().wants_close();
        assert!(!wants("GET / HTTP/1.1\r\n\r\n"));
        assert!(wants("GET / HTTP/1.1\r\nConnection: te, Close\r\n\r\n"));
        assert!(wants("GET / HTTP/1.0\r\n\r\n"));
        assert!(!wants("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"));
    }
}

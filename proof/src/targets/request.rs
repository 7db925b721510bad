//! The request encoder: what it writes is, byte for byte, the lines that were asked for and the body, with CRLF
//! between them and nowhere else; httparse reads the same request from it. A request that fails leaves nothing
//! on the wire that a server could take for a whole one.
//!
//! Whatever the types of `http` let pass is tried. What is expected is put together here from those types, with
//! no code of the library's. Input: the flags of [`Plan`], how much each write takes, then texts behind their
//! lengths: method, URI (with bit 3 another path for it), fields, pieces of the body, trailers.

mod body;
mod expected;

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use keepalive::unstable::{Form, Style, Unwritten, encode};

use self::body::Pieces;
use self::expected::{Lines, check_body, is_whole};
use crate::input::Input;

/// A request, and how it is to be written.
struct Plan<'a> {
    form: Form,
    title_case: bool,
    close: bool,
    /// The body knows its length.
    sized: bool,
    takes: &'a [u8],
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Vec<&'a [u8]>,
    trailers: HeaderMap,
}

/// See the module's header.
///
/// # Panics
///
/// A promise is broken.
pub fn request(data: &[u8]) {
    let Some(plan) = Plan::read(Input::new(data)) else { return };
    match plan.write(plan.form, plan.takes) {
        Ok(wire) => {
            plan.check(&wire);
            // How much a socket takes at once, and how the agent looks at a URI, changes nothing.
            assert_eq!(plan.write(plan.form, &[]).expect("it was written"), wire);
            if plan.form == Form::Agent {
                assert_eq!(plan.write(Form::Origin, &[]).expect("it was written"), wire);
            }
        }
        Err(Unwritten { bytes, text }) => {
            assert!(!text.chars().any(char::is_control), "not fit for a log: {text:?}");
            assert!(!is_whole(&bytes), "{text}, and it looks whole: {}", bytes.escape_ascii());
        }
    }
}

impl<'a> Plan<'a> {
    /// `None` if the types of `http` do not take it.
    fn read(mut input: Input<'a>) -> Option<Self> {
        let flags = input.byte();
        let bit = |at: u8| flags & (1 << at) != 0;
        let form = [Form::Agent, Form::Origin, Form::Absolute][usize::from(flags >> 6) % 3];
        let takes = input.below(4);
        let takes = input.take(takes);
        let method = Method::from_bytes(input.text()).ok()?;
        let mut uri = Uri::try_from(input.text()).ok()?;
        if bit(3) {
            uri = with_path(uri, input.text())?;
        }
        let headers = fields(&mut input);
        let count = input.below(5);
        let body = (0..count).map(|_| input.text()).collect();
        let trailers = fields(&mut input);
        let (title_case, close, sized) = (bit(0), bit(1), bit(2));
        Some(Self { form, title_case, close, sized, takes, method, uri, headers, body, trailers })
    }

    fn write(&self, form: Form, takes: &[u8]) -> Result<Vec<u8>, Unwritten> {
        let mut request = Request::new(Pieces::new(&self.body, &self.trailers, self.sized));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        encode(request, Style { form, title_case: self.title_case, close: self.close, takes })
    }

    fn check(&self, wire: &[u8]) {
        let shown = wire.escape_ascii();
        let end = position(wire, b"\r\n\r\n").unwrap_or_else(|| panic!("no end of the head: {shown}"));
        let (head, body) = wire.split_at(end + 4);
        let lines: Vec<&[u8]> = split(&head[..end]);
        for line in &lines {
            let is_text = |&b: &u8| b == b'\t' || (b >= b' ' && b != 0x7f);
            assert!(line.iter().all(is_text), "a control byte in {shown}");
        }
        assert_eq!(lines[0].iter().filter(|&&b| b == b' ').count(), 2, "the request line of {shown}");
        let framing = Lines::new(self).check(&lines);
        self.parse(head, &lines);
        check_body(framing, body, &self.body, &self.trailers);
    }

    /// By a parser that others wrote.
    fn parse(&self, head: &[u8], lines: &[&[u8]]) {
        let mut slots = vec![httparse::EMPTY_HEADER; lines.len()];
        let mut parsed = httparse::Request::new(&mut slots);
        let status = parsed.parse(head).unwrap_or_else(|e| panic!("{e}: {}", head.escape_ascii()));
        assert_eq!(status, httparse::Status::Complete(head.len()));
        assert_eq!((parsed.method, parsed.version), (Some(self.method.as_str()), Some(1)));
        let target = lines[0].split(|&b| b == b' ').nth(1);
        assert_eq!(parsed.path.map(str::as_bytes), target);
        assert_eq!(parsed.headers.len(), lines.len() - 1);
        for name in self.headers.keys() {
            let lower = name.as_str();
            let got =
                parsed.headers.iter().filter(|it| it.name.eq_ignore_ascii_case(lower)).map(|it| it.value);
            let asked = self.headers.get_all(name).iter().map(|it| trim(it.as_bytes()));
            let is_ours = ["content-length", "transfer-encoding", "connection"].contains(&lower);
            assert!(is_ours || got.eq(asked), "{name} in {}", head.escape_ascii());
        }
    }
}

/// Parts of their own make a URI that no text does, `*` behind a host for one.
fn with_path(uri: Uri, path: &[u8]) -> Option<Uri> {
    let mut parts = uri.into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
    Uri::from_parts(parts).ok()
}

/// Those that `http` takes.
fn fields(input: &mut Input<'_>) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for _ in 0..input.below(6) {
        let (name, value) = (input.text(), input.text());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            fields.append(name, value);
        }
    }
    fields
}

fn position(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// At each CRLF.
fn split(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    while let Some(at) = position(bytes, b"\r\n") {
        lines.push(&bytes[..at]);
        bytes = &bytes[at + 2..];
    }
    lines.push(bytes);
    lines
}

/// Without the blanks around it, which are no part of a value (RFC 9110 §5.5).
fn trim(value: &[u8]) -> &[u8] {
    let is_blank = |b: &u8| *b == b' ' || *b == b'\t';
    let start = value.iter().position(|b| !is_blank(b)).unwrap_or(value.len());
    let end = value.iter().rposition(|b| !is_blank(b)).map_or(start, |at| at + 1);
    &value[start..end]
}

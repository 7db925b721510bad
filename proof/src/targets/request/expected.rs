//! The lines and the body that must be on the wire, from what was asked.

use http::{HeaderMap, Method, Uri};
use keepalive::unstable::Form;

use super::{Plan, position, trim};
use crate::reference::{self, Chunked};

/// How the body is delimited, as the lines say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    None,
    Length(u64),
    Chunked,
}

/// What the head's lines must be.
pub(super) struct Lines<'a>(&'a Plan<'a>);

impl<'a> Lines<'a> {
    pub(super) fn new(plan: &'a Plan<'a>) -> Self {
        Self(plan)
    }

    /// The request line, Host, the fields asked for, one about the body, and `connection: close`.
    pub(super) fn check(&self, lines: &[&[u8]]) -> Framing {
        let plan = self.0;
        let authority = authority(&plan.uri, plan.method == Method::CONNECT);
        let own_host = plan.headers.get("host");
        let host = own_host.map_or(authority.as_bytes(), http::HeaderValue::as_bytes);
        let target = self.target(&authority);
        let mut want = vec![
            [plan.method.as_str().as_bytes(), b" ", target.as_bytes(), b" HTTP/1.1"].concat(),
            self.line("host", host),
        ];
        for (name, value) in &plan.headers {
            if !["host", "content-length", "transfer-encoding"].contains(&name.as_str()) {
                want.push(self.line(name.as_str(), value.as_bytes()));
            }
        }
        let asked = plan.headers.get_all("connection").iter();
        let mut tokens = asked.flat_map(|it| it.as_bytes().split(|&b| b == b','));
        let says_close = tokens.any(|it| trim(it).eq_ignore_ascii_case(b"close"));
        let closes = plan.close && !says_close;

        let mut got = lines.to_vec();
        if closes {
            assert_eq!(got.pop(), Some(&self.line("connection", b"close")[..]), "the last line");
        }
        let framing = if got.len() > want.len() {
            self.framing(got.pop().expect("there is one"))
        } else {
            Framing::None
        };
        assert_eq!(got, want, "the lines of {:?} {:?} with {:?}", plan.method, plan.uri, plan.headers);
        framing
    }

    fn framing(&self, line: &[u8]) -> Framing {
        if line == self.line("transfer-encoding", b"chunked") {
            return Framing::Chunked;
        }
        let start = self.line("content-length", b"");
        let digits = line.strip_prefix(&start[..]).expect("a line nobody asked for");
        let length = String::from_utf8(digits.to_vec()).expect("digits").parse().expect("digits");
        assert_eq!(line, self.line("content-length", format!("{length}").as_bytes()));
        Framing::Length(length)
    }

    fn line(&self, name: &str, value: &[u8]) -> Vec<u8> {
        let name = if self.0.title_case { title_case(name) } else { name.to_owned() };
        [name.as_bytes(), b": ", value].concat()
    }

    fn target(&self, authority: &str) -> String {
        let plan = self.0;
        if plan.method == Method::CONNECT {
            return authority.to_owned();
        }
        let text = plan.uri.path_and_query().map_or("", |it| it.as_str());
        let path = match (text, plan.form) {
            ("*", Form::Absolute) => String::new(),
            ("*", _) => "*".to_owned(),
            _ if text.starts_with('/') => text.to_owned(),
            _ => format!("/{text}"),
        };
        match (plan.form, plan.uri.scheme_str()) {
            (Form::Absolute, Some(scheme)) => format!("{scheme}://{authority}{path}"),
            _ => path,
        }
    }
}

/// Host and port without user, zone, and, but for CONNECT, a port that goes without saying.
fn authority(uri: &Uri, connect: bool) -> String {
    let Some(authority) = uri.authority() else { return String::new() };
    let default = match uri.scheme_str() {
        Some("http") => Some(80_u16),
        Some("https") => Some(443),
        _ => None,
    };
    let place = authority.as_str().rsplit('@').next().unwrap_or_default();
    // The last colon outside brackets is the port's.
    let colon = place.rfind(':').filter(|&at| !place[at..].contains(']'));
    let (host, port) = colon.map_or((place, ""), |at| (&place[..at], &place[at + 1..]));
    let mut host = host.to_owned();
    if let (true, Some(zone)) = (host.starts_with('['), host.find('%')) {
        host = format!("{}]", &host[..zone]);
    }
    let port = if port.is_empty() { None } else { Some(port.parse::<u16>().expect("it was found good")) };
    let sent = if connect { port.or(default) } else { port.filter(|it| Some(*it) != default) };
    match sent {
        Some(port) => format!("{host}:{port}"),
        None => host,
    }
}

fn title_case(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_uppercase() + rest
    });
    words.collect::<Vec<_>>().join("-")
}

/// The body's bytes behind the head.
pub(super) fn check_body(framing: Framing, wire: &[u8], asked: &[&[u8]], trailers: &HeaderMap) {
    let asked = asked.concat();
    match framing {
        Framing::None => assert!(wire.is_empty() && asked.is_empty(), "a body that nobody announced"),
        Framing::Length(length) => {
            assert_eq!(wire, asked, "the body");
            assert_eq!(wire.len() as u64, length, "its length");
        }
        Framing::Chunked => {
            let Chunked::Whole { data, trailers: lines, rest } = reference::chunked(wire) else {
                panic!("the chunks are not whole: {}", wire.escape_ascii());
            };
            assert_eq!((data, rest), (asked, &b""[..]), "the body, and nothing behind it");
            check_trailers(&lines, trailers);
        }
    }
}

/// Those that were asked for, in their order, but for those that mean something before the body.
fn check_trailers(lines: &[&[u8]], asked: &HeaderMap) {
    let mut lines = lines.iter();
    for (name, value) in asked {
        let line = [name.as_str().as_bytes(), b": ", value.as_bytes()].concat();
        if FORBIDDEN.contains(&name.as_str()) {
            continue;
        }
        assert_eq!(lines.next(), Some(&&line[..]), "the trailers of {asked:?}");
    }
    assert_eq!(lines.next(), None, "a trailer that nobody asked for");
}

/// RFC 9110 §6.5.1, and what older clients and servers take for framing.
const FORBIDDEN: [&str; 23] = [
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
];

/// Whether a server would take it for a request with all of its body.
pub(super) fn is_whole(wire: &[u8]) -> bool {
    let Some(end) = position(wire, b"\r\n\r\n") else { return false };
    let (head, body) = wire.split_at(end + 4);
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    if head.lines().any(|line| line == "transfer-encoding: chunked") {
        return matches!(reference::chunked(body), Chunked::Whole { .. });
    }
    length.map_or(0, |it| it.trim().parse().expect("digits")) <= body.len() as u64
}

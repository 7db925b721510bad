//! What a client made of a case, beside what it was to make of it.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, Version};

use super::{Expected, Kind, escape};

/// What a caller saw of one exchange.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The head, if there was one.
    pub head: Option<(Version, u16, HeaderMap)>,
    /// As much of the body as came.
    pub body: Vec<u8>,
    /// The trailers.
    pub trailers: HeaderMap,
    /// What could be read of a connection that was handed out.
    pub upgraded: Option<Vec<u8>>,
    /// Why there is no more.
    pub error: Option<(Kind, String)>,
}

/// Where the two part: the name of what was expected, as the table has it, and both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `status`, `field x-a`, `body` …
    pub what: String,
    /// What the table says.
    pub expected: String,
    /// What was seen.
    pub seen: String,
}

impl Expected {
    /// Everything in which the two differ.
    #[must_use]
    pub fn compare(&self, seen: &Seen) -> Vec<Difference> {
        let mut found = Vec::new();
        let mut look = |what: &str, expected: String, seen: String| {
            if expected != seen {
                found.push(Difference { what: what.to_owned(), expected, seen });
            }
        };
        let head = seen.head.as_ref();
        let or_none = |status: Option<u16>| status.map_or_else(|| "none".to_owned(), |it| it.to_string());
        look("status", or_none(self.status), or_none(head.map(|(_, status, _)| *status)));
        if let Some(version) = self.version {
            let seen = head.map_or_else(|| "none".to_owned(), |(version, ..)| format!("{version:?}"));
            look("version", format!("{version:?}"), seen);
        }
        for (name, values) in &self.fields {
            let seen = head.map_or_else(String::new, |(.., headers)| list(headers.get_all(name)));
            look(&format!("field {name}"), list(values), seen);
        }
        if let Some(body) = &self.body {
            look("body", short(body), short(&seen.body));
        }
        look(
            "trailers",
            lines(self.trailers.iter().map(|(name, value)| (name, value))),
            lines(&seen.trailers),
        );
        let or_no = |bytes: Option<&Vec<u8>>| bytes.map_or_else(|| "no".to_owned(), |it| short(it));
        look("upgraded", or_no(self.upgraded.as_ref()), or_no(seen.upgraded.as_ref()));
        match (&self.error, &seen.error) {
            (Some((kind, text)), Some((seen_kind, seen_text))) => {
                look("error kind", kind.name().to_owned(), seen_kind.name().to_owned());
                if !seen_text.contains(text.as_str()) {
                    look("error text", text.clone(), seen_text.clone());
                }
            }
            (expected, seen) => {
                let show = |error: &Option<(Kind, String)>| {
                    error
                        .as_ref()
                        .map_or_else(|| "none".to_owned(), |(kind, text)| format!("{}: {text}", kind.name()))
                };
                look("error", show(expected), show(seen));
            }
        }
        found
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected `{}`, saw `{}`", self.what, self.expected, self.seen)
    }
}

fn list<'a>(values: impl IntoIterator<Item = &'a HeaderValue>) -> String {
    let values: Vec<_> = values.into_iter().map(|value| escape(value.as_bytes())).collect();
    if values.is_empty() { "absent".to_owned() } else { values.join(" | ") }
}

fn lines<'a>(fields: impl IntoIterator<Item = (&'a HeaderName, &'a HeaderValue)>) -> String {
    let all = fields.into_iter().map(|(name, value)| format!("{name}: {}", escape(value.as_bytes())));
    all.collect::<Vec<_>>().join(" | ")
}

/// A body for a message: a long one by its length, a sum of its bytes and its ends.
fn short(bytes: &[u8]) -> String {
    const SHOWN: usize = 64;
    if bytes.len() <= 2 * SHOWN {
        return escape(bytes);
    }
    let sum = bytes.iter().fold(0_u64, |sum, &byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let (start, end) = (escape(&bytes[..SHOWN]), escape(&bytes[bytes.len() - SHOWN..]));
    format!("{start}…{end} ({} bytes, sum {sum:x})", bytes.len())
}

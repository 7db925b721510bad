//! Where hyper and we differ, and why each is meant.
//!
//! A rule looks at the bytes and at what hyper made of them, not only at our own word: that we say "a bad
//! coding" explains nothing unless hyper too saw a coding that is not plain `chunked`. Where both refuse a
//! response there is no difference.

use keepalive::CloseReason;

use super::Case;
use crate::reading::Stand;

/// A difference, and why it is one.
struct Rule {
    why: &'static str,
    is: fn(&Case<'_>) -> bool,
}

/// The reasons that explain the difference.
pub(super) fn reasons(case: &Case<'_>) -> impl Iterator<Item = &'static str> {
    RULES.iter().filter(|rule| (rule.is)(case)).map(|rule| rule.why)
}

/// All there are.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|rule| rule.why)
}

const RULES: &[Rule] = &[
    Rule {
        why: "length and coding together are an error here (RFC 9112 §6.3 item 3 suspects smuggling); \
              there the coding wins",
        is: |case| {
            case.we_refuse("LengthAndCoding")
                && case.saw("transfer-encoding").next().is_some()
                && case.saw("content-length").next().is_some()
        },
    },
    Rule {
        why: "a coding that nobody asked for would hand out undecoded bytes (RFC 9112 §7.4), so only \
              one plain `chunked` is read here; there the last one decides, and all others mean a body \
              until the end",
        is: |case| case.we_refuse("Coding") && !case.is_plainly_chunked(),
    },
    Rule {
        why: "an empty element of a list is none (RFC 9110 §5.6.1); there, as the last one, it hides \
              the `chunked` before it",
        is: |case| {
            let last = case.saw("transfer-encoding").last().and_then(|line| line.rsplit(',').next());
            last.is_some_and(|element| element.trim().is_empty())
        },
    },
    Rule {
        why: "a 101 that nobody asked for is an error here (RFC 9110 §15.2.2); there it ends the \
              connection",
        is: |case| {
            case.we_refuse("UnaskedUpgrade") && case.their_status() == Some(101) && !case.asked.upgrade
        },
    },
    Rule {
        why: "more than 32 responses of 1xx would outlast every time limit; there is no such limit \
              there",
        is: |case| case.we_refuse("TooManyInformational") && count(case.wire, b"HTTP/1.") > 32,
    },
    Rule {
        why: "what cannot become a response is one here at its first bad byte; there a line of it is \
              waited for",
        is: |case| {
            let begins = |with: &[u8]| case.ours.unread.iter().zip(with).all(|(a, b)| a == b);
            (case.we_refuse("NotHttp") || case.we_refuse("Version"))
                && case.theirs.stand == Stand::Waiting
                && case.theirs.head.is_none()
                && !begins(b"HTTP/1.")
        },
    },
    Rule {
        why: "more than four empty lines before a response are no slip; there they have no limit",
        is: |case| {
            let line_ends =
                case.wire.split(|&b| b == b'\n').take_while(|line| matches!(**line, [] | [b'\r']));
            case.we_refuse("NotHttp") && line_ends.count() > 4
        },
    },
    Rule {
        why: "a continuation of nothing is an error here when its line is whole, there when the head \
              is",
        is: |case| {
            case.we_refuse("Field")
                && case.theirs.stand == Stand::Waiting
                && case.theirs.head.is_none()
                && matches!(case.ours.unread.split(|&b| b == b'\n').nth(1), Some([b' ' | b'\t', ..]))
        },
    },
    Rule {
        why: "a control byte in a chunk's extension is an error here (RFC 9112 §7.1.1); there all but \
              LF is skipped",
        is: |case| {
            let first = case.ours.unread.first();
            case.we_refuse("ChunkExtension") && first.is_some_and(|b| b.is_ascii_control() && *b != b'\t')
        },
    },
    Rule {
        why: "blanks behind a chunk's size are an error here: two parsers that disagree about a chunk \
              disagree about where the next response begins; there they are skipped",
        is: |case| case.we_refuse("ChunkSize") && matches!(case.ours.unread.first(), Some(b' ' | b'\t')),
    },
    Rule {
        why: "a chunk's size has at most 16 digits here; there leading zeros have no limit",
        is: |case| {
            let digits = case
                .wire
                .split(|b| !b.is_ascii_hexdigit())
                .any(|run| run.len() > 16 && run.starts_with(b"0"));
            case.we_refuse("ChunkSize") && digits
        },
    },
    Rule {
        why: "one extension has at most 4 KiB here, all of them 16 KiB more than the data; there all \
              of them 16 KiB",
        is: |case| case.we_refuse("ChunkExtensionTooLong") && case.wire.len() > 4096,
    },
    Rule {
        why: "only CRLF ends a trailer's line here, since the end of the message hangs on it, and a \
              line that is wrong is so at once; there a bare LF passes in a trailer, and all of them \
              are judged when they are whole",
        is: |case| {
            let lines = case.ours.unread.split_inclusive(|&b| b == b'\n');
            let is_bare = |line: &[u8]| line.ends_with(b"\n") && !line.ends_with(b"\r\n");
            case.we_refuse("Trailer")
                && (lines.clone().any(is_bare)
                    || case.ours.unread.starts_with(b" ")
                    || case.ours.unread.starts_with(b"\t"))
        },
    },
    Rule {
        why: "64 trailers are more than anybody sends; there 100 are taken",
        is: |case| case.we_refuse("TooManyTrailers") && count(&case.ours.unread, b"\n") > 64,
    },
    Rule {
        why: "every HTTP/1.x is read as what it extends (RFC 9110 §2.5); there only 1.0 and 1.1",
        is: |case| {
            let later = (b'2'..=b'9').any(|minor| count(case.wire, &[b"HTTP/1.", &[minor][..]].concat()) > 0);
            case.they_refuse("Parse(Version)") && later
        },
    },
    Rule {
        why: "a field's continuation is read as a blank here (RFC 9112 §5.2); there it is an error \
              unless one asks for it",
        is: |case| {
            let folded = count(case.wire, b"\n ") + count(case.wire, b"\n\t") > 0;
            folded && (case.they_refuse("Header") || case.they_refuse("InvalidInput"))
        },
    },
    Rule {
        why: "a head has up to 128 fields here, and 100 there",
        is: |case| case.they_refuse("Parse(TooLarge)") && count(case.wire, b"\n") > 100,
    },
    Rule {
        why: "a head with more fields than it may have is refused here when the first too many is there; \
              there the end of the head is waited for",
        is: |case| {
            case.we_refuse("TooManyFields")
                && case.theirs.stand == Stand::Waiting
                && case.theirs.head.is_none()
                && count(case.wire, b"\n") > 128
        },
    },
    Rule {
        why: "there the two largest lengths of 64 bits stand for something else",
        is: |case| {
            case.they_refuse("Parse(TooLarge)") && case.ours.announced.is_some_and(|all| all > u64::MAX - 2)
        },
    },
    Rule {
        why: "a head is judged here when it is whole, for the price of one look at each byte; there \
              after each read",
        is: |case| case.they_refuse("") && case.ours.stand == Stand::Waiting && case.ours.head.is_none(),
    },
    Rule {
        why: "so are trailers",
        is: |case| {
            case.they_refuse("Body") && case.ours.stand == Stand::Waiting && !case.ours.unread.is_empty()
        },
    },
    Rule {
        why: "trailers that speak of the connection or the framing are dropped here (RFC 9110 §6.5.1)",
        is: |case| {
            let is_kept = |line: &&str| !FRAMING.contains(&name(line));
            // The order of fields of different names means nothing (RFC 9110 §5.3).
            let sorted = |text: &Option<String>| {
                let text = text.as_deref().unwrap_or_default();
                let mut lines: Vec<_> = text.lines().filter(is_kept).map(str::to_owned).collect();
                lines.sort_by(|a, b| name(a).cmp(name(b)));
                lines
            };
            case.ours.stand == case.theirs.stand
                && case.theirs.trailers.as_deref().is_some_and(|it| !it.lines().all(|line| is_kept(&line)))
                && sorted(&case.ours.trailers) == sorted(&case.theirs.trailers)
        },
    },
    Rule {
        why: "a token is read beside bytes beyond ASCII, which are legal in a value (RFC 9110 §5.5); there such \
              a Connection field says nothing",
        is: |case| {
            case.ours.stand == Stand::Whole
                && case.theirs.stand == Stand::Whole
                && case.saw("connection").any(|value| value.contains("\\x"))
        },
    },
    Rule {
        why: "`close` in a 1xx counts (RFC 9112 §9.6 makes no difference between responses); there it \
              is passed over with the rest of it",
        is: |case| {
            let is_close = |value: &str| value.split(',').any(|it| it.trim().eq_ignore_ascii_case("close"));
            case.ours.verdict == Some(CloseReason::ResponseSaidClose)
                && case.ours.stand == case.theirs.stand
                && count(case.wire, b"HTTP/1.") > 1
                && !case.saw("connection").any(is_close)
        },
    },
    Rule {
        why: "every 2xx to CONNECT opens a tunnel (RFC 9112 §6.3 item 2); there a 204 does not",
        is: |case| {
            case.asked.connect && case.their_status() == Some(204) && case.ours.stand == Stand::Switched
        },
    },
];

impl Case<'_> {
    /// We do, by this rule, and hyper does not.
    fn we_refuse(&self, kind: &str) -> bool {
        let failed = matches!(&self.ours.stand, Stand::Failed(it) if it.split('(').next() == Some(kind));
        failed && !matches!(self.theirs.stand, Stand::Failed(_))
    }

    /// hyper does, with such an error, and we do not.
    fn they_refuse(&self, error: &str) -> bool {
        let failed = matches!(&self.theirs.stand, Stand::Failed(it) if it.contains(error));
        failed && !matches!(self.ours.stand, Stand::Failed(_))
    }

    fn their_status(&self) -> Option<u16> {
        self.theirs.head.as_ref().map(|head| head.status)
    }

    /// The values of a field in the head as hyper has it.
    fn saw<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let fields = self.theirs.head.as_ref().map_or("", |head| &head.fields);
        fields.lines().filter_map(move |line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    fn is_plainly_chunked(&self) -> bool {
        let codings: Vec<_> = self.saw("transfer-encoding").collect();
        matches!(codings[..], [one] if one.eq_ignore_ascii_case("chunked"))
    }
}

/// A field line's.
fn name(line: &str) -> &str {
    line.split(':').next().unwrap_or_default()
}

fn count(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).filter(|window| *window == what).count()
}

const FRAMING: [&str; 9] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

//! Responses that are nearly those of the table, and how two clients differ about them.
//!
//! There are too many to be listed one by one, so what differs has a key: who refuses, and with which words; or
//! what both answer and not alike. `proof/cases/differences-mutants.txt` has for each key a sentence and an example:
//!
//! ```text
//! - why it differs, and why ours is right
//! hyper refuses: invalid HTTP version parsed
//! > HTTP/1.7 200 OK\r\nContent-Length: 0\r\n\r\n
//! ```

use std::path::Path;

use keepalive::CloseReason;
use proof::cases::{Case, End, Seen, unescape};

use super::hyper::hyper;
use crate::wire::Random;

/// Whether mutants are made of this case.
pub(crate) fn is_fit(case: &Case) -> bool {
    let [exchange] = &case.exchanges[..] else { return false };
    let length = exchange.segments.concat().len();
    let answered = exchange.expected.upgraded.is_none() && exchange.ask.fields.is_empty();
    answered
        && !exchange.ask.one_shot
        && exchange.ask.method != http::Method::CONNECT
        && (1..4096).contains(&length)
}

/// The case with other bytes, and the end of the connection behind them.
pub(crate) fn with_bytes(case: &Case, bytes: Vec<u8>) -> Case {
    let mut case = Case { end: End::Fin, ..case.clone() };
    case.exchanges[0].segments = vec![bytes];
    case
}

/// One or two small changes to the case's bytes.
pub(crate) fn mutant(case: &Case, random: &mut Random) -> Vec<u8> {
    let mut bytes = case.bytes();
    for _ in 0..=random.below(2) {
        change(&mut bytes, random);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let piece = PIECES[random.below(PIECES.len())];
    match random.below(6) {
        0 => drop(bytes.splice(at..at, piece.iter().copied())),
        1 if at < bytes.len() => drop(bytes.remove(at)),
        2 if at < bytes.len() => drop(bytes.splice(at..=at, piece.iter().copied())),
        3 if at < bytes.len() => bytes[at] = random.next() as u8,
        4 if at < bytes.len() => bytes[at] ^= 0x20,
        // A line goes, or comes again, somewhere else.
        _ => {
            let mut lines: Vec<_> = bytes.split_inclusive(|&it| it == b'\n').map(<[u8]>::to_vec).collect();
            let from = random.below(lines.len().max(1));
            let Some(line) = lines.get(from).cloned() else { return };
            if random.below(2) == 0 {
                lines.remove(from);
            }
            let to = random.below(lines.len() + 1);
            lines.insert(to, line);
            *bytes = lines.concat();
        }
    }
}

/// What means something to a parser.
const PIECES: [&[u8]; 22] = [
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b"\0",
    b":",
    b",",
    b";",
    b"0",
    b"1",
    b"-",
    b"\xff",
    b"\r\n ",
    b"\r\n\r\n",
    b"0\r\n\r\n",
    b"a: b\r\n",
    b"Content-Length: 2\r\n",
    b"Content-Length: 3\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"HTTP/1.1 200 OK\r\n",
];

/// What two clients that do not differ made of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Both {
    Refuse,
    Answer,
}

/// What ours and hyper make of a case whose server closes; the error is how they differ.
pub(crate) fn compare(case: &Case, ours: &Seen, reason: CloseReason) -> Result<Both, String> {
    let theirs = hyper(case).seen.pop().expect("there is one exchange");
    match (&ours.error, &theirs.error) {
        (Some(_), Some(_)) => return Ok(Both::Refuse),
        (Some((_, text)), None) => return Err(format!("we refuse: {}", plain(text))),
        (None, Some((_, text))) => return Err(format!("hyper refuses: {}", plain(text))),
        (None, None) => {}
    }
    let (Some((version, status, fields)), Some((_, their_status, their_fields))) = (&ours.head, &theirs.head)
    else {
        return Err("an answer without a head".to_owned());
    };
    if status != their_status {
        return Err("both answer: status".to_owned());
    }
    if fields != their_fields {
        return Err("both answer: fields".to_owned());
    }
    if ours.body != theirs.body {
        return Err("both answer: body".to_owned());
    }
    if ours.trailers != theirs.trailers {
        return Err("both answer: trailers".to_owned());
    }
    // What ends only because the server closed it would have been kept. The Keep-Alive field is for a pool, which
    // hyper's connection is not, and which of the two comes first is chance.
    let kept = matches!(reason, CloseReason::ClosedByServer | CloseReason::KeepAliveHint);
    let theirs_kept = hyper(&Case { end: End::Open, ..case.clone() }).kept;
    match (kept, theirs_kept) {
        (true, false) => Err(format!("only we keep: {version:?}")),
        (false, true) => Err(format!("only hyper keeps: {}", reason.name())),
        _ => Ok(Both::Answer),
    }
}

/// An error's text without the bytes and numbers that it shows.
fn plain(text: &str) -> String {
    let text = text.split('`').next().unwrap_or_default();
    let mut plain = String::new();
    for part in text.split_inclusive(|it: char| !it.is_ascii_digit()) {
        match part.find(|it: char| !it.is_ascii_digit()) {
            Some(digits) if digits > 0 => {
                plain.push('N');
                plain.push_str(&part[digits..]);
            }
            _ => plain.push_str(part),
        }
    }
    plain.trim_end().to_owned()
}

/// A listed key and a response that shows it.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) key: String,
    pub(crate) example: Vec<u8>,
}

/// The committed keys. Each has a reason and an example, or this panics.
pub(crate) fn listed() -> Vec<Listed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/differences-mutants.txt");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut all: Vec<Listed> = Vec::new();
    let mut has_reason = false;
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with("- ") {
            has_reason = true;
        } else if let Some(bytes) = line.strip_prefix("> ") {
            let last = all.last_mut().unwrap_or_else(|| panic!("no key is before {line}"));
            last.example.extend(unescape(bytes).unwrap_or_else(|error| panic!("{line}: {error}")));
        } else {
            assert!(has_reason, "no sentence explains {line}");
            all.push(Listed { key: line.to_owned(), example: Vec::new() });
        }
    }
    assert!(all.iter().all(|it| !it.example.is_empty()), "a key has no example: {all:?}");
    all
}

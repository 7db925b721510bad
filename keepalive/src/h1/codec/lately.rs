//! The field lines that this thread saw lately, and what was made of them.
//!
//! A server says `server`, `date` and `content-type` in the same words over and over. A line that is found
//! here went through every check before, byte for byte. It is a help only: a miss is taken apart.
//!
//! Never in it: what may be meant for one reader (a cookie, a token, a tag, a place to go to). Only the fields
//! of [`is_public`] come in, and those when they are seen twice, so that a line that does not repeat costs a
//! look and no memory. Bounded: [`SLOTS`] lines per thread of [`LONGEST`] bytes; each line has one slot, the
//! last one to come has it. Called by `quick`.

use std::cell::RefCell;

use http::header as h;
use http::{HeaderName, HeaderValue};

use super::present::Present;

/// More lines than the servers of a thread repeat at a time, as a rule.
const SLOTS: usize = 64;

/// Longer than what servers repeat.
const LONGEST: usize = 128;

struct Slot {
    /// The mark of the public line that was here last.
    seen: u64,
    line: Option<Line>,
}

struct Line {
    text: Box<[u8]>,
    name: HeaderName,
    value: HeaderValue,
    present: Present,
}

thread_local! {
    static LATELY: RefCell<[Slot; SLOTS]> = const { RefCell::new([const { Slot { seen: 0, line: None } }; SLOTS]) };
}

/// What was made of such a line, if one was on this thread lately.
pub(super) fn find(text: &[u8]) -> Option<(HeaderName, HeaderValue, Present)> {
    let find = |lately: &RefCell<[Slot; SLOTS]>| {
        let lately = lately.borrow();
        let line = lately[slot(mark(text))].line.as_ref()?;
        (*line.text == *text).then(|| (line.name.clone(), line.value.clone(), line.present))
    };
    // A thread that ends may still have responses.
    LATELY.try_with(find).ok().flatten()
}

/// Keeps what was made of such a line, if it is fit for that and not seen for the first time.
pub(super) fn keep(text: &[u8], name: &HeaderName, value: &HeaderValue) {
    if !is_public(name) || text.len() > LONGEST {
        return;
    }
    let mark = mark(text);
    // If the thread ends, nobody will ask.
    _ = LATELY.try_with(|lately| {
        let slot = &mut lately.borrow_mut()[slot(mark)];
        if slot.seen != mark {
            slot.seen = mark;
        } else if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            // A copy: the head that it came with is not to live on with it.
            let present = Present::of_name(name);
            slot.line = Some(Line { text: text.into(), name: name.clone(), value, present });
        }
    });
}

/// Fields that describe a message or its server, whoever reads it.
fn is_public(name: &HeaderName) -> bool {
    matches!(
        *name,
        h::ACCEPT_RANGES
            | h::CACHE_CONTROL
            | h::CONNECTION
            | h::CONTENT_ENCODING
            | h::CONTENT_LENGTH
            | h::CONTENT_TYPE
            | h::DATE
            | h::SERVER
            | h::TRANSFER_ENCODING
            | h::VARY
    )
}

/// Lines with the same one only take each other's slot, so this need not withstand an attack.
fn mark(text: &[u8]) -> u64 {
    /// 2^64 divided by the golden ratio: spreads what differs in a few bits over the upper ones.
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    // Lines that begin and end alike are rare.
    let first = text.first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
    let last = text.last_chunk().map_or(0, |last| u64::from_le_bytes(*last));
    (first ^ last.rotate_left(23) ^ text.len() as u64).wrapping_mul(SPREAD)
}

fn slot(mark: u64) -> usize {
    (mark >> (u64::BITS - SLOTS.ilog2())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep_twice(line: &str) {
        let (name, value) = line.split_once(": ").unwrap();
        let name: HeaderName = name.parse().unwrap();
        let value: HeaderValue = value.trim_end().parse().unwrap();
        assert!(find(line.as_bytes()).is_none());
        keep(line.as_bytes(), &name, &value);
        assert!(find(line.as_bytes()).is_none(), "seen for the first time");
        keep(line.as_bytes(), &name, &value);
    }

    #[test]
    fn the_same_line_is_the_same_field() {
        keep_twice("Server: a.example/1.0\r");
        let found = find(b"Server: a.example/1.0\r").unwrap();
        assert_eq!(found, (h::SERVER, HeaderValue::from_static("a.example/1.0"), Present::NONE));
        keep_twice("Content-Length: 5\r");
        let (name, _, present) = find(b"Content-Length: 5\r").unwrap();
        assert!(name == h::CONTENT_LENGTH && present.content_length());
        for other in ["server: a.example/1.0\r", "Server: a.example/1.0", "Server: b.example/1.0\r"] {
            assert!(find(other.as_bytes()).is_none(), "{other}");
        }
    }

    #[test]
    fn what_may_be_meant_for_one_reader_stays_out() {
        for line in [
            "set-cookie: id=secret",
            "authorization: Bearer secret",
            "www-authenticate: Digest nonce=secret",
            "authentication-info: nextnonce=secret",
            "location: /reset?token=secret",
            "etag: \"for-you\"",
            "link: </secret>",
            "x-csrf-token: secret",
        ] {
            keep_twice(line);
            assert!(find(line.as_bytes()).is_none(), "{line}");
        }
    }

    #[test]
    fn long_lines_stay_out() {
        for (length, kept) in [(LONGEST, true), (LONGEST + 1, false)] {
            let line = format!("server: {}", "a".repeat(length - 8));
            keep_twice(&line);
            assert_eq!(find(line.as_bytes()).is_some(), kept, "{length}");
        }
    }

    #[test]
    fn the_last_to_come_has_the_slot() {
        let lines: Vec<_> = (0..=SLOTS).map(|number| format!("content-length: {}", number * 37)).collect();
        lines.iter().for_each(|line| keep_twice(line));
        let kept = lines.iter().filter(|line| find(line.as_bytes()).is_some()).count();
        assert!(kept <= SLOTS && kept > SLOTS / 2, "the slots are used: {kept}");
        assert!(find(lines[SLOTS].as_bytes()).is_some());
    }
}

//! A head that is there at once, with nothing odd about it: found and taken apart in one pass.
//!
//! Nearly all heads are such. It decides about nothing: whatever else comes (a part of a head, a folded
//! line, many fields, a byte that does not belong) it leaves to `scan` and `fields`, which look again from
//! the first byte and know what to say. What it takes they would take in the same way (tests/quick.rs).
//! Called by `head`, once per head.

use std::ops::Range;

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::lately;
use super::present::Present;
use super::scan::position;

/// Most heads have no more fields.
const FEW: usize = 16;

/// No head that comes in one read is longer, and what is looked at in vain stays little.
const LONGEST: usize = 16 * 1024;

/// Where the lines of a head end, behind the LF each: the status line, then the fields.
pub(super) struct Lines {
    ends: [usize; FEW + 1],
    fields: usize,
    /// Where the head ends, its empty line included.
    pub(super) end: usize,
}

impl Lines {
    /// The lines of the head that `buf` begins with, if it is whole and not odd.
    pub(super) fn of(buf: &[u8]) -> Option<Self> {
        let window = &buf[..buf.len().min(LONGEST)];
        let mut lines = Self { ends: [0; FEW + 1], fields: 0, end: 0 };
        lines.ends[0] = position::<b'\n'>(window)? + 1;
        let mut line = lines.ends[0];
        loop {
            match window[line..] {
                [b'\n', ..] => lines.end = line + 1,
                [b'\r', b'\n', ..] => lines.end = line + 2,
                // It continues the line before it.
                [b' ' | b'\t', ..] => return None,
                _ => {
                    line += position::<b'\n'>(&window[line..])? + 1;
                    lines.fields += 1;
                    *lines.ends.get_mut(lines.fields)? = line;
                    continue;
                }
            }
            return Some(lines);
        }
    }

    pub(super) fn fields(&self) -> usize {
        self.fields
    }

    pub(super) fn status_line<'a>(&self, head: &'a [u8]) -> &'a [u8] {
        &head[..self.ends[0]]
    }

    /// Takes the head off the front of `buf`, whose lines these are, and gives its fields, and which of note there
    /// are; or the head, if one is no field. Values that are not known from before share the memory.
    pub(super) fn take(&self, buf: &mut BytesMut) -> Result<(HeaderMap, Present), Bytes> {
        let mut headers = HeaderMap::with_capacity(self.fields);
        let mut present = Present::NONE;
        // Only if a value is to share it: what is left in `buf` then need not share its memory either.
        let mut head = None;
        for ends in self.ends[..=self.fields].windows(2) {
            let line = ends[0]..ends[1] - 1;
            let known = match &head {
                None => lately::find(&buf[line.clone()]),
                Some(head) => lately::find(&Bytes::as_ref(head)[line.clone()]),
            };
            let (name, value, of_name) = match known {
                Some(known) => known,
                None => {
                    let head = head.get_or_insert_with(|| buf.split_to(self.end).freeze());
                    field(head, line).ok_or_else(|| head.clone())?
                }
            };
            present = present.and(of_name);
            headers.append(name, value);
        }
        if head.is_none() {
            buf.advance(self.end);
        }
        Ok((headers, present))
    }
}

/// The field in this `line` of the head. The two types check every byte: a name has no blank, and neither has a CR.
fn field(head: &Bytes, line: Range<usize>) -> Option<(HeaderName, HeaderValue, Present)> {
    let line = &head[line];
    let colon = position::<b':'>(line)?;
    let name = HeaderName::from_bytes(&line[..colon]).ok()?;
    let value = trim(&line[colon + 1..]);
    let value = HeaderValue::from_maybe_shared(head.slice_ref(value)).ok()?;
    lately::keep(line, &name, &value);
    let present = Present::of_name(&name);
    Some((name, value, present))
}

/// Without the line's CR and the blanks around (RFC 9112 §5).
fn trim(value: &[u8]) -> &[u8] {
    let mut value = value.strip_suffix(b"\r").unwrap_or(value);
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

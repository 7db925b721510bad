//! A whole block of field lines to a `HeaderMap`. httparse splits and checks the lines; this module
//! takes obs-fold out before, and says which line was bad after.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::excerpt::Excerpt;
use super::head::MAX_FIELDS;

/// Most heads have no more fields, and clearing 128 slots takes as long as parsing six fields.
const FEW: usize = 16;

/// Parses the `count` lines of `block` from `start` to its end, the empty line. Values share the
/// block's memory.
pub(super) fn parse(block: &Bytes, start: usize, count: usize) -> Result<HeaderMap, Excerpt> {
    if count <= FEW {
        parse_into(&mut [httparse::EMPTY_HEADER; FEW], block, start)
    } else {
        parse_into(&mut [httparse::EMPTY_HEADER; MAX_FIELDS], block, start)
    }
}

fn parse_into<'a>(
    slots: &mut [httparse::Header<'a>],
    block: &'a Bytes,
    start: usize,
) -> Result<HeaderMap, Excerpt> {
    let lines = &block[start..];
    let bad = || Excerpt::of_field(bad_line(lines));
    let Ok(httparse::Status::Complete((_, fields))) = httparse::parse_headers(lines, slots) else {
        return Err(bad());
    };
    let mut headers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| bad())?;
        let value = HeaderValue::from_maybe_shared(block.slice_ref(field.value)).map_err(|_| bad())?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// Replaces every obs-fold by one space (RFC 9112 §5.2), in place: the block only gets shorter.
///
/// An obs-fold is a line end, the blanks before it, and the blanks that begin the next line.
pub(super) fn unfold(block: &mut BytesMut) {
    let mut kept = 0;
    let mut at = 0;
    while at < block.len() {
        let byte = block[at];
        at += 1;
        if byte == b'\n' && matches!(block.get(at), Some(b' ' | b'\t')) {
            if kept > 0 && block[kept - 1] == b'\r' {
                kept -= 1;
            }
            while kept > 0 && matches!(block[kept - 1], b' ' | b'\t') {
                kept -= 1;
            }
            while matches!(block.get(at), Some(b' ' | b'\t')) {
                at += 1;
            }
            block[kept] = b' ';
        } else {
            block[kept] = byte;
        }
        kept += 1;
    }
    block.truncate(kept);
}

/// The first line that is no field line: httparse does not say which one it stumbled over.
fn bad_line(lines: &[u8]) -> &[u8] {
    let is_field = |line: &[u8]| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        line.iter().position(|&b| b == b':').is_some_and(|colon| {
            HeaderName::from_bytes(&line[..colon]).is_ok()
                && HeaderValue::from_bytes(&line[colon + 1..]).is_ok()
        })
    };
    lines.split(|&b| b == b'\n').find(|line| !is_field(line)).unwrap_or(lines)
}

//! A response's head: found while it arrives, parsed once (RFC 9112 §4, §5).
//!
//! It is not the meaning of the head: `length` and `response` read that. Called by `response`.
//!
//! ```text
//! bytes ─► empty lines skipped ─► "HTTP/1." seen ─► end found ─► Head
//!               └──── anything else: an error at once ─┘  (`quick` for nearly all, else `scan` and `fields`)
//! ```

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, StatusCode, Version};

use super::error::ProtocolError;
use super::excerpt::Excerpt;
use super::fields;
use super::present::Present;
use super::quick::Lines;
use super::scan::{Block, Scanner, position};

/// Node's limit is 16 KiB, curl's 300, hyper's 408. 64 KiB leaves room for many large cookies, and
/// bounds what a hostile server can make a socket hold.
pub(crate) const MAX_HEAD: usize = 64 * 1024;

/// hyper's is 100; Go counts bytes only. Real heads have below 50.
pub(crate) const MAX_FIELDS: usize = 128;

/// RFC 9112 §2.2 lets servers skip empty lines before a request. Clients need it for servers that
/// write one line end too many after a body; more than a few is no such slip.
const MAX_EMPTY_LINES: u8 = 4;

const START: &[u8] = b"HTTP/1.";

/// The status line and the header fields. The reason phrase is dropped, as RFC 9112 §4 suggests.
#[derive(Debug)]
pub(crate) struct Head {
    /// HTTP/1.0, or HTTP/1.1 for every 1.x from there on (RFC 9110 §2.5).
    pub(crate) version: Version,
    /// 100 to 999.
    pub(crate) status: StatusCode,
    /// Values share the memory the head was read into.
    pub(crate) headers: HeaderMap,
}

/// Waits for one head.
#[derive(Debug)]
pub(super) struct HeadScanner {
    empty_lines: u8,
    started: bool,
    pub(super) scanner: Scanner,
}

impl HeadScanner {
    pub(super) fn new() -> Self {
        Self { empty_lines: 0, started: false, scanner: Scanner::new(Block::Head) }
    }

    /// Takes a whole head off the front of `buf`, and says which fields of note it has; None if more bytes are
    /// needed.
    pub(super) fn take(&mut self, buf: &mut BytesMut) -> Result<Option<(Head, Present)>, ProtocolError> {
        if !self.started {
            self.skip_empty_lines(buf)?;
            check_start(buf)?;
            if buf.len() < START.len() {
                return Ok(None);
            }
            self.started = true;
            if let Some(lines) = Lines::of(buf) {
                return quick(buf, &lines).map(Some);
            }
        }
        let Some(end) = self.scanner.end(buf)? else { return Ok(None) };
        let mut block = buf.split_to(end);
        if self.scanner.is_folded() {
            fields::unfold(&mut block);
        }
        parse(&block.freeze(), self.scanner.fields()).map(Some)
    }

    fn skip_empty_lines(&mut self, buf: &mut BytesMut) -> Result<(), ProtocolError> {
        while let Some(length) = empty_line(buf) {
            if self.empty_lines == MAX_EMPTY_LINES {
                return Err(ProtocolError::NotHttp(Excerpt::of(buf)));
            }
            self.empty_lines += 1;
            buf.advance(length);
        }
        Ok(())
    }
}

fn empty_line(buf: &[u8]) -> Option<usize> {
    match buf {
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => None,
    }
}

/// Fails as soon as `buf` cannot become `HTTP/1.…`: an SSH, TLS or SMTP server behind the port would
/// otherwise be waited for until a time limit runs out.
fn check_start(buf: &[u8]) -> Result<(), ProtocolError> {
    let seen = buf.len().min(START.len());
    if buf[..seen] == START[..seen] || buf == b"\r" {
        Ok(())
    } else if buf.starts_with(b"HTTP/") {
        Err(ProtocolError::Version(Excerpt::of_line(buf)))
    } else {
        Err(ProtocolError::NotHttp(Excerpt::of_line(buf)))
    }
}

/// A head whose lines are known. Where it is not as it should be, the long way says what is wrong.
fn quick(buf: &mut BytesMut, lines: &Lines) -> Result<(Head, Present), ProtocolError> {
    let started = status_line(lines.status_line(buf));
    let taken = lines.take(buf);
    let (version, status) = started?;
    match taken {
        Ok((headers, present)) => Ok((Head { version, status, headers }, present)),
        Err(block) => parse(&block, lines.fields()),
    }
}

/// Parses a block that begins with `HTTP/1.` and ends with an empty line, `count` fields between.
fn parse(block: &Bytes, count: usize) -> Result<(Head, Present), ProtocolError> {
    let start = position::<b'\n'>(block).map_or(block.len(), |lf| lf + 1);
    let (version, status) = status_line(&block[..start])?;
    let headers = fields::parse(block, start, count).map_err(ProtocolError::Field)?;
    let present = Present::of(&headers);
    Ok((Head { version, status, headers }, present))
}

/// `HTTP/1.x NNN reason`. The reason may be empty and the space before it missing: many servers
/// leave it out. Not httparse's job because it knows the versions 1.0 and 1.1 only.
fn status_line(line: &[u8]) -> Result<(Version, StatusCode), ProtocolError> {
    // The line that nearly all have, at one look.
    if line == b"HTTP/1.1 200 OK\r\n" {
        return Ok((Version::HTTP_11, StatusCode::OK));
    }
    let bad = || ProtocolError::StatusLine(Excerpt::of_line(line));
    let rest = line.strip_suffix(b"\n").unwrap_or(line);
    let rest = rest.strip_suffix(b"\r").unwrap_or(rest);
    let [minor, b' ', status @ ..] = &rest[START.len()..] else { return Err(bad()) };
    let version = match minor {
        b'0' => Version::HTTP_10,
        b'1'..=b'9' => Version::HTTP_11,
        _ => return Err(bad()),
    };
    let (status, reason) = status.split_at_checked(3).ok_or_else(bad)?;
    let is_text = |&b: &u8| b == b'\t' || (b >= b' ' && b != 0x7f);
    if !(reason.is_empty() || reason[0] == b' ') || !reason.iter().all(is_text) {
        return Err(bad());
    }
    let status = StatusCode::from_bytes(status).map_err(|_| bad())?;
    Ok((version, status))
}

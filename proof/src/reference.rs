//! Parsers of our own for what is compared: over the whole bytes, simple, and sharing no code with the library.

/// What a chunked body is (RFC 9112 §7.1), with CRLF only and no blanks around a size.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Chunked<'a> {
    /// The content, the lines of the trailer section, and what follows.
    Whole { data: Vec<u8>, trailers: Vec<&'a [u8]>, rest: &'a [u8] },
    /// More bytes may make it whole.
    Partial { data: Vec<u8> },
    /// None may.
    Bad { data: Vec<u8> },
}

/// Reads one. Extensions may have 4 KiB each, and in all 16 KiB more than the data before them.
pub(crate) fn chunked(wire: &[u8]) -> Chunked<'_> {
    let (mut data, mut rest, mut extensions) = (Vec::new(), wire, 0);
    loop {
        let (line, after) = match line(rest) {
            Line::Ended(line, after) => (line, after),
            // A bad line may be seen to be bad before its end comes.
            Line::Open(b"") => return Chunked::Partial { data },
            Line::Open(open) | Line::AtLf(open) => {
                let is_good = size_line(open, data.len(), extensions).is_some();
                return if is_good { Chunked::Partial { data } } else { Chunked::Bad { data } };
            }
            Line::Bad => return Chunked::Bad { data },
        };
        let Some((size, extension)) = size_line(line, data.len(), extensions) else {
            return Chunked::Bad { data };
        };
        extensions += extension;
        rest = after;
        if size == 0 {
            return trailers(data, rest);
        }
        let there = usize::try_from(size).unwrap_or(usize::MAX).min(rest.len());
        data.extend_from_slice(&rest[..there]);
        rest = &rest[there..];
        if (there as u64) < size {
            return Chunked::Partial { data };
        }
        rest = match rest {
            [b'\r', b'\n', after @ ..] => after,
            [] | [b'\r'] => return Chunked::Partial { data },
            _ => return Chunked::Bad { data },
        };
    }
}

enum Line<'a> {
    Ended(&'a [u8], &'a [u8]),
    Open(&'a [u8]),
    /// Its CR came.
    AtLf(&'a [u8]),
    Bad,
}

/// Up to CRLF; a CR or an LF alone is bad.
fn line(wire: &[u8]) -> Line<'_> {
    match wire.iter().position(|&b| b == b'\r' || b == b'\n') {
        None => Line::Open(wire),
        Some(at) => match &wire[at..] {
            [b'\r'] => Line::AtLf(&wire[..at]),
            [b'\r', b'\n', after @ ..] => Line::Ended(&wire[..at], after),
            _ => Line::Bad,
        },
    }
}

/// The size, and how long the extension is.
fn size_line(line: &[u8], data: usize, extensions: usize) -> Option<(u64, usize)> {
    let text: String = line.iter().map(|&b| char::from(b)).collect();
    let (digits, extension) = text.split_once(';').unwrap_or((&text, ""));
    let is_hex = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_hexdigit());
    let is_text = extension.chars().all(|c| c == '\t' || !c.is_ascii_control());
    let length = extension.chars().count();
    let is_short = digits.len() <= 16 && length <= 4096 && extensions + length <= 16 * 1024 + data;
    if !(is_hex && is_text && is_short) {
        return None;
    }
    Some((u64::from_str_radix(digits, 16).ok()?, length))
}

/// Lines up to an empty one. Whether each is a field is somebody else's question.
fn trailers(data: Vec<u8>, wire: &[u8]) -> Chunked<'_> {
    let mut lines = Vec::new();
    let mut rest = wire;
    while let Some(lf) = rest.iter().position(|&b| b == b'\n') {
        let Some(line) = rest[..lf].strip_suffix(b"\r") else { return Chunked::Bad { data } };
        rest = &rest[lf + 1..];
        if line.is_empty() {
            return Chunked::Whole { data, trailers: lines, rest };
        }
        lines.push(line);
    }
    Chunked::Partial { data }
}

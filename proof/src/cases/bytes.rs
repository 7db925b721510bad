//! Bytes as the table writes them: readable, and exact.

/// The bytes that `text` stands for, or what is wrong with it.
///
/// ```
/// assert_eq!(proof::cases::unescape(r"a\r\n\x00{bc*2}").unwrap(), b"a\r\n\0bcbc");
/// assert!(proof::cases::unescape(r"\q").is_err());
/// ```
///
/// # Errors
///
/// An unknown escape, a repetition that is none, or a byte that has to be written as an escape.
pub fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match first {
            '{' => {
                let end = closing(rest).ok_or_else(|| format!("no `}}` ends the repetition `{rest}`"))?;
                bytes.extend(repeated(&rest[1..end])?);
                rest = &rest[end + 1..];
            }
            '}' => return Err("a `}` without `{`, or one that has to be `\\}`".to_owned()),
            '\\' => {
                let (byte, length) = escaped(&rest[1..])?;
                bytes.push(byte);
                rest = &rest[1 + length..];
            }
            ' '..='~' => {
                bytes.push(first as u8);
                rest = &rest[1..];
            }
            other => return Err(format!("{other:?} has to be written as `\\xHH`")),
        }
    }
    Ok(bytes)
}

/// Bytes as the table writes them, without repetitions.
///
/// ```
/// assert_eq!(proof::cases::escape(b"a\r\n\xff{"), r"a\r\n\xff\{");
/// ```
#[must_use]
pub fn escape(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, &byte| {
        match byte {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'\\' | b'{' | b'}' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
        text
    })
}

/// One escape behind its backslash, and how long it is.
fn escaped(text: &str) -> Result<(u8, usize), String> {
    let byte = match text.as_bytes().first() {
        Some(b'r') => b'\r',
        Some(b'n') => b'\n',
        Some(b't') => b'\t',
        Some(&byte @ (b'\\' | b'{' | b'}')) => byte,
        Some(b'x') => {
            let digits = text.get(1..3).filter(|it| it.bytes().all(|b| b.is_ascii_hexdigit()));
            let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            return byte.map(|byte| (byte, 3)).ok_or_else(|| "`\\x` takes two hexadecimal digits".to_owned());
        }
        _ => return Err(format!("`\\{}` is no escape", text.chars().next().unwrap_or(' '))),
    };
    Ok((byte, 1))
}

/// Where the repetition that `text` begins with ends.
fn closing(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'}' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

/// `what*count`
fn repeated(text: &str) -> Result<Vec<u8>, String> {
    let bad = || format!("`{{{text}}}` is no repetition: write `{{what*count}}`");
    let (what, count) = text.rsplit_once('*').ok_or_else(bad)?;
    let count: usize = count.parse().map_err(|_| bad())?;
    let what = if what.contains('{') { return Err(bad()) } else { unescape(what)? };
    if what.is_empty() || count == 0 || what.len().saturating_mul(count) > MAX_REPEATED {
        return Err(bad());
    }
    Ok(what.repeat(count))
}

/// A table that asks for more has a slip in it.
const MAX_REPEATED: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::{escape, unescape};

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(unescape(&escape(&all)).unwrap(), all);
    }

    #[test]
    fn repetitions_take_escapes() {
        assert_eq!(unescape("{a: b\\r\\n*2}x{\\}*3}").unwrap(), b"a: b\r\na: b\r\nx}}}");
        assert_eq!(unescape("{***2}").unwrap(), b"****");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "\\", "\\q", "\\x", "\\x1", "\\xzz", "\\x+1", "{", "{a", "{a}", "{a*}", "{a*0}", "{*3}", "}",
            "é", "\t",
        ] {
            assert!(unescape(text).is_err(), "{text}");
        }
        assert!(unescape("{a*4194305}").is_err());
        assert!(unescape("{{a*2}*2}").is_err());
    }
}

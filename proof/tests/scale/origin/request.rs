//! Reads one HTTP/1.1 request, by a parser that is not the library's, and holds it against its plan.
//!
//! Strict: whatever is not just as planned is an offence.

use std::collections::HashMap;
use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

use crate::ledger::Ledger;
use crate::plan::{Plan, Upload};

/// Why a connection is over for this side.
pub(super) enum Over {
    /// The client left, in the middle of something or not.
    Left,
    /// It sent what it may not.
    Offence(String),
}

impl From<io::Error> for Over {
    fn from(_: io::Error) -> Self {
        Self::Left
    }
}

/// How the body's end is told.
pub(super) enum Length {
    Known(usize),
    Chunked,
}

/// The head of the next request: its plan, and how its body comes.
pub(super) async fn head<R>(reader: &mut R, ledger: &Ledger) -> Result<(Plan, Length), Over>
where
    R: AsyncBufRead + Unpin,
{
    let first = line(reader).await?;
    let mut fields = HashMap::new();
    loop {
        let line = line(reader).await?;
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(": ") else { return offence("no field", &line) };
        if fields.insert(name.to_owned(), value.to_owned()).is_some() {
            return offence("a field twice", &line);
        }
    }
    let words: Vec<_> = first.split(' ').collect();
    let [method, path, "HTTP/1.1"] = words[..] else { return offence("no request line", &first) };
    let token = path.strip_prefix("/t/").unwrap_or_default();
    let Some(plan) = Plan::by_token(ledger.seed, token, ledger.requests()) else {
        return offence("a token of nobody", path);
    };
    let has = |name: &str, value: Option<&str>| fields.get(name).map(String::as_str) == value;
    let token = plan.token.as_str();
    if method != plan.method
        || !has("x-token", Some(token))
        || !has("idempotency-key", plan.key.then_some(token))
        || !has("expect", plan.expect.then_some("100-continue"))
    {
        return offence("parts of different requests", &format!("{first} {fields:?}"));
    }
    let length = fields.get("content-length").map(|length| length.parse().ok());
    let length = match (length, fields.get("transfer-encoding").map(String::as_str)) {
        (None, Some("chunked")) => Length::Chunked,
        (Some(Some(length)), None) => Length::Known(length),
        (None, None) => Length::Known(0),
        _ => return offence("a body of no length", &format!("{fields:?}")),
    };
    let planned = match (plan.upload, &length) {
        (Upload::Whole(len) | Upload::Streamed { len, told: true, .. }, Length::Known(known)) => {
            len == *known
        }
        (Upload::Empty, Length::Known(0)) | (Upload::Streamed { told: false, .. }, _) => true,
        _ => false,
    };
    if !planned {
        return offence("a body of another length", &format!("{plan:?} {fields:?}"));
    }
    Ok((plan, length))
}

/// The body, or as many bytes of it.
pub(super) async fn body<R>(
    reader: &mut R,
    plan: &Plan,
    length: &Length,
    most: Option<usize>,
) -> Result<(), Over>
where
    R: AsyncBufRead + Unpin,
{
    let (expected, most) = (plan.request_body(), most.unwrap_or(usize::MAX));
    let mut at = 0;
    while at < most {
        let size = match length {
            Length::Known(length) => length - at,
            Length::Chunked => {
                let size = line(reader).await?;
                let Ok(size) = usize::from_str_radix(&size, 16) else { return offence("no chunk", &size) };
                size
            }
        };
        if at + size > expected.len() {
            return offence("a body too long", &plan.token);
        }
        let wanted = size.min(most - at);
        let mut bytes = vec![0; wanted];
        reader.read_exact(&mut bytes).await?;
        if bytes != expected[at..at + wanted] {
            return offence("a body of another request", &format!("{} from byte {at}", plan.token));
        }
        at += size;
        match length {
            _ if wanted < size => return Ok(()),
            Length::Known(_) => break,
            Length::Chunked => {
                if !line(reader).await?.is_empty() {
                    return offence("a chunk too long", &plan.token);
                }
                if size == 0 {
                    break;
                }
            }
        }
    }
    if most == usize::MAX && at != expected.len() {
        return offence("a body too short", &plan.token);
    }
    Ok(())
}

/// A line without its end, which is CR LF.
async fn line<R: AsyncBufRead + Unpin>(reader: &mut R) -> Result<String, Over> {
    let mut bytes = Vec::new();
    reader.read_until(b'\n', &mut bytes).await?;
    let Some(text) = bytes.strip_suffix(b"\r\n") else {
        return if bytes.ends_with(b"\n") {
            offence("a bare LF", &format!("{bytes:?}"))
        } else {
            Err(Over::Left)
        };
    };
    match std::str::from_utf8(text) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => offence("no text", &format!("{bytes:?}")),
    }
}

fn offence<T>(what: &str, text: &str) -> Result<T, Over> {
    Err(Over::Offence(format!("{what}: {text}")))
}

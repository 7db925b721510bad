//! One file of cases. Every line must mean something; what is doubtful is an error with its place.

use http::{HeaderName, HeaderValue, Method, Version};
use keepalive::CloseReason;

use super::{Ask, Case, CaseError, End, Exchange, Expected, Kind, Verdict, unescape};

/// The cases of a file.
///
/// # Errors
///
/// The first line that is not as [`cases`](super) says.
pub fn parse(file: &str, text: &str) -> Result<Vec<Case>, CaseError> {
    let mut cases = Vec::new();
    let mut draft: Option<Draft> = None;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_ascii().is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |text: String| CaseError::new(file, number, text);
        if line.ends_with([' ', '\t']) {
            return Err(wrong("the line ends in a blank: write `\\x20` if it is meant".to_owned()));
        }
        if let Some(name) = line.strip_prefix('[') {
            if let Some(done) = draft.take() {
                cases.push(done.finish(file)?);
            }
            draft = Some(Draft::new(name, number).map_err(wrong)?);
        } else {
            let Some(draft) = &mut draft else {
                return Err(wrong("a case begins with its `[name]`".to_owned()));
            };
            draft.line(line).map_err(wrong)?;
        }
    }
    if let Some(done) = draft {
        cases.push(done.finish(file)?);
    }
    Ok(cases)
}

/// A case that is being read.
struct Draft {
    name: String,
    line: usize,
    rules: Vec<String>,
    why: Option<String>,
    done: Vec<Exchange>,
    ask: Option<Ask>,
    segments: Vec<Vec<u8>>,
    expected: Expected,
    end: Option<End>,
    verdict: Option<Verdict>,
}

impl Draft {
    fn new(rest: &str, line: usize) -> Result<Self, String> {
        let name = rest.strip_suffix(']').unwrap_or_default();
        if name.is_empty()
            || !name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
        {
            return Err("a name is made of lower-case letters, digits and `-`, in brackets".to_owned());
        }
        Ok(Self {
            name: name.to_owned(),
            line,
            rules: Vec::new(),
            why: None,
            done: Vec::new(),
            ask: None,
            segments: Vec::new(),
            expected: Expected::default(),
            end: None,
            verdict: None,
        })
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        if let Some(bytes) = line.strip_prefix("> ") {
            let bytes = unescape(bytes)?;
            match self.segments.last_mut() {
                Some(last) => last.extend(bytes),
                None => self.segments.push(bytes),
            }
            return Ok(());
        }
        let (key, value) = line.split_once(':').ok_or_else(|| format!("`{line}` is no `key: value`"))?;
        let value = value.strip_prefix(' ').unwrap_or(value);
        let expected = &mut self.expected;
        match key {
            "rule" => {
                self.rules.push(rule(value)?);
                Ok(())
            }
            "why" => once(&mut self.why, key, value.to_owned()),
            "ask" => once(&mut self.ask, key, ask(value)?),
            "ask-field" => {
                self.ask.get_or_insert_default().fields.push(field(value)?);
                Ok(())
            }
            "ask-body" => {
                self.ask.get_or_insert_default().body = unescape(value)?;
                Ok(())
            }
            "pause" if value.is_empty() && self.segments.last().is_some_and(|it| !it.is_empty()) => {
                self.segments.push(Vec::new());
                Ok(())
            }
            "pause" => Err("a pause stands between bytes, and says nothing".to_owned()),
            "end" => once(&mut self.end, key, end(value)?),
            "status" => {
                let status = value.parse().map_err(|_| format!("`{value}` is no status"))?;
                once(&mut expected.status, key, status)
            }
            "version" => once(&mut expected.version, key, version(value)?),
            "field" => {
                let (name, value) = field(value)?;
                match expected.fields.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, values)) => values.push(value),
                    None => expected.fields.push((name, vec![value])),
                }
                Ok(())
            }
            "no-field" => {
                expected.fields.push((name(value)?, Vec::new()));
                Ok(())
            }
            "body" => once(&mut expected.body, key, unescape(value)?),
            "upgraded" => once(&mut expected.upgraded, key, unescape(value)?),
            "trailer" => {
                expected.trailers.push(field(value)?);
                Ok(())
            }
            "error" => once(&mut expected.error, key, error(value)?),
            "next" if value.is_empty() => {
                let exchange = self.exchange()?;
                if exchange.expected.error.is_some() {
                    return Err("no request follows one that fails".to_owned());
                }
                self.done.push(exchange);
                Ok(())
            }
            "verdict" => once(&mut self.verdict, key, verdict(value)?),
            _ => Err(format!("`{key}` is no key")),
        }
    }

    /// What was read since the last `next:`, or the beginning.
    fn exchange(&mut self) -> Result<Exchange, String> {
        let expected = std::mem::take(&mut self.expected);
        let (status, error) = (expected.status.is_some(), expected.error.is_some());
        if !status && !error {
            return Err("neither `status` nor `error` says what is expected".to_owned());
        }
        if status && !error && expected.body.is_some() == expected.upgraded.is_some() {
            return Err("a response needs a `body`, which may be empty, or else `upgraded`".to_owned());
        }
        let of_response = expected.version.is_some()
            || expected.body.is_some()
            || expected.upgraded.is_some()
            || !expected.fields.is_empty()
            || !expected.trailers.is_empty();
        if !status && of_response {
            return Err("where there is no `status`, there is nothing of a response".to_owned());
        }
        let segments = std::mem::take(&mut self.segments);
        if segments.last().is_some_and(Vec::is_empty) {
            return Err("no bytes follow the last pause".to_owned());
        }
        Ok(Exchange { ask: self.ask.take().unwrap_or_default(), segments, expected })
    }

    fn finish(mut self, file: &str) -> Result<Case, CaseError> {
        let line = self.line;
        let wrong = |text: &str| CaseError::new(file, line, text);
        if self.rules.is_empty() {
            return Err(wrong("no `rule` says what it follows"));
        }
        let last = self.exchange().map_err(|text| wrong(&text))?;
        let end = self.end.unwrap_or(End::Open);
        if last.segments.is_empty() && end == End::Open {
            return Err(wrong("the server neither says anything nor ends"));
        }
        let verdict = self.verdict.ok_or_else(|| wrong("there is no `verdict`"))?;
        if verdict == Verdict::Reused && (end != End::Open || last.expected.error.is_some()) {
            return Err(wrong("a connection that ended, or failed, cannot be reused"));
        }
        let mut exchanges = self.done;
        exchanges.push(last);
        if exchanges.iter().any(|it| it.ask.one_shot) && exchanges.len() > 1 {
            return Err(wrong("a one-shot connection carries one request"));
        }
        let Self { name, rules, why, .. } = self;
        Ok(Case { name, file: file.to_owned(), line, rules, why, exchanges, end, verdict })
    }
}

fn once<T>(place: &mut Option<T>, key: &str, value: T) -> Result<(), String> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("`{key}` is said twice")),
    }
}

/// `RFC 9112 §6.3`, perhaps with a word more, or `decision: …`.
fn rule(text: &str) -> Result<String, String> {
    let section = text.strip_prefix("RFC ").and_then(|rest| rest.split_once(" §"));
    let is_rfc = section.is_some_and(|(number, section)| {
        number.len() == 4
            && number.bytes().all(|it| it.is_ascii_digit())
            && section.starts_with(|it: char| it.is_ascii_alphanumeric())
    });
    if is_rfc || text.strip_prefix("decision: ").is_some_and(|it| it.len() > 10) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is neither `RFC 1234 §5` nor `decision: …`"))
    }
}

fn ask(text: &str) -> Result<Ask, String> {
    let (method, one_shot) = match text.split_once(' ') {
        None => (text, false),
        Some((method, "one_shot")) => (method, true),
        Some((_, other)) => return Err(format!("`{other}` is not `one_shot`")),
    };
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| format!("`{method}` is no method"))?;
    Ok(Ask { method, one_shot, ..Ask::default() })
}

fn end(text: &str) -> Result<End, String> {
    match text {
        "open" => Ok(End::Open),
        "fin" => Ok(End::Fin),
        "reset" => Ok(End::Reset),
        _ => Err(format!("`{text}` is not `open`, `fin` or `reset`")),
    }
}

fn version(text: &str) -> Result<Version, String> {
    match text {
        "1.0" => Ok(Version::HTTP_10),
        "1.1" => Ok(Version::HTTP_11),
        _ => Err(format!("`{text}` is not `1.0` or `1.1`")),
    }
}

fn name(text: &str) -> Result<HeaderName, String> {
    HeaderName::from_bytes(text.as_bytes()).map_err(|_| format!("`{text}` is no field name"))
}

/// `name: value`, the value escaped and possibly empty.
fn field(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (field, value) = text.split_once(':').ok_or_else(|| format!("`{text}` is no `name: value`"))?;
    let value = unescape(value.strip_prefix(' ').unwrap_or(value))?;
    let value = HeaderValue::from_bytes(&value).map_err(|_| format!("`{text}` has no field value"))?;
    Ok((name(field)?, value))
}

fn error(text: &str) -> Result<(Kind, String), String> {
    let (kind, text) = text.split_once(": ").ok_or_else(|| format!("`{text}` is no `kind: text`"))?;
    let kinds = [Kind::Protocol, Kind::Truncated, Kind::Stale, Kind::Io];
    let kind = kinds.into_iter().find(|it| it.name() == kind);
    Ok((kind.ok_or("the kinds are `protocol`, `truncated`, `stale` and `io`")?, text.to_owned()))
}

fn verdict(text: &str) -> Result<Verdict, String> {
    if text == "reused" {
        return Ok(Verdict::Reused);
    }
    let reasons =
        text.strip_prefix("closed ").ok_or_else(|| format!("`{text}` is not `reused` or `closed …`"))?;
    let known = |name: &str| REASONS.into_iter().find(|reason| reason.name() == name);
    let reasons: Option<Vec<_>> = reasons.split(" or ").map(known).collect();
    Ok(Verdict::Closed(reasons.ok_or_else(|| format!("`{text}` names a reason that no response can cause"))?))
}

/// What a server's bytes, or their end, can be the cause of.
const REASONS: [CloseReason; 13] = [
    CloseReason::ResponseSaidClose,
    CloseReason::RequestSaidClose,
    CloseReason::Http10,
    CloseReason::CloseDelimited,
    CloseReason::SurplusBytes,
    CloseReason::UnsolicitedBytes,
    CloseReason::ClosedByServer,
    CloseReason::Stale,
    CloseReason::Truncated,
    CloseReason::ProtocolError,
    CloseReason::IoError,
    CloseReason::KeepAliveHint,
    CloseReason::Upgraded,
];

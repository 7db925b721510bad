//! The codec's tests: tables of literal bytes, each row with everything that comes of it.
//!
//! `splits` feeds every response of every table in pieces, so a row put into a table is tested at
//! every split point too.

mod chunks;
mod errors;
mod framings;
mod heads;
mod hints;
mod injection;
mod lengths;
mod plain;
mod quick;
mod requests;
mod rest;
mod splits;
mod verdicts;

use std::fmt::Write;

use bytes::BytesMut;
use http::HeaderMap;

use super::{BodyEvent, Head, HeadEvent, ProtocolError, RequestFacts, ResponseDecoder, Verdict};

const NONE: RequestFacts = RequestFacts { method_head: false, connect: false, upgrade: false, close: false };
const GET: RequestFacts = NONE;
const HEAD: RequestFacts = RequestFacts { method_head: true, ..NONE };
const CONNECT: RequestFacts = RequestFacts { connect: true, ..NONE };
const UPGRADE: RequestFacts = RequestFacts { upgrade: true, ..NONE };
const CLOSE: RequestFacts = RequestFacts { close: true, ..NONE };

/// What was asked, what came until the connection ended, and what `read` makes of it.
type Row = (RequestFacts, &'static [u8], &'static str);

fn check(rows: &[Row]) {
    for (facts, bytes, want) in rows {
        assert_eq!(read(*facts, &[bytes]), *want, "for {}", bytes.escape_ascii());
    }
}

/// Feeds the pieces, then the end of the connection, and writes down what the decoder gave:
/// heads with their fields in brackets, `"data"`, `+trailers`, `rest`, `!error`, and the verdict.
fn read(facts: RequestFacts, pieces: &[&[u8]]) -> String {
    let mut reader = Reader {
        decoder: ResponseDecoder::new(facts),
        phase: Phase::Head,
        prospect: None,
        seen: Vec::new(),
        data: Vec::new(),
    };
    let mut buf = BytesMut::new();
    for piece in pieces {
        buf.extend_from_slice(piece);
        reader.pump(&mut buf, false);
    }
    reader.pump(&mut buf, true);
    if !reader.data.is_empty() {
        let at = reader.seen.iter().position(|s| s.starts_with(['+', '!'])).unwrap_or(reader.seen.len());
        reader.seen.insert(at, format!("\"{}\"", reader.data.escape_ascii()));
    }
    let surplus = !buf.is_empty();
    if surplus && reader.phase == Phase::Over {
        reader.seen.push(format!("rest {}", buf.escape_ascii()));
    }
    let verdict = reader.decoder.verdict(true, surplus);
    if let (Some(prospect), Phase::Over, false) = (reader.prospect, reader.phase, surplus) {
        assert_eq!(verdict, prospect, "all went as it should");
    }
    reader.seen.push(format!("{verdict:?}"));
    reader.seen.join(" ")
}

struct Reader {
    decoder: ResponseDecoder,
    phase: Phase,
    prospect: Option<Verdict>,
    seen: Vec<String>,
    data: Vec<u8>,
}

#[derive(PartialEq)]
enum Phase {
    Head,
    Body,
    Over,
    Failed,
}

impl Reader {
    fn pump(&mut self, buf: &mut BytesMut, eof: bool) {
        loop {
            let more = match self.phase {
                Phase::Head => self.head(buf, eof),
                Phase::Body => self.body(buf, eof),
                Phase::Over | Phase::Failed => return,
            };
            match more {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    self.seen.push(format!("!{}", kind(&error)));
                    self.phase = Phase::Failed;
                }
            }
        }
    }

    fn head(&mut self, buf: &mut BytesMut, eof: bool) -> Result<bool, ProtocolError> {
        match self.decoder.head(buf)? {
            HeadEvent::NeedMore if eof => return Err(self.decoder.head_eof(buf)),
            HeadEvent::NeedMore => return Ok(false),
            HeadEvent::Continue => self.seen.push("continue".to_owned()),
            HeadEvent::Informational(head) => self.seen.push(format!("1xx {}", show(&head))),
            HeadEvent::Response(head) => {
                self.seen.push(show(&head));
                self.prospect = Some(self.decoder.prospect());
                self.phase = Phase::Body;
            }
            HeadEvent::Switched(head) => {
                self.seen.push(format!("switched {}", show(&head)));
                self.phase = Phase::Over;
            }
        }
        Ok(true)
    }

    fn body(&mut self, buf: &mut BytesMut, eof: bool) -> Result<bool, ProtocolError> {
        let hint = self.decoder.size_hint();
        let remaining = self.decoder.body_remaining();
        assert_eq!(hint.exact(), remaining);
        match self.decoder.body(buf, eof)? {
            BodyEvent::NeedMore => return Ok(false),
            BodyEvent::Data(data) => {
                assert!(!data.is_empty());
                assert!(hint.upper().is_none_or(|upper| data.len() as u64 <= upper));
                self.data.extend_from_slice(&data);
            }
            BodyEvent::Trailers(trailers) => self.seen.push(format!("+{}", fields(&trailers))),
            BodyEvent::End => {
                assert!(self.decoder.body_remaining() == Some(0));
                assert_eq!(self.decoder.body_remaining(), Some(0));
                self.phase = Phase::Over;
            }
        }
        Ok(true)
    }
}

fn show(head: &Head) -> String {
    format!("{:?} {} {}", head.version, head.status.as_u16(), fields(&head.headers))
}

fn fields(headers: &HeaderMap) -> String {
    let mut out = String::from("[");
    for (name, value) in headers {
        let comma = if out.len() > 1 { ", " } else { "" };
        write!(out, "{comma}{name}={}", value.as_bytes().escape_ascii()).unwrap();
    }
    out + "]"
}

/// An error without its excerpt, which depends on how much had come.
fn kind(error: &ProtocolError) -> String {
    let text = format!("{error:?}");
    text.split("(Excerpt").next().unwrap_or_default().to_owned()
}

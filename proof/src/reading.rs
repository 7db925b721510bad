//! One response, read in pieces, and all that came of it: what the split must not change.

use std::fmt::Write;

use http::{HeaderMap, Response};
use keepalive::CloseReason;
use keepalive::unstable::{Asked, Decoder, Fault, Piece, Promise};

/// How far the reading came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stand {
    /// More bytes are needed.
    Waiting,
    /// The response is whole.
    Whole,
    /// The socket speaks another protocol from here on.
    Switched,
    /// By its kind.
    Failed(String),
}

/// All that came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The 1xx responses.
    pub(crate) before: Vec<String>,
    /// The final response's head.
    pub(crate) head: Option<Shown>,
    /// How long the body said to be, behind the head.
    pub(crate) announced: Option<u64>,
    pub(crate) data: Vec<u8>,
    /// `None` if there were none.
    pub(crate) trailers: Option<String>,
    pub(crate) stand: Stand,
    /// What belongs to nothing that came out.
    pub(crate) unread: Vec<u8>,
    /// Why the socket is not used again, if all of the request was written; `None` if it is.
    pub(crate) verdict: Option<CloseReason>,
    /// The same if not all was.
    pub(crate) unwritten: Option<CloseReason>,
    pub(crate) promise: Option<Promise>,
}

/// A head, in words that can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) version: http::Version,
    pub(crate) status: u16,
    pub(crate) fields: String,
}

/// Reads the pieces, then the end of the connection if `eof`; holds the decoder to its own promises.
pub(crate) fn read(asked: Asked, pieces: &[&[u8]], eof: bool) -> Reading {
    let mut reader = Reader { decoder: Decoder::new(asked), reading: Reading::new(), fed: 0, steps: 0 };
    for piece in pieces {
        reader.decoder.feed(piece);
        reader.fed += piece.len();
        reader.pump(false);
    }
    if eof {
        reader.pump(true);
    }
    reader.finish(pieces.len())
}

struct Reader {
    decoder: Decoder,
    reading: Reading,
    fed: usize,
    steps: usize,
}

impl Reader {
    fn pump(&mut self, eof: bool) {
        while self.reading.stand == Stand::Waiting {
            self.steps += 1;
            let hint = self.decoder.size_hint();
            match self.decoder.next(eof) {
                Ok(Piece::NeedMore) => {
                    assert!(!eof, "nothing more will come");
                    let unread = self.decoder.unread().len();
                    assert!(unread < MOST_UNREAD, "{unread} bytes are kept");
                    return;
                }
                Ok(piece) => self.note(piece, hint.upper(), eof),
                Err(fault) => self.fail(fault),
            }
        }
    }

    fn note(&mut self, piece: Piece, most: Option<u64>, eof: bool) {
        let reading = &mut self.reading;
        match piece {
            Piece::NeedMore => {}
            Piece::Continue => reading.before.push("100".into()),
            Piece::Informational(head) => reading.before.push(format!("{:?}", Shown::of(&head))),
            Piece::Head(head) => {
                reading.head = Some(Shown::of(&head));
                reading.announced = self.decoder.size_hint().exact();
            }
            Piece::Switched(head) => {
                reading.head = Some(Shown::of(&head));
                reading.stand = Stand::Switched;
            }
            Piece::Data(data) => {
                assert!(!data.is_empty(), "a piece of no data");
                assert!(most.is_none_or(|most| data.len() as u64 <= most), "more than was announced");
                reading.data.extend_from_slice(&data);
            }
            Piece::Trailers(fields) => {
                assert!(reading.trailers.is_none() && !fields.is_empty());
                reading.trailers = Some(shown(&fields));
            }
            Piece::End => {
                assert_eq!(self.decoder.size_hint().exact(), Some(0), "it is the end");
                assert!(matches!(self.decoder.next(eof), Ok(Piece::End)), "it stays the end");
                reading.stand = Stand::Whole;
            }
        }
    }

    fn fail(&mut self, fault: Fault) {
        let Fault { kind, text } = &fault;
        assert!(text.len() < 300 && !text.chars().any(char::is_control), "not fit for a log: {text:?}");
        let again = self.decoder.next(false).expect_err("it failed").kind;
        assert_eq!(again, *kind, "it fails the same way again");
        self.reading.stand = Stand::Failed(fault.kind);
    }

    fn finish(self, pieces: usize) -> Reading {
        let (decoder, mut reading) = (&self.decoder, self.reading);
        reading.unread = decoder.unread().to_vec();
        reading.verdict = decoder.verdict(true);
        reading.unwritten = decoder.verdict(false);
        reading.promise = decoder.promise();
        // Each step takes bytes off, or is the last one of its piece.
        assert!(self.steps <= 2 * (self.fed + pieces) + 8, "{} steps for {} bytes", self.steps, self.fed);
        assert!(reading.data.len() + reading.unread.len() <= self.fed, "bytes from nowhere");
        assert!(reading.unwritten.is_some(), "a socket is used again with half a request on it");
        if reading.verdict.is_none() {
            assert_eq!(reading.stand, Stand::Whole, "a socket is used again behind half a response");
            assert!(reading.unread.is_empty(), "a socket is used again with bytes on it");
            assert!(decoder.prospect().is_none(), "the verdict is better than it could become");
        }
        if let (Some(announced), Stand::Whole) = (reading.announced, &reading.stand) {
            assert_eq!(reading.data.len() as u64, announced, "the length that was announced");
        }
        reading
    }
}

impl Reading {
    fn new() -> Self {
        Self {
            before: Vec::new(),
            head: None,
            announced: None,
            data: Vec::new(),
            trailers: None,
            stand: Stand::Waiting,
            unread: Vec::new(),
            verdict: None,
            unwritten: None,
            promise: None,
        }
    }
}

impl Shown {
    pub(crate) fn of<T>(head: &Response<T>) -> Self {
        Self { version: head.version(), status: head.status().as_u16(), fields: shown(head.headers()) }
    }
}

/// Fields in the map's order.
pub(crate) fn shown(fields: &HeaderMap) -> String {
    let mut out = String::new();
    for (name, value) in fields {
        writeln!(out, "{name}: {}", value.as_bytes().escape_ascii()).expect("a String grows");
    }
    out
}

/// A head's limit; nothing else is kept.
const MOST_UNREAD: usize = 64 * 1024;

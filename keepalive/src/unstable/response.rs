//! The response decoder, fed by hand, and the parser of the Keep-Alive field.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response};
use http_body::SizeHint;

use crate::CloseReason;
use crate::h1::{
    BodyEvent, Head, HeadEvent, KeepAliveHint, ProtocolError, RequestFacts, ResponseDecoder, Verdict,
};

/// What of the request decides how its response is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// The method was HEAD.
    pub head: bool,
    /// The method was CONNECT.
    pub connect: bool,
    /// It asked for an upgrade.
    pub upgrade: bool,
    /// It said `connection: close`.
    pub close: bool,
}

/// What the bytes so far brought.
#[derive(Debug)]
pub enum Piece {
    /// Nothing: more is needed.
    NeedMore,
    /// A 100.
    Continue,
    /// Another 1xx.
    Informational(Response<()>),
    /// The final response's head.
    Head(Response<()>),
    /// The same, and another protocol begins behind it: there is no next piece.
    Switched(Response<()>),
    /// The next bytes of the content.
    Data(Bytes),
    /// The fields behind it.
    Trailers(HeaderMap),
    /// The end, also each time it is asked again.
    End,
}

/// What was wrong with the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The rule that was broken, without what depends on how much had come.
    pub kind: String,
    /// The whole sentence.
    pub text: String,
}

/// What the server's Keep-Alive field says: how long, and for how many requests.
pub type Promise = (Option<Duration>, Option<u32>);

/// Reads one response.
#[derive(Debug)]
pub struct Decoder {
    decoder: ResponseDecoder,
    buf: BytesMut,
    in_body: bool,
}

impl Decoder {
    /// One for the response to such a request.
    #[must_use]
    pub fn new(asked: Asked) -> Self {
        let Asked { head, connect, upgrade, close } = asked;
        let facts = RequestFacts { method_head: head, connect, upgrade, close };
        Self { decoder: ResponseDecoder::new(facts), buf: BytesMut::new(), in_body: false }
    }

    /// More bytes came.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buf.extend_from_slice(bytes);
    }

    /// What they brought. `eof`: no more will come.
    ///
    /// # Errors
    ///
    /// What is wrong with them; the same each time it is asked again.
    pub fn next(&mut self, eof: bool) -> Result<Piece, Fault> {
        if self.in_body {
            return Ok(match self.decoder.body(&mut self.buf, eof).map_err(|e| fault(&e))? {
                BodyEvent::NeedMore => Piece::NeedMore,
                BodyEvent::Data(data) => Piece::Data(data),
                BodyEvent::Trailers(fields) => Piece::Trailers(*fields),
                BodyEvent::End => Piece::End,
            });
        }
        Ok(match self.decoder.head(&mut self.buf).map_err(|e| fault(&e))? {
            HeadEvent::NeedMore if eof => return Err(fault(&self.decoder.head_eof(&self.buf))),
            HeadEvent::NeedMore => Piece::NeedMore,
            HeadEvent::Continue => Piece::Continue,
            HeadEvent::Informational(head) => Piece::Informational(response(head)),
            HeadEvent::Switched(head) => Piece::Switched(response(head)),
            HeadEvent::Response(head) => {
                self.in_body = true;
                Piece::Head(response(head))
            }
        })
    }

    /// What was fed and belongs to nothing that came out.
    #[must_use]
    pub fn unread(&self) -> &[u8] {
        &self.buf
    }

    /// How much content is to come.
    #[must_use]
    pub fn size_hint(&self) -> SizeHint {
        self.decoder.size_hint()
    }

    /// What the final response's Keep-Alive field says.
    #[must_use]
    pub fn promise(&self) -> Option<Promise> {
        self.decoder.hint().map(|hint| (hint.timeout, hint.max))
    }

    /// Why the socket is not to be used again; `None` if it is. `written`: all of the request was.
    #[must_use]
    pub fn verdict(&self, written: bool) -> Option<CloseReason> {
        reason(self.decoder.verdict(written, !self.buf.is_empty()))
    }

    /// What the verdict will be if the rest of the body comes as it should.
    #[must_use]
    pub fn prospect(&self) -> Option<CloseReason> {
        reason(self.decoder.prospect())
    }
}

/// What the Keep-Alive lines among these fields say.
#[must_use]
pub fn keep_alive(headers: &HeaderMap) -> Option<Promise> {
    KeepAliveHint::of(headers).map(|hint| (hint.timeout, hint.max))
}

fn response(head: Head) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = head.status;
    *response.version_mut() = head.version;
    *response.headers_mut() = head.headers;
    response
}

fn fault(error: &ProtocolError) -> Fault {
    let kind = format!("{error:?}");
    let kind = kind.split("(Excerpt").next().unwrap_or_default().to_owned();
    Fault { kind, text: error.to_string() }
}

fn reason(verdict: Verdict) -> Option<CloseReason> {
    match verdict {
        Verdict::Reusable => None,
        Verdict::Close(reason) => Some(reason),
    }
}

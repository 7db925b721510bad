//! One response on one socket, from its first byte to the verdict on the socket.
//!
//! It neither reads nor waits: the shell feeds it. One decoder per request.
//!
//! ```text
//!        ┌─1xx─┐
//! new ──►└►Head─┴──► Body ──► Body at its end
//!           ├──────► Switched       101 that was asked for, 2xx to CONNECT
//!           └► Failed ◄── Body      every later call repeats the error
//! ```
//!
//! Invariant: `verdict` is the only place that decides about reuse, and says Reusable only at the end
//! of a response whose length was known.

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode, Version};
use http_body::SizeHint;

use super::body::{BodyDecoder, BodyEvent};
use super::connection::ConnectionTokens;
use super::error::{Missing, ProtocolError};
use super::head::{Head, HeadScanner};
use super::keep_alive::KeepAliveHint;
use super::length::BodyLength;
use super::present::{Fields, Present};
use crate::CloseReason;

/// How many 1xx responses may come first. A server that sends 103 for each link it knows stays far
/// below; one that sends them for ever would keep the response timeout from running out.
pub(crate) const MAX_INFORMATIONAL: u8 = 32;

/// What of the request decides how its response is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RequestFacts {
    /// The method was HEAD: the response has no body, whatever it says.
    pub(crate) method_head: bool,
    /// The method was CONNECT: a 2xx has no body and the socket becomes a tunnel.
    pub(crate) connect: bool,
    /// It carried `Upgrade` and `Connection: upgrade`: a 101 is welcome.
    pub(crate) upgrade: bool,
    /// It carried `Connection: close`.
    pub(crate) close: bool,
}

/// What the bytes so far brought.
#[derive(Debug)]
pub(crate) enum HeadEvent {
    /// Nothing: read more, then ask again.
    NeedMore,
    /// 100: the server wants the request's body. Ask again.
    Continue,
    /// Another 1xx. Ask again.
    #[cfg_attr(not(any(test, feature = "unstable")), expect(dead_code, reason = "the shell passes over it"))]
    Informational(Head),
    /// The final response; its body comes next.
    Response(Head),
    /// What is left in the buffer, and all that follows, belongs to the new protocol.
    Switched(Head),
}

/// What is to happen with the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may carry the next request.
    Reusable,
    /// It may not.
    Close(CloseReason),
}

/// Reads one response.
#[derive(Debug)]
pub(crate) struct ResponseDecoder {
    facts: RequestFacts,
    state: State,
    informational: u8,
    /// A 1xx carried `Connection: close` (RFC 9112 §9.6 makes no difference between responses).
    close: bool,
}

#[derive(Debug)]
enum State {
    Head(HeadScanner),
    Body {
        body: BodyDecoder,
        length: BodyLength,
        version: Version,
        connection: ConnectionTokens,
        hint: Option<KeepAliveHint>,
    },
    Switched,
    Failed(ProtocolError),
}

impl RequestFacts {
    /// The facts of a request as `encode_head` writes it; `connection_close` is the option there.
    pub(crate) fn of(method: &Method, fields: Fields<'_>, connection_close: bool) -> Self {
        let connection = ConnectionTokens::of(fields.map, fields.present);
        Self {
            method_head: *method == Method::HEAD,
            connect: *method == Method::CONNECT,
            upgrade: connection.upgrade && fields.map.contains_key(http::header::UPGRADE),
            close: connection.close || connection_close,
        }
    }
}

impl ResponseDecoder {
    pub(crate) fn new(facts: RequestFacts) -> Self {
        Self { facts, state: State::Head(HeadScanner::new()), informational: 0, close: false }
    }

    /// The next event before the body. To be called until it gives `Response` or `Switched`.
    pub(crate) fn head(&mut self, buf: &mut BytesMut) -> Result<HeadEvent, ProtocolError> {
        let taken = match &mut self.state {
            State::Head(scanner) => scanner.take(buf),
            State::Failed(error) => return Err(error.clone()),
            State::Body { .. } | State::Switched => unreachable!("the head was read before"),
        };
        match taken {
            Ok(None) => Ok(HeadEvent::NeedMore),
            Ok(Some((head, present))) => self.classify(head, present).map_err(|e| self.fail(e)),
            Err(error) => Err(self.fail(error)),
        }
    }

    /// The error to report if the connection ends before the head does; `buf` is what came of it.
    pub(crate) fn head_eof(&mut self, buf: &[u8]) -> ProtocolError {
        let missing = match buf.len() {
            0 if self.informational > 0 => Missing::Final,
            received => Missing::Head { received },
        };
        self.fail(ProtocolError::Truncated(missing))
    }

    /// The next event of the body. `eof` says that nothing will come behind `buf`.
    pub(crate) fn body(&mut self, buf: &mut BytesMut, eof: bool) -> Result<BodyEvent, ProtocolError> {
        match &mut self.state {
            State::Body { body, .. } => body.decode(buf, eof).map_err(|e| self.fail(e)),
            State::Failed(error) => Err(error.clone()),
            State::Head(_) | State::Switched => unreachable!("there is no body yet, or never"),
        }
    }

    /// All of the body, which [`body_remaining`](Self::body_remaining) knows the length of, and `buf` has.
    pub(crate) fn take_rest(&mut self, buf: &mut BytesMut) -> Bytes {
        match &mut self.state {
            State::Body { body, .. } => body.take_rest(buf),
            _ => Bytes::new(),
        }
    }

    /// The bytes of content to come: exact if a content-length or the end was seen, else None.
    pub(crate) fn body_remaining(&self) -> Option<u64> {
        match &self.state {
            State::Body { body, .. } => body.remaining(),
            _ => None,
        }
    }

    /// What is known about the length of the content to come.
    pub(crate) fn size_hint(&self) -> SizeHint {
        match &self.state {
            State::Body { body, .. } => body.size_hint(),
            _ => SizeHint::default(),
        }
    }

    /// What the final response's Keep-Alive field says.
    pub(crate) fn hint(&self) -> Option<KeepAliveHint> {
        match &self.state {
            State::Body { hint, .. } => *hint,
            _ => None,
        }
    }

    /// What is to happen with the socket. `request_complete`: every byte of the request was written;
    /// `surplus`: there are bytes behind the response.
    ///
    /// The first of these reasons wins. What makes the socket unusable comes before what somebody
    /// wished, and the request's wish before the response's, which often just repeats it.
    pub(crate) fn verdict(&self, request_complete: bool, surplus: bool) -> Verdict {
        let (body, length) = match &self.state {
            State::Failed(error) if error.is_truncated() => return Verdict::Close(CloseReason::Truncated),
            State::Failed(_) => return Verdict::Close(CloseReason::ProtocolError),
            State::Switched => return Verdict::Close(CloseReason::Upgraded),
            State::Head(_) => return Verdict::Close(CloseReason::Cancelled),
            State::Body { body, length, .. } => (body, *length),
        };
        if !body.is_end() {
            Verdict::Close(CloseReason::BodyNotDrained)
        } else if length == BodyLength::UntilClose {
            Verdict::Close(CloseReason::CloseDelimited)
        } else if surplus {
            Verdict::Close(CloseReason::SurplusBytes)
        } else if !request_complete {
            Verdict::Close(CloseReason::UploadUnfinished)
        } else {
            self.prospect()
        }
    }

    /// What the verdict will be if the rest of the body comes as it should.
    pub(crate) fn prospect(&self) -> Verdict {
        let State::Body { length, version, connection, .. } = &self.state else {
            return Verdict::Close(CloseReason::Cancelled);
        };
        if *length == BodyLength::UntilClose {
            Verdict::Close(CloseReason::CloseDelimited)
        } else if self.facts.close {
            Verdict::Close(CloseReason::RequestSaidClose)
        } else if connection.close {
            Verdict::Close(CloseReason::ResponseSaidClose)
        } else if *version == Version::HTTP_10 && !connection.keep_alive {
            Verdict::Close(CloseReason::Http10)
        } else {
            Verdict::Reusable
        }
    }

    fn classify(&mut self, head: Head, present: Present) -> Result<HeadEvent, ProtocolError> {
        let facts = self.facts;
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            if !facts.upgrade {
                return Err(ProtocolError::UnaskedUpgrade);
            }
            self.state = State::Switched;
            return Ok(HeadEvent::Switched(head));
        }
        if head.status.is_informational() {
            if self.informational == MAX_INFORMATIONAL {
                return Err(ProtocolError::TooManyInformational);
            }
            self.informational += 1;
            self.close |= ConnectionTokens::of(&head.headers, present).close;
            self.state = State::Head(HeadScanner::new());
            let is_continue = head.status == StatusCode::CONTINUE;
            return Ok(if is_continue { HeadEvent::Continue } else { HeadEvent::Informational(head) });
        }
        if facts.connect && head.status.is_success() {
            // Content-Length and Transfer-Encoding are ignored here (RFC 9112 §6.3 item 2).
            self.state = State::Switched;
            return Ok(HeadEvent::Switched(head));
        }
        let length = BodyLength::of(&head, present, facts.method_head)?;
        let mut connection = ConnectionTokens::of(&head.headers, present);
        connection.close |= self.close;
        self.state = State::Body {
            body: BodyDecoder::new(length),
            length,
            version: head.version,
            connection,
            hint: if present.keep_alive() { KeepAliveHint::of(&head.headers) } else { None },
        };
        Ok(HeadEvent::Response(head))
    }

    fn fail(&mut self, error: ProtocolError) -> ProtocolError {
        self.state = State::Failed(error.clone());
        error
    }
}

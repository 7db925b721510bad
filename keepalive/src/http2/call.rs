//! A request under way on a stream, up to the response's head.
//!
//! Invariants:
//! 1. The hold on the stream is given up exactly once: by `fail`, `take_back`, by the [`Receiving`] that
//!    follows, or by its drop.
//! 2. Sending and receiving go on at the same time, so that an early response is seen.

use std::future::Future;
use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream};
use http::{HeaderName, HeaderValue, Request, StatusCode};

use super::head::form;
use super::receiving::Receiving;
use super::sending::{Failure, Sending};
use crate::error::{Evidence, Phase};
use crate::h1::{self, Head, Loss, MAX_INFORMATIONAL, Terms};
use crate::pool::{Leased, Outcome, Stream};
use crate::timer::Sleeper;
use crate::{CloseReason, Error, clock};

/// A request under way. What it is made of stays where it was, in case it is to be sent again.
pub(crate) struct Call {
    /// `None` once it is given up.
    stream: Option<Box<Stream>>,
    /// `None` if the stream could not be begun.
    response: Option<ResponseFuture>,
    /// Of the head that was sent, in case it is to be sent again.
    fields: Vec<(HeaderName, HeaderValue)>,
    /// The body, if there is one: while it is sent, and then in case it is to be sent again.
    body: Option<Box<Sending>>,
    /// The body is not sent yet, and can be.
    is_sending: bool,
    evidence: Evidence,
    /// How many bytes were written the first time, if this is the second.
    written_before: u64,
    sent_at: Option<Instant>,
    /// How many 1xx responses have come.
    interim: u8,
    ended: Ended,
}

/// How the stream ended before its response, if it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    No,
    /// The server takes no more requests on the connection and did not look at this one.
    GoAway,
    /// The server did not look at this one.
    Refused,
    /// This one alone: its connection stands, and so it was not stale.
    Alone,
    /// With its connection.
    Otherwise,
}

/// What came of the response's head.
pub(crate) enum Answer {
    Response(Head, RecvStream),
    /// The stream ended before anything of the response came; to be told by [`Call::fail`], unless
    /// [`Call::take_back`] gives the request another chance.
    Lost(Error),
}

impl Call {
    /// Begins the stream. What is wrong with its connection is told by [`poll_head`](Self::poll_head).
    pub(crate) fn new(stream: Box<Stream>, request: &mut h1::Call) -> Self {
        let (upload, terms) = request.outgoing();
        let (reused, idle_for, repeatable) = (stream.reused(), stream.idle_for, terms.repeatable);
        let mut call = Self {
            stream: None,
            response: None,
            fields: Vec::new(),
            body: None,
            is_sending: false,
            evidence: Evidence { reused, idle_for, written: 0, read: 0, repeatable },
            written_before: terms.written_before,
            sent_at: None,
            interim: 0,
            ended: Ended::No,
        };
        if let (Some(mut sender), Some(original)) = (stream.sender(), &mut terms.original) {
            let (head, fields) = form(&mut original.parts, upload.framing());
            let size = head_size(&head);
            call.fields = fields;
            if let Ok((response, body)) = sender.send_request(head, upload.is_empty()) {
                call.response = Some(response);
                call.evidence.written = size;
                call.is_sending = !upload.is_empty();
                if call.is_sending {
                    call.body = Some(Box::new(Sending::new(body, upload.take_parts())));
                } else {
                    call.sent_at = Some(stream.taken_at);
                }
            }
        }
        call.stream = Some(stream);
        call
    }

    /// Sends the request and waits for the response's head.
    pub(crate) fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answer, Error>> {
        loop {
            self.poll_sending(cx)?;
            let Some(response) = &mut self.response else {
                self.ended = Ended::GoAway;
                let text = "the HTTP/2 connection ended before the request was sent";
                let error = Error::io(Phase::Send, text, ErrorKind::NotConnected.into());
                return Poll::Ready(Ok(Answer::Lost(error)));
            };
            match response.poll_informational(cx) {
                Poll::Ready(Some(Ok(informational))) => {
                    self.evidence.read += 1;
                    if self.interim == MAX_INFORMATIONAL {
                        let text = format!("more than {MAX_INFORMATIONAL} 1xx responses came first");
                        return Poll::Ready(Err(self.fail(Error::protocol(self.phase(), text))));
                    }
                    self.interim += 1;
                    if informational.status() == StatusCode::CONTINUE {
                        self.release_body();
                    }
                    continue;
                }
                // Not to be asked for the head: it would skip a 1xx that has come meanwhile.
                Poll::Pending => return Poll::Pending,
                Poll::Ready(_) => {}
            }
            return match ready!(Pin::new(response).poll(cx)) {
                Ok(response) => {
                    let (parts, body) = response.into_parts();
                    self.evidence.read += 1;
                    let head = Head { status: parts.status, version: parts.version, headers: parts.headers };
                    Poll::Ready(Ok(Answer::Response(head, body)))
                }
                Err(error) => {
                    let error = self.lost(error);
                    if self.evidence.read > 0 {
                        return Poll::Ready(Err(self.fail(error)));
                    }
                    Poll::Ready(Ok(Answer::Lost(error)))
                }
            };
        }
    }

    /// The whole body, if it has come in one piece with the head, as nearly all small ones have: then nothing
    /// is left. Else the first piece, if there is one, and [`receive`](Self::receive) has the rest. It is `now`.
    pub(crate) fn take_whole(
        &mut self,
        body: &mut RecvStream,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Result<Bytes, Option<Bytes>> {
        if self.is_sending {
            return Err(None);
        }
        let data = match body.poll_data(cx) {
            Poll::Ready(Some(Ok(data))) => data,
            Poll::Ready(None) => Bytes::new(),
            // Told again when it is asked for again.
            Poll::Ready(Some(Err(_))) | Poll::Pending => return Err(None),
        };
        // It is small: a frame has at most 16 KiB, as we allow no larger ones.
        if !body.is_end_stream() {
            return Err((!data.is_empty()).then_some(data));
        }
        self.response = None;
        if let Some(stream) = self.stream.take() {
            stream.finish(Outcome::Done, Some(now));
        }
        Ok(data)
    }

    /// The rest, once the head is there. What is left is no call any more.
    pub(crate) fn receive(&mut self, body: RecvStream) -> Receiving {
        self.response = None;
        let evidence = Evidence { written: self.written() + self.written_before, ..self.evidence };
        let sending = self.body.take().filter(|_| self.is_sending);
        Receiving::new(self.stream.take(), body, sending, evidence)
    }

    /// Sends the body although no 100 came.
    pub(crate) fn release_body(&mut self) {
        self.body.iter_mut().for_each(|body| body.release());
    }

    /// Whether the body is held back until a 100 comes.
    pub(crate) fn holds_body(&self) -> bool {
        self.is_sending && self.body.as_ref().is_some_and(|body| body.is_held())
    }

    /// How many bytes of the request the connection took.
    pub(crate) fn written(&self) -> u64 {
        self.evidence.written + self.body.as_ref().map_or(0, |body| body.sent())
    }

    /// When the request was sent, or as much of it as ever will be.
    pub(crate) fn sent_at(&self) -> Option<Instant> {
        self.sent_at
    }

    /// `Send` until the request is sent, then `Wait`.
    pub(crate) fn phase(&self) -> Phase {
        if self.sent_at.is_none() { Phase::Send } else { Phase::Wait }
    }

    pub(crate) fn stream(&mut self) -> Option<&mut Stream> {
        self.stream.as_deref_mut()
    }

    /// For the limits of the request's time.
    pub(crate) fn sleeper(&mut self) -> Option<&mut Sleeper> {
        self.stream.as_mut().map(|stream| &mut stream.sleeper)
    }

    /// Gives the call up; `error` gets the evidence.
    pub(crate) fn fail(&mut self, error: Error) -> Error {
        let evidence = Evidence { written: self.written() + self.written_before, ..self.evidence };
        let destroyed = self.stream.as_ref().is_some_and(|stream| stream.is_destroyed());
        let error = if destroyed { Error::destroyed(error.phase()) } else { error };
        (self.response, self.body) = (None, None);
        if let Some(stream) = self.stream.take() {
            if self.ended == Ended::No {
                stream.give_up(Outcome::Failed);
            } else {
                stream.finish(Outcome::Failed, None);
            }
        }
        error.with(evidence)
    }

    /// What is known after [`Answer::Lost`] about sending the request again.
    pub(crate) fn loss(&self, terms: &Terms) -> Loss {
        let stream = self.stream.as_ref().filter(|stream| !stream.is_destroyed());
        let Terms { moves, retry, again, .. } = *terms;
        let most = match self.ended {
            Ended::GoAway => MOVES,
            Ended::Refused => 1,
            Ended::No | Ended::Alone | Ended::Otherwise => 0,
        };
        Loss {
            parked: self.ended != Ended::Alone && stream.is_some_and(|stream| stream.reused()),
            untouched: false,
            unseen: stream.is_some() && most > 0,
            may_move: moves < most,
            repeatable: self.evidence.repeatable,
            replayable: self.body.as_ref().is_none_or(|body| body.is_replayable()),
            retry,
            again,
        }
    }

    /// After [`Answer::Lost`]: the hold, and `request` is as it was before it was sent; it `moves` if the
    /// server has not seen it.
    pub(crate) fn take_back(&mut self, request: &mut h1::Call, moves: bool) -> Leased {
        let written = self.written();
        let Some(stream) = self.stream.take() else { unreachable!("it is here until it is given up") };
        if self.ended == Ended::GoAway {
            stream.goes_away();
        }
        let (upload, terms) = request.outgoing();
        if let Some(body) = self.body.take() {
            upload.put_parts(body.into_parts());
        }
        if let Some(original) = &mut terms.original {
            original.parts.headers.extend(self.fields.drain(..));
        }
        if moves {
            terms.moves += 1;
        } else {
            terms.again = true;
            terms.written_before += written;
        }
        Leased::Many(stream)
    }

    fn poll_sending(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if !self.is_sending {
            return Ok(());
        }
        let Some(body) = &mut self.body else { return Ok(()) };
        let error = match body.poll(cx) {
            Poll::Pending => return Ok(()),
            Poll::Ready(Ok(())) => {
                self.is_sending = false;
                self.sent_at = Some(clock::now().into_std());
                return Ok(());
            }
            // The server may have answered before it stopped listening: the response tells.
            Poll::Ready(Err(Failure::Stream)) => {
                self.is_sending = false;
                return Ok(());
            }
            Poll::Ready(Err(failure)) => failure.explain(),
        };
        Err(self.fail(error))
    }

    /// The stream ended with an error.
    fn lost(&mut self, error: h2::Error) -> Error {
        let goes = error.is_go_away() && error.is_remote();
        let refused = error.is_remote() && error.reason() == Some(Reason::REFUSED_STREAM);
        self.ended = match (goes, error.is_reset()) {
            (true, _) => Ended::GoAway,
            (_, true) if refused => Ended::Refused,
            (_, true) => Ended::Alone,
            _ => Ended::Otherwise,
        };
        explain(error, self.phase(), self.stream.as_ref().and_then(|stream| stream.fate()))
    }
}

/// What became of a stream, in words.
pub(super) fn explain(error: h2::Error, phase: Phase, fate: Option<CloseReason>) -> Error {
    if fate == Some(CloseReason::Silent) {
        let text = "the server did not answer a PING: the HTTP/2 connection is dead";
        return Error::timeout(phase, text);
    }
    if error.is_io() {
        let error = error.into_io().unwrap_or_else(|| ErrorKind::ConnectionReset.into());
        return Error::io(phase, "the HTTP/2 connection broke", error);
    }
    let text = match (error.is_reset(), error.is_go_away(), error.is_remote()) {
        (true, _, true) if error.reason() == Some(Reason::REFUSED_STREAM) => "the server refused the stream",
        (true, _, true) if error.reason() == Some(Reason::HTTP_1_1_REQUIRED) => {
            "the server wants HTTP/1.1 for this request (Protocol::Http1)"
        }
        (true, _, true) => "the server reset the stream",
        (_, true, true) => "the server ended the HTTP/2 connection (GOAWAY)",
        _ => "the server broke the rules of HTTP/2",
    };
    Error::protocol(phase, text).caused_by(error)
}

/// About what the head is in bytes: RFC 9113 §10.5.1 counts it so.
fn head_size(head: &Request<()>) -> u64 {
    let fields = head.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 32);
    let uri = head.uri();
    let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
    let path = uri.path_and_query().map_or(0, |path| path.as_str().len());
    let pseudo = [head.method().as_str().len(), uri.scheme_str().map_or(0, str::len), authority, path];
    (fields.sum::<usize>() + pseudo.iter().sum::<usize>() + pseudo.len() * 32) as u64
}

/// How often a request may move because its connection goes away: so it meets four at most.
const MOVES: u32 = 3;

//! An attempt on a stream of a connection that carries many: HTTP/2.

use std::task::{Context, Poll, ready};
use std::time::Instant;

use super::attempt::{Attempt, Progress};
use super::info::Waits;
use super::retry::{self, Verdict};
use super::{Tried, response};
use crate::body::{Body, Incoming};
use crate::http2::{Answer, Call, has_authority, is_formless};
use crate::options::RequestDefaults;
use crate::pool::{Outcome, Stream};
use crate::timer::{Sleeper, Timer};
use crate::{Error, Origin, Phase, clock, h1};

/// An attempt under way. In a box, so that requests over HTTP/1.1 are no larger.
pub(super) struct Many {
    call: Call,
    progress: Progress,
}

/// Begins a request on a stream.
pub(super) fn begin(
    stream: Box<Stream>,
    request: &mut h1::Call,
    origin: &Origin,
    progress: Progress,
) -> Result<Box<Many>, Error> {
    let original = &request.outgoing().1.original;
    let why = if original.as_ref().is_none_or(|original| is_formless(&original.parts)) {
        Some("an upgrade or a tunnel needs HTTP/1.1")
    } else if original.as_ref().is_some_and(|original| !has_authority(&original.parts)) {
        Some("a Host field that is no authority cannot be sent over HTTP/2 (RFC 9113 §8.3.1)")
    } else {
        None
    };
    if let Some(why) = why {
        stream.finish(Outcome::Failed, None);
        let text = format!("{why}, and {origin} speaks HTTP/2; Protocol::Http1 rules that out");
        return Err(Error::request(text).with(request.evidence()));
    }
    Ok(Box::new(Many { call: Call::new(stream, request), progress }))
}

/// Drives what was begun. Not an `async fn`: its future would be part of every request.
pub(super) fn poll(
    Many { call, progress }: &mut Many,
    request: &mut h1::Call,
    cx: &mut Context<'_>,
    defaults: &RequestDefaults,
    timer: &Timer,
    waits: &Waits,
) -> Poll<Result<Tried, Error>> {
    Poll::Ready(Ok(match ready!(progress.poll(call, cx, defaults, timer))? {
        Answer::Response(head, mut stream) => {
            let (sent_at, now) = (call.sent_at(), clock::now().into_std());
            let told = call.stream().map(|it| waits.tell(&it.facts(), it.dialed.take(), sent_at, now));
            let body = match call.take_whole(&mut stream, cx, now) {
                Ok(bytes) => Body::full(bytes),
                Err(piece) => {
                    let mut rest = call.receive(stream);
                    match rest.take_small_body(cx, now, piece) {
                        Some(bytes) => Body::full(bytes),
                        None => {
                            rest.expect(&head, request.outgoing().1.facts.method_head);
                            Body::incoming(Incoming::new(rest, *timer, defaults.body_timeout))
                        }
                    }
                }
            };
            Tried::Answered(response(head, body, told.unwrap_or_default()))
        }
        Answer::Lost(error) => {
            let (moves, written) = match retry::verdict(&call.loss(request.outgoing().1)) {
                Verdict::Move => (true, false),
                Verdict::Resend => (false, true),
                Verdict::Fail(why) => return Poll::Ready(Err(call.fail(retry::explain(error, why)))),
            };
            Tried::Again { leased: call.take_back(request, moves), written }
        }
    }))
}

impl Attempt for Call {
    type Answer = Answer;

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answer, Error>> {
        self.poll_head(cx)
    }

    fn written(&self) -> u64 {
        self.written()
    }

    fn holds_body(&self) -> bool {
        self.holds_body()
    }

    fn release_body(&mut self) {
        self.release_body();
    }

    fn phase(&self) -> Phase {
        self.phase()
    }

    fn sent_at(&self) -> Option<Instant> {
        self.sent_at()
    }

    fn sleeper(&mut self) -> Option<&mut Sleeper> {
        self.sleeper()
    }

    fn time_out(&mut self, late: Error) -> Error {
        self.fail(late)
    }
}

//! An attempt on a stream of a connection that carries many: HTTP/2.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Instant;

use super::Tried;
use super::attempt::{Attempt, Progress};
use super::info::Stopwatch;
use super::retry::{self, Verdict};
use crate::body::{Body, Incoming};
use crate::http2::{Answer, Call};
use crate::options::RequestDefaults;
use crate::pool::{Outcome, Stream};
use crate::timer::{Sleeper, Timer};
use crate::{Error, Origin, Phase, h1};

pub(super) async fn attempt(
    stream: Box<Stream>,
    request: &mut h1::Call,
    origin: &Origin,
    defaults: &RequestDefaults,
    timer: &Timer,
    watch: &mut Stopwatch,
) -> Result<Tried, Error> {
    let outgoing = request.take_outgoing();
    if outgoing.terms.http2.is_none() {
        stream.finish(Outcome::Failed);
        let text = format!(
            "an upgrade or a tunnel needs HTTP/1.1, and {origin} speaks HTTP/2; Protocol::Http1 rules that out"
        );
        return Err(Error::request(text));
    }
    let mut call = Call::new(*stream, outgoing);
    let mut progress = Progress::begin(watch.began(), defaults);
    match poll_fn(|cx| progress.poll(&mut call, cx, defaults, timer)).await? {
        Answer::Response(head, body) => {
            watch.stop(call.sent_at());
            let mut rest = call.receive(&head, body);
            let small = poll_fn(|cx| Poll::Ready(rest.take_small_body(cx))).await;
            let body = match small {
                Some(bytes) => Body::full(bytes),
                None => Body::incoming(Incoming::new(rest, *timer, defaults.body_timeout)),
            };
            Ok(Tried::Answered(head, body))
        }
        Answer::Lost(error) => {
            let (moves, written) = match retry::verdict(&call.loss()) {
                Verdict::Move => (true, false),
                Verdict::Resend => (false, true),
                Verdict::Fail(why) => return Err(call.fail(retry::explain(error, why))),
            };
            let (leased, outgoing) = call.take_back(moves);
            *request = h1::Call::new(outgoing);
            Ok(Tried::Again { leased, written })
        }
    }
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
        Some(self.sleeper())
    }

    fn time_out(&mut self, late: Error) -> Error {
        self.fail(late)
    }
}

//! An attempt on a socket of its own: HTTP/1.1.

use std::task::{Context, Poll, ready};
use std::time::Instant;

use http::Extensions;

use super::attempt::{Attempt, Progress};
use super::info::Waits;
use super::retry::{self, Verdict};
use super::{Tried, response};
use crate::body::{Body, Incoming, Upgraded};
use crate::h1::{Answer, Call};
use crate::options::RequestDefaults;
use crate::pool::{Lease, Leased};
use crate::timer::{Sleeper, Timer};
use crate::{CloseReason, Error, Phase, clock};

/// Drives a call that was begun on its socket. Not an `async fn`: its future would be part of every request.
pub(super) fn poll(
    call: &mut Call,
    progress: &mut Progress,
    cx: &mut Context<'_>,
    defaults: &RequestDefaults,
    timer: &Timer,
    waits: &Waits,
) -> Poll<Result<Tried, Error>> {
    Poll::Ready(Ok(match ready!(progress.poll(call, cx, defaults, timer))? {
        Answer::Switched(head, rest) => {
            let (mut lease, rest) = *rest;
            let told = tell(waits, &mut lease, call.sent_at(), clock::now().into_std());
            Tried::Answered(response(head, Body::upgraded(Upgraded::new(lease, rest)), told))
        }
        Answer::Response(head) => {
            let (sent_at, now) = (call.sent_at(), clock::now().into_std());
            let told = call.lease().map(|lease| tell(waits, lease, sent_at, now)).unwrap_or_default();
            let body = match call.take_small_body(cx, now) {
                Some(bytes) => Body::full(bytes),
                None => {
                    if let Some(lease) = call.lease() {
                        lease.body_begins(now);
                    }
                    Body::incoming(Incoming::new(std::mem::take(call), *timer, defaults.body_timeout))
                }
            };
            Tried::Answered(response(head, body, told))
        }
        Answer::Lost(error, reason) => {
            let loss = call.loss();
            let written = match retry::verdict(&loss) {
                Verdict::Move => false,
                Verdict::Resend => true,
                Verdict::Fail(why) => {
                    let reason = if loss.parked { CloseReason::Stale } else { reason };
                    return Poll::Ready(Err(call.fail(retry::explain(error, why), reason)));
                }
            };
            Tried::Again { leased: Leased::One(call.take_back()), written }
        }
    }))
}

fn tell(waits: &Waits, lease: &mut Lease, sent_at: Option<Instant>, now: Instant) -> Extensions {
    let dialed = lease.take_dialed();
    waits.tell(&lease.facts(), dialed, sent_at, now)
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
        self.fail(late, CloseReason::TimedOut)
    }
}

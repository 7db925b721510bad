//! An attempt on a socket of its own: HTTP/1.1.

use std::future::{Future, poll_fn};
use std::task::{Context, Poll};
use std::time::Instant;

use super::info::Stopwatch;
use super::retry::{self, Verdict};
use super::{Attempt, Tried, head};
use crate::body::{Body, Incoming, Upgraded};
use crate::h1::{Answer, Call, Outgoing};
use crate::options::RequestDefaults;
use crate::pool::{Lease, Leased};
use crate::timer::{Sleeper, Timer};
use crate::{CloseReason, Error, Phase};

pub(super) fn attempt<'a>(
    lease: Lease,
    outgoing: Outgoing,
    defaults: &'a RequestDefaults,
    timer: Timer,
    watch: &'a mut Stopwatch,
) -> impl Future<Output = Result<Tried, Error>> + 'a {
    // Outside the future, which would keep room for what the call is made of, too.
    let mut call = Call::new(lease, outgoing);
    async move {
        match head(&mut call, defaults, &timer, watch.began()).await? {
            Answer::Switched(head, lease, rest) => {
                watch.stop(call.sent_at());
                Ok(Tried::Answered(head, Body::upgraded(Upgraded::new(lease, rest))))
            }
            Answer::Response(head) => {
                let now = watch.stop(call.sent_at());
                if let Some(lease) = call.lease() {
                    lease.body_begins(now);
                }
                let small = poll_fn(|cx| Poll::Ready(call.take_small_body(cx, now))).await;
                let body = match small {
                    Some(bytes) => Body::full(bytes),
                    None => Body::incoming(Incoming::new(call, timer, defaults.body_timeout)),
                };
                Ok(Tried::Answered(head, body))
            }
            Answer::Lost(error, reason) => {
                let loss = call.loss();
                let written = match retry::verdict(&loss) {
                    Verdict::Move => false,
                    Verdict::Resend => true,
                    Verdict::Fail(why) => {
                        let reason = if loss.parked { CloseReason::Stale } else { reason };
                        return Err(call.fail(retry::explain(error, why), reason));
                    }
                };
                let (lease, outgoing) = call.take_back();
                Ok(Tried::Again { leased: Leased::One(lease), outgoing, written })
            }
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
        self.sleeper()
    }

    fn time_out(&mut self, late: Error) -> Error {
        self.fail(late, CloseReason::TimedOut)
    }
}

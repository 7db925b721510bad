//! An attempt on a socket of its own: HTTP/1.1.

use std::future::poll_fn;
use std::task::{Context, Poll};

use super::info::Stopwatch;
use super::retry::{self, Verdict};
use super::{Attempt, Tried, head};
use crate::body::{Body, Incoming, Upgraded};
use crate::h1::{Answer, Call, Outgoing};
use crate::options::RequestDefaults;
use crate::pool::{Lease, Leased};
use crate::timer::Timer;
use crate::{CloseReason, Error, Phase};

pub(super) async fn attempt(
    lease: Lease,
    outgoing: Outgoing,
    defaults: &RequestDefaults,
    mut timer: Timer,
    watch: &mut Stopwatch,
) -> Result<Tried, Error> {
    let (answer, mut call) = head(Call::new(lease, outgoing), defaults, &mut timer).await?;
    match answer {
        Answer::Switched(head, lease, rest) => {
            watch.stop(call.sent_at());
            Ok(Tried::Answered(head, Body::upgraded(Upgraded::new(lease, rest))))
        }
        Answer::Response(head) => {
            let now = watch.stop(call.sent_at());
            if let Some(lease) = call.lease() {
                lease.body_begins(now);
            }
            let small = poll_fn(|cx| Poll::Ready(call.take_small_body(cx))).await;
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
            Ok(Tried::Again { leased: Leased::One(lease), outgoing, timer, written })
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

    fn time_out(&mut self, late: Error) -> Error {
        self.fail(late, CloseReason::TimedOut)
    }
}

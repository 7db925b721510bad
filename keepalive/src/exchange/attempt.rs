//! A request under way up to its head, on whatever carries it, and the limits of its time.
//!
//! What carries it is in [`one`](super::one) and [`many`](super::many).

use std::task::{Context, Poll, ready};

use tokio::time::Instant;

use crate::options::RequestDefaults;
use crate::pool::Seconds;
use crate::timer::{Sleeper, Timer};
use crate::{Error, Phase, clock};

pub(super) trait Attempt {
    type Answer;
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Self::Answer, Error>>;
    fn written(&self) -> u64;
    fn holds_body(&self) -> bool;
    fn release_body(&mut self);
    fn phase(&self) -> Phase;
    fn sent_at(&self) -> Option<std::time::Instant>;
    fn sleeper(&mut self) -> Option<&mut Sleeper>;
    fn time_out(&mut self, late: Error) -> Error;
}

/// How far an attempt has come. Two limits of its own: until a held body is sent anyway, and of the server's
/// silence since it took the last byte.
pub(super) struct Progress {
    written: u64,
    at: Instant,
    release_at: Option<Instant>,
}

impl Progress {
    /// Nothing is written yet.
    pub(super) fn begin(now: Instant, defaults: &RequestDefaults) -> Self {
        let release_at = defaults.expect_continue_timeout.and_then(|limit| now.checked_add(limit));
        Self { written: 0, at: now, release_at }
    }

    /// Drives the attempt to its head.
    pub(super) fn poll<A: Attempt>(
        &mut self,
        call: &mut A,
        cx: &mut Context<'_>,
        defaults: &RequestDefaults,
        timer: &Timer,
    ) -> Poll<Result<A::Answer, Error>> {
        loop {
            if let Poll::Ready(answer) = call.poll_head(cx) {
                return Poll::Ready(answer);
            }
            let now = self.note(call.written(), call.sent_at());
            let release_at = self.release_at.filter(|_| call.holds_body());
            let silent_until = defaults.response_timeout.and_then(|limit| self.at.checked_add(limit));
            let end = release_at.or(silent_until);
            let phase = call.phase();
            let Some(sleeper) = call.sleeper() else { return Poll::Pending };
            match ready!(timer.poll_phase(sleeper, cx, phase, end, now)) {
                None if release_at.is_some() => call.release_body(),
                None => {
                    let limit = Seconds(defaults.response_timeout.unwrap_or_default());
                    let text = format!("the server did not answer within {limit} (response_timeout)");
                    let late = Error::timeout(phase, text);
                    return Poll::Ready(Err(call.time_out(late)));
                }
                Some(late) => return Poll::Ready(Err(call.time_out(late))),
            }
        }
    }

    /// So much is written; gives the time.
    fn note(&mut self, written: u64, sent_at: Option<std::time::Instant>) -> Instant {
        if written == self.written {
            return clock::now();
        }
        self.written = written;
        // If that was the last of it, the clock has just been read.
        self.at = sent_at.map_or_else(clock::now, Instant::from_std);
        self.at
    }
}

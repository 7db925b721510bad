//! The end of a call: what becomes of the socket when its response is over, or nobody wants the rest.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::time::timeout;

use super::{BodyEvent, Call, Verdict};
use crate::error::Phase;
use crate::pool::{Hint, Lease, Outcome, spawn};
use crate::{CloseReason, Error};

impl Call {
    /// The response was read to its end: gives the socket back, or closes it.
    ///
    /// `now` is the time if it was read just now. If the request is still being written, it may go on for
    /// [`UPLOAD_GRACE`] in a task of its own.
    pub(super) fn finish(&mut self, now: Option<Instant>) {
        let verdict = self.verdict();
        let hint = self.hint();
        self.give_buffer_back();
        let Some(mut lease) = self.lease.take() else { return };
        match verdict {
            Verdict::Reusable => lease.release(hint, now),
            Verdict::Close(CloseReason::UploadUnfinished) => {
                // A body held back for a 100 that did not come is not sent to be thrown away, nor is any
                // if the socket cannot be used again whatever becomes of it.
                let worth_it = self.decoder.prospect() == Verdict::Reusable;
                let upload = self.upload.take().filter(|upload| worth_it && !upload.is_held());
                let (Some(mut upload), Ok(runtime)) = (upload, Handle::try_current()) else {
                    return lease.close(CloseReason::UploadUnfinished, Outcome::Done);
                };
                lease.drain();
                spawn(&runtime, async move {
                    let rest = poll_fn(|cx| upload.poll(cx, &mut lease.socket().io));
                    match timeout(UPLOAD_GRACE, rest).await {
                        Ok(Ok(())) => lease.release(hint, None),
                        _ => lease.close(CloseReason::UploadUnfinished, Outcome::Done),
                    }
                });
            }
            Verdict::Close(reason) => lease.close(reason, Outcome::Done),
        }
    }

    /// Why the body may not be whole, where the end of the connection is its end and nothing else tells.
    pub(super) fn doubt(&mut self) -> Option<(Error, CloseReason)> {
        if !self.eof {
            return None;
        }
        if self.cut {
            let text = "the connection was cut: without TLS's goodbye (close_notify) nobody knows whether that was the whole body";
            return Some((Error::protocol(Phase::Receive, text), CloseReason::Truncated));
        }
        if self.write_error.is_some() {
            // The write took the news that the connection was reset.
            return Some(self.read_failed(io::ErrorKind::ConnectionReset.into()));
        }
        // Then it was us who ended it.
        let is_ours = self.lease().is_some_and(|lease| lease.is_destroyed());
        is_ours.then(|| (Error::destroyed(Phase::Receive), CloseReason::Destroyed))
    }

    /// Nobody wants the rest of the body: reads it off if it is short, so that the socket can be used
    /// again, else closes.
    ///
    /// What is there is read at once, up to [`DRAIN_AT_ONCE`] bytes; the rest in a task, up to
    /// [`DRAIN_BYTES`] and [`DRAIN_TIME`]. Outside a runtime there is no such task.
    pub(crate) fn abandon(mut self) {
        if self.is_writing {
            return self.close(CloseReason::Cancelled);
        }
        if let Verdict::Close(reason) = self.decoder.prospect() {
            return self.close(reason);
        }
        if self.decoder.body_remaining().is_some_and(|rest| rest > DRAIN_BYTES) {
            return self.close(CloseReason::BodyNotDrained);
        }
        self.lease.iter_mut().for_each(Lease::unwanted);
        let mut drained = 0;
        let at_once = self.poll_drain(&mut Context::from_waker(Waker::noop()), &mut drained, DRAIN_AT_ONCE);
        if at_once.is_ready() && self.lease.is_none() {
            return;
        }
        let (Some(lease), Ok(runtime)) = (self.lease(), Handle::try_current()) else {
            return self.close(CloseReason::BodyNotDrained);
        };
        lease.drain();
        spawn(&runtime, async move {
            let rest = poll_fn(|cx| self.poll_drain(cx, &mut drained, DRAIN_BYTES));
            // Whatever came of it: a socket that was not given up by it is closed.
            let _ = timeout(DRAIN_TIME, rest).await;
            self.close(CloseReason::BodyNotDrained);
        });
    }

    /// Reads off until the end or an error, which give the socket up, or until more than `limit` bytes
    /// were `drained`.
    fn poll_drain(&mut self, cx: &mut Context<'_>, drained: &mut u64, limit: u64) -> Poll<()> {
        while *drained <= limit {
            match ready!(self.poll_body(cx)) {
                Ok(BodyEvent::Data(data)) => *drained += data.len() as u64,
                Ok(BodyEvent::End) | Err(_) => break,
                Ok(_) => {}
            }
        }
        Poll::Ready(())
    }

    /// Closes the socket of a request that is done, if it still has one.
    fn close(&mut self, reason: CloseReason) {
        if let Some(lease) = self.lease.take() {
            lease.close(reason, Outcome::Done);
        }
    }

    fn hint(&self) -> Hint {
        let said = self.decoder.hint();
        said.map(|said| Hint { timeout: said.timeout, max: said.max }).unwrap_or_default()
    }

    fn verdict(&self) -> Verdict {
        self.decoder.verdict(!self.is_writing && self.write_error.is_none(), !self.buf.is_empty())
    }
}

/// How long a request body may go on after its response is over.
const UPLOAD_GRACE: Duration = Duration::from_millis(50);

/// How much of a dropped body is read off by whoever drops it: what a socket's buffer may hold.
const DRAIN_AT_ONCE: u64 = 64 * 1024;

/// How much of a dropped body is read off in all: about what a new connection costs in time.
const DRAIN_BYTES: u64 = 256 * 1024;

/// How long a dropped body is read off.
const DRAIN_TIME: Duration = Duration::from_millis(50);

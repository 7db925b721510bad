//! The task of a connection: drives the frames, and tells the owner what it has to know.
//!
//! ```text
//!   streams in use and nothing read for `ping_interval` ──► PING ──► nothing read for `ping_timeout`: dead
//!   a stream was given up ──► PING ──► something read: its place is free
//!   closed by its owner ──► GOAWAY, at most [`GRACE`] ──► over
//! ```

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use h2::{Ping, PingPong};
use tokio::time::{Instant, Sleep, sleep_until};

use super::{Link, MuxOptions, Opened, Owner};
use crate::{CloseReason, clock};

/// How long a connection that its owner closed may take to say goodbye.
const GRACE: Duration = Duration::from_secs(1);

impl Opened {
    /// Runs until the connection is over.
    pub(crate) async fn drive(self, owner: Box<dyn Owner>) {
        let Self { link, mut connection, options, .. } = self;
        let mut health = Health::new(connection.ping_pong(), options);
        let mut sleep = pin!(sleep_until(clock::now()));
        let (mut allowed, mut told) = (connection.max_concurrent_send_streams(), false);
        let reason = loop {
            let mut changed = pin!(link.pulse.changed.notified());
            let over = poll_fn(|cx| {
                loop {
                    if let Poll::Ready(end) = Pin::new(&mut connection).poll(cx) {
                        return Poll::Ready(Some(why(end, told, &link)));
                    }
                    let now_allowed = connection.max_concurrent_send_streams();
                    if now_allowed != allowed {
                        allowed = now_allowed;
                        owner.streams_allowed(allowed);
                    }
                    if !told && link.goes_away(cx) {
                        told = true;
                        owner.goes_away();
                    }
                    match health.poll(cx, sleep.as_mut(), &link, &*owner) {
                        Step::Wait => {}
                        // A frame was made; it is written by another turn.
                        Step::Again => continue,
                        Step::Dead(reason) => return Poll::Ready(Some(reason)),
                    }
                    ready!(changed.as_mut().poll(cx));
                    return Poll::Ready(None);
                }
            })
            .await;
            if let Some(reason) = over {
                break reason;
            }
        };
        *link.fate.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
        owner.is_over(reason);
        link.close();
        // The transport goes last, and the slot with it.
        drop(connection);
    }
}

fn why(end: Result<(), h2::Error>, told: bool, link: &Link) -> CloseReason {
    match end {
        _ if told => CloseReason::GoAway,
        Ok(()) => CloseReason::ClosedByServer,
        Err(error) if error.is_io() && link.pulse.busy.load(Ordering::Relaxed) == 0 => {
            CloseReason::ClosedByServer
        }
        Err(error) if error.is_io() => CloseReason::IoError,
        Err(error) if error.is_go_away() && error.is_remote() => CloseReason::GoAway,
        Err(_) => CloseReason::ProtocolError,
    }
}

enum Step {
    Wait,
    Again,
    Dead(CloseReason),
}

/// Whether the peer is still there.
struct Health {
    pings: Option<PingPong>,
    options: MuxOptions,
    /// A PING is not answered yet.
    asked: bool,
    /// It was sent because of a silence, which the timer measures.
    doubted: bool,
    /// What `reads` was when the timer was set.
    reads: u64,
    /// Until when the timer of a silence runs, if it does.
    until: Option<Instant>,
    /// When a connection that its owner closed is over at the latest.
    ends: Option<Instant>,
}

impl Health {
    fn new(pings: Option<PingPong>, options: MuxOptions) -> Self {
        Self { pings, options, asked: false, doubted: false, reads: 0, until: None, ends: None }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut sleep: Pin<&mut Sleep>,
        link: &Link,
        owner: &dyn Owner,
    ) -> Step {
        let pulse = &link.pulse;
        if self.asked && self.pings.as_mut().is_some_and(|pings| pings.poll_pong(cx).is_ready()) {
            self.asked = false;
        }
        let reads = pulse.reads.load(Ordering::Relaxed);
        let given_up = pulse.given_up.load(Ordering::Acquire);
        if given_up > 0 {
            if reads > pulse.given_up_at.load(Ordering::Relaxed) {
                pulse.given_up.fetch_sub(given_up, Ordering::Relaxed);
                (0..given_up).for_each(|_| owner.stream_is_free());
                return Step::Again;
            }
            if self.ask() {
                return Step::Again;
            }
        }
        let in_use = pulse.busy.load(Ordering::Relaxed) + given_up;
        if in_use == 0 {
            return self.rest(cx, sleep, link);
        }
        let Some(interval) = self.options.ping_interval else { return Step::Wait };
        let Some(until) = self.until else {
            self.reads = reads;
            let patience = if self.doubted { self.options.ping_timeout } else { interval };
            return self.wait(cx, sleep, patience);
        };
        if clock::now() < until && sleep.as_mut().poll(cx).is_pending() {
            return Step::Wait;
        }
        self.until = None;
        if reads != self.reads {
            self.doubted = false;
        } else if self.doubted {
            return Step::Dead(CloseReason::Silent);
        } else {
            self.doubted = true;
            self.ask();
        }
        Step::Again
    }

    /// No stream is in use: there is nothing to wait for, but for the end of one that is to end.
    fn rest(&mut self, cx: &mut Context<'_>, mut sleep: Pin<&mut Sleep>, link: &Link) -> Step {
        (self.until, self.doubted) = (None, false);
        if !link.is_closed() {
            return Step::Wait;
        }
        match self.ends {
            None => {
                let ends = clock::now() + GRACE;
                self.ends = Some(ends);
                sleep.as_mut().reset(ends);
            }
            Some(ends) if clock::now() >= ends => return Step::Dead(CloseReason::AgentClosed),
            Some(_) => {}
        }
        if sleep.poll(cx).is_ready() { Step::Again } else { Step::Wait }
    }

    /// Sends a PING unless one is under way; whether it did.
    fn ask(&mut self) -> bool {
        if self.asked {
            return false;
        }
        let Some(pings) = &mut self.pings else { return false };
        self.asked = pings.send_ping(Ping::opaque()).is_ok();
        self.asked
    }

    fn wait(&mut self, cx: &mut Context<'_>, mut sleep: Pin<&mut Sleep>, patience: Duration) -> Step {
        let until = clock::now() + patience;
        self.until = Some(until);
        sleep.as_mut().reset(until);
        // Registers the waker.
        if sleep.poll(cx).is_ready() { Step::Again } else { Step::Wait }
    }
}

//! The task of a connection: drives the frames, and tells the owner what it has to know.
//!
//! ```text
//!   streams in use and nothing read for `ping_interval` ──► PING ──► nothing read for `ping_timeout`: dead
//!   a stream was given up ──► PING ──► something read: its place is free
//!                                  └─► nothing read for `ping_timeout`: dead
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
        let (mut allowed, mut told) = (connection.max_concurrent_send_streams(), None);
        let reason = loop {
            let mut changed = pin!(link.pulse.changed.notified());
            let over = poll_fn(|cx| {
                loop {
                    if let Poll::Ready(end) = Pin::new(&mut connection).poll(cx) {
                        // The last frame may have come with the end.
                        let told = told.or_else(|| link.goes_away(cx));
                        return Poll::Ready(Some(told.unwrap_or_else(|| why(end, &link))));
                    }
                    let now_allowed = connection.max_concurrent_send_streams();
                    if now_allowed != allowed {
                        allowed = now_allowed;
                        owner.streams_allowed(allowed);
                    }
                    if told.is_none() {
                        told = link.goes_away(cx);
                        told.into_iter().for_each(|reason| owner.goes_away(reason));
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
        let reason = owner.is_over(reason);
        *link.fate.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
        link.close();
        // The transport goes last, and the slot with it.
        drop(connection);
    }
}

/// Why a connection ended that did not say goodbye.
fn why(end: Result<(), h2::Error>, link: &Link) -> CloseReason {
    match end {
        Ok(()) => CloseReason::ClosedByServer,
        Err(error) if error.is_io() && link.pulse.busy.load(Ordering::Relaxed) == 0 => {
            CloseReason::ClosedByServer
        }
        Err(error) if error.is_io() => CloseReason::IoError,
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
    /// What `reads` was when something was read last, and when that was noticed.
    reads: u64,
    heard: Instant,
    /// Since when there have been streams in use.
    busy_since: Option<Instant>,
    /// Since when the peer owes a sign of life: it was asked for one.
    doubted: Option<Instant>,
    /// When the timer fires, if it runs; never later than it must, often earlier.
    fires: Option<Instant>,
    /// When a connection that its owner closed is over at the latest.
    ends: Option<Instant>,
}

impl Health {
    fn new(pings: Option<PingPong>, options: MuxOptions) -> Self {
        let (heard, asked, reads) = (clock::now(), false, 0);
        Self { pings, options, asked, reads, heard, busy_since: None, doubted: None, fires: None, ends: None }
    }

    fn poll(&mut self, cx: &mut Context<'_>, sleep: Pin<&mut Sleep>, link: &Link, owner: &dyn Owner) -> Step {
        let pulse = &link.pulse;
        if self.asked && self.pings.as_mut().is_some_and(|pings| pings.poll_pong(cx).is_ready()) {
            self.asked = false;
        }
        let (now, reads) = (clock::now(), pulse.reads.load(Ordering::Relaxed));
        if reads != self.reads {
            (self.reads, self.heard, self.doubted) = (reads, now, None);
        }
        let given_up = pulse.given_up.load(Ordering::Acquire);
        if given_up > 0 {
            if reads > pulse.given_up_at.load(Ordering::Relaxed) {
                pulse.given_up.fetch_sub(given_up, Ordering::Relaxed);
                (0..given_up).for_each(|_| owner.stream_is_free());
                return Step::Again;
            }
            if self.doubted.is_none() {
                return self.doubt(now);
            }
        }
        if pulse.busy.load(Ordering::Relaxed) + given_up == 0 {
            (self.busy_since, self.doubted) = (None, None);
            return self.rest(cx, sleep, link, now);
        }
        let since = *self.busy_since.get_or_insert(now);
        let end = match self.doubted {
            Some(doubted) => doubted.checked_add(self.options.ping_timeout),
            None => {
                self.options.ping_interval.and_then(|interval| since.max(self.heard).checked_add(interval))
            }
        };
        match end {
            None => Step::Wait,
            Some(end) if now < end => self.sleep(cx, sleep, end),
            Some(_) if self.doubted.is_some() => Step::Dead(CloseReason::Silent),
            Some(_) => self.doubt(now),
        }
    }

    /// No stream is in use: there is nothing to wait for, but for the end of one that is to end.
    fn rest(&mut self, cx: &mut Context<'_>, sleep: Pin<&mut Sleep>, link: &Link, now: Instant) -> Step {
        if !link.is_closed() {
            return Step::Wait;
        }
        let ends = *self.ends.get_or_insert(now + GRACE);
        if now >= ends { Step::Dead(CloseReason::AgentClosed) } else { self.sleep(cx, sleep, ends) }
    }

    /// Asks for a sign of life, by a PING unless one is under way.
    fn doubt(&mut self, now: Instant) -> Step {
        self.doubted = Some(now);
        if !self.asked {
            let sent = self.pings.as_mut().map(|pings| pings.send_ping(Ping::opaque()));
            self.asked = sent.is_some_and(|sent| sent.is_ok());
        }
        Step::Again
    }

    /// Has the task woken at `end`. A timer that fires earlier is left alone: whoever is busy would move it
    /// all the time.
    fn sleep(&mut self, cx: &mut Context<'_>, mut sleep: Pin<&mut Sleep>, end: Instant) -> Step {
        if self.fires.is_none_or(|fires| fires > end) {
            self.fires = Some(end);
            sleep.as_mut().reset(end);
        }
        if sleep.poll(cx).is_pending() {
            return Step::Wait;
        }
        self.fires = None;
        Step::Again
    }
}

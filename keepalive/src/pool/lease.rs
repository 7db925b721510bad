//! A socket, and the right of one request to use it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use http::Version;
use tokio::runtime;

use super::leased::Facts;
use super::state::{CLAIM, Hint, Outcome, SocketKey, State};
use super::{Pool, keeper};
use crate::CloseReason;
use crate::connect::DialTimings;
use crate::io::{Io, Probe};
use crate::timer::Sleeper;
use crate::{clock, descriptors};

/// An open connection; its slot is inside, see [`Permit`](crate::io::Permit).
pub(crate) struct Socket {
    pub(crate) io: Box<dyn Io>,
    pub(crate) id: u64,
    pub(super) about: Arc<About>,
    /// Of its dial; the first request takes it.
    pub(crate) dialed: Option<Box<Dialed>>,
    pub(super) key: SocketKey,
    /// As it was when the request that has it took it.
    pub(super) past: Past,
    /// Tells the keeper that something happened while nobody used it.
    waker: Waker,
    /// The runtime whose reactor it is registered with.
    runtime: Option<runtime::Id>,
}

/// What both the pool and whoever has the socket want to know of it.
#[derive(Debug, Default)]
pub(super) struct About {
    pub(super) local: Option<SocketAddr>,
    pub(super) peer: Option<SocketAddr>,
    /// Since when a response body on it waits to be read, in ns since the pool's epoch and one more;
    /// 0: none does.
    pub(super) body_since: AtomicU64,
}

/// When a dial was begun, and how long its steps took.
pub(crate) struct Dialed {
    pub(crate) began: Instant,
    pub(crate) timings: DialTimings,
}

impl Socket {
    pub(super) fn new(
        pool: &Arc<Pool>,
        key: SocketKey,
        id: u64,
        began: Instant,
        io: Box<dyn Io>,
        dial: (DialTimings, Option<SocketAddr>, Option<SocketAddr>),
    ) -> Box<Self> {
        let (timings, local, peer) = dial;
        Box::new(Self {
            io,
            id,
            about: Arc::new(About { local, peer, body_since: AtomicU64::new(0) }),
            dialed: Some(Box::new(Dialed { began, timings })),
            key,
            past: Past::none(began),
            waker: keeper::waker(pool, key, id),
            runtime: current_runtime(),
        })
    }

    /// Has the keeper told when something happens; says why the socket is no good if it is not.
    pub(super) fn watch(&mut self) -> Option<CloseReason> {
        match self.io.poll_idle(&mut Context::from_waker(&self.waker)) {
            // Alive and yet ready: its runtime is gone and nobody can be told; the next user moves it.
            Poll::Pending | Poll::Ready(Probe::Alive | Probe::Unknown) => None,
            Poll::Ready(Probe::Eof) => Some(CloseReason::ClosedByServer),
            Poll::Ready(Probe::Bytes) => Some(CloseReason::UnsolicitedBytes),
        }
    }

    /// Makes sure that the next request can have it: asks the kernel, unless it has just been in use, and
    /// moves it to the runtime that is `here`. Says whether it was moved.
    fn check(&mut self, here: Option<runtime::Id>) -> Result<bool, CloseReason> {
        let was_just_used = self.past.emptied && was_just_used(self.past.request_number, self.past.idle_for);
        match if was_just_used { self.io.glance() } else { self.io.probe() } {
            Probe::Eof => return Err(CloseReason::ClosedByServer),
            Probe::Bytes => return Err(CloseReason::UnsolicitedBytes),
            Probe::Alive | Probe::Unknown => {}
        }
        let moves = self.runtime != here;
        if moves {
            // Outside a runtime nobody could use it.
            self.runtime = Some(here.ok_or(CloseReason::IoError)?);
            self.io.rehome().map_err(|_| CloseReason::IoError)?;
        }
        Ok(moves)
    }
}

impl Socket {
    fn close(self: Box<Self>, pool: &Arc<Pool>, reason: CloseReason, ending: Ending) {
        self.announce_close(pool, reason, ending, true);
        drop(self);
    }

    /// Closes an idle socket that proved dead.
    pub(super) fn close_dead(self: Box<Self>, pool: &Arc<Pool>, reason: CloseReason) {
        self.announce_dead(pool, reason);
        drop(self);
    }

    /// As [`announce_close`](Self::announce_close), for a socket that was idle until it was looked at.
    fn announce_dead(&self, pool: &Arc<Pool>, reason: CloseReason) {
        pool.event(|inner, now| inner.state.found_dead(self.key, reason, now));
    }

    /// Says that the socket is dropped next, and whether the request that had it `used` it.
    fn announce_close(&self, pool: &Arc<Pool>, reason: CloseReason, ending: Ending, used: bool) {
        pool.event(|inner, _| {
            ending.count(&mut inner.state);
            if !used {
                inner.state.unused(self.key);
            }
            inner.state.closing(self.key, reason);
        });
    }
}

/// What a socket was before a request took it.
#[derive(Clone, Copy)]
pub(super) struct Past {
    /// How many requests it was given to, this one included.
    pub(super) request_number: u64,
    pub(super) idle_for: Duration,
    pub(super) parked: bool,
    /// It was read empty just before it came free.
    pub(super) emptied: bool,
    pub(super) taken_at: Instant,
}

impl Past {
    /// Of one that nobody has taken.
    fn none(now: Instant) -> Self {
        Self { request_number: 0, idle_for: Duration::ZERO, parked: false, emptied: false, taken_at: now }
    }
}

/// One request's hold on one socket. Dropping it closes the socket as cancelled.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    /// `None` once it is given up.
    socket: Option<Box<Socket>>,
    /// The request's outcome is counted.
    finished: bool,
    /// Nobody wants the rest of the response: whatever becomes of the socket, the request is done.
    unwanted: bool,
    /// For the limits of the request's time.
    pub(crate) sleeper: Sleeper,
}

impl Lease {
    pub(super) fn new(pool: &Arc<Pool>, socket: Box<Socket>, sleeper: Sleeper) -> Self {
        socket.about.body_since.store(0, Ordering::Relaxed);
        let pool = Arc::clone(pool);
        Self { pool, socket: Some(socket), finished: false, unwanted: false, sleeper }
    }

    pub(crate) fn socket(&mut self) -> &mut Socket {
        self.socket.as_mut().expect("the socket is here until the lease is given up, which consumes it")
    }

    fn past(&self) -> Option<&Past> {
        self.socket.as_ref().map(|socket| &socket.past)
    }

    pub(super) fn taken_at(&self) -> Instant {
        self.past().map_or(self.pool.epoch, |past| past.taken_at)
    }

    pub(crate) fn facts(&mut self) -> Facts {
        let Socket { id, ref about, past, .. } = *self.socket();
        let Past { request_number, idle_for, taken_at, .. } = past;
        let (local, peer) = (about.local, about.peer);
        Facts { socket: id, request_number, idle_for, taken_at, local, peer, protocol: Version::HTTP_11 }
    }

    /// Of the dial, for the first request.
    pub(crate) fn take_dialed(&mut self) -> Option<Dialed> {
        self.socket().dialed.take().map(|dialed| *dialed)
    }

    /// Whether the socket has served another request before.
    pub(crate) fn reused(&self) -> bool {
        self.past().is_some_and(|past| past.request_number > 1)
    }

    /// How long the socket was idle before.
    pub(crate) fn idle_for(&self) -> Duration {
        self.past().map_or(Duration::ZERO, |past| past.idle_for)
    }

    /// Whether the server may have given the socket up before this request was written to it.
    pub(crate) fn was_parked(&self) -> bool {
        self.past().is_some_and(|past| past.request_number > 1 || past.parked || past.idle_for > CLAIM)
    }

    /// Whether the agent was destroyed while this request used the socket.
    pub(crate) fn is_destroyed(&self) -> bool {
        self.socket.as_ref().is_some_and(|socket| self.pool.lock().state.is_destroyed(socket.key))
    }

    /// The response is there and its body waits to be read.
    pub(crate) fn body_begins(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.pool.epoch).as_nanos();
        let since = u64::try_from(since).unwrap_or(u64::MAX).saturating_add(1);
        self.socket().about.body_since.store(since, Ordering::Relaxed);
    }

    /// Gives the clean socket back: to the next waiter, or to the idle ones.
    ///
    /// `hint` is what the server said about keeping it; `now` is the time if it was read just now.
    pub(crate) fn release(self, hint: Hint, now: Option<Instant>) {
        self.give_back(Outcome::Done, now, |state, key, now| {
            state.heed(key, hint);
            state.release(key, now);
        });
    }

    /// Gives the socket back as if it had not been taken: not a byte was written or read.
    pub(crate) fn put_back(self) {
        self.give_back(Outcome::Cancelled, None, State::put_back);
    }

    /// Closes the socket.
    pub(crate) fn close(mut self, reason: CloseReason, outcome: Outcome) {
        let ending = self.ending(outcome);
        if let Some(socket) = self.socket.take() {
            socket.close(&self.pool, reason, ending);
        }
    }

    /// Nobody wants the rest of the response, which is read off if that takes no time.
    pub(crate) fn unwanted(&mut self) {
        self.unwanted = true;
    }

    /// The request is done, but the rest of its body is still read off.
    pub(crate) fn drain(&mut self) {
        let (ending, key) = (self.ending(Outcome::Done), self.socket().key);
        self.socket().about.body_since.store(0, Ordering::Relaxed);
        self.pool.event(|inner, _| {
            ending.count(&mut inner.state);
            inner.state.drain(key);
        });
    }

    /// The socket leaves HTTP. It goes on counting in the total until the lease is dropped.
    pub(crate) fn upgrade(&mut self) {
        let (ending, key) = (self.ending(Outcome::Done), self.socket().key);
        self.pool.event(|inner, now| {
            ending.count(&mut inner.state);
            inner.state.upgrade(key, now);
        });
    }

    /// Looks at a socket just taken. If it proves dead, it is no longer the request's; whoever
    /// `asks_again` does so before dropping it, so as to be in the queue when its slot comes free.
    pub(super) fn checked(mut self, asks_again: bool, here: Option<runtime::Id>) -> Result<Self, Dead> {
        let checked = self.socket().check(here).and_then(|moved| {
            let destroyed = moved && !self.reach_again();
            if destroyed { Err(CloseReason::Destroyed) } else { Ok(()) }
        });
        let Err(reason) = checked else { return Ok(self) };
        if asks_again {
            let pool = Arc::clone(&self.pool);
            self.socket().announce_dead(&pool, reason);
        } else {
            let ending = self.ending(Outcome::Failed);
            self.pool.event(|inner, _| ending.count(&mut inner.state));
        }
        Err(self.give_up(reason, false))
    }

    /// The socket is to be closed, and its request, which `used` it or not, goes on without it.
    pub(super) fn give_up(mut self, reason: CloseReason, used: bool) -> Dead {
        let socket = self.socket.take();
        if let Some(socket) = &socket {
            socket.announce_close(&self.pool, reason, Ending::NONE, used);
        }
        // Not if a subscriber panicked just now.
        self.finished = true;
        Dead { reason, socket }
    }

    /// Lets the pool reach the descriptor after it moved; `false` if the agent was destroyed meanwhile.
    fn reach_again(&mut self) -> bool {
        let (key, raw) = (self.socket().key, self.socket().io.raw());
        let destroyed = self.pool.event(|inner, _| {
            let old = std::mem::replace(&mut inner.held(key).raw, raw);
            (inner.state.is_destroyed(key), old)
        });
        !destroyed.0
    }

    fn give_back(
        mut self,
        outcome: Outcome,
        now: Option<Instant>,
        back: impl FnOnce(&mut State, SocketKey, Instant),
    ) {
        let ending = self.ending(outcome);
        let Some(mut socket) = self.socket.take() else { return };
        if let Some(reason) = socket.watch() {
            let surplus = reason == CloseReason::UnsolicitedBytes && outcome == Outcome::Done;
            let reason = if surplus { CloseReason::SurplusBytes } else { reason };
            let used = outcome == Outcome::Done;
            return socket.announce_close(&self.pool, reason, ending, used);
        }
        // Then it was read just now, too. Else more may have come since then, unseen by a reactor that had no turn.
        socket.past.emptied = now.is_some();
        let key = socket.key;
        let descriptors_are_short = descriptors::somebody_waits();
        if descriptors_are_short && self.pool.is_claimed(key) {
            return socket.close(&self.pool, CloseReason::DescriptorLimit, ending);
        }
        socket.about.body_since.store(0, Ordering::Relaxed);
        let now = now.unwrap_or_else(|| clock::now().into_std());
        let sleeper = std::mem::take(&mut self.sleeper);
        let (idle, _spare) = self.pool.event_at(now, |inner, now| {
            inner.held(key).parked = Some(socket);
            ending.count(&mut inner.state);
            back(&mut inner.state, key, now);
            (descriptors_are_short && inner.state.is_idle(key), inner.sleepers.keep(sleeper))
        });
        if idle {
            descriptors::tell();
        }
    }

    /// How the request ended, the first time it is told.
    fn ending(&mut self, outcome: Outcome) -> Ending {
        let told = std::mem::replace(&mut self.finished, true);
        let outcome = if self.unwanted { Outcome::Done } else { outcome };
        Ending { outcome: (!told).then_some(outcome), reused: self.reused() }
    }
}

/// A socket that proved dead; dropping it frees its slot.
pub(super) struct Dead {
    pub(super) reason: CloseReason,
    socket: Option<Box<Socket>>,
}

impl Dead {
    /// What the socket itself has to say about it.
    pub(super) fn complaint(&self) -> Option<String> {
        self.socket.as_ref()?.io.complaint()
    }
}

#[cfg(feature = "http2")]
impl Dead {
    /// A stream, which holds no slot.
    pub(super) fn stream() -> Self {
        Self { reason: CloseReason::Stale, socket: None }
    }
}

/// What there is to count when a request ends.
#[derive(Clone, Copy)]
pub(super) struct Ending {
    outcome: Option<Outcome>,
    reused: bool,
}

impl Ending {
    /// No request ends.
    const NONE: Self = Self { outcome: None, reused: false };

    #[cfg(feature = "http2")]
    pub(super) fn new(outcome: Option<Outcome>, reused: bool) -> Self {
        Self { outcome, reused }
    }

    #[cfg(feature = "http2")]
    pub(super) fn is_one(&self) -> bool {
        self.outcome.is_some()
    }

    pub(super) fn count(self, state: &mut State) {
        if let Some(outcome) = self.outcome {
            state.finish(outcome, self.reused);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let ending = self.ending(Outcome::Cancelled);
        match self.socket.take() {
            Some(socket) => socket.close(&self.pool, CloseReason::Cancelled, ending),
            None if ending.outcome.is_some() => self.pool.event(|inner, _| ending.count(&mut inner.state)),
            None => {}
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.socket.as_ref().map(|socket| socket.id);
        let number = self.past().map(|past| past.request_number);
        f.debug_struct("Lease").field("socket", &id).field("request_number", &number).finish()
    }
}

/// A socket that was idle for less than this is not asked about: the question costs 5 % of a small request,
/// and a server's FIN that has come within so short a time is one of which most come too late to be seen.
const JUST_USED: Duration = Duration::from_micros(50);

/// Only from its third request on: a server that closes after each answer without saying so never gets there.
const PROVEN: u64 = 3;

/// Whether a socket need not be asked about by the request of that number, after so long a rest.
fn was_just_used(request_number: u64, idle_for: Duration) -> bool {
    request_number >= PROVEN && idle_for < JUST_USED
}

fn current_runtime() -> Option<runtime::Id> {
    runtime::Handle::try_current().ok().map(|handle| handle.id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_socket_that_served_twice_and_came_free_just_now_is_not_asked_about() {
        let almost = JUST_USED - Duration::from_nanos(1);
        for (request_number, idle_for, expected) in [
            (1, Duration::ZERO, false),
            (2, Duration::ZERO, false),
            (3, Duration::ZERO, true),
            (3, almost, true),
            (3, JUST_USED, false),
            (100, Duration::from_secs(1), false),
        ] {
            assert_eq!(was_just_used(request_number, idle_for), expected, "{request_number} {idle_for:?}");
        }
    }
}

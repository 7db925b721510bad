//! One request's hold on one stream of a socket that carries many.
//!
//! Dropping it gives the stream up: its place is free when the peer shows life. The socket itself belongs to
//! its connection's task, see `mux`.

use std::fmt;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::SendRequest;
use http::Version;

use super::lease::{Dead, Dialed, Ending};
use super::leased::Facts;
use super::state::{Outcome, SocketKey};
use super::{Inner, Pool};
use crate::error::Error;
use crate::io::RawSocket;
use crate::mux::{Link, Owner};
use crate::timer::Sleeper;
use crate::{CloseReason, clock};

/// What the pool holds of a socket that carries many requests.
pub(super) struct Shared {
    pub(super) link: Arc<Link>,
    pub(super) local: Option<SocketAddr>,
    pub(super) peer: Option<SocketAddr>,
    /// Of its dial; the first request takes it.
    pub(super) dialed: Option<Dialed>,
}

/// The hold.
pub(crate) struct Stream {
    pool: Arc<Pool>,
    key: SocketKey,
    pub(crate) id: u64,
    link: Arc<Link>,
    /// To be asked whether it is there; nothing unless it was idle.
    raw: Weak<RawSocket>,
    pub(crate) local: Option<SocketAddr>,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) dialed: Option<Dialed>,
    /// How many requests the socket was given to, this one included.
    pub(crate) request_number: u64,
    /// How long no stream of it had been in use.
    pub(crate) idle_for: Duration,
    pub(crate) taken_at: Instant,
    /// For the limits of the request's time.
    pub(crate) sleeper: Sleeper,
    /// The request's outcome is counted.
    finished: bool,
    /// The stream's place is free, or will be without us.
    released: bool,
}

impl Stream {
    pub(crate) fn facts(&self) -> Facts {
        Facts {
            socket: self.id,
            request_number: self.request_number,
            idle_for: self.idle_for,
            taken_at: self.taken_at,
            local: self.local,
            peer: self.peer,
            protocol: Version::HTTP_2,
        }
    }

    /// Whether the socket has served another request before.
    pub(crate) fn reused(&self) -> bool {
        self.request_number > 1
    }

    /// A handle to begin the stream with.
    pub(crate) fn sender(&self) -> Option<SendRequest<Bytes>> {
        self.link.sender()
    }

    /// Why the connection ended, if it did.
    pub(crate) fn fate(&self) -> Option<CloseReason> {
        self.link.fate()
    }

    /// Whether the agent was destroyed while this request used the socket.
    pub(crate) fn is_destroyed(&self) -> bool {
        // In this order: the fate is known before the machine forgets the socket.
        let destroyed = self.pool.lock().state.was_destroyed(self.key, self.id);
        destroyed || self.link.fate() == Some(CloseReason::Destroyed)
    }

    /// The response was read to its end, or the request failed and nothing more is to come. It is `now`.
    pub(crate) fn finish(mut self: Box<Self>, outcome: Outcome, now: Option<Instant>) {
        let (ending, key, id) = (self.ending(outcome), self.key, self.id);
        let sleeper = std::mem::take(&mut self.sleeper);
        self.released = true;
        self.link.end();
        let now = now.unwrap_or_else(|| clock::now().into_std());
        let _surplus = self.pool.event_at(now, |inner, now| {
            ending.count(&mut inner.state);
            inner.state.release_stream(key, id, now);
            inner.sleepers.keep(sleeper)
        });
    }

    /// Nobody wants the rest: the stream is reset, and its place kept until the peer shows life.
    pub(crate) fn give_up(mut self, outcome: Outcome) {
        let ending = self.ending(outcome);
        self.pool.event(|inner, _| ending.count(&mut inner.state));
        self.let_go();
    }

    /// Asks the kernel whether an idle connection has ended; `Err` if it has, and its request goes on
    /// without it.
    pub(super) fn checked(self: Box<Self>) -> Result<Box<Self>, Dead> {
        let ended = !self.idle_for.is_zero() && self.raw.upgrade().is_some_and(|raw| raw.is_ended());
        if !ended {
            return Ok(self);
        }
        let pool = Arc::clone(&self.pool);
        let (key, id) = (self.key, self.id);
        pool.event(|inner, now| {
            let failed = inner.state.broken(key, id, CloseReason::ClosedByServer, now);
            inner.fail(failed, || ended_at_once(CloseReason::ClosedByServer));
        });
        self.link.close();
        Err(self.leave())
    }

    /// Its connection takes no more requests: nobody is to get it from now on, whether its task has told
    /// so already or not.
    pub(crate) fn goes_away(&self) {
        self.pool.event(|inner, now| {
            let failed = inner.state.end_streams(self.key, self.id, CloseReason::GoAway, now);
            inner.fail(failed, || ended_at_once(CloseReason::GoAway));
        });
    }

    /// The request goes on without it.
    pub(super) fn leave(mut self) -> Dead {
        self.released = true;
        let (key, id) = (self.key, self.id);
        self.link.end();
        self.pool.event(|inner, now| inner.state.release_stream(key, id, now));
        // Not if a subscriber panicked just now.
        self.finished = true;
        Dead::stream()
    }

    /// How the request ended, the first time it is told.
    fn ending(&mut self, outcome: Outcome) -> Ending {
        let told = std::mem::replace(&mut self.finished, true);
        Ending::new((!told).then_some(outcome), self.reused())
    }

    fn let_go(&mut self) {
        if !std::mem::replace(&mut self.released, true) {
            self.link.give_up();
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let ending = self.ending(Outcome::Cancelled);
        if ending.is_one() {
            self.pool.event(|inner, _| ending.count(&mut inner.state));
        }
        self.let_go();
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("socket", &self.id)
            .field("request_number", &self.request_number)
            .finish()
    }
}

impl Inner {
    /// Takes a stream of a socket that carries many; `None` if it carries one.
    pub(super) fn take_stream(
        &mut self,
        pool: &Arc<Pool>,
        key: SocketKey,
        now: Instant,
    ) -> Option<Box<Stream>> {
        let (id, request_number) = (self.state.socket_id(key), self.state.served(key));
        let rested = self.state.is_alone(key).then(|| self.state.free_since(key));
        let held = self.held(key);
        let Shared { link, local, peer, dialed } = &mut **held.shared.as_mut()?;
        link.begin();
        Some(Box::new(Stream {
            pool: Arc::clone(pool),
            key,
            id,
            link: Arc::clone(link),
            raw: if rested.is_some() { held.raw.clone() } else { Weak::new() },
            local: *local,
            peer: *peer,
            dialed: dialed.take(),
            request_number,
            idle_for: rested.map_or(Duration::ZERO, |since| now.saturating_duration_since(since)),
            taken_at: now,
            sleeper: Sleeper::default(),
            finished: false,
            released: false,
        }))
    }
}

/// The pool as a connection's task sees it.
pub(super) struct Watcher {
    pub(super) pool: Weak<Pool>,
    pub(super) key: SocketKey,
    pub(super) id: u64,
}

impl Watcher {
    /// A foreign waker or subscriber that panics in it was told, and breaks nobody's stream.
    fn event(&self, event: impl FnOnce(&mut Inner, SocketKey, u64, Instant)) {
        if let Some(pool) = self.pool.upgrade() {
            let tell = || pool.event(|inner, now| event(inner, self.key, self.id, now));
            let _ = catch_unwind(AssertUnwindSafe(tell));
        }
    }
}

impl Owner for Watcher {
    fn streams_allowed(&self, limit: usize) {
        self.event(|inner, key, id, now| inner.state.allow_streams(key, id, limit, now));
    }

    fn goes_away(&self, reason: CloseReason) {
        self.event(|inner, key, id, now| {
            let failed = inner.state.end_streams(key, id, reason, now);
            inner.fail(failed, || ended_at_once(reason));
        });
    }

    fn stream_is_free(&self) {
        self.event(|inner, key, id, now| inner.state.release_stream(key, id, now));
    }

    fn is_over(&self, reason: CloseReason) -> CloseReason {
        let mut over = reason;
        self.event(|inner, key, id, now| {
            if inner.state.was_destroyed(key, id) {
                over = CloseReason::Destroyed;
            }
            let failed = inner.state.broken(key, id, reason, now);
            inner.fail(failed, || ended_at_once(reason));
        });
        over
    }
}

fn ended_at_once(reason: CloseReason) -> Error {
    let text = "the server ended each new HTTP/2 connection before it carried a request";
    Error::connect(text, reason.to_string())
}

//! The pool: one state machine for all origins behind one short lock, and the driver around it.
//!
//! The driver turns the machine's [`Action`]s into effects and carries them out when the lock is free:
//! waking, dropping wakers, closing, dialling and probing never happen under it, and it is never held
//! across an await, I/O or foreign code. The clock is read before it is taken (the wall clock, once a millisecond
//! at most, under it). One event = one lock.
//!
//! Who holds what:
//! - a request waiting: an [`Acquire`], whose drop leaves the queue;
//! - a request with a socket: a [`Lease`], whose drop closes the socket;
//! - the pool: the idle and the offered sockets;
//! - a dial's task and every open socket: a `Slot`, whose drop frees the place under the caps.
//!
//! `Agent` and `exchange` are its callers. It knows `connect` and `io`, and nothing of HTTP.

mod acquire;
mod descriptors;
mod dial;
mod effects;
mod events;
mod journal;
mod keeper;
mod lease;
mod leased;
mod notes;
mod queue_error;
mod request;
mod shrink;
mod sleepers;
mod spawn;
pub(crate) mod state;
#[cfg(feature = "http2")]
mod stream;
mod suspend;

use std::fmt;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::thread::panicking;
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::Notify;

pub(crate) use self::acquire::Acquire;
use self::effects::{Effect, Effects};
pub use self::events::Events;
pub use self::journal::EVENTS_KEPT;
use self::journal::Journal;
use self::keeper::Keeper;
use self::lease::About;
pub(crate) use self::lease::{Dialed, Lease, Socket};
pub(crate) use self::leased::{Facts, Leased};
pub(crate) use self::queue_error::Seconds;
use self::sleepers::Sleepers;
pub(crate) use self::spawn::spawn;
#[cfg(feature = "unstable")]
pub use self::state::live;
use self::state::{Action, SocketKey, State, more_room};
pub(crate) use self::state::{Hint, Limits, OriginSnapshot, Outcome, Snapshot};
#[cfg(feature = "http2")]
pub(crate) use self::stream::Stream;
use self::suspend::Suspend;
use crate::connect::Connect;
use crate::descriptors::{Membership, default_max_total_sockets, enroll};
use crate::error::Phase;
use crate::io::RawSocket;
use crate::{CloseReason, Error, Event, Protocol, clock, trace};

/// The sockets and waiters of one agent.
pub(crate) struct Pool {
    inner: Mutex<Inner>,
    connect: Arc<dyn Connect>,
    /// Shared with every slot, so that the last of them ends it. Written under the lock of `inner`.
    journal: Arc<Journal>,
    /// Idle sockets on which something happened, by key and id (keys are used again).
    stirred: Mutex<Vec<(SocketKey, u64)>>,
    /// Told when a closing agent has come to rest.
    emptied: Notify,
    /// The zero of [`About::body_since`].
    epoch: Instant,
    /// Among the agents of the process.
    _membership: Membership,
}

/// What the lock guards.
struct Inner {
    state: State,
    /// By socket key.
    sockets: Vec<Held>,
    /// By waiter key.
    waiters: Vec<Option<Waiting>>,
    keepers: Vec<Keeper>,
    suspend: Suspend,
    /// Somebody closed the agent and it has not come to rest since.
    closing: bool,
    /// The global agent: serves requests also after `close` and `destroy`.
    stays_open: bool,
    /// Nobody has set the limit of sockets in all: it follows the limit of descriptors.
    default_total: bool,
    /// What the event under way has told so far; empty between events.
    log: Vec<Event>,
    sleepers: Sleepers,
}

/// What the driver holds for a socket.
#[derive(Default)]
struct Held {
    /// While it is idle or offered.
    parked: Option<Box<Socket>>,
    /// While it is dialled: tells the dial to stop.
    stop: Option<Arc<Notify>>,
    /// Once it is open.
    about: Option<Arc<About>>,
    /// While it carries many requests; boxed, as there are many places and few such sockets.
    #[cfg(feature = "http2")]
    shared: Option<Box<stream::Shared>>,
    /// Reaches the descriptor while a request uses it.
    raw: Weak<RawSocket>,
}

/// What the driver holds for a waiter.
struct Waiting {
    waker: Option<Waker>,
    /// Where a dial for it runs.
    runtime: Handle,
    error: Option<Error>,
}

impl Pool {
    /// With `default_total` the limit of sockets in all is the default, now and when that changes.
    pub(crate) fn new(
        mut limits: Limits,
        default_total: bool,
        connect: Arc<dyn Connect>,
        stays_open: bool,
    ) -> Arc<Self> {
        enroll(|membership| {
            if default_total {
                limits.max_total_sockets = default_max_total_sockets();
            }
            let inner = Inner {
                state: State::new(limits),
                sockets: Vec::new(),
                waiters: Vec::new(),
                keepers: Vec::new(),
                suspend: Suspend::new(clock::reading()),
                closing: false,
                stays_open,
                default_total,
                log: Vec::new(),
                sleepers: Sleepers::default(),
            };
            Arc::new(Self {
                inner: Mutex::new(inner),
                connect,
                journal: Arc::default(),
                stirred: Mutex::default(),
                emptied: Notify::new(),
                epoch: clock::now().into_std(),
                _membership: membership,
            })
        })
    }

    /// How HTTP versions are chosen, and how many requests a connection may carry at once. To be called
    /// before the first request.
    pub(crate) fn speak(self: &Arc<Self>, protocol: Protocol, max_streams: usize) {
        self.event(|inner, _| inner.state.speak(protocol, max_streams));
    }

    pub(crate) fn set_limits(self: &Arc<Self>, change: impl FnOnce(&mut Limits)) {
        self.event(|inner, now| inner.state.set_limits(now, change));
    }

    pub(crate) fn close_idle(self: &Arc<Self>) {
        self.event(|inner, now| inner.state.close_idle(now, CloseReason::CloseIdle));
    }

    /// Begins to close; [`closed`](Self::closed) waits for the end.
    pub(crate) fn close(self: &Arc<Self>) {
        self.event(|inner, now| {
            inner.closing = true;
            if inner.stays_open {
                inner.state.retire(now);
            } else {
                inner.state.close(now);
            }
        });
    }

    /// Waits until a closing agent has come to rest.
    pub(crate) async fn closed(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.lock().state.is_at_rest() {
                return;
            }
            emptied.await;
        }
    }

    pub(crate) fn destroy(self: &Arc<Self>) {
        self.event(|inner, now| {
            for waiting in inner.waiters.iter_mut().flatten() {
                waiting.error.get_or_insert_with(|| Error::destroyed(Phase::Queue));
            }
            inner.state.destroy(now, inner.stays_open);
        });
    }

    /// The last handle to the agent is gone.
    pub(crate) fn orphan(self: &Arc<Self>) {
        self.event(|inner, now| inner.state.orphan(now));
    }

    /// A request failed before it could ask for a socket.
    pub(crate) fn refuse(self: &Arc<Self>) {
        self.event(|inner, _| inner.state.refuse());
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.lock().state.snapshot()
    }

    /// One event: reads the clock, takes the lock, lets go of it and carries out what follows.
    fn event<T>(self: &Arc<Self>, event: impl FnOnce(&mut Inner, Instant) -> T) -> T {
        self.event_at(clock::now().into_std(), event)
    }

    /// As [`event`](Self::event), where the clock was read just now.
    fn event_at<T>(self: &Arc<Self>, now: Instant, event: impl FnOnce(&mut Inner, Instant) -> T) -> T {
        let traced = trace::is_on();
        let noted = traced || self.journal.is_read();
        let mut inner = self.lock();
        inner.state.want_notes(noted);
        let result = event(&mut inner, now);
        if noted {
            self.conclude(inner, traced);
            return result;
        }
        let mut effects = Effects::default();
        inner.collect(&mut effects);
        drop(inner);
        if !effects.is_empty() {
            effects.run(self);
        }
        result
    }

    /// The end of an event that somebody wants to know of.
    fn conclude(self: &Arc<Self>, mut inner: MutexGuard<'_, Inner>, traced: bool) {
        let mut effects = Effects::default();
        let told = inner.publish(&self.journal, traced, &mut effects);
        inner.collect(&mut effects);
        drop(inner);
        // Before the effects, which lead to other events: on one thread all are traced in their order.
        let traced = trace::all(&told);
        effects.run(self);
        // Another one would end the process.
        if let Some(panic) = traced.err().filter(|_| !panicking()) {
            resume_unwind(panic);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing that panics runs under the lock; if it did, the machine is still the best account.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Turns the machine's actions into what has to be done when the lock is free.
    #[inline]
    fn collect(&mut self, effects: &mut Effects) {
        while let Some(action) = self.state.next_action() {
            self.translate(action, effects);
        }
        self.tell_keepers(effects);
        if self.closing && self.state.is_at_rest() {
            self.closing = false;
            effects.push(Effect::Emptied);
        }
        self.shrink();
    }

    fn translate(&mut self, action: Action, effects: &mut Effects) {
        match action {
            Action::Wake { waiter } => {
                let waiting = self.waiters[waiter.0].as_mut();
                effects.extend(waiting.and_then(|waiting| waiting.waker.take()).map(Effect::Wake));
            }
            Action::Dial { socket, waiter } => {
                let Some(waiting) = &self.waiters[waiter.0] else { return };
                let runtime = waiting.runtime.clone();
                let origin = self.state.origin_of(socket).clone();
                let stop = Arc::new(Notify::new());
                let held = self.held(socket);
                *held = Held { stop: Some(Arc::clone(&stop)), ..Held::default() };
                effects.push(Effect::Dial {
                    socket,
                    id: self.state.socket_id(socket),
                    origin,
                    runtime,
                    stop,
                });
            }
            Action::Abort { socket } => effects.extend(self.held(socket).stop.take().map(Effect::Notify)),
            Action::Close { socket } => {
                let held = self.held(socket);
                effects.extend(held.parked.take().map(Effect::Close));
                #[cfg(feature = "http2")]
                effects.extend(held.shared.take().map(|shared| Effect::End(shared.link)));
            }
            Action::Shutdown { socket } => effects.push(Effect::Shutdown(self.held(socket).raw.clone())),
            Action::Look { socket } => {
                let id = self.state.socket_id(socket);
                effects.push(Effect::Look { socket, id });
            }
        }
    }

    /// Tells the machine if the process was suspended, before it trusts an idle socket.
    fn notice(&mut self, now: Instant) {
        if !self.suspend.is_due(now) {
            return;
        }
        // `now` was read before the wait for the lock.
        if let Some(gap) = self.suspend.notice(clock::reading()) {
            self.state.suspended(gap, now);
        }
    }

    fn held(&mut self, key: SocketKey) -> &mut Held {
        if self.sockets.len() <= key.0 {
            if key.0 >= self.sockets.capacity() {
                self.sockets.reserve_exact(more_room(self.sockets.len()).max(key.0 + 1 - self.sockets.len()));
            }
            self.sockets.resize_with(key.0 + 1, Held::default);
        }
        &mut self.sockets[key.0]
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        inner.keepers.iter().for_each(Keeper::tell);
        // No request is on them any more; their tasks would wait for a sign of life of one that was given up.
        #[cfg(feature = "http2")]
        inner.sockets.iter().filter_map(|held| held.shared.as_ref()).for_each(|shared| shared.link.close());
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("counts", &self.snapshot().counts).finish_non_exhaustive()
    }
}

//! The pool's policy as one pure state machine for all origins of an agent.
//!
//! Not here: clocks, sockets, tasks, locks. The driver (`pool::Pool`) is the only caller: it passes an
//! event and the time it happened in, takes [`Action`]s out, and calls [`State::tick`] at
//! [`State::next_deadline`].
//!
//! Invariants, checked after every step of the model test:
//! 1. An origin never has more than `max_sockets` sockets, and all together never more than
//!    `max_total_sockets`, unless a limit was lowered; then none is opened until the count is below it.
//! 2. After an event no socket is idle beside a waiter of its origin that could take it, and no dial is
//!    missing that the caps and the dial rules allow. [`assign`](State::assign) alone decides this.
//! 3. Waiters are served in the order of their tickets: inside an origin always, across origins when
//!    the total cap makes them rivals.
//! 4. The counts of an origin and of the total equal the sockets in each phase.
//!
//! A socket's phases:
//! ```text
//!            dial_failed, closed
//!   Dialing ────────────────────────────────────────┐
//!    │  └─► Aborting ──────────────────────────────►│
//!    ▼ dialed                                       ▼
//!   Idle ◄──► Offered ──► Active ──► Draining ──► Closing ──► (closed: forgotten)
//!    ▲└───────────────────►│ └───────► Upgraded ──────────────►
//!    └──────── release ◄───┴──────────────┘ (release also from Draining)
//! ```
//! One that carries many requests at once is never offered: its streams are, see `streams.rs`.

mod assign;
mod descriptors;
mod dials;
mod early;
#[cfg_attr(
    not(any(feature = "http2", test, all(feature = "unstable", feature = "tls"))),
    expect(dead_code, reason = "nobody opens such a socket then")
)]
mod endings;
mod idle;
mod list;
mod lore;
mod notes;
mod origins;
mod phase;
mod snapshot;
mod sockets;
#[cfg_attr(not(any(feature = "http2", test)), expect(dead_code, reason = "nobody opens such a socket then"))]
mod streams;
mod waiters;

#[cfg(any(test, feature = "unstable"))]
mod model;
#[cfg(test)]
mod tables;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use slab::Slab;

use self::early::Early;
pub(crate) use self::idle::Hint;
use self::list::List;
use self::lore::Lore;
#[cfg(feature = "unstable")]
pub use self::model::live;
pub(crate) use self::notes::Note;
use self::notes::Notes;
use self::origins::Record;
use self::phase::Counts;
pub(crate) use self::snapshot::{OriginSnapshot, Snapshot, Totals};
use self::sockets::{OFFERS_OR_LRU, Socket};
pub(crate) use self::waiters::Turn;
use self::waiters::Waiter;
use crate::origin::ByOrigin;
use crate::{CloseReason, Origin, Protocol, Scheduling};

/// How long an offered socket waits for its waiter to be polled.
///
/// Long against any scheduling delay, short against a request: a future parked in a `select!` holds a
/// socket up no longer than this.
pub(crate) const CLAIM: Duration = Duration::from_millis(100);

/// A warm origin's dials may double this often while requests wait: time enough for a socket in use to
/// come free first, so that a burst is served by the sockets there are.
pub(crate) const DIAL_STEP: Duration = Duration::from_millis(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct OriginKey(usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SocketKey(pub(crate) usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct WaiterKey(pub(crate) usize);

/// A request's place in the one queue; it keeps it when it must wait again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket(pub(crate) u64);

/// What the driver has to do, after it has let go of the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Dial for this waiter's origin, on this waiter's runtime.
    Dial { socket: SocketKey, waiter: WaiterKey },
    /// Stop this dial.
    Abort { socket: SocketKey },
    /// Wake this waiter: it has an offer, or has failed.
    Wake { waiter: WaiterKey },
    /// Close this socket, which nobody uses.
    Close { socket: SocketKey },
    /// Look at this idle socket: something happened on it while it was not idle.
    Look { socket: SocketKey },
    /// Shut this socket down under its user's hands.
    Shutdown { socket: SocketKey },
}

/// The limits of an agent; `usize::MAX` stands for none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_sockets: usize,
    pub(crate) max_total_sockets: usize,
    pub(crate) max_free_sockets: usize,
    pub(crate) max_total_free_sockets: usize,
    pub(crate) max_queued: usize,
    pub(crate) free_socket_timeout: Option<Duration>,
    pub(crate) max_socket_age: Option<Duration>,
    pub(crate) max_requests_per_socket: Option<u64>,
    pub(crate) keep_alive: bool,
    pub(crate) scheduling: Scheduling,
}

/// Whether the agent takes and keeps things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Open,
    /// `close()` was called: the queue is served, nothing new comes in, nothing is kept.
    Closing,
    /// `destroy()` was called.
    Destroyed,
    /// The last handle was dropped: requests under way go on, nothing is kept.
    Orphaned,
}

/// How a request that had a socket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Failed,
    Cancelled,
}

/// The state machine.
#[derive(Debug)]
pub(crate) struct State {
    limits: Limits,
    mode: Mode,
    protocol: Protocol,
    /// How many streams a connection may have in use.
    max_streams: usize,
    origins: Slab<Record>,
    index: HashMap<Origin, OriginKey, ByOrigin>,
    /// What origins without a record have taught us.
    lore: Lore,
    sockets: Slab<Socket>,
    waiters: Slab<Waiter>,
    /// Idle sockets of all origins, the least recently used in front.
    idle: List<OFFERS_OR_LRU>,
    /// How many of them are left to sleepers: for each origin as many as it has of both.
    spared: usize,
    /// Idle sockets that go sooner than `free_socket_timeout` says, by when.
    early: Early,
    /// Sockets of all origins that carry requests and take more, the last used in front.
    open: List<OFFERS_OR_LRU>,
    /// Waiters that are reserved a stream, the oldest reservation in front.
    reserved: List<0>,
    /// Offered sockets, the oldest offer in front.
    offers: List<OFFERS_OR_LRU>,
    /// Origins that want to dial and may not because of the total cap, each under the ticket of the
    /// waiter its next dial would be for. Empty while the total is below the cap.
    hungry: BTreeMap<Ticket, OriginKey>,
    /// How many dials the hungry origins want together.
    hunger: usize,
    /// How many waiters those dials are for.
    fed: usize,
    /// How many waiters of all origins have no dial under way.
    queued: usize,
    /// Origins with more dials under way than waiters.
    overfed: BTreeSet<OriginKey>,
    /// When a warm origin may dial more at once.
    ramps: BTreeSet<(Instant, OriginKey)>,
    counts: Counts,
    closed_by: BTreeMap<CloseReason, u64>,
    totals: Totals,
    next_socket: u64,
    /// Sockets with a smaller number are not kept and not handed over.
    retired: u64,
    /// How many of those are open.
    retiring: usize,
    next_ticket: u64,
    /// Who came last and has not asked yet.
    newcomer: Option<Ticket>,
    /// Counts arrivals and dial starts, to tell which came first.
    moment: u64,
    actions: VecDeque<Action>,
    notes: Notes,
}

/// By how much a full table of sockets grows: twice the size would leave up to half of it empty, which with
/// thousands of idle sockets is hundreds of bytes for each.
pub(crate) fn more_room(len: usize) -> usize {
    (len / 8).max(4)
}

impl State {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            mode: Mode::Open,
            protocol: Protocol::Http1,
            max_streams: 1,
            origins: Slab::new(),
            index: HashMap::default(),
            lore: Lore::default(),
            sockets: Slab::new(),
            waiters: Slab::new(),
            idle: List::default(),
            spared: 0,
            early: Early::default(),
            open: List::default(),
            reserved: List::default(),
            offers: List::default(),
            hungry: BTreeMap::new(),
            hunger: 0,
            fed: 0,
            queued: 0,
            overfed: BTreeSet::new(),
            ramps: BTreeSet::new(),
            counts: Counts::default(),
            closed_by: BTreeMap::new(),
            totals: Totals::default(),
            next_socket: 1,
            retired: 0,
            retiring: 0,
            next_ticket: 1,
            newcomer: None,
            moment: 0,
            actions: VecDeque::new(),
            notes: Notes::default(),
        }
    }

    /// Takes the limits over at once, for the sockets there are too: raising them starts dials, lowering
    /// them closes idle sockets.
    pub(crate) fn set_limits(&mut self, now: Instant, change: impl FnOnce(&mut Limits)) {
        change(&mut self.limits);
        self.review(now);
        self.review_streams();
        self.assign_all(now);
    }

    /// Lets time pass: idle sockets whose time is up are closed, offers nobody claimed go to the next
    /// waiter, warm origins may dial more.
    pub(crate) fn tick(&mut self, now: Instant) {
        self.expire(now);
        self.open(now);
        while let Some(socket) = self.offers.front().map(SocketKey) {
            if self.sockets[socket.0].offered_until() > now {
                break;
            }
            self.lapse(socket, now);
        }
        while let Some(waiter) = self.reserved.front().map(WaiterKey) {
            if self.waiters[waiter.0].reserved_until() > now {
                break;
            }
            self.lapse_stream(waiter, now);
        }
        while let Some(&(at, origin)) = self.ramps.first() {
            if at > now {
                break;
            }
            self.ramp_up(origin, now);
        }
    }

    /// When [`tick`](Self::tick) has something to do next.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        if self.offers.is_empty() && self.reserved.is_empty() && self.ramps.is_empty() {
            return self.next_expiry();
        }
        let offer = self.offers.front().map(|key| self.sockets[key].offered_until());
        let ramp = self.ramps.first().map(|&(at, _)| at);
        let reserved = self.reserved.front().map(|key| self.waiters[key].reserved_until());
        offer.into_iter().chain(reserved).chain(ramp).chain(self.next_expiry()).min()
    }

    /// Closes every idle socket.
    pub(crate) fn close_idle(&mut self, now: Instant, reason: CloseReason) {
        while let Some(key) = self.idle.front().map(SocketKey) {
            self.shut(key, reason);
        }
        self.assign_all(now);
    }

    /// Refuses new requests, serves the queue, keeps nothing.
    pub(crate) fn close(&mut self, now: Instant) {
        if self.mode == Mode::Destroyed {
            return;
        }
        self.mode = Mode::Closing;
        self.assign_all(now);
    }

    /// Like [`close`](Self::close), for an agent whose last handle is gone.
    pub(crate) fn orphan(&mut self, now: Instant) {
        if self.mode == Mode::Open {
            self.mode = Mode::Orphaned;
            self.assign_all(now);
        }
    }

    /// Fails every waiter, stops every dial and shuts every socket down; with `stay_open` (the global
    /// agent) later requests are served again.
    pub(crate) fn destroy(&mut self, now: Instant, stay_open: bool) {
        self.mode = Mode::Destroyed;
        self.fail_all_waiters();
        let sockets: Vec<_> = self.sockets.iter().map(|(key, _)| SocketKey(key)).collect();
        for key in sockets {
            self.destroy_socket(key);
        }
        self.assign_all(now);
        if stay_open {
            self.mode = Mode::Open;
        }
    }

    /// Closes the sockets there are, the idle ones now, the others when they are free; what is opened
    /// from now on is kept (the global agent's `close`).
    pub(crate) fn retire(&mut self, now: Instant) {
        self.retired = self.next_socket;
        self.retiring = self.sockets.len();
        self.review_streams();
        self.close_idle(now, CloseReason::AgentClosed);
    }

    /// Whether what a `close`, `destroy` or `retire` has to wait for is over.
    pub(crate) fn is_at_rest(&self) -> bool {
        match self.mode {
            Mode::Open => self.retiring == 0,
            // Whoever waited has failed, polled since or not.
            Mode::Destroyed => self.sockets.is_empty(),
            _ => self.is_empty(),
        }
    }

    /// Whether the agent was closed or destroyed for good and nothing of it is left.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.mode, Mode::Closing | Mode::Destroyed) && self.is_empty()
    }

    /// Gives back tables with room for more than `usual` entries. Only when [`is_empty`](Self::is_empty).
    pub(crate) fn shrink(&mut self, usual: usize) {
        debug_assert!(self.is_empty() && self.origins.is_empty());
        if self.origins.capacity() > usual {
            self.origins = Slab::new();
            self.index = HashMap::default();
        }
        if self.sockets.capacity() > usual {
            self.sockets = Slab::new();
        }
        if self.early.capacity() > usual {
            self.early = Early::default();
        }
        self.shrink_waiters(usual);
    }

    /// The same for what waiters take up. Only when [`is_without_waiters`](Self::is_without_waiters).
    pub(crate) fn shrink_waiters(&mut self, usual: usize) {
        if self.waiters.capacity() > usual {
            self.waiters = Slab::new();
        }
        if self.actions.capacity() > usual {
            self.actions.shrink_to(usual);
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The next thing to do; `None` when all is done.
    pub(crate) fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Whether nobody waits.
    pub(crate) fn is_without_waiters(&self) -> bool {
        self.waiters.is_empty()
    }

    /// Whether no socket is open and nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.sockets.is_empty() && self.waiters.is_empty()
    }

    fn next_moment(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }
}

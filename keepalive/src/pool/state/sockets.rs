//! The sockets, and the events of a socket.

use std::time::Instant;

use super::idle::Hint;
use super::list::{Linked, Links};
use super::notes::Note;
use super::phase::Phase;
use super::streams::{Carries, Streams};
use super::{Action, CLAIM, Mode, OriginKey, Outcome, SocketKey, State, WaiterKey, more_room};
use crate::{CloseReason, Origin};

/// The list of an origin's idle sockets, or of its open ones, or of its dials.
pub(super) const ORIGIN: usize = 0;
/// The list of all idle sockets, or of all open ones, or of all offered ones.
pub(super) const OFFERS_OR_LRU: usize = 1;

/// One socket, from the moment a slot is taken for its dial until close(2) has returned.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) id: u64,
    pub(super) origin: OriginKey,
    pub(super) phase: Phase,
    /// When it last came free; while dialing, when the dial began.
    pub(super) since: Instant,
    /// How many requests it has been given to.
    pub(super) served: u64,
    /// It was told as parked, and no request has taken it since; also while it is looked at.
    pub(super) kept: bool,
    /// It was so when the request that has it now took it.
    pub(super) was_kept: bool,
    /// What its server said with the last response.
    pub(super) hint: Hint,
    /// When its dial succeeded; before that, when it began.
    pub(super) born: Instant,
    /// The moment its dial succeeded; 0 before that.
    pub(super) opened: u64,
    /// If it carries many requests at once.
    pub(super) streams: Option<Streams>,
    /// Something happened on it while it was not idle.
    stirred: bool,
    /// Its place in `State::early`, which alone changes it.
    pub(super) early: Option<usize>,
    in_origin: Links,
    in_agent: Links,
}

/// The events of a socket.
impl State {
    /// The dial succeeded: the socket goes to the oldest waiter, or is parked.
    pub(crate) fn dialed(&mut self, key: SocketKey, now: Instant) {
        self.expire(now);
        let origin = self.sockets[key.0].origin;
        match self.sockets[key.0].phase {
            Phase::Dialing { .. } => {
                let opened = self.next_moment();
                let record = &mut self.origins[origin.0];
                record.known.refused = false;
                if record.carries != Carries::One {
                    // The others need not be dialled for one by one any more.
                    (record.known.http2, record.carries) = (Some(false), Carries::One);
                    record.ramp = usize::MAX;
                }
                (self.sockets[key.0].born, self.sockets[key.0].opened) = (now, opened);
                self.note(key, Note::Opened);
                self.free(key, now);
            }
            // The abort came too late to stop it; nobody gets it all the same.
            _ => self.shut(key, CloseReason::DialAborted),
        }
        self.assign(origin, now);
        self.settle(key);
    }

    /// The dial failed: the oldest waiter that stood there when it began fails with it. The caller
    /// must let go of the slot next.
    pub(crate) fn dial_failed(&mut self, key: SocketKey, now: Instant) -> Option<WaiterKey> {
        let Phase::Dialing { began, .. } = self.sockets[key.0].phase else {
            return None;
        };
        let origin = self.sockets[key.0].origin;
        self.set_phase(key, Phase::Closing(CloseReason::DialFailed));
        self.origins[origin.0].known.refused = true;
        let failed = self.fail_oldest(origin, |waiter| waiter.entered < began);
        self.assign(origin, now);
        failed
    }

    /// A request is done with the socket, which is clean: the next waiter gets it, or it is parked.
    pub(crate) fn release(&mut self, key: SocketKey, now: Instant) {
        self.expire(now);
        let origin = self.sockets[key.0].origin;
        match self.sockets[key.0].phase {
            Phase::Active | Phase::Draining => match self.spent(key, now) {
                Some(reason) => self.shut(key, reason),
                None => self.free(key, now),
            },
            // Destroyed meanwhile.
            _ => self.actions.push_back(Action::Close { socket: key }),
        }
        self.assign(origin, now);
        self.settle(key);
    }

    /// The socket was taken and not used: as if it had stayed idle all the time.
    pub(crate) fn put_back(&mut self, key: SocketKey, now: Instant) {
        self.unused(key);
        let socket = &self.sockets[key.0];
        let origin = socket.origin;
        match socket.phase {
            Phase::Active => self.resume(key, now),
            _ => self.actions.push_back(Action::Close { socket: key }),
        }
        self.assign(origin, now);
        self.settle(key);
    }

    /// The request that took the socket did not use it. One that was only looked at was given to none.
    pub(crate) fn unused(&mut self, key: SocketKey) {
        let socket = &mut self.sockets[key.0];
        socket.served -= u64::from(!socket.kept);
    }

    /// What the server said about keeping the socket, with the response just read; to be told with every
    /// response, so that it never outlasts the next one.
    pub(crate) fn heed(&mut self, key: SocketKey, hint: Hint) {
        self.sockets[key.0].hint = hint;
    }

    /// The rest of a dropped body is being read off.
    pub(crate) fn drain(&mut self, key: SocketKey) {
        if self.sockets[key.0].phase == Phase::Active {
            self.set_phase(key, Phase::Draining);
        }
    }

    /// The socket left HTTP: it counts in the total only.
    pub(crate) fn upgrade(&mut self, key: SocketKey, now: Instant) {
        if self.sockets[key.0].phase == Phase::Active {
            self.set_phase(key, Phase::Upgraded { ends: None });
            self.expire(now);
            self.assign(self.sockets[key.0].origin, now);
        }
    }

    /// The socket's user is about to close it. The caller closes it and lets go of the slot at once:
    /// nothing is decided before that.
    pub(crate) fn closing(&mut self, key: SocketKey, reason: CloseReason) {
        if reason == CloseReason::Stale {
            self.close_suspects(key);
        }
        self.withdraw_streams(key, usize::MAX);
        match self.sockets[key.0].phase {
            Phase::Closing(_) | Phase::Upgraded { ends: Some(_) } => {}
            // Whatever it did there, it is not HTTP's affair.
            Phase::Upgraded { ends: None } => {
                self.set_phase(key, Phase::Upgraded { ends: Some(CloseReason::Upgraded) });
            }
            _ => self.set_phase(key, Phase::Closing(reason)),
        }
    }

    /// An idle socket, taken out to be looked at, proved dead. As after [`closing`](Self::closing), the
    /// caller closes it and lets go of the slot at once.
    pub(crate) fn found_dead(&mut self, key: SocketKey, reason: CloseReason, now: Instant) {
        if reason == CloseReason::ClosedByServer {
            let &Socket { origin, since, .. } = &self.sockets[key.0];
            let idle_for = now.saturating_duration_since(since);
            self.origins[origin.0].known.server_idle_limit = Some(idle_for);
        }
        self.closing(key, reason);
    }

    /// A socket proved stale when a request was written to it: closes the idle sockets of its origin that
    /// were parked no later.
    fn close_suspects(&mut self, stale: SocketKey) {
        let Socket { origin, since, .. } = self.sockets[stale.0];
        while let Some(oldest) = self.origins[origin.0].idle.front().map(SocketKey) {
            if self.sockets[oldest.0].since > since {
                break;
            }
            self.shut(oldest, CloseReason::Suspect);
        }
    }

    /// Takes an idle socket out to look at it; `false` if it is not idle (any more).
    pub(crate) fn inspect(&mut self, key: SocketKey, id: u64) -> bool {
        let Some(socket) = self.sockets.get_mut(key.0).filter(|socket| socket.id == id) else { return false };
        // One that carries many has a task that looks.
        if socket.streams.is_some() {
            return false;
        }
        let idle = socket.phase == Phase::Idle;
        if idle {
            self.take(key);
        } else {
            // Told once only; to be looked at when it is idle.
            socket.stirred = true;
        }
        idle
    }

    /// close(2) has returned, or there never was a socket: the slot is free.
    pub(crate) fn closed(&mut self, key: SocketKey, now: Instant) {
        if self.sockets[key.0].streams.is_some() {
            // Its task may be gone without a word.
            self.closing(key, CloseReason::Cancelled);
        }
        self.expire(now);
        let phase = self.sockets[key.0].phase;
        let origin = self.sockets[key.0].origin;
        let reason = match phase {
            Phase::Closing(reason) => reason,
            Phase::Upgraded { ends } => ends.unwrap_or(CloseReason::Upgraded),
            Phase::Dialing { .. } | Phase::Aborting => CloseReason::DialAborted,
            // The pool itself holds idle and offered sockets and closes them by an action.
            Phase::Active | Phase::Draining | Phase::Idle | Phase::Offered { .. } => CloseReason::Cancelled,
        };
        self.leave(key);
        let Socket { id, born, served, .. } = self.sockets[key.0];
        let age = now.saturating_duration_since(born);
        self.note(key, Note::Closed { reason, age, requests: served });
        self.sockets.remove(key.0);
        self.retiring -= usize::from(id < self.retired);
        self.totals.closed += 1;
        *self.closed_by.entry(reason).or_default() += 1;
        if let Phase::Dialing { ticket, .. } = phase {
            // Its runtime died. The waiter it was for lives on that runtime too.
            self.fail_oldest(origin, |waiter| waiter.ticket == ticket);
        }
        self.assign(origin, now);
    }

    /// Counts how a request that had a socket ended, and whether that socket had served before.
    pub(crate) fn finish(&mut self, outcome: Outcome, reused: bool) {
        self.totals.running -= 1;
        self.totals.reused += u64::from(reused);
        match outcome {
            Outcome::Done => self.totals.done += 1,
            Outcome::Failed => self.totals.failed += 1,
            Outcome::Cancelled => self.totals.cancelled += 1,
        }
    }

    /// The number users see.
    pub(crate) fn socket_id(&self, key: SocketKey) -> u64 {
        self.sockets[key.0].id
    }

    pub(crate) fn origin_of(&self, key: SocketKey) -> &Origin {
        &self.origins[self.sockets[key.0].origin.0].origin
    }

    /// Whether it was shut down by `destroy` under its user's hands.
    pub(crate) fn is_destroyed(&self, key: SocketKey) -> bool {
        self.sockets[key.0].phase == Phase::Closing(CloseReason::Destroyed)
    }

    /// As [`is_destroyed`](Self::is_destroyed), for one that may be gone.
    #[cfg(feature = "http2")]
    pub(crate) fn was_destroyed(&self, key: SocketKey, id: u64) -> bool {
        let socket = self.sockets.get(key.0).filter(|socket| socket.id == id);
        socket.is_some_and(|socket| socket.phase == Phase::Closing(CloseReason::Destroyed))
    }

    /// All sockets that count towards an origin's cap, or towards the total.
    pub(crate) fn sockets_of(&self, origin: Option<&Origin>) -> impl Iterator<Item = SocketKey> + '_ {
        let wanted = origin.map(|origin| self.index.get(origin).copied());
        let is_wanted = move |socket: &Socket| match wanted {
            None => true,
            Some(origin) => origin == Some(socket.origin) && !matches!(socket.phase, Phase::Upgraded { .. }),
        };
        self.sockets.iter().filter(move |(_, socket)| is_wanted(socket)).map(|(key, _)| SocketKey(key))
    }

    /// Whether there is no connection yet.
    pub(crate) fn has_no_connection(&self, key: SocketKey) -> bool {
        matches!(self.sockets[key.0].phase, Phase::Dialing { .. } | Phase::Aborting)
    }

    /// How many requests it was given to, the present one included.
    pub(crate) fn served(&self, key: SocketKey) -> u64 {
        self.sockets[key.0].served
    }

    /// Whether it was parked before the request that has it took it.
    pub(crate) fn was_kept(&self, key: SocketKey) -> bool {
        self.sockets[key.0].was_kept
    }

    /// Since when it has been free.
    pub(crate) fn free_since(&self, key: SocketKey) -> Instant {
        self.sockets[key.0].since
    }
}

/// What the rest of the machine does with sockets.
impl State {
    pub(super) fn add_socket(&mut self, origin: OriginKey, phase: Phase, now: Instant) -> SocketKey {
        let id = self.next_socket;
        self.next_socket += 1;
        self.totals.opened += 1;
        if self.sockets.len() == self.sockets.capacity() {
            self.sockets.reserve_exact(more_room(self.sockets.len()));
        }
        let key = self.sockets.insert(Socket {
            id,
            origin,
            phase,
            since: now,
            served: 0,
            kept: false,
            was_kept: false,
            hint: Hint::default(),
            born: now,
            opened: 0,
            streams: None,
            stirred: false,
            early: None,
            in_origin: Links::default(),
            in_agent: Links::default(),
        });
        self.enter(SocketKey(key), phase);
        self.note(SocketKey(key), Note::Dialing);
        SocketKey(key)
    }

    /// Makes a socket idle since `since`, unless it is retired. `assign` must follow.
    pub(super) fn free(&mut self, key: SocketKey, since: Instant) {
        self.sockets[key.0].since = since;
        if self.sockets[key.0].id < self.retired {
            return self.shut(key, CloseReason::AgentClosed);
        }
        self.set_phase(key, Phase::Idle);
        if std::mem::take(&mut self.sockets[key.0].stirred) {
            self.actions.push_back(Action::Look { socket: key });
        }
    }

    /// Makes a socket that nobody used after all idle again, as if it had been all the time: it may have
    /// become one that must go. `assign` must follow.
    pub(super) fn resume(&mut self, key: SocketKey, now: Instant) {
        match self.spent(key, now) {
            Some(reason) => self.shut(key, reason),
            None => self.free(key, self.sockets[key.0].since),
        }
        self.expire(now);
    }

    /// Notes when an idle socket must go although `free_socket_timeout` would still keep it.
    pub(super) fn stamp(&mut self, key: SocketKey) {
        let socket = &self.sockets[key.0];
        if self.limits.max_socket_age.is_none() && socket.hint.timeout.is_none() && socket.early.is_none() {
            return;
        }
        let early = socket.early_end(&self.limits).0;
        self.early.set(&mut self.sockets, key, early);
    }

    /// To be called for a socket that was freed, once `assign` has decided about it.
    pub(super) fn settle(&mut self, key: SocketKey) {
        let socket = &mut self.sockets[key.0];
        if socket.phase == Phase::Idle && !std::mem::replace(&mut socket.kept, true) {
            self.note(key, Note::Parked);
        }
    }

    /// Gives an idle or offered socket to the request that asks for it now.
    pub(super) fn lend(&mut self, key: SocketKey) {
        if self.sockets[key.0].streams.is_some() {
            return self.lend_stream(key, false);
        }
        self.take(key);
        let socket = &mut self.sockets[key.0];
        socket.served += 1;
        socket.was_kept = std::mem::take(&mut socket.kept);
    }

    fn take(&mut self, key: SocketKey) {
        self.set_phase(key, Phase::Active);
        // Whoever takes it looks for himself.
        self.sockets[key.0].stirred = false;
    }

    pub(super) fn offer(&mut self, key: SocketKey, waiter: WaiterKey, now: Instant) {
        self.set_phase(key, Phase::Offered { waiter, until: now + CLAIM });
    }

    /// Has the driver close an idle socket, or one nobody has got yet.
    pub(super) fn shut(&mut self, key: SocketKey, reason: CloseReason) {
        self.set_phase(key, Phase::Closing(reason));
        self.actions.push_back(Action::Close { socket: key });
        if self.sockets[key.0].streams.is_some() {
            self.shut_unused(key, reason);
        }
    }

    pub(super) fn abort(&mut self, key: SocketKey) {
        self.set_phase(key, Phase::Aborting);
        self.actions.push_back(Action::Abort { socket: key });
    }

    pub(super) fn destroy_socket(&mut self, key: SocketKey) {
        debug_assert_eq!(self.mode, Mode::Destroyed);
        match self.sockets[key.0].phase {
            Phase::Dialing { .. } => self.abort(key),
            Phase::Idle | Phase::Offered { .. } => self.shut(key, CloseReason::Destroyed),
            Phase::Active | Phase::Draining => {
                self.set_phase(key, Phase::Closing(CloseReason::Destroyed));
                self.actions.push_back(Action::Shutdown { socket: key });
            }
            Phase::Upgraded { ends: None } => {
                self.set_phase(key, Phase::Upgraded { ends: Some(CloseReason::Destroyed) });
                self.actions.push_back(Action::Shutdown { socket: key });
            }
            Phase::Aborting | Phase::Closing(_) | Phase::Upgraded { ends: Some(_) } => {}
        }
    }
}

impl Socket {
    pub(super) fn offered_until(&self) -> Instant {
        match self.phase {
            Phase::Offered { until, .. } => until,
            _ => unreachable!("only offered sockets stand in the list of offers"),
        }
    }
}

impl Linked<ORIGIN> for Socket {
    fn links(&self) -> &Links {
        &self.in_origin
    }
    fn links_mut(&mut self) -> &mut Links {
        &mut self.in_origin
    }
}

impl Linked<OFFERS_OR_LRU> for Socket {
    fn links(&self) -> &Links {
        &self.in_agent
    }
    fn links_mut(&mut self) -> &mut Links {
        &mut self.in_agent
    }
}

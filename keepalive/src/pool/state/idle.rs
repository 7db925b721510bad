//! How long an idle socket is kept, and whether a used one may be kept at all.
//!
//! The uniform limit (`free_socket_timeout`) needs no order of its own: the list of idle sockets is
//! sorted by it. A socket that must go sooner, because of its age or of what its server said, stands in
//! `State::early` as well.

use std::time::{Duration, Instant};

use super::sockets::Socket;
use super::waiters::Place;
use super::{Limits, SocketKey, State, WaiterKey};
use crate::{CloseReason, DEFAULT_FREE_SOCKET_TIMEOUT};

/// An idle socket is closed this long before its server said it would: what is sent later than that may
/// cross the server's FIN (Node: `agentKeepAliveTimeoutBuffer`, 1 s).
const HINT_MARGIN: Duration = Duration::from_secs(1);

/// The server's `Keep-Alive` field: of the last response, and of no other.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hint {
    /// How long it will keep the idle socket.
    pub(crate) timeout: Option<Duration>,
    /// How many more requests it will take.
    pub(crate) max: Option<u32>,
}

impl State {
    /// Closes the idle sockets whose time is up. Each event that may want more dials begins with it,
    /// since the driver may be late with its ticks: nobody gets such a socket, and no other is closed in its
    /// stead.
    pub(super) fn expire(&mut self, now: Instant) {
        if self.next_expiry().is_some_and(|at| at <= now) {
            self.expire_all(now);
        }
    }

    fn expire_all(&mut self, now: Instant) {
        while let Some((at, key)) = self.early.first() {
            if at > now {
                break;
            }
            let reason = self.sockets[key.0].early_end(&self.limits).1;
            self.shut_idle(key, reason, now);
        }
        while let Some(key) = self.idle.front().map(SocketKey) {
            if self.idle_end(key).is_none_or(|end| end > now) {
                break;
            }
            self.shut_idle(key, CloseReason::IdleTimeout, now);
        }
    }

    /// Brings the idle sockets into line with limits that were changed: each may have another end now, or
    /// have carried too many requests already.
    pub(super) fn review(&mut self, now: Instant) {
        let idle: Vec<_> = self.idle.iter(&self.sockets).map(SocketKey).collect();
        idle.iter().for_each(|&key| self.stamp(key));
        self.expire(now);
        for key in self.idle.iter(&self.sockets).map(SocketKey).collect::<Vec<_>>() {
            if let Some(reason) = self.spent(key, now) {
                self.shut(key, reason);
            }
        }
    }

    /// The process was suspended and `now` does not know it: every socket is older by `gap`, and has been
    /// idle for that much longer. The limits then say what goes. Where none is set, nor hinted at by the
    /// server, a gap of more than [`DEFAULT_FREE_SOCKET_TIMEOUT`] ends what is idle all the same: the
    /// server had all that time to go.
    pub(crate) fn suspended(&mut self, gap: Duration, now: Instant) {
        // Nobody claimed these before: they are as idle as the others.
        let offered: Vec<_> = self.offers.iter(&self.sockets).map(SocketKey).collect();
        offered.iter().for_each(|&socket| self.withdraw(socket));
        let reserved: Vec<_> = self.reserved.iter(&self.waiters).map(WaiterKey).collect();
        let mut carriers = Vec::new();
        for waiter in reserved {
            if let Place::Reserved { socket, .. } = self.waiters[waiter.0].place {
                self.withdraw_streams(socket, usize::MAX);
                self.rest(socket, now);
                carriers.push(socket);
            }
        }
        let idle: Vec<_> = self.idle.iter(&self.sockets).map(SocketKey).collect();
        for key in idle {
            let socket = &self.sockets[key.0];
            let limited = self.limits.free_socket_timeout.is_some() || socket.hint.timeout.is_some();
            // A clock that began with the machine may not reach back so far.
            let too_old = socket.since.checked_sub(gap).is_none();
            if too_old || (!limited && gap > DEFAULT_FREE_SOCKET_TIMEOUT) {
                self.shut(key, CloseReason::Suspended);
            }
        }
        for (_, socket) in &mut self.sockets {
            socket.since = socket.since.checked_sub(gap).unwrap_or(socket.since);
            socket.born = socket.born.checked_sub(gap).unwrap_or(socket.born);
        }
        self.review(now);
        self.assign_all(now);
        // Its waiter may take only what is fresh, and this is not any more.
        offered.into_iter().chain(carriers).for_each(|socket| self.settle(socket));
    }

    /// When the next idle socket's time is up.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        let uniform = self.idle.front().and_then(|key| self.idle_end(SocketKey(key)));
        match self.early.first() {
            None => uniform,
            Some((early, _)) => Some(uniform.map_or(early, |uniform| uniform.min(early))),
        }
    }

    /// Why a socket that a request is done with may carry no other, if so.
    pub(super) fn spent(&self, key: SocketKey, now: Instant) -> Option<CloseReason> {
        let socket = &self.sockets[key.0];
        if self.limits.max_requests_per_socket.is_some_and(|most| socket.served >= most) {
            Some(CloseReason::MaxRequests)
        } else if socket.end_of_age(&self.limits).is_some_and(|at| at <= now) {
            Some(CloseReason::MaxAge)
        } else if socket.hint.max == Some(0) {
            Some(CloseReason::KeepAliveHint)
        } else {
            None
        }
    }

    fn idle_end(&self, key: SocketKey) -> Option<Instant> {
        self.sockets[key.0].since.checked_add(self.limits.free_socket_timeout?)
    }
}

impl Socket {
    /// When the socket is too old for another request: `max_socket_age` after it was dialled, less up to
    /// 2.5 %, so that sockets opened together do not all go together.
    pub(super) fn end_of_age(&self, limits: &Limits) -> Option<Instant> {
        let age = limits.max_socket_age?;
        let spread = self.id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56;
        let spread = u32::try_from(spread).unwrap_or(0);
        self.born.checked_add(age - age / 40 / 256 * spread)
    }

    /// When the socket must go although `free_socket_timeout` would still keep it, and why.
    pub(super) fn early_end(&self, limits: &Limits) -> (Option<Instant>, CloseReason) {
        let hinted = self.hint.timeout.map(|timeout| timeout.saturating_sub(HINT_MARGIN));
        let hinted = hinted.and_then(|timeout| self.since.checked_add(timeout));
        let (end, reason) = match (hinted, self.end_of_age(limits)) {
            (Some(hinted), Some(aged)) if aged < hinted => (aged, CloseReason::MaxAge),
            (Some(hinted), _) => (hinted, CloseReason::KeepAliveHint),
            (None, Some(aged)) => (aged, CloseReason::MaxAge),
            (None, None) => return (None, CloseReason::IdleTimeout),
        };
        let uniform = limits.free_socket_timeout.and_then(|timeout| self.since.checked_add(timeout));
        (Some(end).filter(|&end| uniform.is_none_or(|uniform| end < uniform)), reason)
    }
}

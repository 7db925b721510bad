//! The settings that can be changed while the agent works.
//!
//! Each takes effect at once and for all sockets and requests there are; what the setting means and its
//! default are told by the method of the same name in [`AgentBuilder`](super::AgentBuilder).

use std::time::Duration;

use super::Agent;
use super::builder::{check_requests, check_time};
use crate::pool::Limits;
use crate::{Error, Scheduling};

impl Agent {
    /// Changes the limit of idle sockets in all, at once: those idle the longest are closed; 0 keeps none,
    /// `None` is no limit.
    ///
    /// # Errors
    ///
    /// None now; a `Result` as with the other limits.
    pub fn set_max_total_free_sockets(&self, limit: impl Into<Option<usize>>) -> Result<(), Error> {
        let limit = limit.into().unwrap_or(usize::MAX);
        self.set(|limits| limits.max_total_free_sockets = limit);
        Ok(())
    }

    /// Changes how many requests may wait in the queue, from the next request on; 0 lets none wait, `None`
    /// is no limit. Those that wait already stay.
    ///
    /// # Errors
    ///
    /// None now; a `Result` as with the other limits.
    pub fn set_max_queued(&self, limit: impl Into<Option<usize>>) -> Result<(), Error> {
        let limit = limit.into().unwrap_or(usize::MAX);
        self.set(|limits| limits.max_queued = limit);
        Ok(())
    }

    /// Changes how long a socket may be idle, also for those that are idle now, counted from when they came
    /// free: those beyond it are closed at once. `None` is no limit.
    ///
    /// # Errors
    ///
    /// [`Error::is_request`] for zero: `set_keep_alive(false)` keeps none.
    pub fn set_free_socket_timeout(&self, limit: impl Into<Option<Duration>>) -> Result<(), Error> {
        let limit = limit.into();
        check_time("free_socket_timeout", limit)?;
        self.set(|limits| limits.free_socket_timeout = limit);
        Ok(())
    }

    /// Changes how long a socket may be open, also for those that are open now, counted from when they were
    /// opened: idle ones beyond it are closed at once, one on a request when it is done. `None` is no
    /// limit.
    ///
    /// # Errors
    ///
    /// [`Error::is_request`] for zero.
    pub fn set_max_socket_age(&self, limit: impl Into<Option<Duration>>) -> Result<(), Error> {
        let limit = limit.into();
        check_time("max_socket_age", limit)?;
        self.set(|limits| limits.max_socket_age = limit);
        Ok(())
    }

    /// Changes how many requests a socket may carry, those it has carried already included: idle sockets
    /// that have carried as many are closed at once, one on a request when it is done. `None` is no limit.
    ///
    /// # Errors
    ///
    /// [`Error::is_request`] for 0, which would let no request through.
    pub fn set_max_requests_per_socket(&self, limit: impl Into<Option<u64>>) -> Result<(), Error> {
        let limit = limit.into();
        check_requests(limit)?;
        self.set(|limits| limits.max_requests_per_socket = limit);
        Ok(())
    }

    /// Changes whether a socket that nobody waits for is kept (Node: `keepAlive`). Turned off, it closes
    /// the idle sockets at once, and the others when they come free and no request waits.
    ///
    /// # Errors
    ///
    /// None now; a `Result` as with the other settings.
    pub fn set_keep_alive(&self, keep_alive: bool) -> Result<(), Error> {
        self.set(|limits| limits.keep_alive = keep_alive);
        Ok(())
    }

    /// Changes which idle socket the next request gets (Node: `scheduling`).
    ///
    /// # Errors
    ///
    /// None now; a `Result` as with the other settings.
    pub fn set_scheduling(&self, scheduling: Scheduling) -> Result<(), Error> {
        self.set(|limits| limits.scheduling = scheduling);
        Ok(())
    }

    fn set(&self, change: impl FnOnce(&mut Limits)) {
        self.handle.pool.set_limits(change);
    }
}

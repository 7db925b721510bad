//! The one clock of the library: tokio's, which tests can pause. The pure parts get the time passed in.
//!
//! The wall clock is read to compare the two, and for nothing else.

use std::time::SystemTime;

use tokio::time::Instant;

/// The time, inside and outside a runtime.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// What both clocks say at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) wall: SystemTime,
    pub(crate) mono: std::time::Instant,
}

/// Reads both, one directly after the other. A paused runtime does not pause the wall clock.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub(crate) fn reading() -> Reading {
    Reading { wall: SystemTime::now(), mono: now().into_std() }
}

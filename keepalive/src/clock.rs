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

/// Reads the wall clock, too, which a paused runtime does not pause.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub(crate) fn reading(now: std::time::Instant) -> Reading {
    Reading { wall: SystemTime::now(), mono: now }
}

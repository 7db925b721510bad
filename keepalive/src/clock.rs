//! The one clock of the library: tokio's, which tests can pause. The pure parts get the time passed in.
//!
//! The real clocks are read to compare them with each other, and for nothing else.

use std::time::SystemTime;

use tokio::time::Instant;

/// The time, inside and outside a runtime.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// What the wall clock and the real monotonic clock say at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) wall: SystemTime,
    pub(crate) mono: std::time::Instant,
}

/// Both real clocks, which a paused runtime does not pause.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub(crate) fn reading() -> Reading {
    Reading { mono: std::time::Instant::now(), wall: SystemTime::now() }
}

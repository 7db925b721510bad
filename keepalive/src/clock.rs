//! The one clock of the library: tokio's, which tests can pause. The pure parts get the time passed in.

use tokio::time::Instant;

/// The time, inside and outside a runtime.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

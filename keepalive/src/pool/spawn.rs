//! The one place that starts tasks.

use std::future::Future;

use tokio::runtime::Handle;

/// Runs a task that nobody waits for. It must end by itself and own what it counts.
#[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
pub(crate) fn spawn(runtime: &Handle, task: impl Future<Output = ()> + Send + 'static) {
    drop(runtime.spawn(task));
}

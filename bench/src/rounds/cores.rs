//! Which core who runs on. A child inherits where its parent is pinned, so nothing has to be told to it.

use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores that this process may use.
pub(super) struct Cores(Vec<usize>);

impl Cores {
    /// Those at the start, before any pinning.
    pub(super) fn allowed() -> io::Result<Self> {
        let set = sched_getaffinity(None)?;
        Ok(Self((0..CpuSet::MAX_CPU).filter(|&core| set.is_set(core)).collect()))
    }

    /// The server's is the last, which the clients use only where there is no other.
    pub(super) fn pin_for_server(&self) -> io::Result<()> {
        pin(self.0.last().copied())
    }

    /// Whether a client of so many threads leaves the server's core alone.
    pub(super) fn are_apart(&self, threads: usize) -> bool {
        threads < self.0.len()
    }

    /// A client has one core for each of its threads, from the first on.
    pub(super) fn pin_for_client(&self, threads: usize) -> io::Result<()> {
        pin(self.0.iter().copied().take(threads))
    }
}

fn pin(cores: impl IntoIterator<Item = usize>) -> io::Result<()> {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(core);
    }
    Ok(sched_setaffinity(None, &set)?)
}

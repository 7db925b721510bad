//! The limit of descriptors, and the default cap that follows from it.

use super::registry;
use crate::Error;
use crate::options::DEFAULT_MAX_TOTAL_SOCKETS;

/// Sockets an agent opens in all at most, unless told otherwise: the soft limit of descriptors
/// (`ulimit -n`) less a reserve for the rest of the program, which is a quarter of it, at least 16 and
/// at most 1024; never less than 1. [`DEFAULT_MAX_TOTAL_SOCKETS`] where there is no such limit.
///
/// Each agent has it for itself. Agents that together want more than there is make room for each other.
///
/// ```
/// let agent = keepalive::Agent::new();
/// assert_eq!(agent.status().totals.max_total_sockets, Some(keepalive::default_max_total_sockets()));
/// ```
#[must_use]
pub fn default_max_total_sockets() -> usize {
    soft_limit().map_or(DEFAULT_MAX_TOTAL_SOCKETS, cap_within)
}

/// Raises the soft limit of descriptors to the hard one, and every agent whose limit of sockets in all is
/// the default takes the new one over at once, which serves its queue. To be called early in `main`.
///
/// The limit is the whole process's: programs that use select(2) must not raise it above 1024. Nothing
/// changes where the soft limit is the hard one already, or where the system has no such limit.
///
/// ```standalone_crate
/// let limit = keepalive::raise_fd_limit()?;
/// assert!(limit.soft_before <= limit.soft && limit.soft <= limit.hard);
/// # Ok::<(), keepalive::Error>(())
/// ```
///
/// # Errors
///
/// If the system does not allow it, with its reason as the source.
pub fn raise_fd_limit() -> Result<FdLimit, Error> {
    let raised = system::raise().map_err(|error| {
        Error::request("the limit of file descriptors cannot be read or raised").caused_by(error)
    });
    // Also when it failed: somebody else may have changed it.
    registry::adopt_default();
    raised
}

/// The limit of descriptors as [`raise_fd_limit`] found and left it; `u64::MAX` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FdLimit {
    /// The soft limit as it was.
    pub soft_before: u64,
    /// The soft limit as it is now, which is what counts. The hard limit, where the system keeps no
    /// lower limit of its own (macOS: `kern.maxfilesperproc`).
    pub soft: u64,
    /// The hard limit: how far a process may raise the soft one.
    pub hard: u64,
}

/// The soft limit, if there is one.
pub(super) fn soft_limit() -> Option<u64> {
    system::soft_and_hard().map(|(soft, _)| soft).filter(|&soft| soft != u64::MAX)
}

/// The hard limit, if there is one.
pub(super) fn hard_limit() -> Option<u64> {
    system::soft_and_hard().map(|(_, hard)| hard).filter(|&hard| hard != u64::MAX)
}

/// The default cap under a soft limit.
fn cap_within(soft: u64) -> usize {
    let reserve = (soft / 4).clamp(LEAST_RESERVE, MOST_RESERVE);
    usize::try_from(soft.saturating_sub(reserve)).unwrap_or(usize::MAX).max(1)
}

/// Standard streams, the runtime's own descriptors, and a few for resolving names.
const LEAST_RESERVE: u64 = 16;

/// Programs with a high limit have it for their sockets.
const MOST_RESERVE: u64 = 1024;

#[cfg(unix)]
mod system {
    use std::io;

    use rlimit::{INFINITY, Resource, increase_nofile_limit};

    use super::FdLimit;

    pub(super) fn soft_and_hard() -> Option<(u64, u64)> {
        Resource::NOFILE.get().ok().map(|(soft, hard)| (shown(soft), shown(hard)))
    }

    pub(super) fn raise() -> io::Result<FdLimit> {
        let (before, hard) = Resource::NOFILE.get()?;
        let soft = increase_nofile_limit(hard)?;
        Ok(FdLimit { soft_before: shown(before), soft: shown(soft), hard: shown(hard) })
    }

    /// Systems have values of their own for no limit.
    fn shown(limit: u64) -> u64 {
        if limit == INFINITY { u64::MAX } else { limit }
    }
}

#[cfg(not(unix))]
mod system {
    use std::io;

    use super::FdLimit;

    pub(super) fn soft_and_hard() -> Option<(u64, u64)> {
        None
    }

    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(super) fn raise() -> io::Result<FdLimit> {
        Ok(FdLimit { soft_before: u64::MAX, soft: u64::MAX, hard: u64::MAX })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_is_left_for_the_rest_of_the_program() {
        for (soft, cap) in [
            // Never none, and never less than 16 left where there are more.
            (0, 1),
            (1, 1),
            (16, 1),
            (17, 1),
            (18, 2),
            (63, 47),
            (64, 48),
            (65, 49),
            (67, 51),
            (68, 51),
            (255, 192),
            (256, 192),
            (257, 193),
            (1023, 768),
            (1024, 768),
            (1025, 769),
            // A quarter is 1024 here.
            (4095, 3072),
            (4096, 3072),
            (4097, 3073),
            (1_048_575, 1_047_551),
            (1_048_576, 1_047_552),
            (1_048_577, 1_047_553),
        ] {
            assert_eq!(cap_within(soft), cap, "of {soft}");
        }
        assert_eq!(cap_within(u64::MAX - 1) as u64, u64::MAX - 1025);
    }

    #[cfg(unix)]
    #[test]
    fn the_default_follows_the_limit_of_this_process() {
        let soft = rlimit::Resource::NOFILE.get_soft().unwrap();
        let cap = if soft == rlimit::INFINITY { DEFAULT_MAX_TOTAL_SOCKETS } else { cap_within(soft) };
        assert_eq!(default_max_total_sockets(), cap);
    }
}

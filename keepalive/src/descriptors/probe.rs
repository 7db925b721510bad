//! Whether there are descriptors at this moment, asked of the system itself.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use socket2::{Domain, Socket, Type};

use super::limit::soft_limit;

/// Whether the process, or the system, had no descriptor left (EMFILE, ENFILE).
pub(crate) fn is_shortage(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|errno| errno == EMFILE || cfg!(unix) && errno == ENFILE)
}

/// The error of a process without descriptors.
pub(super) fn shortage() -> io::Error {
    io::Error::from_raw_os_error(EMFILE)
}

/// Tries to have this many descriptors at once. What else may be wrong is no shortage.
pub(super) fn try_open(count: usize) -> io::Result<()> {
    let mut sockets = Vec::with_capacity(count);
    for _ in 0..count {
        match Socket::new(Domain::IPV4, Type::DGRAM, None) {
            Ok(socket) => sockets.push(socket),
            Err(error) if is_shortage(&error) => return Err(error),
            Err(_) => break,
        }
    }
    Ok(())
}

/// Whether the process uses a large part of its descriptors, whoever holds them: the system always gives
/// out the lowest number that is free.
pub(super) fn is_crowded() -> bool {
    let Some(limit) = soft_limit() else { return false };
    let lowest = Socket::new(Domain::IPV4, Type::DGRAM, None).ok().and_then(|socket| number(&socket));
    lowest.is_none_or(|number| number >= limit / 2)
}

#[cfg(unix)]
fn number(socket: &Socket) -> Option<u64> {
    use std::os::fd::AsRawFd;
    u64::try_from(socket.as_raw_fd()).ok()
}

#[cfg(not(unix))]
fn number(_: &Socket) -> Option<u64> {
    Some(0)
}

/// Notes that descriptors were short.
pub(super) fn note_shortage() {
    SHORTAGES.fetch_add(1, Ordering::Relaxed);
}

/// How often they were: whoever sees the same number twice knows that nobody noticed any between.
pub(super) fn shortages() -> u64 {
    SHORTAGES.load(Ordering::Relaxed)
}

static SHORTAGES: AtomicU64 = AtomicU64::new(0);

/// `errno` of "too many open files".
const EMFILE: i32 = if cfg!(windows) { 10_024 } else { 24 };

/// `errno` of "too many open files in system".
const ENFILE: i32 = 23;

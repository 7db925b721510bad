//! Where the first bytes of a response are read to.
//!
//! Most responses are small. Read into a buffer of the thread and copied out, one costs an allocation of its
//! own size, which is cheap, and not one for the largest that might come, which is dear and stays in use as
//! long as a single field of the response does.

use std::cell::Cell;

/// Room for the head and the body of most responses. A read that fills it is followed by larger ones, into
/// memory of their own.
pub(super) const SCRATCH: usize = 16 * 1024;

thread_local! {
    static BUFFER: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// Lends the thread's buffer, or a new one while it is lent or the thread ends.
pub(super) fn with<T>(f: impl FnOnce(&mut [u8]) -> T) -> T {
    let kept = BUFFER.try_with(Cell::take).ok().flatten();
    let mut buffer = kept.unwrap_or_else(|| vec![0; SCRATCH].into());
    let result = f(&mut buffer);
    let _ = BUFFER.try_with(|kept| kept.set(Some(buffer)));
    result
}

//! What a thread keeps to read responses into.
//!
//! Most responses are small. Read into a buffer of the thread and copied out, one costs an allocation of its
//! own size, which is cheap, and not one for the largest that might come, which is dear and stays in use as
//! long as a single field of the response does.
//!
//! Large bodies are read into larger buffers, of which the thread keeps some: given back to the allocator one
//! would often go back to the system, and each page of it be fetched and cleared anew. A body has one from a
//! read until what was read is taken apart, and none while it waits: so they are few, however many bodies come at once,
//! and hot in the processor's cache.

use std::cell::{Cell, RefCell};

use bytes::BytesMut;

/// Room for the head and the body of most responses. A read that fills it is followed by larger ones.
pub(super) const SCRATCH: usize = 16 * 1024;

/// How many of the larger buffers a thread keeps, each of the size of the largest read.
const SPARE: usize = 8;

thread_local! {
    static BUFFER: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
    static SPARES: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// Lends the thread's buffer, or a new one while it is lent or the thread ends.
pub(super) fn with<T>(f: impl FnOnce(&mut [u8]) -> T) -> T {
    let kept = BUFFER.try_with(Cell::take).ok().flatten();
    let mut buffer = kept.unwrap_or_else(|| vec![0; SCRATCH].into());
    let result = f(&mut buffer);
    let _ = BUFFER.try_with(|kept| kept.set(Some(buffer)));
    result
}

/// A buffer for a large body, with that much room: the last that was kept of which nothing is in use any more, or
/// an empty one.
pub(super) fn spare(room: usize) -> BytesMut {
    let spare = SPARES.try_with(|spares| {
        let mut spares = spares.borrow_mut();
        let free = spares.iter_mut().rposition(|spare| spare.try_reclaim(room))?;
        Some(spares.remove(free))
    });
    spare.ok().flatten().unwrap_or_default()
}

/// What was read into it is taken out, and may still be in use. What is left in it belongs to nobody.
pub(super) fn keep(mut buffer: BytesMut) {
    buffer.clear();
    let _ = SPARES.try_with(|spares| {
        let mut spares = spares.borrow_mut();
        if spares.len() == SPARE {
            spares.remove(0);
        }
        spares.push(buffer);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: usize = 100_000;

    /// One with a place in memory to know it by.
    fn buffer() -> (BytesMut, *const u8) {
        let mut buffer = BytesMut::with_capacity(ROOM);
        buffer.resize(ROOM, b'x');
        let place = buffer.as_ptr();
        (buffer, place)
    }

    #[test]
    fn the_memory_of_a_large_body_serves_the_next_one() {
        assert_eq!(spare(ROOM).capacity(), 0);
        let (mut buffer, place) = buffer();
        let body = buffer.split().freeze();
        keep(buffer);
        drop(body);
        let mut buffer = spare(ROOM);
        buffer.reserve(ROOM);
        assert_eq!(buffer.as_ptr(), place, "the same memory");
        assert_eq!(spare(ROOM).capacity(), 0);
    }

    #[test]
    fn what_its_reader_still_holds_is_passed_over() {
        let ((mut free, place), (mut held, _)) = (buffer(), buffer());
        drop(free.split());
        let body = held.split().freeze();
        keep(free);
        keep(held);
        assert_eq!(spare(ROOM).as_ptr(), place);
        assert_eq!(spare(ROOM).capacity(), 0, "the other is in use");
        assert!(body.iter().all(|&byte| byte == b'x'));
        drop(body);
        assert!(spare(ROOM).capacity() >= ROOM, "and was not forgotten");
    }

    #[test]
    fn one_that_is_too_small_is_passed_over() {
        keep(BytesMut::with_capacity(ROOM / 2));
        assert_eq!(spare(ROOM).capacity(), 0);
        assert!(spare(ROOM / 2).capacity() >= ROOM / 2);
    }

    #[test]
    fn what_came_behind_a_body_is_not_the_beginning_of_the_next() {
        keep(BytesMut::from(&b"HTTP/1.1 200 OK"[..]));
        let spare = spare(1);
        assert!(spare.is_empty() && spare.capacity() > 0);
    }

    #[test]
    fn a_thread_keeps_no_more_than_a_few_and_the_last_ones() {
        (1..=SPARE + 1).for_each(|size| keep(BytesMut::with_capacity(size * ROOM)));
        let kept: Vec<_> = (0..=SPARE).map(|_| spare(1).capacity() / ROOM).filter(|&size| size > 0).collect();
        assert_eq!(kept, (2..=SPARE + 1).rev().collect::<Vec<_>>());
    }
}

//! What a thread keeps to read responses into.
//!
//! Most responses are small. Read into a buffer of the thread and copied out, one costs an allocation of its
//! own size, which is cheap, and not one for the largest that might come, which is dear and stays in use as
//! long as a single field of the response does.
//!
//! Large bodies are read into memory of their own, which the thread keeps for the next one: given back to
//! the allocator it would often go back to the system, and each page of it be fetched and cleared anew.

use std::cell::{Cell, RefCell};

use bytes::BytesMut;

/// Room for the head and the body of most responses. A read that fills it is followed by larger ones.
pub(super) const SCRATCH: usize = 16 * 1024;

/// How many buffers of large bodies a thread keeps, each as large as the largest read.
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

/// A buffer for a large body. What was read into it before may still be in use; `reserve` tells.
pub(super) fn spare() -> BytesMut {
    let spare = SPARES.try_with(|spares| spares.borrow_mut().pop());
    spare.ok().flatten().unwrap_or_default()
}

/// The body that was read into it is over. What is left in it belongs to nobody.
pub(super) fn keep(mut buffer: BytesMut) {
    buffer.clear();
    let _ = SPARES.try_with(|spares| {
        let mut spares = spares.borrow_mut();
        if spares.len() < SPARE {
            spares.push(buffer);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_a_large_body_serves_the_next_one() {
        assert_eq!(spare().capacity(), 0);
        let mut buffer = BytesMut::with_capacity(100_000);
        buffer.resize(100_000, b'x');
        let place = buffer.as_ptr();
        let body = buffer.split().freeze();
        keep(buffer);
        drop(body);
        let mut buffer = spare();
        buffer.reserve(100_000);
        assert_eq!(buffer.as_ptr(), place, "the same memory");
        assert_eq!(spare().capacity(), 0);
    }

    #[test]
    fn what_its_reader_still_holds_is_not_written_over() {
        let mut buffer = BytesMut::from(&[b'x'; 100_000][..]);
        let body = buffer.split().freeze();
        keep(buffer);
        let mut buffer = spare();
        buffer.reserve(100_000);
        buffer.resize(100_000, b'y');
        assert!(body.iter().all(|&byte| byte == b'x'));
    }

    #[test]
    fn what_came_behind_a_body_is_not_the_beginning_of_the_next() {
        keep(BytesMut::from(&b"HTTP/1.1 200 OK"[..]));
        assert!(spare().is_empty());
    }

    #[test]
    fn a_thread_keeps_no_more_than_a_few() {
        (0..=SPARE).for_each(|_| keep(BytesMut::with_capacity(1)));
        let kept = (0..=SPARE).filter(|_| spare().capacity() > 0).count();
        assert_eq!(kept, SPARE);
    }
}

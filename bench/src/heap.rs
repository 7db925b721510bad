//! Counts what the process allocates and what of it lives, in bytes asked for; what the allocator itself
//! adds is not seen.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

/// How often the process has asked for memory, a larger piece in place of one that it has included.
pub(crate) fn allocations() -> u64 {
    SLOTS.iter().map(|slot| slot.allocations.load(Ordering::Relaxed)).sum()
}

/// The bytes that it has now.
pub(crate) fn live() -> i64 {
    SLOTS.iter().map(|slot| slot.live.load(Ordering::Relaxed)).sum()
}

struct Counting;

// SAFETY: all is left to `System`; what is done beside it neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as i64);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as i64);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, size as i64 - layout.size() as i64);
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, -(layout.size() as i64));
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// One thread's numbers; aligned so that threads do not share a cache line.
#[repr(align(128))]
struct Slot {
    allocations: AtomicU64,
    live: AtomicI64,
}

/// A locked instruction for every allocation would be felt by the clients that allocate much, so the first
/// threads have a slot each; the rest share the last one.
fn count(allocations: u64, bytes: i64) {
    let index = INDEX.with(|index| {
        if index.get() == usize::MAX {
            index.set(NEXT.fetch_add(1, Ordering::Relaxed).min(OWN));
        }
        index.get()
    });
    let slot = &SLOTS[index];
    if index < OWN {
        slot.allocations.store(slot.allocations.load(Ordering::Relaxed) + allocations, Ordering::Relaxed);
        slot.live.store(slot.live.load(Ordering::Relaxed) + bytes, Ordering::Relaxed);
    } else {
        slot.allocations.fetch_add(allocations, Ordering::Relaxed);
        slot.live.fetch_add(bytes, Ordering::Relaxed);
    }
}

thread_local! {
    static INDEX: Cell<usize> = const { Cell::new(usize::MAX) };
}

static NEXT: AtomicUsize = AtomicUsize::new(0);
static SLOTS: [Slot; OWN + 1] =
    [const { Slot { allocations: AtomicU64::new(0), live: AtomicI64::new(0) } }; OWN + 1];

/// How many threads have a slot of their own.
const OWN: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_keep_is_counted() {
        const EACH: usize = 1 << 20;
        let (allocations_before, live_before) = (allocations(), live());
        let threads: Vec<_> =
            (0..2 * OWN).map(|_| std::thread::spawn(|| Vec::<u8>::with_capacity(EACH))).collect();
        let kept: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let live = live() - live_before;
        let expected = (kept.len() * EACH) as i64;
        // Other tests run beside this one.
        assert!((expected..expected + EACH as i64).contains(&live), "{live} of {expected}");
        assert!(allocations() - allocations_before >= kept.len() as u64);
    }
}

//! A global allocator that counts what the calling thread does.
//!
//! A thread that measures sees nothing of any other. What is freed on another thread than it was taken on
//! makes the live bytes of both wrong, so what is measured stays on one.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counted. The binary makes it its `#[global_allocator]`.
#[derive(Debug)]
pub struct Counting;

/// What one thread has done so far.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    /// How often it took memory; a block that was resized counts as another.
    pub allocations: u64,
    /// Bytes taken and not given back.
    pub live: i64,
}

thread_local! {
    // Const and without a destructor: reading it allocates nothing, at any time of the thread's life.
    static COUNTS: Cell<Counts> = const { Cell::new(Counts { allocations: 0, live: 0 }) };
}

/// What the calling thread has done so far.
#[must_use]
pub fn counts() -> Counts {
    COUNTS.get()
}

fn add(allocations: u64, bytes: usize, freed: usize) {
    let Counts { allocations: before, live } = COUNTS.get();
    let live = live.wrapping_add_unsigned(bytes as u64).wrapping_sub_unsigned(freed as u64);
    COUNTS.set(Counts { allocations: before + allocations, live });
}

// SAFETY: every call goes to `System` unchanged, which keeps the contract; counting touches no memory of
// the caller's and cannot unwind.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(1, layout.size(), 0);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(1, layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(1, size, layout.size());
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        add(0, 0, layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

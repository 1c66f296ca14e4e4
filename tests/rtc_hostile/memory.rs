//! Counts the memory of this program, which runs both sides: what the hostile one takes is small.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::{Mutex, MutexGuard};

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn count(added: usize) {
    let live = LIVE.fetch_add(added, Relaxed) + added;
    PEAK.fetch_max(live, Relaxed);
}

#[allow(unsafe_code, reason = "an allocator is unsafe; this one only counts")]
// SAFETY: everything is left to the allocator of the system.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test at a time, as they share the memory that is counted.
static TURN: Mutex<()> = Mutex::const_new(());

/// What a test uses.
pub struct Memory {
    before: usize,
    _turn: MutexGuard<'static, ()>,
}

impl Memory {
    /// Waits until no other test runs, and begins to count.
    pub async fn watch() -> Self {
        let turn = TURN.lock().await;
        let before = LIVE.load(Relaxed);
        PEAK.store(before, Relaxed);
        Self { before, _turn: turn }
    }

    /// The most mebibytes that there were at a time.
    #[track_caller]
    pub fn stayed_below(&self, limit: usize) {
        let peak = PEAK.load(Relaxed).saturating_sub(self.before) >> 20;
        assert!(peak < limit, "{peak} MiB were in use, and {limit} are to be enough");
    }
}

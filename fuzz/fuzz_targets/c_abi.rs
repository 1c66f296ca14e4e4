//! Calls of all functions of the C ABI, in any order that the header allows: with handles that are alive, or NULL.
//!
//! No call writes behind the memory that it was given, each status is one that the header declares, there is an error
//! exactly if the status says so, and when all handles are freed, no more memory is in use than before.
//!
//! `cargo +nightly fuzz run --features capi,server c_abi`

#![no_main]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use libfuzzer_sys::fuzz_target;
use saltyrtc_fuzz::abi::{MARKED, Scene};
use saltyrtc_fuzz::input::Input;
use saltyrtc_fuzz::reached::Reached;

/// Runs between two looks at the memory, and what may be in use by then that was not before: the ends of the last
/// clients and servers are still being worked off.
const RUNS: u64 = 500;
const SLACK: i64 = 8 << 20;

static REACHED: Reached<{ MARKED.len() }> = Reached::new(MARKED);
static IN_USE: AtomicI64 = AtomicI64::new(0);
static FIRST: AtomicI64 = AtomicI64::new(0);
static RUN: AtomicU64 = AtomicU64::new(0);

/// Counts the memory in use.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// Safety: the allocator of the system does all of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size() as i64, Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size() as i64, Relaxed);
        unsafe { System.dealloc(memory, layout) }
    }
}

fuzz_target!(|data: &[u8]| {
    REACHED.begin();
    let mut input = Input::new(data);
    let order = input.byte();
    let mut scene = Scene::new(|state| REACHED.mark(state));
    while !input.is_empty() {
        scene.act(&mut input);
    }
    scene.end(order);
    let run = RUN.fetch_add(1, Relaxed);
    if run % RUNS == RUNS - 1 {
        let now = IN_USE.load(Relaxed);
        let first = match FIRST.load(Relaxed) {
            0 => now,
            first => first,
        };
        FIRST.store(first, Relaxed);
        assert!(now - first < SLACK, "{now} bytes are in use, {first} were after {RUNS} runs");
    }
});

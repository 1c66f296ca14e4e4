//! The one tokio runtime of the process, started on first use.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::sync::{lock, unpoisoned};

/// Threads that drive all sockets. Boxes for sending are sealed on the threads of the callers, so
/// few are enough. A server does not use more cores than this either.
const MAX_THREADS: usize = 4;

/// After how many turns of tasks a busy thread looks at the sockets. With tokio's own 61, clients that
/// flood make the others wait for that many of their turns.
const EVENT_INTERVAL: u32 = 13;

/// What the threads have to get for themselves, however long the connections took to close.
const MIN_THREAD_TIMEOUT: Duration = Duration::from_millis(100);

static RUNTIME: Mutex<Option<Runtime>> = Mutex::new(None);

/// How many connections are being closed.
static CLOSING: Mutex<usize> = Mutex::new(0);
/// There are none any more.
static ALL_CLOSED: Condvar = Condvar::new();

/// How many threads the runtime has, those included that wait for the operating system to resolve a
/// name. Counted here because tokio stops waiting for its threads without telling whether they ended.
static THREADS: Mutex<usize> = Mutex::new(0);
/// There is one less.
static THREAD_ENDED: Condvar = Condvar::new();

/// Whether there may be such threads, for those who cannot lock.
static RUNS: AtomicBool = AtomicBool::new(false);

/// How many threads drive sockets.
pub(crate) fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS)
}

/// A handle of the runtime.
///
/// # Panics
///
/// If the operating system has no more threads to give.
pub(crate) fn handle() -> Handle {
    let mut runtime = lock(&RUNTIME);
    runtime
        .get_or_insert_with(|| {
            RUNS.store(true, Ordering::Relaxed);
            let mut builder = Builder::new_multi_thread();
            builder
                .worker_threads(workers())
                .event_interval(EVENT_INTERVAL)
                .thread_name("saltyrtc")
                .on_thread_start(|| *lock(&THREADS) += 1)
                .on_thread_stop(|| {
                    *lock(&THREADS) -= 1;
                    THREAD_ENDED.notify_all();
                })
                .enable_all();
            // All further threads are started by these, and inherit what they block.
            without_signals(|| builder.build())
                .expect("the operating system has threads and a poller for the library")
        })
        .handle()
        .clone()
}

/// Counts a connection that is being closed properly, for [`shutdown`] to wait for.
#[cfg(feature = "client")]
pub(crate) fn closing() {
    *lock(&CLOSING) += 1;
}

/// A connection that was counted is gone.
#[cfg(feature = "client")]
pub(crate) fn closed() {
    let mut closing = lock(&CLOSING);
    // A panic in a state machine can end a connection that was not counted.
    *closing = closing.saturating_sub(1);
    if *closing == 0 {
        ALL_CLOSED.notify_all();
    }
}

/// Stops the runtime: waits at most `timeout` (and a moment) for the connections that clients are
/// closing and for the threads. Connections that are still open are cut, which their clients are told.
/// The next use starts a new runtime.
///
/// Says whether all threads have ended. If not, the operating system is still resolving a name for one
/// of them, which cannot be stopped; it ends after that. Calling this again waits for it again.
///
/// Blocks: must not be called from a thread of this or any other tokio runtime.
pub fn shutdown(timeout: Duration) -> bool {
    let started = Instant::now();
    drop(ALL_CLOSED.wait_timeout_while(lock(&CLOSING), timeout, |closing| *closing > 0));
    let left = || timeout.saturating_sub(started.elapsed()).max(MIN_THREAD_TIMEOUT);
    // Not in one line with the rest: tasks that are about to end may ask for a handle, so the lock must
    // not be held while they are waited for.
    let runtime = lock(&RUNTIME).take();
    if let Some(runtime) = runtime {
        runtime.shutdown_timeout(left());
    }
    // Those that an earlier call left behind, too.
    let threads = THREAD_ENDED.wait_timeout_while(lock(&THREADS), left(), |threads| *threads > 0);
    let ended = *unpoisoned(threads).0 == 0;
    if ended && lock(&RUNTIME).is_none() {
        RUNS.store(false, Ordering::Relaxed);
    }
    ended
}

/// Whether threads of the runtime may be running. Takes no lock.
#[cfg(all(feature = "capi", unix))]
pub(crate) fn runs() -> bool {
    RUNS.load(Ordering::Relaxed)
}

/// Does something that starts threads, which then block all signals: they are for the threads of the
/// program, which may block them and wait for them. The exceptions are those that a thread causes itself
/// by a fault, since somebody may want to report that.
#[cfg(unix)]
pub(crate) fn without_signals<T>(act: impl FnOnce() -> T) -> T {
    use nix::sys::signal::{SigSet, SigmaskHow, Signal};

    /// Gives the thread back what it had, also after a panic.
    struct Restore(Option<SigSet>);

    impl Drop for Restore {
        fn drop(&mut self) {
            if let Some(signals) = &self.0 {
                // Nothing can be wrong with what came from the system.
                let _ = signals.thread_set_mask();
            }
        }
    }

    let mut signals = SigSet::all();
    for fault in [
        Signal::SIGABRT,
        Signal::SIGBUS,
        Signal::SIGFPE,
        Signal::SIGILL,
        Signal::SIGSEGV,
        Signal::SIGSYS,
        Signal::SIGTRAP,
    ] {
        signals.remove(fault);
    }
    let _restore = Restore(signals.thread_swap_mask(SigmaskHow::SIG_BLOCK).ok());
    act()
}

/// There are no signals to block.
#[cfg(not(unix))]
pub(crate) fn without_signals<T>(act: impl FnOnce() -> T) -> T {
    act()
}

//! The one tokio runtime of the process, started on first use.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle, Runtime};

/// Threads that drive all sockets. Boxes for sending are sealed on the threads of the callers, so
/// few are enough for clients; a server program has the operating system's count of cores.
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

/// A handle of the runtime.
///
/// # Panics
///
/// If the operating system has no more threads to give.
pub(crate) fn handle() -> Handle {
    let mut runtime = RUNTIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    runtime
        .get_or_insert_with(|| {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            Builder::new_multi_thread()
                .worker_threads(cores.min(MAX_THREADS))
                .event_interval(EVENT_INTERVAL)
                .thread_name("saltyrtc")
                .enable_all()
                .build()
                .expect("the operating system has threads and a poller for the library")
        })
        .handle()
        .clone()
}

/// Counts a connection that is being closed properly, for [`shutdown`] to wait for.
#[cfg(feature = "client")]
pub(crate) fn closing() {
    *CLOSING.lock().unwrap_or_else(PoisonError::into_inner) += 1;
}

/// A connection that was counted is gone.
#[cfg(feature = "client")]
pub(crate) fn closed() {
    let mut closing = CLOSING.lock().unwrap_or_else(PoisonError::into_inner);
    // A panic in a state machine can end a connection that was not counted.
    *closing = closing.saturating_sub(1);
    if *closing == 0 {
        ALL_CLOSED.notify_all();
    }
}

/// Stops the runtime: waits at most `timeout` (and a moment) for the connections that clients are
/// closing and for the threads, and leaves no thread behind if that was enough. Connections that are
/// still open are cut, which their clients are told. The next use starts a new runtime.
///
/// Must not be called from a thread of the runtime itself.
pub fn shutdown(timeout: Duration) {
    let started = Instant::now();
    let closing = CLOSING.lock().unwrap_or_else(PoisonError::into_inner);
    drop(ALL_CLOSED.wait_timeout_while(closing, timeout, |closing| *closing > 0));
    let timeout = timeout.saturating_sub(started.elapsed()).max(MIN_THREAD_TIMEOUT);
    let runtime = RUNTIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    if let Some(runtime) = runtime {
        runtime.shutdown_timeout(timeout);
    }
}

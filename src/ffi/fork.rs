//! The child of a fork() has none of the library's threads, and shares its sockets with the parent.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(unix)]
use super::client::dispatch;
use super::error::{CallError, Outcome};
use super::status::saltyrtc_status;

/// Registers what is to be done in children, once.
static WATCH: Once = Once::new();
/// This process is the child of one in which threads of the library were running.
static FORKED: AtomicBool = AtomicBool::new(false);

/// Refuses to do anything in such a child: it would wait for threads that do not exist, for locks that
/// were held by them, or take sockets away from its parent.
pub(super) fn check() -> Outcome {
    WATCH.call_once(watch);
    if forked() {
        return Err(CallError::new(
            saltyrtc_status::Forked,
            "the process was forked while the library was in use, and its threads are in the parent only: \
             fork before the first client or server is created, or after saltyrtc_shutdown",
        ));
    }
    Ok(())
}

/// Whether this is such a child. What has threads or sockets is left alone there, also by its end.
pub(super) fn forked() -> bool {
    FORKED.load(Ordering::Relaxed)
}

#[cfg(unix)]
fn watch() {
    /// Runs in the child, where nothing but atomics can be relied upon.
    unsafe extern "C" fn child() {
        if crate::runtime::runs() || dispatch::runs() {
            FORKED.store(true, Ordering::Relaxed);
        }
    }
    // If there is no memory for it, fork() is noticed as little as if it were not watched.
    // SAFETY: the function does nothing that is not allowed after fork().
    let _ = unsafe { libc::pthread_atfork(None, None, Some(child)) };
}

#[cfg(not(unix))]
fn watch() {}

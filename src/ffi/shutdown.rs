//! Stopping the whole library.

use std::time::{Duration, Instant};

use super::client::dispatch;
use super::error::{CallError, entry, saltyrtc_error};
use super::status::saltyrtc_status;

/// Stops all threads of the library, so that a program can exit cleanly or unload the library. Blocks
/// for `timeout_ms` milliseconds at most, plus about 100 milliseconds, until
///
/// - connections that are being closed (saltyrtc_client_close, saltyrtc_client_free) are closed;
/// - the operating system has resolved the names of servers, if it is doing so;
/// - the running callback has returned, and all events that wait were passed to callbacks.
///
/// Open connections are dropped: their clients get CLOSED with SALTYRTC_STATUS_CONNECTION_LOST, and
/// still have to be freed. Embedded servers stop at once. The library can be used again, which starts
/// new threads. Must not be called while another thread creates clients or servers.
///
/// Fails with SALTYRTC_STATUS_TIMEOUT if not everything has ended in time, and with
/// SALTYRTC_STATUS_WOULD_DEADLOCK in a callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_shutdown(
    timeout_ms: u32,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        if dispatch::on_event_thread() {
            let text = "a callback cannot wait for the end of all callbacks";
            return Err(CallError::new(saltyrtc_status::WouldDeadlock, text));
        }
        let timeout = Duration::from_millis(timeout_ms.into());
        let deadline = Instant::now() + timeout;
        let runtime_ended = crate::shutdown(timeout);
        // After the runtime, whose end is an event for those whose connection was cut.
        let callbacks_ended = dispatch::stop(deadline.max(Instant::now() + A_MOMENT));
        let text = match (runtime_ended, callbacks_ended) {
            (true, true) => return Ok(()),
            (_, false) => {
                "a callback is still running: let it return, then call saltyrtc_shutdown again"
            }
            (false, true) => {
                "the operating system is still resolving the name of a server: call saltyrtc_shutdown \
                 again, with more time"
            }
        };
        Err(CallError::new(saltyrtc_status::Timeout, text))
    })
}

/// What threads without work need to end.
const A_MOMENT: Duration = Duration::from_millis(100);

//! The end of everything.

use std::time::{Duration, Instant};

use super::client::dispatch;
use super::error::{Failure, entry, saltyrtc_error};
use super::status::saltyrtc_status;

/// Stops all threads of the library, so that a program can end or unload it with nothing left behind.
/// Waits at most `timeout_ms` milliseconds (and a moment) for
///
/// - connections that are being closed (saltyrtc_client_close, saltyrtc_client_free);
/// - the system, if it is looking for the name of a server;
/// - the callback that is running, and those with the events that are there already.
///
/// Connections that are open are cut: their clients get CLOSED with SALTYRTC_STATUS_CONNECTION_LOST
/// and have to be freed as always. Embedded servers stop at once. The next use of the library starts
/// its threads again. Not to be called while another thread makes clients or servers.
///
/// Fails with SALTYRTC_STATUS_TIMEOUT if not everything ended in time, and with
/// SALTYRTC_STATUS_WOULD_DEADLOCK in a callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_shutdown(
    timeout_ms: u32,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        if dispatch::on_event_thread() {
            let text = "a callback cannot wait for the end of all callbacks";
            return Err(Failure::new(saltyrtc_status::WouldDeadlock, text));
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
                "the system is still looking for the name of a server: call saltyrtc_shutdown again, \
                 with more time"
            }
        };
        Err(Failure::new(saltyrtc_status::Timeout, text))
    })
}

/// What threads without work need to end.
const A_MOMENT: Duration = Duration::from_millis(100);

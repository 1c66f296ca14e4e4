//! Events of clients without a callback: waiting for them, and a file descriptor for event loops.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::client::{Client, Event};
use crate::ffi::error::{CallError, Outcome};
use crate::ffi::status::saltyrtc_status;
use crate::sync::{lock, unpoisoned};

#[derive(Debug, Default)]
pub(in crate::ffi) struct Pull {
    wakeups: Mutex<Wakeups>,
    woken: Condvar,
}

/// How those who wait for events learn that there are some, or never will be.
#[derive(Debug, Default)]
struct Wakeups {
    /// The client was freed: threads that still wait have to return.
    freed: bool,
    #[cfg(unix)]
    signal: Option<Signal>,
}

impl Pull {
    fn lock(&self) -> MutexGuard<'_, Wakeups> {
        lock(&self.wakeups)
    }

    /// Wakes those who wait.
    pub(in crate::ffi) fn wake(&self, client: &Client) {
        let mut wakeups = self.lock();
        wakeups.update_signal(client);
        self.woken.notify_all();
    }

    pub(in crate::ffi) fn free(&self) {
        let mut wakeups = self.lock();
        wakeups.freed = true;
        // At once, and not only when the last waiting thread has left.
        #[cfg(unix)]
        drop(wakeups.signal.take());
        self.woken.notify_all();
    }

    /// The next event. Waits at most `timeout`; for ever without one.
    pub(in crate::ffi) fn next(
        &self,
        client: &Client,
        timeout: Option<Duration>,
    ) -> Outcome<Event> {
        // A time-out beyond what the clock can express has no end.
        let deadline = timeout.map(|timeout| Instant::now().checked_add(timeout));
        let deadline = deadline.flatten();
        let mut wakeups = self.lock();
        loop {
            if wakeups.freed || client.ended() {
                return Err(CallError::new(
                    saltyrtc_status::NoMoreEvents,
                    "the connection has ended and its last event was taken",
                ));
            }
            if let Some(event) = client.try_next_event() {
                wakeups.update_signal(client);
                if client.ended() {
                    // Other threads that wait have to stop waiting.
                    self.woken.notify_all();
                } else if client.has_events() {
                    // Taking an event can make room for others, which woke nobody.
                    self.woken.notify_one();
                }
                return Ok(event);
            }
            wakeups = match deadline {
                None => unpoisoned(self.woken.wait(wakeups)),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        let text = "no event in the time given";
                        return Err(CallError::new(saltyrtc_status::Timeout, text));
                    }
                    let waited = self.woken.wait_timeout(wakeups, left);
                    unpoisoned(waited).0
                }
            };
        }
    }
}

#[cfg(not(unix))]
impl Wakeups {
    fn update_signal(&mut self, _client: &Client) {}
}

#[cfg(unix)]
use unix::Signal;

#[cfg(unix)]
mod unix {
    use std::io::{self, Read, Write};
    use std::os::fd::{AsRawFd, RawFd};
    use std::os::unix::net::UnixStream;

    use super::{CallError, Client, Outcome, Pull, Wakeups, saltyrtc_status};

    /// A descriptor that is readable exactly while there are events: then there is one byte in it.
    #[derive(Debug)]
    pub(in crate::ffi) struct Signal {
        reader: UnixStream,
        writer: UnixStream,
        set: bool,
    }

    impl Signal {
        fn new() -> io::Result<Self> {
            let (reader, writer) = UnixStream::pair()?;
            reader.set_nonblocking(true)?;
            writer.set_nonblocking(true)?;
            Ok(Self { reader, writer, set: false })
        }

        fn update(&mut self, set: bool) {
            // One byte always fits and is always there to be taken, so neither blocks or fails.
            let done = match (self.set, set) {
                (false, true) => self.writer.write(&[0]),
                (true, false) => self.reader.read(&mut [0]),
                _ => return,
            };
            match done {
                Ok(_) => self.set = set,
                Err(error) => tracing::error!(%error, "the event descriptor was tampered with"),
            }
        }
    }

    impl Wakeups {
        pub(in crate::ffi) fn update_signal(&mut self, client: &Client) {
            if let Some(signal) = &mut self.signal {
                signal.update(client.has_events());
            }
        }
    }

    impl Pull {
        /// The descriptor, which is made when it is first asked for.
        pub(in crate::ffi) fn descriptor(&self, client: &Client) -> Outcome<RawFd> {
            let mut wakeups = self.lock();
            if wakeups.signal.is_none() {
                let signal = Signal::new().map_err(|error| {
                    let text = format!(
                        "the operating system gives no file descriptor for events: {error}"
                    );
                    CallError::new(saltyrtc_status::OutOfResources, text)
                })?;
                wakeups.signal = Some(signal);
            }
            wakeups.update_signal(client);
            Ok(wakeups.signal.as_ref().map_or(-1, |signal| signal.reader.as_raw_fd()))
        }
    }
}

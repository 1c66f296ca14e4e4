//! How a server stops, and who hears of it.

use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::saltyrtc_server;
use crate::ffi::event::Posted;
use crate::ffi::queue::Queue;
use crate::ffi::status::saltyrtc_status;
use crate::server::Server;
use crate::sync::{lock, unpoisoned};

/// Whether a server runs.
#[derive(Debug)]
pub(super) enum Life {
    Running(Server),
    Stopping(Arc<Ended>),
}

impl saltyrtc_server {
    /// Begins to stop the server, unless that was done already.
    pub(super) fn stop(&self) -> Arc<Ended> {
        let mut life = lock(&self.server);
        if let Life::Stopping(ended) = &*life {
            return ended.clone();
        }
        let ended = Arc::new(Ended::default());
        if let Life::Running(server) = mem::replace(&mut *life, Life::Stopping(ended.clone())) {
            let end = SetEnded(ended.clone());
            crate::runtime::handle().spawn(async move {
                let _end = end;
                server.shutdown().await;
            });
        }
        ended
    }
}

/// Whether something has ended. (The channels of the standard library would do, but leave memory behind
/// in the thread that waits, if it was not started by Rust.)
#[derive(Debug, Default)]
pub(super) struct Ended {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    ended: bool,
    announcements: Vec<Arc<Announcement>>,
}

impl fmt::Debug for Announcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Announcement").field("token", &self.token).finish_non_exhaustive()
    }
}

impl Ended {
    pub(super) fn wait(&self, timeout: Duration) -> bool {
        let state = lock(&self.state);
        let waited = self.changed.wait_timeout_while(state, timeout, |state| !state.ended);
        unpoisoned(waited).0.ended
    }
}

/// Says so when it is dropped, which also happens when the runtime is shut down meanwhile.
struct SetEnded(Arc<Ended>);

impl Drop for SetEnded {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.ended = true;
        let announcements = mem::take(&mut state.announcements);
        drop(state);
        self.0.changed.notify_all();
        for announcement in announcements {
            announcement.make(saltyrtc_status::Ok);
        }
    }
}

/// An event that is promised to a queue.
struct Announcement {
    queue: Arc<Queue>,
    token: u64,
    made: AtomicBool,
}

impl Announcement {
    /// Only the first one counts.
    fn make(&self, status: saltyrtc_status) {
        if !self.made.swap(true, Ordering::Relaxed) {
            self.queue.post(self.token, Posted::ServerStopped { status });
        }
    }
}

/// Tells a queue when something has ended, or that it has not in time.
pub(super) fn announce(ended: &Ended, queue: Arc<Queue>, token: u64, deadline: Duration) {
    let announcement = Arc::new(Announcement { queue, token, made: AtomicBool::new(false) });
    let mut state = lock(&ended.state);
    if state.ended {
        drop(state);
        return announcement.make(saltyrtc_status::Ok);
    }
    let waiting = Arc::downgrade(&announcement);
    state.announcements.push(announcement);
    drop(state);
    crate::runtime::handle().spawn(async move {
        tokio::time::sleep(deadline).await;
        if let Some(announcement) = waiting.upgrade() {
            announcement.make(saltyrtc_status::Timeout);
        }
    });
}

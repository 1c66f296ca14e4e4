//! The thread that calls the callbacks of all clients, one after another.
//!
//! A client that has events is put in line. The thread takes one client after another and lets it
//! deliver a few events. Events stay in the client until they are delivered.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::ffi::client::saltyrtc_client;
use crate::ffi::error::silent_entry;
use crate::ffi::fork;
use crate::runtime::without_signals;
use crate::sync::{lock, unpoisoned};

/// The name of the thread. Documented in the header.
const NAME: &str = "saltyrtc-events";

struct Line {
    clients: VecDeque<Arc<saltyrtc_client>>,
    /// The thread, as long as nobody has joined it.
    thread: Option<JoinHandle<()>>,
    /// Whether the thread runs: it will look into the line again.
    running: bool,
    /// Whether the thread is to end when the line is empty.
    stopping: bool,
}

/// Whether there is the thread, for those who cannot lock.
static RUNS: AtomicBool = AtomicBool::new(false);
static LINE: Mutex<Line> =
    Mutex::new(Line { clients: VecDeque::new(), thread: None, running: false, stopping: false });
/// For the thread: there is something to do.
static WORK: Condvar = Condvar::new();
/// From the thread: it has ended.
static ENDED: Condvar = Condvar::new();

thread_local! {
    static IS_EVENT_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// Whether the code that asks runs in a callback of a client.
pub(in crate::ffi) fn on_event_thread() -> bool {
    IS_EVENT_THREAD.get()
}

/// Whether the thread runs. Takes no lock.
#[cfg(unix)]
pub(in crate::ffi) fn runs() -> bool {
    RUNS.load(Ordering::Relaxed)
}

fn line() -> MutexGuard<'static, Line> {
    lock(&LINE)
}

/// Makes sure that there is a thread.
pub(in crate::ffi) fn start() -> io::Result<()> {
    line().start()
}

impl Line {
    fn start(&mut self) -> io::Result<()> {
        if !self.running {
            let thread = without_signals(|| thread::Builder::new().name(NAME.into()).spawn(run))?;
            // Dropping the handle of a thread that has ended detaches it.
            self.thread = Some(thread);
            self.running = true;
            RUNS.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Puts a client at the end of the line.
pub(in crate::ffi) fn schedule(client: Arc<saltyrtc_client>) {
    let mut line = line();
    line.clients.push_back(client);
    // The thread may have been stopped since the client was made.
    if let Err(error) = line.start() {
        tracing::error!(%error, "no thread for the callbacks: events wait");
    }
    WORK.notify_one();
}

/// Lets the thread deliver what is there, and ends it. False if it was not done at `deadline`: then it
/// ends when the callback that it is in has returned.
pub(in crate::ffi) fn stop(deadline: Instant) -> bool {
    let mut line = line();
    while line.running {
        line.stopping = true;
        WORK.notify_one();
        let Some(left) = deadline.checked_duration_since(Instant::now()) else { return false };
        line = unpoisoned(ENDED.wait_timeout(line, left)).0;
    }
    let thread = line.thread.take();
    // Also frees the memory of the empty line.
    line.clients = VecDeque::new();
    drop(line);
    if let Some(thread) = thread {
        // It is about to end. Panics were caught in it.
        let _ = thread.join();
    }
    true
}

fn run() {
    IS_EVENT_THREAD.set(true);
    while let Some(client) = next() {
        silent_entry(|| client.deliver());
        if fork::forked() {
            // The thread of the child, which has come back from the callback that forked.
            return std::mem::forget(client);
        }
        silent_entry(|| drop(client));
    }
}

/// Waits for the next client. None if the thread is to end.
fn next() -> Option<Arc<saltyrtc_client>> {
    let mut line = line();
    loop {
        if let Some(client) = line.clients.pop_front() {
            return Some(client);
        }
        if line.stopping {
            line.running = false;
            line.stopping = false;
            RUNS.store(false, Ordering::Relaxed);
            ENDED.notify_all();
            return None;
        }
        line = unpoisoned(WORK.wait(line));
    }
}

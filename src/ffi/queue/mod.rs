//! Event queues: the events of many clients, for one thread or one event loop.

mod array;
mod basket;
mod line;
mod log;
mod member;
mod record;
#[cfg(unix)]
mod signal;

use std::ptr;
use std::sync::Arc;
use std::time::Duration;

pub(super) use self::basket::Basket;
pub(super) use self::line::Queue;
pub(super) use self::member::Member;
use self::record::Packer;
use super::args::{self, handle};
use super::client::dispatch;
use super::error::{CallError, Outcome, entry, owner_entry, saltyrtc_error};
use super::event::{Fields, OwnedEvent, saltyrtc_event};
use super::log as logging;
use super::status::saltyrtc_status;

/// A queue of events, which many clients can have in common (saltyrtc_client_new_on_queue): one thread, or
/// one file descriptor in an event loop, is enough for all of them.
///
/// A queue is fair: while several clients have events, each gets its turns, in which 64 of its events are
/// taken at most. Events of one client come in order. They wait in the client until they are taken, and
/// while too many wait there, this client reads nothing more from the network; others are not affected.
pub struct saltyrtc_queue {
    queue: Arc<Queue>,
}

/// The queue behind a handle, which stays while the call lasts even if another thread frees the handle.
pub(super) unsafe fn queue(queue: *const saltyrtc_queue) -> Outcome<Arc<Queue>> {
    Ok(handle(queue, "queue")?.queue.clone())
}

/// How long to wait: `None` for ever.
pub(super) fn patience(timeout_ms: i64) -> Outcome<Option<Duration>> {
    if timeout_ms != 0 && dispatch::on_event_thread() {
        let text = "a callback must not wait for events: call it with a time-out of 0";
        return Err(CallError::new(saltyrtc_status::WouldDeadlock, text));
    }
    Ok(u64::try_from(timeout_ms).ok().map(Duration::from_millis))
}

/// Creates an event queue. It has to be freed with saltyrtc_queue_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_queue_new(
    out: *mut *mut saltyrtc_queue,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let out = args::out(out, ptr::null_mut());
    entry(error, || {
        let out = out.required("out")?;
        out.set(Box::into_raw(Box::new(saltyrtc_queue { queue: Queue::new() })));
        Ok(())
    })
}

/// Frees a queue. Does nothing if it is NULL.
///
/// The clients that are still on it are closed (saltyrtc_client_close), and there are no more events of
/// them; they can be used until they are freed, and have to be. A thread that is blocked in
/// saltyrtc_queue_next_events or saltyrtc_queue_read returns with SALTYRTC_STATUS_NO_MORE_EVENTS; but no
/// thread may call a function for the queue any more. The descriptor of saltyrtc_queue_fd is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_queue_free(queue: *mut saltyrtc_queue) {
    if !queue.is_null() {
        owner_entry(|| {
            let queue = Box::from_raw(queue).queue;
            logging::forget_queue(&queue);
            queue.free();
        });
    }
}

/// Takes the next events of all clients on the queue: as many as there are, and `capacity` at most, which
/// has to be at least 1. `events` is an array of so many pointers, of which the first `*count` are set.
/// Each event has to be freed with saltyrtc_event_free, or all with saltyrtc_events_free.
///
/// If there is no event, it blocks until there is one, for `timeout_ms` milliseconds at most: 0 does not
/// block, and a negative number blocks without a limit. If several threads wait, each event goes to one
/// of them.
///
/// Returns with `*count` 0 if it was woken (saltyrtc_queue_wake). Fails with SALTYRTC_STATUS_TIMEOUT if
/// there was no event; and with SALTYRTC_STATUS_WOULD_DEADLOCK if it is called from a callback, of any
/// client, and `timeout_ms` is not 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_queue_next_events(
    queue: *mut saltyrtc_queue,
    timeout_ms: i64,
    events: *mut *mut saltyrtc_event,
    capacity: usize,
    count: *mut usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let count = args::out(count, 0);
    entry(error, || {
        let count = count.required("count")?;
        let queue = self::queue(queue)?;
        if capacity == 0 {
            return Err(CallError::argument("capacity", "must be at least 1"));
        }
        if events.is_null() {
            return Err(CallError::null("events"));
        }
        let mut basket = Basket::for_events(capacity);
        queue.take(&mut basket, patience(timeout_ms)?)?;
        count.set(basket.len());
        for (i, taken) in basket.into_taken().enumerate() {
            events.add(i).write(OwnedEvent::new(taken.token, taken.content).into_raw());
        }
        Ok(())
    })
}

/// Takes the next events of all clients on the queue, like saltyrtc_queue_next_events, and puts them into
/// a buffer of `capacity` bytes: as many as there are and fit. It is for languages in which it is dear to
/// follow pointers; C programs do not need it.
///
/// The buffer begins with an array of `*count` saltyrtc_record. Their texts and bytes are behind them in
/// the buffer. To look at the records where they are, align the buffer like a uint64_t.
///
/// If the first event does not fit, it fails with SALTYRTC_STATUS_BUFFER_TOO_SMALL, and `needed` (may be
/// NULL) is set to a capacity that is enough for it. The event is not lost: it waits, and is the next one. If
/// the buffer is NULL, it has 0 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_queue_read(
    queue: *mut saltyrtc_queue,
    timeout_ms: i64,
    buffer: *mut u8,
    capacity: usize,
    count: *mut usize,
    needed: *mut usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let (count, needed) = (args::out(count, 0), args::out(needed, 0));
    entry(error, || {
        let count = count.required("count")?;
        let queue = self::queue(queue)?;
        let capacity = if buffer.is_null() { 0 } else { capacity };
        let mut basket = Basket::for_bytes(capacity);
        queue.take(&mut basket, patience(timeout_ms)?)?;
        if let Some(enough) = basket.needed() {
            needed.set(enough);
            let text = format!(
                "the buffer has {capacity} bytes and the next event needs {enough}: call it again with a \
                 larger one"
            );
            return Err(CallError::new(saltyrtc_status::BufferTooSmall, text));
        }
        let mut packer = Packer::new(buffer, capacity);
        count.set(basket.len());
        for taken in basket.into_taken() {
            packer.pack(Fields::of(taken.token, &taken.content).get());
        }
        Ok(())
    })
}

/// Has the log messages of the library put onto the queue, as events of the kind LOG with the token 0: an
/// alternative to saltyrtc_log_set_callback, whose callback comes on any thread. It replaces what was set
/// for this queue before.
///
/// `level` is one of saltyrtc_log_level: only messages of this level, and of the more important levels
/// with lower numbers, are put there; SALTYRTC_LOG_LEVEL_OFF for none. `capacity`, which has to be at least
/// 1, is how many of them wait at most: while so many do, others are dropped, and the next one that is not
/// says how many. Messages never contain secrets or application data.
///
/// Fails with SALTYRTC_STATUS_LOG_TAKEN if the program is written in Rust and has set a tracing
/// subscriber itself, which receives the messages then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_queue_set_log(
    queue: *mut saltyrtc_queue,
    level: i32,
    capacity: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let queue = self::queue(queue)?;
        let level = args::enumeration(level, "level")?;
        if capacity == 0 {
            return Err(CallError::argument("capacity", "must be at least 1"));
        }
        logging::set_queue(&queue, level)?;
        queue.set_log_capacity(capacity);
        Ok(())
    })
}

/// Makes one call of saltyrtc_queue_next_events or saltyrtc_queue_read return without an event: one that
/// is blocked, or else the next one. Call it as often as there are threads to be woken.
///
/// It can be called from any thread, and from callbacks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_queue_wake(
    queue: *mut saltyrtc_queue,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        self::queue(queue)?.wake();
        Ok(())
    })
}

/// A file descriptor for poll, select and event loops: it is readable exactly while
/// saltyrtc_queue_next_events and saltyrtc_queue_read would not block. Do not read from it, write to it,
/// or close it; saltyrtc_queue_free closes it. Unix only: elsewhere it fails with
/// SALTYRTC_STATUS_NOT_BUILT.
#[cfg(unix)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_queue_fd(
    queue: *mut saltyrtc_queue,
    fd: *mut std::ffi::c_int,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let fd = args::out(fd, -1);
    entry(error, || {
        let fd = fd.required("fd")?;
        fd.set(self::queue(queue)?.descriptor()?);
        Ok(())
    })
}

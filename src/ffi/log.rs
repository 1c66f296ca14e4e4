//! Log messages: a receiver for what the library logs with `tracing`.

use std::cell::Cell;
use std::ffi::{c_char, c_void};
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, RwLock, Weak};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

use super::args;
use super::error::{CallError, c_text, entry, saltyrtc_error};
use super::event::{Posted, saltyrtc_log_level};
use super::queue::Queue;
use super::status::saltyrtc_status;
use super::user_data::{UserData, saltyrtc_user_data_free};
use crate::sync::{lock, unpoisoned};

/// Receives log messages. `level` is one of saltyrtc_log_level, and `target` is the part of the library
/// that logs. The texts are valid until the callback returns.
///
/// It is called on the thread that logs, which can be any thread, and on several threads at once. The
/// library may hold locks at that time: functions that are called from a log callback fail with
/// SALTYRTC_STATUS_WOULD_DEADLOCK, and nothing of the library may be freed there. A log callback must
/// not throw exceptions.
pub type saltyrtc_log_callback = Option<
    unsafe extern "C" fn(
        level: i32,
        target: *const c_char,
        message: *const c_char,
        user_data: *mut c_void,
    ),
>;

struct Receiver {
    level: saltyrtc_log_level,
    callback: unsafe extern "C" fn(i32, *const c_char, *const c_char, *mut c_void),
    user_data: UserData,
}

/// All who receive log messages.
#[derive(Clone)]
struct Receivers {
    callback: Option<Arc<Receiver>>,
    queues: Vec<(saltyrtc_log_level, Weak<Queue>)>,
}

impl Receivers {
    const NONE: Self = Self { callback: None, queues: Vec::new() };

    /// The least important level that anybody wants.
    fn level(&self) -> saltyrtc_log_level {
        let callback = self.callback.iter().map(|receiver| receiver.level);
        let queues = self.queues.iter().map(|(level, _)| *level);
        callback.chain(queues).max().unwrap_or(saltyrtc_log_level::Off)
    }

    fn remove(&mut self, queue: &Arc<Queue>) {
        self.queues.retain(|(_, other)| other.as_ptr() != Arc::as_ptr(queue));
    }
}

/// Replaced as a whole, so that whoever logs holds no lock.
static RECEIVERS: RwLock<Option<Arc<Receivers>>> = RwLock::new(None);
/// Whether the subscriber was installed, which can be done once in a process.
static INSTALLED: Mutex<bool> = Mutex::new(false);

thread_local! {
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// Whether the code that asks runs in a log callback.
pub(super) fn in_callback() -> bool {
    IN_CALLBACK.try_with(Cell::get).unwrap_or(false)
}

/// Sets the callback that receives the log messages of the library, for the whole process; NULL for
/// none. It replaces the previous one.
///
/// `level` is one of saltyrtc_log_level: only messages of this level, and of the more important levels
/// with lower numbers, are passed to the callback. Messages never contain secrets or application data.
/// `user_data` (may be NULL) is passed to the callback. `user_data_free` (may be NULL) is called with
/// it exactly once: when the callback was replaced and its last call has returned, which may be after
/// the call that replaces it returns, or before this function returns if it fails.
///
/// Fails with SALTYRTC_STATUS_LOG_TAKEN if the program is written in Rust and has set a tracing
/// subscriber itself, which receives the messages then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_log_set_callback(
    level: i32,
    callback: saltyrtc_log_callback,
    user_data: *mut c_void,
    user_data_free: saltyrtc_user_data_free,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let user_data = UserData::new(user_data, user_data_free);
    entry(error, || {
        let level = args::enumeration(level, "level")?;
        let receiver = match callback {
            None => None,
            Some(callback) => {
                install()?;
                Some(Arc::new(Receiver { level, callback, user_data }))
            }
        };
        change(|receivers| receivers.callback = receiver);
        Ok(())
    })
}

/// Has log messages posted onto a queue.
pub(super) fn set_queue(queue: &Arc<Queue>, level: saltyrtc_log_level) -> Result<(), CallError> {
    if level == saltyrtc_log_level::Off {
        forget_queue(queue);
        return Ok(());
    }
    install()?;
    change(|receivers| {
        receivers.remove(queue);
        receivers.queues.push((level, Arc::downgrade(queue)));
    });
    Ok(())
}

/// Posts no more onto a queue, or is about to post the last.
pub(super) fn forget_queue(queue: &Arc<Queue>) {
    change(|receivers| receivers.remove(queue));
}

fn change(change: impl FnOnce(&mut Receivers)) {
    let previous = {
        let mut current = unpoisoned(RECEIVERS.write());
        let mut receivers = current.as_deref().cloned().unwrap_or(Receivers::NONE);
        change(&mut receivers);
        let is_some = receivers.level() != saltyrtc_log_level::Off;
        std::mem::replace(&mut *current, is_some.then(|| Arc::new(receivers)))
    };
    // Freeing the user data of a callback calls the program, so the lock may not be held.
    drop(previous);
}

fn install() -> Result<(), CallError> {
    let mut installed = lock(&INSTALLED);
    if !*installed {
        tracing::subscriber::set_global_default(ToReceivers).map_err(|_| {
            CallError::new(
                saltyrtc_status::LogTaken,
                "this process has a tracing subscriber already, which gets the log messages",
            )
        })?;
        *installed = true;
    }
    Ok(())
}

/// The `tracing` subscriber. Spans are not used.
struct ToReceivers;

impl ToReceivers {
    /// Those who receive messages, if there are any who want this one.
    fn receivers(metadata: &Metadata<'_>) -> Option<Arc<Receivers>> {
        let receivers = unpoisoned(RECEIVERS.read()).clone()?;
        (level_of(metadata) <= receivers.level()).then_some(receivers)
    }

    /// Other libraries may log what nobody has looked at for secrets.
    fn is_ours(metadata: &Metadata<'_>) -> bool {
        let rest = metadata.target().strip_prefix("saltyrtc");
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    }
}

fn level_of(metadata: &Metadata<'_>) -> saltyrtc_log_level {
    match *metadata.level() {
        Level::ERROR => saltyrtc_log_level::Error,
        Level::WARN => saltyrtc_log_level::Warn,
        Level::INFO => saltyrtc_log_level::Info,
        Level::DEBUG => saltyrtc_log_level::Debug,
        Level::TRACE => saltyrtc_log_level::Trace,
    }
}

impl Subscriber for ToReceivers {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // `enabled` is asked for each message, because the level can change.
        if Self::is_ours(metadata) { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && Self::is_ours(metadata) && Self::receivers(metadata).is_some()
    }

    fn event(&self, event: &Event<'_>) {
        let Some(receivers) = Self::receivers(event.metadata()) else { return };
        if in_callback() {
            return;
        }
        let mut message = Message::default();
        event.record(&mut message);
        let (level, target) = (level_of(event.metadata()), event.metadata().target());
        let text = message.finish();
        for (_, queue) in receivers.queues.iter().filter(|(wanted, _)| level <= *wanted) {
            // Dropping the last count of a queue is harmless, whatever lock is held: it was freed, and is empty.
            if let Some(queue) = queue.upgrade() {
                queue.post(0, Posted::Log { level, target, text: text.clone(), dropped: 0 });
            }
        }
        IN_CALLBACK.set(true);
        if let Some(receiver) = receivers.callback.as_ref().filter(|it| level <= it.level) {
            let (target, text) = (c_text(target), c_text(&text));
            let user_data = receiver.user_data.pointer;
            // SAFETY: the program that gave us the callback vouches for it.
            unsafe {
                (receiver.callback)(level as i32, target.as_ptr(), text.as_ptr(), user_data);
            }
        }
        // This may be the last call of a callback that was replaced. What frees its user data must not
        // come back into the library either.
        drop(receivers);
        IN_CALLBACK.set(false);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// A message as text: `message name=value name=value`.
#[derive(Default)]
struct Message {
    message: String,
    fields: String,
}

impl Message {
    fn finish(self) -> String {
        self.message + &self.fields
    }
}

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail.
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
    }
}

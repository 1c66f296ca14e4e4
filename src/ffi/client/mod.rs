//! The client: creating it, its events, and its end.

pub(super) mod config;
pub(super) mod dispatch;
mod send;
mod session;

use std::ffi::c_void;
use std::fmt;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, Weak};

use self::config::saltyrtc_config;
use crate::client::{Client, Event, Listener};
use crate::ffi::args::{self, Out, handle};
use crate::ffi::error::{CallError, Outcome, entry, owner_entry, saltyrtc_error};
use crate::ffi::event::{OwnedEvent, saltyrtc_event};
use crate::ffi::fork;
use crate::ffi::queue::{self, Basket, Member, Queue, saltyrtc_queue};
use crate::ffi::status::saltyrtc_status;
use crate::ffi::user_data::{UserData, saltyrtc_user_data_free};
use crate::ffi::webrtc::Transport;
use crate::sync::{lock, unpoisoned};

/// A connection to a server and, through it, to a peer. Its functions can be called from any thread at
/// any time until saltyrtc_client_free is called, and not after that.
pub struct saltyrtc_client {
    /// Set right after the client was made.
    client: OnceLock<Client>,
    events: Events,
    user_data: Mutex<Option<UserData>>,
    /// The data channel that the signalling was handed over to, if the program gave us functions for
    /// it.
    transport: Mutex<Option<(Option<Transport>, UserData)>>,
}

/// Receives the events of a client. The callbacks of all clients are called one after another, on one
/// thread of the library named "saltyrtc-events", with no lock held.
///
/// A callback can call every function of the library, for any client, except that functions that would
/// block fail with SALTYRTC_STATUS_WOULD_DEADLOCK. A callback should return quickly, because all others
/// wait for it, and must not throw exceptions. The event is valid until the callback returns.
pub type saltyrtc_event_callback = Option<
    unsafe extern "C" fn(
        client: *mut saltyrtc_client,
        event: *const saltyrtc_event,
        user_data: *mut c_void,
    ),
>;

type Callback = unsafe extern "C" fn(*mut saltyrtc_client, *const saltyrtc_event, *mut c_void);

enum Events {
    /// They go to a callback.
    Push(Push),
    /// They are taken with saltyrtc_client_next_event, from a queue of the client's own.
    Pull(Arc<Member>),
    /// They go to a queue of the program's.
    Queue(Arc<Member>),
}

/// How events get to a callback.
struct Push {
    callback: Callback,
    /// Whether the client is in the line of the event thread.
    in_line: AtomicBool,
    delivery: Mutex<Delivery>,
    /// The event thread is done with the client for now.
    returned: Condvar,
}

#[derive(Default)]
struct Delivery {
    /// The event thread delivers events of the client.
    running: bool,
    /// No callback may be called any more.
    freed: bool,
    /// It was freed by its own callback, so the user data is freed when that has returned.
    freed_by_callback: bool,
}

impl fmt::Debug for saltyrtc_client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("saltyrtc_client(…)")
    }
}

/// After so many events of one client it is the turn of the next client.
const EVENTS_PER_TURN: usize = 64;

impl saltyrtc_client {
    fn new(client: OnceLock<Client>, events: Events, user_data: UserData) -> Arc<Self> {
        Arc::new(Self {
            client,
            events,
            user_data: Mutex::new(Some(user_data)),
            transport: Mutex::new(None),
        })
    }

    /// Makes a client without a callback. Sets `out` before events can be taken.
    fn on_queue(
        config: &saltyrtc_config,
        queue: Arc<Queue>,
        token: u64,
        events: fn(Arc<Member>) -> Events,
        user_data: UserData,
        out: &Out<*mut Self>,
    ) -> Outcome {
        let config = config.build()?;
        let connect = |listener| Client::connect_with(config, listener);
        let made = |member, client: &Client| {
            let client = Self::new(client.clone().into(), events(member), user_data);
            out.set(Arc::into_raw(client).cast_mut());
        };
        Ok(Member::connect(queue, token, connect, made)?)
    }

    fn with_callback(
        config: &saltyrtc_config,
        callback: Callback,
        user_data: UserData,
        out: &Out<*mut Self>,
    ) -> Outcome {
        let config = config.build()?;
        dispatch::start().map_err(|error| {
            let text = format!("the operating system gives no thread for the callbacks: {error}");
            CallError::new(saltyrtc_status::OutOfResources, text)
        })?;
        let push = Push {
            callback,
            in_line: AtomicBool::new(false),
            delivery: Mutex::default(),
            returned: Condvar::new(),
        };
        let shared = Self::new(OnceLock::new(), Events::Push(push), user_data);
        let client = Client::connect_with(config, Box::new(ToCallback(Arc::downgrade(&shared))))?;
        out.set(Arc::into_raw(shared.clone()).cast_mut());
        // Only now can events be delivered.
        shared.client.get_or_init(|| client);
        shared.events_added();
        Ok(())
    }

    /// The connection.
    pub(super) fn get(&self) -> Outcome<&Client> {
        self.client.get().ok_or_else(|| CallError::argument("client", "not a client"))
    }

    /// There are events for the callback. Called by any thread, with no lock held.
    fn events_added(self: Arc<Self>) {
        // A client that is still being created has no handle that the callback could be called with.
        if let (Events::Push(push), Some(_)) = (&self.events, self.client.get())
            && !push.in_line.swap(true, Ordering::AcqRel)
        {
            dispatch::schedule(self);
        }
    }

    /// Calls the callback with what there is. On the event thread only.
    pub(super) fn deliver(self: &Arc<Self>) {
        let (Events::Push(push), Some(client)) = (&self.events, self.client.get()) else { return };
        // From here on, new events put the client in line again.
        push.in_line.store(false, Ordering::Release);
        // Once for all events of this turn: freeing the client waits until it is over.
        let Some(running) = push.begin() else { return };
        let handle = Arc::as_ptr(self).cast_mut();
        let user_data = self.lock_user_data().as_ref().map(|it| it.pointer);
        let user_data = user_data.unwrap_or(ptr::null_mut());
        for _ in 0..EVENTS_PER_TURN {
            let Some(event) = client.try_next_event() else { return };
            let transport = match &event {
                Event::SignallingChannel(_) => self.transport(),
                _ => None,
            };
            match (&event, transport) {
                // SAFETY: the program that gave us the functions vouches for them.
                (Event::SignallingChannel(transmit), Some(transport)) => unsafe {
                    transport.transmit(handle, transmit);
                },
                _ => {
                    let event = OwnedEvent::new(0, event);
                    // SAFETY: the program that gave us the callback vouches for it.
                    unsafe { (push.callback)(handle, event.as_ptr(), user_data) }
                }
            }
            let (freed, by_callback) = {
                let delivery = push.lock();
                (delivery.freed, delivery.freed_by_callback)
            };
            if fork::forked() {
                // The callback has forked: what comes after it is for the thread in the parent.
                return;
            }
            if by_callback {
                drop(running);
                self.free_user_data();
                return;
            }
            if freed {
                return;
            }
        }
        drop(running);
        self.clone().events_added();
    }

    fn lock_user_data(&self) -> MutexGuard<'_, Option<UserData>> {
        lock(&self.user_data)
    }

    /// Does nothing the second time.
    fn free_user_data(&self) {
        let user_data = self.lock_user_data().take();
        let transport = self.lock_transport().take();
        // Freeing calls the program, so no lock may be held.
        drop((user_data, transport));
    }

    /// Whether the events go to a callback.
    pub(super) fn has_callback(&self) -> bool {
        matches!(self.events, Events::Push(_))
    }

    /// Hands the signalling over to a data channel. Without a transport there are events for it.
    pub(super) fn hand_over(
        &self,
        max_message_size: usize,
        transport: Option<Transport>,
        user_data: UserData,
    ) -> Outcome {
        let client = self.get()?;
        // Set before there can be an event for it. The lock also serialises two handovers.
        let mut current = self.lock_transport();
        let previous = current.replace((transport, user_data));
        let result = client.hand_over(max_message_size);
        let unused = match result {
            Ok(()) => previous,
            Err(_) => std::mem::replace(&mut *current, previous),
        };
        drop(current);
        drop(unused);
        Ok(result?)
    }

    fn transport(&self) -> Option<Transport> {
        self.lock_transport().as_ref().and_then(|(transport, _)| *transport)
    }

    fn lock_transport(&self) -> MutexGuard<'_, Option<(Option<Transport>, UserData)>> {
        lock(&self.transport)
    }

    fn free(&self) {
        // Before closing, so that there are no events about it.
        match &self.events {
            Events::Push(push) => push.lock().freed = true,
            Events::Pull(member) => {
                member.leave();
                member.queue().free();
            }
            Events::Queue(member) => member.leave(),
        }
        if let Some(client) = self.client.get() {
            client.close();
        }
        if let Events::Push(push) = &self.events {
            let mut delivery = push.lock();
            if delivery.running && dispatch::on_event_thread() {
                delivery.freed_by_callback = true;
                return;
            }
            while delivery.running {
                delivery = unpoisoned(push.returned.wait(delivery));
            }
        }
        self.free_user_data();
    }
}

/// Has the callback of a client called when there are events.
struct ToCallback(Weak<saltyrtc_client>);

impl Listener for ToCallback {
    // Not earlier: if the client is freed meanwhile, this is the last to hold it, and closes it.
    fn wake(&self) {
        if let Some(client) = self.0.upgrade() {
            client.events_added();
        }
    }
}

impl Push {
    fn lock(&self) -> MutexGuard<'_, Delivery> {
        lock(&self.delivery)
    }

    /// None if the client was freed.
    fn begin(&self) -> Option<Running<'_>> {
        let mut delivery = self.lock();
        if delivery.freed {
            return None;
        }
        delivery.running = true;
        Some(Running(self))
    }
}

/// As long as this is there, freeing the client waits.
struct Running<'a>(&'a Push);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.lock().running = false;
        self.0.returned.notify_all();
    }
}

/// Creates a client, which starts to connect to the server at once. Everything else is reported by
/// events, the last of which is CLOSED.
///
/// Events are passed to the callback; `*out` is set before it is called for the first time. If the
/// callback is NULL, take the events with saltyrtc_client_next_event. Either way, events wait until
/// they are delivered, and while too many wait, the client reads nothing more from the network.
///
/// `user_data` (may be NULL) is passed to the callback. `user_data_free` (may be NULL) is called with
/// it exactly once: when the client was freed and its last callback has returned, or before this
/// function returns if it fails.
///
/// `*out` has to be freed with saltyrtc_client_free. Fails with SALTYRTC_STATUS_BAD_CONFIG if the
/// settings contradict each other.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_new(
    config: *const saltyrtc_config,
    callback: saltyrtc_event_callback,
    user_data: *mut c_void,
    user_data_free: saltyrtc_user_data_free,
    out: *mut *mut saltyrtc_client,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let user_data = UserData::new(user_data, user_data_free);
    let out = args::out(out, ptr::null_mut());
    entry(error, || {
        let out = out.required("out")?;
        let config = handle(config, "config")?;
        match callback {
            Some(callback) => saltyrtc_client::with_callback(config, callback, user_data, &out),
            None => {
                let queue = Queue::of_one_client();
                saltyrtc_client::on_queue(config, queue, 0, Events::Pull, user_data, &out)
            }
        }
    })
}

/// Creates a client like saltyrtc_client_new does, whose events go to a queue: take them with
/// saltyrtc_queue_next_events or saltyrtc_queue_read. Each has the `token` in it, a number of the
/// program's choice that says which client it is of.
///
/// `*out` is set before an event of the client can be taken, by another thread too, and has to be freed
/// with saltyrtc_client_free. Fails with SALTYRTC_STATUS_BAD_CONFIG if the settings contradict each other.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_new_on_queue(
    config: *const saltyrtc_config,
    queue: *mut saltyrtc_queue,
    token: u64,
    out: *mut *mut saltyrtc_client,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let out = args::out(out, ptr::null_mut());
    entry(error, || {
        let out = out.required("out")?;
        let (config, queue) = (handle(config, "config")?, queue::queue(queue)?);
        let none = UserData::new(ptr::null_mut(), None);
        saltyrtc_client::on_queue(config, queue, token, Events::Queue, none, &out)
    })
}

/// Frees a client. Its connection is closed in the background, like saltyrtc_client_close does, but
/// there are no more events. Does nothing if the client is NULL.
///
/// On a queue, no event of the client is taken any more once this function has returned, and those that
/// wait are gone: whatever other threads do with the queue meanwhile, and whatever waits, a client can be
/// freed. An event that a thread has taken before is that thread's own.
///
/// If the application carries the signalling itself (saltyrtc_client_hand_over), closing takes events,
/// so the peer is not informed: to do so, call saltyrtc_client_close first and wait for CLOSED.
///
/// Blocks while a callback of this client runs, and none runs afterwards: do not hold a lock that the
/// callback needs. Called from a callback of this client, it returns at once, and that callback is the
/// last one.
///
/// A thread that is blocked in saltyrtc_client_next_event returns with SALTYRTC_STATUS_NO_MORE_EVENTS;
/// but no thread may call a function for the client any more. To end a thread that takes events in a
/// loop, call saltyrtc_client_close, let the thread take events until there are no more, and then free
/// the client. The descriptor of saltyrtc_client_event_fd is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_free(client: *mut saltyrtc_client) {
    if !client.is_null() {
        owner_entry(|| Arc::from_raw(client.cast_const()).free());
    }
}

/// Whether the events of a client without a callback stay with it for now: then they cannot be taken, and
/// the descriptor does not tell of them. While too many wait, the client reads nothing more from the
/// network, so that the peer has to wait. It is for programs that share a queue between clients and have
/// no more room for what one of them gets.
///
/// The end gets through: once the connection has ended, for whatever reason, the client is not paused any
/// more, and what waits comes, with CLOSED at its end. (What waits is limited.) But while so much waits that
/// the client reads nothing more from the server, it cannot see that the peer or the server closes.
///
/// What another thread is just taking can still come. Fails with SALTYRTC_STATUS_HAS_CALLBACK if the client
/// has a callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_pause_events(
    client: *mut saltyrtc_client,
    paused: bool,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || match &handle(client, "client")?.events {
        Events::Push(_) => {
            let text = "the client has a callback, which is called as soon as there are events";
            Err(CallError::new(saltyrtc_status::HasCallback, text))
        }
        Events::Pull(member) | Events::Queue(member) => {
            member.pause(paused);
            Ok(())
        }
    })
}

/// Closes the connection: everything that was sent before is delivered first, and the peer is informed.
/// Nothing more can be sent. The function returns at once, and the event CLOSED follows when the
/// connection is closed. Does nothing if it is called again.
///
/// What waits on channels of the built-in WebRTC is delivered as long as the peer keeps receiving: for
/// a minute at most, with no pause longer than three seconds. What the peer has not received by then is
/// lost.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_close(
    client: *mut saltyrtc_client,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        handle(client, "client")?.get()?.close();
        Ok(())
    })
}

/// Takes the next event of a client that has neither a callback nor a queue.
///
/// If there is none, it blocks until there is one, for `timeout_ms` milliseconds at most: 0 does not
/// block, and a negative number blocks without a limit. If several threads wait, each event goes to one
/// of them. `*out` has to be freed with saltyrtc_event_free.
///
/// Fails with SALTYRTC_STATUS_TIMEOUT if there was no event; with SALTYRTC_STATUS_NO_MORE_EVENTS after
/// CLOSED was taken; with SALTYRTC_STATUS_HAS_CALLBACK or SALTYRTC_STATUS_HAS_QUEUE if the events go
/// elsewhere; and with SALTYRTC_STATUS_WOULD_DEADLOCK if it is called from a callback, of any client, and
/// `timeout_ms` is not 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_next_event(
    client: *mut saltyrtc_client,
    timeout_ms: i64,
    out: *mut *mut saltyrtc_event,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let out = args::out(out, ptr::null_mut());
    entry(error, || {
        let out = out.required("out")?;
        // Not the client, which another thread may free in the meantime.
        let queue = handle(client, "client")?.own_queue()?.clone();
        let mut basket = Basket::for_events(1);
        queue.take(&mut basket, queue::patience(timeout_ms)?)?;
        for taken in basket.into_taken() {
            out.set(OwnedEvent::new(taken.token, taken.content).into_raw());
        }
        Ok(())
    })
}

impl saltyrtc_client {
    pub(super) fn own_queue(&self) -> Outcome<&Arc<Queue>> {
        match &self.events {
            Events::Pull(member) => Ok(member.queue()),
            Events::Push(_) => Err(CallError::new(
                saltyrtc_status::HasCallback,
                "the events of this client are passed to its callback",
            )),
            Events::Queue(_) => Err(CallError::new(
                saltyrtc_status::HasQueue,
                "the events of this client go to a queue: take them from there",
            )),
        }
    }
}

/// A file descriptor for poll, select and event loops: it is readable exactly while events wait that
/// saltyrtc_client_next_event can take. Do not read from it, write to it, or close it;
/// saltyrtc_client_free closes it. Unix only: elsewhere it fails with SALTYRTC_STATUS_NOT_BUILT.
///
/// Fails with SALTYRTC_STATUS_HAS_CALLBACK or SALTYRTC_STATUS_HAS_QUEUE if the client has a callback or a
/// queue.
#[cfg(unix)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_event_fd(
    client: *mut saltyrtc_client,
    fd: *mut std::ffi::c_int,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let fd = args::out(fd, -1);
    entry(error, || {
        let fd = fd.required("fd")?;
        fd.set(handle(client, "client")?.own_queue()?.descriptor()?);
        Ok(())
    })
}

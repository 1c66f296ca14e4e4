//! The state machine of a client, and the one door to it.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::protocol::client::ClientState;
use crate::sync::lock;
use crate::task::Client as Machine;

/// The longest that it may take to send what was queued before a close, and to get the other side's
/// answer to it.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Who works on the machine. It is not woken because of its own work, as it looks at the outcome itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Any thread of the application.
    Application,
    /// Somebody who is taking events. (Taking one can make room for others.)
    EventTaker,
    /// The half of the driver that reads from the WebSocket.
    Reader,
    /// The half of the driver that writes to it and keeps the timers.
    Writer,
    /// The WebRTC engine.
    Engine,
}

/// Is told when a client has new events.
pub(crate) trait Listener: Send + Sync {
    /// There are new events. The lock of the machine is held: a listener that keeps a list of who has events
    /// changes it here, so that it is never wrong. It must not take that lock, wait or log. `over` says that the
    /// last one is among them.
    fn events_added(&self, over: bool) {
        let _ = over;
    }

    /// The same once more, a moment later and with no lock held: to wake somebody.
    fn wake(&self) {}
}

impl Listener for () {}

/// Shared by the handles of a client, its driver and its engine.
pub(super) struct Shared {
    machine: Mutex<Machine>,
    /// Wakes the writing half of the driver: there is something to write, or a timer to keep.
    pub(super) wake_writer: Notify,
    /// Wakes the reading half: the machine has room for input again.
    pub(super) wake_reader: Notify,
    /// Tells the driver that the machine closes the WebSocket now, or the connection as a whole.
    pub(super) closing: Notify,
    /// Wakes the engine: the machine has something for the channel of the signalling, has room for more
    /// from it, or is closing.
    pub(super) wake_engine: Notify,
    /// Wakes those who wait for events.
    pub(super) wake_application: Notify,
    listener: Box<dyn Listener>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared(…)")
    }
}

/// What is compared before and after work on the machine, to know who has to be woken.
#[derive(Debug, Clone, Copy)]
struct Outlook {
    running: bool,
    leaving: bool,
    over: bool,
    /// The WebSocket is being closed, with nothing left to wait for first.
    closes: bool,
    /// How many events there ever were.
    events: u64,
    transmits: bool,
    channel_transmits: bool,
    holds_goodbye: bool,
    wants_input: bool,
    has_room: bool,
    timeout: Option<Instant>,
}

impl Outlook {
    fn of(machine: &Machine) -> Self {
        Self {
            running: machine.state() != ClientState::Closed,
            leaving: machine.is_leaving(),
            over: machine.over(),
            closes: machine.socket_closes() && !machine.holds_goodbye(),
            events: machine.events_added(),
            transmits: machine.has_transmits(),
            channel_transmits: machine.has_channel_transmits(),
            holds_goodbye: machine.holds_goodbye(),
            wants_input: machine.wants_input(),
            has_room: machine.has_room(),
            timeout: machine.poll_timeout(),
        }
    }

    /// Whether the writing half of the driver has something new to do.
    fn is_for_writer(&self, before: &Self) -> bool {
        let sooner = match (self.timeout, before.timeout) {
            (Some(now), Some(before)) => now < before,
            (Some(_), None) => true,
            (None, _) => false,
        };
        (self.transmits && !before.transmits) || (self.over && !before.over) || sooner
    }

    /// Whether the reading half may go on.
    fn is_for_reader(&self, before: &Self) -> bool {
        // Even if events wait for the application: while closing, the server's close frame has to be read.
        (self.wants_input && !before.wants_input) || self.closes_now(before)
    }

    /// Whether the end of the WebSocket or of the connection has begun.
    fn closes_now(&self, before: &Self) -> bool {
        (self.closes && !before.closes) || (self.leaving && !before.leaving)
    }

    /// Whether the engine has something new to do.
    fn is_for_engine(&self, before: &Self) -> bool {
        let of = |it: &Self| (it.running, it.over, it.holds_goodbye);
        (self.channel_transmits && !before.channel_transmits)
            || (self.has_room && !before.has_room)
            || of(self) != of(before)
    }
}

impl Shared {
    pub(super) fn new(machine: Machine, listener: Box<dyn Listener>) -> Self {
        Self {
            machine: Mutex::new(machine),
            wake_writer: Notify::new(),
            wake_reader: Notify::new(),
            closing: Notify::new(),
            wake_engine: Notify::new(),
            wake_application: Notify::new(),
            listener,
        }
    }

    /// The only way to the machine: runs `work` on it under its lock, and then, without the lock, wakes those
    /// whom a change concerns.
    pub(super) fn with<T>(&self, by: By, work: impl FnOnce(&mut Machine) -> T) -> T {
        let (result, before, now, added) = {
            let mut machine = lock(&self.machine);
            let before = Outlook::of(&machine);
            let result = work(&mut machine);
            let now = Outlook::of(&machine);
            if before.running && !now.running {
                // Under the lock: the driver counts down when it has ended, which it may do at once.
                crate::runtime::closing();
            }
            let added = by != By::EventTaker && now.events > before.events;
            if added {
                self.listener.events_added(now.over);
            }
            (result, before, now, added)
        };
        if by != By::Writer && now.is_for_writer(&before) {
            self.wake_writer.notify_one();
        }
        if now.closes_now(&before) {
            self.closing.notify_one();
        }
        if by != By::Reader && now.is_for_reader(&before) {
            self.wake_reader.notify_one();
        }
        if by != By::Engine && now.is_for_engine(&before) {
            self.wake_engine.notify_one();
        }
        if added {
            self.wake_application.notify_one();
            self.listener.wake();
        }
        result
    }

    /// The driver or the engine is being dropped. Ends the connection, if it has not ended before.
    pub(super) fn abandon(&self) {
        let text = if std::thread::panicking() {
            "there is an error in this library, please report it"
        } else {
            "the library was shut down"
        };
        self.with(By::Application, |machine| machine.abandon(text.into()));
    }
}

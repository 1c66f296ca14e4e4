//! A client whose events are taken from a queue.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::basket::Basket;
use super::line::Queue;
use crate::client::{Client, ConfigError, Event, EventTaker, Left, Listener};
use crate::sync::lock;

/// A client as its queue knows it.
pub(in crate::ffi) struct Member {
    queue: Arc<Queue>,
    token: u64,
    /// Held while events are taken. `None` before there can be events, and once no more may be taken, because
    /// the client was freed.
    client: Mutex<Option<Client>>,
    /// Whether the machine has events. Changes only under its lock.
    has_events: AtomicBool,
    /// Whether the events stay where they are for now. Changes only under the lock of the machine, and while
    /// no events are taken.
    paused: AtomicBool,
    /// Whether the connection is over: nothing is kept back any more. Changes only under the lock of the machine.
    over: AtomicBool,
    /// What changes only under the lock of the queue.
    pub(super) place: Place,
}

/// Where a client is, as far as its queue is concerned.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// It stands in line. While it has its turn it does not, unless the queue is its own.
    pub(super) in_line: AtomicBool,
    /// It has left the queue.
    pub(super) gone: AtomicBool,
}

impl Member {
    /// Makes a client whose events go to the queue. None is taken before `made` has returned.
    pub(in crate::ffi) fn connect(
        queue: Arc<Queue>,
        token: u64,
        connect: impl FnOnce(Box<dyn Listener>) -> Result<Client, ConfigError>,
        made: impl FnOnce(Arc<Self>, &Client),
    ) -> Result<(), ConfigError> {
        let member = Arc::new(Self {
            queue,
            token,
            client: Mutex::new(None),
            has_events: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            over: AtomicBool::new(false),
            place: Place::default(),
        });
        let mut slot = lock(&member.client);
        let client = connect(Box::new(Announcer(member.clone())))?;
        member.queue.add(&member);
        made(member.clone(), &client);
        *slot = Some(client);
        Ok(())
    }

    pub(in crate::ffi) const fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// From now on, no event is taken.
    pub(in crate::ffi) fn leave(&self) {
        let client = lock(&self.client).take();
        self.queue.remove(self);
        drop(client);
    }

    /// From now on, no event is taken, until they may be taken again or the connection is over.
    pub(in crate::ffi) fn pause(self: &Arc<Self>, paused: bool) {
        if let Some(client) = &*lock(&self.client) {
            client.take_events(&mut Pause { member: self, paused });
        }
        self.queue.wake_taker();
    }

    /// Closes the connection.
    pub(super) fn close(&self) {
        if let Some(client) = &*lock(&self.client) {
            client.close();
        }
    }

    fn keeps_events(&self) -> bool {
        self.paused.load(Ordering::Relaxed) && !self.over.load(Ordering::Relaxed)
    }

    /// Puts events into the basket: as many as fit, and as one turn may have.
    pub(super) fn take_turn(self: &Arc<Self>, basket: &mut Basket) {
        let client = lock(&self.client);
        let Some(client) = &*client else {
            // About to leave, but may still stand in line.
            self.queue.remove(self);
            return;
        };
        if self.keeps_events() {
            // Since it was called.
            return;
        }
        basket.begin_turn(self.token);
        client.take_events(&mut Turn { member: self, basket });
    }

    /// Takes note of what the machine has, and of what that means for the line.
    fn settle(self: &Arc<Self>, has_events: bool, at_front: bool) {
        self.has_events.store(has_events, Ordering::Relaxed);
        let wants_turn = has_events && !self.keeps_events();
        // It can come into the line only here, under the lock of the machine. Whoever takes it out for a turn takes
        // that lock next, so no change is missed.
        if wants_turn != self.place.in_line.load(Ordering::Relaxed) {
            self.queue.place(self, wants_turn, at_front);
        }
    }
}

struct Turn<'a> {
    member: &'a Arc<Member>,
    basket: &'a mut Basket,
}

impl EventTaker for Turn<'_> {
    fn wants(&mut self, event: &Event) -> bool {
        self.basket.wants(event)
    }

    fn take(&mut self, event: Event) {
        self.basket.add(event);
    }

    fn left(&mut self, left: Left) {
        self.member.settle(left == Left::Events, self.basket.turn_was_for_nothing());
        if left == Left::End {
            self.member.queue.member_ended();
        }
    }
}

/// Takes nothing: it is how the lock of the machine is got.
struct Pause<'a> {
    member: &'a Arc<Member>,
    paused: bool,
}

impl EventTaker for Pause<'_> {
    fn wants(&mut self, _: &Event) -> bool {
        false
    }

    fn take(&mut self, _: Event) {}

    fn left(&mut self, left: Left) {
        self.member.paused.store(self.paused, Ordering::Relaxed);
        self.member.settle(left == Left::Events, false);
    }
}

/// Tells the queue of new events.
struct Announcer(Arc<Member>);

impl Listener for Announcer {
    fn events_added(&self, over: bool) {
        let Self(member) = self;
        if over {
            member.over.store(true, Ordering::Relaxed);
        }
        if over || !member.has_events.load(Ordering::Relaxed) {
            member.settle(true, false);
        }
    }

    fn wake(&self) {
        self.0.queue.wake_taker();
    }
}

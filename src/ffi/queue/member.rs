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
    /// Whether it stands in line, or has its turn. Changes only under the lock of the machine, and is true
    /// exactly while the machine has events.
    in_line: AtomicBool,
    /// Whether it has left the queue. Changes under the lock of the queue.
    pub(super) gone: AtomicBool,
    /// Whether its events stay with it for now. Changes under the lock of the queue.
    pub(super) paused: AtomicBool,
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
            in_line: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            paused: AtomicBool::new(false),
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

    /// From now on, no event is taken, until they may be taken again.
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

    /// Puts events into the basket: as many as fit, and as one turn may have.
    pub(super) fn take_turn(self: &Arc<Self>, basket: &mut Basket) {
        let client = lock(&self.client);
        let Some(client) = &*client else { return };
        basket.begin_turn(self.token);
        client.take_events(&mut Turn { member: self, basket });
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
        let Self { member, basket } = self;
        match left {
            Left::Events => member.queue.enter_line(member, basket.turn_was_for_nothing()),
            Left::Nothing => member.in_line.store(false, Ordering::Relaxed),
            Left::End => {
                member.in_line.store(false, Ordering::Relaxed);
                member.queue.member_ended();
            }
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
        let Self { member, paused } = self;
        member.queue.pause(member, *paused, left == Left::Events);
    }
}

/// Tells the queue of new events.
struct Announcer(Arc<Member>);

impl Listener for Announcer {
    fn events_added(&self) {
        let Self(member) = self;
        if !member.in_line.swap(true, Ordering::Relaxed) {
            member.queue.enter_line(member, false);
        }
    }

    fn wake(&self) {
        self.0.queue.wake_taker();
    }
}

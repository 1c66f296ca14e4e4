//! What is taken from a queue in one call.

use super::record::{packed_len, usable};
use crate::client::Event;
use crate::ffi::event::{Content, Fields};

/// So many events of one client are taken in a row at most while others wait.
const EVENTS_PER_TURN: usize = 64;

pub(in crate::ffi) struct Basket {
    room: Room,
    /// Apart from the others, so that a call for one event needs no memory.
    first: Option<Taken>,
    others: Vec<Taken>,
    /// Of whom the turn is.
    token: u64,
    /// How many events it had before the turn.
    before: usize,
    /// What would have been enough for the event that did not fit.
    refused: Option<usize>,
}

/// An event that was taken.
pub(in crate::ffi) struct Taken {
    pub(in crate::ffi) token: u64,
    pub(in crate::ffi) content: Content,
}

enum Room {
    Events(usize),
    /// Of a buffer for records.
    Bytes(usize),
}

impl Basket {
    pub(in crate::ffi) fn for_events(count: usize) -> Self {
        Self::new(Room::Events(count), count)
    }

    pub(in crate::ffi) fn for_bytes(capacity: usize) -> Self {
        Self::new(Room::Bytes(usable(capacity)), EVENTS_PER_TURN)
    }

    fn new(room: Room, count: usize) -> Self {
        let others = Vec::with_capacity(count.clamp(1, EVENTS_PER_TURN) - 1);
        Self { room, first: None, others, token: 0, before: 0, refused: None }
    }

    pub(super) fn begin_turn(&mut self, token: u64) {
        self.token = token;
        self.before = self.len();
    }

    /// The turn goes on, with another token.
    pub(super) fn go_on(&mut self, token: u64) {
        self.token = token;
    }

    /// Whether there is room for the event of a client.
    pub(super) fn wants(&mut self, event: &Event) -> bool {
        let token = self.token;
        self.has_room(|| packed_len(Fields::of_client(token, event).get()))
    }

    /// The same for any event.
    pub(super) fn wants_content(&mut self, content: &Content) -> bool {
        let token = self.token;
        self.has_room(|| packed_len(Fields::of(token, content).get()))
    }

    fn has_room(&mut self, packed_len: impl FnOnce() -> usize) -> bool {
        if self.len() - self.before >= EVENTS_PER_TURN {
            return false;
        }
        match &mut self.room {
            Room::Events(left) => {
                let has_room = *left > 0;
                *left = left.saturating_sub(1);
                has_room
            }
            Room::Bytes(left) => {
                let len = packed_len();
                match left.checked_sub(len) {
                    Some(rest) => *left = rest,
                    None => self.refused = Some(len),
                }
                self.refused.is_none()
            }
        }
    }

    pub(super) fn add(&mut self, content: impl Into<Content>) {
        let taken = Taken { token: self.token, content: content.into() };
        match self.first {
            None => self.first = Some(taken),
            Some(_) => self.others.push(taken),
        }
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.len()
    }

    /// Whether an event waits for more room than there was for it in its turn: then it is the first next
    /// time, or large events would never get through.
    pub(super) fn turn_was_for_nothing(&self) -> bool {
        self.refused.is_some() && self.len() == self.before
    }

    /// Nothing more fits.
    pub(super) fn is_full(&self) -> bool {
        self.refused.is_some() || matches!(self.room, Room::Events(0))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// How many bytes are needed for the first event, if it did not fit.
    pub(in crate::ffi) fn needed(&self) -> Option<usize> {
        self.refused.filter(|_| self.is_empty())
    }

    pub(in crate::ffi) fn into_taken(self) -> impl Iterator<Item = Taken> {
        self.first.into_iter().chain(self.others)
    }
}

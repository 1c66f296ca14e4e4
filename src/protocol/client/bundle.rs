//! Small things that come in a quick succession and are sent as one message, such as ICE candidates.

use std::time::{Duration, Instant};

use rmp::encode as write;

use crate::protocol::message::{MapWriter, Payload};

/// How long the first thing of a bundle may wait for others.
const PATIENCE: Duration = Duration::from_millis(10);
/// A bundle with this many items is sent without waiting for more.
const MAX_ITEMS: usize = 256;
/// The most bytes that a message has besides its items, as the names of types and fields are short.
pub(super) const FRAME: usize = 64;

/// The items of an array that will be the field `field` of a message of the type `kind`.
#[derive(Debug)]
pub(super) struct Bundle {
    kind: &'static str,
    field: &'static str,
    items: Vec<u8>,
    count: usize,
    pub(super) due: Instant,
}

impl Bundle {
    pub(super) fn new(now: Instant, kind: &'static str, field: &'static str) -> Self {
        Self { kind, field, items: Vec::new(), count: 0, due: now + PATIENCE }
    }

    /// Whether `count` more items for such a message can be added.
    pub(super) fn takes(&self, kind: &'static str, field: &'static str, count: usize) -> bool {
        (self.kind, self.field) == (kind, field) && self.count + count <= MAX_ITEMS
    }

    pub(super) fn add(&mut self, items: &[Payload]) {
        items.iter().for_each(|item| self.items.extend_from_slice(item.as_msgpack()));
        self.count += items.len();
    }

    /// Whether the bundle is to be sent without waiting for more.
    pub(super) const fn is_full(&self) -> bool {
        self.count >= MAX_ITEMS
    }

    /// Bytes that the message will have, at most.
    pub(super) fn size(&self) -> usize {
        FRAME + self.items.len()
    }

    pub(super) fn message(&self) -> Vec<u8> {
        let mut array = Vec::with_capacity(self.items.len() + 5);
        write::write_array_len(&mut array, self.count as u32).expect("memory can be written");
        array.extend_from_slice(&self.items);
        MapWriter::message(self.kind).raw(self.field, &array).finish()
    }
}

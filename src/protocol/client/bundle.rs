//! Small things that come in a quick succession and are sent as one message, such as ICE candidates.

use std::time::{Duration, Instant};

use rmp::encode as write;

use super::core::Core;
use super::event::SendFailure;
use crate::protocol::message::{MapWriter, Payload};

/// How long the first thing of a bundle may wait for others.
const PATIENCE: Duration = Duration::from_millis(10);
/// With this many a bundle is sent at once.
const MAX_ITEMS: usize = 256;
/// Bytes of a message that are not its items: at most this many, with the short names that there are.
const FRAME: usize = 64;

/// The items of an array that will be the field `field` of a message of the type `kind`.
#[derive(Debug)]
pub(super) struct Bundle {
    kind: &'static str,
    field: &'static str,
    items: Vec<u8>,
    count: usize,
    due: Instant,
}

impl Bundle {
    /// Bytes that the message will have, at most.
    fn size(&self) -> usize {
        FRAME + self.items.len()
    }

    fn message(&self) -> Vec<u8> {
        let mut array = Vec::with_capacity(self.items.len() + 5);
        write::write_array_len(&mut array, self.count as u32).expect("memory can be written");
        array.extend_from_slice(&self.items);
        MapWriter::message(self.kind).raw(self.field, &array).finish()
    }
}

impl Core {
    /// Sends `items` in the array `field` of a message of the type `kind`: all of them, but with others
    /// that come within [`PATIENCE`], if no other message to the peer comes in between.
    pub(super) fn send_bundled(
        &mut self,
        now: Instant,
        kind: &'static str,
        field: &'static str,
        items: &[Payload],
    ) -> Result<(), SendFailure> {
        let size = FRAME + items.iter().map(|item| item.as_msgpack().len()).sum::<usize>();
        self.admit(size)?;
        let fits = |bundle: &Bundle| {
            (bundle.kind, bundle.field) == (kind, field)
                && bundle.count + items.len() <= MAX_ITEMS
                && self.fits(bundle.size() + size)
        };
        let Some(session) = &self.session else { return Err(SendFailure::NoPeer) };
        if session.bundle.as_ref().is_some_and(|bundle| !fits(bundle)) {
            self.flush_bundle();
        }
        let Some(session) = &mut self.session else { return Err(SendFailure::Closed) };
        let due = now + PATIENCE;
        let empty = || Bundle { kind, field, items: Vec::new(), count: 0, due };
        let bundle = session.bundle.get_or_insert_with(empty);
        items.iter().for_each(|item| bundle.items.extend_from_slice(item.as_msgpack()));
        bundle.count += items.len();
        if bundle.count == 0 {
            session.bundle = None;
        } else if bundle.count >= MAX_ITEMS {
            self.flush_bundle();
        }
        Ok(())
    }

    /// Sends what waits for more. Done before every other message to the peer, so that the order stays.
    pub(super) fn flush_bundle(&mut self) {
        let bundle = self.session.as_mut().and_then(|session| session.bundle.take());
        if let Some(bundle) = bundle {
            // There was room for it when it came, and that there is a session was just seen.
            let _ = self.send_to_peer(&bundle.message());
        }
    }

    /// Bytes that wait for more.
    pub(super) fn bundled(&self) -> usize {
        let bundle = self.session.as_ref().and_then(|session| session.bundle.as_ref());
        bundle.map_or(0, Bundle::size)
    }

    /// When to call [`flush_bundle`](Self::flush_bundle).
    pub(super) fn bundle_due(&self) -> Option<Instant> {
        self.session.as_ref()?.bundle.as_ref().map(|bundle| bundle.due)
    }
}

//! Messages on streams that nobody has opened yet.
//!
//! Both sides open a negotiated channel without telling each other. So messages of the side that does so
//! first arrive on a stream that the other side does not know yet. They are kept, within bounds.

use std::collections::{BTreeMap, BTreeSet};

use super::config::MessageKind;

/// How many messages are kept on all streams together.
const MAX_MESSAGES: usize = 1024;
/// How many bytes are kept on all streams together.
const MAX_BYTES: usize = 1 << 20;

/// A message that waits for its channel.
pub(super) type EarlyMessage = (MessageKind, Vec<u8>);

/// The messages that wait for their channels.
#[derive(Default)]
pub(super) struct EarlyMessages {
    streams: BTreeMap<u16, Vec<EarlyMessage>>,
    /// Streams on which a message was lost for want of room; they cannot be opened before the peer
    /// has closed them.
    broken: BTreeSet<u16>,
    messages: usize,
    bytes: usize,
}

impl EarlyMessages {
    /// Keeps a message. `false` if there is no room: the stream is broken then, its messages are
    /// gone, and the peer has to be told.
    pub(super) fn add(&mut self, stream: u16, kind: MessageKind, data: Vec<u8>) -> bool {
        if self.broken.contains(&stream) {
            return true;
        }
        if self.messages == MAX_MESSAGES || self.bytes + data.len() > MAX_BYTES {
            self.take(stream);
            self.broken.insert(stream);
            return false;
        }
        self.messages += 1;
        self.bytes += data.len();
        self.streams.entry(stream).or_default().push((kind, data));
        true
    }

    pub(super) fn is_broken(&self, stream: u16) -> bool {
        self.broken.contains(&stream)
    }

    /// Takes the messages of a stream, in the order they arrived in.
    pub(super) fn take(&mut self, stream: u16) -> Vec<EarlyMessage> {
        let messages = self.streams.remove(&stream).unwrap_or_default();
        self.messages -= messages.len();
        self.bytes -= messages.iter().map(|(_, data)| data.len()).sum::<usize>();
        messages
    }

    /// The peer has closed its end of a stream.
    pub(super) fn forget(&mut self, stream: u16) {
        self.take(stream);
        self.broken.remove(&stream);
    }
}

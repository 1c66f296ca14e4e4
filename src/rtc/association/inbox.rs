//! What waits for the owner of an association.

use std::collections::VecDeque;

use super::config::AssociationEvent;

/// How many events may wait before messages stay with SCTP, so that the peer pauses in the end.
const MAX_EVENTS: usize = 1024;
/// How many bytes of messages, labels and protocols may wait before that happens.
const MAX_BYTES: usize = 256 * 1024;

/// The events that were not taken yet.
#[derive(Default)]
pub(super) struct Inbox {
    events: VecDeque<AssociationEvent>,
    bytes: usize,
}

impl Inbox {
    /// Whether another message may be added. Other events may always be.
    pub(super) fn has_room(&self) -> bool {
        self.events.len() < MAX_EVENTS && self.bytes < MAX_BYTES
    }

    pub(super) fn push(&mut self, event: AssociationEvent) {
        self.bytes += bytes(&event);
        self.events.push_back(event);
    }

    pub(super) fn pop(&mut self) -> Option<AssociationEvent> {
        let event = self.events.pop_front()?;
        self.bytes -= bytes(&event);
        Some(event)
    }
}

fn bytes(event: &AssociationEvent) -> usize {
    match event {
        AssociationEvent::Message { data, .. } => data.len(),
        // These count too, because a peer can open and close channels again and again.
        AssociationEvent::ChannelOpened { config, .. } => {
            config.label.len() + config.protocol.len()
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::{ChannelConfig, ChannelId};
    use super::*;

    #[test]
    fn names_of_channels_count() {
        let mut inbox = Inbox::default();
        let config = ChannelConfig { label: "x".repeat(65_535), ..ChannelConfig::default() };
        for id in 0..5 {
            assert!(inbox.has_room());
            let (id, config) = (ChannelId(id), config.clone());
            inbox.push(AssociationEvent::ChannelOpened { id, config, by_peer: true });
        }
        assert!(!inbox.has_room());
        assert!(inbox.pop().is_some() && inbox.pop().is_some() && inbox.has_room());
    }
}

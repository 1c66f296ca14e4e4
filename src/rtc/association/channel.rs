//! The data channels of an association, and which ids are in use.

use std::collections::{BTreeMap, BTreeSet};

use super::config::{ChannelConfig, DtlsRole};
use crate::task::{ChannelFailure, ChannelOpenError};

/// How much memory the channels that the peer opens may take, in bytes.
const MAX_PEER_CHANNEL_BYTES: usize = 4 << 20;
/// The memory of a channel without its label and protocol, in bytes, rounded up generously.
const CHANNEL_COST: usize = 512;
/// 65,535 is no valid id (RFC 8832 section 6).
const MAX_ID: u16 = 65_534;

/// A data channel.
pub(super) struct Channel {
    pub(super) config: ChannelConfig,
    pub(super) by_peer: bool,
    /// The owner knows that it is open.
    pub(super) announced: bool,
    /// The owner's low-water mark.
    pub(super) low_water: Option<usize>,
    /// A message was refused because the queue is full, so a low-water event is due later.
    pub(super) starved: bool,
    /// A low-water event waits for the owner.
    pub(super) low_water_waits: bool,
    pub(super) closing: Option<Closing>,
}

/// A channel is closed once both directions are (RFC 8831 section 6.7).
#[derive(Default)]
pub(super) struct Closing {
    /// What was queued is gone, and the reset of our direction is on its way.
    pub(super) reset_sent: bool,
    pub(super) ours_done: bool,
    pub(super) theirs_done: bool,
    /// The owner knows.
    pub(super) announced: bool,
    pub(super) error: Option<ChannelFailure>,
}

impl Channel {
    pub(super) fn new(config: ChannelConfig, by_peer: bool) -> Self {
        Self {
            config,
            by_peer,
            announced: false,
            low_water: None,
            starved: false,
            low_water_waits: false,
            closing: None,
        }
    }

    /// Whether messages may overtake each other now. Before the peer knows the channel, nothing may overtake the
    /// message that opens it.
    pub(super) fn is_unordered(&self) -> bool {
        !self.config.ordered && self.announced
    }

    /// Whether the peer has closed its direction, so that whatever comes now is for a new channel.
    pub(super) fn is_closed_by_peer(&self) -> bool {
        self.closing.as_ref().is_some_and(|closing| closing.theirs_done)
    }

    /// What it takes of the memory for channels of the peer.
    fn cost(&self) -> usize {
        CHANNEL_COST + self.config.label.len() + self.config.protocol.len()
    }
}

/// The channels of an association.
pub(super) struct Channels {
    role: DtlsRole,
    channels: BTreeMap<u16, Channel>,
    /// Memory of the channels that the peer has opened.
    peer_bytes: usize,
    /// Ids of channels that are closed while the event is not taken yet, and how many events wait for each: the
    /// peer can use an id again before. We do not, so that the owner takes no event of one channel for one of
    /// another.
    unheard: BTreeMap<u16, usize>,
    /// Ids that are never used again, because the peer cannot close its direction of the stream.
    retired: BTreeSet<u16>,
    /// No id below this one is free for us to choose.
    lowest: u16,
}

impl Channels {
    pub(super) fn new(role: DtlsRole) -> Self {
        Self {
            role,
            channels: BTreeMap::new(),
            peer_bytes: 0,
            unheard: BTreeMap::new(),
            retired: BTreeSet::new(),
            lowest: parity(role),
        }
    }

    pub(super) fn get(&self, id: u16) -> Option<&Channel> {
        self.channels.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: u16) -> Option<&mut Channel> {
        self.channels.get_mut(&id)
    }

    /// The ids of all channels.
    pub(super) fn ids(&self) -> Vec<u16> {
        self.channels.keys().copied().collect()
    }

    fn is_used(&self, id: u16) -> bool {
        self.channels.contains_key(&id) || self.is_unheard(id) || self.retired.contains(&id)
    }

    /// Chooses the id of a channel that we open, below `streams`.
    pub(super) fn choose_id(
        &mut self,
        config: &ChannelConfig,
        streams: u16,
    ) -> Result<u16, ChannelOpenError> {
        let last = MAX_ID.min(streams.saturating_sub(1));
        match config.negotiated {
            Some(id) if id > last => Err(ChannelOpenError::IdOutOfRange),
            Some(id) if self.is_used(id) => Err(ChannelOpenError::IdInUse),
            Some(id) => Ok(id),
            None => {
                let free = (self.lowest..=last).step_by(2).find(|id| !self.is_used(*id));
                self.lowest = free.unwrap_or(self.lowest);
                free.ok_or(ChannelOpenError::TooManyChannels)
            }
        }
    }

    /// Whether the peer may open a channel with this id now.
    pub(super) fn peer_may_open(&self, id: u16, config: &ChannelConfig) -> bool {
        let cost = CHANNEL_COST + config.label.len() + config.protocol.len();
        id <= MAX_ID
            && id % 2 != parity(self.role)
            && !self.retired.contains(&id)
            && self.peer_bytes + cost <= MAX_PEER_CHANNEL_BYTES
    }

    pub(super) fn insert(&mut self, id: u16, channel: Channel) {
        if channel.by_peer {
            self.peer_bytes += channel.cost();
        }
        self.channels.insert(id, channel);
    }

    pub(super) fn remove(&mut self, id: u16) {
        if let Some(channel) = self.channels.remove(&id)
            && channel.by_peer
        {
            self.peer_bytes -= channel.cost();
        }
        self.is_free(id);
    }

    fn is_free(&mut self, id: u16) {
        if id % 2 == parity(self.role) {
            self.lowest = self.lowest.min(id);
        }
    }

    /// The owner is being told that the channel is closed.
    pub(super) fn closed(&mut self, id: u16) {
        *self.unheard.entry(id).or_default() += 1;
    }

    /// Whether the owner does not know yet that a channel with this id is closed.
    pub(super) fn is_unheard(&self, id: u16) -> bool {
        self.unheard.contains_key(&id)
    }

    /// The owner has heard that the channel is closed, or the oldest one of several with this id.
    pub(super) fn heard(&mut self, id: u16) {
        if let Some(events) = self.unheard.get_mut(&id) {
            *events -= 1;
            if *events == 0 {
                self.unheard.remove(&id);
            }
        }
        self.is_free(id);
    }

    /// The id cannot be used again.
    pub(super) fn retire(&mut self, id: u16) {
        self.retired.insert(id);
    }
}

/// The client has the even ids, the server the odd ones (RFC 8832 section 6).
fn parity(role: DtlsRole) -> u16 {
    match role {
        DtlsRole::Client => 0,
        DtlsRole::Server => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The peer opens and closes a channel with the same id again before the owner hears of the first end.
    #[test]
    fn an_id_is_free_when_the_owner_has_heard_of_all_its_channels() {
        let mut channels = Channels::new(DtlsRole::Client);
        for _ in 0..2 {
            channels.insert(7, Channel::new(ChannelConfig::default(), true));
            channels.closed(7);
            channels.remove(7);
        }
        let negotiated = ChannelConfig { negotiated: Some(7), ..ChannelConfig::default() };
        channels.heard(7);
        assert!(channels.is_unheard(7));
        assert_eq!(channels.choose_id(&negotiated, u16::MAX), Err(ChannelOpenError::IdInUse));
        channels.heard(7);
        assert!(!channels.is_unheard(7));
        assert_eq!(channels.choose_id(&negotiated, u16::MAX), Ok(7));
    }
}

//! What the WebRTC and the ORTC task have in common: the data channel that the signalling is handed over to, and
//! how two clients agree on it.

use std::collections::BTreeSet;
use std::fmt;

use crate::protocol::TaskError;
use crate::protocol::message::{FieldProblem, Fields, MapWriter, MessageError, read_uint};

/// Data channels have the ids below this one.
pub(super) const CHANNEL_IDS: u16 = 65535;

/// What the application wants of a task with data channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Ids, 0 to 65534, of the data channels that the application negotiates by itself: the signalling
    /// channel gets another one. Default: none.
    // Spec: W-007 O-007 (Task Data / Outgoing)
    pub exclude: Vec<u16>,
    /// Whether the signalling may be handed over to a data channel. It takes both clients. Default:
    /// `true`.
    pub handover: bool,
}

impl Default for Options {
    fn default() -> Self {
        // Spec: W-008 (Task Data / Outgoing)
        // Spec: O-028 (Signalling Channel Handover)
        Self { exclude: Vec::new(), handover: true }
    }
}

/// 65535, the one number of 16 bits that is not the id of a data channel, is excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelIdError;

impl fmt::Display for ChannelIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("65535 cannot be excluded, as no data channel has that id: ids are 0 to 65534")
    }
}

impl std::error::Error for ChannelIdError {}

/// What becomes of a number in the list of a peer that is too large for the id of a data channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LargeNumbers {
    AreRefused,
    AreIgnored,
}

const EXCLUDE: &str = "exclude";

/// Ids that the signalling channel may not have, all of them below [`CHANNEL_IDS`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ExcludedIds(
    // Spec: W-011 O-011 (Task Data / Incoming)
    BTreeSet<u16>,
);

impl ExcludedIds {
    pub(super) fn new(ids: Vec<u16>) -> Result<Self, ChannelIdError> {
        if ids.contains(&CHANNEL_IDS) {
            return Err(ChannelIdError);
        }
        Ok(Self(ids.into_iter().collect()))
    }

    /// Reads the list of a peer.
    pub(super) fn parse(fields: &Fields<'_>, large: LargeNumbers) -> Result<Self, MessageError> {
        let what = match large {
            LargeNumbers::AreRefused => "an array of numbers from 0 to 65534",
            LargeNumbers::AreIgnored => "an array of non-negative integers",
        };
        let mut ids = BTreeSet::new();
        // Spec: W-010 O-010 (Task Data / Incoming)
        for item in fields.array(EXCLUDE)? {
            let number = read_uint(item);
            let id = number.and_then(|id| u16::try_from(id).ok()).filter(|id| *id < CHANNEL_IDS);
            match (id, number, large) {
                (Some(id), ..) => _ = ids.insert(id),
                (None, Some(_), LargeNumbers::AreIgnored) => {}
                _ => return Err(fields.error(EXCLUDE, FieldProblem::NotA(what))),
            }
        }
        Ok(Self(ids))
    }

    pub(super) fn write(&self, map: MapWriter) -> MapWriter {
        // Spec: W-006 O-006 (Task Data / Outgoing)
        map.uints(EXCLUDE, self.0.iter().map(|id| u64::from(*id)))
    }

    /// The id of the signalling channel, if `both` clients want one.
    pub(super) fn agree(&self, other: &Self, both: bool) -> Result<u16, NoChannel> {
        if !both {
            return Err(NoChannel::NotNegotiated);
        }
        // Spec: W-027 O-037 (Signalling Channel Handover)
        let id = (0..CHANNEL_IDS).find(|id| !self.0.contains(id) && !other.0.contains(id));
        if id.is_none() {
            tracing::warn!(
                "the signalling cannot be handed over: the two clients exclude all ids that the \
                 data channel could have"
            );
        }
        id.ok_or(NoChannel::NoIdLeft)
    }
}

/// Why there is no signalling channel.
#[derive(Debug, Clone, Copy)]
pub(super) enum NoChannel {
    NotNegotiated,
    NoIdLeft,
}

impl NoChannel {
    /// The peer said 'handover' nevertheless.
    pub(super) fn handover_is_wrong(self) -> TaskError {
        TaskError::new(match self {
            Self::NotNegotiated => "'handover' came although the clients did not agree on that",
            Self::NoIdLeft => "'handover' came although no id is left for the data channel",
        })
    }
}

//! What two WebRTC tasks tell each other before they start (WebRTC task, *Task Data*).

use std::collections::BTreeSet;

use crate::protocol::message::{
    FieldProblem, Fields, MapWriter, MessageError, TaskData, read_uint,
};

/// Data channels have the ids below this one.
pub(super) const CHANNEL_IDS: u16 = 65535;

/// What one side tells the other in 'auth'.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct WebRtcTaskData {
    /// Ids that the signalling channel may not have, all of them below [`CHANNEL_IDS`].
    // Spec: W-011 (Task Data / Incoming)
    pub(super) exclude: BTreeSet<u16>,
    pub(super) handover: bool,
    /// Version 0: the most bytes that a chunk may have; 0 for no chunking.
    pub(super) max_packet_size: Option<u32>,
}

impl WebRtcTaskData {
    /// Parses the data of a peer. `v0` says which version it is for.
    pub(super) fn parse(data: &TaskData, v0: bool) -> Result<Self, MessageError> {
        let fields = Fields::of_map(data.as_map().ok_or(MessageError::NotAMap)?, "data")?;
        let not_ids =
            || fields.error("exclude", FieldProblem::NotA("an array of numbers from 0 to 65534"));
        let id = |item| {
            let id = read_uint(item).and_then(|id| u16::try_from(id).ok());
            id.filter(|id| *id < CHANNEL_IDS).ok_or_else(not_ids)
        };
        // Spec: W-010 (Task Data / Incoming)
        let exclude = fields.array("exclude")?.into_iter().map(id).collect::<Result<_, _>>()?;
        // Spec: W-012 (Task Data / Incoming)
        let handover = fields.boolean("handover")?;
        let max_packet_size = match v0 {
            // A peer may well have no limit that fits into 32 bits.
            true => Some(fields.uint("max_packet_size")?.try_into().unwrap_or(u32::MAX)),
            false => None,
        };
        Ok(Self { exclude, handover, max_packet_size })
    }

    pub(super) fn to_data(&self) -> TaskData {
        // Spec: W-005 (Task Data / Outgoing)
        let map = MapWriter::default()
            // Spec: W-006 (Task Data / Outgoing)
            .uints("exclude", self.exclude.iter().map(|id| u64::from(*id)))
            .boolean("handover", self.handover);
        let map = match self.max_packet_size {
            Some(size) => map.uint("max_packet_size", size.into()),
            None => map,
        };
        TaskData::from_map(map.finish()).expect("a map with three different texts as keys")
    }

    /// The lowest id that neither side excludes; `None` if there is none.
    pub(super) fn channel_id(&self, other: &Self) -> Option<u16> {
        // Spec: W-027 (Signalling Channel Handover)
        (0..CHANNEL_IDS).find(|id| !self.exclude.contains(id) && !other.exclude.contains(id))
    }

    /// The most bytes that a chunk may have by what both say: the smaller limit, where 0 is no limit;
    /// 0 if neither has one.
    pub(super) fn packet_size(&self, other: &Self) -> u32 {
        let limits = [self.max_packet_size, other.max_packet_size];
        limits.into_iter().flatten().filter(|size| *size > 0).min().unwrap_or(0)
    }
}

//! What two WebRTC tasks tell each other before they start (WebRTC task, *Task Data*).

use crate::protocol::message::{Fields, MapWriter, MessageError, TaskData};
use crate::task::signalling_channel::{ExcludedIds, LargeNumbers};

/// What one side tells the other in 'auth'.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct WebRtcTaskData {
    pub(super) exclude: ExcludedIds,
    pub(super) handover: bool,
    /// Version 0: the most bytes that a chunk may have; 0 for no chunking.
    pub(super) max_packet_size: Option<u32>,
}

impl WebRtcTaskData {
    /// Parses the data of a peer. `v0` says which version it is for.
    pub(super) fn parse(data: &TaskData, v0: bool) -> Result<Self, MessageError> {
        let fields = Fields::of_map(data.as_map().ok_or(MessageError::NotAMap)?, "data")?;
        let exclude = ExcludedIds::parse(&fields, LargeNumbers::AreRefused)?;
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
        let map = self.exclude.write(MapWriter::default()).boolean("handover", self.handover);
        let map = match self.max_packet_size {
            Some(size) => map.uint("max_packet_size", size.into()),
            None => map,
        };
        TaskData::from_map(map.finish()).expect("a map with three different texts as keys")
    }

    /// The most bytes that a chunk may have by what both say: the smaller limit, where 0 is no limit;
    /// 0 if neither has one.
    pub(super) fn packet_size(&self, other: &Self) -> u32 {
        let limits = [self.max_packet_size, other.max_packet_size];
        limits.into_iter().flatten().filter(|size| *size > 0).min().unwrap_or(0)
    }
}

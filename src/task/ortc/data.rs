//! What two ORTC tasks tell each other before they start (ORTC task, *Task Data*).

use crate::protocol::message::{Fields, MapWriter, MessageError, TaskData};
use crate::task::signalling_channel::{ExcludedIds, LargeNumbers};

/// The one type of transports that the signalling can be handed over to: `RTCSctpTransport`.
const SCTP: &str = "sctp";

/// What one side tells the other in 'auth'.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct OrtcTaskData {
    pub(super) exclude: ExcludedIds,
    /// Whether SCTP is among the transports for a handover.
    pub(super) sctp: bool,
}

impl OrtcTaskData {
    /// Parses the data of a peer.
    pub(super) fn parse(data: &TaskData) -> Result<Self, MessageError> {
        let fields = Fields::of_map(data.as_map().ok_or(MessageError::NotAMap)?, "data")?;
        // The specification knows no upper limit, and a number that is no id does no harm.
        let exclude = ExcludedIds::parse(&fields, LargeNumbers::AreIgnored)?;
        // Spec: O-012 O-013 O-014 (Task Data / Incoming)
        let sctp = fields.texts("handover")?.contains(&SCTP);
        Ok(Self { exclude, sctp })
    }

    pub(super) fn to_data(&self) -> TaskData {
        // Spec: O-008 O-009 (Task Data / Outgoing)
        let transports: &[&str] = if self.sctp { &[SCTP] } else { &[] };
        // Spec: O-005 (Task Data / Outgoing)
        let map = self.exclude.write(MapWriter::default()).texts("handover", transports);
        TaskData::from_map(map.finish()).expect("a map with two different texts as keys")
    }
}

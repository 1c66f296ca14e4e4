//! SCTP capabilities, and the parameters of data channels.

use std::fmt;

use super::read::{
    number, optional_boolean, optional_number, optional_text, write_number, write_text,
};
use crate::protocol::message::{Fields, MapWriter, MessageError};

/// What an SCTP transport can do: an `RTCSctpCapabilities` of the ORTC API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SctpCapabilities {
    /// The most bytes that a message to the sender may have; 0 if it takes messages of any size. It is also the
    /// size of chunks on wrapped channels.
    // Spec: O-020 (Wrapped Data Channel)
    pub max_message_size: u16,
}

impl SctpCapabilities {
    pub(super) fn parse(message: &Fields<'_>) -> Result<Self, MessageError> {
        // Spec: O-108 ('sctp-capabilities' Message)
        let fields = message.nested("capabilities")?;
        Ok(Self { max_message_size: number(&fields, "maxMessageSize")? })
    }

    pub(super) fn write(self, message: MapWriter) -> MapWriter {
        // Spec: O-105 ('sctp-capabilities' Message)
        let map = MapWriter::default().uint("maxMessageSize", self.max_message_size.into());
        message.raw("capabilities", &map.finish())
    }
}

/// What a data channel is like: an `RTCDataChannelParameters` of the ORTC API.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct DataChannelParameters {
    /// The id.
    pub id: u16,
    /// The name of the channel. Not the label of the message.
    pub label: Option<String>,
    /// Whether messages arrive in the order that they were sent in.
    pub ordered: Option<bool>,
    /// For how many milliseconds it is tried to deliver a message.
    pub max_packet_lifetime: Option<u32>,
    /// How many times it is tried again to deliver a message.
    pub max_retransmits: Option<u32>,
    /// The name of the subprotocol that is spoken on the channel.
    pub protocol: Option<String>,
}

impl DataChannelParameters {
    pub(super) fn parse(message: &Fields<'_>) -> Result<Self, MessageError> {
        // Spec: O-119 ('dc-parameters' Message)
        let fields = message.nested("parameters")?;
        Ok(Self {
            id: number(&fields, "id")?,
            label: optional_text(&fields, "label")?,
            ordered: optional_boolean(&fields, "ordered")?,
            max_packet_lifetime: optional_number(&fields, "maxPacketLifetime")?,
            max_retransmits: optional_number(&fields, "maxRetransmits")?,
            protocol: optional_text(&fields, "protocol")?,
        })
    }

    pub(super) fn write(&self, message: MapWriter) -> MapWriter {
        // Spec: O-113 ('dc-parameters' Message)
        let map = MapWriter::default().uint("id", self.id.into());
        // Spec: O-114 ('dc-parameters' Message)
        let map = write_text(map, "label", self.label.as_deref());
        // Spec: O-115 ('dc-parameters' Message)
        let map = match self.ordered {
            Some(ordered) => map.boolean("ordered", ordered),
            None => map,
        };
        // Spec: O-116 ('dc-parameters' Message)
        let map = write_number(map, "maxPacketLifetime", self.max_packet_lifetime);
        // Spec: O-117 ('dc-parameters' Message)
        let map = write_number(map, "maxRetransmits", self.max_retransmits);
        // Spec: O-118 ('dc-parameters' Message)
        let map = write_text(map, "protocol", self.protocol.as_deref());
        // Spec: O-111 ('dc-parameters' Message)
        message.raw("parameters", &map.finish())
    }

    pub(super) fn size(&self) -> usize {
        [&self.label, &self.protocol].into_iter().flatten().map(String::len).sum()
    }
}

impl fmt::Debug for DataChannelParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataChannelParameters({})", self.id)
    }
}

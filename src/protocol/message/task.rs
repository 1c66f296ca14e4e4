//! Messages that a task defines: a map with a type and whatever else the task wants.

use std::fmt;

use bytes::Bytes;

use super::Payload;
use super::fields::{Fields, Layout, MapWriter, MessageError};

/// A message of a task, as its serialised MessagePack map.
#[derive(Clone)]
pub struct TaskMessage {
    map: Bytes,
    layout: Layout,
}

impl PartialEq for TaskMessage {
    fn eq(&self, other: &Self) -> bool {
        self.map == other.map
    }
}

impl Eq for TaskMessage {}

impl TaskMessage {
    /// Message types that belong to the protocol itself, and that no task can use for its own
    /// messages once the handshake is over.
    pub const RESERVED_TYPES: [&str; 2] = ["application", "close"];

    /// A message with the type `kind`, which is not a reserved one, and one more field.
    pub(crate) fn with_field(kind: &str, name: &str, value: &Payload) -> Self {
        let map = MapWriter::message(kind).raw(name, value.as_msgpack()).finish();
        Self::parse(map.into()).expect("a map with two different names")
    }

    /// A message that is already serialised: a MessagePack map with text keys, among them `type`
    /// with a text that is not a type of the protocol itself.
    pub fn from_msgpack(map: impl Into<Bytes>) -> Result<Self, MessageError> {
        let message = Self::parse(map.into())?;
        if Self::RESERVED_TYPES.contains(&message.kind()) {
            return Err(message.fields().unexpected());
        }
        Ok(message)
    }

    /// A message of whatever type.
    pub(crate) fn parse(map: Bytes) -> Result<Self, MessageError> {
        let layout = Fields::parse(&map)?.layout(&map);
        Ok(Self { map, layout })
    }

    /// The serialised map, to share it.
    pub(crate) const fn bytes(&self) -> &Bytes {
        &self.map
    }

    /// The serialised map, with `type`.
    pub fn as_msgpack(&self) -> &[u8] {
        &self.map
    }

    /// The type of the message.
    pub fn kind(&self) -> &str {
        self.layout.kind(&self.map)
    }

    /// The value of a field, if the message has it.
    pub fn field(&self, name: &str) -> Option<Payload> {
        self.fields().optional(name).map(|value| Payload::from_value(&self.map, value))
    }

    /// The message taken apart.
    pub(crate) fn fields(&self) -> Fields<'_> {
        self.layout.fields(&self.map)
    }
}

impl fmt::Debug for TaskMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskMessage({} bytes)", self.map.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_does_not_show_in_debug_output() {
        let message = TaskMessage::with_field("move", "to", &Payload::from_text("secret"));
        assert_eq!(
            (message.kind(), message.field("to")),
            ("move", Some(Payload::from_text("secret")))
        );
        let text = format!("{message:?}");
        assert!(!text.contains("secret") && !text.contains("move"), "{text}");
    }
}

//! The Relayed Data task: the application's data travels through the server, end-to-end encrypted.

use super::event::TaskEvent;
use crate::protocol::client::{Client, Outgoing, SendFailure};
use crate::protocol::message::{Payload, TaskData, TaskMessage};
use crate::protocol::{Role, Task, TaskError, TaskOutput};

/// The name of the task.
// Spec: R-001 (Task Protocol Name)
pub const NAME: &str = "v0.relayed-data.tasks.saltyrtc.org";

const DATA: &str = "data";
const PAYLOAD: &str = "p";

/// The Relayed Data task (Task-RelayedData). It has no state.
#[derive(Debug, Clone, Copy, Default)]
pub struct RelayedData;

impl RelayedData {
    /// The message that carries `payload`.
    pub fn message(payload: &Payload) -> TaskMessage {
        // Spec: R-009 R-010 ('data' messages)
        TaskMessage::with_field(DATA, PAYLOAD, payload)
    }

    /// The same, ready to be [sent](Client::send).
    pub fn outgoing(payload: &Payload) -> Outgoing {
        let value = payload.as_msgpack();
        Outgoing::bulk(NAME, DATA, value.len(), |map| map.raw(PAYLOAD, value))
    }

    /// A message with bytes, ready to be sent. They are copied once.
    pub fn outgoing_bytes(bytes: &[u8]) -> Outgoing {
        Outgoing::bulk(NAME, DATA, bytes.len(), |map| map.binary(PAYLOAD, bytes))
    }

    /// A message with text, ready to be sent. It is copied once.
    pub fn outgoing_text(text: &str) -> Outgoing {
        Outgoing::bulk(NAME, DATA, text.len(), |map| map.text(PAYLOAD, text))
    }
}

/// Sends `payload` to the peer of `client`.
///
/// # Errors
///
/// [`SendFailure::OtherTask`] if another task runs, and whatever
/// [`Client::send_application`] says.
// Spec: R-004 (Client-to-Client Messages)
// Spec: R-008 ('data' messages)
pub fn send(client: &mut Client<impl TaskOutput>, payload: &Payload) -> Result<(), SendFailure> {
    // Spec: R-003 (Message Structure)
    // Spec: R-015 (Sending a Message)
    client.send(RelayedData::outgoing(payload))
}

impl Task<TaskEvent> for RelayedData {
    fn name(&self) -> &str {
        NAME
    }

    fn data(&self) -> TaskData {
        // Spec: R-002 (Task Data)
        TaskData::NIL
    }

    /// The specification says `nil`; the JavaScript implementation sends an empty map. The data has
    /// no meaning, so any is accepted.
    fn start(&mut self, _role: Role, _peer_data: &TaskData) -> Result<(), TaskError> {
        Ok(())
    }

    // Spec: R-007 (Client-to-Client Messages)
    fn has_free_messages(&self) -> bool {
        false
    }

    fn data_type(&self) -> Option<&'static str> {
        Some(DATA)
    }

    fn handle_message(&mut self, message: TaskMessage) -> Result<Option<TaskEvent>, TaskError> {
        // Spec: R-019 (Receiving a Message)
        if message.kind() != DATA {
            let kind: String = message.kind().chars().take(64).collect();
            return Err(TaskError::new(format_args!(
                "{kind:?} is not a message of the Relayed Data task"
            )));
        }
        let payload = message.field(PAYLOAD);
        // Spec: R-011 ('data' messages)
        let payload = payload
            .ok_or_else(|| TaskError::new(format_args!("{DATA:?} lacks the field {PAYLOAD:?}")))?;
        // Spec: R-012 ('data' messages)
        // Spec: R-018 (Receiving a Message)
        Ok(Some(TaskEvent::Data(payload)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Covers R-001 R-002.
    #[test]
    fn name_and_data_are_those_of_the_specification() {
        assert_eq!(RelayedData.name(), "v0.relayed-data.tasks.saltyrtc.org");
        assert_eq!(RelayedData.data().as_map(), None);
        let empty_map = TaskData::from_map(vec![0x80]).unwrap();
        assert_eq!(RelayedData.start(Role::Initiator, &empty_map), Ok(()));
        assert_eq!(RelayedData.start(Role::Responder, &TaskData::NIL), Ok(()));
    }

    /// Covers R-010 R-011 R-012 R-018.
    #[test]
    fn payload_travels_in_p_and_may_be_nil() {
        for value in [vec![0xc0], vec![0x01], vec![0xa1, b'x'], vec![0xc4, 1, 0], vec![0x80]] {
            let payload = Payload::from_msgpack(value).unwrap();
            let event = RelayedData.handle_message(RelayedData::message(&payload));
            assert_eq!(event, Ok(Some(TaskEvent::Data(payload))));
        }
        let without_p = TaskMessage::with_field("data", "q", &Payload::from_text("x"));
        assert!(RelayedData.handle_message(without_p).unwrap_err().to_string().contains("\"p\""));
    }

    /// Covers R-007 R-019.
    #[test]
    fn other_message_types_are_errors() {
        let other = TaskMessage::with_field("offer", "p", &Payload::from_text("x"));
        assert!(RelayedData.handle_message(other).unwrap_err().to_string().contains("offer"));
    }
}

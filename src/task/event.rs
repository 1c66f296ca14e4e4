//! What the tasks of this library tell the application.

use super::ortc::OrtcMessage;
use super::webrtc::{Candidate, Candidates, SessionDescription};
use super::{ChannelEvent, ConnectionEvent};
use crate::protocol::TaskOutput;
use crate::protocol::message::{Payload, TaskMessage};

/// What a task tells the application.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskEvent {
    /// Relayed Data: the peer sent this.
    Data(Payload),
    /// A custom task: the peer sent this message.
    Message(TaskMessage),
    /// WebRTC, responder: the initiator sent an offer. Set it as remote description, make an answer and
    /// send that.
    Offer(SessionDescription),
    /// WebRTC, initiator: the responder sent an answer. Set it as remote description.
    Answer(SessionDescription),
    /// WebRTC: the peer sent ICE candidates, at least one. Add each of them to the connection; `None`
    /// says that there are no more.
    Candidates(Vec<Option<Candidate>>),
    /// ORTC: the peer sent this for the application's objects.
    Ortc(OrtcMessage),
    /// Built-in WebRTC: something happened to the connection to the peer.
    Connection(ConnectionEvent),
    /// Built-in WebRTC: something happened to a channel.
    Channel(ChannelEvent),
}

impl TaskOutput for TaskEvent {
    fn payload_size(&self) -> usize {
        match self {
            Self::Data(payload) => payload.as_msgpack().len(),
            Self::Message(message) => message.as_msgpack().len(),
            Self::Offer(description) | Self::Answer(description) => description.size(),
            Self::Candidates(candidates) => Candidates::size_of(candidates),
            Self::Ortc(message) => message.size(),
            Self::Connection(_) => 0,
            Self::Channel(event) => event.payload_size(),
        }
    }
}

//! The interface between the client state machine and the task that two clients agree on.

use std::fmt;

use super::Role;
use super::message::{TaskData, TaskMessage};

/// What tasks tell the application: a type of the layer above, so that the protocol need not know what tasks
/// there are. All tasks of a client use the same one; for those of this library it is
/// [`TaskEvent`](crate::task::TaskEvent).
pub trait TaskOutput: Send + fmt::Debug {
    /// How many bytes of memory it takes because of what the peer sent. Nothing more is read from the peer
    /// while too much of it waits for the application.
    fn payload_size(&self) -> usize;
}

/// What two clients do once they have authenticated each other (protocol, *Tasks*).
///
/// A client offers tasks in order of preference. The one that both have is started, gets the
/// messages that the protocol itself does not know, and turns them into events. Like everything in
/// this layer a task does no I/O. `E` is what it tells the application.
pub trait Task<E>: Send + fmt::Debug {
    /// The name that the peers negotiate, for example `v0.relayed-data.tasks.saltyrtc.org`.
    fn name(&self) -> &str;

    /// What to tell the peer's task in 'auth'.
    ///
    /// A responder is asked before anything is known about the peer, an initiator after
    /// [`start`](Self::start), so that its answer can reflect what the responder wants.
    // Spec: P-261 ('auth' Message)
    fn data(&self) -> TaskData;

    /// Whether the task can be started with what the peer's task said in 'auth'. It is asked before
    /// [`start`](Self::start), perhaps while the task runs with another peer, which the new one is to replace.
    ///
    /// # Errors
    ///
    /// Those of [`start`](Self::start).
    fn check(&self, _peer_data: &TaskData) -> Result<(), TaskError> {
        Ok(())
    }

    /// The task was chosen, our client has the role `role`, and `peer_data` is what the peer's task said
    /// in 'auth'.
    ///
    /// Called again if the peer re-joins; everything about the previous peer has to be forgotten.
    ///
    /// # Errors
    ///
    /// What is wrong with `peer_data`. It is treated as a protocol error of the peer.
    fn start(&mut self, role: Role, peer_data: &TaskData) -> Result<(), TaskError>;

    /// A message of the peer that is neither 'application' nor 'close', nor the 'handover' of a task
    /// that has a [`signalling_channel`](Self::signalling_channel). `None` if the application need not
    /// know of it.
    ///
    /// # Errors
    ///
    /// What is wrong with the message. It is treated as a protocol error of the peer.
    fn handle_message(&mut self, message: TaskMessage) -> Result<Option<E>, TaskError>;

    /// Whether [`Client::send_task_message`](super::client::Client::send_task_message) sends whatever
    /// message the application makes. `false` for a task that has functions of its own for sending,
    /// which know what may be sent when.
    fn has_free_messages(&self) -> bool {
        true
    }

    /// The type of the messages that carry data of the application and nothing else, if the task has such
    /// messages. They count as bulk data and not as signalling ([`Content`](crate::crypto::Content)).
    fn data_type(&self) -> Option<&'static str> {
        None
    }

    /// The data channel that the signalling can be handed over to, once the task was started. `None`
    /// if the peers did not agree on a handover, or if the task has no such thing; 'handover' is then
    /// a message like any other, which a WebRTC task has to refuse.
    fn signalling_channel(&self) -> Option<SignallingChannel> {
        None
    }

    /// The task is over: the peer left, or the connection ended. Not called if
    /// [`start`](Self::start) failed.
    fn stop(&mut self) {}
}

/// What a task finds wrong with what its peer sent. The text is for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskError(String);

impl TaskError {
    /// An error with this text.
    pub fn new(text: impl fmt::Display) -> Self {
        Self(text.to_string())
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TaskError {}

/// The data channel that the signalling is handed over to (Task-WebRTC, *Signalling Channel Handover*).
/// Whoever makes it sets `ordered` and `negotiated` to true, and nothing else but what is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignallingChannel {
    /// The id of the channel, the same at both ends.
    pub id: u16,
    /// The label. It does not travel, as the channel is negotiated.
    pub label: &'static str,
    /// The subprotocol. It does not travel either.
    pub protocol: &'static str,
    /// How messages are put on the channel.
    pub framing: ChannelFraming,
}

/// How messages of the signalling are put on the data channel that it is handed over to. Sizes of chunks are in
/// bytes, header included, and limit what the transport takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelFraming {
    /// All are cut into chunks, of at most `max` bytes each.
    Chunks {
        /// The most bytes in a chunk.
        max: usize,
    },
    /// All are sent as they are.
    Whole,
    /// The sender decides: as they are if its transport takes messages of any size, and in chunks of at most `max`
    /// bytes otherwise. The receiver takes both.
    AsTransportTakes {
        /// The most bytes in a chunk.
        max: usize,
    },
}

//! The interface between the client state machine and the task that two clients agree on.

use std::fmt;

use super::message::{Payload, TaskData, TaskMessage};

/// What two clients do once they have authenticated each other (protocol, *Tasks*).
///
/// A client offers tasks in order of preference. The one that both have is started, gets the
/// messages that the protocol itself does not know, and turns them into events. Like everything in
/// this layer a task does no I/O.
pub trait Task: Send + fmt::Debug {
    /// The name that the peers negotiate, for example `v0.relayed-data.tasks.saltyrtc.org`.
    fn name(&self) -> &str;

    /// What to tell the peer's task in 'auth'.
    ///
    /// A responder is asked before anything is known about the peer, an initiator after
    /// [`start`](Self::start), so that its answer can reflect what the responder wants.
    fn data(&self) -> TaskData;

    /// The task was chosen, and `peer_data` is what the peer's task said in 'auth'.
    ///
    /// Called again if the peer re-joins; everything about the previous peer has to be forgotten.
    ///
    /// # Errors
    ///
    /// A text that says what is wrong with `peer_data`. It is treated as a protocol error of the peer.
    fn start(&mut self, peer_data: &TaskData) -> Result<(), String>;

    /// A message of the peer that is neither 'application' nor 'close'.
    ///
    /// # Errors
    ///
    /// A text that says what is wrong with the message. It is treated as a protocol error of the peer.
    fn handle_message(&mut self, message: TaskMessage) -> Result<TaskEvent, String>;
}

/// What a task tells the application.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskEvent {
    /// Relayed Data: the peer sent this.
    Data(Payload),
    /// A custom task: the peer sent this message.
    Message(TaskMessage),
}

//! Tasks that the application defines itself: a name, optional data, and messages in MessagePack.

use std::fmt;

use super::event::TaskEvent;
use crate::protocol::message::{TaskData, TaskMessage};
use crate::protocol::{Role, Task, TaskError};

/// Why a custom task cannot have a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomTaskError(String);

impl fmt::Display for CustomTaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CustomTaskError {}

/// A task of the application's own. The library negotiates its name and passes its messages through.
#[derive(Debug, Clone)]
pub struct CustomTask {
    name: String,
    data: TaskData,
}

impl CustomTask {
    /// The longest name, in bytes of UTF-8.
    pub const MAX_NAME: usize = 255;

    /// A task called `name` that sends `data` to its peer in 'auth'. The name should be as specific as
    /// a domain name, for example `v1.chess.tasks.example.org`, and has to be the same at both ends.
    pub fn new(name: impl Into<String>, data: TaskData) -> Result<Self, CustomTaskError> {
        let name = name.into();
        if name.is_empty() || name.len() > Self::MAX_NAME {
            return Err(CustomTaskError(format!(
                "a task name has 1 to {} bytes, not {}",
                Self::MAX_NAME,
                name.len()
            )));
        }
        Ok(Self { name, data })
    }
}

impl Task<TaskEvent> for CustomTask {
    fn name(&self) -> &str {
        &self.name
    }

    fn data(&self) -> TaskData {
        self.data.clone()
    }

    fn start(&mut self, _role: Role, _peer_data: &TaskData) -> Result<(), TaskError> {
        Ok(())
    }

    fn handle_message(&mut self, message: TaskMessage) -> Result<Option<TaskEvent>, TaskError> {
        Ok(Some(TaskEvent::Message(message)))
    }
}

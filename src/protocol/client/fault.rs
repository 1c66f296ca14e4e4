//! What the server or the authenticated peer can do wrong.

use std::fmt;

use crate::chunking::ChunkError;
use crate::crypto::OpenError;
use crate::protocol::message::MessageError;
use crate::protocol::{NonceError, SecureChannelError, TaskError};

/// What is wrong with something that was received. The text goes to the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ProtocolFault {
    Nonce(NonceError),
    Open(OpenError),
    Message(MessageError),
    Task(TaskError),
    Chunk(ChunkError),
    SecureChannel(SecureChannelError),
    /// A message over the server after the peer's 'handover'.
    AfterHandover,
    /// A message over the data channel that is larger than `limit` bytes.
    ChannelMessageTooLarge {
        size: usize,
        limit: usize,
    },
    /// More messages were begun over the data channel than can be put together.
    TooManyIncomplete,
    /// More came over the data channel than is kept, which is `limit` bytes.
    ChannelFlooded {
        limit: usize,
        handed_over: bool,
    },
    /// A 'send-error' about a message that this client has not sent.
    ForeignSendError,
    /// A message that the server sends to the other role only.
    OtherRole(&'static str),
}

impl fmt::Display for ProtocolFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nonce(error) => error.fmt(f),
            Self::Open(error) => error.fmt(f),
            Self::Message(error) => error.fmt(f),
            Self::Task(error) => error.fmt(f),
            Self::Chunk(error) => error.fmt(f),
            Self::SecureChannel(error) => error.fmt(f),
            Self::AfterHandover => f.write_str("it went on over the server after its 'handover'"),
            Self::ChannelMessageTooLarge { size, limit } => {
                write!(f, "a message has {size} bytes, and {limit} are allowed")
            }
            Self::TooManyIncomplete => f.write_str("it began more messages than there is room for"),
            Self::ChannelFlooded { limit, handed_over: true } => write!(
                f,
                "it sent more over the data channel than this application takes; have it take its \
                 events faster, or set a higher limit ({limit} bytes)"
            ),
            Self::ChannelFlooded { limit, handed_over: false } => write!(
                f,
                "it sent more over the data channel before its 'handover' than is kept ({limit} bytes)"
            ),
            Self::ForeignSendError => {
                f.write_str("'send-error' is about a message that was not sent here")
            }
            Self::OtherRole(message) => {
                write!(f, "{message:?} is for the other role, and was sent to this client")
            }
        }
    }
}

impl From<NonceError> for ProtocolFault {
    fn from(error: NonceError) -> Self {
        Self::Nonce(error)
    }
}

impl From<OpenError> for ProtocolFault {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<MessageError> for ProtocolFault {
    fn from(error: MessageError) -> Self {
        Self::Message(error)
    }
}

impl From<TaskError> for ProtocolFault {
    fn from(error: TaskError) -> Self {
        Self::Task(error)
    }
}

impl From<ChunkError> for ProtocolFault {
    fn from(error: ChunkError) -> Self {
        Self::Chunk(error)
    }
}

impl From<SecureChannelError> for ProtocolFault {
    fn from(error: SecureChannelError) -> Self {
        Self::SecureChannel(error)
    }
}

//! Why something could not be sent.

use std::fmt;

/// Why something could not be sent. Nothing was sent, and nothing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendFailure {
    /// There is no authenticated peer.
    NoPeer,
    /// The connection is closed or being closed.
    Closed,
    /// The message would have `size` bytes on the wire, and `limit` is the most that is allowed.
    TooLarge {
        /// Bytes that the message would have.
        size: usize,
        /// Bytes that it may have.
        limit: usize,
    },
    /// Too much is waiting to be sent. [`Event::Writable`](super::Event::Writable) follows when there is room.
    QueueFull,
    /// The two clients agreed on another task.
    OtherTask {
        /// The task that is running.
        running: String,
    },
    /// The call is for the other role.
    OtherRole,
    /// The two clients did not agree on handing the signalling over to a data channel.
    NoHandover,
    /// The signalling was handed over already.
    HandedOver,
    /// A data channel whose messages can have at most `limit` bytes cannot carry the signalling.
    ChannelTooNarrow {
        /// Bytes that a message of the channel may have.
        limit: usize,
    },
}

impl fmt::Display for SendFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPeer => f.write_str("there is no peer yet: wait until its handshake is done"),
            Self::Closed => f.write_str("the connection is closed"),
            Self::TooLarge { size, limit } => write!(
                f,
                "the message would have {size} bytes on the wire and the limit is {limit}: send \
                 the data in several messages"
            ),
            Self::QueueFull => f.write_str(
                "too much data is waiting to be sent: wait for the event that there is room again",
            ),
            Self::OtherTask { running } => {
                write!(f, "this cannot be sent with the task {running:?} that is running")
            }
            Self::OtherRole => f.write_str(
                "this is for the other role: only an initiator sends offers, invites and drops \
                 responders, and only a responder sends answers",
            ),
            Self::NoHandover => f.write_str(
                "the two clients did not agree on handing the signalling over to a data channel: it \
                 takes a WebRTC task with the handover turned on in both of them, and an id for the \
                 channel that neither excludes",
            ),
            Self::HandedOver => {
                f.write_str("the signalling was handed over to the data channel already")
            }
            Self::ChannelTooNarrow { limit } => write!(
                f,
                "a data channel whose messages have at most {limit} bytes cannot carry the \
                 signalling: pass the largest message size of the peer connection"
            ),
        }
    }
}

impl std::error::Error for SendFailure {}

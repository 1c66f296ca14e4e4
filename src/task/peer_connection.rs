//! What the built-in WebRTC engine tells the application.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use super::failures::{ChannelFailure, ConnectionFailure, ConnectionProblem};

/// How a connection to the peer is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionState {
    /// The two sides have not told each other yet how they can be reached.
    New,
    /// ICE is looking for a path to the peer, or the DTLS and SCTP handshakes are going on.
    Connecting,
    /// Channels can be used.
    Connected,
    /// The peer has not answered for a while. This may pass by itself; channels keep what is sent.
    Disconnected,
    /// No path to the peer was found, or it was lost for 30 seconds and longer. Before the handover the
    /// initiator can try again with `restart_ice`; after it there is no way left to the peer, and the
    /// client is closed.
    Unreachable,
    /// The connection cannot be used any more, for this reason.
    Failed(ConnectionFailure),
    /// It has ended: the peer closed it, or left.
    Closed,
}

impl ConnectionState {
    /// Whether nothing follows for this connection. There may be another one later.
    pub const fn is_end(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Closed)
    }
}

impl fmt::Display for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "waiting for the peer to say how it can be reached",
            Self::Connecting => "connecting to the peer",
            Self::Connected => "connected to the peer",
            Self::Disconnected => "the peer does not answer at the moment",
            Self::Unreachable => {
                "no path to the peer was found, or it was lost: check the network of both sides, and \
                 that a TURN server is configured if neither can be reached from outside"
            }
            Self::Failed(reason) => {
                return write!(f, "the connection to the peer failed: {reason}");
            }
            Self::Closed => "the connection to the peer has ended",
        })
    }
}

/// Something that happened to the connection to the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionEvent {
    /// The connection has another state now.
    State(ConnectionState),
    /// Something cannot be used, for example an ICE server or a candidate of the peer, and the connection
    /// goes on without it.
    Problem(ConnectionProblem),
}

/// How long it is tried to deliver a message of a channel before it is given up: `maxRetransmits` and
/// `maxPacketLifeTime` of an `RTCDataChannel`, of which there can be one at most (RFC 3758).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reliability {
    /// Until it has arrived: nothing is ever given up.
    #[default]
    Reliable,
    /// Until it was sent again this many times. With 0 it is sent once.
    MaxRetransmits(u16),
    /// Until this much time has passed since it was given to the channel, in whole milliseconds, of which
    /// there can be `u32::MAX`.
    MaxLifetime(Duration),
}

/// Something that happened to a channel. Its number is the library's own, and never used twice by a
/// client.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelEvent {
    /// The channel can be used.
    Opened {
        /// The number of the channel.
        channel: u32,
        /// Its name.
        label: String,
        /// The subprotocol that is spoken on it, as named by the side that opened it. May be empty.
        protocol: String,
        /// Whether messages arrive in the order that they were sent in.
        ordered: bool,
        /// Whether messages can get lost.
        reliability: Reliability,
        /// Whether messages are encrypted with the keys of the two clients, inside the encryption of
        /// WebRTC.
        secure: bool,
        /// Whether the peer opened it.
        by_peer: bool,
    },
    /// A message of the peer.
    Message {
        /// The number of the channel.
        channel: u32,
        /// Whether the peer says that it is text; it is then valid UTF-8. Never on a secure channel,
        /// where there are bytes only.
        text: bool,
        /// The message, which may be empty.
        data: Bytes,
    },
    /// What waits to be sent has fallen to the low-water mark of the channel; or after a message was
    /// refused because too much was waiting, to half of what may wait.
    LowWater {
        /// The number of the channel.
        channel: u32,
    },
    /// The channel is closed, or could not be opened. Nothing follows for it.
    Closed {
        /// The number of the channel.
        channel: u32,
        /// What went wrong; `None` if one of the two sides closed the channel as it may.
        error: Option<ChannelFailure>,
    },
}

/// Leaves out what the peer said, so that it gets into no log.
impl fmt::Debug for ChannelEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { channel, secure, by_peer, .. } => f
                .debug_struct("Opened")
                .field("channel", channel)
                .field("secure", secure)
                .field("by_peer", by_peer)
                .finish_non_exhaustive(),
            Self::Message { channel, text, data } => {
                let kind = if *text { "text" } else { "binary" };
                write!(f, "Message({channel}, {kind}, {} bytes)", data.len())
            }
            Self::LowWater { channel } => write!(f, "LowWater({channel})"),
            Self::Closed { channel, error } => {
                f.debug_struct("Closed").field("channel", channel).field("error", error).finish()
            }
        }
    }
}

impl ChannelEvent {
    /// Bytes of memory that the event takes because of what the peer sent.
    pub(crate) fn payload_size(&self) -> usize {
        match self {
            Self::Opened { label, protocol, .. } => label.len() + protocol.len(),
            Self::Message { data, .. } => data.len(),
            Self::LowWater { .. } | Self::Closed { .. } => 0,
        }
    }
}

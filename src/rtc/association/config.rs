//! What an association and its channels are made with.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::protocol::{BROWSER_MAX_MESSAGE_SIZE, UNANNOUNCED_MAX_MESSAGE_SIZE};
pub use crate::task::Reliability;
use crate::task::{ChannelFailure, ConnectionFailure};

/// Which side of the DTLS handshake this is (`a=setup` in SDP). It also decides who of the two
/// chooses even channel ids (the client) and who odd ones (RFC 8832 section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DtlsRole {
    /// Begins the handshake (`active`).
    Client,
    /// Waits for the peer to begin (`passive`).
    Server,
}

/// The limits of an association. [`Default`] is good for anything but special needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SctpConfig {
    /// Our SCTP port (`a=sctp-port`). Default: 5000.
    pub port: u16,
    /// The peer's SCTP port. Default: 5000.
    pub remote_port: u16,
    /// The largest message that we take, in bytes: what we announce as `a=max-message-size`. The
    /// peer can make us hold about twice as much. Default: 262,144.
    pub max_message_size: usize,
    /// The largest message that the peer takes, in bytes: its `a=max-message-size`; 0 if it set no
    /// limit. Default: [`UNANNOUNCED_MAX_MESSAGE_SIZE`].
    pub remote_max_message_size: usize,
    /// The largest datagram sent, in bytes of UDP payload, everything included. Default: 1200;
    /// less than 460 counts as 460, more than 65,000 as that.
    pub mtu: usize,
    /// How many bytes of messages may wait to be sent, over all channels; one message more than that
    /// is taken. Default: 2 MiB.
    pub send_buffer: usize,
    /// How many bytes of received messages are held, complete or not, before the peer has to pause.
    /// Default: 4 MiB; never less than twice `max_message_size`.
    pub receive_buffer: usize,
    /// How long it may take until the association is connected. Default: two minutes, which lets a handshake
    /// survive an ICE restart.
    pub setup_timeout: Duration,
}

impl Default for SctpConfig {
    fn default() -> Self {
        Self {
            port: 5000,
            remote_port: 5000,
            max_message_size: BROWSER_MAX_MESSAGE_SIZE,
            remote_max_message_size: UNANNOUNCED_MAX_MESSAGE_SIZE,
            mtu: 1200,
            send_buffer: 2 << 20,
            receive_buffer: 4 << 20,
            setup_timeout: Duration::from_secs(120),
        }
    }
}

/// A channel of an association: its SCTP stream (0 to 65,534).
///
/// The number of a channel is used again after its [`ChannelClosed`](AssociationEvent::ChannelClosed).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub(super) u16);

impl ChannelId {
    /// The number, which is the `id` of an `RTCDataChannel`.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The settings of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelConfig {
    /// A name of the application's choice, up to 65,535 bytes.
    pub label: String,
    /// The name of the subprotocol that is spoken on the channel, up to 65,535 bytes; may be empty.
    pub protocol: String,
    /// Whether messages arrive in the order they were sent in.
    pub ordered: bool,
    /// How long it is tried to deliver a message before it is given up.
    pub reliability: Reliability,
    /// `Some(id)` (0 to 65,534): both sides open the channel with this id and nothing is sent to
    /// open it. `None`: the peer is asked to open the other end, and the id is chosen.
    pub negotiated: Option<u16>,
}

impl Default for ChannelConfig {
    fn default() -> Self {
        Self {
            label: String::new(),
            protocol: String::new(),
            ordered: true,
            reliability: Reliability::Reliable,
            negotiated: None,
        }
    }
}

/// Whether a message is bytes or text. It makes a difference to the peer's application only; text is
/// not checked for being UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// Any bytes.
    Binary,
    /// UTF-8.
    Text,
}

/// What has happened to an association.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssociationEvent {
    /// The peer has proven to be the owner of its certificate and can be talked to.
    Connected,
    /// Both sides have the channel. Messages may be sent earlier, as soon as
    /// [`open`](super::Association::open) has returned.
    ChannelOpened {
        /// The channel.
        id: ChannelId,
        /// Its settings.
        config: ChannelConfig,
        /// Whether the peer opened it. `false` if we did, or if it is negotiated.
        by_peer: bool,
    },
    /// A message of the peer.
    Message {
        /// The channel.
        id: ChannelId,
        /// Bytes or text.
        kind: MessageKind,
        /// The message, which can be empty.
        data: Bytes,
    },
    /// The channel has room again: what waits to be sent has fallen to the low-water mark, or
    /// [`SendError::QueueFull`] no longer holds.
    LowWater {
        /// The channel.
        id: ChannelId,
    },
    /// The channel is closed in both directions. Comes once for every channel that was opened,
    /// also before `Failed` and `Ended`.
    ChannelClosed {
        /// The channel.
        id: ChannelId,
        /// Why, unless one of the sides closed it.
        error: Option<ChannelFailure>,
    },
    /// The association is unusable, and why. Nothing else follows.
    Failed(ConnectionFailure),
    /// The peer or [`shutdown`](super::Association::shutdown) ended the association. Nothing else
    /// follows.
    Ended,
}

/// Why a message was not taken. Nothing of it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendError {
    /// There is no such channel, or it is closing.
    NotOpen,
    /// Too much is waiting to be sent. [`AssociationEvent::LowWater`] says when to try again.
    QueueFull,
    /// The message is larger than what the peer takes.
    TooLarge {
        /// The largest message that the peer takes, in bytes.
        limit: usize,
    },
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOpen => f.write_str("the channel is not open"),
            Self::QueueFull => f.write_str(
                "too much is waiting to be sent on the peer-to-peer connection: wait for the \
                 low-water event",
            ),
            Self::TooLarge { limit } => {
                write!(f, "the message is larger than the {limit} bytes that the peer takes")
            }
        }
    }
}

impl std::error::Error for SendError {}

//! What a client tells its application.

use super::end::Closed;
use crate::crypto::PublicKey;
use crate::protocol::message::{Payload, TaskData};
use crate::protocol::{Address, ChannelTransmit, DropReason, ResponderAddress, TaskOutput};

/// Something that happened. Events come in the order in which things happened. `E` is what tasks tell.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<E> {
    /// The server accepted us.
    ServerHandshakeDone {
        /// Our address on the path.
        address: Address,
        /// Whether somebody of the other role is on the path already.
        peer_present: bool,
        /// Whether the server proved to have the permanent key that we know. `false` if we know none.
        server_verified: bool,
    },
    /// Initiator: a responder is on the path. It is not authenticated yet, and may never be.
    ResponderJoined(ResponderAddress),
    /// Initiator: a responder that was not authenticated left the path, or was dropped from it without having
    /// failed: it was silent for too long, or another one is the peer.
    ResponderLeft(ResponderAddress),
    /// Responder: an initiator came onto the path. It is not authenticated yet.
    InitiatorJoined,
    /// Initiator: a responder has used the token, which is worthless from now on, even if the handshake with
    /// that responder fails. To let another responder in, issue a new one.
    TokenUsed,
    /// Initiator: a responder failed to authenticate itself and was dropped. The client goes on
    /// waiting.
    ResponderFailed {
        /// The responder.
        address: ResponderAddress,
        /// The close code that it was dropped with.
        reason: DropReason,
        /// What was wrong.
        text: String,
    },
    /// The clients have authenticated each other, and the task takes over.
    PeerHandshakeDone {
        /// The address of the peer.
        address: Address,
        /// The peer's public permanent key. To trust the peer from now on, store it.
        // Spec: P-272 ('auth' Message)
        peer_key: PublicKey,
        /// The name of the task.
        task: String,
        /// What the peer's task told ours.
        task_data: TaskData,
    },
    /// The peer's application sent this beside the task.
    Application(Payload),
    /// The task tells something.
    Task(E),
    /// A message to this client was lost, because it is not reachable any more.
    SendError(Address),
    /// The peer is not there any more: the authenticated one or, while there is none, somebody of the
    /// other role who was on the path. Everything about it is forgotten; if it comes back there is a new
    /// handshake.
    PeerLeft {
        /// The address that the peer had.
        address: Address,
        /// How we know.
        how: PeerLeft,
        /// Whether a new handshake can succeed. If not: issue a new token (initiator), or trust the
        /// peer (both), or connect again with a new invitation (responder).
        can_rejoin: bool,
    },
    /// There is room again after [`SendFailure::QueueFull`](super::SendFailure::QueueFull).
    Writable,
    /// What [waits to be sent](super::Client::buffered_amount) has fallen to the
    /// [mark](super::Client::set_low_water).
    LowWater,
    /// Do this with the data channel that the signalling was handed over to. Comes only after a
    /// successful [`Client::hand_over`](super::Client::hand_over).
    SignallingChannel(ChannelTransmit),
    /// Both clients have handed the signalling over to the data channel. The connection to the server
    /// is being closed, which ends nothing any more; the end of the data channel does.
    HandedOver,
    /// The connection has ended. This is the last event.
    Closed(Closed),
}

impl<E: TaskOutput> Event<E> {
    /// Bytes of application data in the event.
    pub(super) fn payload_size(&self) -> usize {
        match self {
            Self::Application(payload) => payload.as_msgpack().len(),
            Self::Task(event) => event.payload_size(),
            Self::PeerHandshakeDone { task_data, .. } => task_data.as_map().map_or(0, <[u8]>::len),
            _ => 0,
        }
    }
}

/// How we know that the peer left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerLeft {
    /// The server says that the peer disconnected.
    Disconnected,
    /// A message could not be delivered to the peer.
    Unreachable,
    /// Somebody else has the peer's address now, or has authenticated itself while the peer was there; it may well
    /// be the peer itself, coming back.
    Replaced,
    /// Initiator: the application dropped it.
    Dropped,
}

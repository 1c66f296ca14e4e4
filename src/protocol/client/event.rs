//! What a client tells its application.

use std::fmt;

use crate::crypto::PublicKey;
use crate::protocol::message::{Payload, TaskData};
use crate::protocol::{Address, ChannelTransmit, CloseCode, DropReason, ResponderAddress};
use crate::task::TaskEvent;
use crate::task::webrtc::{Candidates, SdpType};

/// Something that happened. Events come in the order in which things happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
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
    /// Initiator: a responder that was not authenticated left the path.
    ResponderLeft(ResponderAddress),
    /// Responder: an initiator came onto the path. It is not authenticated yet.
    InitiatorJoined,
    /// Initiator: the token was used and is worthless now, whatever comes of it. To let another
    /// responder in, issue a new one.
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
    /// The task has something to tell.
    Task(TaskEvent),
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
    /// There is room again after [`SendFailure::QueueFull`].
    Writable,
    /// This is to be done with the data channel that the signalling was handed over to. Comes only
    /// after a successful [`Client::hand_over`](super::Client::hand_over).
    Channel(ChannelTransmit),
    /// Both clients have handed the signalling over to the data channel. The connection to the server
    /// is being closed, which ends nothing any more; the end of the data channel does.
    HandedOver,
    /// The connection has ended. This is the last event.
    Closed(Closed),
}

impl Event {
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
    /// Somebody else has the peer's address now; it may well be the peer itself, coming back.
    Replaced,
    /// Initiator: the application dropped it.
    Dropped,
}

/// Who ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedBy {
    /// This client, asked to or because of an error that it found.
    Us,
    /// The other client, with a 'close' message.
    Peer,
    /// The server (or the initiator by way of the server), with a WebSocket close frame.
    Server,
    /// Nobody: the connection broke, or never came to be.
    Network,
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// Who ended it.
    pub by: ClosedBy,
    /// The close code: of the WebSocket if the server closed, of the 'close' message if the peer did,
    /// the one that we used if it was us. `None` if there was none.
    pub code: Option<u16>,
    /// Why.
    pub reason: EndReason,
    /// Whether connecting again in the same way may help. Not at once, and after a longer pause each
    /// time: what is in the way may stay there.
    pub retryable: bool,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.reason, f)
    }
}

/// Why a connection ended. The texts say what happened and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// We were asked to close.
    Requested,
    /// The peer closed, with this code.
    PeerClosed(CloseCode),
    /// The peer left, and the configuration says to close then.
    PeerLeft,
    /// The clients have no task in common.
    NoSharedTask,
    /// The peer broke the protocol.
    PeerProtocolError(String),
    /// The server broke the protocol.
    ServerProtocolError(String),
    /// The server does not have the permanent key that we know.
    ServerKey(String),
    /// The server or the peer thinks that we broke the protocol; [`Closed::by`] says who closed.
    AccusedOfProtocolError,
    /// The server or the initiator had an internal error.
    RemoteInternalError,
    /// All responder addresses of the path are in use.
    PathFull,
    /// Responder: the initiator does not want us, or has another peer.
    DroppedByInitiator,
    /// Initiator: another initiator with the same key took the path.
    ReplacedByInitiator,
    /// Responder: the initiator could not decrypt our first message.
    InitiatorCouldNotDecrypt,
    /// The handshake with the server took too long.
    ServerHandshakeTimeout,
    /// The handshake with the peer took too long.
    PeerHandshakeTimeout,
    /// The server gave up waiting for us.
    ServerTimeout,
    /// The server is shutting down.
    ServerGoingAway,
    /// A message was larger than the server accepts.
    MessageTooBig,
    /// A message for us was larger than our limit.
    ReceivedTooBig,
    /// The server does not speak this version of the protocol.
    NoSubprotocol,
    /// The server closed with a code that says nothing more.
    ServerClosed(Option<u16>),
    /// The connection broke.
    ConnectionLost(String),
    /// The connection never came to be. The text says why.
    ConnectFailed(String),
    /// 2^48 messages were sent to somebody; the protocol has no more numbers.
    SequenceNumbersUsedUp,
    /// The data channel ended that one or both of the clients had handed the signalling over to, and
    /// without a 'close' of the peer: it was closed, or the connection under it was lost for good.
    /// Messages that were under way may be lost. The server is not involved any more, so that only a new
    /// client leads to the peer again, on both sides; with the peer's key as a trusted one it needs no
    /// new invitation.
    SignallingChannelLost,
    /// Only one of the two clients handed the signalling over to the data channel. What that one sent
    /// afterwards may be lost.
    HandoverTimeout,
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requested => f.write_str("closed as requested"),
            Self::PeerClosed(CloseCode::GoingAway | CloseCode::Normal) => {
                f.write_str("the peer closed the connection")
            }
            Self::PeerClosed(code) => write!(f, "the peer closed the connection with code {code}"),
            Self::PeerLeft => f.write_str("the peer left the path"),
            Self::NoSharedTask => f.write_str(
                "the two clients have no task in common: add a task to one of them that the other \
                 one offers too, with exactly the same name",
            ),
            Self::PeerProtocolError(text) => write!(f, "the peer broke the protocol: {text}"),
            Self::ServerProtocolError(text) => write!(f, "the server broke the protocol: {text}"),
            Self::ServerKey(text) => write!(
                f,
                "the server is not the one with the expected permanent key ({text}): check the \
                 server's address and its public permanent key; if both are right, somebody may be \
                 in the middle"
            ),
            Self::AccusedOfProtocolError => f.write_str(
                "the server or the peer found an error in what this client sent, and ended the \
                 connection",
            ),
            Self::RemoteInternalError => {
                f.write_str("the server or the peer had an internal error; try again")
            }
            Self::PathFull => f.write_str(
                "254 other responders are on this path: try again later, or ask for a new invitation",
            ),
            Self::DroppedByInitiator => f.write_str(
                "the initiator dropped this responder: it has another peer, or does not want this \
                 one any more",
            ),
            Self::ReplacedByInitiator => f.write_str(
                "another initiator connected with the same permanent key: use each key in one \
                 place at a time",
            ),
            Self::InitiatorCouldNotDecrypt => f.write_str(
                "the initiator could not decrypt our first message: the token is wrong or was used \
                 before, or only one of the two has stored the other's key; ask for a new \
                 invitation, and if that is no help delete the stored keys on both sides",
            ),
            Self::ServerHandshakeTimeout => {
                f.write_str("the server did not complete the handshake in time; try again")
            }
            Self::PeerHandshakeTimeout => {
                f.write_str("the peer did not complete the handshake in time; try again")
            }
            Self::ServerTimeout => f.write_str(
                "the server closed the connection because it waited too long for this client",
            ),
            Self::ServerGoingAway => {
                f.write_str("the server is going away; connect again in a moment")
            }
            Self::MessageTooBig => f.write_str(
                "a message was larger than the server accepts: send smaller messages, or set a \
                 lower message size limit",
            ),
            Self::ReceivedTooBig => f.write_str(
                "a message from the peer was larger than this client accepts: have the peer send \
                 smaller messages, or set a higher message size limit",
            ),
            Self::NoSubprotocol => write!(
                f,
                "the server does not speak {}: check the server's address",
                crate::protocol::SUBPROTOCOL
            ),
            Self::ServerClosed(Some(code)) => {
                write!(f, "the server closed the connection with code {code}")
            }
            Self::ServerClosed(None) => f.write_str("the server closed the connection"),
            Self::ConnectionLost(text) => write!(f, "the connection to the server broke: {text}"),
            Self::ConnectFailed(text) => f.write_str(text),
            Self::SequenceNumbersUsedUp => {
                f.write_str("all sequence numbers are used up; connect again")
            }
            Self::SignallingChannelLost => f.write_str(
                "the connection to the peer was lost, and with it the data channel that carried the \
                 signalling: meet the peer again over the server, with a new client; if both trust each \
                 other's key they need no new invitation",
            ),
            Self::HandoverTimeout => write!(
                f,
                "only one of the two clients handed the signalling over to the data channel, and the \
                 other did not follow within {} seconds: check that both have the channel open, with \
                 the same id, and hand over then",
                super::HANDOVER_TIMEOUT.as_secs()
            ),
        }
    }
}

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
    /// Too much is waiting to be sent. [`Event::Writable`] follows when there is room.
    QueueFull,
    /// The two clients agreed on another task.
    OtherTask {
        /// The task that is running.
        running: String,
    },
    /// The call is for the other role.
    OtherRole,
    /// A session description of this type belongs into another message.
    OtherDescription(SdpType),
    /// A message cannot have this many candidates.
    CandidateCount(usize),
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
            Self::OtherDescription(kind) => write!(
                f,
                "a session description of the type {kind:?} cannot be sent with this call: offers \
                 are sent as offers, answers as answers",
                kind = kind.name()
            ),
            Self::CandidateCount(count) => write!(
                f,
                "{count} candidates cannot be sent together: send 1 to {} at a time",
                Candidates::MAX
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

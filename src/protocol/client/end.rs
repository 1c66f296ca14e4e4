//! How a connection ended, and what the end of a WebSocket means to a client.

use std::fmt;
use std::time::Duration;

use super::retry::Retry;
use crate::protocol::{CloseCode, ConnectError, MESSAGE_TOO_BIG, Role, SUBPROTOCOL};

/// The longest that one of the two clients waits for the other, once it handed the signalling over to
/// the data channel or learnt that the other one did.
pub const HANDOVER_TIMEOUT: Duration = Duration::from_secs(60);

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
}

impl Closed {
    /// Whether, and when, connecting again in the same way may help: as [`EndReason::retry`] says.
    pub const fn retry(&self) -> Retry {
        self.reason.retry()
    }

    /// Whether connecting again in the same way may help, at once or later.
    pub const fn retryable(&self) -> bool {
        !matches!(self.retry(), Retry::Never)
    }
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
    /// Responder: the server could not deliver a message to the initiator, which has not left and may not know that
    /// its peer has forgotten it.
    PeerUnreachable,
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
    /// The connection never came to be.
    ConnectFailed(ConnectError),
    /// Responder: the handshake with the initiator went wrong, perhaps because one of the two took what was still
    /// under way from an earlier connection for a part of it. The text says how.
    HandshakeDisturbed(String),
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

impl EndReason {
    /// Whether, and when, connecting again may help.
    pub const fn retry(&self) -> Retry {
        match self {
            Self::ConnectFailed(error) => error.retry(),
            Self::PeerLeft
            | Self::PeerUnreachable
            | Self::ServerTimeout
            | Self::ConnectionLost(_)
            | Self::SequenceNumbersUsedUp
            | Self::SignallingChannelLost => Retry::AtOnce,
            Self::PeerClosed(_)
            | Self::RemoteInternalError
            | Self::PathFull
            | Self::ServerHandshakeTimeout
            | Self::PeerHandshakeTimeout
            | Self::HandshakeDisturbed(_)
            | Self::HandoverTimeout
            | Self::ServerGoingAway
            | Self::ServerClosed(_) => Retry::Later,
            Self::Requested
            | Self::NoSharedTask
            | Self::PeerProtocolError(_)
            | Self::ServerProtocolError(_)
            | Self::ServerKey(_)
            | Self::AccusedOfProtocolError
            | Self::DroppedByInitiator
            | Self::ReplacedByInitiator
            | Self::InitiatorCouldNotDecrypt
            | Self::MessageTooBig
            | Self::ReceivedTooBig
            | Self::NoSubprotocol => Retry::Never,
        }
    }
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
            Self::PeerUnreachable => f.write_str(
                "the server could not deliver a message to the peer, which is still there; connect again",
            ),
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
                 before, or the stored keys of the two do not fit each other; ask for a new invitation",
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
                SUBPROTOCOL
            ),
            Self::ServerClosed(Some(code)) => {
                write!(f, "the server closed the connection with code {code}")
            }
            Self::ServerClosed(None) => f.write_str("the server closed the connection"),
            Self::ConnectionLost(text) => write!(f, "the connection to the server broke: {text}"),
            Self::ConnectFailed(error) => error.fmt(f),
            Self::HandshakeDisturbed(text) => write!(
                f,
                "the handshake with the initiator went wrong, perhaps because of what was still under way \
                 from an earlier connection: {text}; try again"
            ),
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
                HANDOVER_TIMEOUT.as_secs()
            ),
        }
    }
}

/// How a WebSocket ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketEnd {
    /// The server sent a close frame, with this code if it had one.
    CloseFrame(Option<u16>),
    /// The connection broke. The text says how.
    Lost(String),
    /// We gave up because a message was larger than our limit, with the WebSocket's close code 1009.
    TooBig,
    /// The connection never came to be.
    ConnectFailed(ConnectError),
}

impl SocketEnd {
    /// The code of the server's close frame.
    pub(super) const fn code(&self) -> Option<u16> {
        match self {
            Self::CloseFrame(code) => *code,
            _ => None,
        }
    }

    /// How the connection of a client of the role `role` ended, if nothing on our side ended it.
    /// `mistaken` says that being thrown out may have been a mistake.
    pub(super) fn closed(self, role: Role, mistaken: bool) -> Closed {
        let (by, code, reason) = match self {
            Self::CloseFrame(code) => (ClosedBy::Server, code, reason(code, role)),
            Self::Lost(text) => (ClosedBy::Network, None, EndReason::ConnectionLost(text)),
            Self::TooBig => (ClosedBy::Us, Some(MESSAGE_TOO_BIG), EndReason::ReceivedTooBig),
            Self::ConnectFailed(why) => (ClosedBy::Network, None, EndReason::ConnectFailed(why)),
        };
        let reason = match reason {
            EndReason::AccusedOfProtocolError
            | EndReason::DroppedByInitiator
            | EndReason::InitiatorCouldNotDecrypt
                if mistaken =>
            {
                EndReason::HandshakeDisturbed(reason.to_string())
            }
            reason => reason,
        };
        Closed { by, code, reason }
    }
}

fn reason(code: Option<u16>, role: Role) -> EndReason {
    if code == Some(MESSAGE_TOO_BIG) {
        return EndReason::MessageTooBig;
    }
    let Some(known) = code.and_then(|code| CloseCode::from_code(code.into())) else {
        return EndReason::ServerClosed(code);
    };
    match known {
        CloseCode::Normal | CloseCode::Handover => EndReason::ServerClosed(code),
        CloseCode::GoingAway => EndReason::ServerGoingAway,
        CloseCode::WebSocketProtocolError => EndReason::NoSubprotocol,
        CloseCode::PathFull => EndReason::PathFull,
        CloseCode::ProtocolError => EndReason::AccusedOfProtocolError,
        CloseCode::InternalError => EndReason::RemoteInternalError,
        CloseCode::DroppedByInitiator => match role {
            Role::Initiator => EndReason::ReplacedByInitiator,
            Role::Responder => EndReason::DroppedByInitiator,
        },
        // Spec: P-236 (Client Handshake)
        CloseCode::InitiatorCouldNotDecrypt => EndReason::InitiatorCouldNotDecrypt,
        CloseCode::NoSharedTask => EndReason::NoSharedTask,
        CloseCode::InvalidKey => EndReason::ServerKey("it does not have that key".into()),
        CloseCode::Timeout => EndReason::ServerTimeout,
    }
}

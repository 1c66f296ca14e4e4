//! What the end of a WebSocket means to a client.

use super::event::{Closed, ClosedBy, EndReason};
use crate::protocol::{CloseCode, MESSAGE_TOO_BIG, Role};

/// How a WebSocket ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketEnd {
    /// The server sent a close frame, with this code if it had one.
    CloseFrame(Option<u16>),
    /// The connection broke. The text says how.
    Lost(String),
    /// We gave up because a message was larger than our limit, with the WebSocket's close code 1009.
    TooBig,
    /// The connection never came to be. The text says why, and what to do.
    ConnectFailed(String),
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
    /// `retry` says that being thrown out may have been a mistake.
    pub(super) fn closed(self, role: Role, retry: bool) -> Closed {
        let (by, code, reason) = match self {
            Self::CloseFrame(code) => (ClosedBy::Server, code, reason(code, role)),
            Self::Lost(text) => (ClosedBy::Network, None, EndReason::ConnectionLost(text)),
            Self::TooBig => (ClosedBy::Us, Some(MESSAGE_TOO_BIG), EndReason::ReceivedTooBig),
            Self::ConnectFailed(text) => (ClosedBy::Network, None, EndReason::ConnectFailed(text)),
        };
        let retryable = match &reason {
            EndReason::AccusedOfProtocolError
            | EndReason::DroppedByInitiator
            | EndReason::InitiatorCouldNotDecrypt => retry,
            EndReason::RemoteInternalError
            | EndReason::PathFull
            | EndReason::ServerTimeout
            | EndReason::ServerGoingAway
            | EndReason::ServerClosed(_)
            | EndReason::ConnectionLost(_)
            | EndReason::ConnectFailed(_) => true,
            _ => false,
        };
        Closed { by, code, reason, retryable }
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

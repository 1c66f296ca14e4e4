//! Close codes (protocol, *Close Code Enumeration*).

use std::fmt;

/// The WebSocket's own close code for a message that is larger than the receiver accepts.
pub const MESSAGE_TOO_BIG: u16 = 1009;

/// A close code of the protocol: in WebSocket close frames, in 'close' and in 'drop-responder'
/// messages.
// Spec: P-300 (Close Code Enumeration)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum CloseCode {
    /// The WebSocket's own normal closure.
    Normal = 1000,
    /// The normal end of a SaltyRTC connection.
    GoingAway = 1001,
    /// No shared WebSocket subprotocol.
    WebSocketProtocolError = 1002,
    /// All 254 responder addresses of the path are in use.
    PathFull = 3000,
    /// Somebody broke the protocol.
    ProtocolError = 3001,
    /// An error within the program that closes, which the other side did not cause.
    InternalError = 3002,
    /// Signalling goes on over another transport.
    Handover = 3003,
    /// The initiator did not want this responder, or a newer initiator took the path.
    DroppedByInitiator = 3004,
    /// The initiator could not decrypt the responder's first message.
    InitiatorCouldNotDecrypt = 3005,
    /// The two clients have no task in common.
    NoSharedTask = 3006,
    /// The server does not have the permanent key that the client asked for.
    InvalidKey = 3007,
    /// Something did not happen in time.
    Timeout = 3008,
}

impl CloseCode {
    /// Every close code of the protocol.
    pub const ALL: [Self; 12] = [
        Self::Normal,
        Self::GoingAway,
        Self::WebSocketProtocolError,
        Self::PathFull,
        Self::ProtocolError,
        Self::InternalError,
        Self::Handover,
        Self::DroppedByInitiator,
        Self::InitiatorCouldNotDecrypt,
        Self::NoSharedTask,
        Self::InvalidKey,
        Self::Timeout,
    ];

    /// The close code with this number, if the protocol has it.
    pub fn from_code(code: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|known| u64::from(known.code()) == code)
    }

    /// The number of the close code.
    pub const fn code(self) -> u16 {
        self as u16
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Normal => "normal closure",
            Self::GoingAway => "going away",
            Self::WebSocketProtocolError => "no shared subprotocol",
            Self::PathFull => "path full",
            Self::ProtocolError => "protocol error",
            Self::InternalError => "internal error",
            Self::Handover => "handover",
            Self::DroppedByInitiator => "dropped by initiator",
            Self::InitiatorCouldNotDecrypt => "initiator could not decrypt",
            Self::NoSharedTask => "no shared task",
            Self::InvalidKey => "invalid key",
            Self::Timeout => "timeout",
        };
        write!(f, "{} ({name})", self.code())
    }
}

/// Why an initiator drops a responder: the close codes that 'drop-responder' may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// 3001: the responder broke the protocol.
    ProtocolError,
    /// 3002: the initiator had a problem of its own.
    InternalError,
    /// 3004: the responder is not wanted (any more).
    DroppedByInitiator,
    /// 3005: the responder's first message could not be decrypted.
    InitiatorCouldNotDecrypt,
}

impl DropReason {
    /// The drop reason with this number, if it is one.
    // Spec: P-301 (Close Code Enumeration)
    pub fn from_code(code: u64) -> Option<Self> {
        [
            Self::ProtocolError,
            Self::InternalError,
            Self::DroppedByInitiator,
            Self::InitiatorCouldNotDecrypt,
        ]
        .into_iter()
        .find(|reason| u64::from(reason.close_code().code()) == code)
    }

    /// The close code that the responder gets to see.
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::ProtocolError => CloseCode::ProtocolError,
            Self::InternalError => CloseCode::InternalError,
            Self::DroppedByInitiator => CloseCode::DroppedByInitiator,
            Self::InitiatorCouldNotDecrypt => CloseCode::InitiatorCouldNotDecrypt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Covers P-300 P-301.
    #[test]
    fn the_enumerations_hold_the_codes_of_the_protocol_and_no_other() {
        let numbers = |of: &dyn Fn(u64) -> bool| {
            (0..=u64::from(u16::MAX)).filter(|n| of(*n)).collect::<Vec<_>>()
        };
        assert_eq!(
            numbers(&|n| CloseCode::from_code(n).is_some_and(|c| u64::from(c.code()) == n)),
            [1000, 1001, 1002, 3000, 3001, 3002, 3003, 3004, 3005, 3006, 3007, 3008]
        );
        assert_eq!(numbers(&|n| DropReason::from_code(n).is_some()), [3001, 3002, 3004, 3005]);
        assert_eq!(CloseCode::from_code(3001 + (1 << 16)), None);
    }
}

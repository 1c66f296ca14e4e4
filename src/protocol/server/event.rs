//! What a server program may want to count or log. No keys and no content of messages are in here.

use std::fmt;

use crate::protocol::message::MessageError;
use crate::protocol::{CloseCode, NonceError, Role};

/// Something happened on a path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A client authenticated itself.
    Authenticated {
        /// What it turned out to be.
        role: Role,
    },
    /// The server closes the connection of a client.
    Closing {
        /// The role of the client; `None` if it was not authenticated yet.
        role: Option<Role>,
        /// Why. [`Cause::close_code`] is what the client gets to see.
        cause: Cause,
    },
    /// A client left by itself, or its connection broke.
    Left {
        /// The role of the client; `None` if it was not authenticated yet.
        role: Option<Role>,
    },
    /// Messages were put into the queues of their receivers: all of them since another event, or since
    /// events were polled.
    Relayed {
        /// How many messages.
        messages: u64,
        /// The sum of their lengths, nonces included.
        bytes: u64,
    },
    /// A message does not fit into the queue of its receiver. Nothing more is read from its sender until
    /// it does.
    Paused {
        /// What it waits for.
        why: RelayFailure,
    },
    /// More is read from a client that was paused, or it is gone.
    Resumed,
    /// A message could not be relayed, and its sender was told.
    RelayFailed {
        /// Why not.
        why: RelayFailure,
    },
}

/// Why a message could not be relayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayFailure {
    /// Nobody has the address that the message was for.
    NobodyThere,
    /// The queue of the receiver is full, and the receiver stands still.
    QueueFull,
    /// All queues together are full, and the receiver stands still.
    AllQueuesFull,
    /// The receiver left before the message could be handed over.
    ReceiverLeft,
}

/// Why the server closes the connection of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The client broke the protocol: 3001.
    Violation(Violation),
    /// All sequence numbers towards the client are used up: 3001.
    SequenceExhausted,
    /// All responder addresses are in use: 3000.
    PathFull,
    /// There are too many connections on the path, and this one was not authenticated: 3000.
    Displaced,
    /// A newer initiator took the path: 3004.
    Replaced,
    /// The initiator dropped this responder, with the code it asked for.
    Dropped(CloseCode),
    /// The client wants a permanent key that the server does not have: 3007.
    UnknownServerKey,
    /// The client did not authenticate itself in time: 3008.
    HandshakeTimeout,
    /// The client did not answer a ping in time: 3008.
    PongTimeout,
    /// The client does not read what the server has to tell it: 3008.
    TooSlow,
    /// No message came from the client or went to it for too long: 3008.
    Idle,
    /// The server shuts down: 1001.
    Shutdown,
}

impl Cause {
    /// The close code that the client gets to see.
    pub const fn close_code(&self) -> CloseCode {
        match self {
            // Spec: P-083 (Receiving a Signalling Message)
            // Spec: P-298 (Errors)
            Self::Violation(_) | Self::SequenceExhausted => CloseCode::ProtocolError,
            Self::PathFull | Self::Displaced => CloseCode::PathFull,
            Self::Replaced => CloseCode::DroppedByInitiator,
            Self::Dropped(code) => *code,
            Self::UnknownServerKey => CloseCode::InvalidKey,
            Self::HandshakeTimeout | Self::PongTimeout | Self::TooSlow | Self::Idle => {
                CloseCode::Timeout
            }
            Self::Shutdown => CloseCode::GoingAway,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(violation) => violation.fmt(f),
            Self::SequenceExhausted => f.write_str("sequence numbers towards the client used up"),
            Self::PathFull => f.write_str("no free responder address on the path"),
            Self::Displaced => f.write_str("made room for another connection on the path"),
            Self::Replaced => f.write_str("replaced by a newer initiator"),
            Self::Dropped(_) => f.write_str("dropped by the initiator"),
            Self::UnknownServerKey => f.write_str("the client asked for an unknown server key"),
            Self::HandshakeTimeout => f.write_str("not authenticated in time"),
            Self::PongTimeout => f.write_str("ping not answered in time"),
            Self::TooSlow => f.write_str("the client does not read its notifications"),
            Self::Idle => f.write_str("no message from or to the client for too long"),
            Self::Shutdown => f.write_str("the server shuts down"),
        }
    }
}

/// In which way a client broke the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// A message was sent as text.
    Text,
    /// A message has no more than the 24 bytes of the nonce.
    TooShort,
    /// A message to the server is larger than any that it understands.
    TooLong,
    /// The source address is not the one of the client.
    Source,
    /// The client may not send to the destination address.
    Destination,
    /// Cookie or sequence number are wrong.
    Nonce(NonceError),
    /// The message could not be decrypted.
    Undecryptable,
    /// The content of the message is invalid, or the message may not come now.
    Message(MessageError),
    /// 'client-auth' does not repeat the cookie of the server.
    YourCookie,
    /// 'client-auth' names other subprotocols than those that were negotiated.
    Subprotocols,
    /// A responder sent a message that only an initiator may send.
    NotTheInitiator,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text in place of a binary message"),
            Self::TooShort => f.write_str("message without data"),
            Self::TooLong => f.write_str("message to the server that is too long"),
            Self::Source => f.write_str("wrong source address"),
            Self::Destination => f.write_str("destination address that is not allowed"),
            Self::Nonce(error) => error.fmt(f),
            Self::Undecryptable => f.write_str("undecryptable message"),
            // These hold text of the client, which does not belong into a log.
            Self::Message(MessageError::UnexpectedType(_)) => {
                f.write_str("message of a type that may not come now")
            }
            Self::Message(MessageError::Repeated(_)) => f.write_str("message with a field twice"),
            Self::Message(error) => error.fmt(f),
            Self::YourCookie => f.write_str("'client-auth' with a wrong cookie"),
            Self::Subprotocols => f.write_str("'client-auth' with other subprotocols than agreed"),
            Self::NotTheInitiator => f.write_str("message to the server from a responder"),
        }
    }
}

impl From<Violation> for Cause {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl From<NonceError> for Cause {
    fn from(error: NonceError) -> Self {
        Violation::Nonce(error).into()
    }
}

impl From<MessageError> for Cause {
    fn from(error: MessageError) -> Self {
        Violation::Message(error).into()
    }
}

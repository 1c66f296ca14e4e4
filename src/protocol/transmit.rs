//! What a state machine wants done with a WebSocket, and with the data channel that can follow it.

use std::fmt;

use bytes::Bytes;

use super::CloseCode;

/// The next thing to do with a WebSocket, in exactly this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transmit {
    /// Send a binary message.
    Message(Bytes),
    /// Send a ping (servers only).
    Ping,
    /// Send a pong that nobody asked for, as a sign of life (servers only; RFC 6455, section 5.5.3).
    Pong,
    /// Flush what was sent before, then close with this code and without a reason text. Nothing
    /// follows.
    Close(CloseCode),
}

/// The next thing to do with the data channel that the signalling was handed over to, in exactly this
/// order.
#[derive(Clone, PartialEq, Eq)]
pub enum ChannelTransmit {
    /// Send a binary message.
    Message(Bytes),
    /// Deliver what was sent before, then close the channel. Nothing follows.
    Close,
}

impl fmt::Debug for ChannelTransmit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message) => write!(f, "Message({} bytes)", message.len()),
            Self::Close => f.write_str("Close"),
        }
    }
}

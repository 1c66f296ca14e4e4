//! What a state machine wants done with a WebSocket.

use bytes::Bytes;

use super::CloseCode;

/// The next thing to do with a WebSocket, in exactly this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transmit {
    /// Send a binary message.
    Message(Bytes),
    /// Send a ping (servers only).
    Ping,
    /// Flush what was sent before, then close with this code and without a reason text. Nothing
    /// follows.
    Close(CloseCode),
}

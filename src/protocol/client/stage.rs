//! How far a client is, from its first message to its last.

use super::end::Closed;
use super::server_handshake::ServerHandshake;

/// How far a client is, with what it has only then. Stages follow each other in this order; some can be
/// left out.
#[derive(Debug)]
pub(super) enum Stage {
    /// The WebSocket is not open yet.
    Connecting(Box<ServerHandshake>),
    /// The handshake with the server is going on.
    ServerHandshake(Box<ServerHandshake>),
    /// The server is authenticated, and the client meets its peer. After the handover it is the peer alone
    /// that counts.
    OnPath,
    /// The WebSocket or the data channel is being closed. The application is told of the end when both are
    /// gone.
    Closing(Closed),
    /// The application was told of the end.
    Closed,
}

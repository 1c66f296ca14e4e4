//! How far a client is.

/// How far a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientState {
    /// The WebSocket is not open yet.
    Connecting,
    /// The handshake with the server is going on.
    ServerHandshake,
    /// The server is authenticated, and no peer is there.
    WaitingForPeer,
    /// A handshake with a peer is going on.
    PeerHandshake,
    /// The peer is authenticated, and the task runs.
    Task,
    /// The connection is over or ending.
    Closed,
}

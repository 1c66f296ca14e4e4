//! The name of the protocol within WebSocket.

/// The WebSocket subprotocol of SaltyRTC (protocol, *Subprotocol*).
pub const SUBPROTOCOL: &str = "v1.saltyrtc.org";

//! How large a message of a WebRTC data channel may be.

/// What a peer takes as one message that does not say what it takes, in bytes (RFC 8841, section 6.1).
pub const UNANNOUNCED_MAX_MESSAGE_SIZE: usize = 65_536;

/// What all browsers take and send as one message, in bytes; also what this library takes.
pub const BROWSER_MAX_MESSAGE_SIZE: usize = 262_144;

//! The built-in WebRTC engine: data channels without any other library.
//!
//! Everything but the driver is a state machine without I/O: time and datagrams come in, datagrams,
//! deadlines and events come out.

pub mod association;
pub mod certificate;
pub mod fingerprint;
mod sdp;

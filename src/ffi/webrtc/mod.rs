//! The WebRTC task: with the built-in WebRTC, and for applications that bring their own.

#[cfg(feature = "webrtc")]
mod channel;
#[cfg(feature = "webrtc")]
mod config;
mod handover;
mod secure_channel;
mod signalling;
#[cfg(feature = "webrtc")]
mod stats;

pub(super) use self::handover::Transport;
pub(super) use self::signalling::options;

//! The built-in WebRTC engine (feature `webrtc`): data channels without a browser.

pub mod ice;

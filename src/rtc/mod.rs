//! The built-in WebRTC engine: data channels without any other library.

mod sdp;

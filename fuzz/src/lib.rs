//! What the fuzz targets share: how they read their input, and clients, peers and servers that know all keys, so that
//! what is in a box is tested too.

pub mod client;
#[cfg(feature = "webrtc")]
pub mod ice;
pub mod input;
pub mod keys;
pub mod reached;
pub mod relation;

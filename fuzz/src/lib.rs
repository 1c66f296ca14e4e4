//! What the fuzz targets share: how they read their input, and clients, peers and servers that know all keys, so that
//! what is in a box is tested too.

#[cfg(all(feature = "capi", feature = "server"))]
pub mod abi;
#[cfg(feature = "webrtc")]
pub mod association;
pub mod client;
#[cfg(feature = "webrtc")]
pub mod ice;
pub mod input;
pub mod keys;
#[cfg(feature = "server")]
pub mod opening;
pub mod pair;
pub mod reached;
pub mod relation;

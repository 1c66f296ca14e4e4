//! SaltyRTC: end-to-end encrypted signalling over a server that nobody has to trust.

#[cfg(feature = "client")]
pub mod client;
pub mod crypto;
#[cfg(feature = "capi")]
mod ffi;
pub mod protocol;
#[cfg(any(feature = "client", feature = "server"))]
mod runtime;
pub mod task;
#[cfg(any(feature = "client", feature = "server"))]
mod transport;

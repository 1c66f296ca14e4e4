//! SaltyRTC: end-to-end encrypted signalling over a server that nobody has to trust.
#![doc = ""]

pub mod crypto;
pub mod protocol;
pub mod task;

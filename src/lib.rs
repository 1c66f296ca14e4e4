//! SaltyRTC: end-to-end encrypted signalling over a server that nobody has to trust.
//!
//! The specification is at <https://github.com/saltyrtc/saltyrtc-meta>. The documentation here quotes it by the name of
//! the document and the title of the section: (protocol, *'client-auth' Message*).

pub mod chunking;
#[cfg(feature = "client")]
pub mod client;
pub mod crypto;
#[cfg(feature = "capi")]
mod ffi;
pub mod protocol;
#[cfg(feature = "rtc")]
pub mod rtc;
#[cfg(any(feature = "client", feature = "server"))]
mod runtime;
#[cfg(feature = "server")]
pub mod server;
#[cfg(any(feature = "client", feature = "server"))]
mod sync;
pub mod task;
#[cfg(any(feature = "client", feature = "server"))]
pub mod transport;

#[cfg(any(feature = "client", feature = "server"))]
pub use runtime::shutdown;

/// The Rust program in the README compiles.
#[cfg(all(doctest, feature = "client"))]
#[doc = include_str!("../README.md")]
struct Readme;

//! Peers that keep to SaltyRTC, so that they get as far as WebRTC, and to nothing else from there on;
//! against the built-in engine, over real sockets on this host.
//!
//! Each test asserts the event that the application gets, that what is not concerned goes on, and that
//! memory stays bounded. `rtc_association` and `rtc_ice` do the same for these parts alone.
#![cfg(all(feature = "webrtc", feature = "server"))]
#![allow(unreachable_pub)]

mod candidates;
mod channels;
mod datagrams;
mod descriptions;
mod endings;
mod flood;
mod memory;
mod scene;
mod signalling;
mod wire;

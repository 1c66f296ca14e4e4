//! DTLS, SCTP and data channels between two ends in memory, on a virtual clock.

#![cfg(feature = "webrtc")]
#![allow(unreachable_pub)]

mod basics;
mod bottleneck;
mod closing;
mod crowds;
mod hostile;
mod limits;
mod link;
mod medley;
mod networks;
mod pauses;
mod raw_peer;
mod rsa;

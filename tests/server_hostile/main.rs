//! Hostile clients in numbers, next to a pair that behaves: over real sockets, on this machine only.
//!
//! Each test asserts that the pair gets on with its work while the attack lasts (counted, not timed),
//! what the attackers get, and that memory stays bounded. The latency of the pair is printed (see it
//! with `--nocapture`): benchmarks measure, tests do not time.
#![cfg(feature = "server")]

#[allow(dead_code, reason = "no test needs all of it")]
#[path = "../support/scripted_client.rs"]
mod scripted_client;
#[path = "../support/socket_peer.rs"]
mod socket_peer;

mod crowd;
mod flood;
mod garbage;
mod pair;
mod slow;

//! Hostile clients in numbers, next to a pair that behaves: over real sockets, on this machine only.
//!
//! Each test asserts that the pair gets on with its work while the attack lasts (counted, not timed),
//! what the attackers get, and that memory stays bounded. The latency of the pair is printed (see it
//! with `--nocapture`): benchmarks measure, tests do not time.
//!
//! Each attack is a function, which has a test in this process, where what the server does can be counted. All of them
//! (`attacks`) are also let loose on the program: `soak`.
#![cfg(feature = "server")]
#![cfg_attr(
    not(all(target_os = "linux", feature = "server-bin", feature = "client")),
    allow(dead_code, reason = "some of it is for the program only")
)]

#[allow(dead_code, reason = "no test needs all of it")]
#[path = "../support/scripted_client.rs"]
mod scripted_client;
#[path = "../support/socket_peer.rs"]
mod socket_peer;

mod attacks;
mod churn;
mod crowd;
mod flood;
mod garbage;
mod pair;
mod slow;
mod target;

// What needs the program, and clients of the library.
#[cfg(all(target_os = "linux", feature = "server-bin", feature = "client"))]
mod abuse;
#[cfg(all(target_os = "linux", feature = "server-bin", feature = "client"))]
mod attackers;
#[cfg(all(target_os = "linux", feature = "server-bin", feature = "client"))]
#[allow(dead_code, reason = "no test needs all of it")]
#[path = "../server_program/clients.rs"]
mod clients;
#[cfg(all(target_os = "linux", feature = "server-bin", feature = "client"))]
mod judge;
#[cfg(all(target_os = "linux", feature = "server-bin", feature = "client"))]
mod process;
#[cfg(all(target_os = "linux", feature = "server-bin", feature = "client"))]
mod soak;
#[cfg(all(target_os = "linux", feature = "server-bin", feature = "client"))]
#[allow(dead_code, reason = "no test needs all of it")]
#[path = "../server_program/support.rs"]
mod support;
#[cfg(all(target_os = "linux", feature = "server-bin", feature = "client"))]
mod well_behaved;

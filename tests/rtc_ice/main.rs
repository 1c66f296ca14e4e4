//! The ICE agent of the WebRTC engine, in a simulated network with a clock of its own.

#![cfg(feature = "webrtc")]

mod network;
mod turn_server;

mod direct;
mod hostile;
mod moving;
mod nat_and_relay;
mod restart;

use saltyrtc::rtc::ice::{Config, Policy, Server};

/// Of the side that chooses the path.
fn controlling() -> Config {
    Config { controlling: true, ..Config::default() }
}

fn with_server(url: &str, controlling: bool, policy: Policy) -> Config {
    let server = Server::new(url, turn_server::USER, turn_server::PASSWORD).unwrap();
    Config { servers: vec![server], policy, controlling }
}

//! The ICE agent of the WebRTC engine, in a simulated network with a clock of its own.

#![cfg(feature = "webrtc")]

mod network;
mod turn_server;

mod direct;
mod dying;
mod hostile;
mod moving;
mod nat_and_relay;
mod restart;

use saltyrtc::rtc::ice::{AgentConfig, Policy, Server};

/// Of the side that chooses the path.
fn controlling() -> AgentConfig {
    AgentConfig { controlling: true, ..AgentConfig::default() }
}

fn with_server(url: &str, controlling: bool, policy: Policy) -> AgentConfig {
    let server = Server::new(url, turn_server::USER, turn_server::PASSWORD).unwrap();
    AgentConfig { servers: vec![server], policy, controlling, ..AgentConfig::default() }
}

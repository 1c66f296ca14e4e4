//! The program `saltyrtc-server`, as operators and service managers see it.

#![cfg(all(unix, feature = "server-bin", feature = "client"))]

#[allow(dead_code, reason = "no test needs all of it")]
#[path = "../support/scripted_client.rs"]
mod scripted_client;
#[path = "../support/socket_peer.rs"]
mod socket_peer;

mod admin;
#[cfg(target_os = "linux")]
mod balancer;
mod clients;
mod commands;
mod configuration;
mod documents;
mod logs;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod monitoring;
#[cfg(target_os = "linux")]
mod service;
mod signals;
mod support;
#[cfg(target_os = "linux")]
mod unix_socket;

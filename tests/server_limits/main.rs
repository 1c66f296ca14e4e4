//! The limits of a server, each with its metric, over real sockets.
#![cfg(feature = "server")]

#[allow(dead_code, reason = "no test needs all of it")]
#[path = "../support/scripted_client.rs"]
mod scripted_client;
#[path = "../support/socket_peer.rs"]
mod socket_peer;

mod connections;
mod drain;
mod proxy;
mod reload;
mod time;
#[cfg(unix)]
mod unix_socket;

//! The SaltyRTC server: sockets and time around [`protocol::server`](crate::protocol::server).
//!
//! [`Server::start`] binds an address and serves it on the library's own threads until
//! [`Server::shutdown`] or until the [`Server`] is dropped. What it logs (with `tracing`, most of it at
//! the level `debug`) holds no keys, no signalling paths and no addresses of clients.

mod accept;
mod config;
mod connection;
mod listener;
mod registry;

pub use config::{ServerConfig, ServerError, TlsIdentity};
pub use listener::Server;

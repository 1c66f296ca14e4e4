//! The SaltyRTC server: sockets and time around [`protocol::server`](crate::protocol::server).
//!
//! [`Server::start`] binds an address and serves it on the library's own threads until
//! [`Server::shutdown`] or until the [`Server`] is dropped. What it logs (with `tracing`, most of it at
//! the level `debug`) holds no keys, no signalling paths and no addresses of clients.

mod accept;
mod address;
mod config;
mod connection;
mod http;
mod limits;
mod listener;
mod metrics;
mod network;
mod proxy;
mod registry;
mod settings;

pub use config::{Reload, ServerConfig, ServerError, TlsIdentity};
pub use limits::{AcceptRate, Limits};
pub use listener::Server;
pub use metrics::Metrics;
pub use network::{IpNetwork, IpNetworkError, ProxyHeader, TrustedProxies};

//! The SaltyRTC server: sockets and time around [`protocol::server`](crate::protocol::server).
//!
//! [`Server::start`] binds an address and serves it on the library's own threads until
//! [`Server::shutdown`] or until the [`Server`] is dropped. What it logs (with `tracing`, most of it at
//! the level `debug`) holds no keys, no signalling paths and no addresses of clients.
//!
//! How much clients may use is in [`ServerLimits`]; what happened is in [`Metrics`]. A connection has a
//! task of its own, and a bounded queue. Nothing more is read from the sender of what does not fit into it,
//! so that a sender becomes as slow as its receiver, and nobody else does; 'send-error' comes only when the
//! receiver took nothing for [`ServerLimits::stall_timeout`]. In the worst case all messages that wait take
//! [`ServerLimits::all_queues_bytes`], all that are not complete [`ServerLimits::receiving_bytes`], and each connection
//! 256 KiB beside; choose [`ServerLimits::connections`] accordingly.
//!
//! From the port to the path: `listen` opens the sockets, TCP ones and those of Unix (`socket_file`), `listener` accepts
//! connections and ends them all at a shutdown, `accept` makes a WebSocket of each (with `address_limits`, `proxy` and `http`), `connection` serves it,
//! and `registry` holds the paths that connections share.

mod accept;
mod address_limits;
mod config;
mod connection;
mod http;
mod incoming;
mod limits;
mod listen;
mod listener;
mod metrics;
mod network;
mod proxy;
mod rarely;
mod registry;
mod settings;
#[cfg(unix)]
mod socket_file;
mod turns;

pub use config::{Reload, ServerConfig, ServerError, TlsIdentity};
pub use limits::{AcceptRate, ServerLimits};
pub use listen::{ListenAddress, Listener};
pub use listener::{Probe, Server};
pub use metrics::Metrics;
pub use network::{IpNetwork, IpNetworkError, ProxyHeader, TrustedProxies};

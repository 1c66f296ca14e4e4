//! WebSocket and TLS, for the drivers of client and server.

// The client driver is what uses this.
#[cfg(feature = "client")]
#[cfg_attr(not(test), allow(dead_code))]
mod connect;
mod stream;
mod tls;
mod websocket;

#[cfg(feature = "client")]
pub use connect::ConnectError;
#[cfg(feature = "client")]
#[allow(unused_imports)]
pub(crate) use connect::{Target, connect};
pub(crate) use stream::Stream;
#[cfg(feature = "server")]
pub(crate) use tls::server_config;
pub use tls::{Certificates, TlsError};
#[cfg(feature = "client")]
#[allow(unused_imports)]
pub(crate) use tls::{Roots, client_config};
pub(crate) use websocket::{WebSocket, close_frame, finish, websocket_config};

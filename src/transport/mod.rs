//! WebSocket and TLS, for the drivers of client and server, and connections to TURN servers.

#[cfg(feature = "client")]
mod connect;
#[cfg(feature = "client")]
mod given;
mod lists;
#[cfg(feature = "client")]
mod proxy;
mod stream;
mod tcp;
mod tls;
#[cfg(feature = "client")]
mod tunnel;
#[cfg(feature = "webrtc")]
mod turn;
#[cfg(feature = "client")]
mod upgrade;
mod websocket;

#[cfg(feature = "client")]
pub(crate) use connect::{Target, connect};
pub(crate) use lists::lists;
#[cfg(feature = "client")]
pub use proxy::{Proxy, ProxyUrl, ProxyUrlError};
#[cfg(feature = "client")]
pub(crate) use stream::Ends;
#[cfg(feature = "server")]
pub(crate) use stream::Socket;
pub(crate) use stream::Stream;
#[cfg(feature = "server")]
pub(crate) use tcp::prepare;
#[cfg(feature = "client")]
pub use tls::Roots;
#[cfg(feature = "client")]
pub(crate) use tls::client_config;
#[cfg(feature = "server")]
pub(crate) use tls::server_config;
pub use tls::{Certificates, TlsError};
#[cfg(feature = "webrtc")]
pub(crate) use turn::{TurnTarget, connect_turn, has_proxy};
#[cfg(feature = "server")]
pub(crate) use websocket::{BATCH, accepted, close, cut, finish_stream, websocket_config};
pub(crate) use websocket::{WebSocket, close_frame, finish};

//! The client for programs: a connection in the background and a handle to it.
//!
//! [`Client::connect`] returns at once. Everything that happens is told by an [`Event`], in order;
//! [`Event::Closed`] is the last one. Sending never waits: it takes the message, or says why not.
//!
//! The connection runs on the library's own runtime. The futures here can be awaited on any
//! executor.

#[cfg(feature = "webrtc")]
mod channels;
mod config;
#[cfg(feature = "webrtc")]
mod engine;
mod handle;
mod liveness;
mod network;
mod shared;
mod websocket;

pub use crate::protocol::ConnectError;
pub use crate::protocol::client::{
    ClientState, Closed, ClosedBy, ConfigError, EndReason, PeerAuth, PeerLeft, Retry, RoleConfig,
    SendFailure, WhenPeerLeaves,
};
pub use crate::task::ortc::OrtcSendFailure;
pub use crate::task::webrtc::WebRtcSendFailure;
pub use crate::task::{ClientConfig, Event, TaskEvent};
pub use crate::transport::{Certificates, Proxy, ProxyUrl, ProxyUrlError, Roots, TlsError};
pub use config::Config;
#[cfg(all(feature = "webrtc", feature = "capi"))]
pub(crate) use engine::is_of_a_host;
#[cfg(feature = "webrtc")]
pub use engine::{ChannelError, ChannelOptions, RtcConfig, RtcStats, RtcTasks};
pub use handle::Client;
#[cfg(feature = "capi")]
pub(crate) use handle::{EventTaker, Left};
pub use network::network_changed;
#[cfg(feature = "capi")]
pub(crate) use shared::Listener;

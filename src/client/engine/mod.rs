//! The built-in WebRTC engine (feature `webrtc`): data channels without any other library.
//!
//! Add it to a client with [`Config::with_rtc`](super::Config::with_rtc). From then on, after the
//! handshake with the peer, the client makes a connection to it by itself, hands the signalling over to
//! it, and carries the channels that either side opens
//! ([`Client::open_channel`](super::Client::open_channel)). What happens is told by
//! [`TaskEvent::Connection`](crate::task::TaskEvent::Connection) and
//! [`TaskEvent::Channel`](crate::task::TaskEvent::Channel).
//!
//! What the connection is made of is in [`rtc`](crate::rtc), which does no I/O.

mod beginnings;
mod channels;
mod config;
mod driver;
mod goodbye;
mod session;
mod sockets;
mod task;

pub(super) use channels::Channels;
pub use channels::{ChannelError, ChannelOptions};
#[cfg(feature = "capi")]
pub(crate) use config::is_of_a_host;
pub use config::{RtcConfig, RtcStats, RtcTasks};
pub(super) use driver::{Engine, EngineParts};

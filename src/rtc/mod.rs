//! The built-in WebRTC engine (feature `webrtc`): data channels without any other library.
//!
//! Add it to a client with [`Config::with_rtc`](crate::client::Config::with_rtc). From then on, after the
//! handshake with the peer, the client makes a connection to it by itself, hands the signalling over to
//! it, and carries the channels that either side opens
//! ([`Client::open_channel`](crate::client::Client::open_channel)). What happens is told by
//! [`TaskEvent::Connection`](crate::protocol::TaskEvent::Connection) and
//! [`TaskEvent::Channel`](crate::protocol::TaskEvent::Channel).
//!
//! Everything but the driver and the engine around it is a state machine without I/O: time and
//! datagrams come in, datagrams, deadlines and events come out.

pub mod association;
pub mod certificate;
mod channels;
mod config;
mod connection;
mod driver;
mod engine;
pub mod fingerprint;
mod goodbye;
pub mod ice;
mod sdp;
mod session;
mod task;

pub(crate) use channels::Channels;
pub use channels::{ChannelError, ChannelOptions};
pub use config::{Config, Stats};
pub(crate) use engine::{Engine, Seed};
#[doc(hidden)]
pub use sdp::fuzz_description;
pub use task::Task;

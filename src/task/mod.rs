//! Tasks: what two clients do once they have authenticated each other.

mod custom;
mod event;
mod peer_connection;
pub mod relayed_data;
pub mod webrtc;

pub use crate::protocol::{SignallingChannel, Task};
pub use custom::{CustomTask, CustomTaskError};
pub use event::TaskEvent;
pub use peer_connection::{ChannelEvent, ConnectionEvent, ConnectionState, Reliability};
pub use relayed_data::RelayedData;
pub use webrtc::WebRtc;

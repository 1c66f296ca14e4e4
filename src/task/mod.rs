//! Tasks: what two clients do once they have authenticated each other.

mod custom;
mod event;
mod failures;
mod list;
pub mod ortc;
mod peer_connection;
pub mod relayed_data;
mod signalling_channel;
pub mod webrtc;

use crate::protocol::client;
pub use crate::protocol::{ChannelFraming, SignallingChannel, Task};
pub use custom::{CustomTask, CustomTaskError};
pub use event::TaskEvent;
pub use failures::{
    ChannelFailure, ChannelMessageError, ChannelOpenError, ConnectionFailure, ConnectionProblem,
};
pub use ortc::Ortc;
pub use peer_connection::{ChannelEvent, ConnectionEvent, ConnectionState, Reliability};
pub use relayed_data::RelayedData;
pub use signalling_channel::ChannelIdError;
pub use webrtc::WebRtc;

/// The client state machine with the tasks of this library.
pub type Client = client::Client<TaskEvent>;

/// The settings of a [`Client`].
pub type ClientConfig = client::ClientConfig<TaskEvent>;

/// What a [`Client`] tells its application.
pub type Event = client::Event<TaskEvent>;

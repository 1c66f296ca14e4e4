//! Tasks: what two clients do once they have authenticated each other.

mod custom;
pub mod relayed_data;
pub mod webrtc;

pub use crate::protocol::{SignallingChannel, Task, TaskEvent};
pub use custom::{CustomTask, CustomTaskError};
pub use relayed_data::RelayedData;
pub use webrtc::WebRtc;

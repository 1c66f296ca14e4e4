//! The wire format and the state machines of the protocol, without socket, clock, runtime or thread.

mod address;
pub mod client;
mod close_code;
mod invitation;
mod link;
pub mod message;
mod nonce;
mod qr;
mod secure_channel;
mod sequence;
pub mod server;
mod server_url;
mod subprotocol;
mod task;
mod transmit;

pub use address::{Address, ResponderAddress, Role};
pub use close_code::{CloseCode, DropReason, MESSAGE_TOO_BIG};
pub use invitation::{Invitation, InvitationError};
pub use link::{CheckedNonce, Link, NonceError, SequenceExhausted};
pub use nonce::{Cookie, Nonce};
pub use secure_channel::{SecureChannel, SecureChannelError};
#[cfg(feature = "webrtc")]
pub(crate) use secure_channel::{SecureReceiver, SecureSender};
pub use sequence::SequenceNumber;
pub use server_url::{Scheme, ServerUrl, ServerUrlError};
pub use subprotocol::SUBPROTOCOL;
pub use task::{SignallingChannel, Task, TaskError, TaskOutput};
pub use transmit::{ChannelTransmit, Transmit};

//! The wire format and the state machines of the protocol, without socket, clock, runtime or thread.

mod address;
pub mod client;
mod close_code;
mod combined_sequence_number;
mod connect_error;
mod invitation;
pub mod message;
mod message_sizes;
mod nonce;
mod nonce_streams;
mod qr;
mod secure_channel;
pub mod server;
mod server_url;
mod subprotocol;
mod task;
mod transmit;

pub use address::{Address, ResponderAddress, Role};
pub use close_code::{CloseCode, DropReason, MESSAGE_TOO_BIG};
pub use combined_sequence_number::CombinedSequenceNumber;
pub use connect_error::ConnectError;
pub use invitation::{Invitation, InvitationError};
pub use message_sizes::{BROWSER_MAX_MESSAGE_SIZE, UNANNOUNCED_MAX_MESSAGE_SIZE};
pub use nonce::{Cookie, Nonce};
pub use nonce_streams::{CheckedNonce, NonceError, NonceStreams, SequenceExhausted};
pub use secure_channel::{SecureChannel, SecureChannelError};
#[cfg(feature = "webrtc")]
pub(crate) use secure_channel::{SecureReceiver, SecureSender};
pub use server_url::{Scheme, ServerUrl, ServerUrlError};
pub use subprotocol::SUBPROTOCOL;
pub use task::{ChannelFraming, SignallingChannel, Task, TaskError, TaskOutput};
pub use transmit::{ChannelTransmit, Transmit};

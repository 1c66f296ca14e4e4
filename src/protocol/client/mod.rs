//! The client state machine: both roles, from the first byte to the last.
//!
//! [`Client`] does no I/O. A driver feeds it messages, the time and the end of the socket; and takes
//! from it what to send ([`Client::poll_transmit`]), what to tell the application
//! ([`Client::poll_event`]) and when to call again ([`Client::poll_timeout`]). After every call all
//! three may have something new.
//!
//! How an error is treated depends on who made it: an error of the server ends the connection, one of
//! a responder that is not authenticated costs only that responder its place, and one of the
//! authenticated peer is reported to it with 'close'.

mod bundle;
mod config;
mod data_channel;
mod end;
mod event;
mod fault;
mod handing_over;
mod handover;
mod incoming;
mod initiator;
mod machine;
mod outgoing;
mod receiving;
mod responder;
mod send_failure;
mod sending;
mod server_handshake;
mod session;
mod signalling;
mod state;

pub use config::{ChannelDriver, ClientConfig, ConfigError, PeerAuth, RoleConfig, WhenPeerLeaves};
pub use end::{Closed, ClosedBy, EndReason, HANDOVER_TIMEOUT, SocketEnd};
pub use event::{Event, PeerLeft};
pub use incoming::{Opened, Unopened};
pub use machine::Client;
pub use outgoing::{Outgoing, Reservation, Sealed};
pub use send_failure::SendFailure;
pub use state::ClientState;

#[cfg(test)]
mod handover_orders;
#[cfg(test)]
mod tests;

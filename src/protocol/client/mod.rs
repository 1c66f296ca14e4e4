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
//!
//! # Examples
//!
//! Two clients and a server, each a state machine, with a queue in memory in place of the WebSockets. A
//! real driver does the same with a socket, and calls [`Client::handle_timeout`] when it is time.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Instant;
//!
//! use saltyrtc::crypto::{AuthToken, KeyPair, OsRandom};
//! use saltyrtc::protocol::client::{PeerAuth, RoleConfig};
//! use saltyrtc::protocol::server::{Path, PathConfig};
//! use saltyrtc::protocol::{SUBPROTOCOL, Transmit};
//! use saltyrtc::task::{Client, ClientConfig, Event, RelayedData, TaskEvent, relayed_data};
//! use saltyrtc::protocol::message::Payload;
//!
//! let client = |role, keys| {
//!     let mut config = ClientConfig::new(role, keys);
//!     config.tasks.push(Box::new(RelayedData));
//!     Client::new(config, Box::new(OsRandom))
//! };
//! let (keys, token) = (KeyPair::generate(&mut OsRandom), AuthToken::generate(&mut OsRandom));
//! let path_key = *keys.public();
//! let responder = PeerAuth::Token(token.clone());
//! let initiator = client(RoleConfig::Initiator { responder }, keys)?;
//! let role = RoleConfig::Responder { initiator: path_key, token: Some(token) };
//! let responder = client(role, KeyPair::generate(&mut OsRandom))?;
//!
//! let now = Instant::now();
//! let mut path = Path::new(path_key, Arc::new(PathConfig::default()), Box::new(OsRandom));
//! let mut ends = [initiator, responder].map(|client| (path.connect(now, SUBPROTOCOL), client));
//! ends.iter_mut().for_each(|(_, client)| client.handle_connected(now));
//!
//! let mut received = None;
//! while received.is_none() {
//!     for (id, client) in &mut ends {
//!         // To the server and from it.
//!         while let Some(transmit) = client.poll_transmit() {
//!             let Transmit::Message(message) = transmit else { panic!("it closes") };
//!             path.handle_message(now, *id, message);
//!         }
//!         while let Some(transmit) = path.poll_transmit(*id) {
//!             let Transmit::Message(message) = transmit else { panic!("it closes") };
//!             client.handle_message(now, &message);
//!         }
//!         while let Some(event) = client.poll_event() {
//!             match event {
//!                 Event::PeerHandshakeDone { .. } => {
//!                     relayed_data::send(client, &Payload::from_text("hello"))?;
//!                 }
//!                 Event::Task(TaskEvent::Data(data)) => received = Some(data),
//!                 _ => {}
//!             }
//!         }
//!     }
//! }
//! assert_eq!(received.unwrap().as_text(), Some("hello"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod admission;
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
mod pending;
mod receiving;
mod responder;
mod retry;
mod send_failure;
mod sending;
mod server_handshake;
mod server_messages;
mod session;
mod signalling;
mod stage;
mod state;

pub use config::{ChannelDriver, ClientConfig, ConfigError, PeerAuth, RoleConfig, WhenPeerLeaves};
pub use end::{Closed, ClosedBy, EndReason, HANDOVER_TIMEOUT, SocketEnd};
pub use event::{Event, PeerLeft};
pub use incoming::{Opened, Unopened};
pub use machine::Client;
pub use outgoing::{Outgoing, Reservation, Sealed};
pub use retry::Retry;
pub use send_failure::SendFailure;
pub use state::ClientState;

#[cfg(test)]
pub(crate) mod handover_orders;
#[cfg(test)]
mod tests;

//! The server's side of one signalling path: who is on it, what is relayed, who is told.
//!
//! A [`PathRequest`] says which path a client wants, before there is a WebSocket.
//!
//! A [`Path`] does no I/O. A driver owns one WebSocket per client and calls, for each of them:
//!
//! 1. [`Path::connect`] once the WebSocket is open,
//! 2. [`Path::handle_message`], [`Path::handle_text`] and [`Path::handle_pong`] for what comes in,
//!    [`Path::handle_timeout`] when the time of [`Path::poll_timeout`] (or, for one client,
//!    [`Path::client_timeout`]) has come,
//! 3. [`Path::handle_closed`] exactly once, when the WebSocket is gone.
//!
//! After each of these calls other clients may have something to send: [`Path::poll_ready`] names
//! them, [`Path::poll_transmit`] gives the next thing for one client, and [`Path::poll_event`] what a
//! server program may want to count or log.
//!
//! Each client has one ordered queue. Notifications of the server and relayed messages leave in the
//! order in which they came about, so that nobody hears from a client before hearing of it. A queue
//! takes only so many bytes. Whoever sends more than fits is [paused](Path::is_paused): the driver reads
//! nothing more from it, so that the sender itself finds that its socket is full, and nobody else waits.
//! It goes on when the receiver has taken enough ([`Path::handle_written`]), has left, or has stood still
//! for too long ([`PathConfig::stall_timeout`]): only then is the message answered with 'send-error'.

mod client;
mod client_id;
mod config;
mod event;
mod handshake;
mod notice;
mod outbox;
mod path;
mod pausing;
mod request;

pub use client_id::ClientId;
pub use config::PathConfig;
pub use event::{Cause, Event, RelayFailure, Violation};
pub use path::Path;
pub use request::PathRequest;

#[cfg(test)]
mod tests;

//! What arrives, but by UDP.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

use crate::rtc::ice::StreamId;

/// What does not come by UDP.
pub(in crate::client::engine) enum Arrival {
    /// A connection to a TURN server is open; this is our address.
    StreamOpen(StreamId, SocketAddr),
    /// Bytes of it.
    StreamData(StreamId, Bytes),
    /// It could not be opened, or has ended; with the reason if it is an error.
    StreamClosed(StreamId, Option<String>),
    /// The addresses of a host, if there are any.
    Resolved { name: String, addresses: Vec<IpAddr> },
}

//! What the sockets of a connection bring, other than datagrams.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

use crate::rtc::ice::StreamId;

/// What came from a TCP or TLS connection, or from the resolver of names.
pub(in crate::client::engine) enum Arrival {
    /// A connection to a TURN server is open; this is our address.
    StreamOpen(StreamId, SocketAddr),
    /// Bytes that came over such a connection.
    StreamData(StreamId, Bytes),
    /// The connection could not be opened, or has ended; with the reason if that is an error.
    StreamClosed(StreamId, Option<String>),
    /// The addresses of a host, if there are any.
    Resolved { name: String, addresses: Vec<IpAddr> },
}

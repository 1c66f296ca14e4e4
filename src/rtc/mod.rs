//! WebRTC connections with data channels, without I/O (feature `rtc`): time and datagrams come in,
//! datagrams, deadlines and events come out.
//!
//! [`ice`] finds a path between the peers. [`association`] is DTLS, SCTP and the data channels on that path.
//! They do not know each other; [`connection`] puts them together, and describes them to the peer, in SDP or by
//! the parameters of each part.
//! Most programs need nothing from here:
//! [`Config::with_rtc`](crate::client::Config::with_rtc) makes a client use it.

pub mod association;
pub mod certificate;
pub mod connection;
mod describe;
pub mod fingerprint;
pub mod ice;

#[doc(hidden)]
pub use describe::sdp::fuzz_description;

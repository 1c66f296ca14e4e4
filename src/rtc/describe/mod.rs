//! How the two sides describe their ends of a connection to each other: in SDP for WebRTC, or by the parameters of
//! each transport for ORTC.

pub(crate) mod parameters;
pub(super) mod sdp;

/// What a side has to know of the other one, beside its candidates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub(crate) ice_ufrag: String,
    pub(crate) ice_pwd: String,
    /// Whether the side implements only what a server with a public address needs: it answers checks, and the other
    /// one makes them (RFC 8445, section 2.5).
    pub(crate) ice_lite: bool,
    /// As in `a=fingerprint`: algorithm, space, bytes in hexadecimal with colons.
    pub(crate) fingerprints: Vec<String>,
    pub(crate) setup: Setup,
    /// The SCTP port.
    pub(crate) sctp_port: u16,
    /// The most bytes that a message may have; `None` for no limit.
    pub(crate) max_message_size: Option<usize>,
}

/// Who of the two is the DTLS client (RFC 8842, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setup {
    /// The other one decides.
    ActPass,
    /// The one who says this is the client.
    Active,
    /// The one who says this is the server.
    Passive,
}

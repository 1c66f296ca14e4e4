//! How the two sides describe their ends of a connection to each other. Today there is one way, SDP.

pub(super) mod sdp;

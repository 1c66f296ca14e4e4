//! How a peer is told what a connection to us needs, and how we read what it tells.

pub(super) mod sdp;

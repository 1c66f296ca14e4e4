//! What fields of events can be: enumerations and candidates.

use std::ffi::c_char;

use crate::ffi::declare::c_enum;
use crate::task::ConnectionState;

c_enum! {
    /// How the connection of the built-in WebRTC to the peer is doing.
    pub enum saltyrtc_connection_state {
        /// The two sides have not told each other yet how they can be reached.
        New = 0,
        /// A path to the peer is looked for, or the keys are being agreed on.
        Connecting = 1,
        /// Channels can be used.
        Connected = 2,
        /// The peer has not answered for a while. This may pass by itself; channels keep what is sent.
        Disconnected = 3,
        /// No path to the peer was found, or it was lost for 30 seconds and longer. Before the handover the
        /// initiator can try again with saltyrtc_client_restart_ice; after it there is no way left to the
        /// peer, and the client is closed (SALTYRTC_STATUS_SIGNALLING_CHANNEL_LOST).
        Unreachable = 4,
        /// The connection cannot be used any more.
        Failed = 5,
        /// It has ended: the peer closed it, or left.
        Closed = 6,
    }
}

impl From<&ConnectionState> for saltyrtc_connection_state {
    fn from(state: &ConnectionState) -> Self {
        match state {
            ConnectionState::New => Self::New,
            ConnectionState::Connecting => Self::Connecting,
            ConnectionState::Connected => Self::Connected,
            ConnectionState::Disconnected => Self::Disconnected,
            ConnectionState::Unreachable => Self::Unreachable,
            ConnectionState::Failed(_) => Self::Failed,
            ConnectionState::Closed => Self::Closed,
        }
    }
}

c_enum! {
    /// How hard messages of a channel are tried to be delivered.
    pub enum saltyrtc_reliability {
        /// Until they have arrived.
        Reliable = 0,
        /// They are sent again so many times at most.
        MaxRetransmits = 1,
        /// They are sent again no longer than so many milliseconds.
        MaxLifetime = 2,
    }
}

c_enum! {
    /// Of what type data is.
    pub enum saltyrtc_payload {
        /// There is no data.
        None = 0,
        /// Bytes, as they were sent.
        Bytes = 1,
        /// Text in UTF-8, as it was sent, without a NUL at the end.
        Text = 2,
        /// Any other MessagePack value, serialised.
        Msgpack = 3,
    }
}

c_enum! {
    /// Who ended a connection.
    pub enum saltyrtc_closed_by {
        /// Nobody did: the connection broke, or never came to be.
        Network = 0,
        /// This client: asked to, or because of an error that it found.
        Us = 1,
        /// The other client.
        Peer = 2,
        /// The server, or the initiator by way of the server.
        Server = 3,
    }
}

c_enum! {
    /// How the client knows that its peer left.
    pub enum saltyrtc_peer_left {
        /// The server says that the peer disconnected.
        Disconnected = 0,
        /// A message could not be delivered to the peer.
        Unreachable = 1,
        /// Somebody else has the peer's address now; maybe the peer itself, coming back.
        Replaced = 2,
        /// This client dropped it with saltyrtc_client_drop_responder.
        Dropped = 3,
    }
}

/// An ICE candidate of the peer.
#[repr(C)]
#[derive(Debug)]
pub struct saltyrtc_candidate {
    /// The candidate-attribute, for example "candidate:1 1 udp …"; an empty text if the candidates of
    /// a generation have ended; NULL if the candidates have ended altogether.
    pub candidate: *const c_char,
    /// The identification of the media description; NULL if there is none.
    pub sdp_mid: *const c_char,
    /// The ICE user name fragment; NULL if there is none.
    pub username_fragment: *const c_char,
    /// The index of the media description, 0 to 65535; -1 if there is none.
    pub sdp_m_line_index: i32,
}

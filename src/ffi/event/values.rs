//! The types of the fields of events: enumerations and candidates.

use std::ffi::c_char;

use crate::ffi::declare::c_enum;
use crate::task::ConnectionState;

c_enum! {
    /// The state of the built-in WebRTC's connection to the peer.
    pub enum saltyrtc_connection_state {
        /// The two clients have not exchanged their addresses yet.
        New = 0,
        /// ICE is looking for a path to the peer, or DTLS is negotiating keys.
        Connecting = 1,
        /// Channels can be used.
        Connected = 2,
        /// The peer has not answered for a while. The connection may recover by itself; what is sent on
        /// channels waits.
        Disconnected = 3,
        /// No path to the peer was found, or it was lost for 30 seconds
        /// (saltyrtc_rtc_config_set_unreachable_timeout). Before the handover,
        /// the initiator can try again with saltyrtc_client_restart_ice. After the handover, no way to
        /// reach the peer is left, and the client closes (SALTYRTC_STATUS_SIGNALLING_CHANNEL_LOST).
        Unreachable = 4,
        /// The connection has failed for good.
        Failed = 5,
        /// The connection has ended: the peer closed it, or left.
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
    /// How long the delivery of a message on a channel is attempted.
    pub enum saltyrtc_reliability {
        /// Until it has arrived.
        Reliable = 0,
        /// It is retransmitted a limited number of times.
        MaxRetransmits = 1,
        /// It is retransmitted for a limited time.
        MaxLifetime = 2,
    }
}

c_enum! {
    /// The type of data.
    pub enum saltyrtc_payload {
        /// There is no data.
        None = 0,
        /// Bytes.
        Bytes = 1,
        /// Text in UTF-8, without a NUL at the end. It may contain NULs.
        Text = 2,
        /// Another MessagePack value, serialised.
        Msgpack = 3,
    }
}

c_enum! {
    /// Who ended a connection.
    pub enum saltyrtc_closed_by {
        /// Nobody: it was lost, or could not be established.
        Network = 0,
        /// This client, because it was asked to, or because it found an error.
        Us = 1,
        /// The peer.
        Peer = 2,
        /// The server; or the initiator, which had the server drop this responder.
        Server = 3,
    }
}

c_enum! {
    /// How the client learned that its peer is gone.
    pub enum saltyrtc_peer_left {
        /// The server said that the peer disconnected.
        Disconnected = 0,
        /// A message could not be delivered to the peer.
        Unreachable = 1,
        /// Another client has taken its place: it has the peer's address on the path now, or has authenticated
        /// itself while the peer was there. It may be the same peer, coming back.
        Replaced = 2,
        /// This client dropped the peer with saltyrtc_client_drop_responder.
        Dropped = 3,
    }
}

c_enum! {
    /// The level of a log message.
    pub enum saltyrtc_log_level {
        /// No messages.
        Off = 0,
        /// Something failed.
        Error = 1,
        /// Something may be wrong.
        Warn = 2,
        /// Information for operators.
        Info = 3,
        /// Information that helps to find bugs.
        Debug = 4,
        /// Everything.
        Trace = 5,
    }
}

c_enum! {
    /// The type of an ICE candidate, or of the address that one end of a path has.
    pub enum saltyrtc_candidate_type {
        /// There is no path.
        None = 0,
        /// An address of the host itself.
        Host = 1,
        /// The outer address of a NAT, as a STUN server saw it.
        ServerReflexive = 2,
        /// The outer address of a NAT, as the other client saw it.
        PeerReflexive = 3,
        /// An address of a TURN server.
        Relayed = 4,
    }
}

/// An ICE candidate of the peer. Texts end with a NUL; what the peer wrote may contain others.
#[repr(C)]
#[derive(Debug)]
pub struct saltyrtc_candidate {
    /// The candidate-attribute, for example "candidate:1 1 udp …". An empty text means that there are
    /// no more candidates of this generation; NULL, that there are no more candidates at all.
    pub candidate: *const c_char,
    /// The size of the candidate-attribute in bytes, without the NUL at the end.
    pub candidate_len: usize,
    /// The identification tag of the media description; NULL if it is not given.
    pub sdp_mid: *const c_char,
    /// The size of the tag in bytes, likewise.
    pub sdp_mid_len: usize,
    /// The ICE user name fragment; NULL if it is not given.
    pub username_fragment: *const c_char,
    /// The size of the fragment in bytes, likewise.
    pub username_fragment_len: usize,
    /// The index of the media description, 0 to 65535; -1 if it is not given.
    pub sdp_m_line_index: i32,
}

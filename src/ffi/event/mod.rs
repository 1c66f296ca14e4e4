//! Events.

mod fields;
mod kind;
mod owned;
mod values;

use std::ffi::c_char;

pub(super) use self::kind::saltyrtc_event_kind;
pub(super) use self::owned::OwnedEvent;
pub(super) use self::values::*;
use super::declare::c_struct;
use super::error::silent_entry;
use super::status::saltyrtc_status;

c_struct! {
    /// An event. Fields that the kind does not name are 0, false or NULL.
    ///
    /// In a callback, the event and all that it points to are valid until the callback returns. An event
    /// of saltyrtc_client_next_event is valid until saltyrtc_event_free. It is read only.
    ///
    /// Fields are only ever added at the end: a field is there if it lies within struct_size bytes, which
    /// matters if the program may run with an older library than it was compiled for.
    pub struct saltyrtc_event {
        /// Bytes of this structure in the library.
        pub struct_size: usize,
        /// What happened; it says which fields are used.
        pub kind: saltyrtc_event_kind,
        /// Why the connection ended: SALTYRTC_STATUS_OK if this client was asked to close.
        pub status: saltyrtc_status,
        /// What happened and what to do, in English. NUL-terminated.
        pub text: *const c_char,
        /// Who ended the connection.
        pub closed_by: saltyrtc_closed_by,
        /// The close code of the WebSocket or of the protocol (1000 to 4999); 0 if there was none.
        pub close_code: u16,
        /// Whether connecting again in the same way may help.
        pub retryable: bool,
        /// Whether somebody of the other role is on the path already.
        pub peer_present: bool,
        /// Whether the server proved to have the permanent key that this client knows.
        pub server_verified: bool,
        /// Whether a new handshake with the peer that left can succeed. If not: issue a new token
        /// (initiator), trust the peer (both), or use a new invitation (responder).
        pub can_rejoin: bool,
        /// An address on the path: 1 is the initiator, 2 to 255 are responders.
        pub address: u8,
        /// How the client knows that the peer left.
        pub peer_left: saltyrtc_peer_left,
        /// The public permanent key of the peer, SALTYRTC_KEY_BYTES bytes. Store it to trust the peer.
        pub peer_key: *const u8,
        /// The name of the task. NUL-terminated.
        pub task: *const c_char,
        /// Of what type the data is.
        pub payload: saltyrtc_payload,
        /// Data; see payload. Not NULL if data_len is not 0.
        pub data: *const u8,
        /// Bytes of data.
        pub data_len: usize,
        /// The RTCSdpType: "offer", "pranswer", "answer" or "rollback". NUL-terminated.
        pub sdp_type: *const c_char,
        /// The session description. NUL-terminated; NULL if a "rollback" has none.
        pub sdp: *const c_char,
        /// Candidates, in the order in which to add them.
        pub candidates: *const saltyrtc_candidate,
        /// How many candidates there are.
        pub candidates_len: usize,
        /// How the connection to the peer is doing.
        pub connection_state: saltyrtc_connection_state,
        /// The number of a channel.
        pub channel: u32,
        /// The name of a channel. NUL-terminated.
        pub label: *const c_char,
        /// What is spoken on a channel. NUL-terminated.
        pub channel_protocol: *const c_char,
        /// Whether messages can get lost.
        pub reliability: saltyrtc_reliability,
        /// With MAX_RETRANSMITS a number, with MAX_LIFETIME milliseconds.
        pub reliability_limit: u32,
        /// Whether messages may arrive in another order than they were sent in.
        pub unordered: bool,
        /// Whether messages are encrypted by WebRTC only, and not with the keys of the two clients inside of
        /// that.
        pub plain: bool,
        /// Whether the peer opened the channel.
        pub opened_by_peer: bool,
    }
}

/// Frees an event of saltyrtc_client_next_event (not one that a callback got). NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_event_free(event: *mut saltyrtc_event) {
    if !event.is_null() {
        silent_entry(|| drop(Box::from_raw(event.cast::<OwnedEvent>())));
    }
}

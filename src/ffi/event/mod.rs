//! Events.

mod fields;
mod kind;
mod ortc;
mod owned;
mod posted;
mod values;

use std::ffi::c_char;

pub(super) use self::kind::saltyrtc_event_kind;
pub(super) use self::ortc::*;
#[cfg(test)]
pub(super) use self::owned::tests;
pub(super) use self::owned::{Content, Fields, OwnedEvent};
pub(super) use self::posted::Posted;
pub(super) use self::values::*;
use super::declare::c_struct;
use super::error::silent_entry;
use super::status::saltyrtc_status;

c_struct! {
    /// An event. Which fields it has depends on its kind and is written there, in saltyrtc_event_kind;
    /// all other fields are 0, false or NULL.
    ///
    /// An event that is passed to a callback is valid until the callback returns, with everything that
    /// it points to. An event that was taken with saltyrtc_client_next_event or
    /// saltyrtc_queue_next_events is valid until saltyrtc_event_free. Events must not be modified.
    ///
    /// All texts end with a NUL. Those that a peer chose may contain others, so they have a length.
    ///
    /// A program that may run with an older library than it was compiled for must not read fields
    /// beyond struct_size.
    pub struct saltyrtc_event {
        /// The size of this structure in the library, in bytes.
        pub struct_size: usize,
        /// Which client it is of: what was given to saltyrtc_client_new_on_queue, or else 0.
        pub token: u64,
        /// What happened.
        pub kind: saltyrtc_event_kind,
        /// The reason.
        pub status: saltyrtc_status,
        /// What happened and what to do about it, in English.
        pub text: *const c_char,
        /// The size of the text in bytes, without the NUL at the end.
        pub text_len: usize,
        /// Who ended the connection.
        pub closed_by: saltyrtc_closed_by,
        /// The close code of WebSocket or SaltyRTC, 1000 to 4999; 0 if there was none.
        pub close_code: u16,
        /// Whether a new client with the same configuration may succeed.
        pub retryable: bool,
        /// Whether a client of the other role is on the path already.
        pub peer_present: bool,
        /// Whether the server proved that it has the permanent key that this client knows.
        pub server_verified: bool,
        /// Whether a new handshake with the peer that left can succeed, as it can if both clients trust
        /// each other (saltyrtc_client_trust_peer). If not: as the initiator, issue a new token
        /// (saltyrtc_client_issue_token); as the responder, create a new client with a new invitation.
        pub can_rejoin: bool,
        /// An address on the path: 1 is the initiator, 2 to 255 are responders.
        pub address: u8,
        /// How the client learned that the peer is gone.
        pub peer_left: saltyrtc_peer_left,
        /// The public permanent key of the peer: SALTYRTC_KEY_BYTES bytes. To trust the peer later,
        /// store it.
        pub peer_key: *const u8,
        /// The name of the task.
        pub task: *const c_char,
        /// The size of the name in bytes, without the NUL at the end.
        pub task_len: usize,
        /// The type of the data.
        pub payload: saltyrtc_payload,
        /// The data. May be NULL only if data_len is 0.
        pub data: *const u8,
        /// The size of the data in bytes.
        pub data_len: usize,
        /// The RTCSdpType of the description: "offer", "pranswer", "answer" or "rollback".
        pub sdp_type: *const c_char,
        /// The session description; NULL with a "rollback" that has none.
        pub sdp: *const c_char,
        /// The size of the session description in bytes, without the NUL at the end.
        pub sdp_len: usize,
        /// The candidates, in the order in which to add them.
        pub candidates: *const saltyrtc_candidate,
        /// The number of candidates.
        pub candidates_len: usize,
        /// The state of the connection to the peer.
        pub connection_state: saltyrtc_connection_state,
        /// The number of a channel.
        pub channel: u32,
        /// The label of a channel.
        pub label: *const c_char,
        /// The size of the label in bytes, without the NUL at the end.
        pub label_len: usize,
        /// The subprotocol of a channel.
        pub channel_protocol: *const c_char,
        /// The size of the name of the subprotocol in bytes, without the NUL at the end.
        pub channel_protocol_len: usize,
        /// How long delivery is attempted.
        pub reliability: saltyrtc_reliability,
        /// With MAX_RETRANSMITS, the number of retransmissions; with MAX_LIFETIME, milliseconds.
        pub reliability_limit: u32,
        /// Whether messages may arrive in another order than they were sent in.
        pub unordered: bool,
        /// Whether messages are encrypted by WebRTC only, and not also with the keys of the two
        /// clients.
        pub plain: bool,
        /// Whether the peer opened the channel.
        pub opened_by_peer: bool,
        /// The level of the log message.
        pub log_level: saltyrtc_log_level,
        /// The part of the library that logs. NUL-terminated.
        pub log_target: *const c_char,
        /// How many log messages before this one were dropped, because too many waited.
        pub dropped: u64,
        /// Which of several transports or channels a message of ORTC is about; NULL if the peer does not say.
        pub message_label: *const c_char,
        /// The size of the label in bytes, without the NUL at the end.
        pub message_label_len: usize,
        /// The username fragment of ICE.
        pub username_fragment: *const c_char,
        /// The size of the username fragment in bytes, without the NUL at the end.
        pub username_fragment_len: usize,
        /// The password of ICE.
        pub password: *const c_char,
        /// The size of the password in bytes, without the NUL at the end.
        pub password_len: usize,
        /// The candidates of ORTC, in the order in which to add them.
        pub ice_candidates: *const saltyrtc_ice_candidate,
        /// The number of candidates.
        pub ice_candidates_len: usize,
        /// The hashes of the peer's certificates.
        pub fingerprints: *const saltyrtc_dtls_fingerprint,
        /// The number of hashes.
        pub fingerprints_len: usize,
        /// The role of the peer in ICE.
        pub ice_role: saltyrtc_ice_role,
        /// The role of the peer in DTLS.
        pub dtls_role: saltyrtc_dtls_role,
        /// The largest message that the peer's SCTP transport takes, in bytes; 0 if it takes messages of any
        /// size.
        pub max_message_size: u32,
        /// For how many milliseconds it is tried to deliver a message on a channel.
        pub max_packet_lifetime: u32,
        /// How many times it is tried again to deliver a message on a channel.
        pub max_retransmits: u32,
        /// The id of a channel, 0 to 65535.
        pub channel_id: u16,
        /// Whether max_packet_lifetime is given.
        pub has_max_packet_lifetime: bool,
        /// Whether max_retransmits is given.
        pub has_max_retransmits: bool,
        /// Whether the peer only answers checks (ICE lite).
        pub ice_lite: bool,
    }
}

/// Frees an event that was taken with saltyrtc_client_next_event or saltyrtc_queue_next_events; not one
/// that was passed to a callback. Does nothing if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_event_free(event: *mut saltyrtc_event) {
    if !event.is_null() {
        silent_entry(|| drop(Box::from_raw(event.cast::<OwnedEvent>())));
    }
}

/// Frees `count` events that were taken with saltyrtc_queue_next_events, and sets the pointers to NULL;
/// those that are NULL already are left out. The array itself stays the caller's. Does nothing if it is
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_events_free(events: *mut *mut saltyrtc_event, count: usize) {
    if !events.is_null() {
        for i in 0..count {
            saltyrtc_event_free(events.add(i).replace(std::ptr::null_mut()));
        }
    }
}

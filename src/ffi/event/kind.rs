//! The table of event kinds: what each is called, when it comes, and which fields it has.
//!
//! Everything that has to know which fields an event has comes from here: what the header says about
//! each kind, `include/saltyrtc.json`, the check that the tests in `tests/c` put every event through
//! (`tests/c/generated.h`), and the check of what the library fills in (`super::fields`).

use std::ffi::c_char;

use super::fields::event_kinds;
use crate::ffi::declare::CEnum;

event_kinds! {
    /// What happened, and with it, which fields of saltyrtc_event have a meaning: all others are 0,
    /// false or NULL. Later versions may have more kinds, so ignore those that you do not know.
    pub enum saltyrtc_event_kind {
        /// Something that this version of the interface has no kind for. Never sent by this version.
        Unknown = 0 {},
        /// The server accepted this client.
        ServerHandshakeDone = 1 {
            always address "this client's own",
            maybe peer_present,
            maybe server_verified,
        },
        /// Initiator: a responder came onto the path. It is not authenticated yet.
        ResponderJoined = 2 { always address },
        /// Initiator: a responder that was not authenticated left the path, or was dropped from it without
        /// having failed: it was silent for too long, or another one is the peer.
        ResponderLeft = 3 { always address },
        /// Responder: an initiator came onto the path. It is not authenticated yet.
        InitiatorJoined = 4 {},
        /// Initiator: a responder has used the token, which is invalid from now on, even if the
        /// handshake with that responder fails. To let another responder in, call
        /// saltyrtc_client_issue_token.
        TokenUsed = 5 {},
        /// Initiator: a responder failed to authenticate itself and was dropped from the path. The
        /// client keeps waiting for others.
        ResponderFailed = 6 {
            always address,
            always status "what it did wrong",
            always close_code "what it was dropped with",
            always text,
            always text_len,
        },
        /// The two clients have authenticated each other, and the task runs: data can be sent.
        PeerHandshakeDone = 7 {
            always address "the peer's",
            always peer_key,
            always task,
            always task_len,
            maybe payload "NONE if the peer's task has no data for ours",
            maybe data "a MessagePack map",
            maybe data_len,
        },
        /// Relayed Data task: a message from the peer.
        Data = 8 { always payload, maybe data, maybe data_len },
        /// A message from the peer's application that does not belong to the task.
        Application = 9 { always payload, maybe data, maybe data_len },
        /// Custom task: a message from the peer.
        TaskMessage = 10 {
            always payload "MSGPACK",
            always data "a map with the key \"type\"",
            always data_len,
        },
        /// A message of this client was lost, because the receiver cannot be reached any more.
        SendError = 11 { always address "the receiver's" },
        /// The peer is not there any more. If it comes back, there is a new handshake.
        PeerLeft = 12 {
            always address,
            maybe peer_left,
            maybe can_rejoin,
        },
        /// After SALTYRTC_STATUS_QUEUE_FULL: there is room in the queue again.
        Writable = 13 {},
        /// The connection has ended. This is the last event.
        Closed = 14 {
            maybe status "why; OK if this client was asked to close",
            always text,
            always text_len,
            maybe closed_by,
            maybe close_code,
            maybe retryable,
        },
        /// WebRTC task: the initiator's offer.
        Offer = 15 { always sdp_type, maybe sdp, maybe sdp_len },
        /// WebRTC task: the responder's answer.
        Answer = 16 { always sdp_type, maybe sdp, maybe sdp_len },
        /// WebRTC task: ICE candidates of the peer.
        Candidates = 17 { maybe candidates, maybe candidates_len },
        /// Both clients have handed the signalling over to a data channel. The connection to the server
        /// is closed now.
        HandedOver = 18 {},
        /// Send this as one binary message on the data channel of the signalling; see
        /// saltyrtc_client_hand_over.
        TransportSend = 19 { always payload "BYTES", always data, always data_len },
        /// Close the data channel of the signalling once everything that was sent on it is delivered.
        TransportClose = 20 {},
        /// Built-in WebRTC: the state of the connection to the peer has changed.
        ConnectionState = 21 {
            maybe connection_state,
            maybe status "why, if it is FAILED",
            always text,
            always text_len,
        },
        /// Built-in WebRTC: something cannot be used, for example an ICE server or a candidate of the
        /// peer. The connection goes on without it.
        ConnectionProblem = 22 { always status "what cannot be used", always text, always text_len },
        /// Built-in WebRTC: a channel is open, whichever of the two clients opened it.
        ChannelOpened = 23 {
            always channel,
            always label,
            maybe label_len,
            always channel_protocol,
            maybe channel_protocol_len,
            maybe unordered,
            maybe reliability,
            maybe reliability_limit,
            maybe plain,
            maybe opened_by_peer,
        },
        /// Built-in WebRTC: a message on a channel.
        ChannelMessage = 24 { always channel, always payload, maybe data, maybe data_len },
        /// Built-in WebRTC: the amount of data that waits to be sent on a channel has fallen to the
        /// low-water mark; or, after SALTYRTC_STATUS_QUEUE_FULL, there is room again.
        ChannelLowWater = 25 { always channel },
        /// Built-in WebRTC: a channel was closed, or could not be opened. This is its last event.
        ChannelClosed = 26 {
            always channel,
            maybe status "why; OK if one of the two clients closed it",
            maybe text "NULL if one of the two clients closed it",
            maybe text_len,
        },
        /// On a queue with saltyrtc_queue_set_log: a message for the log.
        Log = 27 {
            always log_level,
            always log_target,
            always text,
            maybe text_len,
            maybe dropped,
        },
        /// After saltyrtc_client_set_low_water: the amount of data that waits to be sent has fallen to the
        /// mark.
        LowWater = 28 {},
        /// After saltyrtc_server_stop_on_queue: the server has stopped; or, with SALTYRTC_STATUS_TIMEOUT, it
        /// has not in time, and goes on with it.
        ServerStopped = 29 { maybe status "OK or TIMEOUT" },
        /// ORTC task: a valid message from the peer for which there is no kind of its own: 'rtp-capabilities'.
        OrtcMessage = 30 {
            always payload "MSGPACK",
            always data "a map with the key \"type\"; with the fields that the task knows",
            always data_len,
        },
        /// ORTC task: the parameters of the peer's ICE transport.
        IceParameters = 31 {
            maybe message_label,
            maybe message_label_len,
            always username_fragment,
            maybe username_fragment_len,
            always password,
            maybe password_len,
            maybe ice_lite,
            maybe ice_role,
            always payload "MSGPACK",
            always data "the whole message, as saltyrtc_client_send_ortc_message takes it",
            always data_len,
        },
        /// ORTC task: ICE candidates of the peer.
        IceCandidates = 32 {
            always ice_candidates,
            always ice_candidates_len,
            always payload "MSGPACK",
            always data "the whole message, as saltyrtc_client_send_ortc_message takes it",
            always data_len,
        },
        /// ORTC task: the parameters of the peer's DTLS transport.
        DtlsParameters = 33 {
            maybe message_label,
            maybe message_label_len,
            maybe dtls_role,
            always fingerprints,
            always fingerprints_len,
            always payload "MSGPACK",
            always data "the whole message, as saltyrtc_client_send_ortc_message takes it",
            always data_len,
        },
        /// ORTC task: the capabilities of the peer's SCTP transport.
        SctpCapabilities = 34 {
            maybe message_label,
            maybe message_label_len,
            maybe max_message_size,
            always payload "MSGPACK",
            always data "the whole message, as saltyrtc_client_send_ortc_message takes it",
            always data_len,
        },
        /// ORTC task: a data channel of the peer.
        DataChannelParameters = 35 {
            maybe message_label,
            maybe message_label_len,
            maybe channel_id,
            always label "that of the channel",
            maybe label_len,
            always channel_protocol,
            maybe channel_protocol_len,
            maybe unordered,
            maybe max_packet_lifetime,
            maybe has_max_packet_lifetime,
            maybe max_retransmits,
            maybe has_max_retransmits,
            always payload "MSGPACK",
            always data "the whole message, as saltyrtc_client_send_ortc_message takes it",
            always data_len,
        },
    }
}

/// The name of an event kind in a few words, for example "peer handshake done"; for a number that is
/// none, "unknown event kind". The text is static. `kind` is one of saltyrtc_event_kind.
#[unsafe(no_mangle)]
pub extern "C" fn saltyrtc_event_kind_name(kind: i32) -> *const c_char {
    saltyrtc_event_kind::from_number(kind).map_or(c"unknown event kind", CEnum::text).as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    #[test]
    fn every_number_has_a_name() {
        let name = |kind| unsafe { CStr::from_ptr(saltyrtc_event_kind_name(kind)) };
        assert_eq!(name(saltyrtc_event_kind::PeerHandshakeDone.number()), c"peer handshake done");
        for number in [-1, saltyrtc_event_kind::ALL.len() as i32, i32::MIN, i32::MAX] {
            assert_eq!(name(number), c"unknown event kind");
        }
    }

    /// Programs make arrays of them.
    #[test]
    fn numbers_have_no_gaps() {
        let numbers = saltyrtc_event_kind::ALL.iter().map(|kind| kind.number());
        assert!(numbers.eq(0..saltyrtc_event_kind::ALL.len() as i32));
    }
}

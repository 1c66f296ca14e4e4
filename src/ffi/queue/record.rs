//! Events as records: numbers of fixed width in a buffer of the program's, for languages in which following
//! pointers is dear.

use std::ffi::{CStr, c_char};

use crate::crypto::KEY_BYTES;
use crate::ffi::declare::{CEnum, c_enum};
use crate::ffi::event::saltyrtc_event;

use super::array::{Element, Place, bytes, elements, text, total};

/// An event in a buffer that saltyrtc_queue_read has filled: the fields of saltyrtc_event as numbers of
/// fixed width, in the same places on every system.
///
/// What is a pointer there is a pair here: the place of the bytes in the buffer, counted from its
/// beginning, and their number. The place is 0 for what is NULL there. Texts are UTF-8 and do not end
/// with a NUL. Bytes have no particular alignment.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct saltyrtc_record {
    /// The size of this structure in the library, in bytes: so far behind this record is the next one. It
    /// is a multiple of 8, and 8 bytes at least are added when the structure grows.
    pub record_size: u32,
    /// One of saltyrtc_event_kind.
    pub kind: i32,
    /// Which client it is of: what was given to saltyrtc_client_new_on_queue.
    pub token: u64,
    /// The fields that are true, a sum of saltyrtc_record_flag.
    pub flags: u32,
    /// One of saltyrtc_status.
    pub status: i32,
    /// One of saltyrtc_closed_by.
    pub closed_by: i32,
    /// The close code.
    pub close_code: u32,
    /// An address on the path.
    pub address: u32,
    /// One of saltyrtc_peer_left.
    pub peer_left: i32,
    /// One of saltyrtc_payload.
    pub payload: i32,
    /// One of saltyrtc_connection_state.
    pub connection_state: i32,
    /// The number of a channel.
    pub channel: u32,
    /// One of saltyrtc_reliability.
    pub reliability: i32,
    /// With MAX_RETRANSMITS, the number of retransmissions; with MAX_LIFETIME, milliseconds.
    pub reliability_limit: u32,
    /// Where the text is.
    pub text_offset: u32,
    /// Its size in bytes.
    pub text_len: u32,
    /// Where the public key of the peer is.
    pub peer_key_offset: u32,
    /// SALTYRTC_KEY_BYTES, or 0 if there is none.
    pub peer_key_len: u32,
    /// Where the name of the task is.
    pub task_offset: u32,
    /// Its size in bytes.
    pub task_len: u32,
    /// Where the data is.
    pub data_offset: u32,
    /// Its size in bytes.
    pub data_len: u32,
    /// Where the type of the description is.
    pub sdp_type_offset: u32,
    /// Its size in bytes.
    pub sdp_type_len: u32,
    /// Where the session description is.
    pub sdp_offset: u32,
    /// Its size in bytes.
    pub sdp_len: u32,
    /// Where the candidates are: an array of saltyrtc_record_candidate.
    pub candidates_offset: u32,
    /// How many candidates there are.
    pub candidates_len: u32,
    /// Where the label of the channel is.
    pub label_offset: u32,
    /// Its size in bytes.
    pub label_len: u32,
    /// Where the subprotocol of the channel is.
    pub channel_protocol_offset: u32,
    /// Its size in bytes.
    pub channel_protocol_len: u32,
    /// How many log messages were dropped before this one.
    pub dropped: u64,
    /// One of saltyrtc_log_level.
    pub log_level: i32,
    /// Where the name of the part of the library is that logs.
    pub log_target_offset: u32,
    /// Its size in bytes.
    pub log_target_len: u32,
    /// One of saltyrtc_ice_role.
    pub ice_role: i32,
    /// Where the label of the message is.
    pub message_label_offset: u32,
    /// Its size in bytes.
    pub message_label_len: u32,
    /// Where the username fragment of ICE is.
    pub username_fragment_offset: u32,
    /// Its size in bytes.
    pub username_fragment_len: u32,
    /// Where the password of ICE is.
    pub password_offset: u32,
    /// Its size in bytes.
    pub password_len: u32,
    /// Where the candidates of ORTC are: an array of saltyrtc_record_ice_candidate.
    pub ice_candidates_offset: u32,
    /// How many candidates there are.
    pub ice_candidates_len: u32,
    /// Where the hashes of certificates are: an array of saltyrtc_record_dtls_fingerprint.
    pub fingerprints_offset: u32,
    /// How many hashes there are.
    pub fingerprints_len: u32,
    /// One of saltyrtc_dtls_role.
    pub dtls_role: i32,
    /// The largest message that the peer's SCTP transport takes, in bytes.
    pub max_message_size: u32,
    /// For how many milliseconds it is tried to deliver a message on a channel.
    pub max_packet_lifetime: u32,
    /// How many times it is tried again to deliver a message on a channel.
    pub max_retransmits: u32,
    /// The id of a channel.
    pub channel_id: u32,
    /// 0.
    pub reserved: u32,
}

c_enum! {
    /// What can be true in an event: the fields of saltyrtc_event of these names.
    pub enum saltyrtc_record_flag {
        /// Whether a new client with the same configuration may succeed.
        Retryable = 1,
        /// Whether a client of the other role is on the path already.
        PeerPresent = 2,
        /// Whether the server proved that it has the permanent key that this client knows.
        ServerVerified = 4,
        /// Whether a new handshake with the peer that left can succeed.
        CanRejoin = 8,
        /// Whether messages may arrive in another order than they were sent in.
        Unordered = 16,
        /// Whether messages are encrypted by WebRTC only.
        Plain = 32,
        /// Whether the peer opened the channel.
        OpenedByPeer = 64,
        /// Whether max_packet_lifetime is given.
        HasMaxPacketLifetime = 128,
        /// Whether max_retransmits is given.
        HasMaxRetransmits = 256,
        /// Whether the peer only answers checks (ICE lite).
        IceLite = 512,
    }
}

const RECORD: usize = size_of::<saltyrtc_record>();

/// Of what the library puts into a buffer, counted from its beginning.
const ALIGN: usize = 8;

const _: () = assert!(RECORD.is_multiple_of(ALIGN));

/// A text that has no length beside it, because the library has made it.
fn static_text<'a>(text: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: texts of events end with a NUL, and live as long as the event.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// The fields that are bytes, in the order of the record. Valid as long as the event.
fn contents(event: &saltyrtc_event) -> [Option<&[u8]>; 12] {
    [
        text(event.text, event.text_len),
        bytes(event.peer_key, KEY_BYTES),
        text(event.task, event.task_len),
        bytes(event.data, event.data_len),
        static_text(event.sdp_type),
        text(event.sdp, event.sdp_len),
        text(event.label, event.label_len),
        text(event.channel_protocol, event.channel_protocol_len),
        static_text(event.log_target),
        text(event.message_label, event.message_label_len),
        text(event.username_fragment, event.username_fragment_len),
        text(event.password, event.password_len),
    ]
}

/// How many bytes of a buffer are enough for an array.
fn array_len<const TEXTS: usize, E: Element<TEXTS>>(elements: &[E]) -> usize {
    if elements.is_empty() {
        return 0;
    }
    let texts = elements.iter().map(|it| total(&it.texts())).sum::<usize>();
    ALIGN - 1 + elements.len() * size_of::<E::Record>() + texts
}

/// How many bytes of a buffer are enough for the event.
pub(super) fn packed_len(event: &saltyrtc_event) -> usize {
    RECORD
        + total(&contents(event))
        + array_len(elements(event.candidates, event.candidates_len))
        + array_len(elements(event.ice_candidates, event.ice_candidates_len))
        + array_len(elements(event.fingerprints, event.fingerprints_len))
}

/// A buffer of the program's that records are put into from the front, and bytes from the back.
pub(super) struct Packer {
    buffer: *mut u8,
    front: usize,
    back: usize,
}

impl Packer {
    /// # Safety
    ///
    /// The buffer has `capacity` bytes. (Of more than 4 GiB, no more are used.)
    pub(super) unsafe fn new(buffer: *mut u8, capacity: usize) -> Self {
        Self { buffer, front: 0, back: usable(capacity) }
    }

    /// Packs an event. There has to be room for [`packed_len`].
    pub(super) fn pack(&mut self, event: &saltyrtc_event) {
        assert!(self.back - self.front >= packed_len(event), "room was asked for before");
        let [
            text,
            peer_key,
            task,
            data,
            sdp_type,
            sdp,
            label,
            channel_protocol,
            log_target,
            message_label,
            username_fragment,
            password,
        ] = contents(event).map(|bytes| self.put(bytes));
        let candidates = self.put_array(elements(event.candidates, event.candidates_len));
        let ice_candidates =
            self.put_array(elements(event.ice_candidates, event.ice_candidates_len));
        let fingerprints = self.put_array(elements(event.fingerprints, event.fingerprints_len));
        let flags = [
            (event.retryable, saltyrtc_record_flag::Retryable),
            (event.peer_present, saltyrtc_record_flag::PeerPresent),
            (event.server_verified, saltyrtc_record_flag::ServerVerified),
            (event.can_rejoin, saltyrtc_record_flag::CanRejoin),
            (event.unordered, saltyrtc_record_flag::Unordered),
            (event.plain, saltyrtc_record_flag::Plain),
            (event.opened_by_peer, saltyrtc_record_flag::OpenedByPeer),
            (event.has_max_packet_lifetime, saltyrtc_record_flag::HasMaxPacketLifetime),
            (event.has_max_retransmits, saltyrtc_record_flag::HasMaxRetransmits),
            (event.ice_lite, saltyrtc_record_flag::IceLite),
        ];
        let flags = flags.iter().filter(|(set, _)| *set).map(|(_, flag)| *flag as u32).sum();
        let record = saltyrtc_record {
            record_size: RECORD as u32,
            kind: event.kind.number(),
            token: event.token,
            flags,
            status: event.status.number(),
            closed_by: event.closed_by.number(),
            close_code: event.close_code.into(),
            address: event.address.into(),
            peer_left: event.peer_left.number(),
            payload: event.payload.number(),
            connection_state: event.connection_state.number(),
            channel: event.channel,
            reliability: event.reliability.number(),
            reliability_limit: event.reliability_limit,
            text_offset: text.0,
            text_len: text.1,
            peer_key_offset: peer_key.0,
            peer_key_len: peer_key.1,
            task_offset: task.0,
            task_len: task.1,
            data_offset: data.0,
            data_len: data.1,
            sdp_type_offset: sdp_type.0,
            sdp_type_len: sdp_type.1,
            sdp_offset: sdp.0,
            sdp_len: sdp.1,
            candidates_offset: candidates.0,
            candidates_len: candidates.1,
            label_offset: label.0,
            label_len: label.1,
            channel_protocol_offset: channel_protocol.0,
            channel_protocol_len: channel_protocol.1,
            dropped: event.dropped,
            log_level: event.log_level.number(),
            log_target_offset: log_target.0,
            log_target_len: log_target.1,
            ice_role: event.ice_role.number(),
            message_label_offset: message_label.0,
            message_label_len: message_label.1,
            username_fragment_offset: username_fragment.0,
            username_fragment_len: username_fragment.1,
            password_offset: password.0,
            password_len: password.1,
            ice_candidates_offset: ice_candidates.0,
            ice_candidates_len: ice_candidates.1,
            fingerprints_offset: fingerprints.0,
            fingerprints_len: fingerprints.1,
            dtls_role: event.dtls_role.number(),
            max_message_size: event.max_message_size,
            max_packet_lifetime: event.max_packet_lifetime,
            max_retransmits: event.max_retransmits,
            channel_id: event.channel_id.into(),
            reserved: 0,
        };
        // SAFETY: there is room, and no padding (a test sees to it). The buffer may begin anywhere.
        unsafe { self.buffer.add(self.front).cast::<saltyrtc_record>().write_unaligned(record) };
        self.front += RECORD;
    }

    fn put(&mut self, bytes: Option<&[u8]>) -> Place {
        let Some(bytes) = bytes else { return (0, 0) };
        self.back -= bytes.len();
        // SAFETY: there is room, in memory of the program's, which cannot be memory of the library's.
        unsafe {
            self.buffer.add(self.back).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
        (self.back as u32, bytes.len() as u32)
    }

    fn put_array<const TEXTS: usize, E: Element<TEXTS>>(&mut self, elements: &[E]) -> Place {
        if elements.is_empty() {
            return (0, 0);
        }
        let size = const {
            assert!(size_of::<E::Record>().is_multiple_of(ALIGN));
            size_of::<E::Record>()
        };
        let packed: Vec<_> =
            elements.iter().map(|it| it.record(it.texts().map(|bytes| self.put(bytes)))).collect();
        self.back = (self.back - packed.len() * size) & !(ALIGN - 1);
        let count = packed.len();
        for (i, record) in packed.into_iter().enumerate() {
            // SAFETY: as above.
            unsafe {
                self.buffer.add(self.back + i * size).cast::<E::Record>().write_unaligned(record);
            }
        }
        (self.back as u32, count as u32)
    }
}

/// Places have 32 bits.
pub(super) fn usable(capacity: usize) -> usize {
    capacity.min(u32::MAX as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi::event::Fields;
    use crate::ffi::event::tests::contents as contents_of_events;

    /// Aligned, so that records can be looked at where they are.
    #[repr(C, align(8))]
    struct Buffer([u8; 4096]);

    fn bytes_at(buffer: &[u8], offset: u32, len: u32) -> Option<&[u8]> {
        (offset != 0).then(|| &buffer[offset as usize..][..len as usize])
    }

    /// An array in the buffer says what that of the event says.
    fn check<const TEXTS: usize, E: Element<TEXTS>>(
        buffer: &[u8],
        (offset, len): Place,
        expected: &[E],
        places: impl Fn(&E::Record) -> [Place; TEXTS],
    ) where
        E::Record: PartialEq + std::fmt::Debug,
    {
        assert_eq!(len as usize, expected.len());
        for (i, expected) in expected.iter().enumerate() {
            let at = offset as usize + i * size_of::<E::Record>();
            assert_eq!(at % ALIGN, 0);
            let record = unsafe { buffer.as_ptr().add(at).cast::<E::Record>().read() };
            let places = places(&record);
            let texts = places.map(|(offset, len)| bytes_at(buffer, offset, len));
            assert_eq!(texts, expected.texts());
            assert_eq!(record, expected.record(places));
        }
    }

    #[test]
    fn a_record_has_the_content_of_its_event_and_fits_exactly() {
        for content in contents_of_events() {
            let said = format!("{content:?}");
            let fields = Fields::of(0x0102_0304_0506_0708, &content);
            let event = fields.get();
            let len = packed_len(event);
            let mut memory = Buffer([0x55; 4096]);
            // Where bytes that are not aligned come before.
            for shift in 0..8 {
                let mut packer = unsafe { Packer::new(memory.0.as_mut_ptr(), len + shift) };
                packer.pack(event);
                assert_eq!(packer.front, RECORD);
                let buffer = &memory.0[..len + shift];
                let record = unsafe { *buffer.as_ptr().cast::<saltyrtc_record>() };
                assert_eq!(record.record_size as usize, RECORD);
                assert_eq!((record.token, record.kind), (event.token, event.kind.number()));
                assert_eq!(record.status, event.status.number(), "{said}");
                assert_eq!(record.close_code, event.close_code.into());
                assert_eq!(record.channel, event.channel);
                assert_eq!(
                    (record.log_level, record.dropped),
                    (event.log_level.number(), event.dropped)
                );
                assert_eq!(record.ice_role, event.ice_role.number());
                assert_eq!(record.dtls_role, event.dtls_role.number());
                assert_eq!(
                    (record.max_message_size, record.max_packet_lifetime, record.max_retransmits),
                    (event.max_message_size, event.max_packet_lifetime, event.max_retransmits)
                );
                assert_eq!(record.channel_id, event.channel_id.into());
                let contents = contents(event);
                for (content, (offset, len)) in contents.iter().zip([
                    (record.text_offset, record.text_len),
                    (record.peer_key_offset, record.peer_key_len),
                    (record.task_offset, record.task_len),
                    (record.data_offset, record.data_len),
                    (record.sdp_type_offset, record.sdp_type_len),
                    (record.sdp_offset, record.sdp_len),
                    (record.label_offset, record.label_len),
                    (record.channel_protocol_offset, record.channel_protocol_len),
                    (record.log_target_offset, record.log_target_len),
                    (record.message_label_offset, record.message_label_len),
                    (record.username_fragment_offset, record.username_fragment_len),
                    (record.password_offset, record.password_len),
                ]) {
                    assert_eq!(bytes_at(buffer, offset, len), *content, "{said}");
                }
                check(
                    buffer,
                    (record.candidates_offset, record.candidates_len),
                    elements(event.candidates, event.candidates_len),
                    |it| {
                        [
                            (it.candidate_offset, it.candidate_len),
                            (it.sdp_mid_offset, it.sdp_mid_len),
                            (it.username_fragment_offset, it.username_fragment_len),
                        ]
                    },
                );
                check(
                    buffer,
                    (record.ice_candidates_offset, record.ice_candidates_len),
                    elements(event.ice_candidates, event.ice_candidates_len),
                    |it| {
                        [
                            (it.label_offset, it.label_len),
                            (it.foundation_offset, it.foundation_len),
                            (it.ip_offset, it.ip_len),
                            (it.related_address_offset, it.related_address_len),
                        ]
                    },
                );
                check(
                    buffer,
                    (record.fingerprints_offset, record.fingerprints_len),
                    elements(event.fingerprints, event.fingerprints_len),
                    |it| [(it.algorithm_offset, it.algorithm_len), (it.value_offset, it.value_len)],
                );
                assert!(memory.0[len + shift..].iter().all(|byte| *byte == 0x55), "{said}");
            }
        }
    }

    #[test]
    fn flags_are_different_bits() {
        let all: i32 = saltyrtc_record_flag::ALL.iter().map(|flag| flag.number()).sum();
        assert_eq!(all + 1, 1 << saltyrtc_record_flag::ALL.len());
    }
}

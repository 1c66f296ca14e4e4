//! Events as records: numbers of fixed width in a buffer of the program's, for languages in which following
//! pointers is dear.

use std::ffi::{CStr, c_char};
use std::slice;

use crate::crypto::KEY_BYTES;
use crate::ffi::declare::{CEnum, c_enum};
use crate::ffi::event::{saltyrtc_candidate, saltyrtc_event};

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
    /// 0.
    pub reserved: u32,
}

/// A candidate in a buffer that saltyrtc_queue_read has filled: the fields of saltyrtc_candidate. Places
/// are counted from the beginning of the buffer.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct saltyrtc_record_candidate {
    /// Where the candidate-attribute is.
    pub candidate_offset: u32,
    /// Its size in bytes.
    pub candidate_len: u32,
    /// Where the identification tag of the media description is.
    pub sdp_mid_offset: u32,
    /// Its size in bytes.
    pub sdp_mid_len: u32,
    /// Where the ICE user name fragment is.
    pub username_fragment_offset: u32,
    /// Its size in bytes.
    pub username_fragment_len: u32,
    /// The index of the media description, 0 to 65535; -1 if it is not given.
    pub sdp_m_line_index: i32,
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
    }
}

const RECORD: usize = size_of::<saltyrtc_record>();
const CANDIDATE: usize = size_of::<saltyrtc_record_candidate>();

/// Of what the library puts into a buffer, counted from its beginning.
const ALIGN: usize = 8;

const _: () = assert!(RECORD.is_multiple_of(ALIGN) && CANDIDATE.is_multiple_of(ALIGN));

/// A text of an event, of so many bytes.
fn text<'a>(text: *const c_char, len: usize) -> Option<&'a [u8]> {
    bytes(text.cast(), len)
}

/// A text that has no length beside it, because the library has made it.
fn static_text<'a>(text: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: texts of events end with a NUL, and live as long as the event.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_bytes())
}

fn bytes<'a>(data: *const u8, len: usize) -> Option<&'a [u8]> {
    // SAFETY: the library has made the event, with so many bytes.
    (!data.is_null()).then(|| unsafe { slice::from_raw_parts(data, len) })
}

/// The fields that are bytes, in the order of the record. Valid as long as the event.
fn contents(event: &saltyrtc_event) -> [Option<&[u8]>; 9] {
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
    ]
}

fn candidates(event: &saltyrtc_event) -> &[saltyrtc_candidate] {
    if event.candidates_len == 0 {
        return &[];
    }
    // SAFETY: the library has made the event, with so many candidates.
    unsafe { slice::from_raw_parts(event.candidates, event.candidates_len) }
}

fn candidate_texts(candidate: &saltyrtc_candidate) -> [Option<&[u8]>; 3] {
    [
        text(candidate.candidate, candidate.candidate_len),
        text(candidate.sdp_mid, candidate.sdp_mid_len),
        text(candidate.username_fragment, candidate.username_fragment_len),
    ]
}

fn total(contents: &[Option<&[u8]>]) -> usize {
    contents.iter().flatten().map(|bytes| bytes.len()).sum()
}

/// How many bytes of a buffer are enough for the event.
pub(super) fn packed_len(event: &saltyrtc_event) -> usize {
    let mut len = RECORD + total(&contents(event));
    let candidates = candidates(event);
    if !candidates.is_empty() {
        len += ALIGN - 1 + candidates.len() * CANDIDATE;
        len += candidates.iter().map(|it| total(&candidate_texts(it))).sum::<usize>();
    }
    len
}

/// A buffer of the program's that records are put into from the front, and bytes from the back.
pub(super) struct Packer {
    buffer: *mut u8,
    front: usize,
    back: usize,
}

/// The place of bytes in the buffer, and their number.
type Place = (u32, u32);

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
        let [text, peer_key, task, data, sdp_type, sdp, label, channel_protocol, log_target] =
            contents(event).map(|bytes| self.put(bytes));
        let candidates = self.put_candidates(candidates(event));
        let flags = [
            (event.retryable, saltyrtc_record_flag::Retryable),
            (event.peer_present, saltyrtc_record_flag::PeerPresent),
            (event.server_verified, saltyrtc_record_flag::ServerVerified),
            (event.can_rejoin, saltyrtc_record_flag::CanRejoin),
            (event.unordered, saltyrtc_record_flag::Unordered),
            (event.plain, saltyrtc_record_flag::Plain),
            (event.opened_by_peer, saltyrtc_record_flag::OpenedByPeer),
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

    fn put_candidates(&mut self, candidates: &[saltyrtc_candidate]) -> Place {
        if candidates.is_empty() {
            return (0, 0);
        }
        let packed: Vec<_> = (candidates.iter())
            .map(|candidate| {
                let [text, sdp_mid, username_fragment] =
                    candidate_texts(candidate).map(|bytes| self.put(bytes));
                saltyrtc_record_candidate {
                    candidate_offset: text.0,
                    candidate_len: text.1,
                    sdp_mid_offset: sdp_mid.0,
                    sdp_mid_len: sdp_mid.1,
                    username_fragment_offset: username_fragment.0,
                    username_fragment_len: username_fragment.1,
                    sdp_m_line_index: candidate.sdp_m_line_index,
                    reserved: 0,
                }
            })
            .collect();
        self.back = (self.back - packed.len() * CANDIDATE) & !(ALIGN - 1);
        for (i, candidate) in packed.iter().enumerate() {
            // SAFETY: as above.
            unsafe {
                let place = self.buffer.add(self.back + i * CANDIDATE);
                place.cast::<saltyrtc_record_candidate>().write_unaligned(*candidate);
            }
        }
        (self.back as u32, packed.len() as u32)
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
                ]) {
                    assert_eq!(bytes_at(buffer, offset, len), *content, "{said}");
                }
                let expected = candidates(event);
                assert_eq!(record.candidates_len as usize, expected.len());
                for (i, expected) in expected.iter().enumerate() {
                    let at = record.candidates_offset as usize + i * CANDIDATE;
                    assert_eq!(at % ALIGN, 0);
                    let it = unsafe {
                        buffer.as_ptr().add(at).cast::<saltyrtc_record_candidate>().read()
                    };
                    let texts = [
                        bytes_at(buffer, it.candidate_offset, it.candidate_len),
                        bytes_at(buffer, it.sdp_mid_offset, it.sdp_mid_len),
                        bytes_at(buffer, it.username_fragment_offset, it.username_fragment_len),
                    ];
                    assert_eq!(texts, candidate_texts(expected), "{said}");
                    assert_eq!(it.sdp_m_line_index, expected.sdp_m_line_index);
                }
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

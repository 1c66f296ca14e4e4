//! The arrays that events point to, as arrays of records.

use std::ffi::c_char;
use std::slice;

use crate::ffi::event::{saltyrtc_candidate, saltyrtc_dtls_fingerprint, saltyrtc_ice_candidate};

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

/// A candidate of ORTC in a buffer that saltyrtc_queue_read has filled: the fields of saltyrtc_ice_candidate.
/// Places are counted from the beginning of the buffer.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct saltyrtc_record_ice_candidate {
    /// Where the label is.
    pub label_offset: u32,
    /// Its size in bytes.
    pub label_len: u32,
    /// Where the foundation is.
    pub foundation_offset: u32,
    /// Its size in bytes.
    pub foundation_len: u32,
    /// Where the IP address is.
    pub ip_offset: u32,
    /// Its size in bytes.
    pub ip_len: u32,
    /// Where the related address is.
    pub related_address_offset: u32,
    /// Its size in bytes.
    pub related_address_len: u32,
    /// The higher, the more wanted.
    pub priority: u32,
    /// One of saltyrtc_candidate_type.
    pub candidate_type: i32,
    /// One of saltyrtc_ice_protocol.
    pub protocol: i32,
    /// The port.
    pub port: u32,
    /// The related port.
    pub related_port: u32,
    /// 1 if this is no candidate, as there are no more; otherwise 0.
    pub complete: u32,
}

/// The hash of a certificate in a buffer that saltyrtc_queue_read has filled: the fields of
/// saltyrtc_dtls_fingerprint. Places are counted from the beginning of the buffer.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct saltyrtc_record_dtls_fingerprint {
    /// Where the name of the hash function is.
    pub algorithm_offset: u32,
    /// Its size in bytes.
    pub algorithm_len: u32,
    /// Where the hash is.
    pub value_offset: u32,
    /// Its size in bytes.
    pub value_len: u32,
}

/// The place of bytes in the buffer, and their number.
pub(super) type Place = (u32, u32);

/// What an array of an event is made of: texts, and what fits into a record.
pub(super) trait Element<const TEXTS: usize> {
    /// Without padding, and so large that several can stand in a row.
    type Record: Copy;

    /// Valid as long as the event.
    fn texts(&self) -> [Option<&[u8]>; TEXTS];

    fn record(&self, texts: [Place; TEXTS]) -> Self::Record;
}

impl Element<3> for saltyrtc_candidate {
    type Record = saltyrtc_record_candidate;

    fn texts(&self) -> [Option<&[u8]>; 3] {
        [
            text(self.candidate, self.candidate_len),
            text(self.sdp_mid, self.sdp_mid_len),
            text(self.username_fragment, self.username_fragment_len),
        ]
    }

    fn record(&self, [candidate, sdp_mid, username_fragment]: [Place; 3]) -> Self::Record {
        saltyrtc_record_candidate {
            candidate_offset: candidate.0,
            candidate_len: candidate.1,
            sdp_mid_offset: sdp_mid.0,
            sdp_mid_len: sdp_mid.1,
            username_fragment_offset: username_fragment.0,
            username_fragment_len: username_fragment.1,
            sdp_m_line_index: self.sdp_m_line_index,
            reserved: 0,
        }
    }
}

impl Element<4> for saltyrtc_ice_candidate {
    type Record = saltyrtc_record_ice_candidate;

    fn texts(&self) -> [Option<&[u8]>; 4] {
        [
            text(self.label, self.label_len),
            text(self.foundation, self.foundation_len),
            text(self.ip, self.ip_len),
            text(self.related_address, self.related_address_len),
        ]
    }

    fn record(&self, [label, foundation, ip, related_address]: [Place; 4]) -> Self::Record {
        saltyrtc_record_ice_candidate {
            label_offset: label.0,
            label_len: label.1,
            foundation_offset: foundation.0,
            foundation_len: foundation.1,
            ip_offset: ip.0,
            ip_len: ip.1,
            related_address_offset: related_address.0,
            related_address_len: related_address.1,
            priority: self.priority,
            candidate_type: self.candidate_type,
            protocol: self.protocol,
            port: self.port.into(),
            related_port: self.related_port.into(),
            complete: self.complete.into(),
        }
    }
}

impl Element<2> for saltyrtc_dtls_fingerprint {
    type Record = saltyrtc_record_dtls_fingerprint;

    fn texts(&self) -> [Option<&[u8]>; 2] {
        [text(self.algorithm, self.algorithm_len), text(self.value, self.value_len)]
    }

    fn record(&self, [algorithm, value]: [Place; 2]) -> Self::Record {
        saltyrtc_record_dtls_fingerprint {
            algorithm_offset: algorithm.0,
            algorithm_len: algorithm.1,
            value_offset: value.0,
            value_len: value.1,
        }
    }
}

/// An array of an event.
pub(super) fn elements<'a, E>(first: *const E, len: usize) -> &'a [E] {
    if len == 0 {
        return &[];
    }
    // SAFETY: the library has made the event, with so many of them.
    unsafe { slice::from_raw_parts(first, len) }
}

/// A text of an event, of so many bytes.
pub(super) fn text<'a>(text: *const c_char, len: usize) -> Option<&'a [u8]> {
    bytes(text.cast(), len)
}

pub(super) fn bytes<'a>(data: *const u8, len: usize) -> Option<&'a [u8]> {
    // SAFETY: the library has made the event, with so many bytes.
    (!data.is_null()).then(|| unsafe { slice::from_raw_parts(data, len) })
}

pub(super) fn total(contents: &[Option<&[u8]>]) -> usize {
    contents.iter().flatten().map(|bytes| bytes.len()).sum()
}

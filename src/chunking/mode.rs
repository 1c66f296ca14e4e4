//! The two modes (chunking, *Modes*).

/// What the transport guarantees, which decides what the header has to hold.
///
/// Peers that were made for version 1.0 of the specification have unreliable/unordered mode only. It is
/// right for reliable transports too, and what SaltyRTC itself uses everywhere.
// Spec: C-029 (Changelog)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Chunks arrive in the order in which they were sent, each once, and all chunks of a message are
    /// sent before the first one of the next. The header has 1 byte.
    // Spec: C-001 C-002 (Modes)
    ReliableOrdered,
    /// Chunks arrive in any order, or twice, or not at all, and messages may be interleaved. The
    /// header has 9 bytes.
    // Spec: C-003 (Modes)
    UnreliableUnordered,
}

impl Mode {
    /// Bytes of a chunk that are not data: 1 or 9.
    // Spec: C-006 (Chunk Header)
    pub const fn header_size(self) -> usize {
        match self {
            Self::ReliableOrdered => 1,
            Self::UnreliableUnordered => 9,
        }
    }

    /// The mode bits of the options field.
    // Spec: C-009 (Short Header)
    pub(super) const fn bits(self) -> u8 {
        match self {
            Self::ReliableOrdered => 0b110,
            Self::UnreliableUnordered => 0b000,
        }
    }
}

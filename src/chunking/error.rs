//! Why a chunk is refused.

use std::error::Error;
use std::fmt;

use super::mode::Mode;

/// Why an [`Unchunker`](super::Unchunker) refuses a chunk.
///
/// Either the sender breaks the specification, or the message exceeds the limits that were set here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkError {
    /// The chunk has no data, or not even a whole header.
    TooShort {
        /// Bytes in the chunk.
        len: usize,
        /// Bytes in a header.
        header_size: usize,
    },
    /// One of the five reserved bits is set.
    ReservedBits {
        /// The first byte of the chunk.
        options: u8,
    },
    /// The mode bits are those of the other mode, or of none.
    WrongMode {
        /// The first byte of the chunk.
        options: u8,
        /// The mode of the unchunker.
        expected: Mode,
    },
    /// There is a chunk after the one that says that the message ends.
    PastEnd {
        /// The message id.
        message: u32,
        /// The serial number of the chunk that comes too late.
        serial: u32,
        /// The serial number of the last chunk.
        last: u32,
    },
    /// Another chunk with this serial number arrived before, and is not the same.
    Conflict {
        /// The message id.
        message: u32,
        /// The serial number.
        serial: u32,
    },
    /// The message is larger than allowed. Its other chunks are ignored.
    MessageTooLarge {
        /// The largest allowed message, in bytes.
        limit: usize,
    },
    /// The message is in so many small chunks that it takes more memory than is allowed for all
    /// messages. Its other chunks are ignored.
    TooManyChunks {
        /// The memory that is allowed, in bytes.
        limit: usize,
    },
}

impl ChunkError {
    /// Whether the message is given up because of a limit of this side, which can be raised.
    pub const fn is_limit(self) -> bool {
        matches!(self, Self::MessageTooLarge { .. } | Self::TooManyChunks { .. })
    }
}

impl fmt::Display for ChunkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooShort { len, header_size } => write!(
                f,
                "a chunk of {len} bytes has no data: the header has {header_size}, and 1 byte of \
                 data must follow"
            ),
            Self::ReservedBits { options } => {
                write!(f, "a chunk starts with {options:#010b}: its upper five bits must be 0")
            }
            Self::WrongMode { options, expected } => {
                let expected = match expected {
                    Mode::ReliableOrdered => "11, reliable/ordered",
                    Mode::UnreliableUnordered => "00, unreliable/unordered",
                };
                let mode = options >> 1 & 0b11;
                write!(f, "a chunk has the mode bits {mode:02b}, and not {expected}")
            }
            Self::PastEnd { message, serial, last } => write!(
                f,
                "message {message} has a chunk {serial}, and ends with chunk {last} already"
            ),
            Self::Conflict { message, serial } => write!(
                f,
                "chunk {serial} of message {message} came twice, with different data or a different \
                 end-of-message bit"
            ),
            Self::MessageTooLarge { limit } => write!(
                f,
                "a message in chunks has more than {limit} bytes: send less at once, or raise the limit"
            ),
            Self::TooManyChunks { limit } => write!(
                f,
                "a message in very small chunks needs more than {limit} bytes of memory: send larger \
                 chunks, or raise the limit"
            ),
        }
    }
}

impl Error for ChunkError {}

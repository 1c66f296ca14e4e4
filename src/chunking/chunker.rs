//! Splits messages.

use std::error::Error;
use std::fmt;

use super::header::{Header, Mode};

/// Splits messages into chunks.
///
/// Use one for each direction of each channel: it counts the messages.
#[derive(Debug)]
pub struct Chunker {
    mode: Mode,
    next_message: u32,
}

impl Chunker {
    /// A chunker whose first message has the id 0.
    pub const fn new(mode: Mode) -> Self {
        Self::starting_with(mode, 0)
    }

    /// A chunker whose first message has the id `message_id`. The ids count up from there, and go on
    /// with 0 after the largest one. Reliable/ordered mode has no ids.
    pub const fn starting_with(mode: Mode, message_id: u32) -> Self {
        Self { mode, next_message: message_id }
    }

    /// The mode.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Splits a message into chunks of `chunk_size` bytes, header included; the last one may be
    /// smaller.
    ///
    /// `message` is whatever holds bytes: a slice, or a `Vec` or `Bytes` that the iterator keeps. In
    /// reliable/ordered mode take all chunks before those of the next message are sent.
    pub fn chunk<M: AsRef<[u8]>>(
        &mut self,
        message: M,
        chunk_size: usize,
    ) -> Result<Chunks<M>, ChunkerError> {
        let data_size = data_size(self.mode, message.as_ref().len() as u64, chunk_size)?;
        let message_id = self.take_id();
        Ok(Chunks { message, mode: self.mode, message_id, data_size, offset: 0, serial: 0 })
    }

    /// Writes the header of a message that is a single chunk; the caller then appends the message, which
    /// must not be empty. So a message that is made in place, by encrypting for example, needs no
    /// copy.
    pub fn begin_single_chunk(&mut self, out: &mut Vec<u8>) {
        Header { end: true, message: self.take_id(), serial: 0 }.write(self.mode, out);
    }

    fn take_id(&mut self) -> u32 {
        let id = self.next_message;
        self.next_message = id.wrapping_add(1);
        id
    }
}

/// How much data goes into each chunk.
fn data_size(mode: Mode, message_size: u64, chunk_size: usize) -> Result<usize, ChunkerError> {
    let min_chunk_size = mode.header_size() + 1;
    if message_size == 0 {
        return Err(ChunkerError::EmptyMessage);
    }
    if chunk_size < min_chunk_size {
        return Err(ChunkerError::ChunkSizeTooSmall { chunk_size, min_chunk_size });
    }
    let data_size = chunk_size - mode.header_size();
    // Only unreliable/unordered mode counts the chunks.
    if mode == Mode::UnreliableUnordered && message_size.div_ceil(data_size as u64) > 1 << 32 {
        return Err(ChunkerError::TooManyChunks { message_size, chunk_size });
    }
    Ok(data_size)
}

/// The chunks of a message, in their order. Each is made when it is asked for.
#[derive(Clone, Debug)]
pub struct Chunks<M> {
    message: M,
    mode: Mode,
    message_id: u32,
    data_size: usize,
    /// What is before this was sent.
    offset: usize,
    serial: u32,
}

impl<M: AsRef<[u8]>> Chunks<M> {
    fn rest(&self) -> &[u8] {
        self.message.as_ref().get(self.offset..).unwrap_or_default()
    }

    /// Bytes in the next chunk, header included. 0 if there is none.
    pub fn next_size(&self) -> usize {
        match self.rest().len() {
            0 => 0,
            rest => self.mode.header_size() + rest.min(self.data_size),
        }
    }

    /// Appends the next chunk to `out`, so that the same memory can be used for many. False, and nothing
    /// appended, if there is none.
    pub fn next_onto(&mut self, out: &mut Vec<u8>) -> bool {
        let rest = self.rest();
        if rest.is_empty() {
            return false;
        }
        let data = &rest[..rest.len().min(self.data_size)];
        let end = data.len() == rest.len();
        out.reserve(self.mode.header_size() + data.len());
        Header { end, message: self.message_id, serial: self.serial }.write(self.mode, out);
        out.extend_from_slice(data);
        self.offset += data.len();
        // After the last of 2^32 chunks the number is not used any more.
        self.serial = self.serial.wrapping_add(1);
        true
    }
}

impl<M: AsRef<[u8]>> Iterator for Chunks<M> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut chunk = Vec::with_capacity(self.next_size());
        self.next_onto(&mut chunk).then_some(chunk)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.rest().len().div_ceil(self.data_size);
        (left, Some(left))
    }
}

impl<M: AsRef<[u8]>> ExactSizeIterator for Chunks<M> {}

/// Why a message cannot be split. The chunker is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkerError {
    /// The message is empty, and a chunk must have data.
    EmptyMessage,
    /// There is no room for data beside the header.
    ChunkSizeTooSmall {
        /// The chunk size that was asked for, in bytes.
        chunk_size: usize,
        /// The least that is possible.
        min_chunk_size: usize,
    },
    /// There would be more than 2^32 chunks, which unreliable/unordered mode cannot number.
    TooManyChunks {
        /// Bytes in the message.
        message_size: u64,
        /// Bytes in a chunk.
        chunk_size: usize,
    },
}

impl fmt::Display for ChunkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyMessage => {
                f.write_str("an empty message cannot be sent in chunks: each chunk must have data")
            }
            Self::ChunkSizeTooSmall { chunk_size, min_chunk_size } => write!(
                f,
                "chunks of {chunk_size} bytes have no room for data: it must be {min_chunk_size} at \
                 least"
            ),
            Self::TooManyChunks { message_size, chunk_size } => write!(
                f,
                "a message of {message_size} bytes needs more than 2^32 chunks of {chunk_size} bytes: \
                 use larger chunks"
            ),
        }
    }
}

impl Error for ChunkerError {}

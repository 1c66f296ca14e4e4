//! Splits messages.

use std::error::Error;
use std::fmt;

use super::header::Header;
use super::mode::Mode;

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
        // Spec: C-014 (Long Header)
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
        // Spec: C-017 (Long Header)
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
        // Spec: C-015 (Long Header)
        self.next_message = id.wrapping_add(1);
        id
    }
}

/// How much data goes into each chunk.
fn data_size(mode: Mode, message_size: u64, chunk_size: usize) -> Result<usize, ChunkerError> {
    let min_chunk_size = mode.header_size() + 1;
    // Spec: C-020 (Chunk data)
    if message_size == 0 {
        return Err(ChunkerError::EmptyMessage);
    }
    if chunk_size < min_chunk_size {
        return Err(ChunkerError::ChunkSizeTooSmall { chunk_size, min_chunk_size });
    }
    // Spec: C-005 (Chunk Size)
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
    /// Bytes of the message that are in earlier chunks.
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
        // Spec: C-021 C-022 (Chunk data)
        let data = &rest[..rest.len().min(self.data_size)];
        let end = data.len() == rest.len();
        out.reserve(self.mode.header_size() + data.len());
        Header { end, message: self.message_id, serial: self.serial }.write(self.mode, out);
        // Spec: C-019 (Chunk data)
        out.extend_from_slice(data);
        // Spec: C-023 (Chunk data)
        self.offset += data.len();
        // Spec: C-018 (Long Header)
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

/// Why a message cannot be split. The chunker is unchanged.
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

#[cfg(test)]
mod tests {
    use super::*;
    use Mode::{ReliableOrdered, UnreliableUnordered};

    fn chunks(mode: Mode, message: &[u8], chunk_size: usize) -> Vec<Vec<u8>> {
        Chunker::new(mode).chunk(message, chunk_size).expect("can be split").collect()
    }

    /// Covers C-005 C-006 C-010 C-011 C-019 C-022 C-024.
    #[test]
    fn the_example_of_reliable_ordered_mode() {
        let expected = [&[0b110, 1, 2, 3, 4, 5][..], &[0b111, 6, 7, 8]];
        assert_eq!(chunks(ReliableOrdered, &[1, 2, 3, 4, 5, 6, 7, 8], 6), expected);
    }

    /// Covers C-005 C-006 C-007 C-010 C-011 C-012 C-017 C-018 C-019 C-022 C-025.
    #[test]
    fn the_example_of_unreliable_unordered_mode() {
        let mut chunker = Chunker::starting_with(UnreliableUnordered, 42);
        let chunks = chunker.chunk([1, 2, 3, 4, 5, 6, 7, 8], 12).expect("can be split");
        let expected = [
            &[0, 0, 0, 0, 0x2a, 0, 0, 0, 0, 1, 2, 3][..],
            &[0, 0, 0, 0, 0x2a, 0, 0, 0, 1, 4, 5, 6],
            &[1, 0, 0, 0, 0x2a, 0, 0, 0, 2, 7, 8],
        ];
        assert_eq!(chunks.collect::<Vec<_>>(), expected);
    }

    /// Covers C-005 C-010 C-011 C-017 C-018 C-020 C-021 C-022 C-023.
    #[test]
    fn chunks_of_any_size_are_filled_numbered_and_in_sequence() {
        let message: Vec<u8> = (0..=255).collect();
        for mode in [ReliableOrdered, UnreliableUnordered] {
            let header = mode.header_size();
            for (chunk_size, len) in
                (header + 1..header + 70).flat_map(|size| (1..256).map(move |len| (size, len)))
            {
                let mut iterator =
                    Chunker::new(mode).chunk(&message[..len], chunk_size).expect("can be split");
                assert_eq!(iterator.len(), len.div_ceil(chunk_size - header));
                assert_eq!(iterator.next_size(), chunk_size.min(header + len));
                let chunks: Vec<_> = iterator.by_ref().collect();
                assert_eq!(iterator.next_size(), 0);
                let (last, others) = chunks.split_last().expect("there is a chunk");
                assert!(others.iter().all(|chunk| chunk.len() == chunk_size));
                assert!(header < last.len() && last.len() <= chunk_size);
                let mut together = Vec::new();
                for (serial, chunk) in chunks.iter().enumerate() {
                    let (header, data) = Header::split(mode, chunk).expect("a good chunk");
                    assert_eq!(header.end, serial + 1 == chunks.len());
                    if mode == UnreliableUnordered {
                        assert_eq!(header.serial as usize, serial);
                    }
                    together.extend_from_slice(data);
                }
                assert_eq!(together, message[..len]);
            }
        }
    }

    fn id(chunk: &[u8]) -> u32 {
        Header::split(UnreliableUnordered, chunk).expect("a good chunk").0.message
    }

    /// Covers C-013 C-014 C-015.
    #[test]
    fn message_ids_count_from_0_and_wrap() {
        let mut chunker = Chunker::new(UnreliableUnordered);
        for expected in 0..3 {
            for chunk in chunker.chunk("two chunks", 15).expect("can be split") {
                assert_eq!(id(&chunk), expected);
            }
        }
        let mut chunker = Chunker::starting_with(UnreliableUnordered, u32::MAX);
        for expected in [u32::MAX, 0, 1] {
            let mut chunk = Vec::new();
            chunker.begin_single_chunk(&mut chunk);
            chunk.push(0);
            assert_eq!(id(&chunk), expected);
        }
    }

    #[test]
    fn a_message_can_be_made_behind_its_header() {
        for mode in [ReliableOrdered, UnreliableUnordered] {
            let mut chunk = Vec::new();
            Chunker::new(mode).begin_single_chunk(&mut chunk);
            chunk.extend_from_slice(b"data");
            assert_eq!([chunk], chunks(mode, b"data", 100)[..]);
        }
    }

    #[test]
    fn chunks_are_appended() {
        let mut chunks = Chunker::new(ReliableOrdered).chunk("abc", 3).expect("can be split");
        let mut out = b"before".to_vec();
        assert!(chunks.next_onto(&mut out) && chunks.next_onto(&mut out));
        assert!(!chunks.next_onto(&mut out));
        assert_eq!(out, b"before\x06ab\x07c");
    }

    /// Covers C-020.
    #[test]
    fn what_cannot_be_split_is_an_error_and_takes_no_id() {
        for (mode, min_chunk_size) in [(ReliableOrdered, 2), (UnreliableUnordered, 10)] {
            let mut chunker = Chunker::new(mode);
            let error = chunker.chunk([], 100).expect_err("empty");
            assert_eq!(error, ChunkerError::EmptyMessage);
            for chunk_size in 0..min_chunk_size {
                let error = chunker.chunk([1], chunk_size).expect_err("too small");
                assert_eq!(error, ChunkerError::ChunkSizeTooSmall { chunk_size, min_chunk_size });
            }
            let chunk = chunker.chunk([1], min_chunk_size).expect("large enough").next();
            let expected = [vec![0b111, 1], vec![1, 0, 0, 0, 0, 0, 0, 0, 0, 1]];
            assert!(chunk.is_some_and(|chunk| expected.contains(&chunk)));
        }
    }

    /// Covers C-016.
    #[test]
    fn no_message_has_more_chunks_than_there_are_numbers() {
        let most = 1 << 32;
        assert_eq!(data_size(UnreliableUnordered, most, 10), Ok(1));
        assert_eq!(data_size(UnreliableUnordered, 3 * most, 12), Ok(3));
        for (message_size, chunk_size) in [(most + 1, 10), (3 * most + 1, 12), (u64::MAX, 10_000)] {
            assert_eq!(
                data_size(UnreliableUnordered, message_size, chunk_size),
                Err(ChunkerError::TooManyChunks { message_size, chunk_size })
            );
        }
        assert_eq!(data_size(ReliableOrdered, u64::MAX, 2), Ok(1));
    }
}

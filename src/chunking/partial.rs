//! One message of unreliable/unordered mode, of which some chunks arrived.

use std::collections::BTreeMap;

use super::error::ChunkError;
use super::header::Header;

/// Bytes that an early chunk takes beside its data, rounded up: its place in the tree, and the overhead
/// of the allocator.
const EARLY_CHUNK: usize = 100;

/// Chunks of the same size in a row.
#[derive(Debug)]
struct Run {
    /// The serial number of the first one.
    first: u32,
    /// Where its data is.
    offset: usize,
    /// Bytes in each.
    size: usize,
}

/// What became of a chunk.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// It had arrived before.
    Duplicate,
    /// It is kept, and others are missing.
    Stored,
    /// It was the last one that was missing.
    Complete,
}

/// A message that is not complete.
#[derive(Debug, Default)]
pub(super) struct Partial {
    /// The data of all chunks up to the first one that is missing.
    head: Vec<u8>,
    /// The serial number of that one. Can be 2^32.
    missing: u64,
    /// Where the chunks in `head` are, to recognise duplicates: a single run in the usual case.
    runs: Vec<Run>,
    /// Chunks after the first one that is missing.
    early: BTreeMap<u32, Box<[u8]>>,
    early_size: usize,
    /// The serial number of the last chunk of the message, if that one has arrived.
    last: Option<u32>,
}

impl Partial {
    /// Adds a chunk. After an error nothing has changed.
    ///
    /// `spare` is how many bytes may be reserved ahead of need.
    pub(super) fn add(
        &mut self,
        header: Header,
        data: &[u8],
        max_message_size: usize,
        spare: usize,
    ) -> Result<Added, ChunkError> {
        let Header { end, message, serial } = header;
        if let Some(known) = self.chunk(serial) {
            return if known == data && end == (self.last == Some(serial)) {
                Ok(Added::Duplicate)
            } else {
                Err(ChunkError::Conflict { message, serial })
            };
        }
        match (self.last, self.highest()) {
            (Some(last), _) if serial > last => {
                return Err(ChunkError::PastEnd { message, serial, last });
            }
            // Two different ends, or an end before a chunk that is known.
            (_, Some(highest)) if end && highest > serial => {
                return Err(ChunkError::PastEnd { message, serial: highest, last: serial });
            }
            _ => {}
        }
        // All chunks before this one have 1 byte of data at least.
        let at_least = u64::from(serial).max((self.head.len() + self.early_size) as u64);
        if at_least + data.len() as u64 > max_message_size as u64 {
            return Err(ChunkError::MessageTooLarge { limit: max_message_size });
        }

        if end {
            self.last = Some(serial);
        }
        if u64::from(serial) == self.missing {
            // With room for the early chunks, which will be appended too.
            grow(&mut self.head, data.len() + self.early_size, max_message_size, spare);
            self.append(data);
            while let Some(entry) = self.early.first_entry()
                && u64::from(*entry.key()) == self.missing
            {
                let data = entry.remove();
                self.early_size -= data.len();
                self.append(&data);
            }
        } else {
            // Spec: C-026 (Unchunking)
            self.early.insert(serial, data.into());
            self.early_size += data.len();
        }
        let complete = self.last.is_some_and(|last| u64::from(last) < self.missing);
        Ok(if complete { Added::Complete } else { Added::Stored })
    }

    fn append(&mut self, data: &[u8]) {
        if self.runs.last().is_none_or(|run| run.size != data.len()) {
            // This is the number of a chunk, so it has 32 bits.
            let first = self.missing as u32;
            self.runs.push(Run { first, offset: self.head.len(), size: data.len() });
        }
        self.head.extend_from_slice(data);
        self.missing += 1;
    }

    /// The data of a chunk that has arrived.
    fn chunk(&self, serial: u32) -> Option<&[u8]> {
        if u64::from(serial) >= self.missing {
            return self.early.get(&serial).map(|data| &**data);
        }
        let index = self.runs.partition_point(|run| run.first <= serial);
        let run = &self.runs[index.checked_sub(1)?];
        let start = run.offset + (serial - run.first) as usize * run.size;
        Some(&self.head[start..start + run.size])
    }

    /// The largest serial number that has arrived.
    fn highest(&self) -> Option<u32> {
        let in_head = self.missing.checked_sub(1).map(|serial| serial as u32);
        self.early.last_key_value().map(|(serial, _)| *serial).or(in_head)
    }

    /// Bytes of memory that this takes beside the structure itself.
    pub(super) fn memory(&self) -> usize {
        self.head.capacity()
            + self.runs.capacity() * size_of::<Run>()
            + self.early_size
            + self.early.len() * EARLY_CHUNK
    }

    /// The message, once it is complete.
    pub(super) fn into_message(self) -> Vec<u8> {
        self.head
    }
}

/// Makes room for `more` bytes, and for as many again if there are `spare` bytes for that, so that
/// a message that arrives in order is not moved with each chunk.
pub(super) fn grow(buffer: &mut Vec<u8>, more: usize, max_message_size: usize, spare: usize) {
    let needed = buffer.len() + more;
    if needed <= buffer.capacity() {
        return;
    }
    let generous = needed.saturating_mul(2).min(max_message_size);
    let sparing = (needed + needed / 8).min(max_message_size);
    let fits = generous.saturating_sub(buffer.capacity()) <= spare;
    let capacity = if fits { generous } else { sparing }.max(needed);
    buffer.reserve_exact(capacity - buffer.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(
        partial: &mut Partial,
        serial: u32,
        data: &[u8],
        end: bool,
    ) -> Result<Added, ChunkError> {
        partial.add(Header { end, message: 7, serial }, data, 1000, 1000)
    }

    #[test]
    fn duplicates_are_recognised_among_chunks_of_any_size() {
        let sizes = [3, 3, 3, 1, 1, 5, 3, 3];
        let data = |serial: usize| vec![serial as u8; sizes[serial]];
        let mut partial = Partial::default();
        // In order up to 4; 6 and 7 are early.
        for serial in [0, 1, 2, 3, 4, 7, 6] {
            let added = add(&mut partial, serial as u32, &data(serial), serial == 7);
            assert_eq!(added, Ok(Added::Stored));
        }
        for serial in [0, 1, 2, 3, 4, 6, 7] {
            let end = serial == 7;
            let conflict = Err(ChunkError::Conflict { message: 7, serial: serial as u32 });
            let mut other = data(serial);
            assert_eq!(add(&mut partial, serial as u32, &other, end), Ok(Added::Duplicate));
            assert_eq!(add(&mut partial, serial as u32, &other, !end), conflict);
            other.push(0);
            assert_eq!(add(&mut partial, serial as u32, &other, end), conflict);
            other.pop();
            other[0] ^= 1;
            assert_eq!(add(&mut partial, serial as u32, &other, end), conflict);
        }
        assert_eq!(partial.runs.len(), 2);
        assert_eq!(add(&mut partial, 5, &data(5), false), Ok(Added::Complete));
        assert_eq!(partial.into_message(), (0..8).flat_map(data).collect::<Vec<_>>());
    }

    #[test]
    fn there_is_one_end_and_nothing_after_it() {
        let past_end = |serial, last| Err(ChunkError::PastEnd { message: 7, serial, last });
        let mut partial = Partial::default();
        assert_eq!(add(&mut partial, 0, b"0", false), Ok(Added::Stored));
        assert_eq!(add(&mut partial, 4, b"4", false), Ok(Added::Stored));
        assert_eq!(add(&mut partial, 3, b"3", true), past_end(4, 3));
        assert_eq!(add(&mut partial, 5, b"5", true), Ok(Added::Stored));
        assert_eq!(add(&mut partial, 6, b"6", false), past_end(6, 5));
        assert_eq!(add(&mut partial, u32::MAX, b"x", true), past_end(u32::MAX, 5));
        assert_eq!(add(&mut partial, 2, b"2", true), past_end(5, 2));
        assert_eq!(add(&mut partial, 2, b"2", false), Ok(Added::Stored));
        assert_eq!(add(&mut partial, 1, b"1", false), Ok(Added::Stored));
        assert_eq!(add(&mut partial, 3, b"3", false), Ok(Added::Complete));
        assert_eq!(partial.into_message(), b"012345");
    }

    #[test]
    fn what_must_be_too_large_is_refused_at_once() {
        let limit = Err(ChunkError::MessageTooLarge { limit: 1000 });
        let mut partial = Partial::default();
        // 999 chunks come before this one, with 1 byte of data each.
        assert_eq!(add(&mut partial, 999, b"ab", false), limit);
        assert_eq!(add(&mut partial, u32::MAX, b"a", false), limit);
        assert_eq!(partial.memory(), 0);
        assert_eq!(add(&mut partial, 999, b"a", false), Ok(Added::Stored));
        assert_eq!(add(&mut partial, 0, &[0; 999], false), Ok(Added::Stored));
        assert_eq!(add(&mut partial, 1, b"a", false), limit);
    }

    #[test]
    fn the_buffer_grows_rarely_and_never_beyond_the_limit() {
        for (spare, most) in [(usize::MAX, 15), (0, 80)] {
            let (mut buffer, mut moves) = (Vec::new(), 0);
            for _ in 0..10_000 {
                let before = buffer.capacity();
                grow(&mut buffer, 1, 10_000, spare);
                moves += usize::from(buffer.capacity() != before);
                buffer.push(0_u8);
            }
            assert_eq!(buffer.capacity(), 10_000);
            assert!(moves <= most, "{moves} with {spare} bytes to spare");
        }
    }
}

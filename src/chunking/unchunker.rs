//! Puts messages together.

use std::time::Instant;

use bytes::Bytes;

use super::error::ChunkError;
use super::limits::UnchunkerLimits;
use super::mode::Mode;
use super::ordered::Ordered;
use super::unordered::Unordered;

/// Puts messages together from their chunks.
///
/// Use one for each direction of each channel. Chunks need not be filled or of equal size, though a
/// [`Chunker`](super::Chunker) makes them so. An unchunker never takes more memory than its
/// [`UnchunkerLimits`] say, whatever arrives.
#[derive(Debug)]
pub struct Unchunker(Inner);

#[derive(Debug)]
enum Inner {
    Ordered(Ordered),
    Unordered(Unordered),
}

impl Unchunker {
    /// An unchunker for chunks of one mode.
    pub fn new(mode: Mode, limits: UnchunkerLimits) -> Self {
        Self(match mode {
            Mode::ReliableOrdered => Inner::Ordered(Ordered::new(&limits)),
            Mode::UnreliableUnordered => Inner::Unordered(Unordered::new(limits)),
        })
    }

    /// Takes a chunk, and returns the message if that completes it.
    ///
    /// In unreliable/unordered mode a chunk that is refused changes nothing, unless it
    /// [is over a limit](ChunkError::is_limit): then its message is given up, and the other chunks of it
    /// are ignored. In reliable/ordered mode a chunk that was refused will not come again: the message
    /// that is being received, if there is one, is given up, and the rest of it is skipped. Other
    /// messages are not affected.
    ///
    /// `now` must not go back. Messages that are too old are given up first, as by
    /// [`expire`](Self::expire).
    pub fn add(&mut self, now: Instant, chunk: &[u8]) -> Result<Option<Bytes>, ChunkError> {
        self.add_with(now, chunk, Bytes::copy_from_slice)
    }

    /// The same for a chunk that is shared: a message in a single chunk is not copied, but keeps the
    /// memory of the chunk.
    pub fn add_bytes(&mut self, now: Instant, chunk: &Bytes) -> Result<Option<Bytes>, ChunkError> {
        self.add_with(now, chunk, |data| chunk.slice_ref(data))
    }

    fn add_with(
        &mut self,
        now: Instant,
        chunk: &[u8],
        whole: impl FnOnce(&[u8]) -> Bytes,
    ) -> Result<Option<Bytes>, ChunkError> {
        match &mut self.0 {
            Inner::Ordered(ordered) => ordered.add(now, chunk, whole),
            Inner::Unordered(unordered) => unordered.add(now, chunk, whole),
        }
    }

    /// Gives up the messages that had nothing new for [`UnchunkerLimits::max_age`] or longer.
    // Spec: C-027 (Unchunking)
    pub fn expire(&mut self, now: Instant) {
        match &mut self.0 {
            Inner::Ordered(ordered) => ordered.expire(now),
            Inner::Unordered(unordered) => unordered.expire(now),
        }
    }

    /// When [`expire`](Self::expire) has something to do. `None`: not before another chunk was added.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.0 {
            Inner::Ordered(ordered) => ordered.poll_timeout(),
            Inner::Unordered(unordered) => unordered.poll_timeout(),
        }
    }

    /// Bytes that incomplete messages take, as [`UnchunkerLimits::max_total_size`] counts them.
    pub fn memory(&self) -> usize {
        match &self.0 {
            Inner::Ordered(ordered) => ordered.memory(),
            Inner::Unordered(unordered) => unordered.memory(),
        }
    }

    /// How many messages were given up so far: too old, the oldest when there was no room, too large,
    /// or broken by a chunk that was refused.
    pub fn given_up(&self) -> u64 {
        match &self.0 {
            Inner::Ordered(ordered) => ordered.given_up(),
            Inner::Unordered(unordered) => unordered.given_up(),
        }
    }
}

//! What an unchunker may use.

use std::time::Duration;

/// How much an [`Unchunker`](super::Unchunker) may keep, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnchunkerLimits {
    /// The largest message, in bytes without headers. Larger ones are refused as soon as their size
    /// shows.
    pub max_message_size: usize,
    /// The most memory, in bytes, that all incomplete messages may take between two calls, book-keeping
    /// included: some 500 bytes for each message, and 100 bytes for each chunk that arrived before its
    /// turn. If a new chunk does not fit, messages are given up, beginning with the one that got nothing
    /// new for the longest time.
    pub max_total_size: usize,
    /// An incomplete message is given up if nothing new of it arrived for this long.
    pub max_age: Duration,
    /// How many complete messages are remembered, so that late duplicates of their chunks are not
    /// taken for a new message. Unreliable/unordered mode only.
    ///
    /// Each is remembered for `max_age` at most, takes some 50 bytes, and its message id cannot be
    /// used again in that time. 0 is right for transports that never duplicate: WebRTC data channels do
    /// not.
    pub remembered: usize,
}

impl Default for UnchunkerLimits {
    /// Messages of 16 MiB, 32 MiB in all, a minute, 1024 messages.
    fn default() -> Self {
        Self {
            max_message_size: 16 << 20,
            max_total_size: 32 << 20,
            max_age: Duration::from_secs(60),
            remembered: 1024,
        }
    }
}

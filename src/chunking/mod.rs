//! Chunking: large messages in pieces, for transports that limit the size of what they carry. Pure:
//! no socket, clock or runtime.
//!
//! [`Chunker`] and [`Unchunker`] are the two ends of one direction. The specification has two modes
//! (*Modes*), which both ends have to agree on:
//!
//! ```
//! use std::time::Instant;
//! use saltyrtc::chunking::{Chunker, UnchunkerLimits, Mode, Unchunker};
//!
//! let mut chunker = Chunker::new(Mode::UnreliableUnordered);
//! let mut unchunker = Unchunker::new(Mode::UnreliableUnordered, UnchunkerLimits::default());
//! let mut received = None;
//! for chunk in chunker.chunk("a message in three chunks or more", 12)? {
//!     assert!(chunk.len() <= 12);
//!     received = unchunker.add(Instant::now(), &chunk)?;
//! }
//! assert_eq!(received.as_deref(), Some(&b"a message in three chunks or more"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod chunker;
mod error;
mod header;
mod limits;
mod mode;
mod ordered;
mod partial;
mod unchunker;
mod unordered;

pub use chunker::{Chunker, ChunkerError, Chunks};
pub use error::ChunkError;
pub use limits::UnchunkerLimits;
pub use mode::Mode;
pub use unchunker::Unchunker;

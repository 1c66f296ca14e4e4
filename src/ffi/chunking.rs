//! Chunking. The clock is read here, so that C programs need not bring one.

use std::collections::VecDeque;
use std::ptr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::args::{self, bytes, handle, timeout};
use super::declare::c_enum;
use super::error::{CallError, Outcome, entry, saltyrtc_error, silent_entry};
use super::status::saltyrtc_status;
use crate::chunking::{
    ChunkError, Chunker, ChunkerError, Chunks, Mode, Unchunker, UnchunkerLimits,
};
use crate::sync::lock;

c_enum! {
    /// What the transport of the chunks guarantees. Both ends have to use the same mode.
    pub enum saltyrtc_chunking_mode {
        /// Each chunk arrives exactly once and in order, and chunks of different messages are not
        /// mixed. The header has 1 byte. Peers that implement version 1.0 of the chunking specification
        /// do not know this mode.
        ReliableOrdered = 0,
        /// Chunks may be lost, reordered and duplicated, and chunks of different messages may be mixed.
        /// The header has 9 bytes. This mode works for reliable transports too.
        UnreliableUnordered = 1,
    }
}

fn mode(mode: i32) -> Outcome<Mode> {
    Ok(match args::enumeration(mode, "mode")? {
        saltyrtc_chunking_mode::ReliableOrdered => Mode::ReliableOrdered,
        saltyrtc_chunking_mode::UnreliableUnordered => Mode::UnreliableUnordered,
    })
}

impl From<ChunkerError> for CallError {
    fn from(error: ChunkerError) -> Self {
        match error {
            ChunkerError::EmptyMessage => Self::argument("message", error),
            ChunkerError::ChunkSizeTooSmall { .. } => Self::argument("chunk_size", error),
            ChunkerError::TooManyChunks { .. } => {
                Self::new(saltyrtc_status::TooLarge, error.to_string())
            }
        }
    }
}

impl From<ChunkError> for CallError {
    fn from(error: ChunkError) -> Self {
        let status =
            if error.is_limit() { saltyrtc_status::TooLarge } else { saltyrtc_status::BadChunk };
        Self::new(status, error.to_string())
    }
}

/// Splits messages into chunks, for transports that limit the size of a message, such as data channels.
/// Each data channel needs one of its own.
#[derive(Debug)]
pub struct saltyrtc_chunker(Mutex<Splitting>);

#[derive(Debug)]
struct Splitting {
    chunker: Chunker,
    /// Messages whose chunks were not all taken, oldest first.
    messages: VecDeque<Chunks<Vec<u8>>>,
}

/// Creates a chunker. `mode` is one of saltyrtc_chunking_mode. Message ids start at 0.
///
/// `*out` has to be freed with saltyrtc_chunker_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_chunker_new(
    mode: i32,
    out: *mut *mut saltyrtc_chunker,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let out = args::out(out, ptr::null_mut());
    entry(error, || {
        let out = out.required("out")?;
        let chunker = Chunker::new(self::mode(mode)?);
        let splitting = Splitting { chunker, messages: VecDeque::new() };
        out.set(Box::into_raw(Box::new(saltyrtc_chunker(Mutex::new(splitting)))));
        Ok(())
    })
}

/// Frees a chunker, and the chunks in it that were not taken. Does nothing if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_chunker_free(chunker: *mut saltyrtc_chunker) {
    if !chunker.is_null() {
        silent_entry(|| drop(Box::from_raw(chunker)));
    }
}

/// Adds a message, which must not be empty. Take its chunks with saltyrtc_chunker_next; those of
/// messages that were added before come first.
///
/// `chunk_size` is the size of each chunk in bytes, including the header; the last chunk may be
/// smaller. It has to be at least 10, or 2 in reliable/ordered mode. Fails with
/// SALTYRTC_STATUS_TOO_LARGE if there would be more than 2^32 chunks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_chunker_add(
    chunker: *mut saltyrtc_chunker,
    message: *const u8,
    message_len: usize,
    chunk_size: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let mut splitting = lock(&handle(chunker, "chunker")?.0);
        let message = bytes(message, message_len, "message")?.to_vec();
        let chunks = splitting.chunker.chunk(message, chunk_size)?;
        splitting.messages.push_back(chunks);
        Ok(())
    })
}

/// Takes the next chunk. If there is none, it succeeds with `*chunk_len` 0; chunks are never empty. If
/// the buffer is too small for the chunk, the chunk is not taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_chunker_next(
    chunker: *mut saltyrtc_chunker,
    chunk: *mut u8,
    chunk_capacity: usize,
    chunk_len: *mut usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let buffer = args::buffer(chunk, chunk_capacity, chunk_len);
    entry(error, || {
        let messages = &mut lock(&handle(chunker, "chunker")?.0).messages;
        let Some(chunks) = messages.front_mut() else { return Ok(()) };
        buffer.reserve(chunks.next_size())?;
        buffer.fill(&chunks.next().unwrap_or_default())?;
        if chunks.next_size() == 0 {
            messages.pop_front();
        }
        Ok(())
    })
}

/// Reassembles messages from chunks. Each data channel needs one of its own.
#[derive(Debug)]
pub struct saltyrtc_unchunker(Mutex<Joining>);

#[derive(Debug)]
struct Joining {
    unchunker: Unchunker,
    /// A message that was not taken.
    complete: Option<Bytes>,
}

/// Creates an unchunker. `mode` is one of saltyrtc_chunking_mode. The other arguments limit the memory
/// that a peer can make it use; all but `remembered` must not be 0:
///
/// - `max_message_size`: the largest message, in bytes.
/// - `max_total_size`: the memory for all incomplete messages together, in bytes. It includes about 500
///   bytes for each message and 100 bytes for each chunk that arrived early. If there is no room, the
///   messages that got no new chunk for the longest time are discarded.
/// - `max_age_ms`: a message that gets no new chunk for this time, in milliseconds, is discarded.
/// - `remembered`: the number of complete messages that are remembered, for `max_age_ms` at most, so
///   that late duplicates of their chunks are not taken for new messages. Use 0 if the transport does
///   not duplicate, like data channels.
///
/// `*out` has to be freed with saltyrtc_unchunker_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_unchunker_new(
    mode: i32,
    max_message_size: usize,
    max_total_size: usize,
    max_age_ms: u32,
    remembered: u32,
    out: *mut *mut saltyrtc_unchunker,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let out = args::out(out, ptr::null_mut());
    let size = |size: usize, name: &str| match size {
        0 => Err(CallError::argument(name, "must be at least 1 byte")),
        size => Ok(size),
    };
    entry(error, || {
        let out = out.required("out")?;
        let mode = self::mode(mode)?;
        let max_age: Duration = timeout(max_age_ms, "max_age_ms")?;
        let limits = UnchunkerLimits {
            max_message_size: size(max_message_size, "max_message_size")?,
            max_total_size: size(max_total_size, "max_total_size")?,
            max_age,
            remembered: remembered as usize,
        };
        let joining = Joining { unchunker: Unchunker::new(mode, limits), complete: None };
        out.set(Box::into_raw(Box::new(saltyrtc_unchunker(Mutex::new(joining)))));
        Ok(())
    })
}

/// Frees an unchunker and everything in it. Does nothing if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_unchunker_free(unchunker: *mut saltyrtc_unchunker) {
    if !unchunker.is_null() {
        silent_entry(|| drop(Box::from_raw(unchunker)));
    }
}

/// Adds a chunk. If it completes a message, `*message_len` is set to the size of the message in bytes,
/// and otherwise to 0. `message_len` may be NULL. Take a complete message with saltyrtc_unchunker_next
/// before adding the next chunk, or this fails with SALTYRTC_STATUS_BAD_ARGUMENT and the chunk is not
/// added.
///
/// Fails with SALTYRTC_STATUS_BAD_CHUNK if the chunk is invalid, and with SALTYRTC_STATUS_TOO_LARGE if
/// its message exceeds a limit; the other chunks of that message are then ignored without an error. The
/// unchunker can be used after both, and other messages are not affected. In reliable/ordered mode, an
/// invalid chunk discards the message that is being received.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_unchunker_add(
    unchunker: *mut saltyrtc_unchunker,
    chunk: *const u8,
    chunk_len: usize,
    message_len: *mut usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let message_len = args::out(message_len, 0);
    entry(error, || {
        let mut joining = lock(&handle(unchunker, "unchunker")?.0);
        let chunk = bytes(chunk, chunk_len, "chunk")?;
        if joining.complete.is_some() {
            return Err(CallError::argument(
                "unchunker",
                "a complete message waits: take it with saltyrtc_unchunker_next",
            ));
        }
        joining.complete = joining.unchunker.add(Instant::now(), chunk)?;
        message_len.set(joining.complete.as_ref().map_or(0, Bytes::len));
        Ok(())
    })
}

/// Takes the complete message. If there is none, it succeeds with `*message_len` 0. If the buffer is
/// too small for the message, the message is not taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_unchunker_next(
    unchunker: *mut saltyrtc_unchunker,
    message: *mut u8,
    message_capacity: usize,
    message_len: *mut usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let buffer = args::buffer(message, message_capacity, message_len);
    entry(error, || {
        let mut joining = lock(&handle(unchunker, "unchunker")?.0);
        let Some(message) = &joining.complete else { return Ok(()) };
        buffer.fill(message)?;
        joining.complete = None;
        Ok(())
    })
}

/// Discards messages that are too old. Adding a chunk does so too, so this is needed only to free
/// memory while no chunks arrive. `*given_up` is set to the number of messages that were discarded so
/// far, for any reason. `given_up` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_unchunker_expire(
    unchunker: *mut saltyrtc_unchunker,
    given_up: *mut u64,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let given_up = args::out(given_up, 0);
    entry(error, || {
        let unchunker = &mut lock(&handle(unchunker, "unchunker")?.0).unchunker;
        unchunker.expire(Instant::now());
        given_up.set(unchunker.given_up());
        Ok(())
    })
}

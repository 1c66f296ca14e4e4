//! Chunking. The clock is read here, so that C programs need not bring one.

use std::collections::VecDeque;
use std::ptr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::args::{self, bytes, handle, timeout};
use super::declare::c_enum;
use super::error::{Failure, Outcome, entry, saltyrtc_error, silent_entry};
use super::status::saltyrtc_status;
use crate::chunking::{ChunkError, Chunker, ChunkerError, Chunks, Limits, Mode, Unchunker};
use crate::sync::lock;

c_enum! {
    /// What the transport of chunks is like. Both ends have to use the same mode.
    pub enum saltyrtc_chunking_mode {
        /// Chunks arrive in order, each once, and messages are not interleaved. Headers have 1 byte. Peers
        /// that know only version 1.0 of the chunking specification cannot use it.
        ReliableOrdered = 0,
        /// Chunks may be lost, reordered and duplicated, and messages interleaved. Headers have 9 bytes.
        /// Right for reliable transports too.
        UnreliableUnordered = 1,
    }
}

fn mode(mode: i32) -> Outcome<Mode> {
    Ok(match args::enumeration(mode, "mode")? {
        saltyrtc_chunking_mode::ReliableOrdered => Mode::ReliableOrdered,
        saltyrtc_chunking_mode::UnreliableUnordered => Mode::UnreliableUnordered,
    })
}

impl From<ChunkerError> for Failure {
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

impl From<ChunkError> for Failure {
    fn from(error: ChunkError) -> Self {
        let status =
            if error.is_limit() { saltyrtc_status::TooLarge } else { saltyrtc_status::BadChunk };
        Self::new(status, error.to_string())
    }
}

/// Splits messages into chunks, for transports that limit the size of messages, such as data channels.
/// Use one for each direction of each channel.
#[derive(Debug)]
pub struct saltyrtc_chunker(Mutex<Splitting>);

#[derive(Debug)]
struct Splitting {
    chunker: Chunker,
    /// Messages whose chunks were not all taken, oldest first.
    messages: VecDeque<Chunks<Vec<u8>>>,
}

/// Makes a chunker; `mode` is a saltyrtc_chunking_mode. Message ids start with 0.
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

/// Frees a chunker with the chunks that were not taken. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_chunker_free(chunker: *mut saltyrtc_chunker) {
    if !chunker.is_null() {
        silent_entry(|| drop(Box::from_raw(chunker)));
    }
}

/// Adds a message, which must not be empty. saltyrtc_chunker_next gives its chunks, after those of
/// messages that were added before.
///
/// Chunks have `chunk_size` bytes, header included (10 at least, or 2 in reliable/ordered mode); the
/// last one may have less. Fails with SALTYRTC_STATUS_TOO_LARGE if there would be more than 2^32
/// chunks.
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

/// Takes the next chunk. Success with `*chunk_len` 0 means that there is none: chunks are never empty.
/// A chunk for which the buffer is too small stays the next one.
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

/// Puts chunks together to messages. Use one for each direction of each channel.
#[derive(Debug)]
pub struct saltyrtc_unchunker(Mutex<Joining>);

#[derive(Debug)]
struct Joining {
    unchunker: Unchunker,
    /// A message that was not taken.
    complete: Option<Bytes>,
}

/// Makes an unchunker; `mode` is a saltyrtc_chunking_mode. The rest bounds what a peer can make it keep,
/// and must not be 0, but for the last one:
///
/// `max_message_size`: bytes in the largest message. `max_total_size`: bytes of memory for all
/// messages that are not complete, book-keeping included (some 500 bytes for each message and 100 for
/// each chunk that is early); without room, the messages are given up that had nothing new for the
/// longest time. `max_age_ms`: milliseconds without a new chunk after which a message is given up.
/// `remembered`: how many complete messages are remembered (for `max_age_ms` at most), so that late
/// duplicates are not taken for new messages; 0 is right if the transport makes no duplicates, as data
/// channels.
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
        0 => Err(Failure::argument(name, "must be 1 byte at least")),
        size => Ok(size),
    };
    entry(error, || {
        let out = out.required("out")?;
        let mode = self::mode(mode)?;
        let max_age: Duration = timeout(max_age_ms, "max_age_ms")?;
        let limits = Limits {
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

/// Frees an unchunker with all that it keeps. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_unchunker_free(unchunker: *mut saltyrtc_unchunker) {
    if !unchunker.is_null() {
        silent_entry(|| drop(Box::from_raw(unchunker)));
    }
}

/// Adds a chunk. `*message_len` (NULL is fine) becomes 0, or, if a message is complete now, the number
/// of its bytes: take it with saltyrtc_unchunker_next before the next chunk is added, or that fails
/// with SALTYRTC_STATUS_BAD_ARGUMENT and is to be repeated.
///
/// Fails with SALTYRTC_STATUS_BAD_CHUNK if the chunk breaks the rules, and with
/// SALTYRTC_STATUS_TOO_LARGE, once, if its message is over a limit; the rest of that message is
/// ignored. Other messages lose nothing, and the unchunker can go on. In reliable/ordered mode a bad
/// chunk ends the message that is being received; otherwise it changes nothing.
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
            return Err(Failure::argument(
                "unchunker",
                "a complete message waits: take it with saltyrtc_unchunker_next",
            ));
        }
        joining.complete = joining.unchunker.add(Instant::now(), chunk)?;
        message_len.set(joining.complete.as_ref().map_or(0, Bytes::len));
        Ok(())
    })
}

/// Takes the message that is complete. Success with `*message_len` 0 means that there is none. A
/// message for which the buffer is too small stays.
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

/// Gives up messages that are too old, which otherwise happens with the next chunk: call it now and
/// then to have the memory back although none comes. `*given_up` (NULL is fine) becomes the number of
/// messages that were given up so far, for whatever reason.
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

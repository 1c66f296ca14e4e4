//! A message on its way to the peer: serialised, then given its place among the others, then sealed.
//!
//! The last step takes most of the time and needs nothing of the client. So several threads can do it at
//! once while the client goes on. Messages are sent in the order of their places, whichever was sealed first.

use super::send_failure::SendFailure;
use crate::crypto::{BOX_OVERHEAD, Content, SharedKey};
use crate::protocol::Nonce;
use crate::protocol::message::{MapWriter, Payload, TaskMessage};

/// Bytes that a sealed message has beyond its content.
pub(super) const MESSAGE_OVERHEAD: usize = Nonce::BYTES + BOX_OVERHEAD;

/// A message to the peer, serialised.
#[derive(Clone)]
pub struct Outgoing {
    /// Room for nonce and authentication tag, and the content: it is sealed where it is.
    buffer: Vec<u8>,
    content: Content,
    fits: Fits,
}

/// Which task has to run for a message to be allowed.
#[derive(Debug, Clone, Copy)]
enum Fits {
    AnyTask,
    /// This one.
    Task(&'static str),
    /// One whose messages are for the application to make.
    FreeTask,
}

impl Outgoing {
    /// A message of the protocol itself, or one of a task whose own functions have checked that it runs.
    pub(crate) fn new(message: &[u8]) -> Self {
        let mut buffer = Self::room(message.len());
        buffer.extend_from_slice(message);
        Self { buffer, content: Content::Signalling, fits: Fits::AnyTask }
    }

    /// Something for the peer's application beside the task (protocol, *'application' Message*).
    // Spec: P-276 ('application' Message)
    // Spec: R-006 (Client-to-Client Messages)
    pub fn application(data: &Payload) -> Self {
        let size = data.as_msgpack().len();
        let map = MapWriter::message_in(Self::room(size), "application");
        let buffer = map.raw("data", data.as_msgpack()).finish();
        Self { buffer, content: Content::Signalling, fits: Fits::AnyTask }
    }

    /// A message of a task that leaves it to the application what is in its messages.
    pub fn task_message(message: &TaskMessage) -> Self {
        Self { fits: Fits::FreeTask, ..Self::new(message.as_msgpack()) }
    }

    /// A message of the task `task` with bulk data: `write` completes the map, which gets `size` bytes
    /// beside the names in it.
    pub(crate) fn bulk(
        task: &'static str,
        kind: &str,
        size: usize,
        write: impl FnOnce(MapWriter) -> MapWriter,
    ) -> Self {
        let map = MapWriter::message_in(Self::room(size), kind);
        let buffer = write(map).finish();
        Self { buffer, content: Content::RelayedData, fits: Fits::Task(task) }
    }

    /// A buffer with room for nonce and tag, for names, and for `size` bytes more.
    fn room(size: usize) -> Vec<u8> {
        let mut buffer = Vec::with_capacity(MESSAGE_OVERHEAD + size + 64);
        buffer.resize(MESSAGE_OVERHEAD, 0);
        buffer
    }

    /// The content.
    pub(super) fn plain(&self) -> &[u8] {
        &self.buffer[MESSAGE_OVERHEAD..]
    }

    pub(super) const fn content(&self) -> Content {
        self.content
    }

    /// Whether the message makes sense while the task with this name runs; `free` says whether that task
    /// leaves its messages to the application.
    pub(super) fn check_task(&self, running: &str, free: bool) -> Result<(), SendFailure> {
        let fits = match self.fits {
            Fits::AnyTask => true,
            Fits::Task(name) => name == running,
            Fits::FreeTask => free,
        };
        if fits { Ok(()) } else { Err(SendFailure::OtherTask { running: running.to_owned() }) }
    }
}

/// The place of a message in the queue, with everything that it takes to seal the message. Has to be
/// filled, or nothing that comes after it is sent.
#[derive(Debug)]
#[must_use]
pub struct Reservation {
    pub(super) id: u64,
    pub(super) nonce: Nonce,
    pub(super) key: SharedKey,
}

impl Reservation {
    /// Seals the message for its place.
    pub fn seal(self, message: Outgoing) -> Sealed {
        let mut buffer = message.buffer;
        let (nonce, sealed) = buffer.split_at_mut(Nonce::BYTES);
        nonce.copy_from_slice(&self.nonce.to_bytes());
        self.key.seal_in_place(&self.nonce.to_bytes(), sealed);
        Sealed { id: self.id, message: buffer }
    }
}

/// A message that is ready for its place.
pub struct Sealed {
    pub(super) id: u64,
    pub(super) message: Vec<u8>,
}

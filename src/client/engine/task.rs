//! The WebRTC task and the ORTC task of the built-in engine: what the peer says goes to the engine instead of the
//! application.

use std::sync::{Arc, Mutex, MutexGuard};

use super::channels::Channels;
use crate::protocol::message::{TaskData, TaskMessage};
use crate::protocol::{Role, SignallingChannel, Task as ProtocolTask, TaskError};
use crate::sync::lock;
use crate::task::TaskEvent;
use crate::task::ortc::{self, OrtcMessage};
use crate::task::webrtc::{Candidate, Candidates, SessionDescription};

/// The most messages that may wait for the engine, which takes them within moments.
const MAX_WAITING: usize = 256;

/// The most bytes that came from the peer and may wait in those messages.
const MAX_WAITING_BYTES: usize = 4 << 20;

/// The WebRTC task or the ORTC task with the built-in engine behind it.
#[derive(Debug)]
pub(crate) struct Task {
    inner: Box<dyn ProtocolTask<TaskEvent>>,
    inbox: Inbox,
    channels: Arc<Channels>,
}

/// What comes from the state machine of the client, in order.
#[derive(Debug)]
pub(super) enum Item {
    /// A peer has come; `epoch` counts the peers.
    Start {
        role: Role,
        epoch: u32,
        signalling: Option<SignallingChannel>,
        /// The ORTC task runs, and not the WebRTC task.
        ortc: bool,
    },
    Offer(SessionDescription),
    Answer(SessionDescription),
    Candidates(Vec<Option<Candidate>>),
    Ortc(OrtcMessage),
    /// The peer is gone, or the client has ended.
    Stop,
}

impl Item {
    /// Bytes of memory that come from the peer.
    fn size(&self) -> usize {
        match self {
            Self::Offer(description) | Self::Answer(description) => description.size(),
            Self::Candidates(candidates) => Candidates::size_of(candidates),
            Self::Ortc(message) => message.size(),
            Self::Start { .. } | Self::Stop => 0,
        }
    }
}

/// Holds items until the engine takes them.
#[derive(Debug, Clone, Default)]
pub(super) struct Inbox(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    items: Vec<Item>,
    bytes: usize,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().items.is_empty()
    }

    pub(super) fn take(&self) -> Vec<Item> {
        std::mem::take(&mut *self.lock()).items
    }
}

impl Task {
    pub(super) fn new(
        inner: impl ProtocolTask<TaskEvent> + 'static,
        inbox: Inbox,
        channels: Arc<Channels>,
    ) -> Self {
        Self { inner: Box::new(inner), inbox, channels }
    }
}

impl ProtocolTask<TaskEvent> for Task {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn data(&self) -> TaskData {
        self.inner.data()
    }

    fn check(&self, peer_data: &TaskData) -> Result<(), TaskError> {
        self.inner.check(peer_data)
    }

    fn start(&mut self, role: Role, peer_data: &TaskData) -> Result<(), TaskError> {
        self.inner.start(role, peer_data)?;
        let signalling = self.inner.signalling_channel();
        // Locked before the registry of channels opens for the application, so that the engine learns of
        // the peer before it gets a command about it.
        let mut waiting = self.inbox.lock();
        let epoch = self.channels.start(role);
        let ortc = self.name() == ortc::NAME;
        waiting.items.push(Item::Start { role, epoch, signalling, ortc });
        self.channels.wake.notify_one();
        Ok(())
    }

    fn has_free_messages(&self) -> bool {
        self.inner.has_free_messages()
    }

    fn handle_message(&mut self, message: TaskMessage) -> Result<Option<TaskEvent>, TaskError> {
        let item = match self.inner.handle_message(message)? {
            Some(TaskEvent::Offer(description)) => Item::Offer(description),
            Some(TaskEvent::Answer(description)) => Item::Answer(description),
            Some(TaskEvent::Candidates(candidates)) => Item::Candidates(candidates),
            // Those are for the application: the engine has no media, and each channel says what it is like.
            Some(TaskEvent::Ortc(
                message @ (OrtcMessage::RtpCapabilities(_) | OrtcMessage::DataChannelParameters(_)),
            )) => return Ok(Some(TaskEvent::Ortc(message))),
            Some(TaskEvent::Ortc(message)) => Item::Ortc(message),
            other => return Ok(other),
        };
        let mut waiting = self.inbox.lock();
        let bytes = waiting.bytes + item.size();
        if waiting.items.len() >= MAX_WAITING || bytes > MAX_WAITING_BYTES {
            return Err(TaskError::new(
                "it sends descriptions and candidates faster than they can be used",
            ));
        }
        waiting.bytes = bytes;
        waiting.items.push(item);
        self.channels.wake.notify_one();
        Ok(None)
    }

    fn signalling_channel(&self) -> Option<SignallingChannel> {
        self.inner.signalling_channel()
    }

    fn stop(&mut self) {
        self.inner.stop();
        self.channels.stop();
        let mut waiting = self.inbox.lock();
        // What came before is about a peer that is gone, but not what came before that.
        waiting.items.retain(|item| matches!(item, Item::Start { .. } | Item::Stop));
        waiting.bytes = 0;
        waiting.items.push(Item::Stop);
        self.channels.wake.notify_one();
    }
}

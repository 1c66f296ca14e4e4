//! The WebRTC task of the built-in engine: what the peer says goes to the engine instead of the
//! application.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::channels::Channels;
use crate::protocol::message::{Candidate, SessionDescription, TaskData, TaskMessage};
use crate::protocol::{Role, SignallingChannel, Task as ProtocolTask, TaskEvent};
use crate::task::webrtc::WebRtc;

/// The most messages that may wait for the engine, which takes them within moments.
const MAX_WAITING: usize = 256;

/// The WebRTC task with the built-in engine behind it. Made by
/// [`Config::with_rtc`](crate::client::Config::with_rtc).
#[derive(Debug)]
pub struct Task {
    inner: WebRtc,
    inbox: Inbox,
    channels: Arc<Channels>,
}

/// What comes from the state machine of the client, in order.
#[derive(Debug)]
pub(super) enum Item {
    /// There is a peer; `epoch` says which one of all that there were.
    Start {
        role: Role,
        epoch: u32,
        signalling: Option<SignallingChannel>,
    },
    Offer(SessionDescription),
    Answer(SessionDescription),
    Candidates(Vec<Option<Candidate>>),
    /// The peer is gone, or the client has ended.
    Stop,
}

/// Holds items until the engine takes them.
#[derive(Debug, Clone, Default)]
pub(super) struct Inbox(Arc<Mutex<Vec<Item>>>);

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Vec<Item>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    pub(super) fn take(&self) -> Vec<Item> {
        std::mem::take(&mut *self.lock())
    }
}

impl Task {
    pub(super) fn new(inner: WebRtc, inbox: Inbox, channels: Arc<Channels>) -> Self {
        Self { inner, inbox, channels }
    }
}

impl ProtocolTask for Task {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn data(&self) -> TaskData {
        self.inner.data()
    }

    fn start(&mut self, role: Role, peer_data: &TaskData) -> Result<(), String> {
        self.inner.start(role, peer_data)?;
        let signalling = self.inner.signalling_channel();
        let epoch = self.channels.start(role);
        self.inbox.lock().push(Item::Start { role, epoch, signalling });
        Ok(())
    }

    fn has_free_messages(&self) -> bool {
        self.inner.has_free_messages()
    }

    fn handle_message(&mut self, message: TaskMessage) -> Result<Option<TaskEvent>, String> {
        let item = match self.inner.handle_message(message)? {
            Some(TaskEvent::Offer(description)) => Item::Offer(description),
            Some(TaskEvent::Answer(description)) => Item::Answer(description),
            Some(TaskEvent::Candidates(candidates)) => Item::Candidates(candidates),
            other => return Ok(other),
        };
        let mut items = self.inbox.lock();
        if items.len() >= MAX_WAITING {
            return Err("it sends descriptions and candidates faster than they can be used".into());
        }
        items.push(item);
        Ok(None)
    }

    fn signalling_channel(&self) -> Option<SignallingChannel> {
        self.inner.signalling_channel()
    }

    fn stop(&mut self) {
        self.inner.stop();
        self.channels.stop();
        let mut items = self.inbox.lock();
        // What came before is about a peer that is gone, but not what came before that.
        items.retain(|item| matches!(item, Item::Start { .. } | Item::Stop));
        items.push(Item::Stop);
    }
}

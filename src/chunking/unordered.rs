//! Unreliable/unordered mode: any number of messages at a time.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::error::ChunkError;
use super::header::Header;
use super::limits::UnchunkerLimits;
use super::mode::Mode;
use super::partial::{Added, Partial};

/// Bytes that a message takes beside its chunks, rounded up: its places in the two trees, which are half
/// empty at worst, and the overhead of the allocator.
const MESSAGE: usize = 500;

const _: () = assert!(MESSAGE >= 2 * size_of::<(u32, Entry)>() + 2 * size_of::<(u64, u32)>() + 100);

/// A message that is not complete.
#[derive(Debug)]
struct Entry {
    /// `None`: the message was refused, and its chunks are ignored.
    partial: Option<Partial>,
    /// When something new arrived.
    progress: Instant,
    /// The same as a number that no other message has.
    turn: u64,
    /// The memory that it takes.
    memory: usize,
}

#[derive(Debug)]
pub(super) struct Unordered {
    limits: UnchunkerLimits,
    messages: BTreeMap<u32, Entry>,
    /// The message of each turn: the one that waits longest comes first.
    turns: BTreeMap<u64, u32>,
    last_turn: u64,
    memory: usize,
    complete: Complete,
    given_up: u64,
}

impl Unordered {
    pub(super) fn new(limits: UnchunkerLimits) -> Self {
        Self {
            messages: BTreeMap::new(),
            turns: BTreeMap::new(),
            last_turn: 0,
            memory: 0,
            complete: Complete::new(&limits),
            given_up: 0,
            limits,
        }
    }

    /// `whole` turns the data of a chunk into a message, for messages of one chunk.
    pub(super) fn add(
        &mut self,
        now: Instant,
        chunk: &[u8],
        whole: impl FnOnce(&[u8]) -> Bytes,
    ) -> Result<Option<Bytes>, ChunkError> {
        self.expire(now);
        let (header, data) = Header::split(Mode::UnreliableUnordered, chunk)?;
        let id = header.message;
        // Spec: C-028 (Unchunking)
        if self.complete.contains(id) {
            return Ok(None);
        }
        let max_size = self.limits.max_message_size;
        let known = self.messages.contains_key(&id);
        if !known && header.end && header.serial == 0 && data.len() <= max_size {
            self.complete.insert(now, id);
            return Ok(Some(whole(data)));
        }
        let spare = self.limits.max_total_size.saturating_sub(self.memory);
        let entry = self.messages.entry(id).or_insert_with(|| Entry {
            partial: Some(Partial::default()),
            progress: now,
            turn: 0,
            memory: 0,
        });
        let Some(partial) = &mut entry.partial else {
            self.touch(id, now);
            return Ok(None);
        };
        match partial.add(header, data, max_size, spare) {
            // Spec: C-004 (Modes)
            Ok(Added::Duplicate) => Ok(None),
            Ok(Added::Stored) => {
                self.touch(id, now);
                self.make_room(id, now).map(|()| None)
            }
            Ok(Added::Complete) => {
                let partial = self.remove(id).and_then(|entry| entry.partial);
                self.complete.insert(now, id);
                Ok(partial.map(|partial| {
                    let mut message = partial.into_message();
                    message.shrink_to_fit();
                    message.into()
                }))
            }
            Err(error) => {
                if error.is_limit() {
                    self.refuse(id, now);
                }
                Err(error)
            }
        }
    }

    /// Something new of a message has arrived.
    fn touch(&mut self, id: u32, now: Instant) {
        let Some(entry) = self.messages.get_mut(&id) else { return };
        entry.progress = now;
        // The usual case is that there is one message at a time, and nothing to sort.
        if entry.turn == 0 || entry.turn != self.last_turn {
            self.turns.remove(&entry.turn);
            self.last_turn += 1;
            entry.turn = self.last_turn;
            self.turns.insert(entry.turn, id);
        }
        let memory = MESSAGE + entry.partial.as_ref().map_or(0, Partial::memory);
        self.memory = self.memory - entry.memory + memory;
        entry.memory = memory;
    }

    /// Gives up other messages until there is room for this one, which is the newest, or this one if
    /// that is not enough.
    fn make_room(&mut self, id: u32, now: Instant) -> Result<(), ChunkError> {
        let limit = self.limits.max_total_size;
        while self.memory > limit {
            let Some((_, &oldest)) = self.turns.first_key_value() else { break };
            if oldest == id {
                self.refuse(id, now);
                return Err(ChunkError::TooManyChunks { limit });
            }
            self.remove_unfinished(oldest);
        }
        Ok(())
    }

    /// Forgets everything about a message except that its chunks are to be ignored.
    fn refuse(&mut self, id: u32, now: Instant) {
        let Some(entry) = self.messages.get_mut(&id) else { return };
        entry.partial = None;
        self.given_up += 1;
        self.touch(id, now);
        // With a very low limit there is not even room for that.
        while self.memory > self.limits.max_total_size
            && let Some((_, &oldest)) = self.turns.first_key_value()
        {
            self.remove_unfinished(oldest);
        }
    }

    fn remove(&mut self, id: u32) -> Option<Entry> {
        let entry = self.messages.remove(&id)?;
        self.turns.remove(&entry.turn);
        self.memory -= entry.memory;
        Some(entry)
    }

    fn remove_unfinished(&mut self, id: u32) {
        // Those that were refused were counted then.
        if self.remove(id).is_some_and(|entry| entry.partial.is_some()) {
            self.given_up += 1;
        }
    }

    pub(super) fn expire(&mut self, now: Instant) {
        self.complete.expire(now);
        while self.poll_timeout().is_some_and(|at| at <= now) {
            let Some((_, &oldest)) = self.turns.first_key_value() else { break };
            self.remove_unfinished(oldest);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let (_, oldest) = self.turns.first_key_value()?;
        self.messages.get(oldest)?.progress.checked_add(self.limits.max_age)
    }

    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    pub(super) fn given_up(&self) -> u64 {
        self.given_up
    }
}

/// The messages that were completed last: further chunks of them are duplicates.
#[derive(Debug)]
struct Complete {
    /// Oldest first.
    order: VecDeque<(Instant, u32)>,
    ids: HashSet<u32>,
    max: usize,
    max_age: Duration,
}

impl Complete {
    fn new(limits: &UnchunkerLimits) -> Self {
        let (max, max_age) = (limits.remembered, limits.max_age);
        Self { order: VecDeque::new(), ids: HashSet::new(), max, max_age }
    }

    fn contains(&self, id: u32) -> bool {
        self.ids.contains(&id)
    }

    fn insert(&mut self, now: Instant, id: u32) {
        if self.max == 0 {
            return;
        }
        if self.order.len() >= self.max {
            self.forget_oldest();
        }
        self.order.push_back((now, id));
        self.ids.insert(id);
    }

    fn forget_oldest(&mut self) {
        if let Some((_, id)) = self.order.pop_front() {
            self.ids.remove(&id);
        }
    }

    fn expire(&mut self, now: Instant) {
        while let Some((since, _)) = self.order.front()
            && now.saturating_duration_since(*since) >= self.max_age
        {
            self.forget_oldest();
        }
    }
}

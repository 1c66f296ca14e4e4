//! Reliable/ordered mode: one message at a time.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::error::ChunkError;
use super::header::Header;
use super::limits::Limits;
use super::mode::Mode;
use super::partial::grow;

#[derive(Debug)]
enum State {
    /// The next chunk is the first one of a message.
    Between,
    /// The beginning of a message has arrived.
    Collecting { data: Vec<u8>, progress: Instant },
    /// A message was given up: the rest of it is skipped.
    Skipping,
}

#[derive(Debug)]
pub(super) struct Ordered {
    state: State,
    max_size: usize,
    max_age: Duration,
    given_up: u64,
}

impl Ordered {
    pub(super) fn new(limits: &Limits) -> Self {
        let max_size = limits.max_message_size.min(limits.max_total_size);
        Self { state: State::Between, max_size, max_age: limits.max_age, given_up: 0 }
    }

    /// `whole` turns the data of a chunk into a message, for messages of one chunk.
    pub(super) fn add(
        &mut self,
        now: Instant,
        chunk: &[u8],
        whole: impl FnOnce(&[u8]) -> Bytes,
    ) -> Result<Option<Bytes>, ChunkError> {
        self.expire(now);
        let (header, data) = match Header::split(Mode::ReliableOrdered, chunk) {
            Ok(parts) => parts,
            Err(error) => {
                self.broken(Header::ends_ordered(chunk));
                return Err(error);
            }
        };
        let before = match &self.state {
            State::Between => 0,
            State::Collecting { data, .. } => data.len(),
            State::Skipping => {
                self.broken(header.end);
                return Ok(None);
            }
        };
        if before + data.len() > self.max_size {
            if before == 0 {
                self.given_up += 1;
            }
            self.give_up(header.end);
            return Err(ChunkError::MessageTooLarge { limit: self.max_size });
        }
        if header.end && before == 0 {
            return Ok(Some(whole(data)));
        }
        let mut message = match std::mem::replace(&mut self.state, State::Between) {
            State::Collecting { data, .. } => data,
            State::Between | State::Skipping => Vec::new(),
        };
        if header.end {
            message.reserve_exact(data.len());
        } else {
            grow(&mut message, data.len(), self.max_size, usize::MAX);
        }
        message.extend_from_slice(data);
        if header.end {
            message.shrink_to_fit();
            return Ok(Some(message.into()));
        }
        self.state = State::Collecting { data: message, progress: now };
        Ok(None)
    }

    /// A chunk was refused, so the message that it belongs to cannot be completed any more. Between two
    /// messages nothing is lost.
    fn broken(&mut self, ends: bool) {
        if !matches!(self.state, State::Between) {
            self.give_up(ends);
        }
    }

    fn give_up(&mut self, ends: bool) {
        if matches!(self.state, State::Collecting { .. }) {
            self.given_up += 1;
        }
        self.state = if ends { State::Between } else { State::Skipping };
    }

    pub(super) fn expire(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|at| at <= now) {
            self.give_up(false);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Collecting { progress, .. } => progress.checked_add(self.max_age),
            State::Between | State::Skipping => None,
        }
    }

    pub(super) fn memory(&self) -> usize {
        match &self.state {
            State::Collecting { data, .. } => data.capacity(),
            State::Between | State::Skipping => 0,
        }
    }

    pub(super) fn given_up(&self) -> u64 {
        self.given_up
    }
}

//! Reliable/ordered mode: one message at a time.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::error::ChunkError;
use super::header::Header;
use super::limits::UnchunkerLimits;
use super::mode::Mode;
use super::partial::grow;

#[derive(Debug)]
enum Reception {
    /// The next chunk is the first one of a message.
    Between,
    /// The beginning of a message has arrived.
    Collecting { data: Vec<u8>, progress: Instant },
    /// A message was given up: the rest of it is skipped.
    Skipping,
}

#[derive(Debug)]
pub(super) struct Ordered {
    state: Reception,
    max_size: usize,
    max_age: Duration,
    given_up: u64,
}

impl Ordered {
    pub(super) fn new(limits: &UnchunkerLimits) -> Self {
        let max_size = limits.max_message_size.min(limits.max_total_size);
        Self { state: Reception::Between, max_size, max_age: limits.max_age, given_up: 0 }
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
            Reception::Between => 0,
            Reception::Collecting { data, .. } => data.len(),
            Reception::Skipping => {
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
        let mut message = match std::mem::replace(&mut self.state, Reception::Between) {
            Reception::Collecting { data, .. } => data,
            Reception::Between | Reception::Skipping => Vec::new(),
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
        self.state = Reception::Collecting { data: message, progress: now };
        Ok(None)
    }

    /// A chunk was refused, so the message that it belongs to cannot be completed any more. Between two
    /// messages nothing is lost.
    fn broken(&mut self, ends: bool) {
        if !matches!(self.state, Reception::Between) {
            self.give_up(ends);
        }
    }

    fn give_up(&mut self, ends: bool) {
        if matches!(self.state, Reception::Collecting { .. }) {
            self.given_up += 1;
        }
        self.state = if ends { Reception::Between } else { Reception::Skipping };
    }

    pub(super) fn expire(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|at| at <= now) {
            self.give_up(false);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            Reception::Collecting { progress, .. } => progress.checked_add(self.max_age),
            Reception::Between | Reception::Skipping => None,
        }
    }

    pub(super) fn memory(&self) -> usize {
        match &self.state {
            Reception::Collecting { data, .. } => data.capacity(),
            Reception::Between | Reception::Skipping => 0,
        }
    }

    pub(super) fn given_up(&self) -> u64 {
        self.given_up
    }
}

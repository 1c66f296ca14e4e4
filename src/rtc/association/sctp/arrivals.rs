//! What has arrived and was not taken yet, and how much more the peer may send.
//!
//! SCTP counts nothing but the bytes of messages, and its sequence numbers are ambiguous if too many of
//! them wait. So it is read at once, and what it held waits here, where a message counts with all that it
//! takes.

use std::collections::VecDeque;

/// What a message takes besides its bytes.
const OVERHEAD: usize = 128;

/// What the peer has sent on a stream.
pub(in super::super) enum Arrival {
    /// A message: stream, kind, bytes.
    Message(u16, u32, Vec<u8>),
    /// The peer has closed its direction of a stream.
    Reset(u16),
}

/// See the module.
pub(super) struct Arrivals {
    queue: VecDeque<Arrival>,
    bytes: usize,
    messages: usize,
    /// How much may wait.
    limit: usize,
}

impl Arrivals {
    pub(super) fn new(limit: usize) -> Self {
        Self { queue: VecDeque::new(), bytes: 0, messages: 0, limit }
    }

    pub(super) fn push(&mut self, arrival: Arrival) {
        if let Arrival::Message(_, _, payload) = &arrival {
            self.bytes += payload.len();
            self.messages += 1;
        }
        self.queue.push_back(arrival);
    }

    pub(super) fn pop(&mut self) -> Option<Arrival> {
        let arrival = self.queue.pop_front()?;
        if let Arrival::Message(_, _, payload) = &arrival {
            self.bytes -= payload.len();
            self.messages -= 1;
        }
        Some(arrival)
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// How much more the peer may send, if SCTP has `incomplete` bytes of messages.
    pub(super) fn window(&self, incomplete: usize) -> usize {
        let used = self.bytes + OVERHEAD * self.messages + incomplete;
        self.limit.saturating_sub(used)
    }

    /// Whether the peer has sent so much more than it may that nothing new can be taken, with so many messages
    /// to come. As it does not know what messages take, what was on its way when the window closed is taken
    /// nevertheless.
    pub(super) fn is_full(&self, coming: usize) -> bool {
        let messages = self.messages + coming;
        self.bytes >= self.limit || self.bytes + OVERHEAD * messages >= 2 * self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_count_with_what_they_take() {
        let mut arrivals = Arrivals::new(1000);
        arrivals.push(Arrival::Reset(1));
        assert_eq!(arrivals.window(0), 1000);
        arrivals.push(Arrival::Message(1, 53, vec![0; 72]));
        assert_eq!((arrivals.window(0), arrivals.window(100)), (800, 700));
        for _ in 0..9 {
            assert!(!arrivals.is_full(0));
            arrivals.push(Arrival::Message(1, 53, vec![0; 72]));
        }
        assert_eq!((arrivals.window(0), arrivals.is_full(0)), (0, true));
        while arrivals.pop().is_some() {}
        assert_eq!((arrivals.window(0), arrivals.is_full(0), arrivals.len()), (1000, false, 0));
        arrivals.push(Arrival::Message(1, 53, vec![0; 1000]));
        assert!(arrivals.is_full(0));
    }
}

//! The messages that wait for SCTP, by stream, and whose turn it is.
//!
//! Within SCTP whatever was given to it first leaves first. So it is given little at a time, and the rest
//! waits here. Every stream gets as many bytes as the others that have something to send: each message
//! has a mark, how far the stream will have come with it, and the lowest is next (weighted fair queueing).
//! What comes to an empty queue overtakes what waits in long ones.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use bytes::Bytes;

use super::super::config::Reliability;

/// A message that waits.
pub(super) struct Outgoing {
    pub(super) ppid: u32,
    pub(super) payload: Bytes,
    pub(super) unordered: bool,
    pub(super) reliability: Reliability,
    /// When it was sent by the owner.
    pub(super) since: Instant,
}

#[derive(Default)]
struct Queue {
    messages: VecDeque<Outgoing>,
    /// Bytes of these.
    bytes: usize,
    /// Bytes that SCTP was given and has not sent, and in how many chunks.
    given: usize,
    given_chunks: usize,
    low_water: usize,
    /// What waits is more than `low_water`.
    above: bool,
    /// The mark of the last message that had its turn.
    mark: u64,
    /// SCTP does not take anything on the stream now.
    blocked: bool,
}

impl Queue {
    fn amount(&self) -> usize {
        self.bytes + self.given
    }

    /// Looks whether what waits has fallen to the low-water mark.
    fn has_fallen(&mut self) -> bool {
        let above = self.amount() > self.low_water;
        std::mem::replace(&mut self.above, above) && !above
    }
}

/// See the module.
pub(super) struct Outbox {
    queues: BTreeMap<u16, Queue>,
    /// The streams that have messages and are not blocked, with the marks of these.
    turns: BTreeSet<(u64, u16)>,
    /// The streams on which SCTP did not take anything.
    blocked: BTreeSet<u16>,
    /// The mark of the message that had its turn last.
    mark: u64,
    /// What waits in all queues, as `Queue::amount`.
    amount: usize,
    messages: usize,
    /// What SCTP was given and has not sent: chunks and bytes.
    given: (usize, usize),
    /// The streams whose amount has fallen to the low-water mark.
    low: VecDeque<u16>,
    /// How much may wait on all streams, and on one.
    limit: usize,
    stream_limit: usize,
    /// Two streams or more were refused a message, and `amount` was not low since.
    full: bool,
    low_water: usize,
}

impl Outbox {
    pub(super) fn new(limit: usize, stream_limit: usize, low_water: usize) -> Self {
        Self {
            queues: BTreeMap::new(),
            turns: BTreeSet::new(),
            blocked: BTreeSet::new(),
            mark: 0,
            amount: 0,
            messages: 0,
            given: (0, 0),
            low: VecDeque::new(),
            limit,
            stream_limit,
            full: false,
            low_water,
        }
    }

    fn queue(&mut self, stream: u16) -> &mut Queue {
        let low_water = self.stream_limit / 2;
        self.queues.entry(stream).or_insert_with(|| Queue { low_water, ..Queue::default() })
    }

    /// Adds a message. `false`: there is no room. One message more than the limits is taken.
    pub(super) fn push(&mut self, stream: u16, message: Outgoing) -> bool {
        if self.amount >= self.limit || self.amount(stream) >= self.stream_limit {
            return false;
        }
        self.add(stream, message);
        true
    }

    /// Adds a message, whether there is room or not.
    pub(super) fn add(&mut self, stream: u16, message: Outgoing) {
        let size = message.payload.len();
        self.amount += size;
        self.full |= self.amount > self.low_water;
        self.messages += 1;
        let queue = self.queue(stream);
        queue.bytes += size;
        queue.above |= queue.amount() > queue.low_water;
        queue.messages.push_back(message);
        if queue.messages.len() == 1 {
            self.line_up(stream);
        }
    }

    /// Gives a stream a turn if it has something to send.
    fn line_up(&mut self, stream: u16) {
        let mark = self.mark;
        let Some(queue) = self.queues.get_mut(&stream).filter(|queue| !queue.blocked) else {
            return;
        };
        if let Some(first) = queue.messages.front() {
            // Who had nothing to send has no claim to what the others sent meanwhile.
            queue.mark = queue.mark.max(mark) + first.payload.len() as u64;
            self.turns.insert((queue.mark, stream));
        }
    }

    /// The stream whose turn it is, and the size of its message.
    pub(super) fn next(&self) -> Option<(u16, usize)> {
        let (_, stream) = self.turns.first()?;
        let first = self.queues.get(stream)?.messages.front()?;
        Some((*stream, first.payload.len()))
    }

    /// Takes the message of [`Self::next`] for SCTP, which makes so many chunks of it: what waits on the stream
    /// is as much as before.
    pub(super) fn take(&mut self, chunks: usize) -> Option<(u16, Outgoing)> {
        let (mark, stream) = self.turns.pop_first()?;
        let queue = self.queues.get_mut(&stream)?;
        let message = queue.messages.pop_front()?;
        queue.bytes -= message.payload.len();
        queue.given += message.payload.len();
        queue.given_chunks += chunks;
        self.given.0 += chunks;
        self.given.1 += message.payload.len();
        self.messages -= 1;
        self.mark = mark;
        self.line_up(stream);
        Some((stream, message))
    }

    /// SCTP takes nothing on the stream of [`Self::next`] now.
    pub(super) fn block(&mut self) {
        if let Some((mark, stream)) = self.turns.pop_first() {
            let queue = self.queue(stream);
            queue.blocked = true;
            // As before it was added, when the message lined up.
            let size = queue.messages.front().map_or(0, |message| message.payload.len());
            queue.mark = mark - size as u64;
            self.blocked.insert(stream);
        }
    }

    /// SCTP may take messages again on the streams where it did not.
    pub(super) fn unblock(&mut self) {
        for stream in std::mem::take(&mut self.blocked) {
            if let Some(queue) = self.queues.get_mut(&stream).filter(|queue| queue.blocked) {
                queue.blocked = false;
                self.line_up(stream);
            }
        }
    }

    /// SCTP has sent, or thrown away, some of what it was given.
    pub(super) fn sent(&mut self, stream: u16, bytes: usize, chunks: usize) {
        if let Some(queue) = self.queues.get_mut(&stream) {
            let bytes = bytes.min(queue.given);
            queue.given -= bytes;
            let all = queue.given == 0;
            let chunks = if all { queue.given_chunks } else { chunks.min(queue.given_chunks) };
            queue.given_chunks -= chunks;
            self.given.0 -= chunks;
            self.given.1 -= bytes;
            self.amount -= bytes;
            if queue.has_fallen() {
                self.low.push_back(stream);
            }
        }
    }

    /// The bytes of a stream that SCTP was given and has not sent.
    pub(super) fn given(&self, stream: u16) -> usize {
        self.queues.get(&stream).map_or(0, |queue| queue.given)
    }

    /// How much SCTP was given and has not sent: chunks and bytes.
    pub(super) fn given_to_sctp(&self) -> (usize, usize) {
        self.given
    }

    /// Throws away what waits on a stream, and forgets it.
    pub(super) fn clear(&mut self, stream: u16) {
        if let Some(queue) = self.queues.remove(&stream) {
            self.amount -= queue.amount();
            self.messages -= queue.messages.len();
            self.given.0 -= queue.given_chunks;
            self.given.1 -= queue.given;
            self.turns.remove(&(queue.mark, stream));
        }
    }

    /// How many bytes wait on a stream.
    pub(super) fn amount(&self, stream: u16) -> usize {
        self.queues.get(&stream).map_or(0, Queue::amount)
    }

    /// How many bytes wait on all streams.
    pub(super) fn total(&self) -> usize {
        self.amount
    }

    /// How many messages wait that SCTP was not given.
    pub(super) fn messages(&self) -> usize {
        self.messages
    }

    /// The first message that waits on a stream.
    pub(super) fn first(&self, stream: u16) -> Option<&Outgoing> {
        self.queues.get(&stream)?.messages.front()
    }

    /// The next stream whose amount has fallen to its low-water mark.
    pub(super) fn poll_low(&mut self) -> Option<u16> {
        self.low.pop_front()
    }

    /// Whether [`Self::poll_low`] has something to tell.
    pub(super) fn is_low(&self) -> bool {
        !self.low.is_empty()
    }

    /// Whether the amount of all streams has fallen to its low-water mark since this was asked.
    pub(super) fn poll_total_low(&mut self) -> bool {
        self.full && self.amount <= self.low_water && {
            self.full = false;
            true
        }
    }

    pub(super) fn set_low_water(&mut self, stream: u16, bytes: usize) {
        let queue = self.queue(stream);
        queue.low_water = bytes;
        if queue.has_fallen() {
            self.low.push_back(stream);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(size: usize) -> Outgoing {
        Outgoing {
            ppid: 53,
            payload: vec![0; size].into(),
            unordered: false,
            reliability: Reliability::Reliable,
            since: Instant::now(),
        }
    }

    fn outbox() -> Outbox {
        Outbox::new(10_000, 5_000, 7_500)
    }

    #[test]
    fn a_small_message_overtakes_a_long_queue() {
        let mut outbox = outbox();
        for _ in 0..5 {
            assert!(outbox.push(1, message(1000)));
        }
        assert_eq!(outbox.take(1).map(|(stream, _)| stream), Some(1));
        assert!(outbox.push(2, message(10)));
        let order = std::iter::from_fn(|| outbox.take(1)).map(|(stream, _)| stream);
        assert_eq!(order.collect::<Vec<_>>(), [2, 1, 1, 1, 1]);
    }

    #[test]
    fn all_get_the_same() {
        let mut outbox = outbox();
        for _ in 0..4 {
            assert!(outbox.push(1, message(300)) && outbox.push(2, message(100)));
        }
        for _ in 0..8 {
            assert!(outbox.push(2, message(100)));
        }
        let mut sent = [0, 0];
        while let Some((stream, message)) = outbox.take(1) {
            sent[usize::from(stream) - 1] += message.payload.len();
            assert!(sent[0].abs_diff(sent[1]) <= 300, "{sent:?}");
        }
        assert_eq!(sent, [1200, 1200]);
    }

    #[test]
    fn a_blocked_stream_keeps_its_messages() {
        let mut outbox = outbox();
        assert!(outbox.push(1, message(10)) && outbox.push(2, message(20)));
        outbox.block();
        assert_eq!(outbox.next(), Some((2, 20)));
        assert!(outbox.push(1, message(11)));
        assert_eq!(outbox.take(1).map(|(stream, _)| stream), Some(2));
        assert_eq!(outbox.next(), None);
        outbox.unblock();
        assert_eq!(outbox.take(1).map(|(_, message)| message.payload.len()), Some(10));
        assert_eq!(outbox.take(1).map(|(_, message)| message.payload.len()), Some(11));
        assert_eq!((outbox.messages(), outbox.total()), (0, 41));
        outbox.sent(1, 21, 2);
        outbox.clear(2);
        assert_eq!(outbox.total(), 0);
    }

    #[test]
    fn limits_and_marks() {
        let mut outbox = outbox();
        assert!(outbox.push(1, message(4_999)) && outbox.push(1, message(1_000)));
        assert!(!outbox.push(1, message(1)), "the stream is full");
        assert!(outbox.push(2, message(4_000)) && outbox.push(2, message(2_000)));
        assert!(!outbox.push(3, message(1)), "all is full");
        while outbox.take(1).is_some() {}
        outbox.sent(2, 4_000, 1);
        assert_eq!((outbox.poll_low(), outbox.poll_total_low()), (Some(2), false));
        outbox.sent(1, 1_000, 1);
        assert_eq!((outbox.poll_low(), outbox.poll_total_low()), (None, true));
        outbox.set_low_water(1, 4_999);
        assert_eq!((outbox.poll_low(), outbox.poll_total_low()), (Some(1), false));
    }
}

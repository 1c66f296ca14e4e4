//! The closing of streams (RFC 6525), as the packets tell that leave and arrive.
//!
//! `sctp-proto` has two flaws here, which are mended on the way. It resets a stream once more after both sides
//! have, when the peer may be using it again, for another channel. And a request that has to wait counts
//! as answered when the other side makes one of its own; if then the next one comes, it is refused, and so
//! are all after that.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::packet::{Chunk, DONE, IN_PROGRESS, NOTHING_TO_DO, Writer};

/// See the module.
#[derive(Default)]
pub(super) struct Resets {
    /// The last request for each stream on which nothing was sent since.
    asked: BTreeMap<u16, Asked>,
    /// Our request that waits at the peer.
    ours_waits: Option<u32>,
    /// The peer's request that waits here.
    theirs_waits: Option<u32>,
}

/// A request to reset a stream.
struct Asked {
    number: u32,
    done: bool,
    /// The peer had not closed its direction before.
    first: bool,
    /// Then one more follows when it does: its number.
    again: Option<u32>,
}

impl Asked {
    /// Whether a request is to leave that has this number. Then it is the last.
    fn may_leave(&mut self, number: u32, first: bool) -> bool {
        if self.number != number {
            if self.first && *self.again.get_or_insert(number) == number {
                return false;
            }
            *self = Self { number, done: false, first, again: None };
        }
        true
    }
}

impl Resets {
    /// Something was sent on a stream.
    pub(super) fn used(&mut self, stream: u16) {
        self.asked.remove(&stream);
    }

    /// Whether the peer has something to answer.
    pub(super) fn is_unanswered(&self) -> bool {
        self.asked.values().any(|asked| !asked.done)
    }

    /// Whether the peer knows that our direction of a stream is closed, and nothing was sent since.
    pub(super) fn is_done(&self, stream: u16) -> bool {
        self.asked.get(&stream).is_some_and(|asked| asked.done)
    }

    /// A RECONFIG leaves. Returns what leaves in place of it, if anything. `first`: the streams that we close
    /// before the peer does.
    pub(super) fn leaves(
        &mut self,
        packet: &Bytes,
        reconfig: &Chunk<'_>,
        first: &BTreeSet<u16>,
    ) -> Option<Bytes> {
        if let Some((number, answer)) = reconfig.reset_answer() {
            self.theirs_waits = (answer == IN_PROGRESS).then_some(number);
        }
        let (number, last) = reconfig.reset_numbers()?;
        let mut streams: Vec<u16> = reconfig.reset_streams().collect();
        let all = streams.len();
        streams.retain(|stream| {
            let first = first.contains(stream);
            let new = Asked { number, done: false, first, again: None };
            self.asked.entry(*stream).or_insert(new).may_leave(number, first)
        });
        let waits = self.theirs_waits == Some(last);
        if streams.len() == all && !waits {
            return None;
        }
        if streams.is_empty() {
            // None would be all. This is no channel's.
            streams.push(u16::MAX);
        }
        let last = if waits { last.wrapping_sub(1) } else { last };
        let mut other = Writer::new(packet);
        other.push(&reconfig.reset_only(&streams, last));
        Some(other.finish())
    }

    /// A RECONFIG has arrived. Returns what is to be taken in place of it, if anything, and the streams whose
    /// direction to the peer is closed now.
    pub(super) fn arrives(&mut self, reconfig: &Chunk<'_>) -> (Option<Vec<u8>>, Vec<u16>) {
        let mut done = None;
        if let Some((number, answer)) = reconfig.reset_answer() {
            self.ours_waits = (answer == IN_PROGRESS).then_some(number);
            done = matches!(answer, NOTHING_TO_DO | DONE).then_some(number);
        }
        let mut other = None;
        if let Some((_, last)) = reconfig.reset_numbers() {
            if self.ours_waits == Some(last) {
                other = Some(reconfig.with_last_number(last.wrapping_sub(1)));
            } else {
                done = Some(last);
            }
        }
        let mut closed = Vec::new();
        for (stream, asked) in &mut self.asked {
            if Some(asked.number) == done && !std::mem::replace(&mut asked.done, true) {
                closed.push(*stream);
            }
        }
        (other, closed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::packet::{chunks, kind};
    use super::*;

    fn packet(parameter: &[u8]) -> Bytes {
        let mut packet = Writer::new(&[0; 8]);
        packet.push(&[&[kind::RECONFIG, 0, 0, 4 + parameter.len() as u8], parameter].concat());
        packet.finish()
    }

    /// A request for stream 7.
    fn request(number: u8, last: u8) -> Bytes {
        packet(&[0, 13, 0, 18, 0, 0, 0, number, 0, 0, 0, last, 0, 0, 0, 9, 0, 7])
    }

    fn answer(number: u8, answer: u32) -> Bytes {
        packet(&[0, 16, 0, 12, 0, 0, 0, number, 0, 0, 0, answer as u8])
    }

    fn reconfig(packet: &Bytes) -> Chunk<'_> {
        chunks(packet).and_then(|mut chunks| chunks.next()).expect("a chunk")
    }

    impl Resets {
        /// We close stream 7 first.
        fn sends(&mut self, packet: &Bytes) -> Option<Bytes> {
            self.leaves(packet, &reconfig(packet), &BTreeSet::from([7]))
        }

        /// The peer has closed it.
        fn follows(&mut self, packet: &Bytes) -> Option<Bytes> {
            self.leaves(packet, &reconfig(packet), &BTreeSet::new())
        }

        fn gets(&mut self, packet: &Bytes) -> (Option<Vec<u8>>, Vec<u16>) {
            self.arrives(&reconfig(packet))
        }
    }

    #[test]
    fn a_stream_is_reset_once() {
        let mut resets = Resets::default();
        assert_eq!(resets.sends(&request(1, 50)), None);
        assert_eq!(resets.sends(&request(1, 50)), None, "sent again");
        assert_eq!(resets.gets(&answer(1, DONE)), (None, vec![7]));
        assert_eq!(resets.gets(&answer(1, DONE)), (None, vec![]));
        for _ in 0..2 {
            let other = resets.follows(&request(2, 51)).expect("another packet");
            assert_eq!(reconfig(&other).reset_streams().collect::<Vec<_>>(), [u16::MAX]);
            assert_eq!(reconfig(&other).reset_numbers(), Some((2, 51)));
        }
        resets.used(7);
        assert_eq!(resets.sends(&request(3, 51)), None);
        assert_eq!(resets.gets(&request(52, 3)), (None, vec![7]), "an answer, too");
    }

    /// One that is opened and closed again and again by the peer, or by us, without anything being sent to it.
    #[test]
    fn a_stream_is_reset_each_time() {
        let mut resets = Resets::default();
        for number in [1, 4, 7] {
            assert_eq!(resets.follows(&request(number, 50)), None);
            assert_eq!(resets.follows(&request(number, 50)), None, "sent again");
            assert_eq!(resets.gets(&answer(number, DONE)), (None, vec![7]));
            assert_eq!(resets.sends(&request(number + 1, 51)), None);
            assert_eq!(resets.gets(&answer(number + 1, DONE)), (None, vec![7]));
            assert!(resets.follows(&request(number + 2, 52)).is_some());
        }
    }

    #[test]
    fn what_waits_is_not_answered() {
        let mut resets = Resets::default();
        assert_eq!(resets.sends(&answer(50, IN_PROGRESS)), None);
        let other = resets.sends(&request(1, 50)).expect("another packet");
        assert_eq!(reconfig(&other).reset_numbers(), Some((1, 49)));
        assert_eq!(reconfig(&other).reset_streams().collect::<Vec<_>>(), [7]);
        assert_eq!(resets.gets(&answer(1, IN_PROGRESS)), (None, vec![]));
        let (other, closed) = resets.gets(&request(51, 1));
        assert_eq!(other, Some(reconfig(&request(51, 0)).whole.to_vec()));
        assert!(closed.is_empty());
        assert_eq!(resets.gets(&answer(1, DONE)), (None, vec![7]));
        resets.sends(&answer(50, DONE));
        resets.used(7);
        assert_eq!(resets.sends(&request(2, 50)), None);
    }
}

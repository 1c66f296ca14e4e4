//! What is on its way to the peer, as the packets tell that leave and arrive, and what of it got lost.
//!
//! `sctp-proto` repairs one packet per round trip, and none twice. So what is
//! missing is sent again here, as soon as something that was sent later has arrived (as in RACK, RFC 8985). It is
//! told of gaps only if something in them may get lost, so that it can give that up.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::packet::{DATA_HEADER, before};

/// A DATA chunk that was sent.
struct Sent {
    bytes: usize,
    /// When it was sent last.
    last: Instant,
    /// It was sent more than once: nobody knows which one is acknowledged then.
    again: bool,
    /// The peer has it, but not everything before it.
    arrived: bool,
    /// It is not sent again: it may get lost, or something that it was sent with.
    may_get_lost: bool,
    /// What it was sent in.
    packet: Bytes,
}

impl Sent {
    fn new(now: Instant, bytes: usize, packet: Bytes) -> Self {
        Self { bytes, last: now, again: false, arrived: false, may_get_lost: false, packet }
    }

    /// Its bytes with the header.
    fn wire_bytes(&self) -> usize {
        if self.bytes == 0 { 0 } else { self.bytes + DATA_HEADER }
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Flight {
    /// Those that are not acknowledged, with consecutive TSNs.
    sent: VecDeque<Sent>,
    /// The TSN of the next new one. `None` before the first.
    next: Option<u32>,
    bytes: usize,
    /// With headers, and without what has arrived.
    wire_bytes: usize,
    /// When that was sent, of all that has arrived, which was sent last.
    newest: Option<Instant>,
    /// What the peer takes: its window in the last SACK.
    window: usize,
    largest_window: usize,
}

impl Flight {
    /// A DATA chunk leaves. Returns whether it does for the first time. `may_get_lost`: something in the packet
    /// may.
    pub(super) fn sent(
        &mut self,
        now: Instant,
        tsn: u32,
        bytes: usize,
        packet: &Bytes,
        may_get_lost: bool,
    ) -> bool {
        let next = *self.next.get_or_insert(tsn);
        if before(tsn, next) {
            let index = self.sent.len().wrapping_sub(next.wrapping_sub(tsn) as usize);
            if let Some(sent) = self.sent.get_mut(index) {
                sent.again = true;
                sent.last = now;
                sent.packet = packet.clone();
                sent.may_get_lost = may_get_lost;
            }
            return false;
        }
        self.skips(now, tsn.wrapping_sub(1));
        self.sent.push_back(Sent { may_get_lost, ..Sent::new(now, bytes, packet.clone()) });
        self.next = Some(tsn.wrapping_add(1));
        self.bytes += bytes;
        self.wire_bytes += bytes + DATA_HEADER;
        true
    }

    /// The peer is told to go on after a TSN. The end of a message that was given up has a number without ever
    /// having been sent.
    pub(super) fn skips(&mut self, now: Instant, tsn: u32) {
        while let Some(next) = self.next
            && !before(tsn, next)
        {
            self.sent.push_back(Sent { again: true, ..Sent::new(now, 0, Bytes::new()) });
            self.next = Some(next.wrapping_add(1));
        }
    }

    /// The peer has everything up to a TSN, and takes so much more. Returns how long the last part of it was
    /// on its way, there and back.
    pub(super) fn acknowledged(
        &mut self,
        now: Instant,
        cumulative: u32,
        window: usize,
    ) -> Option<Duration> {
        self.set_window(window);
        let next = self.next?;
        if !before(cumulative, next) {
            // It cannot have what was never sent.
            return None;
        }
        let left = next.wrapping_sub(cumulative).wrapping_sub(1) as usize;
        let mut last = None;
        while self.sent.len() > left
            && let Some(sent) = self.sent.pop_front()
        {
            self.bytes -= sent.bytes;
            if !sent.arrived {
                self.wire_bytes -= sent.wire_bytes();
                self.newest = self.newest.max((!sent.again).then_some(sent.last));
            }
            last = (!sent.again && !sent.arrived).then_some(sent.last);
        }
        last.map(|at| now.saturating_duration_since(at))
    }

    /// The peer has some of what comes after the TSN up to which it has everything: the gap ack blocks of a
    /// SACK. `shortest`: no round trip is shorter.
    pub(super) fn has_gaps(
        &mut self,
        now: Instant,
        cumulative: u32,
        gaps: &[u8],
        shortest: Duration,
    ) {
        let Some(next) = self.next else { return };
        let first = next.wrapping_sub(self.sent.len() as u32);
        // What a SACK that was late says is known.
        if first != cumulative.wrapping_add(1) {
            return;
        }
        for block in gaps.chunks_exact(4) {
            let [start, end] = [0, 2].map(|at| u16::from_be_bytes([block[at], block[at + 1]]));
            let range = usize::from(start.max(1)) - 1..usize::from(end).min(self.sent.len());
            if range.is_empty() {
                continue;
            }
            for sent in self.sent.range_mut(range).filter(|sent| !sent.arrived) {
                sent.arrived = true;
                self.wire_bytes -= sent.wire_bytes();
                // It may be the first that has arrived, and not the one that was sent last.
                if !sent.again || now.saturating_duration_since(sent.last) >= shortest {
                    self.newest = self.newest.max(Some(sent.last));
                }
            }
        }
    }

    /// What got lost: it was sent so much before something that has arrived. Returns each packet, `most` of
    /// them, with the TSN of its first chunk. They are sent again.
    pub(super) fn lost(
        &mut self,
        now: Instant,
        reordered: Duration,
        most: usize,
    ) -> Vec<(u32, Bytes)> {
        let mut lost: Vec<(u32, Bytes)> = Vec::new();
        let (Some(newest), Some(next)) = (self.newest, self.next) else { return lost };
        let first = next.wrapping_sub(self.sent.len() as u32);
        for (index, sent) in self.sent.iter_mut().enumerate() {
            let packet = sent.packet.as_ptr();
            if sent.arrived || sent.may_get_lost || sent.bytes == 0 {
                continue;
            }
            let same = lost.last().is_some_and(|(_, last)| last.as_ptr() == packet);
            if !same {
                if sent.last + reordered > newest {
                    // What was sent for the first time was sent in the order of its numbers.
                    if sent.again {
                        continue;
                    }
                    break;
                }
                if lost.len() == most {
                    break;
                }
                lost.push((first.wrapping_add(index as u32), sent.packet.clone()));
            }
            sent.again = true;
            sent.last = now;
        }
        lost
    }

    /// Whether something that may get lost seems to be: something that was sent later has arrived.
    pub(super) fn may_have_lost(&self) -> bool {
        let arrived = self.sent.iter().rposition(|sent| sent.arrived).unwrap_or(0);
        self.sent.range(..arrived).any(|sent| sent.may_get_lost && !sent.arrived)
    }

    pub(super) fn set_window(&mut self, window: usize) {
        self.window = window;
        self.largest_window = self.largest_window.max(window);
    }

    /// The TSN of the next new chunk.
    pub(super) fn next(&self) -> u32 {
        self.next.unwrap_or(0)
    }

    /// How many chunks are on their way.
    pub(super) fn len(&self) -> usize {
        self.sent.len()
    }

    /// The TSN of the oldest one.
    pub(super) fn oldest(&self) -> Option<u32> {
        let count = u32::try_from(self.sent.len()).ok().filter(|count| *count > 0)?;
        Some(self.next?.wrapping_sub(count))
    }

    /// How many bytes are on their way, with headers and without what is known to have arrived.
    pub(super) fn wire_bytes(&self) -> usize {
        self.wire_bytes
    }

    /// How much more the peer takes.
    pub(super) fn room(&self) -> usize {
        self.window.saturating_sub(self.bytes)
    }

    /// The largest window that the peer ever had.
    pub(super) fn largest_window(&self) -> usize {
        self.largest_window
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIP: Duration = Duration::from_millis(10);

    fn packet(number: u8) -> Bytes {
        vec![number; 100].into()
    }

    /// Sends one packet in each millisecond.
    fn sent(start: Instant, first: u32, count: u8) -> Flight {
        let mut flight = Flight::default();
        for number in 0..count {
            let at = start + Duration::from_millis(number.into());
            assert!(flight.sent(
                at,
                first.wrapping_add(number.into()),
                100,
                &packet(number),
                false
            ));
        }
        flight
    }

    fn numbers(lost: Vec<(u32, Bytes)>) -> Vec<u8> {
        lost.into_iter().map(|(_, packet)| packet[0]).collect()
    }

    #[test]
    fn sent_and_acknowledged() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let first = u32::MAX - 1;
        let mut flight = sent(start, first, 4);
        assert_eq!((flight.len(), flight.wire_bytes()), (4, 464));
        assert!(!flight.sent(at(9), first.wrapping_add(1), 100, &packet(1), false), "sent again");
        let trip = flight.acknowledged(at(20), first, 1000);
        assert_eq!(trip, Some(Duration::from_millis(20)));
        assert_eq!((flight.len(), flight.room()), (3, 700));
        assert_eq!(flight.acknowledged(at(30), first.wrapping_add(1), 1000), None, "ambiguous");
        assert_eq!(flight.acknowledged(at(30), first, 1000), None, "late");
        let trip = flight.acknowledged(at(30), first.wrapping_add(3), 1000);
        assert_eq!(trip, Some(Duration::from_millis(27)));
        assert_eq!((flight.len(), flight.wire_bytes()), (0, 0));
    }

    #[test]
    fn numbers_that_were_never_sent() {
        let now = Instant::now();
        let mut flight = Flight::default();
        assert!(
            flight.sent(now, 5, 10, &packet(0), false)
                && flight.sent(now, 8, 10, &packet(1), false)
        );
        assert_eq!(flight.len(), 4);
        flight.acknowledged(now, 7, 0);
        assert_eq!((flight.len(), flight.wire_bytes()), (1, 26));
        assert!(flight.sent(now, 9, 10, &packet(2), false));
        assert_eq!(flight.acknowledged(now, 10, 0), None, "not sent");
        assert_eq!(flight.len(), 2);
        flight.skips(now, 10);
        flight.acknowledged(now, 10, 0);
        assert_eq!((flight.len(), flight.wire_bytes(), flight.next()), (0, 0, 11));
        assert!(flight.sent(now, 11, 10, &packet(3), false));
        assert_eq!((flight.len(), flight.wire_bytes()), (1, 26));
    }

    #[test]
    fn what_is_missing_is_sent_again_until_it_arrives() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let first = u32::MAX - 3;
        let mut flight = sent(start, first, 10);
        let reordered = Duration::from_millis(2);
        flight.acknowledged(at(10), first, 1000);
        assert_eq!(numbers(flight.lost(at(10), reordered, 9)), []);
        // 1, 3 and 4 are missing, but 4 may only be late.
        flight.has_gaps(at(15), first, &[0, 2, 0, 2, 0, 5, 0, 5], TRIP);
        assert_eq!(flight.wire_bytes(), 7 * 116);
        assert_eq!(numbers(flight.lost(at(15), reordered, 9)), [1, 3]);
        assert_eq!(numbers(flight.lost(at(15), reordered, 9)), [], "on their way");
        flight.has_gaps(at(16), first, &[0, 2, 0, 2, 0, 5, 0, 6], TRIP);
        assert_eq!(numbers(flight.lost(at(16), reordered, 9)), [4]);
        // The second 3 gets lost, too: 4 was sent a little later, and the new ones much later.
        flight.acknowledged(at(25), first.wrapping_add(2), 1000);
        flight.has_gaps(at(26), first.wrapping_add(2), &[0, 2, 0, 7], TRIP);
        assert_eq!(numbers(flight.lost(at(26), reordered, 9)), []);
        assert!(flight.sent(at(26), first.wrapping_add(10), 100, &packet(10), false));
        flight.has_gaps(at(36), first.wrapping_add(2), &[0, 2, 0, 8], TRIP);
        assert_eq!(numbers(flight.lost(at(36), reordered, 9)), [3]);
        flight.acknowledged(at(46), first.wrapping_add(10), 1000);
        assert_eq!((flight.len(), flight.wire_bytes()), (0, 0));
    }

    #[test]
    fn no_more_than_asked_for() {
        let start = Instant::now();
        let mut flight = sent(start, 7, 10);
        flight.has_gaps(start + TRIP, 6, &[0, 10, 0, 10], TRIP);
        let reordered = Duration::from_millis(1);
        assert_eq!(numbers(flight.lost(start + TRIP, reordered, 3)), [0, 1, 2]);
        assert_eq!(numbers(flight.lost(start + TRIP, reordered, 3)), [3, 4, 5]);
    }
}

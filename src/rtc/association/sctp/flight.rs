//! What is on its way to the peer, as the packets tell that leave and arrive.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::packet::{DATA_HEADER, before};

/// A DATA chunk that was sent.
struct Sent {
    bytes: usize,
    /// When, unless it was sent twice: nobody knows which one is acknowledged then.
    at: Option<Instant>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Flight {
    /// Those that are not acknowledged, with consecutive TSNs.
    sent: VecDeque<Sent>,
    /// The TSN of the next new one. `None` before the first.
    next: Option<u32>,
    bytes: usize,
    /// With headers.
    wire_bytes: usize,
    /// What the peer takes: its window in the last SACK.
    window: usize,
    largest_window: usize,
}

impl Flight {
    /// A DATA chunk leaves. Returns whether it does for the first time.
    pub(super) fn sent(&mut self, now: Instant, tsn: u32, bytes: usize) -> bool {
        let next = *self.next.get_or_insert(tsn);
        if before(tsn, next) {
            let index = self.sent.len().wrapping_sub(next.wrapping_sub(tsn) as usize);
            if let Some(sent) = self.sent.get_mut(index) {
                sent.at = None;
            }
            return false;
        }
        // A message that was given up can have a number without ever having been sent.
        for _ in 0..tsn.wrapping_sub(next).min(u32::from(u16::MAX)) {
            self.sent.push_back(Sent { bytes: 0, at: None });
        }
        self.sent.push_back(Sent { bytes, at: Some(now) });
        self.next = Some(tsn.wrapping_add(1));
        self.bytes += bytes;
        self.wire_bytes += bytes + DATA_HEADER;
        true
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
        let left = next.wrapping_sub(cumulative).wrapping_sub(1) as usize;
        let mut last = None;
        while self.sent.len() > left
            && let Some(sent) = self.sent.pop_front()
        {
            self.bytes -= sent.bytes;
            if sent.bytes > 0 {
                self.wire_bytes -= sent.bytes + DATA_HEADER;
            }
            last = sent.at;
        }
        last.map(|at| now.saturating_duration_since(at))
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

    /// How many bytes are on their way, with headers.
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

    #[test]
    fn sent_and_acknowledged() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut flight = Flight::default();
        let first = u32::MAX - 1;
        for number in 0..4 {
            assert!(flight.sent(at(u64::from(number)), first.wrapping_add(number), 100));
        }
        assert_eq!((flight.len(), flight.wire_bytes()), (4, 464));
        assert!(!flight.sent(at(9), first.wrapping_add(1), 100), "sent again");
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
        assert!(flight.sent(now, 5, 10) && flight.sent(now, 8, 10));
        assert_eq!(flight.len(), 4);
        flight.acknowledged(now, 7, 0);
        assert_eq!((flight.len(), flight.wire_bytes()), (1, 26));
    }
}

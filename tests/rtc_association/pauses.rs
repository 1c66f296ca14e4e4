//! A receiver that takes its messages in bursts. The peer may have to wait, but it must go on at once
//! afterwards.

use std::time::Duration;

use bytes::Bytes;
use saltyrtc::rtc::association::{AssociationEvent, ChannelConfig, ChannelId, MessageKind};

use super::link::{Network, Pair};

/// The flow stands still no longer than this while the receiver takes.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Sends numbered messages as fast as there is room for them, and checks them as they arrive.
struct Flow {
    pair: Pair,
    id: ChannelId,
    size: usize,
    sent: u32,
    total: u32,
    arrived: u32,
    longest_wait: Duration,
    /// For how long the receiver has been taking.
    taking: Duration,
}

impl Flow {
    fn new(network: Network, seed: u64, size: usize, total: u32) -> Self {
        let mut pair = Pair::connected(network, seed);
        let id = pair.ends[0].association.open(pair.now, ChannelConfig::default()).expect("one");
        pair.run_until_events(1, 1);
        pair.ends[1].opened();
        pair.ends[1].takes_events = false;
        Self {
            pair,
            id,
            size,
            sent: 0,
            total,
            arrived: 0,
            longest_wait: Duration::ZERO,
            taking: Duration::ZERO,
        }
    }

    fn send(&mut self) {
        let client = &mut self.pair.ends[0].association;
        while self.sent < self.total {
            let mut data = vec![0; self.size];
            data[..4].copy_from_slice(&self.sent.to_be_bytes());
            let data = Bytes::from(data);
            if client.send(self.pair.now, self.id, MessageKind::Binary, data).is_err() {
                break;
            }
            self.sent += 1;
        }
    }

    /// Takes a message if there is one.
    fn take(&mut self) -> bool {
        let Some(event) = self.pair.ends[1].association.poll_event() else {
            return false;
        };
        let AssociationEvent::Message { data, .. } = event else {
            panic!("{event:?}");
        };
        assert_eq!((data.len(), &data[..4]), (self.size, &self.arrived.to_be_bytes()[..]));
        self.arrived += 1;
        true
    }

    /// The receiver takes so many messages, a hundred per millisecond.
    fn receive(&mut self, count: u32) {
        let until = self.total.min(self.arrived + count);
        let begin = self.pair.now;
        let mut last = begin;
        while self.arrived < until {
            for _ in 0..100 {
                // The association may hold back messages until others are taken.
                if self.arrived == until || !(self.take() || self.ready()) {
                    break;
                }
                last = self.pair.now;
            }
            self.run_for(Duration::from_millis(1));
            self.longest_wait = self.longest_wait.max(self.pair.now - last);
            assert!(self.longest_wait <= LONGEST_WAIT, "nothing after {} messages", self.arrived);
        }
        self.taking += self.pair.now - begin;
    }

    /// Lets the association fetch more messages, and takes one.
    fn ready(&mut self) -> bool {
        self.pair.ends[1].association.handle_timeout(self.pair.now);
        self.take()
    }

    /// Takes nothing.
    fn run_for(&mut self, time: Duration) {
        let end = self.pair.now + time;
        while self.pair.now < end {
            self.send();
            self.pair.run_for(Duration::from_millis(10).min(end - self.pair.now));
        }
    }
}

/// Datagrams get lost and overtake each other.
const LOSSY: Network = Network { delay: Duration::from_millis(5), lost: 20, repeated: 0, late: 50 };

/// Messages to a receiver that takes in bursts. Returns for how long it had to take.
fn bursts(network: Network, seed: u64, size: usize, total: u32) -> Duration {
    let mut flow = Flow::new(network, seed, size, total);
    let mut round = 0;
    while flow.arrived < total {
        flow.receive([100_000, 2_000, 30_000][round % 3]);
        flow.run_for(Duration::from_secs([1, 7, 30][round % 3]));
        round += 1;
    }
    flow.taking
}

/// What it takes if there is always something to take, and a tenth.
fn hardly_longer_than_it_takes(total: u32) -> Duration {
    Duration::from_millis(u64::from(total) / 100 * 11 / 10)
}

#[test]
fn tiny_messages() {
    let taking = bursts(Network::GOOD, 1, 4, 1_000_000);
    assert!(taking < hardly_longer_than_it_takes(1_000_000), "took {taking:?}");
}

#[test]
fn small_messages() {
    let taking = bursts(Network::GOOD, 1, 64, 1_000_000);
    assert!(taking < hardly_longer_than_it_takes(1_000_000), "took {taking:?}");
}

#[test]
fn large_messages() {
    let taking = bursts(Network::GOOD, 1, 60_000, 4_000);
    assert!(taking < Duration::from_secs(2), "took {taking:?}");
}

#[test]
fn tiny_messages_on_a_bad_network() {
    let taking = bursts(LOSSY, 1, 4, 1_000_000);
    assert!(taking < Duration::from_secs(40), "took {taking:?}");
}

#[test]
fn small_messages_on_a_bad_network() {
    let taking = bursts(LOSSY, 2, 64, 300_000);
    assert!(taking < Duration::from_secs(60), "took {taking:?}");
}

/// The datagrams that say that there is room again get lost, for as long as given. Returns how long it
/// takes until something comes after that.
fn lost_window_update(size: usize, pause: Duration, cut: Duration) -> Duration {
    let mut flow = Flow::new(Network::GOOD, 1, size, 1_000_000);
    flow.run_for(pause);
    flow.pair.cut = true;
    let sent = flow.sent;
    while flow.take() || flow.ready() {}
    assert!(sent - flow.arrived > 1000, "much is waiting at the other end");
    flow.run_for(cut);
    while flow.take() || flow.ready() {}
    let arrived = flow.arrived;
    flow.pair.cut = false;
    let again = flow.pair.now;
    // The first could be a probe of the window.
    while flow.arrived < arrived + 1000 {
        flow.run_for(Duration::from_millis(1));
        let _ = flow.take() || flow.ready();
        while flow.take() || flow.ready() {}
        assert!(flow.pair.now - again < Duration::from_secs(60), "it goes on");
    }
    flow.pair.now - again
}

#[test]
fn a_window_update_that_is_lost() {
    for size in [4, 1000] {
        for pause in [1, 10, 300].map(Duration::from_secs) {
            // The update is repeated after the usual retransmission timeout, and a little later each
            // time. The peer tries by itself, every three seconds at the least.
            for (cut, longest) in [(20, 800), (2_000, 3_100), (100_000, 3_100)] {
                let cut = Duration::from_millis(cut);
                let took = lost_window_update(size, pause, cut);
                assert!(
                    took < Duration::from_millis(longest),
                    "took {took:?} for {size} bytes after {pause:?} and {cut:?}"
                );
            }
        }
    }
}

/// There are 65,536 sequence numbers, and more messages than that would be on their way when some get
/// lost.
#[test]
fn more_messages_than_sequence_numbers() {
    let far = Network { delay: Duration::from_millis(50), ..Network::GOOD };
    let mut flow = Flow::new(far, 1, 4, 1_000_000);
    while flow.arrived < flow.total {
        // First it gets up to speed.
        flow.pair.network.lost = if flow.arrived < 600_000 { 0 } else { 2 };
        flow.run_for(Duration::from_millis(10));
        while flow.take() || flow.ready() {}
    }
}

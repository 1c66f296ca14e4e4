//! A way with a rate, a delay and a queue, on the pair's clock: what is sent faster waits in the queue, and
//! gets lost when that is full.

use std::time::Duration;

use bytes::Bytes;
use saltyrtc::rtc::association::{AssociationEvent, ChannelConfig, ChannelId, MessageKind};

use super::link::{Bottleneck, Network, Pair};

const MESSAGE: usize = 16_384;

/// Sends so many bytes as fast as there is room for them, and returns how long it takes.
fn transfer(pair: &mut Pair, id: ChannelId, total: usize) -> Duration {
    let begin = pair.now;
    let (mut sent, mut arrived) = (0, 0);
    while arrived < total {
        while sent < total {
            let data = Bytes::from(vec![0; MESSAGE]);
            let client = &mut pair.ends[0].association;
            if client.send(pair.now, id, MessageKind::Binary, data).is_err() {
                break;
            }
            sent += MESSAGE;
        }
        pair.run_for(Duration::from_millis(1));
        for event in std::mem::take(&mut pair.ends[1].events) {
            if let AssociationEvent::Message { data, .. } = event {
                arrived += data.len();
            }
        }
        pair.ends[0].events.clear();
        assert!(pair.now - begin < Duration::from_secs(600), "{arrived} of {total} bytes");
    }
    pair.now - begin
}

/// The part of the rate that is used to send so many bytes. `delay` and `queue` are in milliseconds.
fn used(rate: usize, delay: u64, queue: u64, total: usize) -> f64 {
    let network = Network { delay: Duration::from_millis(delay), ..Network::GOOD };
    let mut pair = Pair::connected(network, 1);
    let id = pair.ends[0].association.open(pair.now, ChannelConfig::default()).expect("one");
    pair.run_until_events(1, 1);
    pair.ends.iter_mut().for_each(|end| end.events.clear());
    pair.bottleneck = Some(Bottleneck::new(rate, Duration::from_millis(queue)));
    let took = transfer(&mut pair, id, total);
    total as f64 / took.as_secs_f64() / (rate as f64 / 8.0)
}

#[test]
fn a_fast_and_long_way_is_used() {
    for (delay, least) in [(10, 0.8), (25, 0.7), (50, 0.65)] {
        let used = used(100_000_000, delay, 50, 40_000_000);
        assert!(used > least, "{used:.2} with {delay} ms");
    }
}

#[test]
fn a_slow_way_is_used() {
    for (rate, delay, least) in
        [(10_000_000, 10, 0.8), (10_000_000, 50, 0.5), (20_000_000, 20, 0.8)]
    {
        let used = used(rate, delay, 50, rate / 2);
        assert!(used > least, "{used:.2} of {rate} bit/s with {delay} ms");
    }
}

/// What is sent all the time waits at the bottleneck, and is still less than what that holds.
#[test]
fn the_queue_stays_short() {
    let network = Network { delay: Duration::from_millis(25), ..Network::GOOD };
    let mut pair = Pair::connected(network, 1);
    let id = pair.ends[0].association.open(pair.now, ChannelConfig::default()).expect("one");
    pair.run_until_events(1, 1);
    pair.ends.iter_mut().for_each(|end| end.events.clear());
    pair.bottleneck = Some(Bottleneck::new(100_000_000, Duration::from_millis(50)));
    transfer(&mut pair, id, 40_000_000);
    let longest = pair.bottleneck.as_ref().expect("there is one").longest;
    assert!(longest < Duration::from_millis(45), "{longest:?} in the queue");
}

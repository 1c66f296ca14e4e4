//! A way with a rate, a delay and a queue, on the pair's clock: what is sent faster waits in the queue, and
//! gets lost when that is full.

use std::time::Duration;

use bytes::Bytes;
use saltyrtc::rtc::association::{
    AssociationEvent, ChannelConfig, ChannelId, MessageKind, Reliability,
};

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

/// A pair with a channel, a delay in milliseconds, so many lost datagrams of a thousand, and a queue of 50 ms.
fn connected(rate: usize, delay: u64, lost: u64) -> (Pair, ChannelId) {
    let network = Network { delay: Duration::from_millis(delay), lost, ..Network::GOOD };
    let mut pair = Pair::connected(network, 1);
    let id = pair.ends[0].association.open(pair.now, ChannelConfig::default()).expect("one");
    pair.run_until_events(1, 1);
    pair.ends.iter_mut().for_each(|end| end.events.clear());
    pair.bottleneck = Some(Bottleneck::new(rate, Duration::from_millis(50)));
    (pair, id)
}

/// The part of the rate that is used to send so many bytes.
fn used(rate: usize, delay: u64, lost: u64, total: usize) -> f64 {
    let (mut pair, id) = connected(rate, delay, lost);
    let took = transfer(&mut pair, id, total);
    total as f64 / took.as_secs_f64() / (rate as f64 / 8.0)
}

#[test]
fn a_fast_and_long_way_is_used() {
    for (delay, least) in [(10, 0.8), (25, 0.7), (50, 0.65)] {
        let used = used(100_000_000, delay, 0, 40_000_000);
        assert!(used > least, "{used:.2} with {delay} ms");
    }
}

#[test]
fn a_slow_way_is_used() {
    for (rate, delay, least) in
        [(10_000_000, 10, 0.8), (10_000_000, 50, 0.5), (20_000_000, 20, 0.8)]
    {
        let used = used(rate, delay, 0, rate / 2);
        assert!(used > least, "{used:.2} of {rate} bit/s with {delay} ms");
    }
}

/// What is sent all the time waits at the bottleneck, and is still less than what that holds.
#[test]
fn the_queue_stays_short() {
    let (mut pair, id) = connected(100_000_000, 25, 0);
    transfer(&mut pair, id, 40_000_000);
    let longest = pair.bottleneck.as_ref().expect("there is one").longest;
    assert!(longest < Duration::from_millis(45), "{longest:?} in the queue");
}

/// One of a thousand packets gets lost, whatever the rate is. TCP (Reno) would use 9 % with 25 ms.
#[test]
fn losses_are_repaired() {
    for (delay, least) in [(10, 0.5), (25, 0.25)] {
        let used = used(100_000_000, delay, 1, 20_000_000);
        assert!(used > least, "{used:.2} with {delay} ms");
    }
}

/// What is sent meanwhile on a channel whose messages may get lost changes little.
#[test]
fn losses_are_repaired_beside_an_unreliable_channel() {
    let (mut pair, id) = connected(100_000_000, 10, 1);
    let config = ChannelConfig {
        ordered: false,
        reliability: Reliability::MaxRetransmits(0),
        ..ChannelConfig::default()
    };
    let beside = pair.ends[0].association.open(pair.now, config).expect("another");
    pair.run_until_events(1, 1);
    let begin = pair.now;
    for _ in 0..40 {
        let client = &mut pair.ends[0].association;
        client.send(pair.now, beside, MessageKind::Binary, vec![0; 100].into()).expect("room");
        transfer(&mut pair, id, 500_000);
    }
    let used = 20_000_000.0 / (pair.now - begin).as_secs_f64() / 12_500_000.0;
    assert!(used > 0.3, "{used:.2}");
}

/// Everything that was on its way gets lost, in the middle of a transfer.
#[test]
fn an_outage_of_three_seconds() {
    let (mut pair, id) = connected(20_000_000, 20, 0);
    transfer(&mut pair, id, 5_000_000);
    let data = Bytes::from(vec![0; 1_000_000]);
    pair.ends[0].association.set_low_water(pair.now, id, 0);
    for chunk in data.chunks(50_000) {
        let client = &mut pair.ends[0].association;
        let chunk = Bytes::copy_from_slice(chunk);
        client.send(pair.now, id, MessageKind::Binary, chunk).expect("room");
    }
    pair.run_for(Duration::from_millis(100));
    pair.cut = true;
    pair.run_for(Duration::from_secs(3));
    pair.cut = false;
    pair.ends.iter_mut().for_each(|end| end.events.clear());
    let took = transfer(&mut pair, id, 10_000_000);
    // Two and a half seconds for a megabyte or so that is left and the next retransmission, four for the rest.
    assert!(took < Duration::from_secs(10), "took {took:?}");
}

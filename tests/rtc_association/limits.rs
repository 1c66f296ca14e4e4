//! Full queues on both sides.

use std::time::Duration;

use bytes::Bytes;
use saltyrtc::rtc::association::{
    AssociationEvent, ChannelConfig, ChannelId, MessageKind, SctpConfig, SendError,
};
use saltyrtc::task::{ChannelFailure, ChannelMessageError};

use super::link::{Network, Pair};

const MESSAGE: usize = 16_384;

fn one_channel() -> (Pair, ChannelId) {
    let mut pair = Pair::connected(Network::GOOD, 1);
    let id = pair.ends[0].association.open(pair.now, ChannelConfig::default()).expect("one");
    pair.run_until_events(0, 1);
    pair.ends[0].opened();
    (pair, id)
}

/// Sends until the queue is full. Returns how many messages were taken.
fn fill(pair: &mut Pair, id: ChannelId) -> usize {
    let mut count = 0;
    let client = &mut pair.ends[0].association;
    loop {
        match client.send(pair.now, id, MessageKind::Binary, vec![0; MESSAGE].into()) {
            Ok(()) => count += 1,
            Err(SendError::QueueFull) => return count,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_full_queue_and_room_again() {
    let (mut pair, id) = one_channel();
    let mut sent = 0;
    for _ in 0..20 {
        sent += fill(&mut pair, id);
        let buffered = pair.ends[0].association.buffered_amount(id);
        let limit = SctpConfig::default().send_buffer / 2;
        assert!((limit..limit + MESSAGE).contains(&buffered), "{buffered} bytes");
        assert!(pair.ends[0].events.is_empty());
        pair.run_until_events(0, 1);
        assert_eq!(pair.ends[0].event(), AssociationEvent::LowWater { id });
        let buffered = pair.ends[0].association.buffered_amount(id);
        assert!(buffered <= limit / 2 && buffered > limit / 4, "{buffered} bytes");
    }
    pair.run_until_events(1, 1 + sent);
    assert!(pair.ends[0].events.is_empty(), "nothing else was asked for");
}

#[test]
fn a_full_channel_leaves_room_for_another() {
    let mut pair = Pair::connected(Network::GOOD, 1);
    let now = pair.now;
    let first = pair.ends[0].association.open(now, ChannelConfig::default()).expect("one");
    let second = pair.ends[0].association.open(now, ChannelConfig::default()).expect("one");
    let third = pair.ends[0].association.open(now, ChannelConfig::default()).expect("one");
    pair.run_until_events(0, 3);
    pair.ends[0].events.clear();
    fill(&mut pair, first);
    fill(&mut pair, second);
    // Two channels have used up everything, and each hears when there is room.
    let data = Bytes::from_static(b"urgent");
    let sent = pair.ends[0].association.send(pair.now, third, MessageKind::Text, data.clone());
    assert_eq!(sent, Err(SendError::QueueFull));
    pair.run_until(|pair| pair.ends[0].events.contains(&AssociationEvent::LowWater { id: third }));
    pair.ends[0].association.send(pair.now, third, MessageKind::Text, data).expect("room");
    pair.run_until(|pair| {
        [first, second]
            .into_iter()
            .all(|id| pair.ends[0].events.contains(&AssociationEvent::LowWater { id }))
    });
}

#[test]
fn the_low_water_mark() {
    let (mut pair, id) = one_channel();
    pair.ends[0].association.set_low_water(pair.now, id, 100_000);
    for round in 0..3 {
        for _ in 0..8 {
            let data = Bytes::from(vec![0; 50_000]);
            let client = &mut pair.ends[0].association;
            client.send(pair.now, id, MessageKind::Binary, data).expect("room");
        }
        pair.run_until_events(0, 1);
        let buffered = pair.ends[0].association.buffered_amount(id);
        assert!((40_000..=100_000).contains(&buffered), "round {round}: {buffered}");
        assert_eq!(pair.ends[0].event(), AssociationEvent::LowWater { id });
        pair.run_for(Duration::from_secs(5));
        assert_eq!(pair.ends[0].association.buffered_amount(id), 0);
        assert!(pair.ends[0].events.is_empty(), "once only");
    }
    let data = Bytes::from_static(b"small");
    pair.ends[0].association.send(pair.now, id, MessageKind::Binary, data).expect("room");
    pair.run_for(Duration::from_secs(5));
    assert!(pair.ends[0].events.is_empty(), "the mark was never exceeded");
}

#[test]
fn a_low_water_mark_above_what_a_channel_takes() {
    let (mut pair, id) = one_channel();
    pair.ends[0].association.set_low_water(pair.now, id, usize::MAX);
    fill(&mut pair, id);
    pair.run_until_events(0, 1);
    assert_eq!(pair.ends[0].event(), AssociationEvent::LowWater { id });
    assert!(fill(&mut pair, id) > 0);
}

#[test]
fn a_receiver_that_takes_nothing() {
    let config = SctpConfig {
        max_message_size: 65_536,
        receive_buffer: 600_000,
        send_buffer: 400_000,
        ..SctpConfig::default()
    };
    let mut pair = Pair::with_config(Network::GOOD, 1, [&config, &config]);
    pair.connect();
    let id = pair.ends[0].association.open(pair.now, ChannelConfig::default()).expect("one");
    pair.run_until_events(0, 1);
    pair.ends[0].opened();
    pair.ends[1].takes_events = false;
    let mut sent = 0;
    for _ in 0..60 {
        sent += fill(&mut pair, id);
        pair.run_for(Duration::from_secs(1));
    }
    // What SCTP holds, what waits to be taken, and what waits to be sent: half of all on one channel.
    let most = config.receive_buffer + (256 << 10) + config.send_buffer / 2 + 2 * MESSAGE;
    assert!(sent * MESSAGE <= most, "{} bytes were taken", sent * MESSAGE);
    assert!(sent * MESSAGE >= config.receive_buffer / 2, "{} bytes were taken", sent * MESSAGE);

    // It takes them in the end, and all goes on at once.
    pair.ends[1].takes_events = true;
    let again = pair.now;
    pair.run_until_events(1, 1 + sent);
    assert!(pair.now - again < Duration::from_secs(1), "took {:?}", pair.now - again);
    pair.ends[1].opened();
    while pair.ends[1].events.front().is_some() {
        assert_eq!(pair.ends[1].message().1.len(), MESSAGE);
    }
}

#[test]
fn a_receiver_that_takes_no_small_messages() {
    let mut pair = Pair::connected(Network::GOOD, 1);
    let id = pair.ends[0].association.open(pair.now, ChannelConfig::default()).expect("one");
    pair.run_until_events(0, 1);
    pair.ends[1].takes_events = false;
    for number in 0..20_000u32 {
        let data = Bytes::copy_from_slice(&number.to_be_bytes());
        let client = &mut pair.ends[0].association;
        client.send(pair.now, id, MessageKind::Binary, data).expect("room");
        if number % 500 == 0 {
            pair.run_for(Duration::from_millis(20));
        }
    }
    pair.run_for(Duration::from_secs(20));
    pair.ends[1].takes_events = true;
    pair.run_until_events(1, 20_001);
    pair.ends[1].opened();
    for number in 0..20_000u32 {
        assert_eq!(pair.ends[1].message().1, number.to_be_bytes());
    }
}

#[test]
fn a_message_that_is_too_large() {
    // The sender does not know what the receiver takes.
    let sender = SctpConfig { remote_max_message_size: 0, ..SctpConfig::default() };
    let receiver = SctpConfig { max_message_size: 10_000, ..SctpConfig::default() };
    let mut pair = Pair::with_config(Network::GOOD, 1, [&sender, &receiver]);
    pair.connect();
    let id = pair.ends[0].association.open(pair.now, ChannelConfig::default()).expect("one");
    let other = pair.ends[0].association.open(pair.now, ChannelConfig::default()).expect("one");
    for size in [10_000, 10_001] {
        let data = Bytes::from(vec![0; size]);
        pair.ends[0].association.send(pair.now, id, MessageKind::Binary, data).expect("room");
    }
    pair.run_until_events(1, 4);
    pair.ends[1].opened();
    pair.ends[1].opened();
    assert_eq!(pair.ends[1].message().1.len(), 10_000);
    let (closed, error) = pair.ends[1].closed();
    assert_eq!(closed, id);
    let too_large = ChannelMessageError::TooLarge { size: 10_001, limit: 10_000 };
    assert_eq!(error, Some(ChannelFailure::Message(too_large)));
    pair.run_until_events(0, 3);
    pair.ends[0].opened();
    pair.ends[0].opened();
    assert_eq!(pair.ends[0].closed().0, id);
    let data = Bytes::from_static(b"still there");
    pair.ends[0].association.send(pair.now, other, MessageKind::Text, data).expect("room");
    pair.run_until_events(1, 1);
    assert_eq!(pair.ends[1].message().0, other);
}

#[test]
fn small_datagrams() {
    let config = SctpConfig { mtu: 600, ..SctpConfig::default() };
    let mut pair = Pair::with_config(Network::GOOD, 1, [&config, &config]);
    pair.connect();
    let id = pair.ends[0].association.open(pair.now, ChannelConfig::default()).expect("one");
    let data = Bytes::from(vec![0; 65_536]);
    pair.ends[0].association.send(pair.now, id, MessageKind::Binary, data).expect("room");
    pair.run_until_events(1, 2);
    assert!((560..=600).contains(&pair.largest), "{} bytes in a datagram", pair.largest);
}

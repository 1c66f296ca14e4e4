//! Networks that lose, repeat and reorder datagrams, or are gone for a while.

use std::time::Duration;

use bytes::Bytes;
use saltyrtc::rtc::association::{
    AssociationEvent, ChannelConfig, MessageKind, Reliability, SctpConfig,
};
use saltyrtc::task::ConnectionFailure;

use super::link::{Network, Pair};

/// Bytes that tell when something is out of place.
fn pattern(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|index| ((index + seed) * 31 + index / 251) as u8).collect()
}

#[test]
fn reliable_on_a_bad_network() {
    for seed in 1..=12 {
        let mut pair = Pair::connected(Network::BAD, seed);
        let id = pair.ends[0].association.open(pair.now, ChannelConfig::default()).expect("one");
        let sizes = [1, 70, 1100, 1200, 16_384, 60_000, 0, 65_536, 3];
        for (number, &size) in sizes.iter().enumerate() {
            let data = Bytes::from(pattern(size, number));
            pair.ends[0].association.send(pair.now, id, MessageKind::Binary, data).expect("room");
        }
        pair.run_until_events(1, 1 + sizes.len());
        pair.ends[1].opened();
        for (number, &size) in sizes.iter().enumerate() {
            assert_eq!(pair.ends[1].message(), (id, pattern(size, number)), "seed {seed}");
        }
    }
}

#[test]
fn unordered_on_a_bad_network() {
    let mut pair = Pair::connected(Network::BAD, 5);
    let config = ChannelConfig { ordered: false, ..ChannelConfig::default() };
    let id = pair.ends[0].association.open(pair.now, config).expect("a channel");
    pair.run_until_events(0, 1);
    for number in 0..200 {
        let data = Bytes::from(pattern(3000, number));
        pair.ends[0].association.send(pair.now, id, MessageKind::Binary, data).expect("room");
    }
    pair.run_until_events(1, 201);
    pair.ends[1].opened();
    let arrived: Vec<_> = (0..200).map(|_| pair.ends[1].message().1).collect();
    let sent: Vec<_> = (0..200).map(|number| pattern(3000, number)).collect();
    assert_ne!(arrived, sent, "some were faster than others");
    let sorted = |mut messages: Vec<Vec<u8>>| {
        messages.sort();
        messages
    };
    assert_eq!(sorted(arrived), sorted(sent));
}

#[test]
fn unreliable_on_a_bad_network() {
    for reliability in
        [Reliability::MaxRetransmits(0), Reliability::MaxLifetime(Duration::from_millis(1))]
    {
        let mut pair = Pair::connected(Network::BAD, 9);
        let config = ChannelConfig { ordered: false, reliability, ..ChannelConfig::default() };
        let id = pair.ends[0].association.open(pair.now, config).expect("a channel");
        pair.run_until_events(0, 1);
        for number in 0..300u16 {
            let data = Bytes::copy_from_slice(&number.to_be_bytes());
            let sent = pair.ends[0].association.send(pair.now, id, MessageKind::Text, data);
            sent.expect("room");
            pair.run_for(Duration::from_millis(30));
        }
        pair.run_for(Duration::from_secs(60));
        let arrived = pair.ends[1].events.len() - 1;
        assert!((150..300).contains(&arrived), "{reliability:?}: {arrived} of 300 arrived");
    }
}

/// Messages in many pieces, some of which get lost: the rest is given up, sent or not. What comes after that
/// arrives.
#[test]
fn large_unreliable_messages_on_a_bad_network() {
    for (seed, reliability) in (1..).zip([
        Reliability::MaxRetransmits(0),
        Reliability::MaxRetransmits(1),
        Reliability::MaxLifetime(Duration::from_millis(50)),
        Reliability::MaxLifetime(Duration::from_millis(200)),
    ]) {
        let mut pair = Pair::connected(Network::BAD, seed);
        for ordered in [true, false] {
            let config = ChannelConfig { ordered, reliability, ..ChannelConfig::default() };
            let now = pair.now;
            let id = pair.ends[0].association.open(now, config).expect("a channel");
            let last = pair.ends[0].association.open(now, ChannelConfig::default()).expect("one");
            for number in 0..40 {
                let data = Bytes::from(pattern(40_000, number));
                // There may be no room.
                let _ = pair.ends[0].association.send(pair.now, id, MessageKind::Binary, data);
                pair.run_for(Duration::from_millis(100));
            }
            let data = Bytes::from_static(b"the last one");
            pair.ends[0].association.send(pair.now, last, MessageKind::Text, data).expect("room");
            pair.run_for(Duration::from_secs(60));
            let client = &pair.ends[0].association;
            assert_eq!(client.unacknowledged(), 0, "{reliability:?} {ordered}");
            assert_eq!(client.buffered_amount(id), 0, "{reliability:?} {ordered}");
            let last = pair.ends[1].events.iter().filter(
                |event| matches!(event, AssociationEvent::Message { data, .. } if data.len() == 12),
            );
            assert_eq!(last.count(), 1);
            pair.ends[1].events.clear();
        }
    }
}

#[test]
fn large_messages() {
    let config = SctpConfig {
        max_message_size: 20_000_000,
        remote_max_message_size: 0,
        ..SctpConfig::default()
    };
    let mut pair = Pair::with_config(Network::GOOD, 3, [&config, &config]);
    pair.connect();
    let id = pair.ends[0].association.open(pair.now, ChannelConfig::default()).expect("one");
    for size in [262_144, 1_000_000, 20_000_000] {
        let data = Bytes::from(pattern(size, size));
        pair.run_until(|pair| {
            let client = &mut pair.ends[0].association;
            client.send(pair.now, id, MessageKind::Binary, data.clone()).is_ok()
        });
        pair.run_until(|pair| {
            matches!(pair.ends[1].events.back(), Some(AssociationEvent::Message { .. }))
        });
        let Some(AssociationEvent::Message { data, .. }) = pair.ends[1].events.pop_back() else {
            panic!("a message");
        };
        assert!(*data == pattern(size, size), "{size} bytes");
    }
}

#[test]
fn an_interruption_of_a_minute() {
    for seed in 1..=3 {
        let mut pair = Pair::connected(Network::GOOD, seed);
        let id = pair.ends[0].association.open(pair.now, ChannelConfig::default()).expect("one");
        pair.run_until_events(0, 1);
        pair.cut = true;
        for number in 0..20 {
            let data = Bytes::from(pattern(20_000, number));
            pair.ends[0].association.send(pair.now, id, MessageKind::Binary, data).expect("room");
        }
        pair.run_for(Duration::from_secs(60));
        assert_eq!(pair.ends[1].events.len(), 1, "only the channel");
        pair.cut = false;
        let again = pair.now;
        pair.run_until_events(1, 21);
        assert!(pair.now - again < Duration::from_secs(5), "soon after the interruption");
        pair.ends[1].opened();
        for number in 0..20 {
            assert_eq!(pair.ends[1].message(), (id, pattern(20_000, number)));
        }
    }
}

/// Whichever packets of the handshake get lost, come twice, or come late.
#[test]
fn a_handshake_on_a_network_that_loses_every_third_packet() {
    let network = Network { delay: Duration::from_millis(20), lost: 333, repeated: 150, late: 300 };
    for seed in 1..=40 {
        let mut pair = Pair::new(network, seed);
        pair.connect();
        let id = pair.ends[0].association.open(pair.now, ChannelConfig::default()).expect("one");
        for end in [0, 1] {
            let data = Bytes::from_static(b"hello");
            pair.run_until(|pair| {
                let sent = data.clone();
                pair.ends[end].association.send(pair.now, id, MessageKind::Text, sent).is_ok()
            });
            pair.run_until(|pair| {
                matches!(pair.ends[1 - end].events.back(), Some(AssociationEvent::Message { .. }))
            });
        }
        for end in &mut pair.ends {
            end.opened();
            assert_eq!(end.message(), (id, b"hello".to_vec()), "seed {seed}");
        }
    }
}

/// With several datagrams for what one side says at once, whichever of them get lost, come twice, or come late. Both sides
/// learn at another time how narrow the path is.
#[test]
fn a_handshake_on_a_bad_network_that_carries_little() {
    for seed in 1..=60 {
        let mut pair = Pair::new(Network::BAD, seed);
        pair.carries = 460;
        for end in &mut pair.ends {
            end.association.await_mtu();
        }
        let first = seed as usize % 2;
        for end in [first, 1 - first] {
            let time = Duration::from_millis(pair.random.below(600));
            pair.run_for(time);
            let now = pair.now;
            pair.ends[end].association.set_mtu(now, 460);
        }
        pair.connect();
        assert!(pair.ends.iter().all(|end| end.association.mtu() <= 460));
    }
}

#[test]
fn an_interruption_of_the_handshake() {
    for milliseconds in [1, 8, 12, 18, 22, 28, 32] {
        let mut pair = Pair::new(Network::GOOD, 1);
        pair.run_for(Duration::from_millis(milliseconds));
        pair.cut = true;
        pair.run_for(Duration::from_secs(40));
        pair.cut = false;
        pair.connect();
    }
}

#[test]
fn a_peer_that_never_answers() {
    let mut pair = Pair::new(Network::GOOD, 1);
    pair.cut = true;
    pair.run_until_events(0, 1);
    let AssociationEvent::Failed(failure) = pair.ends[0].event() else {
        panic!("a failure");
    };
    assert_eq!(failure, ConnectionFailure::NoAnswer);
    assert_eq!(pair.ends[0].association.poll_timeout(), None);
}

//! Connecting, opening channels, messages of all kinds.

use std::time::Duration;

use bytes::Bytes;
use saltyrtc::rtc::association::{
    AssociationEvent, ChannelConfig, MessageKind, Reliability, SendError,
};
use saltyrtc::task::ChannelOpenError;

use super::link::{Network, Pair};

fn named(label: &str) -> ChannelConfig {
    ChannelConfig { label: label.to_owned(), ..ChannelConfig::default() }
}

fn negotiated(id: u16) -> ChannelConfig {
    ChannelConfig { negotiated: Some(id), ..ChannelConfig::default() }
}

#[test]
fn connect() {
    let mut pair = Pair::connected(Network::GOOD, 1);
    for end in &pair.ends {
        assert!(end.association.remote_certificate().is_some());
        assert!(end.events.is_empty());
    }
    pair.run_for(Duration::from_secs(120));
    assert!(pair.ends.iter().all(|end| end.events.is_empty()), "nothing happens when idle");
    assert!(pair.largest <= 1200, "{} bytes in a datagram", pair.largest);
}

#[test]
fn open_from_both_sides() {
    let mut pair = Pair::connected(Network::GOOD, 1);
    let config = [
        ChannelConfig {
            label: "first ✓".to_owned(),
            protocol: "protocol".to_owned(),
            ordered: false,
            reliability: Reliability::MaxRetransmits(7),
            negotiated: None,
        },
        ChannelConfig {
            reliability: Reliability::MaxLifetime(Duration::from_millis(1500)),
            ..named("second")
        },
    ];
    let ids = [0, 1].map(|end| {
        let now = pair.now;
        pair.ends[end].association.open(now, config[end].clone()).expect("a channel")
    });
    assert_eq!(ids.map(|id| id.get()), [0, 1], "the client is even, the server odd");
    pair.run_until(|pair| pair.ends.iter().all(|end| end.events.len() == 2));
    for this in 0..2 {
        let mut opened = [pair.ends[this].opened(), pair.ends[this].opened()];
        opened.sort_by_key(|(id, ..)| *id);
        for (other, (id, opened_config, by_peer)) in opened.into_iter().enumerate() {
            assert_eq!(id, ids[other]);
            assert_eq!(opened_config, config[other]);
            assert_eq!(by_peer, this != other);
        }
    }
    let next = pair.ends[0].association.open(pair.now, named("third")).expect("a channel");
    assert_eq!(next.get(), 2);
}

#[test]
fn open_and_send_before_connected() {
    let mut pair = Pair::new(Network::GOOD, 1);
    let now = pair.now;
    let client = &mut pair.ends[0].association;
    let id = client.open(now, ChannelConfig { ordered: false, ..named("early") }).expect("one");
    for number in 0..100u8 {
        client.send(now, id, MessageKind::Binary, vec![number; 1000].into()).expect("room");
    }
    pair.run_until_events(1, 102);
    assert_eq!(pair.ends[1].event(), AssociationEvent::Connected);
    assert_eq!(pair.ends[1].opened().0, id);
    for number in 0..100 {
        assert_eq!(pair.ends[1].message(), (id, vec![number; 1000]));
    }
}

#[test]
fn all_kinds_of_messages() {
    let mut pair = Pair::connected(Network::GOOD, 1);
    let now = pair.now;
    let id = pair.ends[0].association.open(now, named("")).expect("a channel");
    let messages = [
        (MessageKind::Binary, Bytes::from_static(&[0, 1, 2])),
        (MessageKind::Text, Bytes::from_static("häh?".as_bytes())),
        (MessageKind::Binary, Bytes::new()),
        (MessageKind::Text, Bytes::new()),
        (MessageKind::Binary, Bytes::from_static(&[0])),
    ];
    for (kind, data) in messages.clone() {
        pair.ends[0].association.send(now, id, kind, data).expect("room");
    }
    pair.run_until_events(1, 1 + messages.len());
    pair.ends[1].opened();
    for (kind, data) in messages {
        assert_eq!(pair.ends[1].event(), AssociationEvent::Message { id, kind, data });
    }
}

#[test]
fn the_other_side_answers_at_once() {
    let mut pair = Pair::connected(Network::GOOD, 1);
    let id = pair.ends[0].association.open(pair.now, named("")).expect("a channel");
    pair.run_until_events(1, 1);
    pair.ends[1]
        .association
        .send(pair.now, id, MessageKind::Binary, Bytes::from_static(b"answer"))
        .expect("room");
    pair.run_until_events(0, 2);
    assert!(!pair.ends[0].opened().2);
    assert_eq!(pair.ends[0].message(), (id, b"answer".to_vec()));
}

#[test]
fn negotiated_channel() {
    let mut pair = Pair::new(Network::GOOD, 1);
    let now = pair.now;
    let ids =
        [0, 1].map(|end| pair.ends[end].association.open(now, negotiated(7)).expect("a channel"));
    assert_eq!(ids.map(|id| id.get()), [7, 7]);
    assert_eq!(pair.ends[0].association.open(now, negotiated(7)), Err(ChannelOpenError::IdInUse));
    pair.connect();
    for end in 0..2 {
        let (id, config, by_peer) = pair.ends[end].opened();
        assert_eq!((id, by_peer), (ids[0], false));
        assert_eq!(config, negotiated(7));
        pair.ends[end]
            .association
            .send(pair.now, id, MessageKind::Text, Bytes::from_static(b"hello"))
            .expect("room");
    }
    pair.run_until(|pair| pair.ends.iter().all(|end| !end.events.is_empty()));
    for end in &mut pair.ends {
        assert_eq!(end.message(), (ids[0], b"hello".to_vec()));
    }
    let next = pair.ends[0].association.open(pair.now, negotiated(8)).expect("a channel");
    assert_eq!(pair.ends[0].association.poll_event().map(|_| ()), Some(()), "open at once");
    assert_eq!(next.get(), 8);
}

#[test]
fn negotiated_channel_opened_late() {
    let mut pair = Pair::new(Network::GOOD, 1);
    let id = pair.ends[0].association.open(pair.now, negotiated(3)).expect("a channel");
    pair.connect();
    pair.ends[0].opened();
    for number in 0..10 {
        let data = Bytes::from(vec![number; 5000]);
        pair.ends[0].association.send(pair.now, id, MessageKind::Binary, data).expect("room");
    }
    pair.run_for(Duration::from_secs(10));
    assert!(pair.ends[1].events.is_empty());
    pair.ends[1].association.open(pair.now, negotiated(3)).expect("a channel");
    pair.run_until_events(1, 11);
    pair.ends[1].opened();
    for number in 0..10 {
        assert_eq!(pair.ends[1].message(), (id, vec![number; 5000]));
    }
}

#[test]
fn errors_of_open_and_send() {
    let mut pair = Pair::connected(Network::GOOD, 1);
    let now = pair.now;
    let client = &mut pair.ends[0].association;
    let long = ChannelConfig { protocol: "x".repeat(65_536), ..ChannelConfig::default() };
    assert_eq!(client.open(now, long), Err(ChannelOpenError::TextTooLong));
    assert_eq!(client.open(now, negotiated(65_535)), Err(ChannelOpenError::IdOutOfRange));
    let id = client.open(now, named("x")).expect("a channel");
    assert_eq!(
        client.send(now, id, MessageKind::Binary, vec![0; 65_537].into()),
        Err(SendError::TooLarge { limit: 65_536 })
    );
    client.send(now, id, MessageKind::Binary, vec![0; 65_536].into()).expect("room");
    client.close(now, id);
    assert_eq!(
        client.send(now, id, MessageKind::Binary, Bytes::from_static(b"x")),
        Err(SendError::NotOpen)
    );
    client.shutdown(now);
    assert_eq!(client.open(now, named("y")), Err(ChannelOpenError::Ended));
}

#[test]
fn an_association_can_move_between_threads() {
    let pair = Pair::connected(Network::GOOD, 1);
    let [client, _] = pair.ends;
    let thread = std::thread::spawn(move || client.association.remote_certificate().is_some());
    assert!(thread.join().expect("no panic"));
}

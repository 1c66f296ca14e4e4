//! Closing channels and associations.

use std::time::Duration;

use bytes::Bytes;
use saltyrtc::rtc::association::{AssociationEvent, ChannelConfig, ChannelId, MessageKind};

use super::link::{Network, Pair};

/// A pair with open channels.
fn with_channels(network: Network, seed: u64, count: usize) -> (Pair, Vec<ChannelId>) {
    let mut pair = Pair::connected(network, seed);
    let now = pair.now;
    let open = |_| pair.ends[0].association.open(now, ChannelConfig::default()).expect("one");
    let ids = (0..count).map(open).collect();
    pair.run_until(|pair| pair.ends.iter().all(|end| end.events.len() == count));
    for end in &mut pair.ends {
        end.events.clear();
    }
    (pair, ids)
}

fn send(pair: &mut Pair, end: usize, id: ChannelId, data: &'static [u8]) {
    let data = Bytes::from_static(data);
    pair.ends[end].association.send(pair.now, id, MessageKind::Binary, data).expect("room");
}

#[test]
fn one_among_many() {
    for seed in 1..=5 {
        let (mut pair, ids) = with_channels(Network::BAD, seed, 20);
        pair.ends[(seed % 2) as usize].association.close(pair.now, ids[11]);
        pair.run_until(|pair| pair.ends.iter().all(|end| !end.events.is_empty()));
        for end in &mut pair.ends {
            assert_eq!(end.closed(), (ids[11], None));
        }
        for (index, id) in ids.iter().enumerate() {
            if index != 11 {
                send(&mut pair, 0, *id, b"still there");
                send(&mut pair, 1, *id, b"still there");
            }
        }
        pair.run_until(|pair| pair.ends.iter().all(|end| end.events.len() == 19));
    }
}

#[test]
fn what_was_sent_arrives_before_the_end() {
    let (mut pair, ids) = with_channels(Network::BAD, 3, 1);
    for _ in 0..10 {
        let data = Bytes::from(vec![7; 60_000]);
        pair.ends[0].association.send(pair.now, ids[0], MessageKind::Binary, data).expect("room");
    }
    pair.ends[0].association.close(pair.now, ids[0]);
    pair.run_until_events(1, 11);
    for _ in 0..10 {
        assert_eq!(pair.ends[1].message(), (ids[0], vec![7; 60_000]));
    }
    assert_eq!(pair.ends[1].closed(), (ids[0], None));
    pair.run_until_events(0, 1);
    assert_eq!(pair.ends[0].closed(), (ids[0], None));
}

#[test]
fn both_close_at_once() {
    for seed in 1..=5 {
        let (mut pair, ids) = with_channels(Network::BAD, seed, 3);
        for id in &ids {
            for end in 0..2 {
                pair.ends[end].association.close(pair.now, *id);
                pair.ends[end].association.close(pair.now, *id);
            }
        }
        pair.run_until(|pair| pair.ends.iter().all(|end| end.events.len() == 3));
        pair.run_for(Duration::from_secs(60));
        for end in &mut pair.ends {
            assert_eq!(end.events.len(), 3, "each channel is closed once");
            for id in &ids {
                assert!(
                    end.events.contains(&AssociationEvent::ChannelClosed { id: *id, error: None })
                );
            }
        }
    }
}

#[test]
fn an_id_is_used_again() {
    for seed in 1..=4 {
        let (mut pair, ids) = with_channels(Network::BAD, seed, 1);
        for round in 0..4u8 {
            let closer = usize::from(round % 2);
            pair.ends[closer].association.close(pair.now, ids[0]);
            let taken = pair.ends[0].association.open(
                pair.now,
                ChannelConfig { negotiated: Some(ids[0].get()), ..ChannelConfig::default() },
            );
            assert!(taken.is_err(), "not before it is closed");
            pair.run_until_events(0, 1);
            assert_eq!(pair.ends[0].closed(), (ids[0], None));
            // As soon as our direction is closed, too. The peer may not know yet that we know.
            pair.run_until(|pair| {
                pair.ends[0].association.open(pair.now, ChannelConfig::default()) == Ok(ids[0])
            });
            let data = Bytes::from(vec![round; 3]);
            pair.ends[0]
                .association
                .send(pair.now, ids[0], MessageKind::Binary, data.clone())
                .expect("room");
            pair.run_until(|pair| {
                // Not the last of all: other channels were opened on the way here.
                pair.ends[1].events.contains(&AssociationEvent::Message {
                    id: ids[0],
                    kind: MessageKind::Binary,
                    data: data.clone(),
                })
            });
            pair.run_for(Duration::from_secs(20));
            pair.ends[0].events.clear();
            pair.ends[1].events.clear();
        }
    }
}

#[test]
fn close_before_the_association_is_connected() {
    let mut pair = Pair::new(Network::GOOD, 1);
    let now = pair.now;
    let asked = pair.ends[0].association.open(now, ChannelConfig::default()).expect("one");
    let negotiated = ChannelConfig { negotiated: Some(9), ..ChannelConfig::default() };
    let agreed = pair.ends[0].association.open(now, negotiated.clone()).expect("one");
    pair.ends[1].association.open(now, negotiated).expect("one");
    send(&mut pair, 0, asked, b"last words");
    pair.ends[0].association.close(now, asked);
    pair.ends[0].association.close(now, agreed);
    pair.connect();
    pair.run_until(|pair| pair.ends[0].events.len() == 2 && pair.ends[1].events.len() == 5);
    let closed = |id| AssociationEvent::ChannelClosed { id, error: None };
    for end in &pair.ends {
        assert!(end.events.contains(&closed(asked)));
        assert!(end.events.contains(&closed(agreed)));
    }
    assert!(pair.ends[1].events.contains(&AssociationEvent::Message {
        id: asked,
        kind: MessageKind::Binary,
        data: Bytes::from_static(b"last words"),
    }));
}

#[test]
fn shutdown_delivers_everything() {
    let (mut pair, ids) = with_channels(Network::GOOD, 1, 2);
    for _ in 0..10 {
        let data = Bytes::from(vec![7; 60_000]);
        pair.ends[0].association.send(pair.now, ids[0], MessageKind::Binary, data).expect("room");
    }
    pair.ends[0].association.shutdown(pair.now);
    pair.run_until_events(1, 13);
    for _ in 0..10 {
        assert_eq!(pair.ends[1].message(), (ids[0], vec![7; 60_000]));
    }
    pair.run_until_events(0, 3);
    for end in &mut pair.ends {
        assert_eq!(end.closed(), (ids[0], None));
        assert_eq!(end.closed(), (ids[1], None));
        assert_eq!(end.event(), AssociationEvent::Ended);
        assert_eq!(end.association.poll_timeout(), None);
    }
}

/// For some peers, a channel is not closed by the end of the association.
#[test]
fn shutdown_closes_channels_first() {
    for (network, seed) in
        [(Network::GOOD, 0), (Network::BAD, 1), (Network::BAD, 2), (Network::BAD, 3)]
    {
        let (mut pair, ids) = with_channels(network, seed, 2);
        pair.ends[0].association.close(pair.now, ids[1]);
        pair.ends[0].association.shutdown(pair.now);
        pair.run_until_events(1, 1);
        assert_eq!(pair.ends[1].closed(), (ids[1], None));
    }
}

#[test]
fn shutdown_delivers_to_one_who_takes_his_time() {
    let (mut pair, ids) = with_channels(Network::GOOD, 1, 1);
    pair.ends[1].takes_events = false;
    for _ in 0..10 {
        let data = Bytes::from(vec![7; 60_000]);
        pair.ends[0].association.send(pair.now, ids[0], MessageKind::Binary, data).expect("room");
    }
    pair.ends[0].association.shutdown(pair.now);
    pair.run_until_events(0, 2);
    pair.run_for(Duration::from_secs(60));
    pair.ends[1].takes_events = true;
    pair.run_until_events(1, 12);
    for _ in 0..10 {
        assert_eq!(pair.ends[1].message(), (ids[0], vec![7; 60_000]));
    }
}

#[test]
fn shutdown_without_the_peer() {
    let (mut pair, ids) = with_channels(Network::GOOD, 1, 1);
    pair.cut = true;
    send(&mut pair, 0, ids[0], b"lost");
    let begin = pair.now;
    pair.ends[0].association.shutdown(pair.now);
    pair.run_until_events(0, 2);
    assert!(pair.now - begin <= Duration::from_secs(3));
    assert_eq!(pair.ends[0].closed(), (ids[0], None));
    assert_eq!(pair.ends[0].event(), AssociationEvent::Ended);
}

#[test]
fn shutdown_before_connected() {
    let mut pair = Pair::new(Network::GOOD, 1);
    pair.ends[0].association.shutdown(pair.now);
    pair.run_until_events(0, 1);
    assert_eq!(pair.ends[0].event(), AssociationEvent::Ended);
    assert_eq!(pair.ends[0].association.poll_timeout(), None);
}

/// More than can be on its way at once: at times all of that is acknowledged, and more waits.
#[test]
fn shutdown_delivers_what_waits() {
    for (size, count) in [(60_000, 16), (100, 3_000), (1, 20_000)] {
        let (mut pair, ids) = with_channels(Network::GOOD, 1, 1);
        for _ in 0..count {
            let data = Bytes::from(vec![7; size]);
            pair.ends[0]
                .association
                .send(pair.now, ids[0], MessageKind::Binary, data)
                .expect("room");
        }
        let begin = pair.now;
        pair.ends[0].association.shutdown(pair.now);
        pair.run_until_events(1, count + 2);
        for _ in 0..count {
            assert_eq!(pair.ends[1].message(), (ids[0], vec![7; size]));
        }
        pair.run_until_events(0, 2);
        assert!(pair.now - begin < Duration::from_secs(2), "took {:?}", pair.now - begin);
    }
}

#[test]
fn both_shut_down_at_once() {
    for milliseconds in [0, 3, 5, 8, 12] {
        let (mut pair, ids) = with_channels(Network::GOOD, 1, 1);
        for end in 0..2 {
            send(&mut pair, end, ids[0], b"last words");
        }
        let begin = pair.now;
        pair.ends[0].association.shutdown(pair.now);
        pair.run_for(Duration::from_millis(milliseconds));
        pair.ends[1].association.shutdown(pair.now);
        pair.run_until(|pair| {
            pair.ends.iter().all(|end| end.events.back() == Some(&AssociationEvent::Ended))
        });
        assert!(pair.now - begin < Duration::from_secs(1), "took {:?}", pair.now - begin);
        assert_eq!(pair.ends[1].message(), (ids[0], b"last words".to_vec()));
    }
}

/// More than fit into one request to reset streams.
#[test]
fn a_thousand_at_once() {
    let (mut pair, ids) = with_channels(Network::GOOD, 1, 1000);
    for id in &ids {
        pair.ends[0].association.close(pair.now, *id);
    }
    pair.run_until(|pair| pair.ends.iter().all(|end| end.events.len() == ids.len()));
    assert!(pair.largest <= 1200, "{} bytes in a datagram", pair.largest);
}

/// A negotiated channel on which nothing is ever sent. Each time both directions are closed.
#[test]
fn an_id_is_used_again_without_messages() {
    let config = ChannelConfig { negotiated: Some(7), ..ChannelConfig::default() };
    for seed in 1..=20 {
        let mut pair = Pair::connected(Network::BAD, seed);
        for round in 0..10 {
            for end in 0..2 {
                pair.run_until(|pair| {
                    pair.ends[end].association.open(pair.now, config.clone()).is_ok()
                });
            }
            pair.run_until(|pair| pair.ends.iter().all(|end| !end.events.is_empty()));
            let [id, _] = [0, 1].map(|end| pair.ends[end].opened().0);
            pair.ends[round % 2].association.close(pair.now, id);
            pair.run_until(|pair| pair.ends.iter().all(|end| !end.events.is_empty()));
            for end in &mut pair.ends {
                assert_eq!(end.closed(), (id, None), "seed {seed}, round {round}");
            }
        }
    }
}

/// The one who has opened a channel hears that it was open, even if it is closed at once by one who has so much
/// to send that there is no room for more.
#[test]
fn a_channel_that_is_closed_while_much_waits() {
    let (mut pair, ids) = with_channels(Network::GOOD, 1, 2);
    pair.ends[0].takes_events = false;
    let data = Bytes::from(vec![7; 60_000]);
    for _ in 0..10 {
        for id in &ids {
            let server = &mut pair.ends[1].association;
            while server.send(pair.now, *id, MessageKind::Binary, data.clone()).is_ok() {}
        }
        pair.run_for(Duration::from_secs(1));
    }
    assert!(!pair.ends[1].association.has_room());
    pair.ends[1].events.clear();
    let id = pair.ends[0].association.open(pair.now, ChannelConfig::default()).expect("one");
    pair.run_until_events(1, 1);
    pair.ends[1].opened();
    pair.ends[1].association.close(pair.now, id);
    pair.ends[0].takes_events = true;
    pair.run_until(|pair| {
        let is_closed = |event: &AssociationEvent| {
            *event == AssociationEvent::ChannelClosed { id, error: None }
        };
        pair.ends.iter().all(|end| end.events.iter().any(is_closed))
    });
}

//! Very many messages, channels and parts of messages, and that nothing is lost, stuck or too large on the
//! way.

use std::time::Duration;

use bytes::Bytes;
use saltyrtc::rtc::association::{
    AssociationEvent, ChannelConfig, ChannelId, MessageKind, Reliability, SctpConfig,
};

use super::link::{Bottleneck, Network, Pair};

/// A pair with open channels.
fn with_channels(
    network: Network,
    config: &SctpConfig,
    channels: &[ChannelConfig],
) -> (Pair, Vec<ChannelId>) {
    let mut pair = Pair::with_config(network, 1, [config, config]);
    pair.connect();
    let now = pair.now;
    let open =
        |channel: &ChannelConfig| pair.ends[0].association.open(now, channel.clone()).expect("one");
    let ids: Vec<_> = channels.iter().map(open).collect();
    pair.run_until(|pair| pair.ends.iter().all(|end| end.events.len() == ids.len()));
    pair.ends.iter_mut().for_each(|end| end.events.clear());
    (pair, ids)
}

fn reliable() -> ChannelConfig {
    ChannelConfig::default()
}

/// Takes all messages that are there, and checks that the first bytes of each are its number.
fn take(pair: &mut Pair, next: &mut u32) {
    for event in std::mem::take(&mut pair.ends[1].events) {
        let AssociationEvent::Message { data, .. } = event else {
            panic!("{event:?}");
        };
        assert_eq!(data[0], *next as u8, "message {next}");
        *next += 1;
    }
}

/// More of them wait than there are sequence numbers.
#[test]
fn many_one_byte_messages_to_a_paused_receiver() {
    const COUNT: u32 = 300_000;
    let (mut pair, ids) = with_channels(Network::GOOD, &SctpConfig::default(), &[reliable()]);
    pair.ends[1].takes_events = false;
    let (mut sent, mut arrived) = (0, 0);
    let mut send = |pair: &mut Pair| {
        while sent < COUNT {
            let data = Bytes::from(vec![sent as u8]);
            let client = &mut pair.ends[0].association;
            if client.send(pair.now, ids[0], MessageKind::Binary, data).is_err() {
                break;
            }
            sent += 1;
        }
        sent
    };
    for _ in 0..30 {
        send(&mut pair);
        pair.run_for(Duration::from_secs(1));
    }
    // What waits here is a part of all: the window counts what messages take, and not their bytes alone.
    let buffered = pair.ends[0].association.buffered_amount(ids[0]);
    assert!(buffered > COUNT as usize / 2, "{buffered} messages are still here");
    pair.ends[1].takes_events = true;
    while arrived < COUNT {
        send(&mut pair);
        pair.run_for(Duration::from_millis(10));
        take(&mut pair, &mut arrived);
        pair.ends[0].events.clear();
    }
}

/// A receiver that takes nothing for half a minute, with what is sent before, meanwhile and after that.
#[test]
fn a_closed_window() {
    for size in [1, 1000, 60_000] {
        let (mut pair, ids) = with_channels(Network::GOOD, &SctpConfig::default(), &[reliable()]);
        pair.ends[1].takes_events = false;
        let (mut sent, mut arrived) = (0_u32, 0);
        let mut fill = |pair: &mut Pair| {
            loop {
                let mut data = vec![0; size];
                data[0] = sent as u8;
                let client = &mut pair.ends[0].association;
                if client.send(pair.now, ids[0], MessageKind::Binary, data.into()).is_err() {
                    return sent;
                }
                sent += 1;
            }
        };
        for _ in 0..60 {
            // A million tiny messages say no more than some.
            if pair.ends[0].association.buffered_amount(ids[0]) < 100_000 {
                fill(&mut pair);
            }
            pair.run_for(Duration::from_millis(500));
        }
        let total = fill(&mut pair);
        pair.ends[1].takes_events = true;
        let again = pair.now;
        pair.run_for(Duration::from_millis(30));
        take(&mut pair, &mut arrived);
        let waited = arrived;
        while arrived < total {
            pair.run_for(Duration::from_millis(5));
            take(&mut pair, &mut arrived);
            if arrived == waited {
                assert!(pair.now - again < Duration::from_millis(500), "it does not go on");
            }
        }
    }
}

/// Everything that there is, while packets get lost.
#[test]
fn no_packet_is_too_large() {
    for mtu in [576, 1200] {
        let config = SctpConfig { mtu, ..SctpConfig::default() };
        let network = Network { lost: 20, late: 50, ..Network::GOOD };
        let mut channels = vec![reliable(); 150];
        for (index, reliability) in
            [Reliability::MaxRetransmits(0), Reliability::MaxLifetime(Duration::from_millis(20))]
                .into_iter()
                .cycle()
                .take(600)
                .enumerate()
        {
            let label = "label".repeat(index % 50);
            channels.push(ChannelConfig {
                label,
                ordered: index % 3 != 0,
                reliability,
                ..reliable()
            });
        }
        let (mut pair, ids) = with_channels(network, &config, &channels);
        let sizes = [1, 2, 3, 4, 5, 17, 63, 64, 100, 500, 1131, 1132, 1133, 2000, 5000];
        for round in 0..40 {
            // All at once are lost now and then: then they are given up, or sent again, together.
            pair.cut = round % 8 == 7;
            for (index, id) in ids.iter().enumerate() {
                let size = sizes[(index + round) % (if round % 2 == 0 { 6 } else { sizes.len() })];
                for end in 0..2 {
                    let data = Bytes::from(vec![0; size]);
                    let association = &mut pair.ends[end].association;
                    let _ = association.send(pair.now, *id, MessageKind::Binary, data);
                }
            }
            pair.run_for(Duration::from_millis(100));
        }
        for end in &mut pair.ends {
            end.events.clear();
        }
        pair.cut = false;
        for (index, id) in ids.iter().enumerate() {
            pair.ends[index % 2].association.close(pair.now, *id);
        }
        pair.run_until(|pair| {
            pair.ends.iter().all(|end| {
                let closed = |event: &&_| matches!(event, AssociationEvent::ChannelClosed { .. });
                end.events.iter().filter(closed).count() == ids.len()
            })
        });
        assert!(pair.largest <= mtu, "{} bytes in a datagram", pair.largest);
        assert!(pair.largest > mtu - 30, "{} bytes in a datagram", pair.largest);
    }
}

/// A small message does not wait for what another channel has queued before.
#[test]
fn a_small_message_overtakes_two_mebibytes() {
    let config = SctpConfig { send_buffer: 8 << 20, ..SctpConfig::default() };
    let network = Network { delay: Duration::from_millis(10), ..Network::GOOD };
    let (mut pair, ids) = with_channels(network, &config, &[reliable(), reliable()]);
    // Sending two mebibytes takes 1.7 seconds.
    pair.bottleneck = Some(Bottleneck::new(10_000_000, Duration::from_millis(50)));
    let sent = |pair: &mut Pair, id, size| {
        let data = Bytes::from(vec![0; size]);
        pair.ends[0].association.send(pair.now, id, MessageKind::Binary, data).expect("room");
    };
    (0..32).for_each(|_| sent(&mut pair, ids[0], 65_536));
    pair.run_for(Duration::from_millis(300));
    let begin = pair.now;
    sent(&mut pair, ids[1], 100);
    let small = |event: &AssociationEvent| matches!(event, AssociationEvent::Message { id, .. } if *id == ids[1]);
    pair.run_until(|pair| pair.ends[1].events.iter().any(small));
    let took = pair.now - begin;
    assert!(took < Duration::from_millis(400), "took {took:?}");
    assert!(pair.ends[0].association.buffered_amount(ids[0]) > 1 << 20, "most is still to come");
    pair.run_until_events(1, 33);
}

/// More than the receive buffer holds comes on a channel that is being closed.
#[test]
fn a_channel_is_closed_while_much_arrives() {
    let config =
        SctpConfig { receive_buffer: 600_000, send_buffer: 40 << 20, ..SctpConfig::default() };
    let network = Network { delay: Duration::from_millis(50), ..Network::GOOD };
    let (mut pair, ids) = with_channels(network, &config, &[reliable(), reliable()]);
    for _ in 0..300 {
        let data = Bytes::from(vec![0; 65_536]);
        pair.ends[0].association.send(pair.now, ids[0], MessageKind::Binary, data).expect("room");
    }
    pair.run_for(Duration::from_millis(500));
    pair.ends[1].association.close(pair.now, ids[0]);
    let closed = AssociationEvent::ChannelClosed { id: ids[0], error: None };
    pair.run_until(|pair| pair.ends.iter().all(|end| end.events.contains(&closed)));
    pair.ends.iter_mut().for_each(|end| end.events.clear());
    let data = Bytes::from_static(b"still there");
    pair.ends[0].association.send(pair.now, ids[1], MessageKind::Binary, data).expect("room");
    pair.run_until_events(1, 1);
    assert_eq!(pair.ends[1].message(), (ids[1], b"still there".to_vec()));
}

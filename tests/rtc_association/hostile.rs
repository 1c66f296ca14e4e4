//! Peers and strangers who do not keep to the rules.

use std::time::Duration;

use bytes::Bytes;
use saltyrtc::rtc::association::{
    Association, AssociationEvent, ChannelConfig, DtlsRole, MessageKind, SctpConfig,
};
use saltyrtc::rtc::certificate::Certificate;
use saltyrtc::rtc::fingerprint::HashFunction;
use saltyrtc::task::{ChannelFailure, ChannelOpenError, ConnectionFailure};

use super::link::{Network, Pair, Random};
use super::raw_peer::{RawPair, Version};

const DCEP: u32 = 50;
const TEXT: u32 = 51;
const BINARY: u32 = 53;

/// A message that opens a channel with empty texts.
const OPEN: [u8; 12] = [3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fn negotiated(id: u16) -> ChannelConfig {
    ChannelConfig { negotiated: Some(id), ..ChannelConfig::default() }
}

#[test]
fn wrong_fingerprint() {
    for victim in 0..2 {
        let mut pair = Pair::new(Network::GOOD, 1);
        let stranger = Certificate::generate().expect("a certificate");
        let role = [DtlsRole::Client, DtlsRole::Server][victim];
        let own = Certificate::generate().expect("a certificate");
        let others = vec![stranger.fingerprint(), own.fingerprint()];
        pair.ends[victim].association =
            Association::new(pair.now, role, &own, others, &SctpConfig::default());
        let victim = &mut pair.ends[victim].association;
        victim.open(pair.now, negotiated(1)).expect("a channel");
        let now = pair.now;
        for end in &mut pair.ends {
            // Not let in, however early it is sent.
            let _ = end.association.open(now, ChannelConfig::default());
        }
        pair.run_for(Duration::from_secs(200));
        for end in &pair.ends {
            assert!(!end.events.contains(&AssociationEvent::Connected));
            let Some(AssociationEvent::Failed(_)) = end.events.back() else {
                panic!("not failed: {:?}", end.events);
            };
            assert!(end.association.remote_certificate().is_none());
            let message = |event| matches!(event, &AssociationEvent::Message { .. });
            assert!(!end.events.iter().any(message));
        }
        let failed = AssociationEvent::Failed(ConnectionFailure::OtherPeerCertificate);
        assert!(pair.ends.iter().any(|end| end.events.back() == Some(&failed)));
    }
}

#[test]
fn both_versions_both_roles_all_hash_functions() {
    for version in [Version::V12, Version::V13] {
        for role in [DtlsRole::Client, DtlsRole::Server] {
            for hash in [HashFunction::Sha256, HashFunction::Sha384, HashFunction::Sha512] {
                let mut pair = RawPair::new(version, role, hash);
                pair.run_for(Duration::from_secs(3));
                assert_eq!(pair.events, [AssociationEvent::Connected], "{version:?} {role:?}");
            }
        }
    }
}

/// Datagrams that may come from anyone: random, and damaged copies.
fn garbage(random: &mut Random, sample: &[u8]) -> Vec<u8> {
    match random.below(4) {
        0 => (0..random.below(1500)).map(|_| random.next() as u8).collect(),
        1 => {
            let first = 20 + random.below(44) as u8;
            let rest = (0..random.below(200)).map(|_| random.next() as u8);
            std::iter::once(first).chain(rest).collect()
        }
        2 => sample[..random.below(sample.len() as u64) as usize].to_vec(),
        _ => {
            let mut copy = sample.to_vec();
            for _ in 0..=random.below(8) {
                let place = random.below(copy.len() as u64) as usize;
                copy[place] ^= 1 << random.below(8);
            }
            copy
        }
    }
}

#[test]
fn garbage_on_an_association() {
    for seed in 1..=5 {
        let mut pair = Pair::connected(Network::GOOD, seed);
        let now = pair.now;
        pair.ends[0].association.open(now, ChannelConfig::default()).expect("a channel");
        let sample = pair.ends[0].association.poll_transmit().expect("a datagram");
        pair.inject(1, sample.clone());
        let mut random = Random::new(seed);
        for _ in 0..1000 {
            for to in 0..2 {
                let datagram = garbage(&mut random, &sample);
                pair.inject(to, datagram);
            }
            if random.below(10) == 0 {
                pair.run_for(Duration::from_millis(10));
            }
        }
        pair.run_until(|pair| pair.ends.iter().all(|end| end.events.len() == 1));
        let (id, ..) = pair.ends[0].opened();
        let data = Bytes::from_static(b"still there");
        pair.ends[0].association.send(pair.now, id, MessageKind::Text, data).expect("room");
        pair.run_until_events(1, 2);
    }
}

#[test]
fn noise_during_the_handshake() {
    for seed in 1..=10 {
        let mut pair = Pair::new(Network::GOOD, seed);
        let mut random = Random::new(seed);
        for _ in 0..40 {
            for to in 0..2 {
                // Nothing that looks like a message of the handshake: whoever can forge those can
                // keep the two from connecting anyway.
                let mut datagram = garbage(&mut random, &[0; 50]);
                if datagram.first().is_some_and(|first| (20..=22).contains(first)) {
                    datagram[0] = 23;
                }
                pair.inject(to, datagram);
            }
            pair.run_for(Duration::from_millis(1));
        }
        pair.run_until(|pair| pair.ends.iter().all(|end| !end.events.is_empty()));
        for end in &mut pair.ends {
            assert_eq!(end.event(), AssociationEvent::Connected, "seed {seed}");
        }
    }
}

/// Ahead of a datagram comes a copy with a wrong bit, which can lead to an error, or to a handshake that both sides
/// understand differently.
#[test]
fn damaged_copies_do_not_end_a_handshake() {
    for seed in 1..=64 {
        let mut pair = Pair::new(Network::GOOD, seed);
        let number = 1 + seed as usize % 8;
        pair.garbles = Some((number, Vec::new()));
        if seed % 2 == 0 {
            // The same with DTLS 1.2, of which more can be damaged.
            pair.carries = 560;
            let now = pair.now;
            for end in &mut pair.ends {
                end.association.set_mtu(now, 560);
            }
        }
        // Well before the time limit.
        pair.run_for(Duration::from_secs(60));
        for end in &pair.ends {
            assert_eq!(end.events, [AssociationEvent::Connected], "{seed}");
        }
    }
}

/// Somebody else sends the first message of a handshake, whenever that is.
#[test]
fn a_forged_client_hello_does_not_end_a_handshake() {
    for milliseconds in 0..60 {
        let mut pair = Pair::new(Network::GOOD, 1);
        let mut other = Pair::new(Network::GOOD, 1);
        let forged = other.ends[0].association.poll_transmit().expect("a datagram");
        pair.run_for(Duration::from_millis(milliseconds));
        for end in 0..2 {
            pair.inject(end, forged.clone());
        }
        pair.run_for(Duration::from_secs(10));
        for end in &pair.ends {
            assert_eq!(end.events, [AssociationEvent::Connected], "{milliseconds}");
        }
    }
}

#[test]
fn forged_handshakes_do_not_panic() {
    for seed in 1..=10 {
        // What the client says first, and what the server answers.
        let mut pair = Pair::new(Network::GOOD, seed);
        let sample = pair.ends[0].association.poll_transmit().expect("a datagram");
        let mut random = Random::new(seed);
        for _ in 0..300 {
            for to in 0..2 {
                let datagram = garbage(&mut random, &sample);
                pair.inject(to, datagram);
            }
            pair.run_for(Duration::from_millis(1));
        }
        pair.run_for(Duration::from_secs(200));
        for end in &pair.ends {
            assert!(!end.events.is_empty(), "connected or failed");
        }
    }
}

#[test]
fn hostile_packets() {
    let mut pair = RawPair::connected();
    let mut random = Random::new(1);
    for _ in 0..2000 {
        let length = random.below(200);
        let mut packet: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        if packet.len() > 4 {
            packet[..4].copy_from_slice(&[0x13, 0x88, 0x13, 0x88]);
        }
        pair.send_packet(&packet);
    }
    assert!(pair.events.is_empty(), "{:?}", pair.events);
    pair.send(0, DCEP, &OPEN);
    assert_eq!(pair.received, [(0, DCEP, vec![2])], "it still answers");
}

#[test]
fn damaged_sctp_packets() {
    for seed in 1..=12 {
        let mut pair = RawPair::connected();
        let id = pair.association.open(pair.now, ChannelConfig::default()).expect("a channel");
        pair.tamper = Some(Random::new(seed));
        for number in 0..60 {
            pair.sctp.send(number % 5, DCEP, &OPEN, false);
            pair.sctp.send(number % 5, BINARY, &[0; 2000], number % 3 == 0);
            if number % 7 == 0 {
                pair.sctp.reset(&[number % 5]);
            }
            let _ = pair.association.send(pair.now, id, MessageKind::Binary, vec![0; 2000].into());
            pair.run_for(Duration::from_millis(200));
        }
        // It either goes on or has ended in order.
        let over = matches!(
            pair.events.last(),
            Some(AssociationEvent::Failed(_) | AssociationEvent::Ended)
        );
        assert_eq!(over, pair.association.has_ended(), "seed {seed}");
        // An association without a deadline is one that has nothing to do.
        let idle = over || pair.association.unacknowledged() == 0;
        assert!(idle || pair.association.poll_timeout().is_some(), "seed {seed}");
    }
}

#[test]
fn malformed_channel_messages() {
    let mut pair = RawPair::connected();
    let malformed: [&[u8]; 6] =
        [&[1], &[3], &[2, 2], &[3, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &OPEN[..11], &[0xff; 3000]];
    for (index, message) in malformed.into_iter().enumerate() {
        let stream = 2 * index as u16;
        pair.send(stream, DCEP, message);
        pair.run_for(Duration::from_secs(1));
        assert!(pair.resets.contains(&stream), "stream {stream} is refused");
    }
    assert!(pair.events.is_empty(), "{:?}", pair.events);
}

#[test]
fn channels_that_the_peer_may_not_open() {
    let mut pair = RawPair::connected();
    // The raw peer is the client, so odd ids are ours.
    pair.send(1, DCEP, &OPEN);
    pair.send(65_534, DCEP, &OPEN);
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.resets, [1]);
    assert_eq!(pair.events.len(), 1, "the other one is fine");
    pair.send(65_534, DCEP, &OPEN);
    pair.send(65_534, DCEP, &[2]);
    pair.send(65_534, DCEP, &[7]);
    assert_eq!(pair.events.len(), 1, "an open channel is not opened again");
}

#[test]
fn messages_of_unknown_kind() {
    let mut pair = RawPair::connected();
    pair.send(0, DCEP, &OPEN);
    for ppid in [0, 1, 49, 52, 54, 55, 58, u32::MAX] {
        pair.send(0, ppid, b"what is this?");
    }
    pair.send(0, TEXT, b"known");
    assert_eq!(pair.events.len(), 2, "{:?}", pair.events);
}

#[test]
fn too_many_channels() {
    let mut pair = RawPair::connected();
    let label = "x".repeat(60_000);
    let mut open = OPEN.to_vec();
    open[8..10].copy_from_slice(&60_000u16.to_be_bytes());
    open.extend(label.as_bytes());
    for stream in 0..100 {
        pair.send(2 * stream, DCEP, &open);
    }
    pair.run_for(Duration::from_secs(2));
    let opened = pair.events.len();
    assert!((60..80).contains(&opened), "{opened} channels were opened");
    assert_eq!(pair.resets.len(), 100 - opened, "the others were refused");
}

#[test]
fn too_much_on_streams_that_nobody_opens() {
    let mut pair = RawPair::connected();
    for stream in [5, 7] {
        for _ in 0..10 {
            pair.send(stream, BINARY, &[0; 60_000]);
        }
    }
    // The last ones were too much: that stream is closed, the other is as good as before.
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.resets, [7]);
    assert_eq!(pair.association.open(pair.now, negotiated(7)), Err(ChannelOpenError::IdInUse));
    pair.association.open(pair.now, negotiated(5)).expect("a channel");
    pair.run();
    assert_eq!(pair.events.len(), 11);
    // There is room for others now, also in number.
    pair.events.clear();
    for number in 0..1100u32 {
        pair.send(9, BINARY, &number.to_be_bytes());
    }
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.resets, [7, 9]);
    assert!(pair.events.is_empty());
    // The peer closes its end, too, and the stream is good again.
    pair.sctp.reset(&[7]);
    pair.run_for(Duration::from_secs(1));
    pair.association.open(pair.now, negotiated(7)).expect("a channel");
}

/// A peer that sends messages although the window is closed. Returns how many were taken.
fn ignored_window(size: usize) -> usize {
    let mut pair = RawPair::connected();
    pair.send(0, DCEP, &OPEN);
    pair.events.clear();
    pair.takes_events = false;
    pair.ignores_window = true;
    for _ in 0..40 {
        let message = vec![0; size];
        while pair.sctp.send(0, BINARY, &message, false) {}
        pair.run_for(Duration::from_millis(500));
    }
    pair.takes_events = true;
    // What the peer still has does not count: it is gone with the peer.
    pair.sctp.abort();
    pair.run();
    assert_eq!(pair.events.pop(), Some(AssociationEvent::Ended));
    pair.events.len() - 1
}

#[test]
fn a_peer_that_ignores_the_window() {
    let window = SctpConfig::default().receive_buffer;
    // A message counts 128 bytes more than it has, and the window is exceeded by so much for all that
    // can be on their way. Some more are held for the owner.
    let most = 2 * window / (4 + 128) + 1024 + 2;
    let taken = ignored_window(4);
    assert!((window / 200..most).contains(&taken), "{taken} tiny messages were taken");
    let most = (window + (256 << 10)) / 1000 + 4;
    let taken = ignored_window(1000);
    assert!((window / 2000..most).contains(&taken), "{taken} messages were taken");
}

#[test]
fn resets_of_everything() {
    let mut pair = RawPair::connected();
    pair.send(0, DCEP, &OPEN);
    let id = pair.association.open(pair.now, ChannelConfig::default()).expect("a channel");
    pair.run();
    pair.events.clear();
    let streams = [0, 1, 2, 3, 400, 65_535];
    for _ in 0..5 {
        pair.sctp.reset(&streams);
        pair.run_for(Duration::from_secs(1));
    }
    assert_eq!(pair.events.len(), 2, "{:?}", pair.events);
    let refused = pair.events.iter().any(|event| match event {
        AssociationEvent::ChannelClosed { id: closed, error: Some(error) } => {
            *closed == id && *error == ChannelFailure::Refused
        }
        _ => false,
    });
    assert!(refused, "{:?}", pair.events);
}

/// What a peer may send at any time, or late, ends nothing.
#[test]
fn harmless_chunks() {
    let mut pair = RawPair::connected();
    let init = pair.sctp.init.clone();
    assert!(!init.is_empty());
    pair.send_packet(&init);
    let chunks: [&[u8]; 6] = [
        // HEARTBEAT ACK, an ERROR of an unknown chunk, ECNE, PAD, and two that nobody knows.
        &[5, 0, 0, 4],
        &[9, 0, 0, 8, 0, 6, 0, 4],
        &[12, 0, 0, 8, 0, 0, 0, 1],
        &[0x84, 0, 0, 8, 0, 0, 0, 0],
        &[0x3f, 0, 0, 4],
        &[0xff, 0, 0, 4],
    ];
    for chunk in chunks {
        let packet = pair.sctp.packet(chunk);
        pair.send_packet(&packet);
        pair.run_for(Duration::from_secs(1));
    }
    assert!(pair.events.is_empty(), "{:?}", pair.events);
    pair.send(0, DCEP, &OPEN);
    assert_eq!(pair.received, [(0, DCEP, vec![2])], "it still answers");
}

/// Messages without an end, in parts of a byte.
#[test]
fn too_many_pieces() {
    let mut pair = RawPair::connected();
    pair.send(0, DCEP, &OPEN);
    pair.events.clear();
    for number in 0..3_000_u32 {
        pair.sctp.send_pieces(number * 20, 20);
        pair.run();
        if !pair.events.is_empty() {
            break;
        }
    }
    let Some(AssociationEvent::Failed(ConnectionFailure::Sctp(text))) = pair.events.last() else {
        panic!("{:?}", pair.events);
    };
    assert!(text.contains("too many pieces"), "{text}");
}

#[test]
fn the_peer_aborts_with_a_reason() {
    let mut pair = RawPair::connected();
    let packet = pair.sctp.packet(&[6, 0, 0, 12, 0, 13, 0, 8, b'o', b'h', b'!', b'\n']);
    pair.send_packet(&packet);
    let [AssociationEvent::Failed(ConnectionFailure::Sctp(text))] = &pair.events[..] else {
        panic!("{:?}", pair.events);
    };
    assert!(text.contains("cause 13 oh!"), "{text}");
}

#[test]
fn the_peer_aborts() {
    let mut pair = RawPair::connected();
    pair.send(0, DCEP, &OPEN);
    pair.send(0, TEXT, b"bye");
    pair.sctp.abort();
    pair.run();
    assert_eq!(pair.events.len(), 4);
    assert!(matches!(pair.events[2], AssociationEvent::ChannelClosed { error: None, .. }));
    assert_eq!(pair.events[3], AssociationEvent::Ended);
}

#[test]
fn the_peer_closes_dtls() {
    for version in [Version::V12, Version::V13] {
        let mut pair = RawPair::new(version, DtlsRole::Server, HashFunction::Sha256);
        pair.run_for(Duration::from_secs(1));
        pair.close_dtls();
        assert_eq!(pair.events, [AssociationEvent::Connected, AssociationEvent::Ended]);
        assert_eq!(pair.association.poll_timeout(), None);
    }
}

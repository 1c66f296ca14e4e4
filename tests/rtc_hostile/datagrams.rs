//! Whatever can come to an open UDP port, from strangers and from the peer; and handshakes of DTLS that
//! lead nowhere.

use std::time::{Duration, Instant};

use saltyrtc::client::ChannelOptions;
use saltyrtc::crypto::{OsRandom, RandomSource};
use saltyrtc::protocol::Role;
use saltyrtc::rtc::association::{
    Association, AssociationEvent, DtlsRole, MessageKind, SctpConfig,
};
use saltyrtc::rtc::certificate::Certificate;
use saltyrtc::task::webrtc::SdpType;
use saltyrtc::task::{ConnectionFailure, ConnectionState};

use super::scene::{Plan, Scene};

/// Random, but with a first byte that makes it look like DTLS, STUN, TURN or nothing.
fn garbage(first: u8) -> Vec<u8> {
    let mut datagram = vec![0; 256];
    OsRandom.fill(&mut datagram);
    datagram.truncate(1 + usize::from(datagram[0]));
    datagram[0] = first;
    if first == 0 && datagram.len() >= 20 {
        // A binding request, as far as the header goes.
        let rest = (datagram.len() - 20) as u16 & !3;
        datagram.truncate(20 + usize::from(rest));
        datagram[1] = 1;
        datagram[2..4].copy_from_slice(&rest.to_be_bytes());
        datagram[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
    } else if (20..=63).contains(&first) && datagram.len() >= 13 {
        let rest = datagram.len() - 13;
        datagram[1..3].copy_from_slice(&[0xfe, 0xfd]);
        datagram[11..13].copy_from_slice(&(rest as u16).to_be_bytes());
    }
    datagram
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_send_garbage() {
    let mut scene = Scene::connected(Plan::default()).await;
    let mut channel = scene.open_named("x").await;
    let stranger = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let victim = scene.wire.path.unwrap();
    let sample: Vec<u8> = garbage(0);
    for round in 0..40 {
        for first in 0..=255 {
            let _ = stranger.send_to(&garbage(first), victim);
            let _ = stranger.send_to(&sample, victim);
            let _ = stranger.send_to(&[], victim);
        }
        let _ = stranger.send_to(&vec![22; 60_000], victim);
        if round % 10 == 0 {
            scene.works(&mut channel).await;
        }
    }
    scene.works(&mut channel).await;
    assert_eq!(scene.problems(), 0);
    scene.memory.stayed_below(16);
}

/// From the address that the connection uses.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_peer_sends_garbage() {
    let mut scene = Scene::connected(Plan::default()).await;
    let mut channel = scene.open_named("x").await;
    for round in 0..40 {
        for first in 0..=255 {
            scene.wire.send_raw(&garbage(first));
        }
        if round % 10 == 0 {
            scene.works(&mut channel).await;
        }
    }
    scene.works(&mut channel).await;
    scene.memory.stayed_below(16);
}

/// Everything comes three times at once, and once more much later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn datagrams_are_replayed() {
    for setup in ["active", "passive"] {
        let mut scene = Scene::new(Plan { setup, ..Plan::default() }).await;
        scene.wire.history = Some(Vec::new());
        scene.wire.copies = 3;
        scene.connect().await;
        let mut channel = scene.open_named("x").await;
        scene.unseen.clear();
        for round in 0..20_u8 {
            for number in 0..10 {
                let message = channel.seal(&[round, number]);
                scene.send(channel.id, MessageKind::Binary, message).await;
            }
            for datagram in scene.wire.history.clone().unwrap() {
                scene.wire.send_raw(&datagram);
            }
            // Each once, and in order.
            for number in 0..10 {
                assert_eq!(scene.message(channel.number).await.1, [round, number]);
            }
        }
        scene.works(&mut channel).await;
        assert_eq!(scene.unseen.len(), 0, "{:?}", scene.unseen);
        scene.memory.stayed_below(16);
    }
}

/// A thousand handshakes begin, all of them by somebody else than the peer said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_handshakes() {
    let mut scene = Scene::new(Plan { setup: "active", ..Plan::default() }).await;
    scene.wire.allowance = 0;
    let wanted = scene.victim.open_channel(ChannelOptions::new("x")).unwrap();
    scene.send_description(SdpType::Offer, scene.wire.description());
    scene.until("path", |scene| scene.wire.path).await;
    let certificate = Certificate::generate().unwrap();
    for _ in 0..50 {
        let config = SctpConfig::default();
        let (now, role) = (Instant::now(), DtlsRole::Client);
        let mut other = Association::new(now, role, &certificate, Vec::new(), &config);
        while let Some(datagram) = other.poll_transmit() {
            for _ in 0..20 {
                scene.wire.send_raw(&datagram);
            }
        }
    }
    scene.signalling_works().await;
    scene.memory.stayed_below(16);
    // Whatever came of it, it ends in order.
    scene.hostile.close();
    scene.end().await;
    scene.is_over(wanted).await;
}

/// A handshake that stops after each of its first datagrams.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_that_stops() {
    for setup in ["active", "passive"] {
        for allowance in 0..3 {
            let mut scene = Scene::new(Plan { setup, ..Plan::default() }).await;
            scene.wire.allowance = allowance;
            let wanted = scene.victim.open_channel(ChannelOptions::new("x")).unwrap();
            scene.send_description(SdpType::Offer, scene.wire.description());
            scene.until("path", |scene| scene.wire.path).await;
            scene.until("stop", |scene| (scene.wire.allowance == 0).then_some(())).await;
            scene.signalling_works().await;
            assert_eq!(scene.victim.rtc_stats().unwrap().state, ConnectionState::Connecting);
            scene.hostile.close();
            scene.end().await;
            scene.is_over(wanted).await;
        }
    }
}

/// The same without a network, with a clock of its own: it is given up in the end.
#[test]
fn a_handshake_that_stops_is_given_up() {
    let certificate = Certificate::generate().unwrap();
    let fingerprints = vec![certificate.fingerprint().clone()];
    for role in [DtlsRole::Client, DtlsRole::Server] {
        let start = Instant::now();
        let config = SctpConfig::default();
        let mut ours = Association::new(start, role, &certificate, fingerprints.clone(), &config);
        if role == DtlsRole::Server {
            // The first flight arrives.
            let role = DtlsRole::Client;
            let mut other =
                Association::new(start, role, &certificate, fingerprints.clone(), &config);
            while let Some(datagram) = other.poll_transmit() {
                ours.handle_datagram(start, &datagram);
            }
        }
        let mut sent = 0;
        let error = loop {
            while ours.poll_transmit().is_some() {
                sent += 1;
            }
            match ours.poll_event() {
                Some(AssociationEvent::Failed(error)) => break error,
                Some(event) => panic!("{event:?}"),
                None => {}
            }
            let at = ours.poll_timeout().expect("it does not wait for ever");
            assert!(at < start + Duration::from_secs(180), "it gives up");
            ours.handle_timeout(at);
        };
        assert_eq!(error, ConnectionFailure::NoAnswer);
        assert!((2..200).contains(&sent), "{sent} datagrams");
    }
}

/// The path is there, and the other end says nothing on it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_answers_checks_only() {
    let plan = Plan { role: Role::Responder, setup: "active", ..Plan::default() };
    let mut scene = Scene::new(plan).await;
    scene.wire.allowance = 0;
    scene.until("path", |scene| scene.wire.path).await;
    scene.state(ConnectionState::Connecting).await;
    // The initiator makes a new connection when its application wants one.
    scene.victim.restart_ice().unwrap();
    scene.until("offer", |scene| (scene.descriptions.len() == 2).then_some(())).await;
    scene.signalling_works().await;
}

//! The signalling after its handover, when the channel that it goes over carries anything else.

use std::time::Instant;

use saltyrtc::client::{ClosedBy, EndReason, Event};
use saltyrtc::crypto::{OsRandom, RandomSource};
use saltyrtc::rtc::association::{
    AssociationEvent, ChannelConfig, ChannelId, MessageKind, SctpConfig,
};
use saltyrtc::rtc::certificate::Certificate;
use saltyrtc::task::webrtc::SdpType;

use super::scene::{Opened, Plan, Scene};

/// Connected, with a channel of the application, and the channel for the signalling.
async fn connected() -> (Scene, Opened, ChannelId) {
    with_channels(Scene::connected(Plan { handover: true, ..Plan::default() }).await).await
}

pub async fn with_channels(mut scene: Scene) -> (Scene, Opened, ChannelId) {
    let signalling = scene.hostile.signalling_channel().expect("a channel for the signalling");
    let config = ChannelConfig { negotiated: Some(signalling.id), ..ChannelConfig::default() };
    let id = scene.association().open(Instant::now(), config).expect("a channel");
    let channel = scene.open_named("x").await;
    (scene, channel, id)
}

pub async fn handed_over() -> (Scene, Opened, ChannelId) {
    hand_over(connected().await).await
}

/// The same with a peer that takes messages of this size.
pub async fn handed_over_with(max_message_size: usize) -> (Scene, Opened, ChannelId) {
    let sctp = SctpConfig { max_message_size, remote_max_message_size: 0, ..SctpConfig::default() };
    let mut scene = Scene::new(Plan { handover: true, sctp, ..Plan::default() }).await;
    scene.wire.max_message_size = max_message_size.to_string();
    scene.connect().await;
    hand_over(with_channels(scene).await).await
}

pub async fn hand_over(
    (mut scene, mut channel, id): (Scene, Opened, ChannelId),
) -> (Scene, Opened, ChannelId) {
    scene.signalling = Some(id);
    scene.hostile.hand_over(262_144).expect("a handover");
    scene.event("handover", |event| matches!(event, Event::HandedOver).then_some(())).await;
    // What comes over the channel is for the client of the hostile peer from now on, who needs nothing of it.
    scene.works(&mut channel).await;
    (scene, channel, id)
}

/// Covers W-019 W-028 W-049.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_after_the_handover() {
    let mut random = vec![0; 400];
    OsRandom.fill(&mut random);
    let cases: [Vec<u8>; 5] =
        [vec![1], vec![1; 9], [&[1][..], &[0; 100]].concat(), random, vec![0xff; 100_000]];
    for message in cases {
        let (mut scene, channel, id) = handed_over().await;
        scene.send(id, MessageKind::Binary, message.clone()).await;
        let end = scene.end().await;
        assert_eq!((end.by, end.code), (ClosedBy::Us, Some(3001)), "{message:?}");
        assert!(matches!(end.reason, EndReason::PeerProtocolError(_)), "{end}");
        scene.is_over(channel.number).await;
        scene.memory.stayed_below(16);
    }
}

/// A whole chunk, but nothing that can be decrypted.
fn garbage(number: u32, size: usize) -> Vec<u8> {
    let mut chunk = vec![0; 9 + size];
    chunk[0] = 1;
    chunk[1..5].copy_from_slice(&number.to_be_bytes());
    chunk
}

/// Covers W-031.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_before_the_handover() {
    let (mut scene, mut channel, id) = connected().await;
    scene.send(id, MessageKind::Binary, garbage(0, 100)).await;
    scene.works(&mut channel).await;
    // It is looked at when the peer has handed over.
    scene.signalling = Some(id);
    scene.hostile.hand_over(262_144).expect("a handover");
    let end = scene.end().await;
    assert!(matches!(end.reason, EndReason::PeerProtocolError(_)), "{end}");
}

/// The handover never comes, but everything that would follow it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_before_the_handover() {
    let (mut scene, channel, id) = connected().await;
    let mut number = 0;
    scene
        .until("end", |scene| {
            for _ in 0..4 {
                number += 1;
                let message = garbage(number, 60_000).into();
                let _ = scene.association().send(Instant::now(), id, MessageKind::Binary, message);
            }
            scene.unseen.iter().any(|event| matches!(event, Event::Closed(_))).then_some(())
        })
        .await;
    let end = scene.end().await;
    assert!(matches!(end.reason, EndReason::PeerProtocolError(_)), "{end}");
    scene.is_over(channel.number).await;
    scene.memory.stayed_below(32);
}

/// A message that has no end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_without_an_end() {
    let (mut scene, _, id) = handed_over().await;
    for serial in 0..1000_u32 {
        let mut chunk = vec![0; 60_000];
        chunk[4] = 0xff;
        chunk[5..9].copy_from_slice(&serial.to_be_bytes());
        let sent = scene
            .until("room", |scene| {
                use saltyrtc::rtc::association::SendError::QueueFull;
                let data = chunk.clone().into();
                match scene.association().send(Instant::now(), id, MessageKind::Binary, data) {
                    Err(QueueFull) => None,
                    other => Some(other),
                }
            })
            .await;
        if sent.is_err() {
            break;
        }
    }
    let end = scene.end().await;
    assert!(matches!(end.reason, EndReason::PeerProtocolError(_)), "{end}");
    scene.memory.stayed_below(24);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_channel_is_closed() {
    let (mut scene, channel, id) = handed_over().await;
    scene.association().close(Instant::now(), id);
    let end = scene.end().await;
    assert_eq!(end.reason, EndReason::SignallingChannelLost, "{end}");
    scene.is_over(channel.number).await;
}

/// After the handover everything depends on the connection, so that there cannot be another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_fingerprint_in_a_later_offer() {
    let (mut scene, mut channel, _) = handed_over().await;
    let ours = scene.wire.certificate.fingerprint().to_string();
    let other = Certificate::generate().unwrap().fingerprint().to_string();
    scene.send_description(SdpType::Offer, scene.wire.description().replace(&ours, &other));
    assert!(scene.problem_text().await.contains("another connection"));
    scene.works(&mut channel).await;
    // Nothing of it was answered.
    assert_eq!(scene.descriptions.len(), 1);
    let closed = |event: &AssociationEvent| matches!(event, AssociationEvent::ChannelClosed { .. });
    assert!(!scene.wire.events.iter().any(closed));
}

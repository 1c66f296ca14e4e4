//! The good-bye comes after everything else, on either side, even if the other one makes that difficult.

use std::time::Duration;

use saltyrtc::client::{ChannelOptions, ClientState, ClosedBy, Event, RtcConfig};
use saltyrtc::protocol::ChannelTransmit;
use saltyrtc::protocol::message::Payload;
use saltyrtc::rtc::association::{AssociationEvent, ChannelId, MessageKind};
use saltyrtc::task::{ChannelEvent, ConnectionState, TaskEvent};

use super::scene::{Plan, Scene};
use super::signalling::{hand_over, handed_over, handed_over_with, with_channels};

fn is_message_on(id: ChannelId) -> impl Fn(&AssociationEvent) -> bool {
    move |event| matches!(event, AssociationEvent::Message { id: it, .. } if *it == id)
}

/// A message that was lost on its way is sent once more: the good-bye must not overtake it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_good_bye_waits_until_the_peer_has_confirmed_the_rest() {
    let (mut scene, channel, signalling) = handed_over().await;
    scene.wire.allowance = 0;
    scene.victim.channel_send_bytes(channel.number, b"last words").unwrap();
    scene.victim.close();
    scene
        .until("last words", |scene| {
            scene.wire.events.iter().any(is_message_on(channel.id)).then_some(())
        })
        .await;
    // If it were to come it would have come with the message.
    let never = scene.until("the good-bye", |scene| {
        scene.wire.events.iter().any(is_message_on(signalling)).then_some(())
    });
    assert!(tokio::time::timeout(Duration::from_millis(200), never).await.is_err());
    scene.wire.allowance = usize::MAX;
    scene
        .until("the good-bye", |scene| {
            scene.wire.events.iter().any(is_message_on(signalling)).then_some(())
        })
        .await;
}

async fn delivered(scene: &mut Scene) {
    scene
        .until("delivery", |scene| (scene.association().unacknowledged() == 0).then_some(()))
        .await;
}

/// What has arrived waits for the application, although the peer has gone since. The end does not wait for the
/// application to take it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_is_lost_after_everything_that_it_has_sent() {
    const COUNT: u32 = 3000;
    let victim = RtcConfig { unreachable_timeout: Duration::from_secs(5), ..RtcConfig::default() };
    let scene = Scene::connected(Plan { handover: true, victim, ..Plan::default() }).await;
    let (mut scene, mut channel, signalling) = hand_over(with_channels(scene).await).await;
    scene.unseen.clear();
    scene.victim_reads = false;
    for number in 0..COUNT {
        let message = channel.seal(&number.to_be_bytes());
        scene.send(channel.id, MessageKind::Binary, message).await;
    }
    delivered(&mut scene).await;
    scene.hostile.close();
    loop {
        match scene.hostile.next_event().await {
            Some(Event::SignallingChannel(ChannelTransmit::Message(close))) => {
                scene.send(signalling, MessageKind::Binary, close).await;
            }
            Some(Event::SignallingChannel(ChannelTransmit::Close)) => break,
            other => assert!(other.is_some(), "the end of the channel is waited for"),
        }
    }
    delivered(&mut scene).await;
    scene.wire.mute = true;
    scene
        .until("end without a path", |scene| {
            let state = scene.victim.rtc_stats().unwrap().state;
            (state == ConnectionState::Closed).then_some(())
        })
        .await;
    assert_eq!(scene.victim.state(), ClientState::Closed);
    scene.victim_reads = true;
    let mut next = 0;
    let end = scene
        .until("end", |scene| match scene.unseen.pop_front()? {
            Event::Task(TaskEvent::Channel(ChannelEvent::Message { data, .. })) => {
                assert_eq!(data[..], u32::to_be_bytes(next));
                next += 1;
                None
            }
            Event::Closed(end) => Some(end),
            _ => None,
        })
        .await;
    assert_eq!((next, end.by, end.code), (COUNT, ClosedBy::Peer, Some(1001)));
}

/// One message can take all of the room that there is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_message_does_not_swallow_the_signalling() {
    const SIZE: usize = 8 << 20;
    let (mut scene, _, signalling) = handed_over_with(SIZE).await;
    let options = ChannelOptions { secure: false, ..ChannelOptions::new("plain") };
    let plain = scene.victim.open_channel(options).unwrap();
    scene
        .channel("opening", |event| {
            matches!(event, ChannelEvent::Opened { channel, .. } if *channel == plain).then_some(())
        })
        .await;
    scene.wire.events.clear();
    scene.wire.allowance = 0;
    scene.victim.channel_send_bytes(plain, &vec![1; SIZE]).unwrap();
    scene.victim.send_application(Payload::from_text("still here")).unwrap();
    // Opens one after the other, as soon as there is room.
    let later = scene.victim.open_channel(ChannelOptions::new("later")).unwrap();
    scene.wire.allowance = usize::MAX;
    scene
        .until("the message", |scene| {
            scene.wire.events.iter().any(is_message_on(signalling)).then_some(())
        })
        .await;
    scene
        .channel("opening", |event| {
            matches!(event, ChannelEvent::Opened { channel, .. } if *channel == later).then_some(())
        })
        .await;
}

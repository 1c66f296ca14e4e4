//! One side sends, and the other does not take it.

use std::time::{Duration, Instant};

use saltyrtc::client::{ChannelError, Event, RtcConfig};
use saltyrtc::rtc::association::{AssociationEvent, MessageKind, SctpConfig};
use saltyrtc::task::{ChannelEvent, TaskEvent};

use super::scene::{Plan, Scene};

const SIZE: usize = 65_536;

/// How many times in a row nothing was taken, before it counts as that nothing more will be.
const REFUSALS: usize = 2000;
/// And so long nothing must have been taken: on a busy machine the threads of the victim are not asked so often.
const QUIET: Duration = Duration::from_secs(1);

impl Scene {
    /// Gives everybody else a turn.
    async fn turn(&mut self) {
        self.wire.receive();
        self.wire.drive();
        tokio::task::yield_now().await;
    }

    /// Calls `send`, with the number of the message, until it is refused for good. Returns how many were
    /// taken.
    async fn send_until_full(&mut self, mut send: impl FnMut(&mut Self, u32) -> bool) -> u32 {
        let (mut sent, mut refused) = (0, 0);
        let mut since = Instant::now();
        while refused < REFUSALS || since.elapsed() < QUIET {
            if send(self, sent) {
                (sent, refused) = (sent + 1, 0);
                since = Instant::now();
            } else {
                refused += 1;
            }
            self.turn().await;
            // For when it goes on and on.
            self.memory.stayed_below(64);
        }
        sent
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_never_reads() {
    let mut scene = Scene::connected(Plan::default()).await;
    let channel = scene.open_named("x").await;
    scene.wire.reads = false;
    let message = vec![1; SIZE];
    let sent = scene
        .send_until_full(|scene, _| {
            match scene.victim.channel_send_bytes(channel.number, &message) {
                Ok(()) => true,
                Err(ChannelError::QueueFull) => false,
                Err(error) => panic!("{error}"),
            }
        })
        .await;
    // The queue here, and what SCTP holds at either side.
    let taken = sent as usize * SIZE;
    assert!((4 << 20..20 << 20).contains(&taken), "{taken} bytes");
    let waits = scene.victim.channel_buffered_amount(channel.number).unwrap();
    assert!((2 << 20..=(4 << 20) + SIZE).contains(&waits), "{waits} bytes");
    scene.signalling_works().await;
    scene.memory.stayed_below(32);
    // It reads again.
    scene.wire.reads = true;
    scene
        .channel("room", |event| matches!(event, ChannelEvent::LowWater { .. }).then_some(()))
        .await;
    scene
        .until("everything", |scene| {
            let messages = scene.wire.events.iter();
            let messages =
                messages.filter(|event| matches!(event, AssociationEvent::Message { .. }));
            (messages.count() >= sent as usize).then_some(())
        })
        .await;
}

async fn an_application_that_takes_no_events(size: usize) {
    let sctp =
        SctpConfig { remote_max_message_size: 0, send_buffer: 1 << 20, ..SctpConfig::default() };
    let victim = RtcConfig { plain_labels: vec!["plain".into()], ..RtcConfig::default() };
    let mut scene = Scene::connected(Plan { sctp, victim, ..Plan::default() }).await;
    let channel = scene.open_named("plain").await;
    scene.unseen.clear();
    scene.victim_reads = false;
    let sent = scene
        .send_until_full(|scene, number| {
            let mut message = vec![0; size];
            message[..4].copy_from_slice(&number.to_be_bytes());
            let association = scene.association();
            let message = message.into();
            association.send(Instant::now(), channel.id, MessageKind::Binary, message).is_ok()
        })
        .await;
    scene.memory.stayed_below(48);
    scene.victim_reads = true;
    for number in 0..sent {
        let event = scene.until("message", |scene| scene.unseen.pop_front()).await;
        let Event::Task(TaskEvent::Channel(ChannelEvent::Message { data, .. })) = event else {
            panic!("{event:?}");
        };
        assert_eq!((data.len(), &data[..4]), (size, &number.to_be_bytes()[..]));
    }
    scene.memory.stayed_below(64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_takes_no_events_gets_large_messages() {
    an_application_that_takes_no_events(SIZE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_takes_no_events_gets_small_messages() {
    an_application_that_takes_no_events(4).await;
}

/// Offers, each of which makes a new connection, to an application that looks at nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_takes_no_events_gets_offers() {
    use saltyrtc::protocol::message::Payload;
    use saltyrtc::rtc::fingerprint::{Fingerprint, HashFunction};
    use saltyrtc::task::webrtc::{SdpType, SessionDescription};

    let mut scene = Scene::new(Plan::default()).await;
    scene.cooperative = false;
    scene.victim_reads = false;
    let good = scene.wire.description();
    let ours = scene.wire.certificate.fingerprint().to_string();
    for index in 0..300_u32 {
        let other = Fingerprint::of(HashFunction::Sha256, &index.to_be_bytes()).to_string();
        let offer = SessionDescription::new(SdpType::Offer, good.replace(&ours, &other));
        if scene.hostile.send_offer(&offer).is_err() {
            break;
        }
        scene.turn().await;
    }
    scene.victim_reads = true;
    // It gets to what came after them, or has found that there are too many.
    let _ = scene.hostile.send_application(Payload::from_text("are you there?"));
    scene
        .event("end", |event| {
            matches!(event, Event::Closed(_) | Event::Application(_)).then_some(())
        })
        .await;
    scene.memory.stayed_below(48);
}

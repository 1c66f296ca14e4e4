//! Channels that the peer should not open, and messages that it should not send.

use std::time::Instant;

use bytes::Bytes;
use saltyrtc::chunking::{Chunker, Mode};
use saltyrtc::client::{self, Event, RtcConfig};
use saltyrtc::protocol::SecureChannelError;
use saltyrtc::rtc::association::{
    AssociationEvent, ChannelConfig, MessageKind, SctpConfig, SendError,
};
use saltyrtc::task::{ChannelEvent, ChannelFailure, ChannelMessageError, TaskEvent};

use super::scene::{Opened, Plan, Scene};

fn named(label: &str) -> ChannelConfig {
    ChannelConfig { label: label.into(), ..ChannelConfig::default() }
}

fn plain() -> Plan {
    let victim = RtcConfig { plain_labels: vec!["plain".into()], ..RtcConfig::default() };
    Plan { victim, ..Plan::default() }
}

/// What is wrong with a message, and how to make it.
type Bad = (&'static str, fn(&mut Opened, &mut Opened) -> Vec<u8>);

const BAD: [Bad; 15] = [
    ("empty", |_, _| Vec::new()),
    ("one byte", |_, _| vec![1]),
    ("less than a header", |_, _| vec![1, 0, 0, 0, 0, 0, 0, 0]),
    ("a header alone", |_, _| vec![1, 0, 0, 0, 0, 0, 0, 0, 0]),
    ("an unknown header", |_, _| vec![0xff; 100]),
    ("less than a nonce", |_, _| vec![1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]),
    ("a nonce alone", |channel, _| channel.seal(b"x")[..33].to_vec()),
    ("zeros", |_, _| [&[1][..], &[0; 200]].concat()),
    ("plain text", |_, _| b"hello, this is not encrypted, not at all, and it is long".to_vec()),
    ("without a header", |channel, _| channel.secure.encrypt(b"x").unwrap()),
    ("cut off", |channel, _| {
        let mut message = channel.seal(b"hello");
        message.pop();
        message
    }),
    ("changed", |channel, _| {
        let mut message = channel.seal(b"hello");
        *message.last_mut().unwrap() ^= 1;
        message
    }),
    ("with another channel's number", |channel, _| {
        let mut message = channel.seal(b"hello");
        message[9 + 17] ^= 2;
        message
    }),
    ("of another channel", |_, other| other.seal(b"hello")),
    ("with a part that is missing", |channel, _| {
        // The second of two chunks, and then the second again.
        let sealed = channel.secure.encrypt(b"hello").unwrap();
        let mut chunks = channel.chunker.chunk(sealed, 30).unwrap();
        let first = chunks.next().unwrap();
        let mut wrong = first.clone();
        wrong[0] = 1;
        wrong
    }),
];

/// Covers W-019 W-049 W-055.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_messages_on_secure_channels() {
    let mut scene = Scene::connected(Plan::default()).await;
    let mut good = scene.open_named("good").await;
    for (name, make) in BAD {
        let mut channel = scene.open_named(name).await;
        scene.works(&mut channel).await;
        let message = make(&mut channel, &mut good);
        scene.send(channel.id, MessageKind::Binary, message).await;
        let error = scene.channel_closed(channel.number).await;
        let Some(ChannelFailure::Message(error)) = error else { panic!("{name}: {error:?}") };
        let text = error.to_string();
        assert!(!text.is_empty() && text.len() < 300, "{name}: {text}");
        scene.works(&mut good).await;
        let sent = scene.victim.channel_send_bytes(channel.number, b"x");
        assert_eq!(sent, Err(client::ChannelError::NotOpen), "{name}");
        // The peer learns it too.
        scene
            .until("end of the channel", |scene| {
                let closed = AssociationEvent::ChannelClosed { id: channel.id, error: None };
                scene.wire.events.contains(&closed).then_some(())
            })
            .await;
        scene.wire.events.clear();
    }
    assert!(scene.unseen.iter().all(|event| !is_message(event)));
}

fn is_closed(event: &&AssociationEvent) -> bool {
    matches!(event, AssociationEvent::ChannelClosed { .. })
}

fn is_message(event: &Event) -> bool {
    matches!(event, Event::Task(TaskEvent::Channel(ChannelEvent::Message { .. })))
}

/// Covers W-054.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_comes_twice() {
    let mut scene = Scene::connected(Plan::default()).await;
    let mut good = scene.open_named("good").await;
    let mut channel = scene.open_named("x").await;
    let message = Bytes::from(channel.seal(b"once"));
    scene.send(channel.id, MessageKind::Binary, message.clone()).await;
    scene.send(channel.id, MessageKind::Binary, message).await;
    assert_eq!(scene.message(channel.number).await.1, b"once");
    let error = scene.channel_closed(channel.number).await;
    let Some(ChannelFailure::Message(ChannelMessageError::Sealed(error))) = error else {
        panic!("{error:?}");
    };
    assert!(matches!(error, SecureChannelError::Repeated(_)), "{error:?}");
    assert!(!scene.unseen.iter().any(is_message));
    scene.works(&mut good).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_are_too_large() {
    let victim = RtcConfig { max_message_size: 100_000, ..plain().victim };
    let mut scene = Scene::connected(Plan { victim, ..Plan::default() }).await;
    let mut good = scene.open_named("good").await;
    let mut channel = scene.open_named("x").await;
    for size in [100_000, 100_001, 10_000_000] {
        let sealed = channel.secure.encrypt(&vec![7; size]).unwrap();
        for chunk in channel.chunker.chunk(sealed, 16_384).unwrap() {
            if scene.association().send(
                Instant::now(),
                channel.id,
                MessageKind::Binary,
                chunk.into(),
            ) == Err(SendError::NotOpen)
            {
                break;
            }
        }
        if size == 100_000 {
            assert!(scene.message(channel.number).await.1 == vec![7; size]);
        } else {
            let error = scene.channel_closed(channel.number).await;
            let Some(ChannelFailure::Message(ChannelMessageError::Chunk(error))) = error else {
                panic!("{size}: {error:?}");
            };
            assert!(error.is_limit(), "{size}: {error:?}");
            channel = scene.open_named(&size.to_string()).await;
        }
        scene.works(&mut good).await;
    }
    // As for plain ones, SCTP is the limit.
    for size in [262_144, 262_145, 1_000_000] {
        let channel = scene.open_named("plain").await;
        scene.send(channel.id, MessageKind::Text, vec![b'x'; size]).await;
        if size == 262_144 {
            assert_eq!(scene.message(channel.number).await, (true, vec![b'x'; size]));
        } else {
            let error = scene.channel_closed(channel.number).await;
            let too_large = ChannelMessageError::TooLarge { size, limit: 262_144 };
            assert_eq!(error, Some(ChannelFailure::Message(too_large)));
        }
        scene.works(&mut good).await;
    }
    scene.memory.stayed_below(64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_that_is_none() {
    let mut scene = Scene::connected(plain()).await;
    let channel = scene.open_named("plain").await;
    let cases: [(&[u8], bool); 4] =
        [(b"\xff\xfe\xfd", false), (b"\xed\xa0\x80", false), (b"", true), ("ü".as_bytes(), true)];
    for (data, text) in cases {
        scene.send(channel.id, MessageKind::Text, data).await;
        assert_eq!(scene.message(channel.number).await, (text, data.to_vec()));
    }
    scene.send(channel.id, MessageKind::Binary, &b""[..]).await;
    assert_eq!(scene.message(channel.number).await, (false, Vec::new()));
}

/// Messages of which only the beginning comes: of one channel, then of several together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_are_never_complete() {
    let victim = RtcConfig { max_message_size: 1 << 20, ..RtcConfig::default() };
    // What waits at the hostile peer counts, too.
    let sctp =
        SctpConfig { remote_max_message_size: 0, send_buffer: 100_000, ..SctpConfig::default() };
    let mut scene = Scene::connected(Plan { victim, sctp, ..Plan::default() }).await;
    let mut good = scene.open_named("good").await;
    let chunk = |message: u32, size: usize| {
        let mut chunk = vec![0; 9 + size];
        chunk[1..5].copy_from_slice(&message.to_be_bytes());
        chunk
    };
    let mut first = scene.open_named("first").await;
    for message in 1..200 {
        scene.send(first.id, MessageKind::Binary, chunk(message, 60_000)).await;
    }
    for message in 200..20_000 {
        scene.send(first.id, MessageKind::Binary, chunk(message, 1)).await;
    }
    // It is still good for messages that come to an end.
    first.chunker = Chunker::starting_with(Mode::UnreliableUnordered, 1 << 31);
    scene.works(&mut first).await;
    let mut channels = vec![first];
    for label in ["second", "third", "fourth"] {
        channels.push(scene.open_named(label).await);
    }
    for message in 20_000..20_040 {
        for channel in &channels {
            // Those that are closed already take nothing.
            let data = chunk(message, 60_000).into();
            let _ = scene.association().send(Instant::now(), channel.id, MessageKind::Binary, data);
        }
        scene.works(&mut good).await;
    }
    let error = scene
        .channel("end of a channel", |event| match event {
            ChannelEvent::Closed { error, .. } => Some(error.clone()),
            _ => None,
        })
        .await;
    let too_many = ChannelMessageError::TooManyIncomplete;
    assert_eq!(error, Some(ChannelFailure::Message(too_many)));
    scene.works(&mut good).await;
    scene.memory.stayed_below(16);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_channels() {
    let victim = RtcConfig { max_channels: 8, ..RtcConfig::default() };
    let mut scene = Scene::connected(Plan { victim, ..Plan::default() }).await;
    let mut good = scene.open_named("good").await;
    let label = "x".repeat(1000);
    for _ in 0..2000 {
        let config = named(&label);
        scene
            .until("room", |scene| {
                scene.association().open(Instant::now(), config.clone()).is_ok().then_some(())
            })
            .await;
    }
    let is_closed =
        |event: &&AssociationEvent| matches!(event, AssociationEvent::ChannelClosed { .. });
    scene
        .until("refusals", |scene| {
            let closed = scene.wire.events.iter().filter(is_closed).count();
            (closed == 1993).then_some(())
        })
        .await;
    scene.works(&mut good).await;
    let opened = scene.unseen.iter().filter(|event| {
        matches!(event, Event::Task(TaskEvent::Channel(ChannelEvent::Opened { .. })))
    });
    assert_eq!(opened.count(), 7);
    assert!((1..=32).contains(&scene.problems()));
    assert_eq!(
        scene.victim.open_channel(client::ChannelOptions::new("x")),
        Err(client::ChannelError::TooManyChannels)
    );
    scene.memory.stayed_below(32);
}

/// The other side has not opened these channels, and never will.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_on_streams_that_nobody_has_opened() {
    let mut scene = Scene::connected(Plan::default()).await;
    let mut good = scene.open_named("good").await;
    for id in (1000..3000).step_by(2) {
        let config = ChannelConfig { negotiated: Some(id), ..ChannelConfig::default() };
        let id = scene.association().open(Instant::now(), config).unwrap();
        scene.send(id, MessageKind::Binary, vec![1; 10_000]).await;
    }
    scene.works(&mut good).await;
    assert_eq!(scene.unseen.iter().filter(|event| is_message(event)).count(), 0);
    scene.memory.stayed_below(24);
}

/// Channels come and go, faster than the application looks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn channels_that_are_opened_and_closed() {
    let mut scene = Scene::connected(Plan::default()).await;
    let mut good = scene.open_named("good").await;
    for _ in 0..200 {
        let mut config = named("passing");
        config.protocol = "y".repeat(60_000);
        let id = scene
            .until("room", |scene| scene.association().open(Instant::now(), config.clone()).ok())
            .await;
        scene.association().close(Instant::now(), id);
    }
    // Some are refused, because too many are not quite closed. The others are told of in full.
    let count = |scene: &Scene, wanted: fn(&ChannelEvent) -> bool| {
        let events = scene.unseen.iter();
        events
            .filter(|event| match event {
                Event::Task(TaskEvent::Channel(event)) => wanted(event),
                _ => false,
            })
            .count()
    };
    scene
        .until("all ends", |scene| {
            let all = scene.wire.events.iter().filter(is_closed).count();
            let opened = count(scene, |event| matches!(event, ChannelEvent::Opened { .. }));
            let closed = count(scene, |event| matches!(event, ChannelEvent::Closed { .. }));
            (all == 200 && opened > 0 && opened == closed).then_some(())
        })
        .await;
    scene.works(&mut good).await;
    scene.memory.stayed_below(48);
}

/// Covers W-020.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_id_that_is_used_again_has_another_cookie() {
    let mut scene = Scene::connected(Plan::default()).await;
    let mut first = scene.open_named("first").await;
    let old = first.seal(b"from before");
    scene.association().close(Instant::now(), first.id);
    scene.channel_closed(first.number).await;
    scene
        .until("end", |scene| {
            let closed = AssociationEvent::ChannelClosed { id: first.id, error: None };
            scene.wire.events.contains(&closed).then_some(())
        })
        .await;
    let mut second = scene.open_named("second").await;
    assert_eq!(second.id, first.id);
    assert_ne!(second.number, first.number);
    scene.works(&mut second).await;
    // Encrypted with the keys of the session, but for another life of the channel.
    scene.send(second.id, MessageKind::Binary, old).await;
    assert!(scene.channel_closed(second.number).await.is_some());
}

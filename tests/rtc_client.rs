//! The built-in WebRTC engine: two clients, the server and the peer-to-peer connection, over real
//! sockets on this host.

#![cfg(all(feature = "webrtc", feature = "server"))]

#[path = "rtc_client/peer.rs"]
mod peer;

use std::time::Duration;

use peer::*;

use saltyrtc::client::{
    ChannelError, ChannelOptions, Client, ClosedBy, Config, ConfigError, EndReason, Event,
    RtcConfig,
};
use saltyrtc::protocol::message::Payload;
use saltyrtc::task::webrtc::{self, Options, WebRtc};
use saltyrtc::task::{ChannelEvent, ChannelFailure, ConnectionState, RelayedData, TaskEvent};

/// Sends messages of this size, each with its number in all of its bytes, until there is no room and
/// nobody makes any. Returns how many were taken.
async fn fill(peer: &mut Peer, channel: u32, size: u32) -> u32 {
    // Full buffers on all of the way are far less.
    const LIMIT: u32 = 64 << 20;
    let mut sent: u32 = 0;
    loop {
        match peer.client.channel_send_bytes(channel, &vec![sent as u8; size as usize]) {
            Ok(()) => sent += 1,
            Err(ChannelError::QueueFull) => {
                let room = peer
                    .channel(|event| matches!(event, ChannelEvent::LowWater { .. }).then_some(()));
                if tokio::time::timeout(Duration::from_secs(2), room).await.is_err() {
                    return sent;
                }
            }
            Err(error) => panic!("{error}"),
        }
        assert!(sent * size < LIMIT, "nobody took anything");
    }
}

/// After the handover, when the connection to the server is gone and nothing else holds the peer back.
#[tokio::test]
async fn an_application_that_takes_nothing_stops_the_peer() {
    let (_server, [(mut a, channel_a), (mut b, channel_b)]) =
        connected(ChannelOptions::new("slow")).await;
    for number in 0..fill(&mut a, channel_a, 64 << 10).await {
        assert_eq!(b.message(channel_b).await[0], number as u8);
    }
}

/// Covers W-016 W-020 W-022 W-029 W-030 W-035 W-056 W-057 W-075 W-076 W-087 W-088 W-095.
#[tokio::test]
async fn the_connection_is_made_handed_over_and_closed() {
    let (server, [(mut a, channel_a), (mut b, channel_b)]) =
        connected(ChannelOptions::new("chat")).await;
    a.state(ConnectionState::Connected).await;
    a.client.channel_send_bytes(channel_a, b"hello b").unwrap();
    b.client.channel_send_text(channel_b, "hello a").unwrap();
    assert_eq!(b.message(channel_b).await, b"hello b");
    assert_eq!(a.message(channel_a).await, b"hello a");
    // The signalling goes over the connection now, and the server is not needed any more.
    server.shutdown().await;
    a.client.send_application(Payload::from_text("over the channel")).unwrap();
    assert_eq!(b.application().await, "over the channel");
    let stats = a.client.rtc_stats().unwrap();
    assert_eq!((&stats.state, stats.channels), (&ConnectionState::Connected, 1));
    assert!(stats.path.is_some() && stats.bytes_sent > 0 && stats.bytes_received > 0);

    a.client.channel_send_bytes(channel_a, b"last words").unwrap();
    a.client.close();
    assert_eq!(b.message(channel_b).await, b"last words");
    let end = b.end().await;
    assert_eq!((end.by, end.code), (ClosedBy::Peer, Some(1001)));
    let end = a.end().await;
    assert_eq!((end.by, end.reason), (ClosedBy::Us, EndReason::Requested));
    assert_eq!(a.client.channel_send_bytes(channel_a, b"x"), Err(ChannelError::NotOpen));
    assert_eq!(a.client.open_channel(ChannelOptions::new("x")), Err(ChannelError::NoEngine));
}

/// The application may close while the engine is in the middle of something.
#[tokio::test]
async fn what_was_sent_just_before_the_end_arrives() {
    for _ in 0..8 {
        let (_server, [(mut a, channel_a), (mut b, channel_b)]) =
            connected(ChannelOptions::new("chat")).await;
        // So that it is.
        for i in 0..100 {
            b.client.channel_send_bytes(channel_b, &[i]).unwrap();
        }
        a.message(channel_a).await;
        a.client.channel_send_bytes(channel_a, b"last words").unwrap();
        a.client.close();
        assert_eq!(b.message(channel_b).await, b"last words");
    }
}

/// A channel that is being closed, and then the client: each end comes after what was sent before.
#[tokio::test]
async fn a_closing_channel_is_emptied_before_the_good_bye() {
    let (_server, [(a, channel_a), (mut b, channel_b)]) =
        connected(ChannelOptions::new("chat")).await;
    let mut sent: u8 = 0;
    while a.client.channel_send_bytes(channel_a, &[sent; 64 << 10]).is_ok() {
        sent += 1;
    }
    a.client.channel_close(channel_a).unwrap();
    a.client.close();
    for number in 0..sent {
        assert_eq!(b.message(channel_b).await[0], number);
    }
    let end = b.end().await;
    assert_eq!((end.by, end.code), (ClosedBy::Peer, Some(1001)));
}

/// One channel per file, each closed as soon as the file is in its queue, while the way is blocked.
#[tokio::test]
async fn many_closing_channels_are_emptied() {
    const SIZE: usize = 500_000;
    let (_server, [(mut a, channel_a), (mut b, channel_b)]) =
        connected(ChannelOptions::new("chat")).await;
    let mut channels = Vec::new();
    for i in 0..6_u8 {
        let label = i.to_string();
        let channel = a.client.open_channel(ChannelOptions::new(&label)).unwrap();
        a.opened(&label).await;
        channels.push((i, channel, b.opened(&label).await));
    }
    let sent = fill(&mut a, channel_a, 64 << 10).await;
    for &(i, channel, _) in &channels {
        a.client.channel_send_bytes(channel, &[i; SIZE]).unwrap();
        a.client.channel_close(channel).unwrap();
    }
    for number in 0..sent {
        assert_eq!(b.message(channel_b).await[0], number as u8);
    }
    for (i, _, channel) in channels {
        assert!(b.message(channel).await == [i; SIZE], "file {i}");
        assert_eq!(b.channel_closed(channel).await, None);
    }
}

/// The good-bye goes over the server then, which can be the faster way.
#[tokio::test]
async fn without_a_handover_what_was_sent_before_the_end_arrives_too() {
    let (_server, url) = start_server();
    let without = || {
        let options = Options { handover: false, ..Options::default() };
        RtcConfig { options, ..RtcConfig::default() }
    };
    let (mut a, mut b) = pair_with(url, without(), without());
    a.state(ConnectionState::Connected).await;
    let at_a = a.client.open_channel(ChannelOptions::new("bulk")).unwrap();
    a.opened("bulk").await;
    let at_b = b.opened("bulk").await;
    for i in 0..30 {
        send(&mut a, at_a, &[i; 100_000]).await;
    }
    a.client.close();
    for i in 0..30 {
        assert!(b.message(at_b).await == [i; 100_000], "message {i}");
    }
    let end = b.end().await;
    assert_eq!((end.by, end.code), (ClosedBy::Peer, Some(1001)));
    let end = a.end().await;
    assert_eq!((end.by, end.reason), (ClosedBy::Us, EndReason::Requested));
}

/// Whoever has an answer can count on it.
#[tokio::test]
async fn what_was_answered_does_not_wait_to_be_sent_any_more() {
    let (_server, [(mut a, channel_a), (mut b, channel_b)]) =
        connected(ChannelOptions::new("chat")).await;
    for round in 0..200 {
        a.client.channel_send_bytes(channel_a, b"question").unwrap();
        b.message(channel_b).await;
        b.client.channel_send_bytes(channel_b, b"answer").unwrap();
        a.message(channel_a).await;
        assert_eq!(a.client.channel_buffered_amount(channel_a), Ok(0), "round {round}");
    }
}

/// Two channels that always have something to send leave room for others.
#[tokio::test(flavor = "multi_thread")]
async fn busy_channels_leave_room_for_another() {
    let (_server, [(mut a, first), (mut b, _)]) = connected(ChannelOptions::new("0")).await;
    let second = a.client.open_channel(ChannelOptions::new("1")).unwrap();
    let third = a.client.open_channel(ChannelOptions::new("2")).unwrap();
    a.opened("1").await;
    a.opened("2").await;
    let at_b = b.opened("2").await;
    let client = a.client.clone();
    let fill = move || {
        for channel in [first, second] {
            while client.channel_send_bytes(channel, &[0; 10_000]).is_ok() {}
        }
    };
    fill();
    let mut others = 0;
    a.client.channel_send_bytes(third, b"urgent").unwrap();
    loop {
        let arrived = b
            .channel(|event| match event {
                ChannelEvent::Message { channel, .. } => Some(*channel),
                _ => None,
            })
            .await;
        if arrived == at_b {
            return;
        }
        others += 1;
        assert!(others < 2000, "20 megabytes of others came first");
        fill();
    }
}

/// Whatever was accepted before the end arrives, whoever ends it.
#[tokio::test]
async fn what_other_threads_send_meanwhile_arrives_or_is_refused() {
    let (_server, [(mut a, channel_a), (mut b, channel_b)]) =
        connected(ChannelOptions::new("chat")).await;
    let senders: Vec<_> = (0..4_u8)
        .map(|thread| {
            let client = a.client.clone();
            std::thread::spawn(move || {
                let mut sent = 0_u32;
                loop {
                    let message = [&[thread], &sent.to_be_bytes()[..]].concat();
                    match client.channel_send_bytes(channel_a, &message) {
                        Ok(()) => sent += 1,
                        Err(ChannelError::QueueFull) => std::thread::yield_now(),
                        Err(_) => return sent,
                    }
                }
            })
        })
        .collect();
    b.message(channel_b).await;
    a.client.close();
    let arrive = async {
        let mut arrived = 1;
        while let Some(event) = in_time(b.client.next_event()).await {
            arrived += u32::from(matches!(
                event,
                Event::Task(TaskEvent::Channel(ChannelEvent::Message { .. }))
            ));
        }
        arrived
    };
    // Who closes waits three seconds at most for a peer that takes nothing.
    let (arrived, _) = tokio::join!(arrive, a.end());
    let sent: u32 = senders.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(arrived, sent);
}

/// Ten megabytes each way, in messages of all kinds of sizes, some larger than SCTP takes.
///
/// Covers W-017 W-018 W-019 W-038 W-040 W-042 W-044 W-046 W-051 W-055.
#[tokio::test(flavor = "multi_thread")]
async fn messages_of_any_size_arrive_complete_and_in_order() {
    let (_server, peers) = connected(ChannelOptions::new("bulk")).await;
    let sizes = [0, 1, 16_384, 65_536, 262_144 - 49, 262_144 - 48, 262_144, 1 << 20, 9 << 20];
    let content = |size: usize| (0..size).map(|i| (i * 31 + size) as u8).collect::<Vec<u8>>();
    let tasks = peers.map(|(mut peer, channel)| {
        tokio::spawn(async move {
            for size in sizes {
                send(&mut peer, channel, &content(size)).await;
            }
            for size in sizes {
                assert!(
                    peer.message(channel).await == content(size),
                    "the message of {size} bytes"
                );
            }
            peer
        })
    });
    let [a, b] = tasks;
    let (mut a, b) = (in_time(a).await.unwrap(), in_time(b).await.unwrap());
    let too_large = a.client.channel_send_bytes(1, &vec![0; (16 << 20) + 1]);
    assert_eq!(too_large, Err(ChannelError::TooLarge { size: (16 << 20) + 1, limit: 16 << 20 }));
    assert_eq!(a.client.channel_buffered_amount(1), Ok(0));
    drop(b);
    a.end().await;
}

/// Covers W-001.
#[tokio::test]
async fn plain_channels_are_possible_and_carry_text() {
    let (_server, url) = start_server();
    let plain = RtcConfig { plain_labels: vec!["plain".into()], ..RtcConfig::default() };
    let (mut a, mut b) = pair_with(url, RtcConfig::default(), plain);
    a.wait_for(|event| matches!(event, Event::PeerHandshakeDone { .. }).then_some(())).await;
    let options = ChannelOptions { secure: false, ..ChannelOptions::new("plain") };
    // Before there is a connection.
    let at_a = a.client.open_channel(options).unwrap();
    let at_b = b.opened("plain").await;
    a.opened("plain").await;
    a.client.channel_send_text(at_a, "text").unwrap();
    let (text, data) = b
        .channel(|event| match event {
            ChannelEvent::Message { channel, text, data } if *channel == at_b => {
                Some((*text, data.clone()))
            }
            _ => None,
        })
        .await;
    assert_eq!((text, &data[..]), (true, &b"text"[..]));
    let too_large = a.client.channel_send_bytes(at_a, &vec![0; 262_145]);
    assert_eq!(too_large, Err(ChannelError::TooLarge { size: 262_145, limit: 262_144 }));
}

/// One side is secure and the other is not.
#[tokio::test]
async fn a_plain_message_on_a_secure_channel_closes_it() {
    let options = ChannelOptions { secure: false, ..ChannelOptions::new("confused") };
    let (_server, [(mut a, at_a), (mut b, at_b)]) = connected(options).await;
    a.client.channel_send_bytes(at_a, b"in the clear").unwrap();
    let error = b.channel_closed(at_b).await;
    assert!(matches!(error, Some(ChannelFailure::Message(_))), "{error:?}");
    assert_eq!(a.channel_closed(at_a).await, None);
    // The rest goes on.
    a.client.send_application(Payload::from_text("still here")).unwrap();
    assert_eq!(b.application().await, "still here");
}

#[tokio::test]
async fn one_channel_among_many_is_closed() {
    let (_server, [(mut a, first), (mut b, _)]) = connected(ChannelOptions::new("0")).await;
    let mut at_a = vec![first];
    let mut at_b = Vec::new();
    for i in 1..20 {
        let label = i.to_string();
        at_a.push(a.client.open_channel(ChannelOptions::new(&label)).unwrap());
        at_b.push(b.opened(&label).await);
        a.opened(&label).await;
    }
    a.client.channel_send_bytes(at_a[7], b"before the end").unwrap();
    a.client.channel_close(at_a[7]).unwrap();
    assert_eq!(a.client.channel_send_bytes(at_a[7], b"x"), Err(ChannelError::NotOpen));
    assert_eq!(b.message(at_b[6]).await, b"before the end");
    assert_eq!(b.channel_closed(at_b[6]).await, None);
    assert_eq!(a.channel_closed(at_a[7]).await, None);
    for (i, (at_a, at_b)) in at_a[1..].iter().zip(&at_b).enumerate() {
        if i != 6 {
            b.client.channel_send_bytes(*at_b, b"here").unwrap();
            assert_eq!(a.message(*at_a).await, b"here");
        }
    }
    let again = a.client.open_channel(ChannelOptions::new("again")).unwrap();
    assert!(!at_a.contains(&again), "numbers are not used twice");
    a.opened("again").await;
}

#[tokio::test]
async fn the_path_is_looked_for_again() {
    let (_server, [(mut a, at_a), (mut b, at_b)]) = connected(ChannelOptions::new("x")).await;
    assert_eq!(b.client.restart_ice(), Err(ChannelError::OtherRole));
    for i in 0..3_u8 {
        a.client.restart_ice().unwrap();
        a.client.channel_send_bytes(at_a, &[i]).unwrap();
        assert_eq!(b.message(at_b).await, [i]);
        b.client.channel_send_bytes(at_b, &[i]).unwrap();
        assert_eq!(a.message(at_a).await, [i]);
    }
}

#[tokio::test]
async fn too_many_channels_are_closed() {
    let (_server, url) = start_server();
    let few = RtcConfig { max_channels: 1, ..RtcConfig::default() };
    let (mut a, mut b) = pair_with(url, RtcConfig::default(), few);
    a.handed_over().await;
    a.client.open_channel(ChannelOptions::new("first")).unwrap();
    b.opened("first").await;
    let second = a.client.open_channel(ChannelOptions::new("second")).unwrap();
    a.channel_closed(second).await;
    let refused = b.client.open_channel(ChannelOptions::new("third"));
    assert_eq!(refused, Err(ChannelError::TooManyChannels));
}

/// Without the handover the signalling stays with the server, and the channels work all the same.
#[tokio::test]
async fn the_handover_can_be_switched_off() {
    let (_server, url) = start_server();
    let mut config = RtcConfig::default();
    config.options.handover = false;
    let (mut a, mut b) = pair_with(url, RtcConfig::default(), config);
    a.state(ConnectionState::Connected).await;
    let at_a = a.client.open_channel(ChannelOptions::new("x")).unwrap();
    let at_b = b.opened("x").await;
    a.opened("x").await;
    a.client.channel_send_bytes(at_a, b"hello").unwrap();
    assert_eq!(b.message(at_b).await, b"hello");
    a.client.send_application(Payload::from_text("by way of the server")).unwrap();
    assert_eq!(b.application().await, "by way of the server");
    b.client.close();
    assert_eq!(a.end().await.by, ClosedBy::Peer);
    b.end().await;
}

#[tokio::test]
async fn nothing_is_possible_without_a_peer_or_an_engine() {
    let (_server, url) = start_server();
    let a = Peer::connect(Config::initiator(url.clone(), keys()), RtcConfig::default());
    assert_eq!(a.client.open_channel(ChannelOptions::new("x")), Err(ChannelError::NoPeer));
    assert_eq!(a.client.restart_ice(), Err(ChannelError::NoPeer));
    assert_eq!(a.client.channel_close(1), Err(ChannelError::NotOpen));
    let config = Config::initiator(url, keys()).with_task(saltyrtc::task::RelayedData);
    let other = Client::connect(config).unwrap();
    assert_eq!(other.rtc_stats(), Err(ChannelError::NoEngine));
}

#[test]
fn a_second_webrtc_task_beside_the_engine_is_refused() {
    let (_server, url) = start_server();
    let config = || Config::initiator(url.clone(), keys()).with_rtc(RtcConfig::default()).unwrap();
    let refused = |config| Client::connect(config).map(drop).unwrap_err();
    let exclude = |name: &str| ConfigError::TasksExclude(webrtc::NAME.into(), name.into());
    let other = WebRtc::v0(Options::default(), 0).unwrap();
    assert_eq!(refused(config().with_task(other)), exclude(webrtc::NAME_V0));
    let same = WebRtc::v1(Options::default()).unwrap();
    assert_eq!(refused(config().with_task(same)), exclude(webrtc::NAME));
    let twice = config().with_rtc(RtcConfig::default()).unwrap();
    assert_eq!(refused(twice), exclude(webrtc::NAME));
    Client::connect(config().with_task(RelayedData)).unwrap();
}

/// The good-bye waits for nothing if there is no connection, or if there is never going to be one.
#[tokio::test]
async fn the_end_does_not_wait_for_an_engine_that_has_nothing_to_deliver() {
    for peer_has_one in [true, false] {
        let (_server, url) = start_server();
        let config = Config::initiator(url, keys());
        let responder = Config::responder(config.invitation().unwrap(), keys());
        let mut a = Peer::connect(config.with_task(RelayedData), RtcConfig::default());
        let mut b = match peer_has_one {
            true => Peer::connect(responder, RtcConfig::default()),
            false => Peer {
                client: Client::connect(responder.with_task(RelayedData)).unwrap(),
                unseen: Vec::new(),
            },
        };
        a.wait_for(|event| matches!(event, Event::PeerHandshakeDone { .. }).then_some(())).await;
        a.client.close();
        let end = b.end().await;
        assert_eq!((end.by, end.code), (ClosedBy::Peer, Some(1001)));
        let end = a.end().await;
        assert_eq!((end.by, end.reason), (ClosedBy::Us, EndReason::Requested));
    }
}

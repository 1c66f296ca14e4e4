//! The built-in engine with the ORTC task: the same as with WebRTC, but for the way in which the two sides describe
//! the connection to each other.

#![cfg(all(feature = "webrtc", feature = "server"))]

#[path = "rtc_client/peer.rs"]
mod peer;

use peer::*;
use saltyrtc::client::{
    ChannelOptions, ClosedBy, Config, ConfigError, EndReason, Event, RtcConfig, RtcTasks,
};
use saltyrtc::protocol::message::Payload;
use saltyrtc::task::ortc::{self, Labelled, Options, Ortc, OrtcMessage, RtpCapabilities};
use saltyrtc::task::{ConnectionEvent, ConnectionProblem, ConnectionState, TaskEvent, webrtc};

use RtcTasks::{Ortc as OnlyOrtc, OrtcThenWebRtc, WebRtc as OnlyWebRtc, WebRtcThenOrtc};

/// Whichever is negotiated, the application notices the name only.
///
/// Covers O-029 O-039 O-040 O-045 O-062 O-063 O-073 O-074 O-121 O-122 O-125 O-129.
#[tokio::test]
async fn the_connection_is_made_handed_over_and_closed() {
    for (tasks, name) in [
        ([OnlyOrtc, OnlyOrtc], ortc::NAME),
        ([OnlyOrtc, WebRtcThenOrtc], ortc::NAME),
        ([OrtcThenWebRtc, WebRtcThenOrtc], ortc::NAME),
        ([WebRtcThenOrtc, OnlyOrtc], ortc::NAME),
        ([WebRtcThenOrtc, OrtcThenWebRtc], webrtc::NAME),
        ([OnlyWebRtc, OrtcThenWebRtc], webrtc::NAME),
    ] {
        let (server, [(mut a, channel_a), (mut b, channel_b)]) =
            connected_with(tasks, ChannelOptions::new("chat")).await;
        assert_eq!(a.client.task().as_deref(), Some(name));
        a.state(ConnectionState::Connected).await;
        a.client.channel_send_bytes(channel_a, b"hello b").unwrap();
        b.client.channel_send_text(channel_b, "hello a").unwrap();
        assert_eq!(b.message(channel_b).await, b"hello b");
        assert_eq!(a.message(channel_a).await, b"hello a");
        // The signalling goes over the connection now, and the server is not needed any more.
        server.shutdown().await;
        a.client.send_application(Payload::from_text("over the channel")).unwrap();
        assert_eq!(b.application().await, "over the channel");
        b.client.send_application(Payload::from_bytes(&[7; 300_000])).unwrap();
        a.wait_for(|event| match event {
            Event::Application(payload) => Some(payload.as_bytes().unwrap().len()),
            _ => None,
        })
        .await;
        a.client.channel_send_bytes(channel_a, b"last words").unwrap();
        a.client.close();
        assert_eq!(b.message(channel_b).await, b"last words");
        let end = b.end().await;
        assert_eq!((end.by, end.code), (ClosedBy::Peer, Some(1001)));
        let end = a.end().await;
        assert_eq!((end.by, end.reason), (ClosedBy::Us, EndReason::Requested));
    }
}

/// Larger than the largest message that the specification lets a peer announce.
///
/// Covers O-018 O-019 O-021 O-024 O-025.
#[tokio::test]
async fn messages_of_any_size_arrive_complete_and_in_order() {
    let (_server, [(mut a, channel_a), (mut b, channel_b)]) =
        connected_with([OnlyOrtc; 2], ChannelOptions::new("files")).await;
    for size in [0, 1, 65_000, 65_535, 65_536, 300_000, 5_000_000] {
        send(&mut a, channel_a, &vec![7; size]).await;
        send(&mut b, channel_b, &vec![8; size]).await;
        assert!(b.message(channel_b).await == vec![7; size], "{size}");
        assert!(a.message(channel_a).await == vec![8; size], "{size}");
    }
}

/// Covers O-064.
#[tokio::test]
async fn the_path_is_looked_for_again() {
    let (_server, [(mut a, channel_a), (mut b, channel_b)]) =
        connected_with([OnlyOrtc; 2], ChannelOptions::new("chat")).await;
    for round in 0..3_u8 {
        a.client.restart_ice().unwrap();
        a.client.channel_send_bytes(channel_a, &[round]).unwrap();
        b.client.channel_send_bytes(channel_b, &[round]).unwrap();
        assert_eq!(b.message(channel_b).await, [round]);
        assert_eq!(a.message(channel_a).await, [round]);
    }
}

/// The engine has no media, but a program beside it may.
///
/// Covers O-097 O-101.
#[tokio::test]
async fn capabilities_of_media_go_to_the_application() {
    let (_server, [(a, _), (mut b, _)]) =
        connected_with([OnlyOrtc; 2], ChannelOptions::new("chat")).await;
    let capabilities = RtpCapabilities::from_msgpack(&[0x80]).unwrap();
    let message = OrtcMessage::RtpCapabilities(vec![Labelled::new("audio", capabilities)]);
    a.client.send_ortc(&message).unwrap();
    let received = b
        .wait_for(|event| match event {
            Event::Task(TaskEvent::Ortc(message)) => Some(message.clone()),
            _ => None,
        })
        .await;
    assert_eq!(received, message);
}

/// One ICE transport is all that there is.
#[tokio::test]
async fn a_second_transport_is_a_problem_that_is_told() {
    let (_server, [(a, _), (mut b, _)]) =
        connected_with([OnlyOrtc; 2], ChannelOptions::new("chat")).await;
    let end = OrtcMessage::IceCandidates(vec![Labelled::new("second", None)]);
    a.client.send_ortc(&end).unwrap();
    let text = b
        .wait_for(|event| match event {
            Event::Task(TaskEvent::Connection(ConnectionEvent::Problem(
                problem @ ConnectionProblem::Description(_),
            ))) => Some(problem.to_string()),
            _ => None,
        })
        .await;
    assert!(text.contains("second transport"), "{text}");
}

#[test]
fn another_ortc_task_beside_the_engine_is_refused() {
    let (_, url) = start_server();
    for tasks in [OnlyWebRtc, OnlyOrtc, OrtcThenWebRtc] {
        let config = Config::initiator(url.clone(), keys());
        let config = config.with_rtc(RtcConfig { tasks, ..RtcConfig::default() }).unwrap();
        let config = config.with_task(Ortc::new(Options::default()).unwrap());
        let error = saltyrtc::client::Client::connect(config).unwrap_err();
        assert!(
            matches!(error, ConfigError::TasksExclude(..) | ConfigError::TaskTwice(_)),
            "{error}"
        );
    }
}

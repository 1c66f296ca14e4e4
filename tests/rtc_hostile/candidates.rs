//! Candidates that are garbage, too many, or name somebody else.

use std::net::UdpSocket;

use saltyrtc::client::{Closed, EndReason, Event, SendFailure, WebRtcSendFailure};
use saltyrtc::protocol::Role;
use saltyrtc::protocol::message::Payload;
use saltyrtc::task::ConnectionProblem;

use super::scene::{Plan, Scene, take};

/// None of these is of any use.
fn garbage() -> Vec<Option<String>> {
    let mut lines = [
        "",
        "candidate:",
        "candidate",
        "\0\0\0\0",
        "\u{1f9c2}\u{1f9c2}\u{1f9c2}",
        "candidate:1 1 udp 1 999.1.1.1 1 typ host",
        "candidate:1 1 udp 1 127.0.0.1 0 typ host",
        "candidate:1 1 udp 1 127.0.0.1 65536 typ host",
        "candidate:1 1 udp 1 224.0.0.251 5353 typ host",
        "candidate:1 1 udp 1 255.255.255.255 9 typ host",
        "candidate:1 1 udp 1 0.0.0.0 9 typ host",
        "candidate:1 1 udp 1 ff02::1 9 typ host",
        "candidate:1 1 udp 1 www.example.org 80 typ host",
        "candidate:1 1 udp 4294967296 192.0.2.1 9 typ host",
        "candidate:1 1 udp 1 192.0.2.1 9 typ host raddr",
        "candidate:1 1 udp 1 192.0.2.1 9",
        "a=a=candidate:1 1 udp 1 192.0.2.1 9 typ host",
    ]
    .map(|line| Some(line.to_owned()))
    .to_vec();
    lines.push(Some("candidate:".to_owned() + &"x".repeat(100_000)));
    lines.push(None);
    lines
}

/// Before there is a description, and while there is a connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_candidates() {
    for role in [Role::Initiator, Role::Responder] {
        let setup = if role == Role::Responder { "active" } else { "actpass" };
        let mut scene = Scene::new(Plan { role, setup, ..Plan::default() }).await;
        scene.send_candidates(garbage());
        scene.connect().await;
        for _ in 0..5 {
            scene.send_candidates(garbage());
        }
        let problem = scene.problem().await;
        assert!(matches!(problem, ConnectionProblem::Candidate(_)), "{problem:?}");
        let text = problem.to_string();
        assert!(text.contains("candidate") && text.len() < 200, "{text}");
        scene.signalling_works().await;
        assert!(scene.problems() < 32);
        let mut channel = scene.open_named("x").await;
        scene.works(&mut channel).await;
        scene.memory.stayed_below(16);
    }
}

/// A connection comes to be all the same: the peer is found by its own checks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_candidates() {
    let mut scene = Scene::new(Plan::default()).await;
    let numbers = |message: u32| (0..1024).map(move |number| message * 1024 + number);
    for message in 0..5 {
        let port = |number| 1024 + number % 60_000;
        let line = |number| match number % 3 {
            0 => format!(
                "candidate:{number} 1 udp {} 127.0.0.1 {} typ host",
                number + 1,
                port(number)
            ),
            1 => format!("candidate:{number} 1 udp 1 192.0.2.1 {} typ srflx", port(number)),
            _ => format!("candidate:{number} 1 udp 1 name-{number}.local 9 typ host"),
        };
        let lines = numbers(message).map(|number| Some(line(number))).collect();
        scene.send_candidates(lines);
        if message == 1 {
            let description = scene.wire.description();
            scene.send_description(saltyrtc::task::webrtc::SdpType::Offer, description);
        }
    }
    scene.connect().await;
    let mut channel = scene.open_named("x").await;
    scene.works(&mut channel).await;
    scene.memory.stayed_below(32);
}

/// What a flood can lead to.
enum Outcome {
    /// The signalling works, both ways.
    Nothing,
    /// The server has told the hostile peer that the victim cannot be reached.
    Unreachable,
    /// The victim has ended.
    Ended(Closed),
}

/// What has come of everything that was sent: somebody can have enough of it later than it was sent.
async fn outcome(scene: &mut Scene) -> Outcome {
    let payload = |event: &Event| matches!(event, Event::Application(_)).then_some(());
    let mut asked = false;
    scene
        .until("an answer or an end", |scene| {
            let closed = take(&mut scene.unseen, |event| match event {
                Event::Closed(closed) => Some(closed.clone()),
                _ => None,
            });
            let left = |event: &Event| matches!(event, Event::PeerLeft { .. }).then_some(());
            if let Some(closed) = closed {
                return Some(Outcome::Ended(closed));
            }
            if take(&mut scene.heard, left).is_some() {
                return Some(Outcome::Unreachable);
            }
            let question = || Payload::from_text("are you there?");
            asked = asked || scene.hostile.send_application(question()).is_ok();
            if take(&mut scene.unseen, payload).is_some() {
                scene.victim.send_application(Payload::from_text("yes")).unwrap();
            }
            take(&mut scene.heard, payload).map(|()| Outcome::Nothing)
        })
        .await
}

/// As fast as they can be sent: somebody may have enough of it, the server (which then says that the victim
/// cannot be reached) or the engine. Otherwise all is well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_candidates() {
    let mut scene = Scene::new(Plan::default()).await;
    let candidate = saltyrtc::task::webrtc::Candidate {
        candidate: "candidate:1 1 udp 1 192.0.2.1 9 typ host generation 0".into(),
        ..Default::default()
    };
    let candidates = vec![Some(candidate); 1024];
    let mut refused = None;
    for _ in 0..100 {
        refused = scene
            .until("room", |scene| match scene.hostile.send_candidates(&candidates) {
                Ok(()) => Some(None),
                Err(WebRtcSendFailure::Message(SendFailure::QueueFull)) => None,
                Err(error) => Some(Some(error)),
            })
            .await;
        if refused.is_some() {
            break;
        }
    }
    let outcome = match refused {
        None => outcome(&mut scene).await,
        Some(WebRtcSendFailure::Message(SendFailure::NoPeer)) => Outcome::Unreachable,
        Some(_) => Outcome::Ended(scene.end().await),
    };
    match outcome {
        Outcome::Nothing => {}
        Outcome::Unreachable => assert!(!scene.victim.ended()),
        Outcome::Ended(end) => {
            assert!(matches!(end.reason, EndReason::PeerProtocolError(_)), "{end}");
        }
    }
    scene.memory.stayed_below(32);
}

/// What the peer says is its address is somebody else's, who gets a few checks and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn candidates_that_point_at_others() {
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    other.set_nonblocking(true).unwrap();
    let port = other.local_addr().unwrap().port();
    let mut scene = Scene::new(Plan::default()).await;
    let line = |number| {
        Some(format!("candidate:{number} 1 udp {} 127.0.0.1 {port} typ host", 2_000_000 + number))
    };
    scene.send_candidates((0..1000).map(line).collect());
    scene.connect().await;
    let mut channel = scene.open_named("x").await;
    for _ in 0..50 {
        scene.works(&mut channel).await;
    }
    let mut buffer = [0; 2048];
    let mut count = 0;
    while let Ok(length) = other.recv(&mut buffer) {
        count += 1;
        assert!(length >= 20 && buffer[..2] == [0, 1], "a binding request of STUN");
        assert_eq!(buffer[4..8], [0x21, 0x12, 0xa4, 0x42]);
    }
    assert!(count < 300, "{count} checks");
}

//! The WebRTC task between two clients: what they agree on, and offers, answers and candidates.

mod support;

use std::time::Duration;

use rmpv::Value;
use saltyrtc::protocol::client::SendFailure;
use saltyrtc::protocol::message::{Payload, TaskMessage};
use saltyrtc::protocol::{ChannelFraming, Role, Task};
use saltyrtc::task::webrtc::{
    self, Candidate, NAME, NAME_V0, Options, SdpType, SessionDescription, WebRtc, WebRtcSendFailure,
};
use saltyrtc::task::{Client, ClientConfig, Event, TaskEvent, relayed_data};
use support::fake_server::FakeServer;
use support::keys;
use support::msg::{Msg, map};
use support::pair::{Id, Pair};
use support::task::{Frame, Tasks, expect_one_message, met};

fn v1(options: Options) -> Box<dyn Task<TaskEvent>> {
    Box::new(WebRtc::v1(options).unwrap())
}

fn v0(max_packet_size: u32) -> Box<dyn Task<TaskEvent>> {
    Box::new(WebRtc::v0(Options::default(), max_packet_size).unwrap())
}

fn default() -> Tasks {
    vec![v1(Options::default())]
}

fn exclude(ids: &[u16]) -> Tasks {
    vec![v1(Options { exclude: ids.to_vec(), ..Options::default() })]
}

fn no_handover() -> Tasks {
    vec![v1(Options { handover: false, ..Options::default() })]
}

const WEBRTC: Frame = Frame {
    name: NAME,
    data: || map(&[("exclude", Value::Array(vec![])), ("handover", true.into())]),
    default,
    no_handover,
};

fn offer(sdp: &str) -> SessionDescription {
    SessionDescription::new(SdpType::Offer, sdp)
}

fn answer(sdp: &str) -> SessionDescription {
    SessionDescription::new(SdpType::Answer, sdp)
}

fn candidate(n: usize) -> Option<Candidate> {
    Some(Candidate {
        candidate: format!("candidate:{n} 1 udp 1 192.0.2.1 {n} typ host"),
        sdp_mid: Some("0".into()),
        sdp_m_line_index: Some(0),
        username_fragment: None,
    })
}

fn task(event: TaskEvent) -> Event {
    Event::Task(event)
}

/// Covers W-058 W-065 W-067 W-073 W-075 W-085.
#[test]
fn peers_exchange_descriptions_and_candidates_in_order() {
    let (mut pair, initiator, responder) = met(default(), default());
    for round in ["first", "second"] {
        pair.act(initiator, |client, now| {
            webrtc::send_offer(client, &offer(round)).unwrap();
            webrtc::send_candidates(client, now, &[candidate(1), None]).unwrap();
            webrtc::send_offer(client, &SessionDescription::rollback()).unwrap();
            client.send_application(Payload::from_text(round)).unwrap();
        });
        pair.settle();
        assert_eq!(
            pair.take_events(responder),
            [
                task(TaskEvent::Offer(offer(round))),
                task(TaskEvent::Candidates(vec![candidate(1), None])),
                task(TaskEvent::Offer(SessionDescription::rollback())),
                Event::Application(Payload::from_text(round)),
            ]
        );
        let early = SessionDescription::new(SdpType::PrAnswer, "early");
        pair.act(responder, |client, now| {
            webrtc::send_candidates(client, now, &[candidate(2)]).unwrap();
            webrtc::send_answer(client, &early).unwrap();
            webrtc::send_answer(client, &answer(round)).unwrap();
        });
        pair.settle();
        assert_eq!(
            pair.take_events(initiator),
            [
                task(TaskEvent::Candidates(vec![candidate(2)])),
                task(TaskEvent::Answer(early)),
                task(TaskEvent::Answer(answer(round))),
            ]
        );
    }
}

/// Covers W-076.
#[test]
fn candidates_that_come_together_are_sent_together() {
    let (mut pair, initiator, responder) = met(default(), default());
    for (from, to) in [(initiator, responder), (responder, initiator)] {
        expect_one_message(&mut pair, from, |pair| {
            for candidate in (0..5).map(candidate).chain([None]) {
                pair.act(from, |client, now| webrtc::send_candidates(client, now, &[candidate]))
                    .unwrap();
            }
        });
        let all = (0..5).map(candidate).chain([None]).collect();
        assert_eq!(pair.take_events(to), [task(TaskEvent::Candidates(all))]);
        assert!(pair.nodes[from].client.poll_timeout().is_none(), "nothing is left to send");
    }
}

/// Before the handover everything goes through the server, in boxes of the session keys.
///
/// Covers W-003 W-005 W-006 W-008 W-037 W-059 W-060 W-066 W-068 W-074 W-077 W-078 W-086.
#[test]
fn messages_look_as_specified() {
    let data = map(&[("exclude", Value::Array(vec![3.into()])), ("handover", true.into())]);
    let [(mut initiator, mut at_responder), (mut responder, mut at_initiator)] =
        WEBRTC.with_fake_peers(|| exclude(&[3]), &data);
    let described = |kind: &str| {
        let content = map(&[("type", kind.into()), ("sdp", "v=0".into())]);
        Msg::new(kind).with(kind, content)
    };
    webrtc::send_offer(&mut initiator.client, &offer("v=0")).unwrap();
    assert_eq!(at_responder.read(&mut initiator), described("offer"));
    webrtc::send_answer(&mut responder.client, &answer("v=0")).unwrap();
    assert_eq!(at_initiator.read(&mut responder), described("answer"));

    let item = map(&[
        ("candidate", candidate(1).unwrap().candidate.into()),
        ("sdpMid", "0".into()),
        ("sdpMLineIndex", 0.into()),
        ("usernameFragment", Value::Nil),
    ]);
    let expected = Msg::new("candidates").with("candidates", Value::Array(vec![item, Value::Nil]));
    for (server, peer) in [(&mut initiator, &mut at_responder), (&mut responder, &mut at_initiator)]
    {
        let now = std::time::Instant::now();
        webrtc::send_candidates(&mut server.client, now, &[candidate(1), None]).unwrap();
        server.client.handle_timeout(now + Duration::from_millis(10));
        assert_eq!(peer.read(server), expected);
        server.expect_silence();

        peer.send(server, &expected);
        let event = task(TaskEvent::Candidates(vec![candidate(1), None]));
        assert_eq!(server.events(), [event]);
    }
    at_initiator.send(&mut responder, &described("offer"));
    assert_eq!(responder.events(), [task(TaskEvent::Offer(offer("v=0")))]);
    at_responder.send(&mut initiator, &described("answer"));
    assert_eq!(initiator.events(), [task(TaskEvent::Answer(answer("v=0")))]);
}

/// Covers W-004 W-007 W-009 W-011 W-013 W-014 W-027.
#[test]
fn the_clients_agree_on_the_signalling_channel() {
    let id = |pair: &Pair, id: Id| pair.nodes[id].client.signalling_channel().map(|c| c.id);
    for (one, two, expected) in [
        (exclude(&[]), exclude(&[]), Ok(0)),
        (exclude(&[0, 2]), exclude(&[1, 2, 4]), Ok(3)),
        (no_handover(), default(), Err(SendFailure::NoHandover)),
        (default(), no_handover(), Err(SendFailure::NoHandover)),
        (keys::relayed(), keys::relayed(), Err(SendFailure::NoHandover)),
    ] {
        let (pair, initiator, responder) = met(one, two);
        assert_eq!(id(&pair, initiator), expected);
        assert_eq!(id(&pair, responder), expected);
    }
}

/// Covers W-003.
#[test]
fn version_0_is_for_those_who_have_nothing_better() {
    let both = || vec![v1(Options::default()), v0(16_384)];
    for (one, two, name, chunk) in [
        (both(), both(), NAME, 262_144),
        (both(), default(), NAME, 262_144),
        (vec![v0(1200)], both(), NAME_V0, 1200),
        (both(), vec![v0(0)], NAME_V0, 16_384),
    ] {
        let (mut pair, initiator, responder) = met(one, two);
        for id in [initiator, responder] {
            assert_eq!(pair.nodes[id].client.task(), Some(name));
            let channel = pair.nodes[id].client.signalling_channel().unwrap();
            assert_eq!(channel.framing, ChannelFraming::Chunks { max: chunk });
        }
        pair.act(initiator, |client, _| webrtc::send_offer(client, &offer("v=0"))).unwrap();
        pair.settle();
        assert_eq!(pair.take_events(responder), [task(TaskEvent::Offer(offer("v=0")))]);
    }
}

/// Covers W-058 W-067.
#[test]
fn what_makes_no_sense_is_not_sent() {
    use WebRtcSendFailure::Message;

    let (mut pair, initiator, responder) = met(default(), default());
    type Case = (Id, fn(&mut Client) -> Result<(), WebRtcSendFailure>, WebRtcSendFailure);
    let raw = |client: &mut Client| {
        let message = TaskMessage::from_msgpack(Msg::new("handover").encode()).unwrap();
        Ok(client.send_task_message(&message)?)
    };
    let other_task = |running: &str| Message(SendFailure::OtherTask { running: running.into() });
    let webrtc_runs = || other_task(NAME);
    let cases: [Case; 8] = [
        (responder, |c| webrtc::send_offer(c, &offer("")), WebRtcSendFailure::OtherRole),
        (initiator, |c| webrtc::send_answer(c, &answer("")), WebRtcSendFailure::OtherRole),
        (
            initiator,
            |c| webrtc::send_offer(c, &answer("")),
            WebRtcSendFailure::OtherDescription(SdpType::Answer),
        ),
        (
            responder,
            |c| webrtc::send_answer(c, &offer("")),
            WebRtcSendFailure::OtherDescription(SdpType::Offer),
        ),
        (initiator, raw, webrtc_runs()),
        (responder, raw, webrtc_runs()),
        (
            responder,
            |c| Ok(relayed_data::send(c, &Payload::from_text("not with this task"))?),
            webrtc_runs(),
        ),
        (
            initiator,
            |c| webrtc::send_offer(c, &offer(&"x".repeat(too_much()))),
            Message(SendFailure::TooLarge { size: 0, limit: 0 }),
        ),
    ];
    for (n, (id, action, expected)) in cases.into_iter().enumerate() {
        let failure = pair.act(id, |client, _| action(client)).unwrap_err();
        match expected {
            Message(SendFailure::TooLarge { .. }) => {
                assert!(matches!(failure, Message(SendFailure::TooLarge { .. })), "{n}: {failure}");
            }
            expected => assert_eq!(failure, expected, "{n}"),
        }
    }
    for count in [0, 1025] {
        let list = vec![None; count];
        let failure =
            pair.act(initiator, |client, now| webrtc::send_candidates(client, now, &list));
        assert_eq!(failure, Err(WebRtcSendFailure::CandidateCount(count)));
        assert!(failure.unwrap_err().to_string().contains("1 to 1024"));
    }
    pair.advance(Duration::from_millis(20));
    pair.settle();
    assert_eq!(pair.take_events(initiator), []);
    assert_eq!(pair.take_events(responder), []);

    let (mut pair, initiator, _) = met(keys::relayed(), keys::relayed());
    let relayed_runs = || other_task(relayed_data::NAME);
    pair.act(initiator, |client, now| {
        assert_eq!(webrtc::send_offer(client, &offer("")), Err(relayed_runs()));
        assert_eq!(webrtc::send_answer(client, &answer("")), Err(relayed_runs()));
        assert_eq!(webrtc::send_candidates(client, now, &[None]), Err(relayed_runs()));
        client.close();
        assert_eq!(webrtc::send_offer(client, &offer("")), Err(Message(SendFailure::Closed)));
        assert_eq!(
            webrtc::send_candidates(client, now, &[None]),
            Err(Message(SendFailure::Closed))
        );
    });

    let mut alone =
        FakeServer::new(ClientConfig { tasks: default(), ..keys::initiator_with_token() })
            .ready(&[]);
    let now = std::time::Instant::now();
    assert_eq!(
        webrtc::send_offer(&mut alone.client, &offer("")),
        Err(Message(SendFailure::NoPeer))
    );
    let failure = webrtc::send_candidates(&mut alone.client, now, &[None]);
    assert_eq!(failure, Err(Message(SendFailure::NoPeer)));
}

/// More than a message may have.
fn too_much() -> usize {
    keys::initiator_with_token().max_message_size
}

/// A message of the peer, and what the client says that is wrong with it.
type Malformed = (Role, Msg, &'static str);

fn malformed() -> Vec<Malformed> {
    let described = |kind: &str, content: Value| Msg::new(kind).with(kind, content);
    let good = |kind: &str| map(&[("type", kind.into()), ("sdp", "v=0".into())]);
    let candidates = |items: Vec<Value>| Msg::new("candidates").with("candidates", items);
    let mut cases = vec![
        // Of the wrong role.
        (Role::Responder, described("offer", good("offer")), "responder may not send an offer"),
        (Role::Initiator, described("answer", good("answer")), "initiator may not send an answer"),
    ];
    for (role, kind) in [(Role::Initiator, "offer"), (Role::Responder, "answer")] {
        for (content, text) in [
            (Value::Nil, "is not a map with text keys"),
            ("v=0".into(), "is not a map with text keys"),
            (map(&[]), "lacks the field \"type\""),
            (map(&[("sdp", "v=0".into())]), "lacks the field \"type\""),
            (map(&[("type", kind.into())]), "lacks the field \"sdp\""),
            (map(&[("type", kind.into()), ("sdp", Value::Nil)]), "\"sdp\""),
            (map(&[("type", 1.into()), ("sdp", "".into())]), "\"type\""),
            (map(&[("type", "update".into()), ("sdp", "".into())]), "\"type\""),
            (map(&[("type", "rollback".into()), ("sdp", 1.into())]), "\"sdp\""),
        ] {
            cases.push((role, described(kind, content), text));
        }
        cases.push((role, Msg::new(kind), "lacks the field"));
    }
    for role in [Role::Initiator, Role::Responder] {
        cases.extend([
            (role, Msg::new("candidates"), "lacks the field"),
            (role, Msg::new("candidates").with("candidates", Value::Nil), "is not an array"),
            (role, candidates(vec![]), "is empty"),
            (role, candidates(vec![Value::Nil; 1025]), "more than 1024 items"),
            (role, candidates(vec!["candidate:1".into()]), "neither a map with text keys nor nil"),
            (role, candidates(vec![Value::Nil, map(&[])]), "lacks the field"),
            (role, candidates(vec![map(&[("candidate", Value::Nil)])]), "\"candidate"),
            (role, Msg::new("data").with("p", 1), "unexpected message of type \"data\""),
            (role, Msg::new("auth"), "unexpected message of type \"auth\""),
            (role, Msg::new("Offer"), "unexpected message of type \"Offer\""),
            // The clients of this test did not agree on a handover.
            (role, Msg::new("handover"), "did not agree"),
        ]);
    }
    cases
}

/// Covers W-061 W-062 W-064 W-069 W-070 W-072 W-079 W-083 W-084 W-091.
#[test]
fn a_peer_that_sends_nonsense_is_told() {
    for (sender, msg, expected) in malformed() {
        let text = WEBRTC.outcome(sender, &msg.encode()).expect_err(expected);
        assert!(text.contains(expected), "{msg:?}: {text}");
    }
}

/// Covers W-004 W-010 W-012.
#[test]
fn a_peer_whose_task_data_is_nonsense_does_not_get_in() {
    let with =
        |exclude: Value, handover: Value| map(&[("exclude", exclude), ("handover", handover)]);
    let none = || Value::Array(vec![]);
    for (data, expected) in [
        (map(&[]), "\"exclude\""),
        (with(Value::Nil, true.into()), "\"exclude\""),
        (with(Value::Array(vec![65_535.into()]), true.into()), "\"exclude\""),
        (with(Value::Array(vec!["0".into()]), true.into()), "\"exclude\""),
        (with(none(), Value::Nil), "\"handover\""),
        (with(none(), 1.into()), "\"handover\""),
    ] {
        WEBRTC.expect_refused_data(&data, expected);
    }
}

/// A candidate that says nothing has one byte in a message and some hundred in memory.
#[test]
fn candidates_that_nobody_takes_do_not_fill_the_memory() {
    let msg = Msg::new("candidates").with("candidates", Value::Array(vec![Value::Nil; 1024]));
    let event = task(TaskEvent::Candidates(vec![None; 1024]));
    WEBRTC.expect_limited_memory(&msg.encode(), &event);
}

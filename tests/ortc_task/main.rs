//! The ORTC task between two clients: what they agree on, and every message of it, good and bad.

mod fields;
#[path = "../support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use rmpv::Value;
use saltyrtc::protocol::Task;
use saltyrtc::protocol::client::SendFailure;
use saltyrtc::protocol::message::{Payload, TaskMessage};
use saltyrtc::task::ortc::{
    self, DataChannelParameters, DtlsFingerprint, DtlsParameters, DtlsRole, IceCandidate,
    IceCandidateType, IceParameters, IceProtocol, IceRole, Labelled, NAME, Options, Ortc,
    OrtcMessage, OrtcSendFailure, RtpCapabilities, SctpCapabilities,
};
use saltyrtc::task::{Client, Event, TaskEvent, WebRtc, webrtc};
use support::keys;
use support::msg::{encode, map, texts};
use support::task::{Frame, Tasks, expect_one_message, met};

fn task(options: Options) -> Box<dyn Task<TaskEvent>> {
    Box::new(Ortc::new(options).unwrap())
}

fn default() -> Tasks {
    vec![task(Options::default())]
}

fn no_handover() -> Tasks {
    vec![task(Options { handover: false, ..Options::default() })]
}

const ORTC: Frame = Frame {
    name: NAME,
    data: || map(&[("exclude", Value::Array(vec![])), ("handover", texts(&["sctp"]))]),
    default,
    no_handover,
};

fn candidate(port: u16) -> Labelled<Option<IceCandidate>> {
    Labelled::none(Some(IceCandidate {
        foundation: "1".into(),
        priority: 1,
        ip: "192.0.2.1".into(),
        protocol: IceProtocol::Udp,
        port,
        kind: IceCandidateType::Host,
        related_address: None,
        related_port: None,
    }))
}

fn sctp(label: Option<&str>) -> OrtcMessage {
    let value = SctpCapabilities { max_message_size: 16_384 };
    OrtcMessage::SctpCapabilities(Labelled { label: label.map(Into::into), value })
}

/// One message of each type.
fn messages(label: Option<&str>) -> Vec<OrtcMessage> {
    fn labelled<T>(label: Option<&str>, value: T) -> Labelled<T> {
        Labelled { label: label.map(Into::into), value }
    }
    let ice = IceParameters {
        username_fragment: "abcd".into(),
        password: "efgh".into(),
        ice_lite: true,
        role: Some(IceRole::Controlled),
    };
    let fingerprint = DtlsFingerprint { algorithm: "sha-256".into(), value: "00:aa".into() };
    let dtls = DtlsParameters { role: DtlsRole::Auto, fingerprints: vec![fingerprint] };
    let rtp = RtpCapabilities::from_msgpack(&encode(&map(&[("codecs", Value::Array(vec![]))])));
    let channel = DataChannelParameters { id: 7, ordered: Some(false), ..Default::default() };
    vec![
        OrtcMessage::IceParameters(labelled(label, ice)),
        OrtcMessage::IceCandidates(vec![
            labelled(label, candidate(1).value),
            labelled(label, None),
        ]),
        OrtcMessage::DtlsParameters(labelled(label, dtls)),
        OrtcMessage::RtpCapabilities(vec![labelled(label, rtp.unwrap())]),
        sctp(label),
        OrtcMessage::DataChannelParameters(labelled(label, channel)),
    ]
}

fn event(message: OrtcMessage) -> Event {
    Event::Task(TaskEvent::Ortc(message))
}

/// Covers O-001 O-064 O-073 O-090 O-097 O-104 O-110.
#[test]
fn both_sides_send_each_message_at_any_time() {
    let (mut pair, initiator, responder) = met(default(), default());
    for label in [None, Some("echo-service")] {
        for (from, to) in [(initiator, responder), (responder, initiator)] {
            for message in messages(label) {
                pair.act(from, |client, now| ortc::send(client, now, &message)).unwrap();
            }
            pair.act(from, |client, _| client.send_application(Payload::from_text("hello")))
                .unwrap();
            pair.settle();
            let mut expected: Vec<Event> = messages(label).into_iter().map(event).collect();
            expected.push(Event::Application(Payload::from_text("hello")));
            assert_eq!(pair.take_events(to), expected);
        }
    }
    for id in [initiator, responder] {
        pair.act(id, |client, _| assert_eq!(client.secure_channel(3).unwrap().id(), 3));
    }
}

/// Covers O-074.
#[test]
fn candidates_that_come_together_are_sent_together() {
    let (mut pair, initiator, responder) = met(default(), default());
    for (from, to) in [(initiator, responder), (responder, initiator)] {
        expect_one_message(&mut pair, from, |pair| {
            for port in 0..5 {
                let message = OrtcMessage::IceCandidates(vec![candidate(port)]);
                pair.act(from, |client, now| ortc::send(client, now, &message)).unwrap();
            }
        });
        let all = (0..5).map(candidate).collect();
        assert_eq!(pair.take_events(to), [event(OrtcMessage::IceCandidates(all))]);
    }
}

/// Before the handover everything goes through the server, in boxes of the session keys.
///
/// Covers O-003 O-005 O-006 O-008 O-047 O-072 O-089 O-096 O-103 O-109 O-120.
#[test]
fn messages_look_as_specified() {
    let exclude = || vec![task(Options { exclude: vec![3], handover: true })];
    let data = map(&[("exclude", Value::Array(vec![3.into()])), ("handover", texts(&["sctp"]))]);
    for (mut server, mut peer) in ORTC.with_fake_peers(exclude, &data) {
        for message in messages(Some("echo-service")) {
            let now = Instant::now();
            ortc::send(&mut server.client, now, &message).unwrap();
            server.client.handle_timeout(now + Duration::from_millis(10));
            let sent = peer.read(&mut server);
            assert_eq!(sent.kind(), message.kind());
            assert_eq!(OrtcMessage::parse(&sent.encode()), Ok(message.clone()));
            server.expect_silence();
            peer.send(&mut server, &sent);
            assert_eq!(server.events(), [event(message)]);
        }
    }
}

/// Covers O-003 O-015 O-016.
#[test]
fn the_task_that_both_have_is_chosen() {
    let webrtc =
        || -> Box<dyn Task<TaskEvent>> { Box::new(WebRtc::v1(Options::default()).unwrap()) };
    let ortc = || task(Options::default());
    for (initiator, responder, name) in [
        (vec![ortc(), webrtc()], vec![webrtc(), ortc()], NAME),
        (vec![webrtc(), ortc()], vec![ortc(), webrtc()], webrtc::NAME),
        (vec![webrtc(), ortc()], vec![ortc()], NAME),
        (vec![webrtc()], vec![ortc(), webrtc()], webrtc::NAME),
    ] {
        let (pair, initiator, responder) = met(initiator, responder);
        for id in [initiator, responder] {
            assert_eq!(pair.nodes[id].client.task(), Some(name));
            assert_eq!(pair.nodes[id].client.signalling_channel().unwrap().id, 0);
        }
    }
}

/// Covers O-030 O-031 O-032 O-107.
#[test]
fn the_label_of_the_handover_is_not_for_applications() {
    let (mut pair, initiator, responder) = met(default(), default());
    for message in messages(Some("handover")) {
        let failure = pair.act(initiator, |client, now| ortc::send(client, now, &message));
        assert_eq!(failure, Err(OrtcSendFailure::ReservedLabel));
        assert!(failure.unwrap_err().to_string().contains("reserved"));
        for label in [None, Some("mine")] {
            let kind = message.kind();
            let mine = messages(label).into_iter().find(|other| other.kind() == kind).unwrap();
            pair.act(initiator, |client, now| ortc::send_for_handover(client, now, mine)).unwrap();
            pair.advance(Duration::from_millis(10));
            pair.settle();
            assert_eq!(pair.take_events(responder), [event(message.clone())]);
        }
    }
    let (mut pair, initiator, _) = met(no_handover(), default());
    let failure =
        pair.act(initiator, |client, now| ortc::send_for_handover(client, now, sctp(None)));
    assert_eq!(failure, Err(OrtcSendFailure::Message(SendFailure::NoHandover)));
}

#[test]
fn what_makes_no_sense_is_not_sent() {
    use OrtcSendFailure::{Count, Message};

    let (mut pair, initiator, responder) = met(default(), default());
    let with = |count: usize| OrtcMessage::IceCandidates(vec![Labelled::none(None); count]);
    let fingerprints = |count: usize| {
        let fingerprint = DtlsFingerprint { algorithm: "".into(), value: "".into() };
        let fingerprints = vec![fingerprint; count];
        OrtcMessage::DtlsParameters(Labelled::none(DtlsParameters {
            role: DtlsRole::Server,
            fingerprints,
        }))
    };
    let empty = RtpCapabilities::from_msgpack(&[0x80]).unwrap();
    let rtp =
        |count: usize| OrtcMessage::RtpCapabilities(vec![Labelled::none(empty.clone()); count]);
    for (message, count) in [
        (with(0), 0),
        (with(1025), 1025),
        (fingerprints(0), 0),
        (fingerprints(1025), 1025),
        (rtp(1025), 1025),
    ] {
        let failure = pair.act(initiator, |client, now| ortc::send(client, now, &message));
        assert_eq!(failure, Err(Count(count)));
        assert!(failure.unwrap_err().to_string().contains("1024"));
    }
    for message in [with(1024), fingerprints(1024), rtp(1024), rtp(0)] {
        pair.act(initiator, |client, now| ortc::send(client, now, &message)).unwrap();
        pair.settle();
        assert_eq!(pair.take_events(responder), [event(message)]);
    }
    let raw = TaskMessage::from_msgpack(sctp(None).serialise()).unwrap();
    let failure = pair.act(initiator, |client, _| client.send_task_message(&raw));
    assert_eq!(failure, Err(SendFailure::OtherTask { running: NAME.into() }));

    let (mut pair, initiator, _) = met(keys::relayed(), keys::relayed());
    pair.act(initiator, |client: &mut Client, now| {
        let running = client.task().unwrap().to_owned();
        let other = Err(Message(SendFailure::OtherTask { running }));
        assert_eq!(ortc::send(client, now, &sctp(None)), other);
        assert_eq!(ortc::send_for_handover(client, now, sctp(None)), other);
        client.close();
        assert_eq!(ortc::send(client, now, &sctp(None)), Err(Message(SendFailure::Closed)));
    });
}

/// Covers O-004 O-010 O-012 O-013.
#[test]
fn a_peer_whose_task_data_is_nonsense_does_not_get_in() {
    let with =
        |exclude: Value, handover: Value| map(&[("exclude", exclude), ("handover", handover)]);
    let none = || Value::Array(vec![]);
    for (data, expected) in [
        (map(&[]), "\"exclude\""),
        (with(Value::Nil, none()), "\"exclude\""),
        (with(Value::Array(vec!["0".into()]), none()), "\"exclude\""),
        (with(none(), Value::Nil), "\"handover\""),
        (with(none(), true.into()), "\"handover\""),
        (with(none(), Value::Array(vec![1.into()])), "\"handover\""),
    ] {
        ORTC.expect_refused_data(&data, expected);
    }
}

/// A candidate that says nothing has few bytes in a message and some hundred in memory.
#[test]
fn candidates_that_nobody_takes_do_not_fill_the_memory() {
    let complete = OrtcMessage::IceCandidates(vec![Labelled::none(None); 1024]);
    ORTC.expect_limited_memory(&complete.serialise(), &event(complete));
}

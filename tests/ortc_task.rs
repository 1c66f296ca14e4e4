//! The ORTC task between two clients: what they agree on, and every message of it, good and bad.

mod support;

use std::time::{Duration, Instant};

use rmpv::Value;
use saltyrtc::protocol::client::{ClientState, Closed, ClosedBy, EndReason, SendFailure};
use saltyrtc::protocol::message::{Payload, TaskData, TaskMessage};
use saltyrtc::protocol::{Role, Task};
use saltyrtc::task::ortc::{
    self, DataChannelParameters, DtlsFingerprint, DtlsParameters, DtlsRole, IceCandidate,
    IceCandidateType, IceParameters, IceProtocol, IceRole, Labelled, NAME, Options, Ortc,
    OrtcMessage, OrtcSendFailure, RtpCapabilities, SctpCapabilities,
};
use saltyrtc::task::{Client, ClientConfig, CustomTask, Event, TaskEvent, WebRtc, webrtc};
use support::fake_peer::FakePeer;
use support::fake_server::FakeServer;
use support::keys;
use support::msg::{encode, map, texts};
use support::pair::{Id, Pair};

type Tasks = Vec<Box<dyn Task<TaskEvent>>>;

fn task(options: Options) -> Box<dyn Task<TaskEvent>> {
    Box::new(Ortc::new(options).unwrap())
}

fn default() -> Tasks {
    vec![task(Options::default())]
}

fn no_handover() -> Tasks {
    vec![task(Options { handover: false, ..Options::default() })]
}

/// What the task of an ordinary peer says.
fn data() -> Value {
    map(&[("exclude", Value::Array(vec![])), ("handover", texts(&["sctp"]))])
}

/// An application that speaks the ORTC task by itself, and as it likes.
fn forger(data: &Value) -> Tasks {
    let data = TaskData::from_map(encode(data)).unwrap();
    vec![Box::new(CustomTask::new(NAME, data).unwrap())]
}

fn met(initiator: Tasks, responder: Tasks) -> (Pair, Id, Id) {
    let (mut pair, initiator, responder) = Pair::met(
        ClientConfig { tasks: initiator, ..keys::initiator_with_token() },
        ClientConfig { tasks: responder, ..keys::responder_with_token() },
    );
    pair.take_events(initiator);
    pair.take_events(responder);
    (pair, initiator, responder)
}

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
        let sent = pair.nodes[from].sent.len();
        for port in 0..5 {
            let message = OrtcMessage::IceCandidates(vec![candidate(port)]);
            pair.act(from, |client, now| ortc::send(client, now, &message)).unwrap();
        }
        assert_eq!(pair.nodes[from].sent.len(), sent, "they wait for more");
        pair.advance(Duration::from_millis(10));
        assert_eq!(pair.nodes[from].sent.len(), sent + 1, "one message, after 10 ms");
        pair.settle();
        let all = (0..5).map(candidate).collect();
        assert_eq!(pair.take_events(to), [event(OrtcMessage::IceCandidates(all))]);
    }
}

/// A client of each role and a peer that speaks for itself, both with the ORTC task.
fn with_fake_peers() -> [(FakeServer, FakePeer); 2] {
    let exclude = || vec![task(Options { exclude: vec![3], handover: true })];
    let config = |config| ClientConfig { tasks: exclude(), ..config };
    let initiator = FakeServer::new(config(keys::initiator_with_token())).ready(&[2]);
    let responder = FakeServer::new(config(keys::responder_with_token())).ready(&[1]);
    let expected =
        map(&[("exclude", Value::Array(vec![3.into()])), ("handover", texts(&["sctp"]))]);
    [(initiator, FakePeer::responder(2)), (responder, FakePeer::initiator())].map(
        |(mut server, mut peer)| {
            let auth = if peer.role == Role::Responder {
                peer.up_to_auth(&mut server);
                peer.auth_msg().with("tasks", texts(&[NAME]))
            } else {
                peer.read_token(&mut server);
                peer.read_key(&mut server);
                peer.send_key(&mut server);
                let auth = peer.read(&mut server);
                assert_eq!(auth.field("tasks"), &texts(&[NAME]));
                assert_eq!(auth.field("data"), &map(&[(NAME, expected.clone())]));
                peer.auth_msg().with("task", NAME)
            };
            peer.send(&mut server, &auth.with("data", map(&[(NAME, data())])));
            if peer.role == Role::Responder {
                let auth = peer.read(&mut server);
                assert_eq!(auth.field("task"), &Value::from(NAME));
                assert_eq!(auth.field("data"), &map(&[(NAME, expected.clone())]));
            }
            assert_eq!(server.client.state(), ClientState::Task);
            server.events();
            (server, peer)
        },
    )
}

/// Before the handover everything goes through the server, in boxes of the session keys.
///
/// Covers O-003 O-005 O-006 O-008 O-047 O-072 O-089 O-096 O-103 O-109 O-120.
#[test]
fn messages_look_as_specified() {
    for (mut server, mut peer) in with_fake_peers() {
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

/// A place in a message: names of fields, and `0` for the first item of a list.
type Path = &'static [&'static str];

/// A field of a message.
struct Field {
    kind: &'static str,
    path: Path,
    /// Values that it may not have, beside those of other types.
    wrong: Vec<Value>,
    /// Whether it may be missing.
    optional: bool,
}

fn ints(values: &[i64]) -> Vec<Value> {
    values.iter().map(|value| (*value).into()).collect()
}

fn fields() -> Vec<Field> {
    let required = |kind, path, wrong| Field { kind, path, wrong, optional: false };
    let optional = |kind, path, wrong| Field { kind, path, wrong, optional: true };
    let ice = "ice-parameters";
    let candidates = "ice-candidates";
    let dtls = "dtls-parameters";
    let rtp = "rtp-capabilities";
    let channel = "dc-parameters";
    let empty = || vec![Value::Array(vec![])];
    let long = || Value::Array(vec![map(&[]); 1025]);
    let names = |names: &[&str]| names.iter().map(|name| (*name).into()).collect::<Vec<Value>>();
    let u16 = || ints(&[-1, 65_536]);
    let u32 = || ints(&[-1, 1 << 32]);
    vec![
        required(ice, &["parameters"], vec![]),
        required(ice, &["parameters", "usernameFragment"], vec![]),
        required(ice, &["parameters", "password"], vec![]),
        required(ice, &["parameters", "iceLite"], ints(&[0, 1])),
        optional(ice, &["role"], names(&["", "Controlling", "auto"])),
        optional(ice, &["label"], vec![]),
        required(candidates, &["candidates"], vec![Value::Array(vec![]), long()]),
        required(candidates, &["candidates", "0"], vec![]),
        required(candidates, &["candidates", "0", "candidate"], vec![]),
        optional(candidates, &["candidates", "0", "label"], vec![]),
        required(candidates, &["candidates", "0", "candidate", "foundation"], vec![]),
        required(candidates, &["candidates", "0", "candidate", "priority"], u32()),
        required(candidates, &["candidates", "0", "candidate", "ip"], vec![]),
        required(candidates, &["candidates", "0", "candidate", "protocol"], names(&["", "UDP"])),
        required(candidates, &["candidates", "0", "candidate", "port"], u16()),
        required(candidates, &["candidates", "0", "candidate", "type"], names(&["", "srv"])),
        // It is there, and the protocol is TCP.
        required(candidates, &["candidates", "0", "candidate", "tcpType"], names(&["", "both"])),
        optional(candidates, &["candidates", "0", "candidate", "relatedAddress"], vec![]),
        optional(candidates, &["candidates", "0", "candidate", "relatedPort"], u16()),
        required(dtls, &["parameters"], vec![]),
        required(dtls, &["parameters", "role"], names(&["", "Auto", "actpass"])),
        required(dtls, &["parameters", "fingerprints"], vec![Value::Array(vec![]), long()]),
        required(dtls, &["parameters", "fingerprints", "0"], vec![]),
        required(dtls, &["parameters", "fingerprints", "0", "algorithm"], vec![]),
        required(dtls, &["parameters", "fingerprints", "0", "value"], vec![]),
        optional(dtls, &["label"], vec![]),
        required(rtp, &["capabilities"], vec![long()]),
        required(rtp, &["capabilities", "0"], vec![]),
        required(rtp, &["capabilities", "0", "capabilities"], vec![]),
        optional(rtp, &["capabilities", "0", "label"], vec![]),
        optional(rtp, &["capabilities", "0", "capabilities", "codecs"], vec![long()]),
        optional(rtp, &["capabilities", "0", "capabilities", "headerExtensions"], vec![long()]),
        optional(rtp, &["capabilities", "0", "capabilities", "fecMechanisms"], vec![long()]),
        required(rtp, &["capabilities", "0", "capabilities", "codecs", "0"], empty()),
        required(rtp, &["capabilities", "0", "capabilities", "headerExtensions", "0"], empty()),
        required(rtp, &["capabilities", "0", "capabilities", "fecMechanisms", "0"], empty()),
        optional(rtp, &["capabilities", "0", "capabilities", "codecs", "0", "name"], vec![]),
        optional(rtp, &["capabilities", "0", "capabilities", "codecs", "0", "clockRate"], u32()),
        optional(
            rtp,
            &["capabilities", "0", "capabilities", "codecs", "0", "preferredPayloadType"],
            ints(&[-1, 256]),
        ),
        optional(rtp, &["capabilities", "0", "capabilities", "codecs", "0", "parameters"], vec![]),
        optional(
            rtp,
            &["capabilities", "0", "capabilities", "codecs", "0", "rtcpFeedback"],
            vec![long()],
        ),
        optional(
            rtp,
            &["capabilities", "0", "capabilities", "codecs", "0", "svcMultiStreamSupport"],
            ints(&[0, 1]),
        ),
        optional(
            rtp,
            &["capabilities", "0", "capabilities", "headerExtensions", "0", "preferredId"],
            u16(),
        ),
        required("sctp-capabilities", &["capabilities"], vec![]),
        required("sctp-capabilities", &["capabilities", "maxMessageSize"], u16()),
        optional("sctp-capabilities", &["label"], vec![]),
        required(channel, &["parameters"], vec![]),
        required(channel, &["parameters", "id"], u16()),
        optional(channel, &["parameters", "label"], vec![]),
        optional(channel, &["parameters", "ordered"], ints(&[0, 1])),
        optional(channel, &["parameters", "maxPacketLifetime"], u32()),
        optional(channel, &["parameters", "maxRetransmits"], u32()),
        optional(channel, &["parameters", "protocol"], vec![]),
        optional(channel, &["label"], vec![]),
    ]
}

/// A message with every field that it can have.
fn full(kind: &str) -> Value {
    let message = |entries: &[(&str, Value)]| {
        map(&[&[("type", kind.into())], entries, &[("label", "l".into())]].concat())
    };
    match kind {
        "ice-parameters" => message(&[
            (
                "parameters",
                map(&[
                    ("usernameFragment", "u".into()),
                    ("password", "p".into()),
                    ("iceLite", true.into()),
                ]),
            ),
            ("role", "controlling".into()),
        ]),
        "ice-candidates" => {
            let candidate = map(&[
                ("foundation", "f".into()),
                ("priority", 1.into()),
                ("ip", "192.0.2.1".into()),
                ("protocol", "tcp".into()),
                ("port", 1.into()),
                ("type", "prflx".into()),
                ("tcpType", "so".into()),
                ("relatedAddress", "192.0.2.2".into()),
                ("relatedPort", 2.into()),
            ]);
            let item = map(&[("candidate", candidate), ("label", "l".into())]);
            message(&[("candidates", Value::Array(vec![item]))])
        }
        "dtls-parameters" => {
            let fingerprint = map(&[("algorithm", "sha-256".into()), ("value", "00".into())]);
            let fingerprints = Value::Array(vec![fingerprint]);
            message(&[(
                "parameters",
                map(&[("role", "client".into()), ("fingerprints", fingerprints)]),
            )])
        }
        "rtp-capabilities" => {
            let codec = map(&[
                ("name", "opus".into()),
                ("clockRate", 48_000.into()),
                ("preferredPayloadType", 96.into()),
                ("parameters", map(&[])),
                ("rtcpFeedback", Value::Array(vec![])),
                ("svcMultiStreamSupport", false.into()),
            ]);
            let extension = map(&[("uri", "urn:x".into()), ("preferredId", 1.into())]);
            let capabilities = map(&[
                ("codecs", Value::Array(vec![codec])),
                ("headerExtensions", Value::Array(vec![extension])),
                ("fecMechanisms", texts(&["red"])),
            ]);
            let item = map(&[("capabilities", capabilities), ("label", "l".into())]);
            message(&[("capabilities", Value::Array(vec![item]))])
        }
        "sctp-capabilities" => message(&[("capabilities", map(&[("maxMessageSize", 1.into())]))]),
        "dc-parameters" => message(&[(
            "parameters",
            map(&[
                ("id", 1.into()),
                ("label", "l".into()),
                ("ordered", true.into()),
                ("maxPacketLifetime", 1.into()),
                ("maxRetransmits", 1.into()),
                ("protocol", "p".into()),
            ]),
        )]),
        kind => panic!("no message {kind}"),
    }
}

/// `value` with something else at `path`; without it, if that is nothing.
fn changed(value: &Value, path: &[&str], new: Option<&Value>) -> Value {
    let [name, rest @ ..] = path else {
        return new.expect("something is put there").clone();
    };
    match value {
        Value::Array(items) => {
            let mut items = items.clone();
            match (rest, new) {
                ([], None) => _ = items.remove(0),
                _ => items[0] = changed(&items[0], rest, new),
            }
            Value::Array(items)
        }
        Value::Map(entries) => {
            assert!(entries.iter().any(|(key, _)| key.as_str() == Some(name)), "{name}");
            let entry = |(key, value): &(Value, Value)| match key.as_str() == Some(name) {
                false => Some((key.clone(), value.clone())),
                true if rest.is_empty() && new.is_none() => None,
                true => Some((key.clone(), changed(value, rest, new))),
            };
            Value::Map(entries.iter().filter_map(entry).collect())
        }
        value => panic!("{value} has no {name}"),
    }
}

fn at<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(value, |value, name| match value {
        Value::Array(items) => &items[0],
        value => value
            .as_map()
            .unwrap()
            .iter()
            .find(|(k, _)| k.as_str() == Some(name))
            .map(|e| &e.1)
            .unwrap(),
    })
}

/// A peer that sends `message`, to a client of each role. Says what came of it.
fn outcomes(message: &Value) -> [Result<Vec<Event>, String>; 2] {
    [Role::Initiator, Role::Responder].map(|sender| {
        let (mut pair, initiator, responder) = match sender {
            Role::Initiator => met(forger(&data()), no_handover()),
            Role::Responder => met(no_handover(), forger(&data())),
        };
        let (bad, good) = match sender {
            Role::Initiator => (initiator, responder),
            Role::Responder => (responder, initiator),
        };
        let message = TaskMessage::from_msgpack(encode(message)).unwrap();
        pair.act(bad, |client, _| client.send_task_message(&message)).unwrap();
        pair.settle();
        if pair.in_task(good) {
            return Ok(pair.take_events(good));
        }
        let Closed { by, code, reason, .. } = pair.closed(good);
        assert_eq!((by, code), (ClosedBy::Us, Some(3001)));
        assert_eq!(pair.closed(bad).reason, EndReason::AccusedOfProtocolError);
        match reason {
            EndReason::PeerProtocolError(text) => Err(text),
            reason => panic!("{reason:?}"),
        }
    })
}

#[track_caller]
fn expect_refused(message: &Value, kind: &str, field: &str) {
    for outcome in outcomes(message) {
        let text = outcome.expect_err(&format!("{message} was taken"));
        assert!(text.contains(&format!("{kind:?}")), "{message}: {text}");
        assert!(field == "0" || text.contains(&format!("{field:?}")), "{message}: {text}");
    }
}

#[track_caller]
fn expect_taken(message: &Value) {
    for outcome in outcomes(message) {
        let events = outcome.unwrap_or_else(|text| panic!("{message}: {text}"));
        assert!(matches!(events[..], [Event::Task(TaskEvent::Ortc(_))]), "{message}: {events:?}");
    }
}

/// Over a real signalling connection a peer that sends nonsense is told so, with 3001.
///
/// Covers O-070 O-071 O-084 O-087 O-088 O-094 O-095 O-101 O-102 O-108 O-119.
#[test]
fn every_field_is_validated() {
    let types: [Value; 8] = [
        Value::Nil,
        true.into(),
        7.into(),
        1.5.into(),
        "text".into(),
        Value::Binary(vec![7]),
        Value::Array(vec![Value::Nil]),
        Value::Map(vec![(1.into(), 1.into())]),
    ];
    let same_type =
        |one: &Value, two: &Value| std::mem::discriminant(one) == std::mem::discriminant(two);
    for field in fields() {
        let Field { kind, path, wrong, optional } = &field;
        let name = path.last().unwrap();
        let full = full(kind);
        let good = at(&full, path);
        let missing = |message| match *name == "0" {
            // A list may be empty, unless a message says otherwise; that is among the wrong values.
            true => {}
            false if *optional => expect_taken(&message),
            false => expect_refused(&message, kind, name),
        };
        missing(changed(&full, path, None));
        for value in types.iter().chain(wrong) {
            let message = changed(&full, path, Some(value));
            let given = wrong.contains(value);
            if value.is_nil() && *optional {
                expect_taken(&message);
            } else if given || !same_type(value, good) || matches!(value, Value::Map(_)) {
                expect_refused(&message, kind, name);
            }
        }
    }
}

/// Covers O-070 O-077 O-084 O-088 O-095 O-102 O-108 O-119.
#[test]
fn good_messages_are_taken_and_unknown_fields_are_ignored() {
    for kind in messages(None).iter().map(OrtcMessage::kind) {
        let mut message = full(kind);
        expect_taken(&message);
        fn add(value: &mut Value) {
            match value {
                Value::Map(entries) => {
                    entries.iter_mut().for_each(|(_, value)| add(value));
                    entries.push(("unknown".into(), Value::Nil));
                }
                Value::Array(items) => items.iter_mut().for_each(add),
                _ => {}
            }
        }
        add(&mut message);
        expect_taken(&message);
    }
    let candidate = |entries: &[(&str, Value)]| {
        changed(&full("ice-candidates"), &["candidates", "0", "candidate"], Some(&map(entries)))
    };
    expect_taken(&candidate(&[("complete", true.into())]));
    let path: Path = &["candidates", "0", "candidate", "protocol"];
    let udp_with_type = changed(&full("ice-candidates"), path, Some(&"udp".into()));
    expect_refused(&udp_with_type, "ice-candidates", "tcpType");
    for wrong in [Value::Boolean(false), 1.into(), "true".into()] {
        expect_refused(&candidate(&[("complete", wrong)]), "ice-candidates", "complete");
    }
    expect_refused(&candidate(&[("complete", Value::Nil)]), "ice-candidates", "foundation");
    for kind in ["offer", "candidates", "Ice-parameters", "data", "auth", "handover"] {
        for outcome in outcomes(&map(&[("type", kind.into())])) {
            let text = outcome.unwrap_err();
            assert!(
                text.contains("unexpected message") || text.contains("did not agree"),
                "{text}"
            );
        }
    }
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
        let mut pair = Pair::new();
        let initiator =
            pair.connect(ClientConfig { tasks: default(), ..keys::initiator_with_token() });
        pair.connect(ClientConfig { tasks: forger(&data), ..keys::responder_with_token() });
        pair.settle();
        let failed = pair.events(initiator).into_iter().find_map(|event| match event {
            Event::ResponderFailed { text, .. } => Some(text),
            _ => None,
        });
        assert!(failed.as_ref().is_some_and(|text| text.contains(expected)), "{failed:?}");

        let mut pair = Pair::new();
        pair.connect(ClientConfig { tasks: forger(&data), ..keys::initiator_with_token() });
        let responder =
            pair.connect(ClientConfig { tasks: default(), ..keys::responder_with_token() });
        pair.settle();
        let EndReason::PeerProtocolError(text) = pair.closed(responder).reason else {
            panic!("{}", pair.report())
        };
        assert!(text.contains(expected), "{text}");
    }
}

/// A candidate that says nothing has few bytes in a message and some hundred in memory.
#[test]
fn candidates_that_nobody_takes_do_not_fill_the_memory() {
    let slow =
        ClientConfig { tasks: default(), max_queue_size: 200_000, ..keys::initiator_with_token() };
    let flood = ClientConfig { tasks: forger(&data()), ..keys::responder_with_token() };
    let (mut pair, slow, flood) = Pair::met(slow, flood);
    pair.take_events(slow);
    pair.nodes[slow].takes_events = false;
    let complete = OrtcMessage::IceCandidates(vec![Labelled::none(None); 1024]);
    let message = TaskMessage::from_msgpack(complete.serialise()).unwrap();
    for _ in 0..20 {
        pair.act(flood, |client, _| client.send_task_message(&message)).unwrap();
    }
    pair.settle();
    assert!(!pair.nodes[slow].client.wants_input());
    assert!(pair.nodes[slow].under_way() > 10, "only a few were read");
    pair.nodes[slow].takes_events = true;
    pair.take_waiting_events(slow);
    pair.settle();
    assert_eq!(pair.take_events(slow), vec![event(complete); 20]);
}

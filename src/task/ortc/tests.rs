use rmpv::Value;

use super::*;
use crate::protocol::message::Payload;

fn ortc(exclude: &[u16], handover: bool) -> Ortc {
    Ortc::new(Options { exclude: exclude.to_vec(), handover }).unwrap()
}

fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(entries.iter().map(|(name, value)| ((*name).into(), value.clone())).collect())
}

fn encode(value: &Value) -> Vec<u8> {
    let mut data = Vec::new();
    rmpv::encode::write_value(&mut data, value).unwrap();
    data
}

fn decode(data: &[u8]) -> Value {
    rmpv::decode::read_value(&mut &data[..]).unwrap()
}

fn data(exclude: Value, handover: Value) -> TaskData {
    let map = map(&[("exclude", exclude), ("handover", handover)]);
    TaskData::from_map(encode(&map)).unwrap()
}

fn list<T: Into<Value>>(items: impl IntoIterator<Item = T>) -> Value {
    Value::Array(items.into_iter().map(Into::into).collect())
}

fn none() -> Value {
    Value::Array(vec![])
}

/// What the two come to, which is the same for both.
fn meet(mut one: Ortc, mut two: Ortc) -> Option<SignallingChannel> {
    one.start(Role::Initiator, &two.data()).unwrap();
    two.start(Role::Responder, &one.data()).unwrap();
    assert_eq!(one.signalling_channel(), two.signalling_channel());
    one.signalling_channel()
}

/// Covers O-003 O-005 O-006 O-007 O-008 O-009 O-028.
#[test]
fn name_and_data_are_those_of_the_specification() {
    assert_eq!(ortc(&[], true).name(), "v0.ortc.tasks.saltyrtc.org");
    let default = Ortc::new(Options::default()).unwrap();
    assert_eq!(default.data(), data(none(), list(["sctp"])));
    assert_eq!(ortc(&[7, 0, 7], false).data(), data(list([0, 7]), none()));
    let wrong = Ortc::new(Options { exclude: vec![65_535], handover: true });
    assert!(wrong.unwrap_err().to_string().contains("65535"));
}

/// Covers O-004 O-010 O-011 O-012 O-013.
#[test]
fn malformed_data_of_a_peer_is_refused() {
    let start = |data: &TaskData| ortc(&[], true).start(Role::Initiator, data);
    let good = [
        (none(), none()),
        (list([0, 65_534, 65_535, 70_000]), list(["sctp"])),
        (list([u64::MAX]), list(["quic", "sctp", "sctp"])),
    ];
    for (exclude, handover) in good {
        assert_eq!(start(&data(exclude, handover)), Ok(()));
    }
    assert!(start(&TaskData::NIL).unwrap_err().to_string().contains("not a MessagePack map"));
    let without =
        |name: &str| TaskData::from_map(encode(&map(&[(name, Value::Array(vec![]))]))).unwrap();
    assert!(start(&without("exclude")).unwrap_err().to_string().contains("\"handover\""));
    assert!(start(&without("handover")).unwrap_err().to_string().contains("\"exclude\""));
    for wrong in [Value::Nil, 1.into(), true.into(), "sctp".into(), map(&[]), list([-1])] {
        let error = start(&data(wrong.clone(), none())).unwrap_err().to_string();
        assert!(error.contains("\"exclude\""), "{wrong}: {error}");
        let error = start(&data(none(), wrong.clone())).unwrap_err().to_string();
        assert!(error.contains("\"handover\""), "{wrong}: {error}");
    }
    let bytes = Value::Binary(b"sctp".to_vec());
    assert!(start(&data(none(), list([bytes]))).is_err());
    assert!(start(&data(list([0.5]), none())).is_err());
}

/// Covers O-014 O-015 O-016.
#[test]
fn handover_takes_a_transport_that_both_have() {
    for (one, two) in [(true, true), (true, false), (false, true), (false, false)] {
        let channel = meet(ortc(&[], one), ortc(&[], two));
        assert_eq!(channel.is_some(), one && two, "{one} {two}");
    }
    for (theirs, expected) in [
        (list(["quic", "sctp"]), true),
        (list(["sctp", "quic"]), true),
        (list(["quic"]), false),
        (list(["SCTP"]), false),
    ] {
        let mut task = ortc(&[], true);
        task.start(Role::Responder, &data(none(), theirs)).unwrap();
        assert_eq!(task.signalling_channel().is_some(), expected);
    }
}

/// Covers O-011 O-033 O-034 O-035 O-036 O-037.
#[test]
fn the_channel_has_the_lowest_id_that_neither_excludes() {
    let id = |one: &[u16], two: &[u16]| meet(ortc(one, true), ortc(two, true)).unwrap().id;
    assert_eq!(id(&[], &[]), 0);
    assert_eq!(id(&[0, 2], &[1, 2, 4]), 3);
    assert_eq!(id(&[65_534], &[0]), 1);
    let expected = SignallingChannel {
        id: 1,
        label: "v1.saltyrtc.org",
        protocol: "v1.saltyrtc.org",
        framing: ChannelFraming::AsTransportTakes { max: 262_144 },
    };
    assert_eq!(meet(ortc(&[0], true), ortc(&[], true)), Some(expected));

    let (low, high): (Vec<u16>, Vec<u16>) = ((0..40_000).collect(), (30_000..=65_534).collect());
    assert_eq!(meet(ortc(&low, true), ortc(&high, true)), None);
    assert_eq!(id(&(0..40_000).collect::<Vec<_>>(), &(30_000..65_534).collect::<Vec<_>>()), 65_534);
}

/// Covers O-016.
#[test]
fn handover_without_agreement_is_wrong() {
    let handover = || TaskMessage::from_msgpack(encode(&map(&[("type", "handover".into())])));
    let mut task = ortc(&[], true);
    task.start(Role::Initiator, &data(none(), none())).unwrap();
    let error = task.handle_message(handover().unwrap()).unwrap_err();
    assert!(error.to_string().contains("did not agree"), "{error}");
    let all: Vec<u16> = (0..65_535).collect();
    task.start(Role::Initiator, &ortc(&all, true).data()).unwrap();
    let error = task.handle_message(handover().unwrap()).unwrap_err();
    assert!(error.to_string().contains("no id is left"), "{error}");
    task.stop();
    let error = task.handle_message(handover().unwrap()).unwrap_err();
    assert!(error.to_string().contains("before the ORTC task was started"), "{error}");
}

fn candidate(protocol: IceProtocol) -> IceCandidate {
    IceCandidate {
        foundation: "f4d3".into(),
        priority: u32::MAX,
        ip: "192.168.1.1".into(),
        protocol,
        port: u16::MAX,
        kind: IceCandidateType::Host,
        related_address: None,
        related_port: None,
    }
}

fn rtp_map() -> Value {
    let feedback = list([map(&[("type", "nack".into()), ("parameter", "pli".into())]), map(&[])]);
    let codec = map(&[
        ("name", "opus".into()),
        ("kind", "audio".into()),
        ("clockRate", 48_000.into()),
        ("preferredPayloadType", 96.into()),
        ("maxptime", 60.into()),
        ("ptime", 20.into()),
        ("numChannels", 2.into()),
        ("rtcpFeedback", feedback),
        ("parameters", map(&[("useinbandfec", 1.into())])),
        ("options", map(&[])),
        ("maxTemporalLayers", 3.into()),
        ("maxSpatialLayers", 0.into()),
        ("svcMultiStreamSupport", true.into()),
        ("something new", Value::Nil),
    ]);
    let extension = map(&[
        ("kind", "video".into()),
        ("uri", "urn:ietf:params:rtp-hdrext:toffset".into()),
        ("preferredId", 2.into()),
        ("preferredEncrypt", false.into()),
    ]);
    map(&[
        ("codecs", list([codec, map(&[])])),
        ("headerExtensions", list([extension])),
        ("fecMechanisms", list(["red", "rs"])),
        ("something new", 1.5.into()),
    ])
}

fn round_trip(message: &OrtcMessage, expected: Value) {
    let data = message.serialise();
    assert_eq!(decode(&data), expected);
    assert_eq!(OrtcMessage::parse(&data).as_ref(), Ok(message));
    assert!(message.size() > 0);
}

/// Covers O-065 O-066 O-067 O-068 O-069.
#[test]
fn ice_parameters_look_like_the_example_of_the_specification() {
    let parameters = |role| IceParameters {
        username_fragment: "abcd...".into(),
        password: "efgh...".into(),
        ice_lite: false,
        role,
    };
    let inner = map(&[
        ("usernameFragment", "abcd...".into()),
        ("password", "efgh...".into()),
        ("iceLite", false.into()),
    ]);
    for role in IceRole::ALL {
        let message =
            OrtcMessage::IceParameters(Labelled::new("echo-service", parameters(Some(*role))));
        round_trip(
            &message,
            map(&[
                ("type", "ice-parameters".into()),
                ("parameters", inner.clone()),
                ("role", role.name().into()),
                ("label", "echo-service".into()),
            ]),
        );
    }
    let bare = OrtcMessage::IceParameters(Labelled::none(parameters(None)));
    round_trip(&bare, map(&[("type", "ice-parameters".into()), ("parameters", inner)]));
}

/// Covers O-075 O-076 O-077 O-078 O-079 O-080 O-081 O-082 O-083 O-084 O-085 O-086.
#[test]
fn ice_candidates_look_like_the_example_of_the_specification() {
    let reflexive = IceCandidate {
        kind: IceCandidateType::ServerReflexive,
        related_address: Some("192.168.1.1".into()),
        related_port: Some(0),
        priority: 0,
        ..candidate(IceProtocol::Udp)
    };
    let active = candidate(IceProtocol::Tcp(IceTcpType::Active));
    let message = OrtcMessage::IceCandidates(vec![
        Labelled::new("echo-service", Some(candidate(IceProtocol::Udp))),
        Labelled::none(Some(reflexive)),
        Labelled::none(Some(active)),
        Labelled::new("", None),
    ]);
    let fields = |more: &[(&str, Value)]| {
        let mut all = vec![
            ("foundation", "f4d3".into()),
            ("priority", u32::MAX.into()),
            ("ip", "192.168.1.1".into()),
            ("protocol", "udp".into()),
            ("port", 65_535.into()),
            ("type", "host".into()),
        ];
        for (name, value) in more {
            all.retain(|(other, _)| other != name);
            all.push((name, value.clone()));
        }
        ("candidate", map(&all))
    };
    // In the order in which they are written.
    let reflexive = map(&[
        ("foundation", "f4d3".into()),
        ("priority", 0.into()),
        ("ip", "192.168.1.1".into()),
        ("protocol", "udp".into()),
        ("port", 65_535.into()),
        ("type", "srflx".into()),
        ("relatedAddress", "192.168.1.1".into()),
        ("relatedPort", 0.into()),
    ]);
    let active = map(&[
        ("foundation", "f4d3".into()),
        ("priority", u32::MAX.into()),
        ("ip", "192.168.1.1".into()),
        ("protocol", "tcp".into()),
        ("port", 65_535.into()),
        ("type", "host".into()),
        ("tcpType", "active".into()),
    ]);
    let expected = list([
        map(&[fields(&[]), ("label", "echo-service".into())]),
        map(&[("candidate", reflexive)]),
        map(&[("candidate", active)]),
        map(&[("candidate", map(&[("complete", true.into())])), ("label", "".into())]),
    ]);
    round_trip(&message, map(&[("type", "ice-candidates".into()), ("candidates", expected)]));

    for kind in IceCandidateType::ALL {
        for protocol in IceTcpType::ALL.iter().map(|tcp| IceProtocol::Tcp(*tcp)) {
            let candidate = IceCandidate { kind: *kind, ..candidate(protocol) };
            let message = OrtcMessage::IceCandidates(vec![Labelled::none(Some(candidate))]);
            assert_eq!(OrtcMessage::parse(&message.serialise()), Ok(message));
        }
    }
}

/// Covers O-091 O-092 O-093.
#[test]
fn dtls_parameters_look_like_the_example_of_the_specification() {
    for role in DtlsRole::ALL {
        let fingerprint =
            |value: &str| DtlsFingerprint { algorithm: "sha-256".into(), value: value.into() };
        let fingerprints = vec![fingerprint("00aabb..."), fingerprint("")];
        let parameters = DtlsParameters { role: *role, fingerprints };
        let message = OrtcMessage::DtlsParameters(Labelled::new("echo-service", parameters));
        let fingerprint =
            |value: &str| map(&[("algorithm", "sha-256".into()), ("value", value.into())]);
        let parameters = map(&[
            ("role", role.name().into()),
            ("fingerprints", list([fingerprint("00aabb..."), fingerprint("")])),
        ]);
        let expected = map(&[
            ("type", "dtls-parameters".into()),
            ("parameters", parameters),
            ("label", "echo-service".into()),
        ]);
        round_trip(&message, expected);
    }
}

/// Covers O-098 O-099 O-100.
#[test]
fn rtp_capabilities_are_carried_as_they_are() {
    let capabilities = RtpCapabilities::from_msgpack(&encode(&rtp_map())).unwrap();
    let empty = RtpCapabilities::from_msgpack(&encode(&map(&[]))).unwrap();
    let message = OrtcMessage::RtpCapabilities(vec![
        Labelled::new("echo-service-audio", capabilities.clone()),
        Labelled::none(empty.clone()),
    ]);
    let expected = list([
        map(&[("capabilities", rtp_map()), ("label", "echo-service-audio".into())]),
        map(&[("capabilities", map(&[]))]),
    ]);
    round_trip(&message, map(&[("type", "rtp-capabilities".into()), ("capabilities", expected)]));

    let codecs = capabilities.codecs();
    assert_eq!(codecs.len(), 2);
    let expected = RtpCodec {
        name: Some("opus".into()),
        kind: Some("audio".into()),
        clock_rate: Some(48_000),
        preferred_payload_type: Some(96),
        max_ptime: Some(60),
        ptime: Some(20),
        num_channels: Some(2),
        rtcp_feedback: vec![(Some("nack".into()), Some("pli".into())), (None, None)],
        parameters: Payload::from_msgpack(encode(&map(&[("useinbandfec", 1.into())]))).ok(),
        options: Payload::from_msgpack(encode(&map(&[]))).ok(),
        max_temporal_layers: Some(3),
        max_spatial_layers: Some(0),
        svc_multi_stream_support: Some(true),
    };
    assert_eq!(codecs, [expected, RtpCodec::default()]);
    let expected = RtpHeaderExtension {
        kind: Some("video".into()),
        uri: Some("urn:ietf:params:rtp-hdrext:toffset".into()),
        preferred_id: Some(2),
        preferred_encrypt: Some(false),
    };
    assert_eq!(capabilities.header_extensions(), [expected]);
    assert_eq!(capabilities.fec_mechanisms(), ["red", "rs"]);
    assert_eq!((empty.codecs(), empty.header_extensions()), (vec![], vec![]));
    assert!(RtpCapabilities::from_msgpack(&[0x80, 0xc0]).is_err());
    assert!(RtpCapabilities::from_msgpack(&[0x90]).is_err());
}

/// Covers O-105 O-106.
#[test]
fn sctp_capabilities_look_like_the_example_of_the_specification() {
    for max_message_size in [0, 16_384, 65_535] {
        let capabilities = SctpCapabilities { max_message_size };
        let message = OrtcMessage::SctpCapabilities(Labelled::new("echo-service", capabilities));
        let expected = map(&[
            ("type", "sctp-capabilities".into()),
            ("capabilities", map(&[("maxMessageSize", max_message_size.into())])),
            ("label", "echo-service".into()),
        ]);
        round_trip(&message, expected);
    }
}

/// Covers O-111 O-112 O-113 O-114 O-115 O-116 O-117 O-118.
#[test]
fn data_channel_parameters_look_like_the_example_of_the_specification() {
    let all = DataChannelParameters {
        id: 42,
        label: Some("echo-service".into()),
        ordered: Some(true),
        max_packet_lifetime: Some(u32::MAX),
        max_retransmits: Some(0),
        protocol: Some("echo-service-protocol".into()),
    };
    let parameters = map(&[
        ("id", 42.into()),
        ("label", "echo-service".into()),
        ("ordered", true.into()),
        ("maxPacketLifetime", u32::MAX.into()),
        ("maxRetransmits", 0.into()),
        ("protocol", "echo-service-protocol".into()),
    ]);
    let message = OrtcMessage::DataChannelParameters(Labelled::new("echo-service-data", all));
    let expected = map(&[
        ("type", "dc-parameters".into()),
        ("parameters", parameters),
        ("label", "echo-service-data".into()),
    ]);
    round_trip(&message, expected);
    let bare = DataChannelParameters { id: 65_535, ..Default::default() };
    let message = OrtcMessage::DataChannelParameters(Labelled::none(bare));
    let parameters = map(&[("id", 65_535.into())]);
    round_trip(&message, map(&[("type", "dc-parameters".into()), ("parameters", parameters)]));
}

#[test]
fn content_does_not_show_in_debug_output() {
    let secret = || String::from("secret");
    let ice = IceParameters {
        username_fragment: secret(),
        password: secret(),
        ice_lite: false,
        role: None,
    };
    let candidate = IceCandidate { ip: secret(), ..candidate(IceProtocol::Udp) };
    let fingerprints = vec![DtlsFingerprint { algorithm: secret(), value: secret() }];
    let dtls = DtlsParameters { role: DtlsRole::Auto, fingerprints };
    let channel = DataChannelParameters { label: Some(secret()), ..Default::default() };
    let rtp = RtpCapabilities::from_msgpack(&encode(&map(&[("secret", Value::Nil)]))).unwrap();
    for text in [
        format!("{ice:?}"),
        format!("{candidate:?}"),
        format!("{dtls:?}"),
        format!("{channel:?}"),
        format!("{rtp:?}"),
        format!("{:?}", Labelled::new("secret", ())),
    ] {
        assert!(!text.contains("secret"), "{text}");
    }
}

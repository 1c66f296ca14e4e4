use rmpv::Value;

use super::*;
use crate::protocol::message::Payload;

fn options(exclude: &[u16], handover: bool) -> Options {
    Options { exclude: exclude.to_vec(), handover }
}

fn v1(exclude: &[u16], handover: bool) -> WebRtc {
    WebRtc::v1(options(exclude, handover)).unwrap()
}

fn v0(max_packet_size: u32) -> WebRtc {
    WebRtc::v0(Options::default(), max_packet_size).unwrap()
}

fn encode(entries: &[(&str, Value)]) -> Vec<u8> {
    let entries = entries.iter().map(|(name, value)| ((*name).into(), value.clone()));
    let mut data = Vec::new();
    rmpv::encode::write_value(&mut data, &Value::Map(entries.collect())).unwrap();
    data
}

fn data(entries: &[(&str, Value)]) -> TaskData {
    TaskData::from_map(encode(entries)).unwrap()
}

fn message(entries: &[(&str, Value)]) -> TaskMessage {
    TaskMessage::from_msgpack(encode(entries)).unwrap()
}

fn ids(ids: &[u64]) -> Value {
    Value::Array(ids.iter().map(|id| (*id).into()).collect())
}

/// What the two come to, which is the same for both.
fn meet(mut one: WebRtc, mut two: WebRtc) -> Option<SignallingChannel> {
    one.start(Role::Initiator, &two.data()).unwrap();
    two.start(Role::Responder, &one.data()).unwrap();
    assert_eq!(one.signalling_channel(), two.signalling_channel());
    one.signalling_channel()
}

/// Covers W-003.
#[test]
fn names_are_those_of_the_specification() {
    assert_eq!(v1(&[], true).name(), "v1.webrtc.tasks.saltyrtc.org");
    assert_eq!(v0(0).name(), "v0.webrtc.tasks.saltyrtc.org");
}

/// Covers W-004 W-005 W-006 W-007 W-008 W-009.
#[test]
fn data_is_what_the_application_asked_for() {
    let default = WebRtc::v1(Options::default()).unwrap();
    let expected = data(&[("exclude", ids(&[])), ("handover", true.into())]);
    assert_eq!(default.data(), expected);
    let expected = data(&[("exclude", ids(&[0, 3, 65_534])), ("handover", false.into())]);
    assert_eq!(v1(&[65_534, 0, 3, 3], false).data(), expected);
    let expected = data(&[
        ("exclude", ids(&[])),
        ("handover", true.into()),
        ("max_packet_size", 16_384.into()),
    ]);
    assert_eq!(v0(16_384).data(), expected);
}

/// Covers W-006.
#[test]
fn impossible_options_are_refused() {
    let wrong = WebRtc::v1(options(&[1, 65_535], true)).unwrap_err();
    assert_eq!(wrong, OptionsError::ChannelId);
    assert!(wrong.to_string().contains("65535"));
    for size in [1, 9] {
        let wrong = WebRtc::v0(Options::default(), size).unwrap_err();
        assert_eq!(wrong, OptionsError::PacketSize(size));
        assert!(wrong.to_string().contains(&format!("{size} bytes")), "{wrong}");
    }
}

/// Covers W-004 W-010 W-012.
#[test]
fn malformed_data_of_a_peer_is_refused() {
    let good = [("exclude", ids(&[0, 65_534, 0])), ("handover", true.into())];
    let with = |name: &str, value: Option<Value>| {
        let mut entries: Vec<_> =
            good.iter().filter(|(field, _)| *field != name).cloned().collect();
        if let Some(value) = value {
            entries.push((if name == "exclude" { "exclude" } else { "handover" }, value));
        }
        data(&entries)
    };
    let start = |data: &TaskData| v1(&[], true).start(Role::Initiator, data);
    assert_eq!(start(&data(&good)), Ok(()));
    let more = [&good[..], &[("more", Value::Nil)]].concat();
    assert_eq!(start(&data(&more)), Ok(()), "unknown fields are tolerated");
    assert!(start(&TaskData::NIL).unwrap_err().to_string().contains("not a MessagePack map"));

    let cases = [
        ("exclude", None),
        ("exclude", Some(Value::Nil)),
        ("exclude", Some(1.into())),
        ("exclude", Some("1".into())),
        ("exclude", Some(Value::Map(vec![]))),
        ("exclude", Some(ids(&[65_535]))),
        ("exclude", Some(ids(&[65_536]))),
        ("exclude", Some(ids(&[1, u64::MAX]))),
        ("exclude", Some(Value::Array(vec![(-1).into()]))),
        ("exclude", Some(Value::Array(vec![0.5.into()]))),
        ("exclude", Some(Value::Array(vec!["1".into()]))),
        ("handover", None),
        ("handover", Some(Value::Nil)),
        ("handover", Some(1.into())),
        ("handover", Some("true".into())),
    ];
    for (name, value) in cases {
        let error = start(&with(name, value.clone())).unwrap_err();
        assert!(error.to_string().contains(&format!("{name:?}")), "{name} {value:?}: {error}");
    }
}

/// Covers W-013 W-014.
#[test]
fn handover_takes_both() {
    for (one, two) in [(true, true), (true, false), (false, true), (false, false)] {
        let channel = meet(v1(&[], one), v1(&[], two));
        assert_eq!(channel.is_some(), one && two, "{one} {two}");
    }
}

/// Covers W-011 W-025 W-027.
#[test]
fn the_channel_has_the_lowest_id_that_neither_excludes() {
    let id = |one: &[u16], two: &[u16]| meet(v1(one, true), v1(two, true)).unwrap().id;
    assert_eq!(id(&[], &[]), 0);
    assert_eq!(id(&[0, 2], &[1, 2, 4]), 3);
    assert_eq!(id(&[1], &[2]), 0);
    assert_eq!(id(&[65_534], &[0]), 1);
    let low: Vec<u16> = (0..40_000).collect();
    let high: Vec<u16> = (30_000..65_534).collect();
    assert_eq!(id(&low, &high), 65_534);

    let channel = meet(v1(&[0], true), v1(&[], true)).unwrap();
    let expected = SignallingChannel {
        id: 1,
        label: "saltyrtc-signaling",
        protocol: "v1.saltyrtc.org",
        framing: ChannelFraming::Chunks { max: 262_144 },
    };
    assert_eq!(channel, expected);
}

/// Covers W-014 W-027.
#[test]
fn without_an_id_there_is_no_handover() {
    let (low, high): (Vec<u16>, Vec<u16>) = ((0..40_000).collect(), (30_000..=65_534).collect());
    let mut task = v1(&low, true);
    task.start(Role::Initiator, &v1(&high, true).data()).unwrap();
    assert_eq!(task.signalling_channel(), None);
    let handover = message(&[("type", "handover".into())]);
    assert!(task.handle_message(handover).unwrap_err().to_string().contains("no id is left"));
}

#[test]
fn version_0_chunks_by_the_smaller_limit() {
    let framing = |one, two| meet(v0(one), v0(two)).unwrap().framing;
    let chunks = |max| ChannelFraming::Chunks { max };
    assert_eq!(framing(0, 0), ChannelFraming::Whole);
    assert_eq!(framing(0, 10), chunks(10));
    assert_eq!(framing(16_384, 0), chunks(16_384));
    assert_eq!(framing(16_384, 1200), chunks(1200));
    assert_eq!(framing(u32::MAX, u32::MAX), chunks(262_144));

    let start = |value: Option<Value>| {
        let mut entries = vec![("exclude", ids(&[])), ("handover", true.into())];
        entries.extend(value.map(|value| ("max_packet_size", value)));
        let mut task = v0(16_384);
        let started = task.start(Role::Initiator, &data(&entries));
        started.map(|()| task.signalling_channel().unwrap().framing)
    };
    assert_eq!(start(Some(u64::MAX.into())), Ok(chunks(16_384)));
    for wrong in [None, Some((-1).into()), Some(Value::Nil), Some(1.5.into())] {
        assert!(start(wrong).unwrap_err().to_string().contains("max_packet_size"));
    }
    for wrong in [1, 9] {
        assert!(
            start(Some(wrong.into())).unwrap_err().to_string().contains(&format!("{wrong} bytes"))
        );
    }
}

/// Covers W-058 W-065 W-067 W-073 W-085.
#[test]
fn each_role_gets_what_the_other_one_may_send() {
    let task = |role| {
        let mut task = v1(&[], false);
        task.start(role, &v1(&[], true).data()).unwrap();
        task
    };
    let (mut initiator, mut responder) = (task(Role::Initiator), task(Role::Responder));
    let parsed = |message: WebRtcMessage| TaskMessage::from_msgpack(message.serialise()).unwrap();
    let description = |kind| SessionDescription::new(kind, "v=0");

    let offer = parsed(WebRtcMessage::Offer(description(SdpType::Offer)));
    let event = TaskEvent::Offer(description(SdpType::Offer));
    assert_eq!(responder.handle_message(offer.clone()), Ok(Some(event)));
    assert!(initiator.handle_message(offer).unwrap_err().to_string().contains("responder may not"));

    let answer = parsed(WebRtcMessage::Answer(description(SdpType::Answer)));
    let event = TaskEvent::Answer(description(SdpType::Answer));
    assert_eq!(initiator.handle_message(answer.clone()), Ok(Some(event)));
    assert!(
        responder.handle_message(answer).unwrap_err().to_string().contains("initiator may not")
    );

    let list = vec![Some(Candidate::default()), None];
    let candidates = WebRtcMessage::Candidates(Candidates::new(list.clone()).unwrap());
    for task in [&mut initiator, &mut responder] {
        let event = TaskEvent::Candidates(list.clone());
        assert_eq!(task.handle_message(parsed(candidates.clone())), Ok(Some(event)));
        let handover = message(&[("type", "handover".into())]);
        assert!(task.handle_message(handover).unwrap_err().to_string().contains("did not agree"));
        let unknown = TaskMessage::with_field("data", "p", &Payload::from_text("x"));
        assert!(task.handle_message(unknown).unwrap_err().to_string().contains("\"data\""));
    }
}

#[test]
fn nothing_of_one_peer_is_left_for_the_next() {
    let mut task = v1(&[], true);
    task.start(Role::Initiator, &v1(&[0], true).data()).unwrap();
    assert_eq!(task.signalling_channel().unwrap().id, 1);
    task.stop();
    assert_eq!(task.signalling_channel(), None);
    task.start(Role::Initiator, &v1(&[], true).data()).unwrap();
    assert_eq!(task.signalling_channel().unwrap().id, 0);
    assert!(task.start(Role::Initiator, &TaskData::NIL).is_err());
    assert_eq!(task.signalling_channel(), None);
}

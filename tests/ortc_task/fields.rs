//! Every field of every message, over a real signalling connection: what may be there, what has to be, and what may not.

use rmpv::Value;
use saltyrtc::protocol::Role;
use saltyrtc::task::ortc::OrtcMessage;
use saltyrtc::task::{Event, TaskEvent};

use super::support::msg::{decode, encode, map, texts};
use super::{ORTC, messages};

/// A field of a message.
struct Field {
    kind: &'static str,
    /// Where it is: the names of fields, and `0` for the first item of a list.
    path: String,
    /// Whether it may be missing.
    optional: bool,
    /// Values that it may have, beside the one in [`full`].
    good: Vec<Value>,
    /// Values that it may not have, beside those of other types.
    wrong: Vec<Value>,
}

impl Field {
    fn path(&self) -> Vec<&str> {
        self.path.split('.').collect()
    }
}

/// What is right and wrong, apart from the type.
type Values = (Vec<Value>, Vec<Value>);

fn any() -> Values {
    (vec![], vec![])
}

fn text() -> Values {
    (vec!["".into(), "ä\0".into()], vec![])
}

fn boolean() -> Values {
    (vec![true.into(), false.into()], vec![0.into(), 1.into()])
}

/// An unsigned number with so many bits.
fn unsigned(bits: u32) -> Values {
    let most = (1_u64 << bits) - 1;
    (vec![0.into(), most.into()], vec![Value::from(-1), (most + 1).into(), Value::F64(1.0)])
}

fn one_of(names: &[&str]) -> Values {
    let wrong = ["".to_owned(), names[0].to_uppercase(), "other".to_owned()];
    let good = names.iter().map(|name| (*name).into()).collect();
    (good, wrong.map(Value::from).to_vec())
}

fn list() -> Values {
    (vec![Value::Array(vec![])], vec![Value::Array(vec![map(&[]); 1025])])
}

fn filled_list() -> Values {
    (vec![], vec![Value::Array(vec![]), Value::Array(vec![map(&[]); 1025])])
}

fn fields() -> Vec<Field> {
    const CANDIDATE: &str = "candidates.0.candidate.";
    const CODEC: &str = "capabilities.0.capabilities.codecs.0.";
    const EXTENSION: &str = "capabilities.0.capabilities.headerExtensions.0.";
    let mut all = Vec::new();
    let mut add = |kind, within: &str, fields: Vec<(&str, bool, Values)>| {
        for (name, optional, (good, wrong)) in fields {
            all.push(Field { kind, path: format!("{within}{name}"), optional, good, wrong });
        }
    };
    let required = |name, values| (name, false, values);
    let optional = |name, values| (name, true, values);
    add(
        "ice-parameters",
        "",
        vec![
            required("parameters", any()),
            required("parameters.usernameFragment", text()),
            required("parameters.password", text()),
            required("parameters.iceLite", boolean()),
            optional("role", one_of(&["controlling", "controlled"])),
            optional("label", text()),
        ],
    );
    add(
        "ice-candidates",
        "",
        vec![
            required("candidates", filled_list()),
            required("candidates.0", any()),
            required("candidates.0.candidate", any()),
            optional("candidates.0.label", text()),
        ],
    );
    add(
        "ice-candidates",
        CANDIDATE,
        vec![
            required("foundation", text()),
            required("priority", unsigned(32)),
            required("ip", text()),
            required(
                "protocol",
                (vec!["tcp".into()], vec!["".into(), "TCP".into(), "dccp".into()]),
            ),
            required("port", unsigned(16)),
            required("type", one_of(&["host", "srflx", "prflx", "relay"])),
            // It is there, and the protocol is TCP.
            required("tcpType", one_of(&["active", "passive", "so"])),
            optional("relatedAddress", text()),
            optional("relatedPort", unsigned(16)),
        ],
    );
    add(
        "dtls-parameters",
        "",
        vec![
            required("parameters", any()),
            required("parameters.role", one_of(&["auto", "client", "server"])),
            required("parameters.fingerprints", filled_list()),
            required("parameters.fingerprints.0", any()),
            required("parameters.fingerprints.0.algorithm", text()),
            required("parameters.fingerprints.0.value", text()),
            optional("label", text()),
        ],
    );
    add(
        "rtp-capabilities",
        "",
        vec![
            required("capabilities", list()),
            required("capabilities.0", any()),
            required("capabilities.0.capabilities", any()),
            optional("capabilities.0.label", text()),
            optional("capabilities.0.capabilities.codecs", list()),
            required("capabilities.0.capabilities.codecs.0", any()),
            optional("capabilities.0.capabilities.headerExtensions", list()),
            required("capabilities.0.capabilities.headerExtensions.0", any()),
            optional("capabilities.0.capabilities.fecMechanisms", list()),
            required("capabilities.0.capabilities.fecMechanisms.0", text()),
        ],
    );
    add(
        "rtp-capabilities",
        CODEC,
        vec![
            optional("name", text()),
            optional("kind", text()),
            optional("clockRate", unsigned(32)),
            optional("preferredPayloadType", unsigned(8)),
            optional("maxptime", unsigned(32)),
            optional("ptime", unsigned(32)),
            optional("numChannels", unsigned(32)),
            optional("rtcpFeedback", list()),
            required("rtcpFeedback.0", any()),
            optional("rtcpFeedback.0.type", text()),
            optional("rtcpFeedback.0.parameter", text()),
            optional("parameters", any()),
            optional("options", any()),
            optional("maxTemporalLayers", unsigned(16)),
            optional("maxSpatialLayers", unsigned(16)),
            optional("svcMultiStreamSupport", boolean()),
        ],
    );
    add(
        "rtp-capabilities",
        EXTENSION,
        vec![
            optional("kind", text()),
            optional("uri", text()),
            optional("preferredId", unsigned(16)),
            optional("preferredEncrypt", boolean()),
        ],
    );
    add(
        "sctp-capabilities",
        "",
        vec![
            required("capabilities", any()),
            required("capabilities.maxMessageSize", unsigned(16)),
            optional("label", text()),
        ],
    );
    add(
        "dc-parameters",
        "",
        vec![
            required("parameters", any()),
            required("parameters.id", unsigned(16)),
            optional("parameters.label", text()),
            optional("parameters.ordered", boolean()),
            optional("parameters.maxPacketLifetime", unsigned(32)),
            optional("parameters.maxRetransmits", unsigned(32)),
            optional("parameters.protocol", text()),
            optional("label", text()),
        ],
    );
    all
}

/// A message with every field that it can have.
fn full(kind: &str) -> Value {
    let bare = |entries: &[(&str, Value)]| map(&[&[("type", kind.into())], entries].concat());
    let message = |entries: &[(&str, Value)]| bare(&[entries, &[("label", "l".into())]].concat());
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
            bare(&[("candidates", Value::Array(vec![item]))])
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
            let feedback = map(&[("type", "nack".into()), ("parameter", "pli".into())]);
            let codec = map(&[
                ("name", "opus".into()),
                ("kind", "audio".into()),
                ("clockRate", 48_000.into()),
                ("preferredPayloadType", 96.into()),
                ("maxptime", 60.into()),
                ("ptime", 20.into()),
                ("numChannels", 2.into()),
                ("rtcpFeedback", Value::Array(vec![feedback])),
                ("parameters", map(&[])),
                ("options", map(&[])),
                ("maxTemporalLayers", 3.into()),
                ("maxSpatialLayers", 2.into()),
                ("svcMultiStreamSupport", false.into()),
            ]);
            let extension = map(&[
                ("kind", "video".into()),
                ("uri", "urn:x".into()),
                ("preferredId", 1.into()),
                ("preferredEncrypt", true.into()),
            ]);
            let capabilities = map(&[
                ("codecs", Value::Array(vec![codec])),
                ("headerExtensions", Value::Array(vec![extension])),
                ("fecMechanisms", texts(&["red"])),
            ]);
            let item = map(&[("capabilities", capabilities), ("label", "l".into())]);
            bare(&[("capabilities", Value::Array(vec![item]))])
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

/// A peer of each role sends the message.
fn outcomes(message: &Value) -> [Result<Vec<Event>, String>; 2] {
    let message = encode(message);
    [Role::Initiator, Role::Responder].map(|sender| ORTC.outcome(sender, &message))
}

#[track_caller]
fn expect_refused(message: &Value, kind: &str, field: &str) {
    for outcome in outcomes(message) {
        let text = outcome.expect_err(&format!("{message} was taken"));
        assert!(text.contains(&format!("{kind:?}")), "{message}: {text}");
        assert!(field == "0" || text.contains(&format!("{field:?}")), "{message}: {text}");
    }
}

/// What a message says, whatever the order of its fields: without those that are unknown, or `nil`.
fn content(value: &Value) -> Value {
    match value {
        Value::Map(entries) => {
            let known =
                |(key, value): &&(Value, Value)| !value.is_nil() && key.as_str() != Some("unknown");
            let mut entries: Vec<_> = (entries.iter().filter(known))
                .map(|(key, value)| (key.clone(), content(value)))
                .collect();
            entries.sort_by(|(one, _), (two, _)| one.as_str().cmp(&two.as_str()));
            Value::Map(entries)
        }
        Value::Array(items) => Value::Array(items.iter().map(content).collect()),
        value => value.clone(),
    }
}

/// The application gets what was sent.
#[track_caller]
fn expect_taken(message: &Value) {
    for outcome in outcomes(message) {
        let events = outcome.unwrap_or_else(|text| panic!("{message}: {text}"));
        let [Event::Task(TaskEvent::Ortc(received))] = &events[..] else {
            panic!("{message}: {events:?}")
        };
        let received = decode(&received.serialise());
        assert_eq!(content(&received), content(message));
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
        let Field { kind, optional, good, wrong, .. } = &field;
        let path = field.path();
        let name = path.last().unwrap();
        let full = full(kind);
        let present = at(&full, &path);
        // A list may be empty, unless it is among the wrong values of the list.
        if *name != "0" {
            let without = changed(&full, &path, None);
            match optional {
                true => expect_taken(&without),
                false => expect_refused(&without, kind, name),
            }
        }
        for value in good {
            assert!(same_type(value, present), "{kind} {path:?} {value}");
            expect_taken(&changed(&full, &path, Some(value)));
        }
        for value in wrong {
            expect_refused(&changed(&full, &path, Some(value)), kind, name);
        }
        for value in &types {
            let message = changed(&full, &path, Some(value));
            if value.is_nil() && *optional {
                expect_taken(&message);
            // A map whose keys are no texts is none of those that are expected.
            } else if !same_type(value, present) || value.is_map() {
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
    let path = ["candidates", "0", "candidate", "protocol"];
    let udp_with_type = changed(&full("ice-candidates"), &path, Some(&"udp".into()));
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

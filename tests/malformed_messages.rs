//! Every field of every message that a client receives: missing, nil, of every wrong type, of wrong
//! length or range. The outcome depends on who sent it, and nobody else is touched by it.

mod support;

use rmpv::Value;
use saltyrtc::protocol::client::{ClientState, ClosedBy, EndReason};
use saltyrtc::protocol::{CloseCode, Role, Transmit};
use saltyrtc::task::{ClientConfig, Event, relayed_data};
use support::fake_peer::FakePeer;
use support::fake_server::{FakeServer, Sent};
use support::keys;
use support::msg::{Msg, bin, every_type, map, texts};

const TASK: &str = relayed_data::NAME;

/// What a field holds.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    /// The type of the message.
    Type,
    /// Binary data of this length.
    Bin(usize),
    /// A public key.
    Key,
    /// Binary data that may be absent.
    SignedKeys,
    /// The address of a responder, or of the initiator.
    Id(Role),
    /// The addresses of responders.
    Ids,
    Bool,
    Tasks,
    Task,
    /// The data of the one task that is offered.
    TaskData,
    CloseCode,
    /// Whatever there is, but something.
    Any,
}

impl Kind {
    /// Whether `value` would be fine. Only for values of [`every_type`].
    fn takes(self, value: &Value) -> bool {
        match self {
            Self::Bool => value.is_bool(),
            Self::Id(Role::Initiator) => value.as_u64() == Some(1),
            Self::Id(Role::Responder) => value.as_u64() == Some(200),
            Self::Any => true,
            _ => false,
        }
    }

    /// Values of the right type that are wrong.
    fn wrong_values(self) -> Vec<Value> {
        let ints = |ints: &[i64]| ints.iter().map(|&int| int.into()).collect();
        let not_utf8 = rmpv::decode::read_value(&mut &[0xa2, 0xff, 0xfe][..]).unwrap();
        let key = keys::pair(1);
        let mut values: Vec<Value> = match self {
            Self::Type => vec!["".into(), "Key".into(), "key ".into(), "unknown".into()],
            Self::Bin(length) => {
                [0, length - 1, length + 1, 2 * length].map(|n| bin(&vec![7; n])).to_vec()
            }
            Self::SignedKeys => [0, 79, 81, 160].map(|n| bin(&vec![7; n])).to_vec(),
            Self::Key => {
                let mut values = [0, 31, 33, 64].map(|n| bin(&vec![7; n])).to_vec();
                // Text is no binary data, in hexadecimal or not; and zero is no key.
                values.push(key.public().to_hex().into());
                values.push("x".repeat(32).into());
                values.push(bin(&[0; 32]));
                values.push(Value::Array(vec![7.into(); 32]));
                values
            }
            Self::Id(Role::Responder) => ints(&[0, 1, 256, 258, 65_538, -2, -254]),
            Self::Id(Role::Initiator) => ints(&[0, 2, 255, 256, 257, -1, -255]),
            Self::Ids => [
                vec![0.into()],
                vec![1.into()],
                vec![2.into(), 256.into()],
                vec![258.into()],
                vec![2.into(), 3.into(), 2.into()],
                vec![2.into(), Value::Nil],
                vec!["2".into()],
                vec![(-2).into()],
                vec![Value::F64(2.0)],
                vec![Value::Array(vec![2.into()])],
                vec![2.into(); 255],
            ]
            .map(Value::Array)
            .to_vec(),
            Self::Tasks => vec![
                Value::Array(vec![]),
                Value::Array(vec![TASK.into(), Value::Nil]),
                Value::Array(vec![TASK.into(), 1.into()]),
                Value::Array(vec![TASK.into(), not_utf8.clone()]),
                Value::Array(vec![bin(TASK.as_bytes())]),
                texts(&[TASK, "without data"]),
                map(&[(TASK, Value::Nil)]),
                TASK.into(),
            ],
            Self::Task => vec!["".into(), "other".into(), TASK[1..].into(), bin(TASK.as_bytes())],
            Self::TaskData => vec![
                map(&[]),
                map(&[("other", Value::Nil)]),
                map(&[(TASK, Value::Nil), ("other", Value::Nil)]),
                map(&[(TASK, 1.into())]),
                map(&[(TASK, "x".into())]),
                map(&[(TASK, bin(&[0x80]))]),
                map(&[(TASK, false.into())]),
                map(&[(TASK, Value::Array(vec![]))]),
                map(&[(TASK, Value::Map(vec![(1.into(), 1.into())]))]),
                Value::Map(vec![(bin(TASK.as_bytes()), Value::Nil)]),
                Value::Map(vec![(TASK.into(), Value::Nil), (TASK.into(), Value::Nil)]),
            ],
            Self::CloseCode => {
                ints(&[0, 1, 999, 1003, 1006, 1009, 2999, 3009, 4000, 66_537, 68_537, -1001])
            }
            Self::Bool => ints(&[0, 1]),
            Self::Any => vec![],
        };
        if !matches!(self, Self::Any) {
            values.push(not_utf8);
        }
        values
    }

    fn may_be_missing(self) -> bool {
        self == Self::SignedKeys
    }
}

/// A message that a client receives.
struct Target {
    /// What the message is, for failures.
    name: &'static str,
    fields: &'static [(&'static str, Kind)],
    /// Has the message sent in the right state, as changed; and says what came of it.
    run: fn(Change<'_>) -> Outcome,
    /// What comes of a bad message.
    bad: Outcome,
}

/// Turns a good message into the content that is sent.
type Change<'a> = &'a dyn Fn(Msg) -> Vec<u8>;

#[derive(Clone, Copy, PartialEq, Debug)]
enum Outcome {
    /// Nothing bad.
    Accepted,
    /// The server is accused: WebSocket close 3001.
    ServerAccused,
    /// The responder is dropped with 3001; another one that is half way goes on.
    Dropped,
    /// The initiator is left: WebSocket close 3001.
    InitiatorLeft,
    /// The peer gets 'close' with 3001; then WebSocket close 1001.
    PeerAccused,
}

/// After the message went to a client: what did it do?
fn server_outcome(mut server: FakeServer) -> Outcome {
    if server.client.state() == ClientState::Closed {
        server.expect_accusation();
        return Outcome::ServerAccused;
    }
    Outcome::Accepted
}

fn hello(change: Change<'_>, config: ClientConfig) -> Outcome {
    let mut server = FakeServer::new(config);
    let message = server.out.clear(&change(server.server_hello()));
    server.send_raw(&message);
    server_outcome(server)
}

fn server_auth(change: Change<'_>, config: ClientConfig) -> Outcome {
    let mut server = FakeServer::new(config);
    server.greet();
    let auth = server.server_auth(&[]);
    // The signature is optional; nobody can verify it here, but it has to look like one.
    let auth = change(auth.with("signed_keys", server.signed_keys()));
    server.send_plain(&auth);
    server_outcome(server)
}

/// A notification to an initiator in the task, or to a responder in the task.
fn notification(change: Change<'_>, role: Role, msg: Msg) -> Outcome {
    let (mut server, _) = in_task(role);
    server.send_plain(&change(msg));
    while server.client.state() != ClientState::Closed && server.client.poll_transmit().is_some() {}
    server_outcome(server)
}

/// A message of a responder that is not authenticated; `step` says which.
fn from_responder(change: Change<'_>, step: usize) -> Outcome {
    let mut server = FakeServer::with_initiator(&[2, 4]);
    let mut bystander = FakePeer::responder(4);
    bystander.up_to_auth(&mut server);
    server.client.arm_token(keys::token()).unwrap();
    let mut peer = FakePeer::responder(2);
    match step {
        0 => {
            let plain = change(peer.token_msg());
            peer.send_with_token(&mut server, &plain);
        }
        1 => {
            peer.send_token(&mut server);
            let plain = change(peer.key_msg());
            peer.send_with_permanent(&mut server, &plain);
        }
        _ => {
            peer.up_to_auth(&mut server);
            let plain = change(peer.auth_msg());
            peer.send_with_session(&mut server, &plain);
        }
    }
    let failed = |event: &Event| matches!(event, Event::ResponderFailed { .. });
    if !server.events().iter().any(failed) {
        return Outcome::Accepted;
    }
    server.expect_drop(2, 3001);
    bystander.send_auth(&mut server);
    assert_eq!(bystander.read(&mut server).kind(), "auth");
    Outcome::Dropped
}

/// A message of an initiator that is not authenticated.
fn from_initiator(change: Change<'_>, step: usize) -> Outcome {
    let mut server = FakeServer::with_responder();
    let mut peer = FakePeer::initiator();
    if step == 0 {
        peer.read_token(&mut server);
        peer.read_key(&mut server);
        let plain = change(peer.key_msg());
        peer.send_with_permanent(&mut server, &plain);
    } else {
        peer.up_to_auth(&mut server);
        let plain = change(peer.auth_msg());
        peer.send_with_session(&mut server, &plain);
    }
    if server.client.state() != ClientState::Closed {
        return Outcome::Accepted;
    }
    let closed = server.expect_close(CloseCode::ProtocolError);
    assert!(matches!(closed.reason, EndReason::PeerProtocolError(_)), "{closed:?}");
    assert_eq!((closed.by, closed.code), (ClosedBy::Us, Some(3001)));
    Outcome::InitiatorLeft
}

fn in_task(role: Role) -> (FakeServer, FakePeer) {
    let (mut server, mut peer) = match role {
        Role::Initiator => (FakeServer::with_initiator(&[2]), FakePeer::responder(2)),
        Role::Responder => (FakeServer::with_responder(), FakePeer::initiator()),
    };
    peer.authenticate(&mut server);
    server.events();
    (server, peer)
}

/// A message of an authenticated peer, to both roles.
fn from_peer(change: Change<'_>, msg: &Msg) -> Outcome {
    let outcomes = [Role::Initiator, Role::Responder].map(|role| {
        let (mut server, mut peer) = in_task(role);
        peer.send_with_session(&mut server, &change(msg.clone()));
        let end = |event: &Transmit| matches!(event, Transmit::Close(CloseCode::GoingAway));
        match server.client.poll_transmit() {
            Some(Transmit::Message(message)) => {
                let close = Sent::parse(&message).open(&peer.session_key());
                assert_eq!(close, Msg::new("close").with("reason", 3001));
            }
            other => {
                assert!(other.is_none_or(|transmit| end(&transmit)), "3001 without 'close'");
                return Outcome::Accepted;
            }
        }
        let closed = server.expect_close(CloseCode::GoingAway);
        assert!(matches!(closed.reason, EndReason::PeerProtocolError(_)), "{closed:?}");
        Outcome::PeerAccused
    });
    assert_eq!(outcomes[0], outcomes[1]);
    outcomes[0]
}

const INITIATOR: fn() -> ClientConfig = keys::initiator_with_token;
const RESPONDER: fn() -> ClientConfig = keys::responder_with_token;

const SERVER_MESSAGES: [Target; 10] = [
    Target {
        name: "server-hello to an initiator",
        fields: &[("type", Kind::Type), ("key", Kind::Key)],
        run: |change| hello(change, INITIATOR()),
        bad: Outcome::ServerAccused,
    },
    Target {
        name: "server-hello to a responder",
        fields: &[("type", Kind::Type), ("key", Kind::Key)],
        run: |change| hello(change, RESPONDER()),
        bad: Outcome::ServerAccused,
    },
    Target {
        name: "server-auth to an initiator",
        fields: &[
            ("type", Kind::Type),
            ("your_cookie", Kind::Bin(16)),
            ("signed_keys", Kind::SignedKeys),
            ("responders", Kind::Ids),
        ],
        run: |change| server_auth(change, INITIATOR()),
        bad: Outcome::ServerAccused,
    },
    Target {
        name: "server-auth to a responder",
        fields: &[
            ("type", Kind::Type),
            ("your_cookie", Kind::Bin(16)),
            ("signed_keys", Kind::SignedKeys),
            ("initiator_connected", Kind::Bool),
        ],
        run: |change| server_auth(change, RESPONDER()),
        bad: Outcome::ServerAccused,
    },
    Target {
        name: "new-initiator",
        fields: &[("type", Kind::Type)],
        run: |change| notification(change, Role::Responder, Msg::new("new-initiator")),
        bad: Outcome::ServerAccused,
    },
    Target {
        name: "new-responder",
        fields: &[("type", Kind::Type), ("id", Kind::Id(Role::Responder))],
        run: |change| {
            notification(change, Role::Initiator, Msg::new("new-responder").with("id", 3))
        },
        bad: Outcome::ServerAccused,
    },
    Target {
        name: "disconnected to an initiator",
        fields: &[("type", Kind::Type), ("id", Kind::Id(Role::Responder))],
        run: |change| notification(change, Role::Initiator, Msg::new("disconnected").with("id", 3)),
        bad: Outcome::ServerAccused,
    },
    Target {
        name: "disconnected to a responder",
        fields: &[("type", Kind::Type), ("id", Kind::Id(Role::Initiator))],
        run: |change| notification(change, Role::Responder, Msg::new("disconnected").with("id", 1)),
        bad: Outcome::ServerAccused,
    },
    Target {
        name: "send-error to an initiator",
        fields: &[("type", Kind::Type), ("id", Kind::Bin(8))],
        run: |change| {
            let msg = Msg::new("send-error").with("id", bin(&[1, 2, 0, 0, 0, 0, 0, 0]));
            notification(change, Role::Initiator, msg)
        },
        bad: Outcome::ServerAccused,
    },
    Target {
        name: "send-error to a responder",
        fields: &[("type", Kind::Type), ("id", Kind::Bin(8))],
        run: |change| {
            let msg = Msg::new("send-error").with("id", bin(&[2, 1, 0, 0, 0, 0, 0, 0]));
            notification(change, Role::Responder, msg)
        },
        bad: Outcome::ServerAccused,
    },
];

const HANDSHAKE_MESSAGES: [Target; 5] = [
    Target {
        name: "token",
        fields: &[("type", Kind::Type), ("key", Kind::Key)],
        run: |change| from_responder(change, 0),
        bad: Outcome::Dropped,
    },
    Target {
        name: "key of a responder",
        fields: &[("type", Kind::Type), ("key", Kind::Key)],
        run: |change| from_responder(change, 1),
        bad: Outcome::Dropped,
    },
    Target {
        name: "auth of a responder",
        fields: &[
            ("type", Kind::Type),
            ("your_cookie", Kind::Bin(16)),
            ("tasks", Kind::Tasks),
            ("data", Kind::TaskData),
        ],
        run: |change| from_responder(change, 2),
        bad: Outcome::Dropped,
    },
    Target {
        name: "key of an initiator",
        fields: &[("type", Kind::Type), ("key", Kind::Key)],
        run: |change| from_initiator(change, 0),
        bad: Outcome::InitiatorLeft,
    },
    Target {
        name: "auth of an initiator",
        fields: &[
            ("type", Kind::Type),
            ("your_cookie", Kind::Bin(16)),
            ("task", Kind::Task),
            ("data", Kind::TaskData),
        ],
        run: |change| from_initiator(change, 1),
        bad: Outcome::InitiatorLeft,
    },
];

const SESSION_MESSAGES: [Target; 3] = [
    Target {
        name: "application",
        fields: &[("type", Kind::Type), ("data", Kind::Any)],
        run: |change| from_peer(change, &Msg::new("application").with("data", "x")),
        bad: Outcome::PeerAccused,
    },
    Target {
        name: "close",
        fields: &[("type", Kind::Type), ("reason", Kind::CloseCode)],
        run: |change| from_peer(change, &Msg::new("close").with("reason", 1001)),
        bad: Outcome::PeerAccused,
    },
    Target {
        name: "data",
        fields: &[("type", Kind::Type), ("p", Kind::Any)],
        run: |change| from_peer(change, &Msg::new("data").with("p", "x")),
        bad: Outcome::PeerAccused,
    },
];

#[track_caller]
fn check(targets: &[Target]) {
    for target in targets {
        let expect = |outcome: Outcome, what: &str, change: Change<'_>| {
            assert_eq!((target.run)(change), outcome, "{}: {what}", target.name);
        };
        // The message itself is good; and unknown fields do no harm, whatever is in them.
        expect(Outcome::Accepted, "unchanged", &|msg| msg.encode());
        expect(Outcome::Accepted, "unknown field", &|msg| msg.with("new", Value::Nil).encode());

        for &(field, kind) in target.fields {
            let missing = if kind.may_be_missing() { Outcome::Accepted } else { target.bad };
            expect(missing, &format!("no {field}"), &|msg| msg.without(field).encode());
            // Large values differ from small ones of the same type only in the time they take.
            let large = ["str32", "bin32", "array32"];
            for (name, value) in every_type() {
                if large.contains(&name) {
                    continue;
                }
                let outcome = if kind.takes(&value) { Outcome::Accepted } else { target.bad };
                let what = format!("{field} is {name}");
                expect(outcome, &what, &|msg| msg.with(field, value.clone()).encode());
            }
            for value in kind.wrong_values() {
                let what = format!("{field} is {value}");
                expect(target.bad, &what, &|msg| msg.with(field, value.clone()).encode());
            }
            expect(target.bad, &format!("{field} twice"), &|msg| {
                let value = msg.field(field).clone();
                Msg([msg.0, vec![(field.into(), value)]].concat()).encode()
            });
        }

        // Not one whole map with text keys.
        expect(target.bad, "no data", &|_| Vec::new());
        expect(target.bad, "key that is no text", &|msg| {
            Msg([msg.0, vec![(1.into(), 1.into())]].concat()).encode()
        });
        expect(target.bad, "binary key", &|msg| {
            Msg([msg.0, vec![(bin(b"new"), 1.into())]].concat()).encode()
        });
        expect(target.bad, "something after the end", &|msg| [msg.encode(), vec![0xc0]].concat());
        expect(target.bad, "cut short", &|msg| {
            let mut data = msg.encode();
            data.pop();
            data
        });
        expect(target.bad, "a length beyond the end", &|_| vec![0xdf, 0xff, 0xff, 0xff, 0xff]);
        expect(target.bad, "deep nesting", &|_| [vec![0x81], vec![0x91; 60_000]].concat());
        expect(target.bad, "an array", &|msg| [vec![0x91], msg.encode()].concat());
    }
}

/// Covers P-084 P-085 P-097 P-098 P-099 P-100 P-101 P-102 P-103 P-104 P-112 P-162 P-163 P-164 P-165.
/// Covers P-168 P-180 P-201 P-202 P-298.
#[test]
fn malformed_messages_of_the_server_end_the_connection() {
    check(&SERVER_MESSAGES);
}

/// Covers P-217 P-218 P-219 P-220 P-221 P-222 P-223 P-225 P-226 P-242 P-251 P-260 P-262 P-264 P-269.
/// Covers P-270 P-298.
#[test]
fn malformed_messages_during_the_handshake_cost_only_their_sender_the_place() {
    check(&HANDSHAKE_MESSAGES);
}

/// Covers P-220 P-221 P-222 P-227 P-228 P-282 P-291 P-298 R-011.
#[test]
fn malformed_messages_of_the_peer_are_answered_with_close() {
    check(&SESSION_MESSAGES);
}

#[test]
fn server_auth_with_the_field_of_the_other_role_is_refused() {
    for (config, field, value) in [
        (INITIATOR, "initiator_connected", Value::Boolean(true)),
        (RESPONDER, "responders", Value::Array(vec![])),
    ] {
        for value in [value, Value::Nil] {
            let outcome = server_auth(&|msg| msg.with(field, value.clone()).encode(), config());
            assert_eq!(outcome, Outcome::ServerAccused);
        }
    }
}

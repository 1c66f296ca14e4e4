//! Every field of every message that clients send: missing, nil, of a wrong type, of a wrong length,
//! out of range.

use rmpv::Value;
use saltyrtc::protocol::server::{Cause, Event, PathConfig, Violation};

use crate::Incoming::Close;
use crate::scripted_client::{SUBPROTOCOL, with_field};
use crate::*;

/// One value of every MessagePack type that is not binary.
fn not_binary() -> Vec<Option<Value>> {
    vec![
        None,
        Some(Value::Nil),
        Some(true.into()),
        Some(1.into()),
        Some(1.5.into()),
        Some("ab".repeat(32).into()),
        Some(Value::Array(vec![1.into(); 32])),
        Some(Value::Map(vec![])),
        Some(Value::Ext(1, vec![1; 32])),
    ]
}

fn binary_of_lengths(lengths: &[usize]) -> Vec<Option<Value>> {
    lengths.iter().map(|length| Some(vec![7u8; *length].into())).collect()
}

fn not_a_type() -> Vec<Option<Value>> {
    let mut values = not_binary();
    values.extend(
        ["", "server-hello", "server-auth", "token", "Client-Auth"].map(|text| Some(text.into())),
    );
    values.push(Some(b"client-hello".to_vec().into()));
    values
}

/// Covers P-097 P-098 P-100 P-101 P-102 P-117 P-118.
#[test]
fn fields_of_client_hello() {
    let mut table: Vec<(&str, Option<Value>)> = Vec::new();
    table.extend(not_binary().into_iter().map(|value| ("key", value)));
    table.extend(binary_of_lengths(&[0, 1, 31, 33, 64]).into_iter().map(|value| ("key", value)));
    table.push(("key", Some(vec![0u8; 32].into())));
    table.extend(not_a_type().into_iter().map(|value| ("type", value)));
    for (name, value) in table {
        let mut bench = Bench::new();
        let mut member = bench.connect(ScriptedClient::generate().keys);
        let hello = with_field(&member.client.client_hello(), name, value);
        let message = member.client.plain(&hello);
        bench.send(&member, message);
        assert_eq!(bench.incoming(&mut member), [Close(3001)], "{hello}");
    }
}

/// Covers P-097 P-098 P-099 P-100 P-101 P-102 P-127 P-128 P-132.
#[test]
fn fields_of_client_auth() {
    let mut table: Vec<(&str, Option<Value>)> = Vec::new();
    table.extend(not_binary().into_iter().map(|value| ("your_cookie", value)));
    for value in binary_of_lengths(&[0, 15, 16, 17, 32]) {
        table.push(("your_cookie", value));
    }
    let not_a_list =
        not_binary().into_iter().filter(|value| !matches!(value, Some(Value::Array(_))));
    table.extend(not_a_list.map(|value| ("subprotocols", value)));
    for item in [Value::Nil, 1.into(), SUBPROTOCOL.as_bytes().to_vec().into(), Value::Array(vec![])]
    {
        let list = Value::Array(vec![SUBPROTOCOL.into(), item]);
        table.push(("subprotocols", Some(list)));
    }
    for value in [(-1).into(), i64::MIN.into(), 1.5.into(), 30.0.into(), "30".into(), Value::Nil] {
        table.push(("ping_interval", Some(value)));
    }
    for value in [true.into(), vec![30u8].into(), Value::Array(vec![]), Value::Map(vec![])] {
        table.push(("ping_interval", Some(value)));
    }
    // Without this field there is nothing wrong, and with a good one it is another close code.
    table.extend(not_binary().into_iter().skip(1).map(|value| ("your_key", value)));
    table.extend(binary_of_lengths(&[0, 31, 33]).into_iter().map(|value| ("your_key", value)));
    table.extend(not_a_type().into_iter().map(|value| ("type", value)));
    table.push(("type", Some("client-hello".into())));

    for (name, value) in table {
        for responder in [false, true] {
            let mut bench = Bench::new();
            let mut there = bench.join_initiator();
            let mut member = if responder { bench.new_responder() } else { bench.new_initiator() };
            let auth = with_field(&member.client.client_auth(), name, value.clone());
            let message = member.client.sealed(&auth);
            bench.send(&member, message);
            assert_eq!(bench.incoming(&mut member), [Close(3001)], "{auth}");
            assert!(bench.incoming(&mut there).is_empty(), "the path does not change: {auth}");
        }
    }
}

/// Covers P-132 P-097.
#[test]
fn what_client_auth_may_look_like() {
    let reversed =
        |message: &Value| Value::Map(message.as_map().unwrap().iter().rev().cloned().collect());
    type Variant<'v> = (&'static str, &'v dyn Fn(&Value) -> Value);
    let variants: [Variant<'_>; 5] = [
        ("fields in another order", &reversed),
        ("unknown fields", &|auth| with_field(auth, "colour", Some("green".into()))),
        ("no ping interval", &|auth| with_field(auth, "ping_interval", None)),
        ("a large ping interval", &|auth| with_field(auth, "ping_interval", Some(u64::MAX.into()))),
        ("a ping interval", &|auth| with_field(auth, "ping_interval", Some(30.into()))),
    ];
    for (what, variant) in variants {
        let mut bench = Bench::new();
        let mut member = bench.new_initiator();
        let auth = variant(&member.client.client_auth());
        let answer = bench.authenticate_with(&mut member, &auth);
        assert_eq!(field(&answer, "type"), Some(&"server-auth".into()), "{what}");
    }
}

/// Covers P-100 P-101 P-102 P-103 P-190 P-191 P-192 P-301.
#[test]
fn fields_of_drop_responder() {
    let mut table: Vec<(&str, Option<Value>)> = Vec::new();
    for value in [0.into(), 1.into(), 256.into(), 258.into(), (-1).into(), (-254).into()] {
        table.push(("id", Some(value)));
    }
    let not_a_number: Vec<_> = not_binary()
        .into_iter()
        .filter(|value| !matches!(value, Some(Value::Integer(_))))
        .chain(binary_of_lengths(&[1]))
        .collect();
    table.extend(not_a_number.iter().map(|value| ("id", value.clone())));
    // Without a reason there is nothing wrong.
    table.extend(not_a_number.into_iter().skip(1).map(|value| ("reason", value)));
    for code in
        [0, 1, 1000, 1001, 1002, 3000, 3003, 3006, 3007, 3008, 3009, 3001 + (1 << 16), -3001]
    {
        table.push(("reason", Some(code.into())));
    }
    table.extend(not_a_type().into_iter().map(|value| ("type", value)));
    for name in ["client-hello", "client-auth", "new-initiator", "send-error", "disconnected"] {
        table.push(("type", Some(name.into())));
    }
    for (name, value) in table {
        let mut bench = Bench::new();
        let mut initiator = bench.join_initiator();
        let mut responder = bench.join_responder();
        bench.incoming(&mut initiator);
        let message = ScriptedClient::drop_responder(responder.client.address, None);
        let message = with_field(&message, name, value);
        let sealed = initiator.client.sealed(&message);
        bench.send(&initiator, sealed);
        assert_eq!(bench.incoming(&mut initiator), [Close(3001)], "{message}");
        assert_eq!(bench.incoming(&mut responder), [disconnected(1)], "not dropped: {message}");
    }
}

/// Covers P-188 P-192 P-195 P-196.
#[test]
fn reasons_for_dropping() {
    let table = [
        (None, false, 3004),
        (Some(3001), false, 3001),
        (Some(3002), false, 3002),
        (Some(3004), false, 3004),
        (Some(3005), false, 3005),
        (Some(3006), true, 3006),
        (Some(3001), true, 3001),
        (None, true, 3004),
    ];
    for (reason, lenient, code) in table {
        let mut bench = Bench::with(PathConfig {
            accept_no_shared_task_as_drop_reason: lenient,
            ..Default::default()
        });
        let mut initiator = bench.join_initiator();
        let mut responder = bench.join_responder();
        bench.incoming(&mut initiator);
        let message = ScriptedClient::drop_responder(responder.client.address, reason);
        let message = initiator.client.sealed(&message);
        bench.send(&initiator, message);
        assert_eq!(bench.incoming(&mut responder), [Close(code)]);
        assert!(bench.incoming(&mut initiator).is_empty());
    }
}

/// No message to the server has any use for so much, and everybody can send one.
#[test]
fn large_messages_to_the_server_are_refused_before_they_are_looked_at() {
    const LARGEST: usize = 16 << 10;
    for more in [0, 1, 1 << 20] {
        let violation = if more == 0 { Violation::Undecryptable } else { Violation::TooLong };
        let mut bench = Bench::new();
        let newcomer = bench.new_responder();
        let authenticated = bench.join_initiator();
        bench.events();
        for mut member in [newcomer, authenticated] {
            let nonce = member.client.nonce(0);
            bench.send(&member, [&nonce[..], &vec![0xdf; LARGEST + more]].concat());
            let causes: Vec<Cause> = bench.events().into_iter().filter_map(cause).collect();
            assert_eq!(causes, [Cause::Violation(violation.clone())]);
        }
    }
}

fn cause(event: Event) -> Option<Cause> {
    match event {
        Event::Closing { cause, .. } => Some(cause),
        _ => None,
    }
}

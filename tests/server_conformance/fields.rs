//! Every field of every message that clients send, with values of every type, out of range, and of
//! wrong lengths.

use crate::scripted_client::{encode, with_field};
use crate::*;

/// One value of every MessagePack type, good for hardly anything.
fn values() -> Vec<Option<Value>> {
    vec![
        None,
        Some(Value::Nil),
        Some(true.into()),
        Some(1.into()),
        Some((-1).into()),
        Some(1.5.into()),
        Some("ab".repeat(32).into()),
        Some(vec![7u8; 7].into()),
        Some(Value::Array(vec![1.into(); 32])),
        Some(Value::Map(vec![])),
        Some(Value::Ext(1, vec![1; 32])),
    ]
}

/// `values` without those that are good for a field, and with some more.
fn wrong(
    name: &'static str,
    good: &[Option<Value>],
    more: Vec<Value>,
) -> impl Iterator<Item = (&'static str, Option<Value>)> {
    let values = values().into_iter().filter(|value| !good.contains(value));
    values
        .chain(more.into_iter().map(Some))
        .map(move |value| (name, value))
        .collect::<Vec<_>>()
        .into_iter()
}

fn binaries(lengths: &[usize]) -> Vec<Value> {
    lengths.iter().map(|length| vec![7u8; *length].into()).collect()
}

fn types(names: &[&str]) -> Vec<Value> {
    let wrong = ["", "server-hello", "server-auth", "token", "Client-Auth", "disconnected"];
    let names = wrong.iter().chain(names).map(|name| Value::from(*name));
    names.chain([b"client-auth".to_vec().into()]).collect()
}

/// Covers P-097 P-098 P-100 P-101 P-102 P-118.
#[tokio::test]
async fn fields_of_client_hello() {
    let mut keys = binaries(&[0, 1, 31, 33, 64]);
    keys.push(vec![0u8; 32].into());
    let table = wrong("key", &[], keys).chain(wrong("type", &[], types(&["client-auth"])));
    let table: Vec<_> = table.collect();
    for bench in benches() {
        let room = bench.room();
        for (name, value) in &table {
            let mut peer = room.connect(socket_peer::keys()).await;
            let hello = with_field(&peer.client.client_hello(), name, value.clone());
            let message = peer.client.plain(&hello);
            assert_eq!(refused(&mut peer, message).await, 3001, "{hello}");
        }
        // The same without a mistake.
        room.join_responder().await;
    }
}

/// Covers P-097 P-098 P-100 P-101 P-102 P-127 P-128 P-132.
#[tokio::test]
async fn fields_of_client_auth() {
    let list = |item: Value| Value::Array(vec![SUBPROTOCOL.into(), item]);
    let lists = [Value::Nil, 1.into(), SUBPROTOCOL.as_bytes().to_vec().into(), list(1.into())];
    let intervals = vec![i64::MIN.into(), 30.0.into(), "30".into()];
    let table: Vec<_> = wrong("your_cookie", &[], binaries(&[0, 15, 16, 17, 32]))
        .chain(wrong("subprotocols", &[], lists.map(list).to_vec()))
        .chain(wrong("ping_interval", &[None, Some(1.into())], intervals))
        .chain(wrong("your_key", &[None], binaries(&[0, 31, 33])))
        .chain(wrong("type", &[], types(&["client-hello", "drop-responder"])))
        .collect();
    for bench in benches() {
        let room = bench.room();
        let (mut initiator, mut responder) = room.pair().await;
        for (name, value) in &table {
            for introduced in [false, true] {
                let mut peer =
                    if introduced { room.responder().await } else { room.initiator().await };
                let auth = with_field(&peer.client.client_auth(), name, value.clone());
                let message = peer.client.sealed(&auth);
                assert_eq!(refused(&mut peer, message).await, 3001, "{auth}");
            }
        }
        // All that has changed nothing on the path.
        exchange(&mut initiator, &mut responder).await;
    }
}

/// Covers P-097 P-132.
#[tokio::test]
async fn what_client_auth_may_look_like() {
    let reversed =
        |message: &Value| Value::Map(message.as_map().unwrap().iter().rev().cloned().collect());
    type Variant<'v> = &'v dyn Fn(&Value) -> Value;
    let variants: [Variant<'_>; 5] = [
        &reversed,
        &|auth| with_field(auth, "colour", Some("green".into())),
        &|auth| with_field(auth, "ping_interval", None),
        &|auth| with_field(auth, "ping_interval", Some(u64::MAX.into())),
        &|auth| with_field(auth, "ping_interval", Some(3000.into())),
    ];
    for bench in benches() {
        for variant in variants {
            let mut peer = bench.room().initiator().await;
            let auth = variant(&peer.client.client_auth());
            peer.authenticate_with(&auth).await;
            nothing_new(&mut peer).await;
        }
    }
}

/// Covers P-099.
#[tokio::test]
async fn text_has_to_be_utf_8() {
    let texts = Value::Array(vec![SUBPROTOCOL.into(), "??".into()]);
    for bench in benches() {
        for (name, value) in [("subprotocols", texts.clone()), ("??", 1.into())] {
            for bytes in [*b"!!", [0xc3, 0xa4], [0xc3, 0x28], [0xa4, 0xc3], [0xff, 0xfe]] {
                let mut peer = bench.room().initiator().await;
                let auth = with_field(&peer.client.client_auth(), name, Some(value.clone()));
                let mut data = encode(&auth);
                let at = data.windows(2).position(|bytes| bytes == b"??").unwrap();
                data[at..at + 2].copy_from_slice(&bytes);
                let message = peer.client.sealed_bytes(&data);
                if std::str::from_utf8(&bytes).is_ok() {
                    peer.send(message).await;
                    let answer = peer.notification().await;
                    assert_eq!(socket_peer::kind(&answer), "server-auth", "{name} {bytes:?}");
                } else {
                    assert_eq!(refused(&mut peer, message).await, 3001, "{name} {bytes:?}");
                }
            }
        }
    }
}

/// Covers P-100 P-101 P-102 P-190 P-191 P-192 P-301.
#[tokio::test]
async fn fields_of_drop_responder() {
    let ids = [0, 1, 256, 258, -254].map(Value::from).to_vec();
    let codes = [0, 1000, 1001, 1002, 3000, 3003, 3006, 3007, 3008, 3009, 3001 + (1 << 16), -3001];
    let table: Vec<_> = wrong("id", &[], ids)
        .chain(wrong("reason", &[None], codes.map(Value::from).to_vec()))
        .chain(wrong("type", &[], types(&["client-hello", "new-initiator", "send-error"])))
        .collect();
    for bench in benches() {
        let room = bench.room();
        let mut responder = room.join_responder().await;
        for (name, value) in &table {
            let mut initiator = room.join_initiator().await;
            let message = with_field(&ScriptedClient::drop_responder(2, None), name, value.clone());
            let sealed = initiator.client.sealed(&message);
            assert_eq!(refused(&mut initiator, sealed).await, 3001, "{message}");
            assert_eq!(responder.notification().await, notice("new-initiator", None));
            assert_eq!(responder.notification().await, notice("disconnected", Some(1)));
        }
        // Still there after all that, and so the address is taken.
        assert_eq!(room.join_responder().await.client.address, 3);
    }
}

/// Covers P-188 P-192 P-195 P-196 P-197 P-301.
#[tokio::test]
async fn reasons_for_dropping() {
    let table = [
        (None, 3004),
        (Some(3001), 3001),
        (Some(3002), 3002),
        (Some(3004), 3004),
        (Some(3005), 3005),
    ];
    for bench in benches() {
        let room = bench.room();
        let mut initiator = room.join_initiator().await;
        for (reason, code) in table {
            let mut responder = room.join_responder().await;
            assert_eq!(initiator.notification().await, notice("new-responder", Some(2)));
            drop_responder(&mut initiator, 2, reason).await;
            assert_eq!(closed(&mut responder.socket).await, code);
            assert_eq!(socket_peer::next(&mut responder.socket).await, None);
            // That it is gone is no news.
            nothing_new(&mut initiator).await;
        }
    }
}

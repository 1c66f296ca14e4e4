//! From the WebSocket to 'server-auth'.

use std::collections::HashSet;

use saltyrtc::server::Reload;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};

use crate::scripted_client::{field, with_field};
use crate::socket_peer::next;
use crate::*;

/// Which bits are not the same in all of `samples`.
fn moving_bits(samples: &[Vec<u8>]) -> Vec<u8> {
    let mut moving = vec![0; samples[0].len()];
    for sample in samples {
        let bytes = sample.iter().zip(&samples[0]);
        moving.iter_mut().zip(bytes).for_each(|(moving, (a, b))| *moving |= a ^ b);
    }
    moving
}

/// Covers P-001 P-003 P-025 P-027 P-028 P-029 P-036 P-040 P-042 P-047 P-053 P-054 P-109 P-110.
/// Covers P-111 P-114.
#[tokio::test]
async fn every_connection_is_greeted_with_its_own_key_cookie_and_number() {
    for bench in benches() {
        let room = bench.room();
        let (mut session_keys, mut cookies, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..50 {
            let mut socket = room.open().await;
            let Some(Message::Binary(message)) = next(&mut socket).await else {
                panic!("'server-hello' comes first")
            };
            assert_eq!(message[16..20], [0; 4], "from 0x00 to 0x00, overflow number 0");
            let mut client = ScriptedClient::generate();
            let hello = client.receive_hello(&message);
            let key = field(&hello, "key").and_then(Value::as_slice).unwrap().to_vec();
            assert_eq!(
                hello,
                map(vec![("type", "server-hello".into()), ("key", key.clone().into())])
            );
            assert_eq!(key.len(), 32);
            session_keys.push(key);
            cookies.push(message[..16].to_vec());
            numbers.push(message[20..24].to_vec());
        }
        for samples in [&session_keys, &cookies] {
            assert_eq!(samples.iter().collect::<HashSet<_>>().len(), 50, "{samples:?}");
        }
        assert_eq!(moving_bits(&cookies), [0xff; 16], "all bits are random");
        assert_eq!(moving_bits(&numbers), [0xff; 4], "all bits are random");
        assert_eq!(moving_bits(&session_keys)[..31], [0xff; 31], "the last bit is always 0");
    }
}

/// Covers P-015 P-018 P-030 P-039 P-042 P-048 P-089 P-090 P-092 P-093 P-119 P-143 P-144 P-146.
/// Covers P-147 P-149 P-150 P-155 P-156 P-171.
#[tokio::test]
async fn initiator_and_responders_get_their_addresses_and_what_concerns_them() {
    for bench in benches() {
        let room = bench.room();
        let auth_of = |peer: &Peer, name: &str, value: Value| {
            let cookie = peer.client.cookie.to_vec().into();
            map(vec![("type", "server-auth".into()), ("your_cookie", cookie), (name, value)])
        };
        let mut early = room.responder().await;
        let auth = early.authenticate().await;
        assert_eq!(early.client.address, 2);
        assert_eq!(auth, auth_of(&early, "initiator_connected", false.into()));
        let _waiting = room.responder().await;
        let mut initiator = room.initiator().await;
        let auth = initiator.authenticate().await;
        assert_eq!(initiator.client.address, 1);
        assert_eq!(auth, auth_of(&initiator, "responders", Value::Array(vec![2.into()])));
        let mut late = room.responder().await;
        let auth = late.authenticate().await;
        assert_eq!(late.client.address, 3);
        assert_eq!(auth, auth_of(&late, "initiator_connected", true.into()));
        assert_eq!(initiator.notification().await, notice("new-responder", Some(3)));
        assert_eq!(early.notification().await, notice("new-initiator", None));
        exchange(&mut initiator, &mut late).await;
        exchange(&mut initiator, &mut early).await;
    }
}

/// Covers P-006 P-007 P-008 P-009 P-137 P-138 P-139 P-140 P-141 P-151 P-152 P-153 P-154.
#[tokio::test]
async fn the_permanent_key_that_a_client_asks_for_signs() {
    let permanent = [keys(), keys(), keys()];
    // (which keys the server has, which one is asked for, which one signs or the close code)
    let table = [
        (0..0, None, Ok(None)),
        (0..0, Some(0), Err(3007)),
        (0..1, None, Ok(Some(0))),
        (0..1, Some(0), Ok(Some(0))),
        (0..1, Some(1), Err(3007)),
        (0..3, None, Ok(Some(0))),
        (0..3, Some(0), Ok(Some(0))),
        (0..3, Some(2), Ok(Some(2))),
        (1..3, None, Ok(Some(1))),
        (1..3, Some(0), Err(3007)),
    ];
    for bench in benches() {
        for (held, wanted, outcome) in table.clone() {
            let mut reload = Reload::default();
            reload.permanent_keys = Some(permanent[held.clone()].to_vec());
            bench.server.reload(reload).unwrap();
            for responder in [false, true] {
                let what = format!("{held:?} {wanted:?} {responder}");
                let room = bench.room();
                let mut peer =
                    if responder { room.responder().await } else { room.initiator().await };
                let key = wanted.map(|i: usize| permanent[i].public().as_bytes().to_vec().into());
                let auth = with_field(&peer.client.client_auth(), "your_key", key);
                let message = peer.client.sealed(&auth);
                match outcome {
                    Err(code) => assert_eq!(refused(&mut peer, message).await, code, "{what}"),
                    Ok(signer) => {
                        peer.send(message).await;
                        let message = peer.binary().await;
                        let auth = peer.client.open(&message);
                        let signed = field(&auth, "signed_keys").is_some();
                        assert_eq!(signed, signer.is_some(), "{what}");
                        if let Some(i) = signer {
                            let key: &KeyPair = &permanent[i];
                            peer.client.check_signed_keys(&message, &auth, key.public());
                        }
                    }
                }
            }
        }
    }
}

/// Covers P-020 P-021.
#[tokio::test]
async fn the_subprotocol_is_chosen_or_the_connection_closed_with_1002() {
    for bench in benches() {
        let path = path_of(&keys());
        let mut socket = bench.open(&path, &[]).await.unwrap();
        assert_eq!(closed(&mut socket).await, 1002);
        // None of those that were offered is chosen, which the client's library does not put up with.
        let error = bench.open(&path, &["v9.example"]).await.err();
        assert!(
            matches!(error, Some(Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_)))),
            "{error:?}"
        );
        let mut socket = bench.open(&path, &["v9.example", SUBPROTOCOL]).await.unwrap();
        assert!(matches!(next(&mut socket).await, Some(Message::Binary(_))));
    }
}

/// Covers P-128 P-129 P-131.
#[tokio::test]
async fn the_subprotocols_have_to_select_what_was_negotiated() {
    let table = [
        (&[SUBPROTOCOL][..], true),
        (&["v9.example", SUBPROTOCOL], true),
        (&["v9.example"], false),
        (&["V1.saltyrtc.org"], false),
        (&[], false),
    ];
    for bench in benches() {
        for (names, good) in table {
            let mut peer = bench.room().initiator().await;
            let list = Value::Array(names.iter().map(|name| (*name).into()).collect());
            let auth = with_field(&peer.client.client_auth(), "subprotocols", Some(list));
            if good {
                peer.authenticate_with(&auth).await;
                nothing_new(&mut peer).await;
            } else {
                let message = peer.client.sealed(&auth);
                assert_eq!(refused(&mut peer, message).await, 3001, "{names:?}");
            }
        }
    }
}

/// Covers P-035.
#[tokio::test]
async fn a_path_is_64_hexadecimal_characters() {
    for bench in benches() {
        let good = path_of(&keys());
        let long = format!("{good}0");
        for path in ["/", "/hello", &good[..64], &long, &format!("{}g", &good[..64])] {
            let mut socket = bench.open(path, &[SUBPROTOCOL]).await.unwrap();
            assert_eq!(closed(&mut socket).await, 3001, "{path}");
        }
        let socket = bench.open(&good, &[SUBPROTOCOL]).await.unwrap();
        Peer::greeted(socket, keys()).await;
    }
}

/// Covers P-084 P-085 P-092 P-096 P-103 P-104 P-119 P-190 P-298.
#[tokio::test]
async fn messages_out_of_order_are_refused() {
    let table = [
        ("a second 'client-hello'", "introduced", "plain", "client-hello"),
        ("an encrypted 'client-hello'", "initiator", "sealed", "client-hello"),
        ("an initiator's plain 'client-auth'", "initiator", "plain", "client-auth"),
        ("a responder's plain 'client-auth'", "introduced", "plain", "client-auth"),
        ("'client-auth' with a key nobody introduced", "stranger", "sealed", "client-auth"),
        ("'client-auth' twice", "authenticated", "sealed", "client-auth"),
        ("'client-hello' when authenticated", "authenticated", "plain", "client-hello"),
        ("a plain 'drop-responder'", "authenticated", "plain", "drop-responder"),
        ("an initiator's early 'drop-responder'", "initiator", "sealed", "drop-responder"),
        ("a responder's early 'drop-responder'", "introduced", "sealed", "drop-responder"),
        ("a responder's 'drop-responder'", "responder", "sealed", "drop-responder"),
    ];
    for bench in benches() {
        for (what, stage, how, kind) in table {
            let room = bench.room();
            let mut peer = match stage {
                "introduced" => room.responder().await,
                "initiator" => room.initiator().await,
                "stranger" => room.connect(keys()).await,
                "authenticated" => room.join_initiator().await,
                _ => room.join_responder().await,
            };
            let message = match kind {
                "client-hello" => peer.client.client_hello(),
                "client-auth" => peer.client.client_auth(),
                _ => ScriptedClient::drop_responder(3, None),
            };
            let message = match how {
                "plain" => peer.client.plain(&message),
                _ => peer.client.sealed(&message),
            };
            assert_eq!(refused(&mut peer, message).await, 3001, "{what}");
        }
    }
}

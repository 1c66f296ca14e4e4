//! From 'server-hello' to 'server-auth'.

use std::collections::HashSet;

use rmpv::Value;
use saltyrtc::crypto::{KeyPair, OsRandom};
use saltyrtc::protocol::Role;
use saltyrtc::protocol::server::{Cause, Event, PathConfig, Violation};

use crate::Incoming::Close;
use crate::scripted_client::{SUBPROTOCOL, with_field};
use crate::*;

fn keys() -> KeyPair {
    KeyPair::generate(&mut OsRandom)
}

/// Covers P-001 P-003 P-025 P-027 P-029 P-036 P-040 P-042 P-047 P-053 P-109 P-110 P-111 P-114.
#[test]
fn every_connection_is_greeted_with_its_own_key_cookie_and_number() {
    let mut bench = Bench::new();
    let (mut session_keys, mut cookies, mut numbers) =
        (HashSet::new(), HashSet::new(), HashSet::new());
    for _ in 0..20 {
        let member = bench.new_initiator();
        let (key, cookie, number) = member.client.server.unwrap();
        session_keys.insert(key);
        cookies.insert(cookie);
        numbers.insert(number);
        assert_eq!(member.last[16..20], [0, 0, 0, 0], "from 0x00 to 0x00, overflow number 0");
    }
    assert_eq!((session_keys.len(), cookies.len()), (20, 20));
    assert!(numbers.len() > 15, "first sequence numbers are random");
}

/// Covers P-029 P-039 P-042 P-045 P-089 P-090 P-092 P-093 P-119 P-143 P-144 P-146 P-149 P-150 P-155
/// P-171 P-004 P-048.
#[test]
fn an_initiator_is_recognised_by_the_key_of_the_path() {
    let mut bench = Bench::new();
    let mut initiator = bench.new_initiator();
    let auth = bench.authenticate(&mut initiator);
    assert_eq!(initiator.client.address, 1);
    let cookie = initiator.client.cookie.to_vec();
    assert_eq!(
        auth,
        map(vec![
            ("type", "server-auth".into()),
            ("your_cookie", cookie.into()),
            ("responders", Value::Array(vec![])),
        ]),
        "no signed keys without a permanent key, and nothing that is for responders"
    );
    assert_eq!(bench.events(), [Event::Authenticated { role: Role::Initiator }]);
}

/// Covers P-015 P-119 P-144 P-147 P-156 P-150.
#[test]
fn a_responder_introduces_itself_first() {
    let mut bench = Bench::new();
    for (address, initiator) in [(2, false), (3, true)] {
        if initiator {
            bench.join_initiator();
        }
        let mut responder = bench.new_responder();
        assert!(bench.incoming(&mut responder).is_empty(), "'client-hello' has no answer");
        let auth = bench.authenticate(&mut responder);
        assert_eq!(responder.client.address, address);
        let cookie = responder.client.cookie.to_vec();
        assert_eq!(
            auth,
            map(vec![
                ("type", "server-auth".into()),
                ("your_cookie", cookie.into()),
                ("initiator_connected", initiator.into()),
            ])
        );
    }
}

/// Also keys that cannot be used, such as those of clients in which somebody forgot to fill one in.
///
/// Covers P-137 P-138.
#[test]
fn any_permanent_key_that_the_server_does_not_have_is_answered_in_the_same_way() {
    let mut one = [0; 32];
    one[0] = 1;
    for permanent_keys in [vec![], vec![keys()]] {
        for wanted in [[0; 32], one, [255; 32], [7; 32]] {
            let config =
                PathConfig { permanent_keys: permanent_keys.clone(), ..Default::default() };
            let mut bench = Bench::with(config);
            for mut member in [bench.new_initiator(), bench.new_responder()] {
                let wanted = Some(wanted.to_vec().into());
                let auth = with_field(&member.client.client_auth(), "your_key", wanted);
                let message = member.client.sealed(&auth);
                bench.send(&member, message);
                assert_eq!(bench.incoming(&mut member), [Close(3007)]);
            }
        }
    }
}

/// Covers P-006 P-007 P-008 P-009 P-137 P-138 P-139 P-140 P-141 P-151 P-152 P-153 P-154.
#[test]
fn the_permanent_key_that_a_client_asks_for_signs() {
    let permanent = [keys(), keys(), keys()];
    let stranger = keys();
    // (how many of the keys the server has, which one is asked for, which one signs or the code)
    let table = [
        (0, None, Ok(None)),
        (0, Some(&permanent[0]), Err(3007)),
        (1, None, Ok(Some(0))),
        (1, Some(&permanent[0]), Ok(Some(0))),
        (1, Some(&permanent[1]), Err(3007)),
        (3, None, Ok(Some(0))),
        (3, Some(&permanent[0]), Ok(Some(0))),
        (3, Some(&permanent[2]), Ok(Some(2))),
        (3, Some(&stranger), Err(3007)),
    ];
    for (count, wanted, outcome) in table {
        let permanent_keys = permanent[..count].to_vec();
        for role in [Role::Initiator, Role::Responder] {
            let config =
                PathConfig { permanent_keys: permanent_keys.clone(), ..Default::default() };
            let mut bench = Bench::with(config);
            let mut member = match role {
                Role::Initiator => bench.new_initiator(),
                Role::Responder => bench.new_responder(),
            };
            let wanted = wanted.map(|pair| Value::from(pair.public().as_bytes().to_vec()));
            let auth = with_field(&member.client.client_auth(), "your_key", wanted);
            match outcome {
                Err(code) => {
                    let message = member.client.sealed(&auth);
                    bench.send(&member, message);
                    assert_eq!(bench.incoming(&mut member), [Close(code)]);
                }
                Ok(signer) => {
                    let answer = bench.authenticate_with(&mut member, &auth);
                    match signer {
                        None => assert_eq!(field(&answer, "signed_keys"), None),
                        Some(i) => member.client.check_signed_keys(
                            &member.last,
                            &answer,
                            permanent[i].public(),
                        ),
                    }
                }
            }
        }
    }
}

/// Covers P-129 P-130 P-131 P-128.
#[test]
fn the_subprotocols_have_to_select_what_was_negotiated() {
    let subprotocols = vec!["best".to_owned(), SUBPROTOCOL.to_owned()];
    let texts = |names: &[&str]| Value::Array(names.iter().map(|name| (*name).into()).collect());
    let table = [
        (texts(&[SUBPROTOCOL]), true),
        (texts(&["other", SUBPROTOCOL]), true),
        (texts(&[SUBPROTOCOL, "best"]), false),
        (texts(&["best"]), false),
        (texts(&["other"]), false),
        (texts(&[]), false),
    ];
    for (list, good) in table {
        let mut bench =
            Bench::with(PathConfig { subprotocols: subprotocols.clone(), ..Default::default() });
        let mut member = bench.new_initiator();
        let auth = with_field(&member.client.client_auth(), "subprotocols", Some(list));
        let message = member.client.sealed(&auth);
        bench.send(&member, message);
        let incoming = bench.incoming(&mut member);
        assert_eq!(incoming != [Close(3001)], good, "{auth}");
    }
}

/// Covers P-096 P-103 P-104 P-120.
#[test]
fn messages_out_of_order_are_refused() {
    type Script = fn(&mut Bench) -> (Member, Vec<u8>);
    let scripts: [(&str, Script); 8] = [
        ("a second 'client-hello'", |bench| {
            let mut member = bench.new_responder();
            let hello = member.client.client_hello();
            let message = member.client.plain(&hello);
            (member, message)
        }),
        ("an encrypted 'client-hello'", |bench| {
            let mut member = bench.new_initiator();
            let hello = member.client.client_hello();
            let message = member.client.sealed(&hello);
            (member, message)
        }),
        ("an unencrypted 'client-auth' of an initiator", |bench| {
            let mut member = bench.new_initiator();
            let auth = member.client.client_auth();
            let message = member.client.plain(&auth);
            (member, message)
        }),
        ("an unencrypted 'client-auth' of a responder", |bench| {
            let mut member = bench.new_responder();
            let auth = member.client.client_auth();
            let message = member.client.plain(&auth);
            (member, message)
        }),
        ("'client-auth' with a key nobody introduced", |bench| {
            let mut member = bench.connect(keys());
            let auth = member.client.client_auth();
            let message = member.client.sealed(&auth);
            (member, message)
        }),
        ("'client-auth' twice", |bench| {
            let mut member = bench.join_initiator();
            let auth = member.client.client_auth();
            let message = member.client.sealed(&auth);
            (member, message)
        }),
        ("'client-hello' of an authenticated initiator", |bench| {
            let mut member = bench.join_initiator();
            let hello = member.client.client_hello();
            let message = member.client.plain(&hello);
            (member, message)
        }),
        ("a message before 'client-auth'", |bench| {
            let mut member = bench.new_responder();
            let message = member.client.sealed(&ScriptedClient::drop_responder(2, None));
            (member, message)
        }),
    ];
    for (what, script) in scripts {
        let mut bench = Bench::new();
        let (mut member, message) = script(&mut bench);
        bench.send(&member, message);
        assert_eq!(bench.incoming(&mut member), [Close(3001)], "{what}");
    }
}

/// Covers P-055 P-056 P-064 P-065 P-074 P-075 P-076 P-078 P-079 P-080 P-083 P-085 P-095.
#[test]
fn nonces_of_clients_are_checked_at_every_stage() {
    type Wrong = (&'static str, fn(&mut Member));
    let wrongs: [Wrong; 5] = [
        ("source", |member| member.client.address = member.client.address.wrapping_add(1)),
        ("overflow number", |member| member.client.sequence += 1 << 32),
        ("our cookie", |member| member.client.cookie = member.client.server.unwrap().1),
        ("another cookie", |member| member.client.cookie[0] ^= 1),
        ("a gap", |member| member.client.sequence += 1),
    ];
    for stage in ["first", "second", "authenticated"] {
        for (what, wrong) in wrongs {
            // Nothing came before the first message, so these two are not wrong there.
            if stage == "first" && ["another cookie", "a gap"].contains(&what) {
                continue;
            }
            let mut bench = Bench::new();
            let mut member = match stage {
                "first" => bench.new_initiator(),
                "second" => bench.new_responder(),
                _ => bench.join_initiator(),
            };
            wrong(&mut member);
            let auth = member.client.client_auth();
            let message = match stage {
                "authenticated" => member.client.sealed(&ScriptedClient::drop_responder(2, None)),
                _ => member.client.sealed(&auth),
            };
            bench.send(&member, message);
            assert_eq!(bench.incoming(&mut member), [Close(3001)], "{stage}: {what}");
        }
        for replay in [0, 1] {
            let mut bench = Bench::new();
            let mut member = match stage {
                "first" => continue,
                "second" => bench.new_responder(),
                _ => bench.join_initiator(),
            };
            member.client.sequence -= 1 + replay;
            let message = member.client.sealed(&ScriptedClient::drop_responder(2, None));
            bench.send(&member, message);
            assert_eq!(bench.incoming(&mut member), [Close(3001)], "{stage}: replay");
        }
        for length in [0, 1, 23, 24] {
            let mut bench = Bench::new();
            let mut member = match stage {
                "first" => bench.new_initiator(),
                "second" => bench.new_responder(),
                _ => bench.join_initiator(),
            };
            let message = member.client.nonce(0)[..length].to_vec();
            bench.send(&member, message);
            assert_eq!(bench.incoming(&mut member), [Close(3001)], "{stage}: {length} bytes");
        }
    }
}

/// Covers P-056 P-086.
#[test]
fn nobody_relays_before_it_is_authenticated() {
    for destination in [1, 2, 255] {
        for responder in [false, true] {
            let mut bench = Bench::new();
            let (mut there, mut initiator) = (bench.join_responder(), bench.join_initiator());
            bench.incoming(&mut there);
            let mut member = if responder { bench.new_responder() } else { bench.new_initiator() };
            let message = member.client.relay(destination, b"hello");
            bench.send(&member, message);
            assert_eq!(bench.incoming(&mut member), [Close(3001)]);
            assert!(bench.incoming(&mut there).is_empty());
            assert!(bench.incoming(&mut initiator).is_empty());
        }
    }
}

/// A message that cannot be decrypted or read must not change anything but the sender's connection.
///
/// Covers P-083 P-085 P-084.
#[test]
fn garbage_closes_with_3001_and_disturbs_nobody_else() {
    let mut bench = Bench::new();
    let mut responder = bench.join_responder();
    let mut initiator = bench.join_initiator();
    bench.incoming(&mut responder);
    for data in [&[0xc1][..], &[0x80], &[0; 16], &[0xff; 200], &[0x91; 5000]] {
        let mut member = bench.new_initiator();
        let message = [&member.client.nonce(0)[..], data].concat();
        bench.send(&member, message);
        assert_eq!(bench.incoming(&mut member), [Close(3001)]);
        let mut member = bench.new_initiator();
        let message = member.client.sealed_bytes(data);
        bench.send(&member, message);
        assert_eq!(bench.incoming(&mut member), [Close(3001)], "the real initiator stays");
    }
    assert!(bench.incoming(&mut initiator).is_empty());
    assert!(bench.incoming(&mut responder).is_empty());
    let message = responder.client.relay(1, b"still there");
    bench.send(&responder, message.clone());
    assert_eq!(bench.incoming(&mut initiator), [Relayed(message.into())]);
}

/// Covers P-023 P-054 P-298.
#[test]
fn text_is_refused_at_every_stage() {
    let stages: [fn(&mut Bench) -> Member; 4] =
        [Bench::new_initiator, Bench::new_responder, Bench::join_initiator, Bench::join_responder];
    for stage in stages {
        let mut bench = Bench::new();
        let mut member = stage(&mut bench);
        bench.events();
        bench.path.handle_text(bench.now, member.id);
        assert_eq!(bench.incoming(&mut member), [Close(3001)]);
        assert!(matches!(
            bench.events().as_slice(),
            [Event::Closing { cause: Cause::Violation(Violation::Text), .. }]
        ));
        let auth = member.client.client_auth();
        let message = member.client.sealed(&auth);
        bench.send(&member, message);
        assert!(bench.incoming(&mut member).is_empty(), "nothing counts after a close");
        assert!(bench.events().is_empty());
    }
}

//! From the open WebSocket to an authenticated server.

mod support;

use std::time::Duration;

use saltyrtc::crypto::PublicKey;
use saltyrtc::protocol::client::{ClientState, Closed, ClosedBy, EndReason, SocketEnd};
use saltyrtc::protocol::{Address, CloseCode, ConnectError, Role};
use saltyrtc::task::{ClientConfig, Event};
use support::fake_server::FakeServer;
use support::log::warnings;
use support::msg::{bin, texts};
use support::{keys, pair};

/// One client of each role.
fn roles() -> [fn() -> ClientConfig; 2] {
    [keys::initiator_with_token, keys::responder_with_token]
}

/// Addresses of the other role, to put into 'server-auth'.
fn present(server: &FakeServer) -> &'static [u8] {
    if server.role() == Role::Initiator { &[2] } else { &[1] }
}

/// Covers P-041 P-043 P-044 P-047 P-095 P-115 P-116 P-117 P-120 P-121 P-122 P-123 P-125 P-142.
#[test]
fn the_answer_to_server_hello_is_what_the_role_asks_for() {
    let mut server = FakeServer::new(keys::initiator_with_token());
    server.expect_silence();
    let hello = server.server_hello();
    server.send_clear(&hello);
    let sent = server.read();
    assert_eq!((sent.nonce.source, sent.nonce.destination), (Address::SERVER, Address::SERVER));
    assert_eq!(sent.nonce.sequence.overflow_number(), 0);
    let auth = sent.open(&server.key());
    assert_eq!(auth.names(), ["ping_interval", "subprotocols", "type", "your_cookie"]);
    assert_eq!(auth.kind(), "client-auth");
    assert_eq!(*auth.field("your_cookie"), bin(&server.out.cookie));
    assert_eq!(*auth.field("subprotocols"), texts(&["v1.saltyrtc.org"]));
    assert_eq!(*auth.field("ping_interval"), 0.into());
    server.expect_silence();

    let mut server = FakeServer::new(keys::responder_with_token());
    server.expect_silence();
    let hello = server.server_hello();
    server.send_clear(&hello);
    let first = server.read();
    let client_hello = first.clear();
    assert_eq!(client_hello.names(), ["key", "type"]);
    assert_eq!(client_hello.kind(), "client-hello");
    assert_eq!(*client_hello.field("key"), bin(keys::responder_keys().public().as_bytes()));
    let second = server.read();
    assert_eq!(second.open(&server.key()).kind(), "client-auth");
    assert_eq!(second.nonce.cookie, first.nonce.cookie);
    assert_eq!(second.nonce.sequence.get(), first.nonce.sequence.get() + 1);
    for sent in [first, second] {
        assert_eq!(sent.nonce.source, Address::SERVER);
        assert_eq!(sent.nonce.destination, Address::SERVER);
    }
    server.expect_silence();
}

/// Covers P-124 P-126.
#[test]
fn client_auth_asks_for_pings_and_for_the_key_that_is_known() {
    for config in roles() {
        let server_key = Some(*keys::server_keys().public());
        let mut server =
            FakeServer::new(ClientConfig { ping_interval: 20, server_key, ..config() });
        let (_, auth) = server.greet();
        assert_eq!(*auth.field("ping_interval"), 20.into());
        assert_eq!(*auth.field("your_key"), bin(keys::server_keys().public().as_bytes()));
    }
}

/// Covers P-060 P-063 P-157 P-166 P-170.
#[test]
fn the_address_of_server_auth_is_ours_from_then_on() {
    let mut server = FakeServer::with_initiator(&[2, 9]);
    let events = server.events();
    assert!(
        matches!(
            events[..],
            [
                Event::ServerHandshakeDone {
                    address: Address::INITIATOR,
                    peer_present: true,
                    server_verified: false
                },
                Event::ResponderJoined(first),
                Event::ResponderJoined(second),
            ] if first.get() == 2 && second.get() == 9
        ),
        "{events:?}"
    );
    assert_eq!(server.client.state(), ClientState::WaitingForPeer);

    for address in [2, 0x80, 0xff] {
        let mut server = FakeServer::new(keys::responder_with_token());
        server.address = address;
        let mut server = server.ready(&[1]);
        assert_eq!(server.read().nonce.source, Address(address), "'token'");
        assert_eq!(server.read().nonce.source, Address(address), "'key'");
        let done = Event::ServerHandshakeDone {
            address: Address(address),
            peer_present: true,
            server_verified: false,
        };
        assert_eq!(server.events(), [done]);
    }
}

/// Covers P-061 P-062 P-083.
#[test]
fn an_address_of_the_other_role_is_refused() {
    for (config, addresses) in
        [(roles()[0], [0, 2, 0xff]), (roles()[1], [0, 1, 1])] as [(fn() -> ClientConfig, _); 2]
    {
        for address in addresses {
            let mut server = FakeServer::new(config());
            server.greet();
            server.out.destination = address;
            let auth = server.server_auth(&[]);
            server.send(&auth);
            let text = server.expect_accusation();
            assert!(text.contains("not the address of"), "{text}");
        }
    }
}

/// Covers P-158.
#[test]
fn server_auth_has_to_repeat_our_cookie() {
    for config in roles() {
        let mut server = FakeServer::new(config());
        server.greet();
        let auth = server.server_auth(&[]).with("your_cookie", bin(&[0; 16]));
        server.send(&auth);
        assert!(server.expect_accusation().contains("cookie"));
    }
}

/// Covers P-164 P-239.
#[test]
fn nobody_else_on_the_path_is_fine() {
    for config in roles() {
        let mut server = FakeServer::new(config()).ready(&[]);
        assert_eq!(server.client.state(), ClientState::WaitingForPeer);
        let events = server.events();
        assert!(matches!(events[..], [Event::ServerHandshakeDone { peer_present: false, .. }]));
        server.expect_silence();
    }
}

// The permanent key of the server

fn pinned(config: fn() -> ClientConfig) -> FakeServer {
    let server_key = Some(*keys::server_keys().public());
    FakeServer::new(ClientConfig { server_key, ..config() })
}

#[track_caller]
fn expect_wrong_server_key(server: &mut FakeServer, text: &str) {
    let closed = server.expect_close(CloseCode::ProtocolError);
    assert_eq!((closed.by, closed.retryable()), (ClosedBy::Us, false));
    let EndReason::ServerKey(why) = &closed.reason else { panic!("{closed:?}") };
    assert!(why.contains(text), "{why}");
    assert!(closed.to_string().contains("somebody may be in the middle"));
}

/// Covers P-159 P-160.
#[test]
fn a_server_with_the_known_key_is_verified() {
    for config in roles() {
        let mut server = pinned(config);
        server.greet();
        let auth = server.server_auth(present(&server)).with("signed_keys", server.signed_keys());
        server.send(&auth);
        let events = server.events();
        assert!(matches!(events[0], Event::ServerHandshakeDone { server_verified: true, .. }));
    }
}

/// Covers P-159 P-160.
#[test]
fn a_server_without_the_known_key_is_refused() {
    for config in roles() {
        // Another key signs.
        let mut server = pinned(config);
        server.permanent = keys::pair(0x34);
        server.greet();
        let auth = server.server_auth(&[]).with("signed_keys", server.signed_keys());
        server.send(&auth);
        expect_wrong_server_key(&mut server, "by another key");

        // Nobody signs.
        let mut server = pinned(config);
        server.greet();
        let auth = server.server_auth(&[]);
        server.send(&auth);
        expect_wrong_server_key(&mut server, "does not sign");

        // Other keys are signed.
        let (session, client) = {
            let server = pinned(config);
            (*server.session.public().as_bytes(), *server.client_key.as_bytes())
        };
        for keys in [[client, session], [session, session], [[1; 32], client], [session, [1; 32]]] {
            let mut server = pinned(config);
            server.greet();
            let auth = server.server_auth(&[]).with("signed_keys", server.sign(&keys.concat()));
            server.send(&auth);
            expect_wrong_server_key(&mut server, "for other keys");
        }

        // The signature is of another message.
        let mut server = pinned(config);
        server.greet();
        server.out.sequence += 1;
        let signed = server.signed_keys();
        server.out.sequence -= 1;
        let auth = server.server_auth(&[]).with("signed_keys", signed);
        server.send(&auth);
        expect_wrong_server_key(&mut server, "by another key");
    }
}

/// Covers P-113.
#[test]
fn a_session_key_that_is_the_permanent_key_is_refused() {
    for config in roles() {
        let mut server = pinned(config);
        server.session = keys::server_keys();
        let hello = server.server_hello();
        server.send_clear(&hello);
        expect_wrong_server_key(&mut server, "session key is its permanent key");
    }
}

/// Covers P-161.
#[test]
fn a_signature_that_cannot_be_verified_is_a_warning() {
    for config in roles() {
        let mut server = FakeServer::new(config());
        server.greet();
        let auth = server.server_auth(&[]).with("signed_keys", server.signed_keys());
        let warnings = warnings(|| server.send(&auth));
        assert!(warnings.len() == 1 && warnings[0].contains("cannot be verified"), "{warnings:?}");
        let events = server.events();
        assert!(matches!(events[0], Event::ServerHandshakeDone { server_verified: false, .. }));
    }
}

/// Covers P-103 P-096.
#[test]
fn messages_in_the_wrong_order_are_refused() {
    for config in roles() {
        // 'server-auth' first, in the clear and sealed.
        let mut server = FakeServer::new(config());
        let auth = server.server_auth(&[]);
        server.send_clear(&auth);
        server.expect_accusation();
        let mut server = FakeServer::new(config());
        server.send(&auth);
        server.expect_accusation();

        // 'server-hello' twice, in the clear and sealed.
        let mut server = FakeServer::new(config());
        server.greet();
        server.out.destination = 0;
        let hello = server.server_hello();
        server.send_clear(&hello);
        server.expect_accusation();
        let mut server = FakeServer::new(config());
        server.greet();
        server.send(&hello);
        server.expect_accusation();

        // 'server-auth' twice.
        let mut server = FakeServer::new(config()).ready(&[]);
        let auth = server.server_auth(&[]);
        server.send(&auth);
        server.expect_accusation();

        // A notification before 'server-auth'.
        let mut server = FakeServer::new(config());
        server.greet();
        server.disconnected(3 - server.address);
        server.expect_accusation();
    }
}

/// Covers P-059.
#[test]
fn server_hello_is_for_a_client_without_an_address() {
    for config in roles() {
        for destination in [1, 2, 0xff] {
            let mut server = FakeServer::new(config());
            server.out.destination = destination;
            let hello = server.server_hello();
            server.send_clear(&hello);
            server.expect_accusation();
        }
    }
}

/// Covers P-066 P-068 P-069 P-070 P-072 P-073.
#[test]
fn before_server_auth_others_than_the_server_are_ignored_with_a_warning() {
    for config in roles() {
        for greeted in [false, true] {
            for source in [1, 2, 3, 0xff] {
                let mut server = FakeServer::new(config());
                if greeted {
                    server.greet();
                }
                let mut other = server.out.clone();
                other.source = source;
                let message = other.clear(&server.server_hello().encode());
                let warnings = warnings(|| server.send_raw(&message));
                assert!(warnings.len() == 1 && warnings[0].contains("ignoring"), "{warnings:?}");
                server.expect_silence();
                // And the handshake goes on as if nothing had come.
                if !greeted {
                    server.greet();
                }
                let auth = server.server_auth(&[]);
                server.send(&auth);
                assert_eq!(server.client.state(), ClientState::WaitingForPeer);
            }
        }
    }
}

/// Covers P-085.
#[test]
fn server_auth_that_cannot_be_decrypted_is_refused() {
    for config in roles() {
        let mut server = FakeServer::new(config());
        server.greet();
        server.session = keys::pair(0x45);
        let auth = server.server_auth(&[]);
        server.send(&auth);
        assert!(server.expect_accusation().contains("decrypted"));
    }
}

/// A key that makes any shared key the same cannot be a session key.
#[test]
fn a_session_key_of_low_order_is_refused() {
    for config in roles() {
        assert!(PublicKey::from_bytes([0; 32]).is_err());
        let mut server = FakeServer::new(config());
        let hello = server.server_hello().with("key", bin(&[0; 32]));
        server.send_clear(&hello);
        server.expect_accusation();
    }
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    for config in roles() {
        for greeted in [false, true] {
            let mut server = FakeServer::new(config());
            assert_eq!(server.client.state(), ClientState::ServerHandshake);
            server.wait(Duration::from_secs(20));
            if greeted {
                server.greet();
            }
            server.wait(Duration::from_millis(9_999));
            server.expect_silence();
            server.wait(Duration::from_millis(1));
            let closed = server.expect_close(CloseCode::Timeout);
            let reason = EndReason::ServerHandshakeTimeout;
            let expected = Closed { by: ClosedBy::Us, code: Some(3008), reason };
            assert_eq!(closed, expected);
        }
        // After the handshake there is no such limit.
        let mut server = FakeServer::new(config()).ready(&[]);
        server.wait(Duration::from_secs(100_000));
        server.expect_silence();
    }
}

#[test]
fn a_connection_that_fails_or_breaks_ends_the_handshake() {
    for config in roles() {
        let mut server = FakeServer::new(config());
        let error = ConnectError::Refused { server: "h:1".into() };
        let closed = server.end(SocketEnd::ConnectFailed(error.clone()));
        assert_eq!(closed.reason, EndReason::ConnectFailed(error.clone()));
        assert!(closed.retryable() && closed.by == ClosedBy::Network && closed.code.is_none());
        assert_eq!(closed.to_string(), error.to_string());

        let mut server = FakeServer::new(config());
        server.greet();
        let closed = server.end(SocketEnd::Lost("reset".into()));
        assert_eq!(closed.reason, EndReason::ConnectionLost("reset".into()));
        assert!(closed.retryable() && closed.by == ClosedBy::Network && closed.code.is_none());
        server.wait(Duration::from_secs(1000));
        assert_eq!((server.client.poll_transmit(), server.events()), (None, vec![]));
        assert!(server.client.ended());
    }
}

/// Covers P-154.
#[test]
fn the_real_server_and_the_real_clients_agree() {
    let server_key = Some(*keys::server_keys().public());
    for config in roles() {
        let mut pair = pair::Pair::new();
        let id = pair.connect(ClientConfig { server_key, ..config() });
        pair.settle();
        let events = pair.events(id);
        assert!(
            matches!(events[..], [Event::ServerHandshakeDone { server_verified: true, .. }]),
            "{events:?}"
        );
    }
}

//! The rules for nonces, from the first message on, towards the server and towards a peer.

mod support;

use std::time::Duration;

use saltyrtc::protocol::client::{ClientState, EndReason};
use saltyrtc::protocol::message::Payload;
use saltyrtc::protocol::server::PathConfig;
use saltyrtc::protocol::{CloseCode, Nonce, Role, Transmit};
use saltyrtc::task::{ClientConfig, Event, TaskEvent, relayed_data};
use support::fake_peer::FakePeer;
use support::fake_server::FakeServer;
use support::keys;
use support::msg::Msg;
use support::pair::{DELAY, Pair};
use support::random::{LargestSequence, Seeded};

const LARGEST: u64 = 0xffff_ffff;

/// How long a responder waits for something else when a message was not for it, perhaps.
const PATIENCE: Duration = Duration::from_secs(60);

fn largest(seed: u64) -> Box<LargestSequence> {
    Box::new(LargestSequence(Seeded::new(seed)))
}

/// The nonces of all messages that a client sent.
fn nonces(pair: &Pair, id: usize) -> Vec<Nonce> {
    let message = |transmit: &Transmit| match transmit {
        Transmit::Message(message) => Some(Nonce::split(message).unwrap().0),
        _ => None,
    };
    pair.nodes[id].sent.iter().filter_map(message).collect()
}

/// Covers P-022 P-024 P-028 P-029 P-049 P-050 P-079 P-081.
#[test]
fn all_directions_carry_into_the_overflow_number() {
    let config = PathConfig { permanent_keys: vec![keys::server_keys()], ..PathConfig::default() };
    let mut pair = Pair::with_random(config, 1, largest(1));
    let server_key = Some(*keys::server_keys().public());
    let initiator = pair.connect_with(
        ClientConfig { server_key, ..keys::initiator_with_token() },
        largest(2),
        DELAY,
    );
    let responder = pair.connect_with(
        ClientConfig { server_key, ..keys::responder_with_token() },
        largest(3),
        DELAY,
    );
    pair.settle();
    assert!(pair.in_task(initiator) && pair.in_task(responder), "{}", pair.report());
    for n in 0..5 {
        for (from, to) in [(initiator, responder), (responder, initiator)] {
            let payload = Payload::from_bytes(&[n]);
            pair.act(from, |client, _| relayed_data::send(client, &payload)).unwrap();
            pair.settle();
            assert_eq!(pair.events(to).last(), Some(&Event::Task(TaskEvent::Data(payload))));
        }
    }
    for id in [initiator, responder] {
        for destination in [0, 3 - u8::try_from(id + 1).unwrap()] {
            let sent: Vec<u64> = nonces(&pair, id)
                .into_iter()
                .filter(|nonce| nonce.destination.0 == destination)
                .map(|nonce| nonce.sequence.get())
                .collect();
            assert!(!sent.is_empty());
            let expected: Vec<u64> = (LARGEST..).take(sent.len()).collect();
            assert_eq!(sent, expected, "client {id} to {destination}");
        }
    }
}

/// Covers P-025 P-026 P-029 P-038 P-039 P-048.
#[test]
fn each_destination_has_a_cookie_and_a_count_of_its_own() {
    let (mut pair, initiator, responder) = Pair::met_with_token();
    for _ in 0..3 {
        let data = Payload::from_text("x");
        pair.act(initiator, |client, _| client.send_application(data.clone())).unwrap();
        pair.act(responder, |client, _| client.send_application(data)).unwrap();
        pair.settle();
    }
    let mut cookies = Vec::new();
    for id in [initiator, responder] {
        let nonces = nonces(&pair, id);
        for to_server in [true, false] {
            let of: Vec<&Nonce> =
                nonces.iter().filter(|n| (n.destination.0 == 0) == to_server).collect();
            assert!(of.iter().all(|nonce| nonce.cookie == of[0].cookie));
            assert!(of.windows(2).all(|w| w[1].sequence.get() == w[0].sequence.get() + 1));
            assert_eq!(of[0].sequence.overflow_number(), 0);
            cookies.push(of[0].cookie);
        }
    }
    for (i, cookie) in cookies.iter().enumerate() {
        assert!(!cookies[..i].contains(cookie));
        assert_ne!(cookie.0, [0; 16]);
    }
}

/// The same source gives the same keys, cookies and numbers, another one gives others: everything that
/// has to be unpredictable is drawn from the source that a machine was made with.
///
/// Covers P-001 P-025 P-029.
#[test]
fn keys_cookies_and_numbers_come_from_the_random_source() {
    // What both clients and the server send on their way into the task.
    let traffic = |server: u64, client: u64| {
        let config = PathConfig::default();
        let mut pair = Pair::with_random(config, client, Box::new(Seeded::new(server)));
        let initiator = pair.connect(keys::initiator_with_token());
        let responder = pair.connect(keys::responder_with_token());
        pair.settle();
        assert!(pair.in_task(initiator) && pair.in_task(responder));
        [pair.nodes[initiator].sent.clone(), pair.nodes[responder].sent.clone()]
    };
    let base = traffic(1, 1);
    assert_eq!(traffic(1, 1), base);
    let (other_server, other_clients) = (traffic(2, 1), traffic(1, 2));
    for id in 0..2 {
        for (n, message) in base[id].iter().enumerate() {
            // Nonces stay, since they are the clients'; boxes for another server session key differ.
            let (Transmit::Message(a), Transmit::Message(b)) = (message, &other_server[id][n])
            else {
                panic!("only messages were sent")
            };
            assert_eq!(a[..16], b[..16]);
            let sealed_for_server = a[17] == 0 && (id == 0 || n > 0);
            assert_eq!(a[24..] == b[24..], !sealed_for_server, "client {id}, message {n}");
            let Transmit::Message(c) = &other_clients[id][n] else { panic!() };
            assert!(a[..16] != c[..16] && a[18..24] != c[18..24]);
        }
    }
}

// Towards the server

type Change = fn(&mut support::fake_server::Sender);

/// What can be wrong with a nonce after the first one.
fn wrong_successors() -> Vec<(&'static str, Change)> {
    vec![
        ("another cookie", |out| out.cookie[15] ^= 1),
        ("the same number again", |out| out.sequence -= 1),
        ("a number left out", |out| out.sequence += 1),
        ("an old number", |out| out.sequence -= 100),
        ("the overflow number too high", |out| out.sequence += 1 << 32),
        ("far ahead", |out| out.sequence += 1 << 47),
    ]
}

/// Covers P-074 P-076 P-083.
#[test]
fn the_first_message_of_the_server_has_overflow_number_0() {
    for config in [keys::initiator_with_token, keys::responder_with_token] {
        for (sequence, good) in
            [(0, true), (LARGEST, true), (1 << 32, false), ((1 << 48) - 1, false)]
        {
            let mut server = FakeServer::new(config());
            server.out.sequence = sequence;
            let hello = server.server_hello();
            server.send_clear(&hello);
            if good {
                server.read();
                assert_eq!(server.client.state(), ClientState::ServerHandshake);
            } else {
                assert!(server.expect_accusation().contains("overflow number"));
            }
        }
    }
}

/// Covers P-076 P-078 P-079 P-080 P-081 P-083.
#[test]
fn later_messages_of_the_server_keep_the_cookie_and_count_by_one() {
    for config in [keys::initiator_with_token, keys::responder_with_token] {
        for (_, change) in wrong_successors() {
            // In 'server-auth', and after it.
            let mut server = FakeServer::new(config());
            server.greet();
            change(&mut server.out);
            let auth = server.server_auth(&[]);
            server.send(&auth);
            server.expect_accusation();

            let mut server = FakeServer::new(config()).ready(&[]);
            change(&mut server.out);
            server.disconnected(3 - server.address);
            server.expect_accusation();
        }
        // Right across 2^32 if it is done right, and not if the overflow number stays.
        for (next, good) in [(1 << 32, true), (0, false)] {
            let mut server = FakeServer::new(config());
            server.out.sequence = LARGEST;
            server.greet();
            server.out.sequence = next;
            let auth = server.server_auth(&[]);
            server.send(&auth);
            if good {
                assert_eq!(server.client.state(), ClientState::WaitingForPeer);
            } else {
                server.expect_accusation();
            }
        }
    }
}

/// Covers P-075.
#[test]
fn a_server_that_mirrors_our_cookie_is_refused() {
    for config in [keys::initiator_with_token, keys::responder_with_token] {
        let mut server = FakeServer::new(config());
        server.greet();
        server.out.cookie = server.client_cookie;
        let auth = server.server_auth(&[]);
        server.send(&auth);
        assert!(server.expect_accusation().contains("cookie"));
    }
}

// Towards a peer

/// Covers P-074 P-224 P-225 P-226.
#[test]
fn the_first_message_of_a_peer_has_overflow_number_0() {
    let mut server = FakeServer::with_initiator(&[2]);
    let mut peer = FakePeer::responder(2);
    peer.out.sequence = 1 << 32;
    peer.send_token(&mut server);
    server.expect_drop(2, 3001);
    assert!(!server.events().contains(&Event::TokenUsed), "the token was not touched");

    let mut server = FakeServer::with_responder();
    let mut peer = FakePeer::initiator();
    peer.read_token(&mut server);
    peer.read_key(&mut server);
    peer.out.sequence = 1 << 32;
    peer.send_key(&mut server);
    server.wait(PATIENCE);
    server.expect_close(CloseCode::ProtocolError);
}

/// Covers P-075 P-226.
#[test]
fn an_initiator_that_mirrors_our_cookie_is_refused() {
    let mut server = FakeServer::with_responder();
    let mut peer = FakePeer::initiator();
    peer.read_token(&mut server);
    peer.read_key(&mut server);
    peer.out.cookie = peer.client_cookie;
    peer.send_key(&mut server);
    server.wait(PATIENCE);
    let closed = server.expect_close(CloseCode::ProtocolError);
    let EndReason::HandshakeDisturbed(text) = closed.reason else { panic!("{closed:?}") };
    assert!(text.contains("our own cookie"), "{text}");
}

/// Covers P-078 P-079 P-080 P-082 P-225 P-226.
#[test]
fn during_the_handshake_a_peer_keeps_the_cookie_and_counts_by_one() {
    for (name, change) in wrong_successors() {
        // 'key' after 'token'.
        let mut server = FakeServer::with_initiator(&[2]);
        let mut peer = FakePeer::responder(2);
        peer.send_token(&mut server);
        change(&mut peer.out);
        peer.send_key(&mut server);
        server.expect_drop(2, 3001);

        // 'auth' after 'key', of both roles.
        let mut server = FakeServer::with_initiator(&[2]);
        let mut peer = FakePeer::responder(2);
        peer.up_to_auth(&mut server);
        change(&mut peer.out);
        peer.send_auth(&mut server);
        server.expect_drop(2, 3001);
        assert_eq!(server.client.state(), ClientState::WaitingForPeer, "{name}");

        let mut server = FakeServer::with_responder();
        let mut peer = FakePeer::initiator();
        peer.up_to_auth(&mut server);
        change(&mut peer.out);
        peer.send_auth(&mut server);
        server.expect_close(CloseCode::ProtocolError);
    }
}

/// Covers P-078 P-079 P-080 P-081 P-082 P-227.
#[test]
fn in_the_task_a_peer_keeps_the_cookie_and_counts_by_one() {
    for role in [Role::Initiator, Role::Responder] {
        let met = || match role {
            Role::Initiator => (FakeServer::with_initiator(&[2]), FakePeer::responder(2)),
            Role::Responder => (FakeServer::with_responder(), FakePeer::initiator()),
        };
        for (name, change) in wrong_successors() {
            let (mut server, mut peer) = met();
            peer.authenticate(&mut server);
            server.events();
            change(&mut peer.out);
            peer.send(&mut server, &Msg::new("application").with("data", 1));
            let close = peer.read(&mut server);
            assert_eq!(close, Msg::new("close").with("reason", 3001), "{name}");
            let closed = server.expect_close(CloseCode::GoingAway);
            assert!(matches!(closed.reason, EndReason::PeerProtocolError(_)), "{closed:?}");
        }
        // The last number before 2^32 was used for 'auth'.
        for (next, good) in [(1_u64 << 32, true), (0, false), (1, false)] {
            let (mut server, mut peer) = met();
            peer.out.sequence = LARGEST - if role == Role::Initiator { 2 } else { 1 };
            peer.authenticate(&mut server);
            assert_eq!(peer.out.sequence, 1 << 32);
            server.events();
            peer.out.sequence = next;
            peer.send(&mut server, &Msg::new("application").with("data", 1));
            let event = server.events().pop();
            assert_eq!(matches!(event, Some(Event::Application(_))), good, "{next}");
        }
    }
}

/// A message that is changed on its way does not advance anything: the next good one would be
/// accepted if the connection did not end first. Shown with responders, which are independent.
///
/// Covers P-077 P-238.
#[test]
fn the_count_of_one_peer_has_nothing_to_do_with_the_others() {
    let mut server = FakeServer::new(keys::initiator_with_trust()).ready(&[2, 3]);
    let (mut two, mut three) = (FakePeer::responder(2), FakePeer::responder(3));
    (two.out.sequence, three.out.sequence) = (5, 500_000);
    two.send_key(&mut server);
    two.read_key(&mut server);
    three.send_key(&mut server);
    three.read_key(&mut server);
    // 2 breaks its count, and 3 goes on with its own.
    two.out.sequence = three.out.sequence;
    two.send_auth(&mut server);
    server.expect_drop(2, 3001);
    three.send_auth(&mut server);
    assert_eq!(three.read(&mut server).kind(), "auth");

    // 2 comes back after a while and may start with any number and cookie.
    let mut server = FakeServer::new(keys::initiator_with_trust()).ready(&[2]);
    let mut two = FakePeer::responder(2);
    two.send_key(&mut server);
    two.read_key(&mut server);
    two.out.sequence += 9;
    two.send_auth(&mut server);
    server.expect_drop(2, 3001);
    server.wait(Duration::from_secs(1));
    server.new_responder(2);
    let mut two = FakePeer::responder(2);
    (two.out.sequence, two.out.cookie) = (77, [0x77; 16]);
    two.send_key(&mut server);
    two.read_key(&mut server);
    two.send_auth(&mut server);
    assert_eq!(two.read(&mut server).kind(), "auth");
}

//! Who is let in, and what happens to those who are not.

mod support;

use std::time::Duration;

use saltyrtc::protocol::client::{ClientState, Closed, ClosedBy, EndReason, SendFailure};
use saltyrtc::protocol::{DropReason, ResponderAddress, Role};
use saltyrtc::task::{ClientConfig, Event};
use support::fake_peer::FakePeer;
use support::fake_server::FakeServer;
use support::keys;
use support::msg::{Msg, bin};
use support::pair::{Id, Pair};

const SECOND: Duration = Duration::from_secs(1);

fn address(byte: u8) -> ResponderAddress {
    ResponderAddress::new(byte).unwrap()
}

/// The failures that an initiator reported: (address, close code).
fn failures(events: &[Event]) -> Vec<(u8, u16)> {
    let failure = |event: &Event| match event {
        Event::ResponderFailed { address, reason, .. } => {
            Some((address.get(), reason.close_code().code()))
        }
        _ => None,
    };
    events.iter().filter_map(failure).collect()
}

/// The responder was closed with 3005, and its application learns what that means.
#[track_caller]
fn expect_could_not_decrypt(pair: &Pair, responder: Id) {
    let closed = pair.closed(responder);
    let reason = EndReason::InitiatorCouldNotDecrypt;
    let expected = Closed { by: ClosedBy::Server, code: Some(3005), reason };
    assert_eq!(closed, expected);
    let text = closed.to_string();
    for part in ["could not decrypt", "token", "new invitation", "stored keys"] {
        assert!(text.contains(part), "{text}");
    }
}

/// Covers P-225 P-235 P-236 P-243.
#[test]
fn a_wrong_token_costs_only_that_responder_its_place() {
    let mut pair = Pair::new();
    let initiator = pair.connect(keys::initiator_with_token());
    let stranger = pair.connect(keys::responder(keys::pair(9), Some(keys::wrong_token())));
    pair.settle();
    expect_could_not_decrypt(&pair, stranger);
    let events = pair.take_events(initiator);
    assert!(!events.contains(&Event::TokenUsed));
    let Some(Event::ResponderFailed { address, reason, text }) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!((address.get(), *reason), (2, DropReason::InitiatorCouldNotDecrypt));
    assert!(text.contains("token"), "{text}");

    // The token is still good for the one it was meant for.
    assert_eq!(pair.client(initiator).state(), ClientState::WaitingForPeer);
    let responder = pair.connect(keys::responder_with_token());
    pair.run_until(|pair| pair.in_task(initiator) && pair.in_task(responder));
    assert!(pair.events(initiator).contains(&Event::TokenUsed));
}

/// Covers P-245 P-013.
#[test]
fn a_token_is_dead_after_its_first_decryption_even_if_the_content_is_bad() {
    for bad in [
        Msg::new("token").encode(),
        Msg::new("key").with("key", bin(&[1; 32])).encode(),
        Msg::new("token").with("key", bin(&[1; 31])).encode(),
        b"no MessagePack".to_vec(),
    ] {
        let mut server = FakeServer::with_initiator(&[2, 3]);
        FakePeer::responder(2).send_with_token(&mut server, &bad);
        server.expect_drop(2, 3001);
        let events = server.events();
        assert!(events.contains(&Event::TokenUsed));
        assert_eq!(failures(&events), [(2, 3001)]);
        server.wait(SECOND);

        FakePeer::responder(3).send_token(&mut server);
        server.expect_drop(3, 3005);
        let events = server.events();
        let Some(Event::ResponderFailed { text, .. }) = events.last() else { panic!("{events:?}") };
        assert!(text.contains("used before"), "{text}");
        assert!(!events.contains(&Event::TokenUsed));
    }
}

/// Covers P-245 P-224.
#[test]
fn who_comes_with_a_used_token_is_dropped_and_nobody_else() {
    let mut server = FakeServer::with_initiator(&[2, 3]);
    let mut peer = FakePeer::responder(2);
    peer.up_to_auth(&mut server);
    FakePeer::responder(3).send_token(&mut server);
    server.expect_drop(3, 3005);
    // The first one is in the middle of its handshake and goes on, whatever the pause.
    peer.send_auth(&mut server);
    assert_eq!(peer.read(&mut server).kind(), "auth");
    assert_eq!(server.client.state(), ClientState::Task);
}

/// Covers P-013 P-229.
#[test]
fn a_new_token_lets_another_responder_in_without_reconnecting() {
    let mut pair = Pair::new();
    let initiator = pair.connect(keys::initiator_with_token());
    pair.settle();
    // The token that was there first is replaced.
    let token = pair.act(initiator, |client, _| client.issue_token()).unwrap();
    let late = pair.connect(keys::responder_with_token());
    pair.settle();
    expect_could_not_decrypt(&pair, late);
    pair.advance(SECOND);
    let responder = pair.connect(keys::responder(keys::pair(8), Some(token.clone())));
    pair.run_until(|pair| pair.in_task(initiator) && pair.in_task(responder));
    assert_eq!(pair.client(initiator).peer_key(), Some(keys::pair(8).public()));

    // Another one while the first peer is there: it is for when that one has left.
    let next = pair.act(initiator, |client, _| client.issue_token()).unwrap();
    assert_ne!(next.as_bytes(), token.as_bytes());
    assert!(pair.in_task(initiator));
    pair.sever(responder);
    let other = pair.connect(keys::responder(keys::pair(7), Some(next)));
    pair.run_until(|pair| pair.in_task(initiator) && pair.in_task(other));
    assert_eq!(pair.client(initiator).peer_key(), Some(keys::pair(7).public()));
}

#[test]
fn only_a_running_initiator_can_issue_tokens() {
    let mut server = FakeServer::with_responder();
    assert_eq!(server.client.arm_token(keys::token()), Err(SendFailure::OtherRole));
    assert!(matches!(server.client.issue_token(), Err(SendFailure::OtherRole)));
    let mut server = FakeServer::with_initiator(&[]);
    server.client.close();
    assert_eq!(server.client.arm_token(keys::token()), Err(SendFailure::Closed));
}

/// Covers P-091 P-094 P-243.
#[test]
fn a_token_box_belongs_to_the_nonce_of_its_message() {
    let mut server = FakeServer::with_initiator(&[2, 3]);
    let mut peer = FakePeer::responder(2);
    let nonce = peer.out.nonce();
    let mut sealed = Vec::new();
    peer.token.seal_onto(&mut sealed, &nonce, &peer.token_msg().encode());
    // Somebody else on the path gets hold of it.
    let mut thief = FakePeer::responder(3);
    let message = thief.out.clear(&sealed);
    server.send_raw(&message);
    server.expect_drop(3, 3005);
    assert!(!server.events().contains(&Event::TokenUsed));
    server.wait(SECOND);
    server.send_raw(&[&nonce[..], &sealed].concat());
    assert_eq!(server.events(), [Event::TokenUsed]);
}

/// Covers P-253.
#[test]
fn a_key_that_cannot_be_decrypted_after_a_good_token_is_3005() {
    let mut server = FakeServer::with_initiator(&[2]);
    let mut peer = FakePeer::responder(2);
    peer.send_token(&mut server);
    peer.permanent = keys::pair(9);
    peer.send_key(&mut server);
    server.expect_drop(2, 3005);
    assert_eq!(failures(&server.events()), [(2, 3005)]);
}

/// Covers P-235 P-236 P-243 P-253.
#[test]
fn one_side_trusts_and_the_other_does_not() {
    for (initiator, responder) in [
        (keys::initiator_with_token(), keys::responder_with_trust()),
        (keys::initiator_with_trust(), keys::responder_with_token()),
    ] {
        let mut pair = Pair::new();
        let initiator = pair.connect(initiator);
        let responder = pair.connect(responder);
        pair.settle();
        expect_could_not_decrypt(&pair, responder);
        assert_eq!(failures(&pair.events(initiator)), [(2, 3005)]);
        assert!(!pair.events(initiator).contains(&Event::TokenUsed));
        assert_eq!(pair.client(initiator).state(), ClientState::WaitingForPeer);
    }
}

/// Covers P-235.
#[test]
fn a_stranger_cannot_pass_for_the_trusted_peer() {
    let mut pair = Pair::new();
    let initiator = pair.connect(keys::initiator_with_trust());
    let stranger = pair.connect(keys::responder(keys::pair(9), None));
    pair.settle();
    expect_could_not_decrypt(&pair, stranger);
    let responder = pair.connect(keys::responder_with_trust());
    pair.run_until(|pair| pair.in_task(initiator) && pair.in_task(responder));
}

/// Covers P-226.
#[test]
fn a_responder_leaves_an_initiator_that_has_another_key() {
    let mut server = FakeServer::with_responder();
    let mut peer = FakePeer::initiator();
    peer.read_token(&mut server);
    peer.read_key(&mut server);
    peer.permanent = keys::pair(9);
    peer.send_key(&mut server);
    server.wait(Duration::from_secs(60));
    let closed = server.expect_close(saltyrtc::protocol::CloseCode::ProtocolError);
    assert_eq!((closed.by, closed.code), (ClosedBy::Us, Some(3001)));
    assert!(matches!(closed.reason, EndReason::HandshakeDisturbed(_)), "{closed:?}");
}

// At least one second between two attempts

/// Covers P-237 P-238.
#[test]
fn attempts_are_one_second_apart_and_the_server_is_heard_meanwhile() {
    let mut server = FakeServer::with_initiator(&[2, 3, 4, 5, 6]);
    let wrong = |address| {
        let mut peer = FakePeer::responder(address);
        peer.token = keys::wrong_token();
        peer
    };
    wrong(2).send_token(&mut server);
    server.expect_drop(2, 3005);
    // Three more try at once, each with two messages.
    for address in [5, 3, 4] {
        server.wait(Duration::from_micros(1));
        let mut peer = wrong(address);
        peer.send_token(&mut server);
        peer.send_key(&mut server);
    }
    server.expect_silence();
    assert_eq!(failures(&server.events()), [(2, 3005)]);

    // They are looked at one after the other, in any order.
    let mut tried = Vec::new();
    for _ in 0..3 {
        server.wait(Duration::from_millis(999));
        server.expect_silence();
        let address = 7;
        // Messages of the server are not held up.
        server.new_responder(0x80 + address);
        server.disconnected(0x80 + address);
        let events = server.events();
        assert!(matches!(events[..], [Event::ResponderJoined(_), Event::ResponderLeft(_)]));
        server.wait(Duration::from_millis(1));
        let [(address, 3005)] = failures(&server.events())[..] else { panic!("{tried:?}") };
        server.expect_drop(address, 3005);
        server.expect_silence();
        tried.push(address);
    }
    tried.sort_unstable();
    assert_eq!(tried, [3, 4, 5]);
    let mut peer = FakePeer::responder(6);
    peer.send_token(&mut server);
    peer.send_key(&mut server);
    server.wait(Duration::from_millis(999));
    server.expect_silence();
    server.wait(Duration::from_millis(1));
    assert_eq!(peer.read_key(&mut server).kind(), "key");
    peer.send_auth(&mut server);
    assert_eq!(peer.read(&mut server).kind(), "auth");
}

/// Covers P-237.
#[test]
fn the_pause_also_follows_other_failures() {
    let mut server = FakeServer::with_initiator(&[2, 3]);
    let mut peer = FakePeer::responder(2);
    peer.up_to_auth(&mut server);
    let bad = peer.auth_msg().without("your_cookie");
    peer.send(&mut server, &bad);
    server.expect_drop(2, 3001);
    server.client.arm_token(keys::token()).unwrap();
    let mut peer = FakePeer::responder(3);
    peer.send_token(&mut server);
    peer.send_key(&mut server);
    server.wait(Duration::from_millis(999));
    server.expect_silence();
    server.wait(Duration::from_millis(1));
    assert_eq!(peer.read_key(&mut server).kind(), "key");
}

#[test]
fn who_waits_is_looked_at_before_who_comes_later_even_if_the_timer_is_late() {
    let mut server = FakeServer::with_initiator(&[2, 3, 4]);
    let wrong = |address| FakePeer { token: keys::wrong_token(), ..FakePeer::responder(address) };
    wrong(2).send_token(&mut server);
    server.expect_drop(2, 3005);
    let mut peer = FakePeer::responder(3);
    peer.send_token(&mut server);
    peer.send_key(&mut server);
    // The next one comes when the pause is over, but before the timer was run.
    server.now += SECOND;
    wrong(4).send_token(&mut server);
    assert_eq!(peer.read_key(&mut server).kind(), "key");
    server.expect_drop(4, 3005);
}

#[test]
fn what_is_held_for_a_responder_is_bounded() {
    for (messages, size) in [(3, 60), (1, 5000)] {
        let mut server = FakeServer::with_initiator(&[2, 3, 4]);
        FakePeer { token: keys::wrong_token(), ..FakePeer::responder(2) }.send_token(&mut server);
        server.expect_drop(2, 3005);
        server.events();
        let mut flood = FakePeer::responder(3);
        for _ in 0..messages {
            server.expect_silence();
            flood.send_with_token(&mut server, &vec![0; size]);
        }
        server.expect_drop(3, 3001);
        assert_eq!(failures(&server.events()), [(3, 3001)]);
    }
}

/// Flooding the path does not keep the right responder waiting.
#[test]
fn who_floods_does_not_make_the_pause_longer() {
    let mut server = FakeServer::with_initiator(&[2, 3, 4]);
    FakePeer { token: keys::wrong_token(), ..FakePeer::responder(2) }.send_token(&mut server);
    server.expect_drop(2, 3005);
    let mut peer = FakePeer::responder(4);
    peer.send_token(&mut server);
    peer.send_key(&mut server);
    for _ in 0..9 {
        server.wait(Duration::from_millis(100));
        let mut flood = FakePeer::responder(3);
        for _ in 0..3 {
            flood.send_token(&mut server);
        }
        server.expect_drop(3, 3001);
        server.new_responder(3);
    }
    server.wait(Duration::from_millis(100));
    assert_eq!(peer.read_key(&mut server).kind(), "key");
}

/// Covers P-237.
#[test]
fn several_wrong_responders_on_a_real_path() {
    let mut pair = Pair::new();
    let initiator = pair.connect(keys::initiator_with_token());
    pair.settle();
    let strangers: Vec<Id> = (0..4)
        .map(|n| pair.connect(keys::responder(keys::pair(40 + n), Some(keys::wrong_token()))))
        .collect();
    let responder = pair.connect(keys::responder_with_token());
    pair.run_until(|pair| pair.in_task(initiator) && pair.in_task(responder));
    for stranger in strangers {
        // Those that are left when somebody is in are not needed any more.
        pair.settle();
        assert!(matches!(pair.closed(stranger).code, Some(3004 | 3005)));
    }
    let attempts: Vec<(Duration, bool)> = (pair.nodes[initiator].events.iter())
        .filter(|(_, event)| matches!(event, Event::ResponderFailed { .. } | Event::TokenUsed))
        .map(|(time, event)| (*time, matches!(event, Event::ResponderFailed { .. })))
        .collect();
    assert!((1..=5).contains(&attempts.len()));
    for two in attempts.windows(2) {
        let [(before, failed), (after, _)] = two else { unreachable!() };
        assert!(!failed || *after - *before >= SECOND, "{attempts:?}");
    }
}

// The peer has limited time

#[test]
fn a_responder_that_stops_in_the_middle_is_dropped() {
    let timeout = Duration::from_secs(5);
    let config = ClientConfig { peer_handshake_timeout: timeout, ..keys::initiator_with_token() };
    let mut server = FakeServer::new(config).ready(&[2]);
    FakePeer::responder(2).up_to_auth(&mut server);
    server.events();
    server.wait(timeout - Duration::from_millis(1));
    server.expect_silence();
    server.wait(Duration::from_millis(1));
    server.expect_drop(2, 3004);
    let events = server.events();
    let reason = DropReason::DroppedByInitiator;
    let text = "it did not complete the handshake in time".to_owned();
    assert_eq!(events, [Event::ResponderFailed { address: address(2), reason, text }]);
    server.expect_silence();
}

#[test]
fn an_initiator_that_stops_in_the_middle_is_left() {
    for answers in [false, true] {
        let mut server = FakeServer::with_responder();
        let mut peer = FakePeer::initiator();
        peer.read_token(&mut server);
        peer.read_key(&mut server);
        // Others may be before it.
        server.wait(Duration::from_millis(299_999));
        server.expect_silence();
        if answers {
            peer.send_key(&mut server);
            peer.read(&mut server);
            server.wait(Duration::from_millis(59_999));
            server.expect_silence();
        }
        server.wait(Duration::from_millis(1));
        let closed = server.expect_close(saltyrtc::protocol::CloseCode::Timeout);
        let reason = EndReason::PeerHandshakeTimeout;
        let expected = Closed { by: ClosedBy::Us, code: Some(3008), reason };
        assert_eq!(closed, expected);
    }
}

#[test]
fn a_time_limit_may_be_as_long_as_it_likes() {
    let (server_handshake_timeout, peer_handshake_timeout) = (Duration::MAX, Duration::MAX);
    for config in [keys::initiator_with_token(), keys::responder_with_token()] {
        let config = ClientConfig { server_handshake_timeout, peer_handshake_timeout, ..config };
        let mut server = FakeServer::new(config);
        assert!(server.client.poll_timeout().is_some());
        let (mut peer, other) = match server.role() {
            Role::Initiator => (FakePeer::responder(2), 2),
            Role::Responder => (FakePeer::initiator(), 1),
        };
        server = server.ready(&[other]);
        if server.role() == Role::Initiator {
            peer.send_token(&mut server);
        }
        assert!(server.client.poll_timeout().is_some());
        server.wait(Duration::from_secs(30 * 24 * 60 * 60));
        assert_eq!(server.client.state(), ClientState::PeerHandshake);
    }
}

#[test]
fn a_client_cannot_be_its_own_peer() {
    use saltyrtc::protocol::client::{ConfigError, PeerAuth};
    use saltyrtc::task::Client;
    let own = PeerAuth::Trusted(keys::path());
    for config in [keys::initiator(own), keys::responder(keys::initiator_keys(), None)] {
        let client = Client::new(config, Box::new(support::random::Seeded::new(1)));
        assert!(matches!(client, Err(ConfigError::PeerIsSelf)));
    }
}

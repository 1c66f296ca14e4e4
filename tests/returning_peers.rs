//! A peer that comes back while the initiator still takes it for present: its network died without a word.

mod support;

use std::time::Duration;

use saltyrtc::crypto::AuthToken;
use saltyrtc::protocol::ResponderAddress;
use saltyrtc::protocol::client::{ClientState, EndReason, PeerLeft, RoleConfig, WhenPeerLeaves};
use saltyrtc::protocol::message::Payload;
use saltyrtc::task::{ClientConfig, Event, TaskEvent, relayed_data};
use support::fake_peer::FakePeer;
use support::fake_server::FakeServer;
use support::keys;
use support::pair::{Id, Pair};

/// The two clients reach each other, in both directions.
#[track_caller]
fn expect_connected(pair: &mut Pair, one: Id, other: Id) {
    assert!(pair.in_task(one) && pair.in_task(other), "{}", pair.report());
    for (from, to) in [(one, other), (other, one)] {
        pair.take_events(to);
        let payload = Payload::from_text("still there?");
        pair.act(from, |client, _| relayed_data::send(client, &payload)).unwrap();
        pair.settle();
        assert_eq!(pair.take_events(to), [Event::Task(TaskEvent::Data(payload))]);
    }
}

fn is_replaced(event: &Event) -> bool {
    matches!(event, Event::PeerLeft { how: PeerLeft::Replaced, .. })
}

fn with_new_token(token: AuthToken) -> ClientConfig {
    let role = RoleConfig::Responder { initiator: keys::path(), token: Some(token) };
    ClientConfig { role, ..keys::responder(keys::pair(0x71), None) }
}

#[test]
fn a_trusted_responder_is_back_at_once() {
    let (mut pair, initiator, mut current) = Pair::met_with_trust();
    for _ in 0..3 {
        pair.take_events(initiator);
        pair.vanish(current);
        let back = pair.connect(keys::responder_with_trust());
        let before = pair.time();
        pair.run_until(|pair| pair.in_task(back));
        assert!(pair.time() - before < Duration::from_secs(1), "without a pause");
        pair.settle();
        let events = pair.take_events(initiator);
        let replaced = events.iter().position(is_replaced).expect("the old one was replaced");
        let done = |event: &Event| matches!(event, Event::PeerHandshakeDone { .. });
        let done = events.iter().position(done).expect("the new one is authenticated");
        assert!(replaced < done, "{events:?}");
        expect_connected(&mut pair, initiator, back);
        current = back;
    }
}

#[test]
fn one_with_a_new_token_takes_the_place_of_the_peer() {
    let (mut pair, initiator, responder) = Pair::met_with_token();
    let token = pair.act(initiator, |client, _| client.issue_token()).unwrap();
    expect_connected(&mut pair, initiator, responder);
    let next = pair.connect(with_new_token(token));
    pair.settle();
    let closed = pair.closed(responder);
    assert_eq!(closed.reason, EndReason::DroppedByInitiator);
    // Or two copies of a program would throw each other out for ever.
    assert!(!closed.retryable());
    expect_connected(&mut pair, initiator, next);
}

/// Strangers try, at the pace that they are allowed to, and the two do not notice.
#[test]
fn who_fails_does_nothing_to_the_session() {
    let (mut pair, initiator, responder) = Pair::met_with_trust();
    for n in 0..20 {
        let token = (n % 2 == 0).then(keys::wrong_token);
        let stranger = pair.connect(keys::responder(keys::pair(0x20 + n), token));
        pair.run_until(|pair| pair.nodes[stranger].client.state() == ClientState::Closed);
        assert_eq!(pair.closed(stranger).reason, EndReason::InitiatorCouldNotDecrypt);
        expect_connected(&mut pair, initiator, responder);
    }
    assert!(!pair.events(initiator).iter().any(is_replaced));
}

/// Whoever has the key, but cannot talk about anything, is turned away.
#[test]
fn one_without_a_shared_task_does_not_end_the_session() {
    let (mut pair, initiator, responder) = Pair::met_with_trust();
    pair.take_events(initiator);
    let config = ClientConfig {
        tasks: vec![keys::custom("v1.other.example.org")],
        ..keys::responder_with_trust()
    };
    let other = pair.connect(config);
    pair.settle();
    assert_eq!(pair.closed(other).code, Some(3004));
    let address = ResponderAddress::new(3).unwrap();
    let events = [Event::ResponderJoined(address), Event::ResponderLeft(address)];
    assert_eq!(pair.take_events(initiator), events);
    expect_connected(&mut pair, initiator, responder);
}

/// A client that ends with its peer has no next one.
#[test]
fn the_peer_of_a_client_that_ends_with_it_is_not_replaced() {
    let config =
        ClientConfig { when_peer_leaves: WhenPeerLeaves::Close, ..keys::initiator_with_trust() };
    let (mut pair, initiator, responder) = Pair::met(config, keys::responder_with_trust());
    let again = pair.connect(keys::responder_with_trust());
    pair.settle();
    assert_eq!(pair.closed(again).code, Some(3004));
    expect_connected(&mut pair, initiator, responder);
}

/// What the old connection still says after it was replaced means nothing.
#[test]
fn the_replaced_peer_is_heard_no_more() {
    let mut server = FakeServer::new(keys::initiator_with_trust()).ready(&[2]);
    let mut old = FakePeer::responder(2);
    let mut new = FakePeer::responder(3);
    let join = |server: &mut FakeServer, peer: &mut FakePeer| {
        peer.send_key(server);
        peer.read_key(server);
        peer.send_auth(server);
    };
    join(&mut server, &mut old);
    assert_eq!(old.read(&mut server).kind(), "auth");
    server.new_responder(3);
    join(&mut server, &mut new);
    server.expect_drop(2, 3004);
    assert_eq!(new.read(&mut server).kind(), "auth");
    server.events();
    old.send_auth(&mut server);
    server.disconnected(2);
    server.expect_silence();
    assert_eq!(server.events(), []);
    assert_eq!(server.client.state(), ClientState::Task);
}

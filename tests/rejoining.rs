//! A peer that leaves, and what it takes to meet again.

mod support;

use saltyrtc::protocol::client::{
    ClientState, Closed, ClosedBy, EndReason, PeerLeft, SendFailure, SocketEnd, WhenPeerLeaves,
};
use saltyrtc::protocol::message::Payload;
use saltyrtc::protocol::{Address, CloseCode, DropReason, ResponderAddress, Transmit};
use saltyrtc::task::{ClientConfig, Event, TaskEvent, relayed_data};
use support::fake_peer::FakePeer;
use support::fake_server::FakeServer;
use support::keys;
use support::msg::Msg;
use support::pair::{Id, Pair};

fn left(address: u8, how: PeerLeft, can_rejoin: bool) -> Event {
    Event::PeerLeft { address: Address(address), how, can_rejoin }
}

fn responder_address(byte: u8) -> ResponderAddress {
    ResponderAddress::new(byte).unwrap()
}

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

/// Covers P-002 P-016 P-203 P-204 P-205 P-206.
#[test]
fn a_trusted_responder_comes_back() {
    let (mut pair, initiator, responder) = Pair::met_with_trust();
    let mut current = responder;
    for _ in 0..3 {
        pair.take_events(initiator);
        pair.sever(current);
        pair.settle();
        assert_eq!(pair.events(initiator), [left(2, PeerLeft::Disconnected, true)]);
        assert_eq!(pair.client(initiator).state(), ClientState::WaitingForPeer);
        assert_eq!(pair.client(initiator).peer_key(), None);
        let failure = pair.client(initiator).send_application(Payload::from_text("gone"));
        assert_eq!(failure, Err(SendFailure::NoPeer));
        current = pair.connect(keys::responder_with_trust());
        pair.settle();
        expect_connected(&mut pair, initiator, current);
    }
}

/// Covers P-174 P-175 P-203 P-205 P-206.
#[test]
fn a_trusted_initiator_comes_back() {
    let (mut pair, initiator, responder) = Pair::met_with_trust();
    let mut current = initiator;
    for _ in 0..3 {
        pair.take_events(responder);
        pair.sever(current);
        pair.settle();
        assert_eq!(pair.events(responder), [left(1, PeerLeft::Disconnected, true)]);
        assert_eq!(pair.client(responder).state(), ClientState::WaitingForPeer);
        current = pair.connect(keys::initiator_with_trust());
        pair.settle();
        expect_connected(&mut pair, current, responder);
    }
}

/// Covers P-013 P-229.
#[test]
fn a_responder_comes_back_with_a_new_token() {
    let (mut pair, initiator, responder) = Pair::met_with_token();
    pair.take_events(initiator);
    pair.sever(responder);
    pair.settle();
    assert_eq!(pair.take_events(initiator), [left(2, PeerLeft::Disconnected, false)]);
    // The old one is no use.
    let back = pair.connect(keys::responder_with_token());
    pair.settle();
    assert_eq!(pair.closed(back).reason, EndReason::InitiatorCouldNotDecrypt);
    let token = pair.act(initiator, |client, _| client.issue_token()).unwrap();
    let back = pair.connect(keys::responder(keys::responder_keys(), Some(token)));
    pair.run_until(|pair| pair.in_task(initiator) && pair.in_task(back));
    pair.settle();
    expect_connected(&mut pair, initiator, back);
}

/// Covers P-231 P-232 P-272.
#[test]
fn clients_that_met_with_a_token_may_trust_each_other_from_then_on() {
    let (mut pair, initiator, responder) = Pair::met_with_token();
    for id in [initiator, responder] {
        pair.act(id, |client, now| client.trust_peer(now)).unwrap();
    }
    // The responder comes back.
    pair.take_events(initiator);
    pair.sever(responder);
    pair.settle();
    assert_eq!(pair.take_events(initiator), [left(2, PeerLeft::Disconnected, true)]);
    let responder = pair.connect(keys::responder_with_trust());
    pair.settle();
    expect_connected(&mut pair, initiator, responder);

    // The initiator comes back.
    pair.sever(initiator);
    pair.settle();
    assert_eq!(pair.take_events(responder), [left(1, PeerLeft::Disconnected, true)]);
    let initiator = pair.connect(keys::initiator_with_trust());
    pair.settle();
    expect_connected(&mut pair, initiator, responder);
}

/// A responder whose token is used up waits until it is told that it is trusted.
#[test]
fn trust_may_come_after_the_peer_has_left() {
    let (mut pair, initiator, responder) = Pair::met_with_token();
    pair.take_events(responder);
    pair.sever(initiator);
    pair.settle();
    assert_eq!(pair.take_events(responder), [left(1, PeerLeft::Disconnected, false)]);
    let initiator = pair.connect(keys::initiator_with_trust());
    pair.settle();
    assert_eq!(pair.client(responder).state(), ClientState::WaitingForPeer);
    let refused = pair.act(responder, |client, now| client.trust_key(now, *keys::pair(1).public()));
    assert_eq!(refused, Err(SendFailure::OtherRole), "its initiator has another key");
    pair.act(responder, |client, now| client.trust_key(now, keys::path())).unwrap();
    pair.settle();
    expect_connected(&mut pair, initiator, responder);
}

/// Covers P-206.
#[test]
fn a_responder_that_cannot_begin_hears_of_its_initiator_all_the_same() {
    let mut server = FakeServer::with_responder();
    FakePeer::initiator().authenticate(&mut server);
    server.disconnected(1);
    server.events();
    // Its token is used up, so it has nothing to say to the next initiator.
    server.send(&Msg::new("new-initiator"));
    server.expect_silence();
    server.disconnected(1);
    let left = left(1, PeerLeft::Disconnected, false);
    assert_eq!(server.events(), [Event::InitiatorJoined, left]);
    server.disconnected(1);
    assert_eq!(server.events(), [], "nobody was there");
}

#[test]
fn trust_may_come_before_the_server_is_authenticated() {
    let mut server = FakeServer::new(keys::responder_with_token());
    let now = server.now;
    server.client.trust_key(now, keys::path()).unwrap();
    let mut server = server.ready(&[1]);
    assert_eq!(FakePeer::initiator().read_key(&mut server).kind(), "key");
    server.expect_silence();
}

// A newcomer in place of the peer

/// Covers P-174 P-175.
#[test]
fn an_initiator_comes_back_before_the_server_noticed_that_it_was_gone() {
    let (mut pair, initiator, responder) = Pair::met_with_trust();
    pair.take_events(responder);
    pair.vanish(initiator);
    pair.settle();
    assert_eq!(pair.take_events(responder), []);
    let back = pair.connect(keys::initiator_with_trust());
    pair.settle();
    assert_eq!(pair.events(responder)[0], left(1, PeerLeft::Replaced, true));
    pair.notice(initiator);
    pair.settle();
    expect_connected(&mut pair, back, responder);
}

/// Covers P-145.
#[test]
fn an_initiator_that_is_replaced_learns_why() {
    let (mut pair, initiator, responder) = Pair::met_with_trust();
    let other = pair.connect(keys::initiator_with_trust());
    pair.settle();
    let closed = pair.closed(initiator);
    let reason = EndReason::ReplacedByInitiator;
    let expected = Closed { by: ClosedBy::Server, code: Some(3004), reason };
    assert_eq!(closed, expected);
    expect_connected(&mut pair, other, responder);
}

/// Covers P-174 P-175.
#[test]
fn new_initiator_starts_the_handshake_from_the_beginning_in_every_state() {
    for progress in 0..4 {
        let mut server = FakeServer::with_responder();
        server.events();
        let mut peer = FakePeer::initiator();
        peer.read_token(&mut server);
        peer.read_key(&mut server);
        if progress >= 1 {
            peer.send_key(&mut server);
            peer.read(&mut server);
        }
        if progress >= 2 {
            peer.send_auth(&mut server);
            // Its token is used up now; only trust helps.
            let now = server.now;
            server.client.trust_peer(now).unwrap();
            server.events();
        }
        if progress == 3 {
            server.disconnected(1);
            assert_eq!(server.events(), [left(1, PeerLeft::Disconnected, true)]);
        }
        server.send(&Msg::new("new-initiator"));
        let mut expected = vec![Event::InitiatorJoined];
        if progress == 2 {
            expected.insert(0, left(1, PeerLeft::Replaced, true));
        }
        assert_eq!(server.events(), expected);
        assert_eq!(server.client.state(), ClientState::PeerHandshake);

        // Another initiator, with cookie and numbers of its own.
        let mut peer = FakePeer::initiator();
        (peer.out.cookie, peer.out.sequence) = ([0xbb; 16], 5);
        if progress < 2 {
            peer.read_token(&mut server);
        }
        peer.read_key(&mut server);
        peer.send_key(&mut server);
        peer.read(&mut server);
        peer.send_auth(&mut server);
        assert_eq!(server.client.state(), ClientState::Task);
    }
}

/// Covers P-181 P-182.
#[test]
fn new_responder_with_a_known_address_starts_from_the_beginning_in_every_state() {
    for progress in 0..4 {
        let mut server = FakeServer::new(keys::initiator_with_trust()).ready(&[2, 3]);
        let mut peer = FakePeer::responder(2);
        match progress {
            0 => {}
            1 => {
                peer.send_key(&mut server);
                peer.read_key(&mut server);
            }
            _ => {
                peer.send_key(&mut server);
                peer.read_key(&mut server);
                peer.send_auth(&mut server);
                peer.read(&mut server);
                server.expect_drop(3, 3004);
            }
        }
        server.events();
        if progress == 3 {
            server.send_error(2);
            let events = [Event::SendError(Address(2)), left(2, PeerLeft::Unreachable, true)];
            assert_eq!(server.events(), events);
        }
        server.new_responder(2);
        let joined = Event::ResponderJoined(responder_address(2));
        let expected = if progress == 2 {
            vec![left(2, PeerLeft::Replaced, true), joined]
        } else {
            vec![joined]
        };
        assert_eq!(server.events(), expected);
        server.expect_silence();

        // What the previous one had is worth nothing.
        let mut peer = FakePeer::responder(2);
        (peer.out.cookie, peer.out.sequence) = ([0xcc; 16], 5);
        let old_cookie = peer.client_cookie;
        peer.send_key(&mut server);
        peer.read_key(&mut server);
        assert_ne!(peer.client_cookie, old_cookie);
        peer.send_auth(&mut server);
        assert_eq!(peer.read(&mut server).kind(), "auth");
        assert_eq!(server.client.state(), ClientState::Task);
    }
}

/// Covers P-182 P-203.
#[test]
fn keys_of_an_earlier_session_are_forgotten() {
    let mut server = FakeServer::new(keys::initiator_with_trust()).ready(&[2]);
    let mut old = FakePeer::responder(2);
    old.send_key(&mut server);
    old.read_key(&mut server);
    old.send_auth(&mut server);
    old.read(&mut server);
    server.disconnected(2);
    server.events();
    // Nobody is at that address.
    old.send(&mut server, &Msg::new("application").with("data", 1));
    assert_eq!(server.events(), []);
    server.expect_silence();
    // Somebody is, and starts with a message of the old session.
    server.new_responder(2);
    old.send(&mut server, &Msg::new("application").with("data", 1));
    server.expect_drop(2, 3005);
}

// 'disconnected' and 'send-error'

/// Covers P-203 P-205 P-206 P-210 P-212.
#[test]
fn a_peer_may_leave_in_the_middle_of_the_handshake() {
    type Leave = fn(&mut FakeServer, u8);
    let ways: [(Leave, PeerLeft); 2] = [
        (FakeServer::disconnected, PeerLeft::Disconnected),
        (FakeServer::send_error, PeerLeft::Unreachable),
    ];
    for (leave, how) in ways {
        let lost = |address| {
            let mut events = Vec::new();
            if how == PeerLeft::Unreachable {
                events.push(Event::SendError(Address(address)));
            }
            events
        };
        // A responder at two points; another one is not touched by it.
        for progress in 0..2 {
            let mut server = FakeServer::new(keys::initiator_with_trust()).ready(&[2, 3]);
            let mut other = FakePeer::responder(3);
            other.send_key(&mut server);
            other.read_key(&mut server);
            if progress == 1 {
                FakePeer::responder(2).send_key(&mut server);
                server.read();
            }
            server.events();
            leave(&mut server, 2);
            if progress == 0 && how == PeerLeft::Unreachable {
                // Nothing was sent to this responder: it is about one that had its address before.
                assert_eq!(server.events(), []);
                continue;
            }
            let mut expected = lost(2);
            expected.push(Event::ResponderLeft(ResponderAddress::new(2).unwrap()));
            assert_eq!(server.events(), expected);
            FakePeer::responder(2).send_key(&mut server);
            server.expect_silence();
            other.send_auth(&mut server);
            assert_eq!(other.read(&mut server).kind(), "auth");
        }
        // An initiator at two points.
        for progress in 0..2 {
            let mut server = FakeServer::with_responder();
            server.events();
            let mut peer = FakePeer::initiator();
            peer.read_token(&mut server);
            peer.read_key(&mut server);
            if progress == 1 {
                peer.send_key(&mut server);
                peer.read(&mut server);
            }
            leave(&mut server, 1);
            let mut expected = lost(1);
            expected.push(left(1, how, true));
            assert_eq!(server.events(), expected);
            assert_eq!(server.client.state(), ClientState::WaitingForPeer);
            // There is no time limit for somebody who is not there.
            if how == PeerLeft::Unreachable {
                server.disconnected(1);
            }
            assert_eq!(server.client.poll_timeout(), None);
            peer.send_key(&mut server);
            server.expect_silence();
            server.send(&Msg::new("new-initiator"));
            let mut peer = FakePeer::initiator();
            peer.up_to_auth(&mut server);
        }
    }
}

/// Covers P-210 P-211 P-212.
#[test]
fn a_message_that_cannot_be_delivered_ends_the_session_for_its_sender() {
    for leaver_is_initiator in [false, true] {
        let (mut pair, initiator, responder) = Pair::met_with_trust();
        let (leaver, sender) =
            if leaver_is_initiator { (initiator, responder) } else { (responder, initiator) };
        pair.take_events(sender);
        // The connection dies unnoticed while a message waits in the server for it.
        let delay = pair.nodes[leaver].delay;
        pair.vanish(leaver);
        pair.notice(leaver);
        pair.act(sender, |client, _| client.send_application(Payload::from_text("lost"))).unwrap();
        pair.advance(delay * 4);
        let events = pair.take_events(sender);
        // Whatever the server says first, the peer leaves once.
        let leaving = events.iter().filter(|event| matches!(event, Event::PeerLeft { .. }));
        assert_eq!(leaving.count(), 1, "{events:?}");
        assert_eq!(pair.client(sender).state(), ClientState::WaitingForPeer);
        let config = if leaver_is_initiator {
            keys::initiator_with_trust()
        } else {
            keys::responder_with_trust()
        };
        let back = pair.connect(config);
        pair.settle();
        expect_connected(&mut pair, sender, back);
    }

    // The events, exactly.
    let mut server = FakeServer::with_initiator(&[2]);
    FakePeer::responder(2).authenticate(&mut server);
    server.events();
    server.send_error(2);
    let events = server.events();
    let expected = [Event::SendError(Address(2)), left(2, PeerLeft::Unreachable, false)];
    assert_eq!(events, expected);
    server.disconnected(2);
    assert_eq!(server.events(), [], "that is known already");

    let mut server = FakeServer::with_responder();
    FakePeer::initiator().authenticate(&mut server);
    server.events();
    server.send_error(1);
    let events = server.events();
    assert_eq!(events, [Event::SendError(Address(1)), left(1, PeerLeft::Unreachable, false)]);
}

#[test]
fn a_client_may_end_when_its_peer_leaves() {
    for (initiator_stays, address) in [(true, 2), (false, 1)] {
        let close = |config| ClientConfig { when_peer_leaves: WhenPeerLeaves::Close, ..config };
        let (mut pair, initiator, responder) =
            Pair::met(close(keys::initiator_with_trust()), close(keys::responder_with_trust()));
        let (stays, leaves) =
            if initiator_stays { (initiator, responder) } else { (responder, initiator) };
        pair.take_events(stays);
        pair.sever(leaves);
        pair.settle();
        let events = pair.events(stays);
        assert_eq!(events[0], left(address, PeerLeft::Disconnected, true));
        let reason = EndReason::PeerLeft;
        let closed = Closed { by: ClosedBy::Us, code: Some(1001), reason };
        assert_eq!(events[1..], [Event::Closed(closed)]);
        assert_eq!(pair.close_codes(stays), [CloseCode::GoingAway]);
    }
}

// Others on the path

/// Covers P-185 P-189 P-273.
#[test]
fn after_the_peer_is_authenticated_all_others_are_dropped() {
    let mut server = FakeServer::new(keys::initiator_with_trust()).ready(&[2, 3, 4, 9]);
    let mut half_way = FakePeer::responder(4);
    half_way.send_key(&mut server);
    half_way.read_key(&mut server);
    let mut peer = FakePeer::responder(3);
    peer.send_key(&mut server);
    peer.read_key(&mut server);
    peer.send_auth(&mut server);
    assert_eq!(peer.read(&mut server).kind(), "auth");
    for id in [2, 4, 9] {
        server.expect_drop(id, 3004);
    }
    let events = server.events();
    for id in [2, 4, 9] {
        assert!(events.contains(&Event::ResponderLeft(responder_address(id))), "{id}: {events:?}");
    }
    // Nothing that they say matters.
    half_way.send_auth(&mut server);
    server.expect_silence();
    assert_eq!(server.events(), []);
    assert_eq!(server.client.state(), ClientState::Task);
}

/// Covers P-273.
#[test]
fn after_the_token_was_used_those_who_come_later_are_dropped() {
    let mut server = FakeServer::with_initiator(&[3]);
    FakePeer::responder(3).authenticate(&mut server);
    server.events();
    for id in [2, 200] {
        server.new_responder(id);
        server.expect_drop(id, 3004);
        FakePeer::responder(id).send_token(&mut server);
    }
    server.expect_silence();
    assert_eq!(server.events(), []);
    assert_eq!(server.client.state(), ClientState::Task);
}

/// Covers P-273.
#[test]
fn those_who_are_too_late_learn_why() {
    let mut pair = Pair::new();
    let initiator = pair.connect(keys::initiator_with_trust());
    let silent = pair.connect(keys::responder(keys::pair(0x5a), None));
    pair.nodes[silent].mute = true;
    pair.settle();
    let responder = pair.connect(keys::responder_with_trust());
    pair.settle();
    let closed = pair.closed(silent);
    assert_eq!((closed.by, closed.code), (ClosedBy::Server, Some(3004)));
    assert_eq!((closed.code, closed.retryable()), (Some(3004), true));
    assert!(closed.to_string().contains("another peer"));
    let late = pair.connect(keys::responder(keys::pair(0x5b), None));
    pair.settle();
    assert_eq!(pair.closed(late).reason, EndReason::InitiatorCouldNotDecrypt);
    expect_connected(&mut pair, initiator, responder);
}

/// Covers P-185 P-186 P-187 P-189 P-301.
#[test]
fn the_application_may_drop_a_responder_even_the_peer() {
    for (reason, code) in [
        (DropReason::ProtocolError, 3001),
        (DropReason::InternalError, 3002),
        (DropReason::DroppedByInitiator, 3004),
        (DropReason::InitiatorCouldNotDecrypt, 3005),
    ] {
        let (mut pair, initiator, responder) = Pair::met_with_trust();
        pair.take_events(initiator);
        pair.act(initiator, |client, _| client.drop_responder(responder_address(2), reason))
            .unwrap();
        assert_eq!(pair.take_events(initiator), [left(2, PeerLeft::Dropped, true)]);
        pair.settle();
        let closed = pair.closed(responder);
        assert_eq!((closed.by, closed.code), (ClosedBy::Server, Some(code)));
        let back = pair.connect(keys::responder_with_trust());
        pair.settle();
        expect_connected(&mut pair, initiator, back);
    }
    let mut server = FakeServer::with_initiator(&[7]);
    let seven = responder_address(7);
    server.client.drop_responder(seven, DropReason::DroppedByInitiator).unwrap();
    server.expect_drop(7, 3004);
    FakePeer::responder(7).send_token(&mut server);
    server.expect_silence();

    let mut server = FakeServer::with_responder();
    let refused = server.client.drop_responder(seven, DropReason::DroppedByInitiator);
    assert_eq!(refused, Err(SendFailure::OtherRole));
    let mut server = FakeServer::new(keys::initiator_with_token());
    let early = server.client.drop_responder(seven, DropReason::DroppedByInitiator);
    assert_eq!(early, Err(SendFailure::NoPeer), "there is no server to ask yet");
}

/// A message for the previous initiator may reach the next one, which then throws us out.
#[test]
fn being_dropped_after_the_initiator_changed_may_be_a_mistake() {
    for (code, retryable) in [(3001, true), (3004, true), (3005, true), (3006, false)] {
        let mut server = FakeServer::with_responder();
        server.send(&Msg::new("new-initiator"));
        let closed = server.end(SocketEnd::CloseFrame(Some(code)));
        assert_eq!(closed.retryable(), retryable, "{code}");
    }
    let mut server = FakeServer::with_responder();
    server.disconnected(1);
    server.send(&Msg::new("new-initiator"));
    assert!(server.end(SocketEnd::CloseFrame(Some(3005))).retryable(), "there was one before");
    let mut server = FakeServer::new(keys::responder_with_token()).ready(&[]);
    server.send(&Msg::new("new-initiator"));
    assert!(!server.end(SocketEnd::CloseFrame(Some(3005))).retryable(), "there was none before");
}

/// The messages of a session are not mixed with those of the next one.
#[test]
fn what_waits_for_a_peer_that_left_does_not_reach_its_successor() {
    let (mut pair, initiator, responder) = Pair::met_with_trust();
    pair.sever(responder);
    // The initiator does not know yet.
    assert!(pair.in_task(initiator));
    for n in 0..3 {
        let data = Payload::from_bytes(&[n]);
        pair.act(initiator, |client, _| client.send_application(data)).unwrap();
    }
    let back = pair.connect(keys::responder_with_trust());
    pair.settle();
    let events = pair.events(back);
    assert!(!events.iter().any(|event| matches!(event, Event::Application(_))), "{events:?}");
    let sent = Transmit::Close(CloseCode::ProtocolError);
    assert!(!pair.nodes[back].sent.contains(&sent));
}

//! A new initiator with the keys of an old one, which is still on the path or was until now: what its responder has sent
//! to the old one reaches the new one.

mod support;

use std::time::Duration;

use saltyrtc::protocol::client::{ClientState, EndReason, SocketEnd};
use saltyrtc::task::Event;
use support::fake_peer::FakePeer;
use support::fake_server::FakeServer;
use support::keys;
use support::pair::Pair;

const SECOND: Duration = Duration::from_secs(1);

/// An initiator that trusts a responder which was on the path before it.
fn server() -> FakeServer {
    FakeServer::new(keys::initiator_with_trust()).ready(&[2])
}

/// The responder on its old connection.
fn old_peer() -> FakePeer {
    let mut peer = FakePeer::responder(2);
    peer.out.cookie = [0xcc; 16];
    peer.client_session = Some(*keys::pair(0x67).public());
    peer
}

fn stale(peer: &mut FakePeer, bytes: usize) -> Vec<u8> {
    peer.out.clear(&vec![7; bytes])
}

#[track_caller]
fn expect_met(server: &mut FakeServer) {
    let mut peer = FakePeer::responder(2);
    peer.send_key(server);
    // An attempt may have been made.
    server.wait(SECOND);
    assert_eq!(peer.read_key(server).kind(), "key");
    peer.send_auth(server);
    assert_eq!(peer.read(server).kind(), "auth");
    assert_eq!(server.client.state(), ClientState::Task);
    let failed = |event: &Event| matches!(event, Event::ResponderFailed { .. });
    assert!(!server.events().iter().any(failed), "nobody is told that something is wrong");
}

/// The responder says such things to the old initiator, and the new one meets it all the same.
#[track_caller]
fn expect_ignored(mut server: FakeServer, sizes: &[usize]) {
    let mut old = old_peer();
    for &size in sizes {
        let message = stale(&mut old, size);
        server.send_raw(&message);
        server.expect_silence();
    }
    expect_met(&mut server);
}

/// However many they are, and of whatever size.
#[test]
fn messages_for_the_old_initiator_are_no_attempt() {
    for sizes in [&[100][..], &[100; 10], &[10_000; 3], &[100, 10_000, 17], &[10_000, 100]] {
        expect_ignored(server(), sizes);
    }
}

/// While another one has its pause.
#[test]
fn messages_for_the_old_initiator_are_no_attempt_in_a_pause() {
    for sizes in
        [&[100][..], &[100; 10], &[10_000; 3], &[100, 10_000, 17], &[100, 100, 100, 20_000]]
    {
        let mut server = server();
        server.new_responder(3);
        let mut stranger = FakePeer::responder(3);
        stranger.permanent = keys::pair(9);
        stranger.send_key(&mut server);
        server.expect_drop(3, 3005);
        server.events();
        expect_ignored(server, sizes);
    }
}

/// It goes on for as long as the responder does not know of the new initiator.
#[test]
fn the_verdict_waits_for_the_first_message_of_a_new_connection() {
    let mut server = server();
    let mut old = old_peer();
    for _ in 0..20 {
        let message = stale(&mut old, 300);
        server.send_raw(&message);
        server.wait(SECOND);
        server.expect_silence();
    }
    expect_met(&mut server);
}

#[test]
fn who_does_not_begin_anew_is_told_in_the_end() {
    let mut server = server();
    let mut stranger = FakePeer::responder(2);
    stranger.permanent = keys::pair(9);
    stranger.send_key(&mut server);
    server.wait(2 * SECOND - Duration::from_millis(1));
    server.expect_silence();
    server.wait(Duration::from_millis(1));
    server.expect_drop(2, 3005);
    // Who was excused once is not again.
    let mut server = self::server();
    stranger.send_key(&mut server);
    stranger.out.cookie = [0xdd; 16];
    stranger.send_key(&mut server);
    server.expect_silence();
    server.wait(SECOND);
    server.expect_drop(2, 3005);
}

/// The messages are under way for a while, in a network with a delay.
#[test]
fn a_streaming_responder_meets_the_new_initiator() {
    for delay in [0, 5, 25, 200] {
        let (mut pair, old, responder) = Pair::met_with_trust();
        for id in [old, responder] {
            pair.nodes[id].delay = Duration::from_millis(delay);
        }
        let new = pair.connect(keys::initiator_with_trust());
        pair.nodes[new].delay = Duration::from_millis(delay);
        for n in 0..1000_u32 {
            let data = saltyrtc::protocol::message::Payload::from_bytes(&n.to_be_bytes());
            let _ = pair.act(responder, |client, _| client.send_application(data));
            pair.advance(Duration::from_millis(2));
        }
        pair.run_until(|pair| pair.in_task(new) && pair.in_task(responder));
        let failed = |event: &Event| matches!(event, Event::ResponderFailed { .. });
        assert!(!pair.events(new).iter().any(failed), "{delay}");
    }
}

// The same the other way round: what an initiator has sent to whoever had the address of a responder before

#[test]
fn messages_for_a_previous_responder_do_not_disturb_the_next() {
    for sizes in [&[1][..], &[100; 10], &[10_000; 3], &[100, 10_000, 17]] {
        let mut server = FakeServer::with_responder();
        let mut old = FakePeer::initiator();
        old.out.cookie = [0xcc; 16];
        // It has been talking for long.
        old.out.sequence = 1 << 33;
        let mut peer = FakePeer::initiator();
        peer.read_token(&mut server);
        peer.read_key(&mut server);
        for &size in sizes {
            let message = old.out.clear(&vec![7; size]);
            server.send_raw(&message);
            server.wait(SECOND);
            server.expect_silence();
        }
        peer.send_key(&mut server);
        assert_eq!(peer.read(&mut server).kind(), "auth");
        peer.send_auth(&mut server);
        assert_eq!(server.client.state(), ClientState::Task);
    }
}

/// It was there first, so it has nobody else to talk to.
#[test]
fn a_responder_that_was_there_first_is_not_disturbed_by_anything_else() {
    let mut server = FakeServer::new(keys::responder_with_token()).ready(&[]);
    server.send(&support::msg::Msg::new("new-initiator"));
    let mut peer = FakePeer::initiator();
    peer.read_token(&mut server);
    peer.read_key(&mut server);
    let message = peer.out.clear(&[7; 100]);
    server.send_raw(&message);
    let closed = server.expect_close(saltyrtc::protocol::CloseCode::ProtocolError);
    assert!(matches!(closed.reason, EndReason::HandshakeDisturbed(_)), "{closed:?}");
}

/// The initiator streams to a responder that vanishes; the next one gets its address, and what is under way.
#[test]
fn a_responder_joins_a_streaming_initiator() {
    for delay in [0, 5, 25, 200] {
        let (mut pair, initiator, old) = Pair::met_with_trust();
        pair.nodes[initiator].delay = Duration::from_millis(delay);
        let mut next = None;
        for n in 0..1000_u32 {
            let data = saltyrtc::protocol::message::Payload::from_bytes(&n.to_be_bytes());
            let _ = pair.act(initiator, |client, _| client.send_application(data));
            if n == 100 {
                pair.sever(old);
            }
            if n == 101 {
                next = Some(pair.connect(keys::responder_with_trust()));
            }
            pair.advance(Duration::from_millis(2));
        }
        let next = next.unwrap();
        pair.nodes[next].delay = Duration::from_millis(delay);
        pair.run_until(|pair| pair.in_task(initiator) && pair.in_task(next));
    }
}

// 'send-error', after which one side has forgotten the session and the other has not

#[test]
fn a_responder_that_was_forgotten_is_dropped() {
    let mut server = FakeServer::with_initiator(&[2]);
    let mut peer = FakePeer::responder(2);
    peer.up_to_auth(&mut server);
    peer.send_auth(&mut server);
    peer.read(&mut server);
    server.send_error(2);
    server.wait(SECOND - Duration::from_millis(1));
    server.expect_silence();
    server.wait(Duration::from_millis(1));
    // Not 3004, with which it would stay away.
    server.expect_drop(2, 3002);
    server.wait(100 * SECOND);
    server.expect_silence();
}

/// The server says next that it has left, or that somebody else is there.
#[test]
fn who_has_left_is_not_dropped_nor_is_who_comes() {
    for leaves in [FakeServer::disconnected, FakeServer::new_responder] {
        let mut server = FakeServer::with_initiator(&[2]);
        let mut peer = FakePeer::responder(2);
        peer.up_to_auth(&mut server);
        server.send_error(2);
        leaves(&mut server, 2);
        server.wait(10 * SECOND);
        server.expect_silence();
    }
}

#[test]
fn a_responder_that_forgot_its_initiator_leaves_to_come_back() {
    for in_task in [false, true] {
        let mut server = FakeServer::with_responder();
        let mut peer = FakePeer::initiator();
        peer.read_token(&mut server);
        peer.read_key(&mut server);
        if in_task {
            peer.send_key(&mut server);
            peer.read(&mut server);
            peer.send_auth(&mut server);
            let data = saltyrtc::protocol::message::Payload::from_bytes(b"lost");
            server.client.send_application(data).unwrap();
            server.read();
        }
        server.send_error(1);
        server.wait(SECOND - Duration::from_millis(1));
        server.expect_silence();
        server.wait(Duration::from_millis(1));
        let closed = server.expect_close(saltyrtc::protocol::CloseCode::GoingAway);
        assert_eq!(closed.reason, EndReason::PeerUnreachable);
        assert!(closed.retryable());
    }
}

#[test]
fn a_responder_whose_initiator_has_left_stays() {
    let gone: [fn(&mut FakeServer); 2] = [
        |server| server.disconnected(1),
        |server| server.send(&support::msg::Msg::new("new-initiator")),
    ];
    for gone in gone {
        let mut server = FakeServer::with_responder();
        let mut peer = FakePeer::initiator();
        peer.read_token(&mut server);
        peer.read_key(&mut server);
        server.send_error(1);
        gone(&mut server);
        server.wait(10 * SECOND);
        assert_ne!(server.client.state(), ClientState::Closed);
    }
    let mut server = FakeServer::with_responder();
    let closed = server.end(SocketEnd::CloseFrame(Some(3002)));
    assert!(closed.retryable(), "as it is dropped by an initiator that has forgotten it");
}

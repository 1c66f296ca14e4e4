//! An initiator keeps its path clean of responders that say nothing.

mod support;

use std::time::Duration;

use saltyrtc::protocol::ResponderAddress;
use saltyrtc::protocol::client::{ClientState, ClosedBy, EndReason, Retry};
use saltyrtc::task::{ClientConfig, Event};
use support::fake_peer::FakePeer;
use support::fake_server::FakeServer;
use support::keys;
use support::pair::Pair;

const LIMIT: Duration = Duration::from_secs(60);
const INSTANT: Duration = Duration::from_millis(1);

/// Covers P-105 P-107 P-167 P-186 P-187 P-198.
#[test]
fn who_is_silent_for_60_seconds_is_dropped() {
    let mut server = FakeServer::with_initiator(&[2, 200]);
    server.wait(Duration::from_secs(10));
    server.new_responder(3);
    server.events();
    server.wait(LIMIT - Duration::from_secs(10) - INSTANT);
    server.expect_silence();
    server.wait(INSTANT);
    server.expect_drop(2, 3004);
    server.expect_drop(200, 3004);
    server.expect_silence();
    server.wait(Duration::from_secs(10) - INSTANT);
    server.expect_silence();
    server.wait(INSTANT);
    server.expect_drop(3, 3004);
    // Nobody tried anything, so all that there is to tell is that they are gone.
    let left = [2, 200, 3].map(|id| Event::ResponderLeft(ResponderAddress::new(id).unwrap()));
    assert_eq!(server.events(), left);
    assert_eq!(server.client.state(), ClientState::WaitingForPeer);
    server.wait(LIMIT * 10);
    server.expect_silence();
}

/// Covers P-106 P-108 P-183.
#[test]
fn at_253_responders_the_oldest_silent_one_is_dropped() {
    let mut server = FakeServer::with_initiator(&[]);
    // Two have spoken: the very first and one in the middle.
    for id in 2..=253 {
        server.new_responder(id);
        if id == 2 {
            FakePeer::responder(id).up_to_auth(&mut server);
            server.client.arm_token(keys::token()).unwrap();
        }
        if id == 4 {
            FakePeer::responder(id).up_to_auth(&mut server);
        }
    }
    server.expect_silence();
    // The 253rd.
    server.new_responder(254);
    server.expect_drop(3, 3004);
    server.expect_silence();
    server.new_responder(255);
    server.expect_drop(5, 3004);
    server.expect_silence();
    // A responder that takes a place anew counts as new.
    server.new_responder(3);
    server.expect_drop(6, 3004);
    server.new_responder(7);
    server.expect_silence();
    server.new_responder(6);
    server.expect_drop(8, 3004);
}

/// Covers P-106 P-167.
#[test]
fn a_path_that_is_full_already_is_cleaned_at_once() {
    let all: Vec<u8> = (2..=255).collect();
    let mut server = FakeServer::with_initiator(&all);
    server.expect_drop(2, 3004);
    server.expect_drop(3, 3004);
    server.expect_silence();
}

/// Covers P-105.
#[test]
fn who_has_spoken_is_not_cleaned_away() {
    let mut server = FakeServer::with_initiator(&[2]);
    let mut peer = FakePeer::responder(2);
    server.wait(LIMIT - INSTANT);
    peer.up_to_auth(&mut server);
    server.wait(LIMIT - INSTANT);
    server.expect_silence();
    for id in 3..=255 {
        server.new_responder(id);
    }
    // Only silent ones had to go.
    server.expect_drop(3, 3004);
    server.expect_drop(4, 3004);
    server.expect_silence();
    peer.send_auth(&mut server);
    assert_eq!(peer.read(&mut server).kind(), "auth");

    // The authenticated peer may be silent as long as it likes.
    while server.client.poll_transmit().is_some() {}
    server.wait(LIMIT * 100);
    server.expect_silence();
    assert_eq!(server.client.state(), ClientState::Task);
}

/// Who speaks only after the limit of time was waiting for the pause, which is not its fault.
#[test]
fn waiting_for_the_pause_is_not_silence() {
    let mut server = FakeServer::with_initiator(&[2, 3]);
    server.wait(LIMIT - INSTANT);
    FakePeer { token: keys::wrong_token(), ..FakePeer::responder(2) }.send_token(&mut server);
    server.expect_drop(2, 3005);
    let mut peer = FakePeer::responder(3);
    peer.send_token(&mut server);
    peer.send_key(&mut server);
    server.wait(Duration::from_secs(1));
    assert_eq!(peer.read_key(&mut server).kind(), "key");
}

/// Covers P-105 P-106 P-183 P-185.
#[test]
fn a_real_path_stays_usable_however_many_silent_responders_come() {
    let mut pair = Pair::new();
    let initiator = pair.connect(keys::initiator_with_trust());
    pair.settle();
    let mut silent = Vec::new();
    for _ in 0..260 {
        let id = pair.connect(patient_responder());
        pair.nodes[id].mute = true;
        pair.settle();
        silent.push(id);
    }
    for (n, &id) in silent.iter().enumerate() {
        if n < 260 - 252 {
            assert_eq!(pair.closed(id).code, Some(3004), "{n}");
        } else {
            assert_eq!(pair.client(id).state(), ClientState::PeerHandshake, "{n}");
        }
    }
    let responder = pair.connect(keys::responder_with_trust());
    pair.settle();
    assert!(pair.in_task(initiator) && pair.in_task(responder));
    // And then nobody else is left.
    for id in silent {
        assert_eq!(pair.closed(id).code, Some(3004));
    }
}

/// Covers P-105 P-107.
#[test]
fn a_silent_responder_learns_that_it_was_dropped() {
    let mut pair = Pair::new();
    let initiator = pair.connect(keys::initiator_with_token());
    let responder = pair.connect(patient_responder());
    pair.nodes[responder].mute = true;
    pair.advance(LIMIT + Duration::from_secs(1));
    let closed = pair.closed(responder);
    assert_eq!((closed.by, closed.code), (ClosedBy::Server, Some(3004)));
    // It counts on being trusted, so it can simply try again.
    assert!(matches!(closed.reason, EndReason::HandshakeDisturbed(_)), "{closed:?}");
    assert_eq!(closed.retry(), Retry::Later);
    assert_eq!(pair.client(initiator).state(), ClientState::WaitingForPeer);
    let events = pair.events(initiator);
    assert!(!events.iter().any(|event| matches!(event, Event::ResponderFailed { .. })));
}

/// A responder that does not give up before the initiator does.
fn patient_responder() -> ClientConfig {
    let peer_handshake_timeout = LIMIT * 10;
    ClientConfig { peer_handshake_timeout, ..keys::responder(keys::pair(0x5a), None) }
}

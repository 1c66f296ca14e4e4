//! Peers that break the rules, before and after they are authenticated.

mod support;

use std::time::Duration;

use rmpv::Value;
use saltyrtc::protocol::CloseCode;
use saltyrtc::protocol::client::{ClientState, Closed, ClosedBy, EndReason};
use saltyrtc::protocol::message::TaskMessage;
use saltyrtc::task::{Event, relayed_data};
use support::fake_peer::FakePeer;
use support::fake_server::FakeServer;
use support::keys;
use support::msg::{Msg, bin, map, texts};
use support::pair::Pair;

/// How long a responder waits for something else when a message was not for it, perhaps.
const PATIENCE: Duration = Duration::from_secs(60);

/// The client leaves an initiator that is not authenticated: 3001 on the WebSocket, no 'close'.
#[track_caller]
fn expect_left(server: &mut FakeServer) -> String {
    let (text, retryable) = expect_end(server);
    assert!(!retryable);
    text
}

/// Like [`expect_left`], because of something that may have been meant for somebody else.
#[track_caller]
fn expect_left_for_now(server: &mut FakeServer) -> String {
    let (text, retryable) = expect_end(server);
    assert!(retryable);
    text
}

#[track_caller]
fn expect_end(server: &mut FakeServer) -> (String, bool) {
    let closed = server.expect_close(CloseCode::ProtocolError);
    assert_eq!((closed.by, closed.code), (ClosedBy::Us, Some(3001)));
    match closed.reason {
        EndReason::PeerProtocolError(text) => (text, false),
        EndReason::HandshakeDisturbed(text) => (text, true),
        other => panic!("{other:?}"),
    }
}

/// The client accuses its authenticated peer: 'close' with 3001, then a normal end.
#[track_caller]
fn expect_accusation(server: &mut FakeServer, peer: &FakePeer) -> String {
    assert_eq!(peer.clone().read(server), Msg::new("close").with("reason", 3001));
    let closed = server.expect_close(CloseCode::GoingAway);
    assert_eq!((closed.by, closed.code, closed.retryable()), (ClosedBy::Us, Some(3001), false));
    match closed.reason {
        EndReason::PeerProtocolError(text) => text,
        other => panic!("{other:?}"),
    }
}

/// An initiator with a responder (4) that is half way, and that proves afterwards that nothing that
/// others did had to do with it.
struct Bystander(FakePeer);

impl Bystander {
    fn new(server: &mut FakeServer) -> Self {
        let mut peer = FakePeer::responder(4);
        peer.up_to_auth(server);
        server.client.arm_token(keys::token()).unwrap();
        server.events();
        Self(peer)
    }

    #[track_caller]
    fn goes_on(mut self, server: &mut FakeServer) {
        self.0.send_auth(server);
        assert_eq!(self.0.read(server).kind(), "auth");
        assert_eq!(server.client.state(), ClientState::Task);
    }
}

/// Messages that are good at some time, of both roles.
fn messages(peer: &FakePeer) -> Vec<Msg> {
    vec![
        peer.token_msg(),
        peer.key_msg(),
        peer.auth_msg(),
        Msg::new("application").with("data", "x"),
        Msg::new("close").with("reason", 1001),
        Msg::new("data").with("p", "x"),
        Msg::new("new-responder").with("id", 2),
        Msg::new("drop-responder").with("id", 2),
        Msg::new("disconnected").with("id", 2),
        Msg::new(""),
    ]
}

/// Covers P-223 P-224 P-225 P-238.
#[test]
fn responders_that_send_the_wrong_message_are_dropped_and_nobody_else() {
    for step in 0..3 {
        let expected = ["token", "key", "auth"][step];
        for msg in messages(&FakePeer::responder(2)) {
            if msg.kind() == expected {
                continue;
            }
            let mut server = FakeServer::with_initiator(&[2, 4]);
            let bystander = Bystander::new(&mut server);
            let mut peer = FakePeer::responder(2);
            match step {
                0 => peer.send_with_token(&mut server, &msg.encode()),
                1 => {
                    peer.send_token(&mut server);
                    peer.send_with_permanent(&mut server, &msg.encode());
                }
                _ => {
                    peer.up_to_auth(&mut server);
                    peer.send(&mut server, &msg);
                }
            }
            server.expect_drop(2, 3001);
            let events = server.events();
            let Some(Event::ResponderFailed { text, .. }) = events.last() else {
                panic!("{events:?}")
            };
            assert!(text.contains("unexpected message"), "{text}");
            // What it sends after that is not even looked at.
            peer.send_key(&mut server);
            server.expect_silence();
            bystander.goes_on(&mut server);
        }
    }
}

/// Covers P-223 P-224 P-226 P-286.
#[test]
fn a_responder_leaves_an_initiator_that_sends_the_wrong_message() {
    for step in 0..2 {
        let expected = ["key", "auth"][step];
        for msg in messages(&FakePeer::initiator()) {
            if msg.kind() == expected {
                continue;
            }
            let mut server = FakeServer::with_responder();
            let mut peer = FakePeer::initiator();
            if step == 0 {
                peer.read_token(&mut server);
                peer.read_key(&mut server);
                peer.send_with_permanent(&mut server, &msg.encode());
            } else {
                peer.up_to_auth(&mut server);
                peer.send(&mut server, &msg);
            }
            let text = expect_left(&mut server);
            assert!(text.contains("unexpected") || text.contains("before 'auth'"), "{text}");
        }
    }
}

/// Only 'close' with 3006 may come in place of 'auth'.
///
/// Covers P-286.
#[test]
fn close_in_place_of_auth_has_one_meaning() {
    for code in CloseCode::ALL {
        let mut server = FakeServer::with_responder();
        let mut peer = FakePeer::initiator();
        peer.up_to_auth(&mut server);
        peer.send(&mut server, &Msg::new("close").with("reason", u64::from(code.code())));
        if code == CloseCode::NoSharedTask {
            let closed = server.expect_close(CloseCode::GoingAway);
            let reason = EndReason::NoSharedTask;
            let by = ClosedBy::Peer;
            assert_eq!(closed, Closed { by, code: Some(3006), reason });
        } else {
            expect_left(&mut server);
        }
    }
}

/// Covers P-085 P-225 P-226.
#[test]
fn what_cannot_be_decrypted_costs_its_sender_the_place() {
    // As 'auth'; before that it is 3005, which tests/tokens_and_trust.rs shows.
    let mut server = FakeServer::with_initiator(&[2, 4]);
    let bystander = Bystander::new(&mut server);
    let mut peer = FakePeer::responder(2);
    peer.up_to_auth(&mut server);
    peer.session = keys::pair(1);
    peer.send_auth(&mut server);
    server.expect_drop(2, 3001);
    bystander.goes_on(&mut server);

    let mut server = FakeServer::with_responder();
    let mut peer = FakePeer::initiator();
    peer.up_to_auth(&mut server);
    peer.session = keys::pair(1);
    peer.send_auth(&mut server);
    assert!(expect_left_for_now(&mut server).contains("decrypted"));
}

/// A message without data comes through no server that keeps the rules; that is whom it is blamed on.
#[test]
fn garbage_in_place_of_a_box_costs_its_sender_the_place() {
    for data in [&b"x"[..], &[0; 15], &[0; 16], &[0xff; 5000]] {
        let mut server = FakeServer::with_initiator(&[2, 4]);
        let bystander = Bystander::new(&mut server);
        let mut peer = FakePeer::responder(2);
        let message = peer.out.clear(data);
        peer.send_raw(&mut server, &message);
        server.expect_drop(2, 3005);
        bystander.goes_on(&mut server);

        let mut server = FakeServer::with_responder();
        let mut peer = FakePeer::initiator();
        peer.read_token(&mut server);
        peer.read_key(&mut server);
        let message = peer.out.clear(data);
        peer.send_raw(&mut server, &message);
        // It may have been for somebody who had the address before.
        server.expect_silence();
        server.wait(PATIENCE);
        expect_left_for_now(&mut server);
    }
}

#[test]
fn clients_that_were_not_announced_are_ignored() {
    let mut server = FakeServer::with_initiator(&[]);
    server.events();
    for address in [2, 3, 255] {
        FakePeer::responder(address).send_token(&mut server);
        FakePeer::responder(address).send_raw(&mut server, &[&[0; 16][..], &[address, 1]].concat());
    }
    let mut server2 = FakeServer::new(keys::responder_with_token()).ready(&[]);
    server2.events();
    FakePeer::initiator().send_key(&mut server2);
    server2.expect_silence();
    assert_eq!(server2.events(), []);
}

/// Covers P-096 P-223.
#[test]
fn a_handshake_message_twice_is_refused() {
    let mut server = FakeServer::with_initiator(&[2]);
    let mut peer = FakePeer::responder(2);
    peer.send_token(&mut server);
    peer.send_token(&mut server);
    server.expect_drop(2, 3005);

    let mut server = FakeServer::with_initiator(&[2]);
    let mut peer = FakePeer::responder(2);
    peer.up_to_auth(&mut server);
    peer.send_key(&mut server);
    server.expect_drop(2, 3001);

    let mut server = FakeServer::with_initiator(&[2]);
    let mut peer = FakePeer::responder(2);
    peer.authenticate(&mut server);
    server.events();
    peer.send_auth(&mut server);
    expect_accusation(&mut server, &peer);

    let mut server = FakeServer::with_responder();
    let mut peer = FakePeer::initiator();
    peer.up_to_auth(&mut server);
    peer.send_key(&mut server);
    expect_left_for_now(&mut server);

    let mut server = FakeServer::with_responder();
    let mut peer = FakePeer::initiator();
    peer.authenticate(&mut server);
    server.events();
    peer.send_auth(&mut server);
    expect_accusation(&mut server, &peer);
}

/// Covers P-259 P-264 P-269.
#[test]
fn auth_with_the_fields_of_the_other_role_is_refused() {
    let name = relayed_data::NAME;
    for fields in [
        |msg: Msg, name: &str| msg.with("task", name),
        |msg: Msg, name: &str| msg.without("tasks").with("task", name),
        |msg: Msg, _: &str| msg.with("task", Value::Nil),
    ] {
        let mut server = FakeServer::with_initiator(&[2, 4]);
        let bystander = Bystander::new(&mut server);
        let mut peer = FakePeer::responder(2);
        peer.up_to_auth(&mut server);
        let auth = fields(peer.auth_msg(), name);
        peer.send(&mut server, &auth);
        server.expect_drop(2, 3001);
        bystander.goes_on(&mut server);
    }
    for fields in [
        |msg: Msg, name: &str| msg.with("tasks", texts(&[name])),
        |msg: Msg, name: &str| msg.without("task").with("tasks", texts(&[name])),
        |msg: Msg, _: &str| msg.with("tasks", Value::Nil),
    ] {
        let mut server = FakeServer::with_responder();
        let mut peer = FakePeer::initiator();
        peer.up_to_auth(&mut server);
        let auth = fields(peer.auth_msg(), name);
        peer.send(&mut server, &auth);
        expect_left(&mut server);
    }
}

/// Covers P-269.
#[test]
fn an_initiator_has_to_choose_a_task_that_was_offered() {
    let mut server = FakeServer::with_responder();
    let mut peer = FakePeer::initiator();
    peer.up_to_auth(&mut server);
    let data = map(&[("other", Value::Nil)]);
    let auth = peer.auth_msg().with("task", "other").with("data", data);
    peer.send(&mut server, &auth);
    assert!(expect_left(&mut server).contains("offered"));
}

#[test]
fn unknown_fields_of_a_peer_are_ignored() {
    let extra = |msg: Msg| msg.with("x-future", Value::Nil).with("y", 1).encode();
    let mut server = FakeServer::with_initiator(&[2]);
    let mut peer = FakePeer::responder(2);
    let token = extra(peer.token_msg());
    peer.send_with_token(&mut server, &token);
    let key = extra(peer.key_msg());
    peer.send_with_permanent(&mut server, &key);
    peer.read_key(&mut server);
    let auth = extra(peer.auth_msg());
    peer.send_with_session(&mut server, &auth);
    assert_eq!(peer.read(&mut server).kind(), "auth");

    let mut server = FakeServer::with_responder();
    let mut peer = FakePeer::initiator();
    peer.read_token(&mut server);
    peer.read_key(&mut server);
    let key = extra(peer.key_msg());
    peer.send_with_permanent(&mut server, &key);
    peer.read(&mut server);
    let auth = extra(peer.auth_msg());
    peer.send_with_session(&mut server, &auth);
    assert_eq!(server.client.state(), ClientState::Task);
    server.events();
    peer.send(&mut server, &Msg::new("application").with("data", 1).with("more", 2));
    peer.send(&mut server, &Msg::new("data").with("p", 1).with("more", 2));
    let events = server.events();
    assert!(matches!(events[..], [Event::Application(_), Event::Task(_)]), "{events:?}");
    peer.send(&mut server, &Msg::new("close").with("reason", 1001).with("more", 2));
    server.expect_close(CloseCode::GoingAway);
}

// After authentication

fn in_task() -> [(FakeServer, FakePeer); 2] {
    let mut pairs = [
        (FakeServer::with_initiator(&[2]), FakePeer::responder(2)),
        (FakeServer::with_responder(), FakePeer::initiator()),
    ];
    for (server, peer) in &mut pairs {
        peer.authenticate(server);
        server.events();
    }
    pairs
}

/// Covers P-222 P-227 P-228 R-007 R-016 R-019.
#[test]
fn an_authenticated_peer_that_breaks_the_rules_is_told() {
    for kind in ["token", "key", "auth", "offer", "handover", "Data", "", "send-error"] {
        for (mut server, mut peer) in in_task() {
            peer.send(&mut server, &Msg::new(kind).with("p", 1).with("key", bin(&[1; 32])));
            let text = expect_accusation(&mut server, &peer);
            assert!(text.contains("not a message of the Relayed Data task"), "{text}");
        }
    }
    for (mut server, mut peer) in in_task() {
        peer.session = keys::pair(1);
        peer.send(&mut server, &Msg::new("application").with("data", 1));
        peer.session = keys::pair(if peer.out.source == 1 { 0x65 } else { 0x66 });
        assert!(expect_accusation(&mut server, &peer).contains("decrypted"));
    }
    for plain in [&b""[..], &[0xc0], &[0x91, 1], &[0x81], &[0xc1], &[0x80], &[0x80, 0x80]] {
        for (mut server, mut peer) in in_task() {
            peer.send_with_session(&mut server, plain);
            expect_accusation(&mut server, &peer);
        }
    }
}

/// Covers P-227 P-228 P-293.
#[test]
fn both_sides_of_an_accusation_end_normally() {
    for initiator_breaks_it in [true, false] {
        let (mut initiator, mut responder) =
            (keys::initiator_with_token(), keys::responder_with_token());
        // A task of the application's own sends what it likes, also under the name of another.
        let forger = if initiator_breaks_it { &mut initiator } else { &mut responder };
        forger.tasks = vec![keys::custom(saltyrtc::task::relayed_data::NAME)];
        let (mut pair, initiator, responder) = Pair::met(initiator, responder);
        let (bad, good) =
            if initiator_breaks_it { (initiator, responder) } else { (responder, initiator) };
        let move_ = TaskMessage::from_msgpack(Msg::new("move").with("to", "e4").encode()).unwrap();
        pair.act(bad, |client, _| client.send_task_message(&move_)).unwrap();
        pair.settle();
        let closed = pair.closed(bad);
        let reason = EndReason::AccusedOfProtocolError;
        let by = ClosedBy::Peer;
        assert_eq!(closed, Closed { by, code: Some(3001), reason });
        let closed = pair.closed(good);
        assert_eq!((closed.by, closed.code), (ClosedBy::Us, Some(3001)));
        let EndReason::PeerProtocolError(text) = closed.reason else { panic!("{closed:?}") };
        assert!(text.contains("move"), "{text}");
        assert_eq!(pair.close_codes(bad), [CloseCode::GoingAway]);
        assert_eq!(pair.close_codes(good), [CloseCode::GoingAway]);
    }
}

//! A server that breaks the rules after its handshake, and every way in which it can close.

mod support;

use rmpv::Value;
use saltyrtc::protocol::client::{ClientState, Closed, ClosedBy, EndReason, SocketEnd};
use saltyrtc::protocol::message::Payload;
use saltyrtc::protocol::{CloseCode, Role, Transmit};
use saltyrtc::task::{ClientConfig, Event, relayed_data};
use support::fake_peer::FakePeer;
use support::fake_server::{FakeServer, Sender};
use support::keys;
use support::log::warnings;
use support::msg::{Msg, bin};

/// A client of each role in each state that it can be in, with its name.
fn states() -> Vec<(&'static str, FakeServer)> {
    let mut states = Vec::new();
    for (config, present) in
        [(keys::initiator_with_token as fn() -> ClientConfig, 2), (keys::responder_with_token, 1)]
    {
        states.push(("before 'server-hello'", FakeServer::new(config())));
        let mut server = FakeServer::new(config());
        server.greet();
        states.push(("before 'server-auth'", server));
        states.push(("alone", FakeServer::new(config()).ready(&[])));
        let peer = |role| match role {
            Role::Initiator => FakePeer::responder(2),
            Role::Responder => FakePeer::initiator(),
        };
        let mut server = FakeServer::new(config()).ready(&[present]);
        peer(server.role()).up_to_auth(&mut server);
        states.push(("before 'auth'", server));
        let mut server = FakeServer::new(config()).ready(&[present]);
        peer(server.role()).authenticate(&mut server);
        states.push(("in the task", server));
    }
    for (_, server) in &mut states {
        while server.client.poll_transmit().is_some() {}
        server.events();
    }
    states
}

#[test]
fn text_is_refused_in_every_state() {
    for (_, mut server) in states() {
        server.client.handle_text();
        assert!(server.expect_accusation().contains("text"));
    }
}

/// Covers P-055.
#[test]
fn messages_without_data_are_refused_in_every_state() {
    for length in [0, 1, 23, 24] {
        for (_, mut server) in states() {
            let nonce = server.out.nonce();
            server.send_raw(&nonce[..length]);
            assert!(server.expect_accusation().contains("24 bytes"));
        }
    }
}

/// Covers P-059 P-083.
#[test]
fn messages_for_somebody_else_are_refused() {
    for (name, mut server) in states() {
        if name.starts_with("before 'server") {
            continue;
        }
        let own = server.address;
        for wrong in [0, 1, 2, 3, 255].into_iter().filter(|wrong| *wrong != own) {
            for source in [0, 3 - own] {
                let mut server = states()
                    .into_iter()
                    .find(|(other, server)| *other == name && server.address == own);
                let (_, server) = server.as_mut().unwrap();
                let mut out =
                    if source == 0 { server.out.clone() } else { Sender::new(9, source, 0) };
                out.destination = wrong;
                let message = out.sealed(&server.key(), &Msg::new("disconnected").encode());
                server.send_raw(&message);
                assert!(server.expect_accusation().contains("was sent to"));
            }
        }
        server.expect_silence();
    }
}

/// Covers P-068 P-069 P-072 P-073.
#[test]
fn messages_from_addresses_that_cannot_be_a_peer_are_ignored_with_a_warning() {
    for (name, mut server) in states() {
        if name.starts_with("before 'server") {
            continue;
        }
        let state = server.client.state();
        let sources: &[u8] = if server.role() == Role::Initiator { &[1] } else { &[2, 3, 0xff] };
        for &source in sources {
            let message = Sender::new(9, source, server.address).clear(b"anything");
            let warnings = warnings(|| server.send_raw(&message));
            assert!(warnings.len() == 1 && warnings[0].contains("ignoring"), "{warnings:?}");
            server.expect_silence();
            assert_eq!(server.events(), []);
            assert_eq!(server.client.state(), state);
        }
    }
}

/// Covers P-085 P-104 P-298.
#[test]
fn notifications_that_cannot_be_decrypted_or_read_are_refused() {
    for (name, server) in &mut states() {
        if name.starts_with("before") {
            continue;
        }
        server.session = keys::pair(0x45);
        server.disconnected(3 - server.address);
        assert!(server.expect_accusation().contains("decrypted"));
    }
    for plain in [&b""[..], &[0xc0], &[0x93, 1, 2, 3], &[0x81], &[0xc1], &[0x80, 0x80]] {
        for (name, server) in &mut states() {
            if !name.starts_with("before 'server") {
                server.send_plain(plain);
                server.expect_accusation();
            }
        }
    }
}

/// Covers P-103 P-104.
#[test]
fn messages_that_may_not_come_are_refused() {
    let key = bin(&[1; 32]);
    for (kind, to) in [
        ("new-initiator", Some(Role::Initiator)),
        ("new-responder", Some(Role::Responder)),
        ("drop-responder", None),
        ("server-hello", None),
        ("client-hello", None),
        ("client-auth", None),
        ("key", None),
        ("token", None),
        ("close", None),
        ("application", None),
        ("data", None),
        ("New-Responder", None),
        ("", None),
    ] {
        for (name, mut server) in states() {
            if name.starts_with("before 'server") || to.is_some_and(|role| role != server.role()) {
                continue;
            }
            let id = 3 - server.address;
            let msg = Msg::new(kind).with("id", id).with("reason", 3001).with("key", key.clone());
            server.send(&msg);
            let text = server.expect_accusation();
            assert!(text.contains("unexpected message"), "{kind}: {text}");
        }
    }
}

/// An error of the server is not blamed on the peer: it gets no 'close'.
///
/// Covers P-104 P-298.
#[test]
fn the_peer_does_not_pay_for_errors_of_the_server() {
    for (name, mut server) in states() {
        if name == "in the task" {
            server.send(&Msg::new("nonsense"));
            // Only the WebSocket's close; 'close' would have come before.
            server.expect_accusation();
        }
    }
}

#[test]
fn send_error_has_to_be_about_our_own_messages() {
    for (name, mut server) in states() {
        if name != "in the task" {
            continue;
        }
        let (own, peer) = (server.address, 3 - server.address);
        // About somebody that we have nothing to do with any more: not worth a word.
        if server.role() == Role::Initiator {
            server.send_error(99);
            server.expect_silence();
            assert_eq!(server.events(), []);
        }
        for (source, destination) in [(peer, own), (own, own), (own, 0), (0, peer), (own ^ 4, peer)]
        {
            let (_, mut server) = states()
                .into_iter()
                .find(|(other, server)| *other == name && server.address == own)
                .unwrap();
            let id = [source, destination, 0, 0, 0, 0, 0, 1];
            server.send(&Msg::new("send-error").with("id", bin(&id)));
            let text = server.expect_accusation();
            assert!(text.contains("'send-error'"), "{text}");
        }
    }
}

/// It may be late, and about another client that had the peer's address before.
#[test]
fn send_error_about_a_message_that_was_never_sent_is_ignored() {
    for (name, mut server) in states() {
        if !["in the task", "before 'auth'"].contains(&name) {
            continue;
        }
        let state = server.client.state();
        let peer = if server.role() == Role::Initiator { 2 } else { 1 };
        for sequence in [[0xff, 0, 0, 0, 0, 9], [0, 0, 0, 0, 0, 0], [0xff; 6]] {
            let id = [&[server.address, peer], &sequence[..]].concat();
            server.send(&Msg::new("send-error").with("id", bin(&id)));
            server.expect_silence();
            assert_eq!(server.events(), []);
            assert_eq!(server.client.state(), state);
        }
    }
}

#[test]
fn unknown_fields_are_ignored() {
    let extra = |msg: Msg| {
        msg.with("x-future", Value::Nil).with("y", Value::Array(vec![1.into()])).with("", 1)
    };
    for config in [keys::initiator_with_token, keys::responder_with_token] {
        let mut server = FakeServer::new(config());
        let hello = extra(server.server_hello());
        server.send_clear(&hello);
        if server.role() == Role::Responder {
            server.read();
        }
        server.client_cookie = server.read().nonce.cookie.0;
        server.out.destination = server.address;
        let auth = extra(server.server_auth(&[]));
        server.send(&auth);
        assert_eq!(server.client.state(), ClientState::WaitingForPeer);
        let (new, id) = match server.role() {
            Role::Initiator => ("new-responder", 2),
            Role::Responder => ("new-initiator", 1),
        };
        server.send(&extra(Msg::new(new).with("id", id)));
        server.events();
        server.send(&extra(Msg::new("disconnected").with("id", id)));
        let events = server.events();
        let left = matches!(events[..], [Event::PeerLeft { .. } | Event::ResponderLeft(_)]);
        assert!(left, "{events:?}");
    }
}

/// A server that makes the client answer and does not read the answers cannot fill its memory.
#[test]
fn answers_to_a_server_that_does_not_read_are_bounded() {
    let config = ClientConfig {
        max_queue_size: 10_000,
        max_message_size: 4096,
        ..keys::initiator_with_token()
    };
    let mut server = FakeServer::new(config).ready(&[2]);
    FakePeer::responder(2).authenticate(&mut server);
    let key = server.key();
    let plain = Msg::new("new-responder").with("id", 3).encode();
    let mut messages = 0;
    while server.client.state() != ClientState::Closed {
        let message = server.out.sealed(&key, &plain);
        server.send_raw(&message);
        messages += 1;
        assert!(messages < 100_000, "the queue grows for ever");
    }
    assert!(messages > 2_000, "a burst is no offence: {messages}");
    let mut bytes = 0;
    while let Some(Transmit::Message(message)) = server.client.poll_transmit() {
        bytes += message.len();
    }
    assert!(bytes < 1 << 20, "{bytes}");
}

/// The same for handshakes that it makes a responder begin.
#[test]
fn handshakes_for_a_server_that_does_not_read_are_bounded() {
    let config = ClientConfig {
        max_queue_size: 10_000,
        max_message_size: 4096,
        ..keys::responder_with_token()
    };
    let mut server = FakeServer::new(config).ready(&[]);
    let mut messages = 0;
    while server.client.state() != ClientState::Closed {
        server.send(&Msg::new("new-initiator"));
        messages += 1;
        assert!(messages < 5_000, "the queue grows for ever");
    }
    assert!(messages > 1_000, "a burst is no offence: {messages}");
    let mut bytes = 0;
    while let Some(Transmit::Message(message)) = server.client.poll_transmit() {
        bytes += message.len();
    }
    assert!(bytes < 1 << 20, "{bytes}");
    assert_eq!(server.client.poll_transmit(), None, "nothing follows the close");
}

#[test]
fn after_its_end_a_client_does_nothing_more() {
    for (_, mut server) in states() {
        server.client.handle_text();
        server.expect_accusation();
        server.send(&Msg::new("nonsense"));
        server.send_raw(b"");
        server.client.handle_text();
        server.client.handle_socket_end(SocketEnd::CloseFrame(Some(3002)));
        server.client.handle_connected(server.now);
        server.client.close();
        server.wait(std::time::Duration::from_secs(1000));
        assert_eq!(server.events(), []);
        assert_eq!(server.client.poll_transmit(), None);
        assert!(server.client.ended());
        let payload = Payload::from_text("x");
        assert!(server.client.send_application(payload.clone()).is_err());
        assert!(relayed_data::send(&mut server.client, &payload).is_err());
        assert!(server.client.encrypt_for_peer(b"x").is_err());
    }
}

// How the server closes

/// What a close code of the server means: for an initiator, for a responder, and whether trying again
/// may help.
fn meaning(code: u16) -> (EndReason, EndReason, bool) {
    let same = |reason: EndReason, retryable| (reason.clone(), reason, retryable);
    match code {
        1001 => same(EndReason::ServerGoingAway, true),
        1002 => same(EndReason::NoSubprotocol, false),
        1009 => same(EndReason::MessageTooBig, false),
        3000 => same(EndReason::PathFull, true),
        3001 => same(EndReason::AccusedOfProtocolError, false),
        3002 => same(EndReason::RemoteInternalError, true),
        3004 => (EndReason::ReplacedByInitiator, EndReason::DroppedByInitiator, false),
        3005 => same(EndReason::InitiatorCouldNotDecrypt, false),
        3006 => same(EndReason::NoSharedTask, false),
        3007 => same(EndReason::ServerKey("it does not have that key".into()), false),
        3008 => same(EndReason::ServerTimeout, true),
        code => same(EndReason::ServerClosed(Some(code)), true),
    }
}

/// Covers P-236 P-299 P-300.
#[test]
fn every_close_code_reaches_the_application_in_every_state() {
    let known = CloseCode::ALL.map(CloseCode::code);
    let others = [1003, 1006, 1008, 1009, 1011, 1012, 2999, 3009, 4000, 4999];
    for code in known.into_iter().chain(others) {
        for (_, mut server) in states() {
            let (initiator, responder, retryable) = meaning(code);
            let reason = if server.role() == Role::Initiator { initiator } else { responder };
            let closed = server.end(SocketEnd::CloseFrame(Some(code)));
            let expected = Closed { by: ClosedBy::Server, code: Some(code), reason };
            assert_eq!(closed, expected);
            assert_eq!(closed.retryable(), retryable);
            assert!(!closed.to_string().is_empty());
        }
    }
    for (_, mut server) in states() {
        let closed = server.end(SocketEnd::CloseFrame(None));
        let reason = EndReason::ServerClosed(None);
        let expected = Closed { by: ClosedBy::Server, code: None, reason };
        assert_eq!(closed, expected);
        assert_eq!(server.client.poll_transmit(), None);
    }
}

#[test]
fn a_message_that_is_too_big_for_us_is_reported() {
    for (_, mut server) in states() {
        let closed = server.end(SocketEnd::TooBig);
        let reason = EndReason::ReceivedTooBig;
        let expected = Closed { by: ClosedBy::Us, code: Some(1009), reason };
        assert_eq!(closed, expected);
    }
}

/// What ended the connection first is what is reported.
#[test]
fn a_close_frame_that_crosses_our_own_does_not_change_the_reason() {
    for (_, mut server) in states() {
        server.client.close();
        let closed = server.end(SocketEnd::CloseFrame(Some(3002)));
        let reason = EndReason::Requested;
        let expected = Closed { by: ClosedBy::Us, code: Some(1001), reason };
        assert_eq!(closed, expected);
    }
}

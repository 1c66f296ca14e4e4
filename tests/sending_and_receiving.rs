//! What two clients that have met can do: send, receive and close.

mod support;

use rmpv::Value;
use saltyrtc::protocol::client::{ClientState, Closed, ClosedBy, EndReason, SendFailure};
use saltyrtc::protocol::message::{Payload, TaskMessage};
use saltyrtc::protocol::{CloseCode, Role, Transmit};
use saltyrtc::task::{ClientConfig, Event, TaskEvent, relayed_data};
use support::fake_peer::FakePeer;
use support::fake_server::{FakeServer, Sent};
use support::keys;
use support::msg::{Msg, encode, every_type, map};
use support::pair::{Pair, Wire};

/// A client of each role that is in the task, and its peer.
fn in_task_with(change: fn(ClientConfig) -> ClientConfig) -> [(FakeServer, FakePeer); 2] {
    let initiator = FakeServer::new(change(keys::initiator_with_token())).ready(&[2]);
    let responder = FakeServer::new(change(keys::responder_with_token())).ready(&[1]);
    let mut pairs = [(initiator, FakePeer::responder(2)), (responder, FakePeer::initiator())];
    for (server, peer) in &mut pairs {
        peer.authenticate(server);
        server.events();
    }
    pairs
}

fn in_task() -> [(FakeServer, FakePeer); 2] {
    in_task_with(|config| config)
}

fn payload(value: &Value) -> Payload {
    Payload::from_msgpack(encode(value)).unwrap()
}

/// Covers P-276 P-278 P-279 P-280 P-281 P-283 R-003 R-004 R-006 R-008 R-009 R-010 R-012 R-013 R-018.
#[test]
fn values_of_every_type_travel_in_both_directions() {
    let (mut pair, initiator, responder) = Pair::met_with_token();
    for (name, value) in every_type() {
        let payload = payload(&value);
        for (from, to) in [(initiator, responder), (responder, initiator)] {
            pair.take_events(to);
            pair.act(from, |client, _| client.send_application(payload.clone())).unwrap();
            pair.act(from, |client, _| relayed_data::send(client, &payload)).unwrap();
            pair.settle();
            let events = pair.take_events(to);
            let data = Event::Task(TaskEvent::Data(payload.clone()));
            assert_eq!(events, [Event::Application(payload.clone()), data], "{name}");
            let Event::Application(received) = &events[0] else { unreachable!() };
            assert_eq!(received.as_msgpack(), encode(&value), "{name}: not a byte is changed");
        }
    }
}

/// Covers P-280 P-284 R-010 R-015.
#[test]
fn application_and_data_look_as_specified() {
    for (name, value) in every_type() {
        for (mut server, mut peer) in in_task() {
            server.client.send_application(payload(&value)).unwrap();
            relayed_data::send(&mut server.client, &payload(&value)).unwrap();
            let application = peer.read(&mut server);
            assert_eq!(application, Msg::new("application").with("data", value.clone()), "{name}");
            assert_eq!(peer.read(&mut server), Msg::new("data").with("p", value.clone()), "{name}");
            server.expect_silence();
        }
    }
}

/// Covers P-023 P-053 P-054 P-095 P-214.
#[test]
fn a_message_is_nonce_and_box_in_one_piece() {
    for (mut server, peer) in in_task() {
        server.client.send_application(Payload::from_text("hello")).unwrap();
        let Some(Transmit::Message(message)) = server.client.poll_transmit() else { panic!() };
        let plain = Msg::new("application").with("data", "hello").encode();
        assert_eq!(message.len(), 24 + 16 + plain.len());
        assert_eq!(message[16..18], [server.address, 3 - server.address]);
        let sent = Sent::parse(&message);
        assert_eq!(peer.session_key().open(&sent.bytes, &sent.data).unwrap(), plain);
    }
}

/// What can be sent is always valid: a payload is one MessagePack value, a task message a map with a
/// type of its own.
///
///
#[test]
fn what_is_not_a_message_cannot_be_sent() {
    for bad in [&b""[..], &[0xc0, 0xc0], &[0xc1], &[0x92, 0xc0], &[0xc4, 5, 1]] {
        assert!(Payload::from_msgpack(bad.to_vec()).is_err());
    }
    for reserved in ["application", "close"] {
        assert!(TaskMessage::from_msgpack(Msg::new(reserved).encode()).is_err());
    }
    for bad in [Msg(vec![]), Msg::new("x").with("type", 1), Msg::new("x").without("type")] {
        assert!(TaskMessage::from_msgpack(bad.encode()).is_err());
    }
}

#[test]
fn messages_of_custom_tasks_are_passed_through() {
    let chess = |config| ClientConfig { tasks: vec![keys::custom("chess")], ..config };
    let (mut pair, initiator, responder) =
        Pair::met(chess(keys::initiator_with_token()), chess(keys::responder_with_token()));
    let refused = pair.act(initiator, |client, _| {
        relayed_data::send(client, &Payload::from_text("not with this task"))
    });
    assert_eq!(refused, Err(SendFailure::OtherTask { running: "chess".into() }));
    for (from, to) in [(initiator, responder), (responder, initiator)] {
        pair.take_events(to);
        for msg in [
            Msg::new("move").with("to", "e4").with("nothing", Value::Nil),
            Msg::new("data").with("p", 1),
            Msg::new("auth"),
            Msg::new("resign"),
        ] {
            let message = TaskMessage::from_msgpack(msg.encode()).unwrap();
            pair.act(from, |client, _| client.send_task_message(&message)).unwrap();
            pair.settle();
            let events = pair.take_events(to);
            assert_eq!(events, [Event::Task(TaskEvent::Message(message.clone()))]);
            assert_eq!(Msg::decode(message.as_msgpack()), msg);
        }
        // The protocol's own messages work with every task.
        let hello = Payload::from_text("hello");
        pair.act(from, |client, _| client.send_application(hello.clone())).unwrap();
        pair.settle();
        assert_eq!(pair.take_events(to), [Event::Application(hello)]);
    }
}

#[test]
fn nothing_can_be_sent_before_there_is_a_peer() {
    for config in [keys::initiator_with_token, keys::responder_with_token] {
        let hello = Payload::from_text("hello");
        let mut server = FakeServer::new(config());
        assert_eq!(server.client.send_application(hello.clone()), Err(SendFailure::NoPeer));
        let mut server = server.ready(&[]);
        assert_eq!(server.client.send_application(hello.clone()), Err(SendFailure::NoPeer));
        assert_eq!(relayed_data::send(&mut server.client, &hello), Err(SendFailure::NoPeer));
        assert_eq!(server.client.encrypt_for_peer(b"x"), Err(SendFailure::NoPeer));
        assert!(matches!(server.client.decrypt_from_peer(b"x"), Err(SendFailure::NoPeer)));
        let now = server.now;
        assert_eq!(server.client.trust_peer(now), Err(SendFailure::NoPeer));
        server.expect_silence();
    }
}

// Closing

/// Covers P-285 P-287 P-288 P-289 P-290 P-294 R-005.
#[test]
fn close_is_the_last_message_and_then_the_websocket_closes() {
    for (mut server, mut peer) in in_task() {
        for n in 0..3 {
            server.client.send_application(Payload::from_bytes(&[n])).unwrap();
        }
        server.client.close();
        assert_eq!(server.client.state(), ClientState::Closed);
        let late = server.client.send_application(Payload::from_text("late"));
        assert_eq!(late, Err(SendFailure::Closed));
        assert_eq!(server.client.peer_key(), None, "everything about the peer is forgotten");
        for n in 0..3 {
            let msg = peer.read(&mut server);
            assert_eq!(msg.field("data").as_slice(), Some(&[n][..]));
        }
        assert_eq!(peer.read(&mut server), Msg::new("close").with("reason", 1001));
        assert_eq!(server.events(), [], "the end is told of when the socket is gone");
        // What comes meanwhile is of no interest.
        peer.send(&mut server, &Msg::new("application").with("data", 1));
        peer.send(&mut server, &Msg::new("nonsense"));
        server.disconnected(peer.out.source);
        assert_eq!(server.events(), []);
        let closed = server.expect_close(CloseCode::GoingAway);
        let reason = EndReason::Requested;
        let by = ClosedBy::Us;
        assert_eq!(closed, Closed { by, code: Some(1001), reason });
        server.client.close();
        assert_eq!(server.client.poll_transmit(), None, "once is enough");
    }
}

/// Covers P-286.
#[test]
fn without_a_peer_only_the_websocket_closes() {
    for config in [keys::initiator_with_token, keys::responder_with_token] {
        for step in 0..4 {
            let mut server = FakeServer::new(config());
            if step > 0 {
                server.greet();
            }
            if step > 1 {
                let present = 3 - server.address;
                let auth = server.server_auth(if step == 2 {
                    &[]
                } else {
                    std::slice::from_ref(&present)
                });
                server.send(&auth);
            }
            if step == 3 {
                let mut peer = match server.role() {
                    Role::Initiator => FakePeer::responder(2),
                    Role::Responder => FakePeer::initiator(),
                };
                peer.up_to_auth(&mut server);
            }
            server.events();
            server.client.close();
            let closed = server.expect_close(CloseCode::GoingAway);
            assert_eq!((closed.by, closed.reason), (ClosedBy::Us, EndReason::Requested));
        }
    }
}

/// Covers P-291 P-292 P-293 R-017.
#[test]
fn a_close_of_the_peer_reaches_the_application_with_its_code() {
    for code in CloseCode::ALL {
        for (mut server, mut peer) in in_task() {
            peer.send(&mut server, &Msg::new("close").with("reason", u64::from(code.code())));
            assert_eq!(server.client.peer_key(), None);
            let closed = server.expect_close(CloseCode::GoingAway);
            assert_eq!((closed.by, closed.code), (ClosedBy::Peer, Some(code.code())));
            assert_eq!(closed.retryable(), matches!(closed.reason, EndReason::PeerClosed(_)));
            let expected = match code {
                CloseCode::NoSharedTask => EndReason::NoSharedTask,
                CloseCode::ProtocolError => EndReason::AccusedOfProtocolError,
                code => EndReason::PeerClosed(code),
            };
            assert_eq!(closed.reason, expected);
        }
    }
}

/// Covers P-285 P-288 P-290 P-293 R-005 R-017.
#[test]
fn both_clients_close_and_nothing_is_lost_before() {
    for initiator_closes in [true, false] {
        let (mut pair, initiator, responder) = Pair::met_with_token();
        let (closer, other) =
            if initiator_closes { (initiator, responder) } else { (responder, initiator) };
        pair.take_events(other);
        let last = Payload::from_text("the last word");
        pair.act(closer, |client, _| {
            relayed_data::send(client, &last).unwrap();
            client.close();
        });
        pair.settle();
        let events = pair.events(other);
        assert_eq!(events[0], Event::Task(TaskEvent::Data(last)));
        let closed = pair.closed(other);
        let reason = EndReason::PeerClosed(CloseCode::GoingAway);
        let by = ClosedBy::Peer;
        assert_eq!(closed, Closed { by, code: Some(1001), reason });
        assert_eq!(pair.closed(closer).reason, EndReason::Requested);
        assert_eq!(pair.close_codes(closer), [CloseCode::GoingAway]);
        assert_eq!(pair.close_codes(other), [CloseCode::GoingAway]);
        assert!(pair.client(closer).ended() || pair.client(closer).has_events());
        assert!(pair.path.is_empty(), "the server has no connection left");
    }
}

// Limits

#[test]
fn a_message_that_is_too_large_is_refused_before_it_takes_a_number() {
    for (mut server, mut peer) in
        in_task_with(|config| ClientConfig { max_message_size: 5000, ..config })
    {
        let overhead = 24 + 16 + Msg::new("data").with("p", Value::Binary(vec![])).encode().len();
        // Binary data of this size has one byte more of header.
        let largest = 5000 - overhead - 1;
        let failure =
            relayed_data::send(&mut server.client, &Payload::from_bytes(&vec![1; largest + 1]));
        assert_eq!(failure, Err(SendFailure::TooLarge { size: 5001, limit: 5000 }));
        let failure = server.client.send_application(Payload::from_bytes(&vec![1; 1 << 24]));
        assert!(matches!(failure, Err(SendFailure::TooLarge { limit: 5000, .. })));
        server.expect_silence();
        relayed_data::send(&mut server.client, &Payload::from_bytes(&vec![1; largest])).unwrap();
        relayed_data::send(&mut server.client, &Payload::from_text("x")).unwrap();
        let first = server.read();
        assert_eq!(24 + first.data.len(), 5000);
        let second = server.read();
        assert_eq!(second.nonce.sequence.get(), first.nonce.sequence.get() + 1);
        assert_eq!(second.open(&peer.session_key()).kind(), "data");
        // Received messages are limited by the WebSocket, not here.
        peer.send(&mut server, &Msg::new("data").with("p", Value::Binary(vec![1; 10_000])));
        assert!(matches!(server.events()[..], [Event::Task(_)]));
    }
}

#[test]
fn a_full_queue_is_an_error_and_then_an_event() {
    for (mut server, mut peer) in
        in_task_with(|config| ClientConfig { max_queue_size: 10_000, ..config })
    {
        let data = Payload::from_bytes(&[7; 900]);
        let mut sent = 0;
        let failure = loop {
            match server.client.send_application(data.clone()) {
                Ok(()) => sent += 1,
                Err(failure) => break failure,
            }
        };
        assert_eq!(failure, SendFailure::QueueFull);
        assert_eq!(sent, 10);
        assert_eq!(server.events(), []);
        // It comes when half of the room is free, once, and not again without another failure.
        let mut read = 0;
        while !server.client.has_events() {
            assert_eq!(peer.read(&mut server).kind(), "application");
            read += 1;
        }
        assert_eq!(read, 5);
        assert_eq!(server.events(), [Event::Writable]);
        server.client.send_application(data.clone()).unwrap();
        for _ in 0..sent + 1 - read {
            peer.read(&mut server);
        }
        server.expect_silence();
        assert_eq!(server.events(), []);

        // One message is always taken, or some could never be sent.
        server.client.send_application(Payload::from_bytes(&[7; 20_000])).unwrap();
        let failure = server.client.send_application(Payload::from_text("x"));
        assert_eq!(failure, Err(SendFailure::QueueFull));
        peer.read(&mut server);
        assert_eq!(server.events(), [Event::Writable]);
        // The failures took no sequence numbers: the next message is the next one.
        server.client.send_application(Payload::from_text("x")).unwrap();
        peer.read(&mut server);
    }
}

#[test]
fn there_is_an_event_when_less_waits_than_a_mark() {
    for (mut server, mut peer) in
        in_task_with(|config| ClientConfig { max_queue_size: 10_000, ..config })
    {
        let data = Payload::from_bytes(&[7; 900]);
        let send = |server: &mut FakeServer, count| {
            for _ in 0..count {
                server.client.send_application(data.clone()).unwrap();
            }
        };
        // Without a mark there is none.
        assert_eq!(server.client.buffered_amount(), 0);
        send(&mut server, 2);
        let each = server.client.buffered_amount() / 2;
        assert!(each > 900 && each < 1000, "{each}");
        (0..2).for_each(|_| drop(peer.read(&mut server)));
        assert_eq!(server.events(), []);

        // A mark that is set when more waits counts for that, too.
        send(&mut server, 3);
        server.client.set_low_water(each);
        peer.read(&mut server);
        assert_eq!((server.client.buffered_amount(), server.events()), (2 * each, vec![]));
        peer.read(&mut server);
        assert_eq!(server.events(), [Event::LowWater]);
        peer.read(&mut server);
        assert_eq!(server.events(), [], "once");

        // What does not get above the mark does not fall to it. Nobody has to take more than one at a time.
        send(&mut server, 1);
        peer.read(&mut server);
        assert_eq!(server.events(), []);
        for _ in 0..3 {
            send(&mut server, 2);
            (0..2).for_each(|_| drop(peer.read(&mut server)));
        }
        assert_eq!(server.events(), [Event::LowWater]);

        // 0 is when nothing waits; a full queue has its own event.
        server.client.set_low_water(0);
        while server.client.send_application(data.clone()).is_ok() {}
        while server.client.buffered_amount() > 0 {
            peer.read(&mut server);
        }
        assert_eq!(server.events(), [Event::Writable, Event::LowWater]);
    }
}

#[test]
fn closing_works_with_a_full_queue() {
    for (mut server, mut peer) in
        in_task_with(|config| ClientConfig { max_queue_size: 10_000, ..config })
    {
        let data = Payload::from_bytes(&[7; 900]);
        while server.client.send_application(data.clone()).is_ok() {}
        server.client.close();
        for _ in 0..10 {
            assert_eq!(peer.read(&mut server).kind(), "application");
        }
        assert_eq!(peer.read(&mut server).kind(), "close");
        server.expect_close(CloseCode::GoingAway);
    }
}

#[test]
fn an_application_that_is_slow_to_take_events_is_not_flooded() {
    // By size.
    for (mut server, mut peer) in
        in_task_with(|config| ClientConfig { max_queue_size: 10_000, ..config })
    {
        let msg = Msg::new("data").with("p", Value::Binary(vec![1; 1000]));
        let mut received = 0;
        while server.client.wants_input() {
            peer.send(&mut server, &msg);
            received += 1;
        }
        assert_eq!(received, 10);
        server.client.poll_event();
        assert!(server.client.wants_input());
        // A close does not wait for the application: the server's close frame has to be read.
        peer.send(&mut server, &msg);
        assert!(!server.client.wants_input());
        server.client.close();
        assert!(server.client.wants_input());
    }
    // By number.
    for (mut server, mut peer) in in_task() {
        let msg = Msg::new("application").with("data", Value::Nil);
        let mut received = 0;
        while server.client.wants_input() {
            peer.send(&mut server, &msg);
            received += 1;
            assert!(received < 10_000);
        }
        assert_eq!(server.events().len(), received);
        assert!(server.client.wants_input());
    }
}

/// What a peer's task has to say counts as well; and a client that keeps nothing back still reads.
#[test]
fn task_data_fills_the_room_for_events() {
    let config = ClientConfig { max_queue_size: 0, ..keys::initiator_with_token() };
    let mut server = FakeServer::new(config).ready(&[2]);
    assert!(server.client.wants_input());
    let mut peer = FakePeer::responder(2);
    peer.up_to_auth(&mut server);
    server.events();
    let large = map(&[("much", Value::Binary(vec![1; 1000]))]);
    let auth = peer.auth_msg().with("data", map(&[(relayed_data::NAME, large)]));
    peer.send_with_session(&mut server, &auth.encode());
    assert!(!server.client.wants_input(), "the event waits");
    assert!(matches!(server.events()[..], [Event::PeerHandshakeDone { .. }]));
    assert!(server.client.wants_input());
}

#[test]
fn nothing_is_lost_while_an_application_is_slow() {
    let small = |config| ClientConfig { max_queue_size: 5000, ..config };
    let (mut pair, initiator, responder) =
        Pair::met(small(keys::initiator_with_token()), keys::responder_with_token());
    pair.take_events(initiator);
    pair.nodes[initiator].takes_events = false;
    let numbered = |n: u8| Payload::from_bytes(&[n; 500]);
    for n in 0..100 {
        pair.act(responder, |client, _| relayed_data::send(client, &numbered(n))).unwrap();
    }
    pair.settle();
    assert!(!pair.client(initiator).wants_input());
    assert!(pair.nodes[initiator].under_way() > 50, "they wait outside");
    for _ in 0..100 {
        pair.take_waiting_events(initiator);
        pair.settle();
    }
    let expected: Vec<Event> =
        (0..100).map(|n| Event::Task(TaskEvent::Data(numbered(n)))).collect();
    assert_eq!(pair.events(initiator), expected);
}

#[test]
fn pings_of_the_server_keep_a_connection_alive_and_find_dead_ones() {
    let minute = std::time::Duration::from_secs(60);
    let ping = |config| ClientConfig { ping_interval: 20, ..config };
    let (mut pair, initiator, responder) =
        Pair::met(ping(keys::initiator_with_trust()), ping(keys::responder_with_trust()));
    pair.advance(minute * 10);
    assert!(pair.in_task(initiator) && pair.in_task(responder), "{}", pair.report());
    pair.vanish(responder);
    pair.advance(minute);
    assert_eq!(pair.client(initiator).state(), ClientState::WaitingForPeer);
}

/// Covers P-054.
#[test]
fn text_to_the_real_server_ends_the_connection() {
    let (mut pair, initiator, responder) = Pair::met_with_trust();
    pair.inject_up(responder, Wire::Text);
    pair.settle();
    assert_eq!(pair.closed(responder).reason, EndReason::AccusedOfProtocolError);
    assert_eq!(pair.client(initiator).state(), ClientState::WaitingForPeer);
}

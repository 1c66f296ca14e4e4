//! Two clients meet, authenticate each other and agree on a task.

mod support;

use rmpv::Value;
use saltyrtc::crypto::{PublicKey, SharedKey};
use saltyrtc::protocol::client::{ClientState, Closed, ClosedBy, ConfigError, EndReason};
use saltyrtc::protocol::message::{Payload, TaskData};
use saltyrtc::protocol::{Address, CloseCode, ResponderAddress, Task, Transmit};
use saltyrtc::task::{Client, ClientConfig, CustomTask, Event, TaskEvent, relayed_data};
use support::fake_peer::FakePeer;
use support::fake_server::FakeServer;
use support::keys;
use support::msg::{Msg, bin, encode, map, texts};
use support::pair::Pair;
use support::random::Seeded;

fn first() -> ResponderAddress {
    ResponderAddress::new(2).unwrap()
}

fn met(address: u8, peer_key: PublicKey, task: &str, task_data: TaskData) -> Event {
    let address = Address(address);
    Event::PeerHandshakeDone { address, peer_key, task: task.into(), task_data }
}

/// Covers P-013 P-229 P-231 P-272 P-274 P-297.
#[test]
fn two_clients_meet_with_a_token() {
    let (mut pair, initiator, responder) = Pair::met_with_token();
    let events = pair.take_events(initiator);
    assert!(matches!(events[0], Event::ServerHandshakeDone { peer_present: false, .. }));
    let initiator_key = *keys::initiator_keys().public();
    let responder_key = *keys::responder_keys().public();
    assert_eq!(
        events[1..],
        [
            Event::ResponderJoined(first()),
            Event::TokenUsed,
            met(2, responder_key, relayed_data::NAME, TaskData::NIL),
        ]
    );
    let events = pair.take_events(responder);
    assert!(matches!(events[0], Event::ServerHandshakeDone { peer_present: true, .. }));
    assert_eq!(events[1..], [met(1, initiator_key, relayed_data::NAME, TaskData::NIL)]);
    for (id, peer_key) in [(initiator, responder_key), (responder, initiator_key)] {
        assert_eq!(pair.client(id).state(), ClientState::Task);
        assert_eq!(pair.client(id).task(), Some(relayed_data::NAME));
        assert_eq!(pair.client(id).peer_key(), Some(&peer_key));
    }
    // And the task works, in both directions.
    for (from, to) in [(initiator, responder), (responder, initiator)] {
        let payload = Payload::from_text("hello");
        pair.act(from, |client, _| relayed_data::send(client, &payload)).unwrap();
        pair.settle();
        assert_eq!(pair.take_events(to), [Event::Task(TaskEvent::Data(payload))]);
    }
}

/// Covers P-232 P-233 P-234 P-240.
#[test]
fn two_clients_meet_that_trust_each_other() {
    let (mut pair, initiator, responder) = Pair::met_with_trust();
    let events = pair.take_events(initiator);
    assert!(!events.contains(&Event::TokenUsed), "there is no token");
    let done = |address, peer_key| met(address, peer_key, relayed_data::NAME, TaskData::NIL);
    assert_eq!(events.last(), Some(&done(2, *keys::responder_keys().public())));
    let events = pair.take_events(responder);
    assert_eq!(events.last(), Some(&done(1, *keys::initiator_keys().public())));
    // The responder sent one message less than with a token: 'client-hello', 'client-auth', 'key',
    // 'auth'.
    assert_eq!(pair.nodes[responder].sent.len(), 4);
}

/// It does not matter who comes first.
#[test]
fn the_responder_may_be_there_first() {
    let mut pair = Pair::new();
    let responder = pair.connect(keys::responder_with_token());
    pair.settle();
    assert_eq!(pair.client(responder).state(), ClientState::WaitingForPeer);
    let initiator = pair.connect(keys::initiator_with_token());
    pair.settle();
    assert!(pair.in_task(initiator) && pair.in_task(responder), "{}", pair.report());
}

// Tasks

fn tasks(names: &[&str]) -> Vec<Box<dyn Task<TaskEvent>>> {
    names.iter().map(|name| keys::custom(name)).collect()
}

/// Covers P-258 P-259 P-265 P-295.
#[test]
fn the_initiators_order_decides_about_the_task() {
    for (ours, theirs, chosen) in [
        (["a", "b", "c"], ["c", "b", "a"], "a"),
        (["b", "a", "c"], ["a", "b", "c"], "b"),
        (["x", "y", "c"], ["a", "b", "c"], "c"),
        (["x", "c", "b"], ["b", "c", "z"], "c"),
    ] {
        let (mut pair, initiator, responder) = Pair::met(
            ClientConfig { tasks: tasks(&ours), ..keys::initiator_with_token() },
            ClientConfig { tasks: tasks(&theirs), ..keys::responder_with_token() },
        );
        assert_eq!(pair.client(initiator).task(), Some(chosen));
        assert_eq!(pair.client(responder).task(), Some(chosen));
    }
}

/// Covers P-258 P-260 P-262.
#[test]
fn the_responder_offers_its_tasks_in_its_order_with_their_data() {
    let data = TaskData::from_map(encode(&map(&[("x", 1.into())]))).unwrap();
    let mut offered = keys::relayed();
    offered.push(Box::new(CustomTask::new("with data", data).unwrap()));
    offered.push(keys::custom("plain"));
    let config = ClientConfig { tasks: offered, ..keys::responder_with_token() };
    let mut server = FakeServer::new(config).ready(&[1]);
    let mut peer = FakePeer::initiator();
    peer.read_token(&mut server);
    peer.read_key(&mut server);
    peer.send_key(&mut server);
    let auth = peer.read(&mut server);
    assert_eq!(auth.names(), ["data", "tasks", "type", "your_cookie"]);
    let names = [relayed_data::NAME, "with data", "plain"];
    assert_eq!(*auth.field("tasks"), texts(&names));
    let x = map(&[("x", 1.into())]);
    let data = map(&[(names[0], Value::Nil), (names[1], x), (names[2], Value::Nil)]);
    assert_eq!(*auth.field("data"), data);
}

/// Covers P-261 P-270 P-271 R-002.
#[test]
fn task_data_reaches_the_other_task_and_the_application() {
    let data = |n: u8| TaskData::from_map(encode(&map(&[("n", n.into())]))).unwrap();
    let custom = |n| -> Vec<Box<dyn Task<TaskEvent>>> {
        vec![keys::custom("other"), Box::new(CustomTask::new("chess", data(n)).unwrap())]
    };
    let (pair, initiator, responder) = Pair::met(
        ClientConfig { tasks: custom(1).split_off(1), ..keys::initiator_with_token() },
        ClientConfig { tasks: custom(2), ..keys::responder_with_token() },
    );
    let (initiator_key, responder_key) = (keys::path(), *keys::responder_keys().public());
    assert_eq!(pair.events(initiator).last(), Some(&met(2, responder_key, "chess", data(2))));
    assert_eq!(pair.events(responder).last(), Some(&met(1, initiator_key, "chess", data(1))));

    // The Relayed Data task has no data, and takes an empty map for none.
    for value in [Value::Nil, map(&[])] {
        let mut server = FakeServer::with_initiator(&[2]);
        let mut peer = FakePeer::responder(2);
        peer.up_to_auth(&mut server);
        let auth = peer.auth_msg().with("data", map(&[(relayed_data::NAME, value)]));
        peer.send(&mut server, &auth);
        let answer = peer.read(&mut server);
        assert_eq!(*answer.field("data"), map(&[(relayed_data::NAME, Value::Nil)]));
    }
}

/// Covers P-266 P-267 P-268 P-286 P-299.
#[test]
fn without_a_shared_task_both_sides_hear_of_it() {
    let mut pair = Pair::new();
    let config = ClientConfig { tasks: tasks(&["a"]), ..keys::initiator_with_token() };
    let initiator = pair.connect(config);
    let config = ClientConfig { tasks: tasks(&["b", "c"]), ..keys::responder_with_token() };
    let responder = pair.connect(config);
    pair.settle();
    let closed = |by| {
        let reason = EndReason::NoSharedTask;
        Closed { by, code: Some(3006), reason }
    };
    assert_eq!(pair.closed(initiator), closed(ClosedBy::Us));
    assert_eq!(pair.closed(responder), closed(ClosedBy::Peer));
    assert!(pair.closed(responder).to_string().contains("no task in common"));
    assert_eq!(pair.close_codes(initiator), [CloseCode::GoingAway]);
    assert_eq!(pair.close_codes(responder), [CloseCode::GoingAway]);
    for id in [initiator, responder] {
        let events = pair.events(id);
        assert!(!events.iter().any(|event| matches!(event, Event::PeerHandshakeDone { .. })));
    }

    // On the wire it is 'close' in place of 'auth'.
    let mut server = FakeServer::with_initiator(&[2]);
    let mut peer = FakePeer::responder(2);
    peer.up_to_auth(&mut server);
    let auth = peer.auth_msg().with("tasks", texts(&["x"])).with("data", map(&[("x", Value::Nil)]));
    peer.send(&mut server, &auth);
    assert_eq!(peer.read(&mut server), Msg::new("close").with("reason", 3006));
    assert_eq!(server.client.poll_transmit(), Some(Transmit::Close(CloseCode::GoingAway)));
}

/// Covers P-296.
#[test]
fn a_client_needs_tasks_that_differ() {
    let new = |tasks| {
        let config = ClientConfig { tasks, ..keys::initiator_with_token() };
        Client::new(config, Box::new(Seeded::new(1))).map(|_| ())
    };
    assert_eq!(new(vec![]), Err(ConfigError::NoTask));
    assert_eq!(new(tasks(&["a", "b", "a"])), Err(ConfigError::TaskTwice("a".into())));
    assert_eq!(new(tasks(&["a", "b"])), Ok(()));
}

// What exactly is sent, and when

/// Covers P-012 P-046 P-089 P-091 P-169 P-241 P-244 P-246 P-250 P-254 P-257 P-275.
#[test]
fn a_responder_sends_token_and_key_at_once_and_auth_after_the_initiators_key() {
    let mut server = FakeServer::with_responder();
    let mut peer = FakePeer::initiator();
    let token = peer.read_token(&mut server);
    assert_eq!(token.names(), ["key", "type"]);
    assert_eq!(token.kind(), "token");
    assert_eq!(*token.field("key"), bin(keys::responder_keys().public().as_bytes()));
    let key = peer.read_key(&mut server);
    assert_eq!(key.names(), ["key", "type"]);
    assert_eq!(key.kind(), "key");
    assert_eq!(key.field("key").as_slice().map(<[u8]>::len), Some(32));
    server.expect_silence();
    peer.send_key(&mut server);
    let auth = peer.read(&mut server);
    assert_eq!(auth.kind(), "auth");
    assert_eq!(*auth.field("your_cookie"), bin(&peer.out.cookie));
    server.expect_silence();
    assert_eq!(server.client.state(), ClientState::PeerHandshake);
    peer.send_auth(&mut server);
    server.expect_silence();
    assert_eq!(server.client.state(), ClientState::Task);
}

/// Covers P-071 P-255.
#[test]
fn a_trusted_responder_begins_with_key() {
    let mut server = FakeServer::new(keys::responder_with_trust()).ready(&[1]);
    let mut peer = FakePeer::initiator();
    assert_eq!(peer.read_key(&mut server).kind(), "key");
    server.expect_silence();
    peer.send_key(&mut server);
    assert_eq!(peer.read(&mut server).kind(), "auth");
}

/// Covers P-239.
#[test]
fn a_responder_sends_nothing_before_an_initiator_is_there() {
    for (config, trusted) in
        [(keys::responder_with_token(), false), (keys::responder_with_trust(), true)]
    {
        let mut server = FakeServer::new(config).ready(&[]);
        server.expect_silence();
        server.send(&Msg::new("new-initiator"));
        let mut peer = FakePeer::initiator();
        if !trusted {
            assert_eq!(peer.read_token(&mut server).kind(), "token");
        }
        assert_eq!(peer.read_key(&mut server).kind(), "key");
        server.expect_silence();
    }
}

/// Covers P-045 P-067 P-247 P-250 P-254 P-256 P-257 P-259 P-260 P-262 P-275.
#[test]
fn an_initiator_answers_key_with_key_and_auth_with_auth() {
    let mut server = FakeServer::with_initiator(&[2]);
    let mut peer = FakePeer::responder(2);
    server.expect_silence();
    peer.send_token(&mut server);
    server.expect_silence();
    peer.send_key(&mut server);
    let key = peer.read_key(&mut server);
    assert_eq!(key.names(), ["key", "type"]);
    assert_eq!(key.kind(), "key");
    server.expect_silence();
    peer.send_auth(&mut server);
    let auth = peer.read(&mut server);
    assert_eq!(auth.names(), ["data", "task", "type", "your_cookie"]);
    assert_eq!(auth.kind(), "auth");
    assert_eq!(*auth.field("your_cookie"), bin(&peer.out.cookie));
    assert_eq!(*auth.field("task"), relayed_data::NAME.into());
    assert_eq!(*auth.field("data"), map(&[(relayed_data::NAME, Value::Nil)]));
    server.expect_silence();
}

/// Covers P-010 P-011 P-026 P-037 P-048 P-077 P-248 P-249.
#[test]
fn each_responder_gets_a_session_key_a_cookie_and_numbers_of_its_own() {
    let mut server = FakeServer::new(keys::initiator_with_trust()).ready(&[2, 3]);
    let mut seen = Vec::new();
    for address in [2, 3, 2] {
        if seen.len() == 2 {
            server.new_responder(2);
        }
        let mut peer = FakePeer::responder(address);
        peer.out.sequence = 7 * u64::from(address);
        peer.send_key(&mut server);
        let sent = server.read();
        let key = sent.open(&peer.permanent_key());
        seen.push((key.field("key").clone(), sent.nonce.cookie, sent.nonce.sequence));
        assert_ne!(*key.field("key"), bin(keys::path().as_bytes()));
        assert_ne!(sent.nonce.cookie.0, server.client_cookie);
    }
    for (i, (key, cookie, sequence)) in seen.iter().enumerate() {
        for (other_key, other_cookie, other_sequence) in &seen[..i] {
            assert_ne!(key, other_key);
            assert_ne!(cookie, other_cookie);
            assert_ne!(sequence, other_sequence);
        }
    }

    // A responder makes new ones for a new initiator.
    let mut server = FakeServer::with_responder();
    let read = |server: &mut FakeServer| {
        let mut peer = FakePeer::initiator();
        peer.read_token(server);
        let key = peer.read_key(server);
        (key.field("key").clone(), peer.client_cookie)
    };
    let before = read(&mut server);
    server.send(&Msg::new("new-initiator"));
    let after = read(&mut server);
    assert!(before.0 != after.0 && before.1 != after.1);
    assert_ne!(before.1, server.client_cookie);
    assert_ne!(before.0, bin(keys::responder_keys().public().as_bytes()));
}

/// Covers P-252 P-090 P-092 P-093.
#[test]
fn after_key_only_the_session_keys_count() {
    // What is sealed with the permanent keys is not understood any more.
    let mut server = FakeServer::with_initiator(&[2]);
    let mut peer = FakePeer::responder(2);
    peer.up_to_auth(&mut server);
    let auth = peer.auth_msg().encode();
    peer.send_with_permanent(&mut server, &auth);
    server.expect_drop(2, 3001);

    let mut server = FakeServer::with_responder();
    let mut peer = FakePeer::initiator();
    peer.up_to_auth(&mut server);
    let auth = peer.auth_msg().encode();
    peer.send_with_permanent(&mut server, &auth);
    server.expect_close(CloseCode::ProtocolError);

    // Nor with one permanent and one session key.
    let mut server = FakeServer::with_initiator(&[2]);
    let mut peer = FakePeer::responder(2);
    peer.up_to_auth(&mut server);
    let mixed = SharedKey::new(&peer.client_session.unwrap(), peer.permanent.secret());
    let message = peer.out.sealed(&mixed, &peer.auth_msg().encode());
    server.send_raw(&message);
    server.expect_drop(2, 3001);
}

/// Covers P-251.
#[test]
fn a_session_key_that_is_the_permanent_key_is_refused() {
    let mut server = FakeServer::with_initiator(&[2]);
    let mut peer = FakePeer::responder(2);
    peer.session = peer.permanent.clone();
    peer.send_token(&mut server);
    peer.send_key(&mut server);
    server.expect_drop(2, 3001);

    let mut server = FakeServer::with_responder();
    let mut peer = FakePeer::initiator();
    peer.session = peer.permanent.clone();
    peer.read_token(&mut server);
    peer.read_key(&mut server);
    peer.send_key(&mut server);
    let closed = server.expect_close(CloseCode::ProtocolError);
    let EndReason::PeerProtocolError(text) = closed.reason else { panic!("{closed:?}") };
    assert!(text.contains("permanent key"), "{text}");
}

/// Covers P-263.
#[test]
fn auth_has_to_repeat_our_cookie() {
    let mut server = FakeServer::with_initiator(&[2]);
    let mut peer = FakePeer::responder(2);
    peer.up_to_auth(&mut server);
    let auth = peer.auth_msg().with("your_cookie", bin(&peer.out.cookie));
    peer.send(&mut server, &auth);
    server.expect_drop(2, 3001);

    let mut server = FakeServer::with_responder();
    let mut peer = FakePeer::initiator();
    peer.up_to_auth(&mut server);
    let auth = peer.auth_msg().with("your_cookie", bin(&peer.out.cookie));
    peer.send(&mut server, &auth);
    server.expect_close(CloseCode::ProtocolError);
}

/// A task is named once even if a responder lists it twice.
#[test]
fn an_offer_that_is_repeated_counts_once() {
    let mut server = FakeServer::with_initiator(&[2]);
    let mut peer = FakePeer::responder(2);
    peer.up_to_auth(&mut server);
    let auth = peer.auth_msg().with("tasks", texts(&[relayed_data::NAME, relayed_data::NAME]));
    peer.send(&mut server, &auth);
    assert_eq!(peer.read(&mut server).kind(), "auth");
}

#[test]
fn both_clients_derive_the_same_key_for_other_channels() {
    let (mut pair, initiator, responder) = Pair::met_with_token();
    for (from, to) in [(initiator, responder), (responder, initiator)] {
        let sealed = pair.client(from).encrypt_for_peer(b"beside the channel").unwrap();
        let again = pair.client(from).encrypt_for_peer(b"beside the channel").unwrap();
        assert_ne!(sealed, again, "a nonce of its own each time");
        let opened = pair.client(to).decrypt_from_peer(&sealed).unwrap();
        assert_eq!(opened.unwrap(), b"beside the channel");
        assert!(pair.client(to).decrypt_from_peer(&sealed[1..]).unwrap().is_err());
        assert!(pair.client(to).decrypt_from_peer(&sealed[..20]).unwrap().is_err());
    }
}

//! Random and mutated messages in every state of both machines: no panic, no endless queue, no timer
//! that is due for ever. The same in every run; `fuzz/` goes on where this ends.

mod support;

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use saltyrtc::protocol::client::ClientState;
use saltyrtc::protocol::message::{Payload, TaskMessage};
use saltyrtc::protocol::server::{ClientId, Path, PathConfig};
use saltyrtc::protocol::{Invitation, Role, SUBPROTOCOL, Transmit};
use saltyrtc::task::{Event, relayed_data};
use support::fake_peer::FakePeer;
use support::fake_server::{FakeServer, Sender, Sent};
use support::keys;
use support::msg::{Msg, bin, encode, every_type, map, texts};
use support::random::Seeded;

/// Changes some bytes, cuts, doubles or extends.
fn mutate(random: &mut Seeded, message: &mut Vec<u8>) {
    for _ in 0..=random.below(3) {
        match random.below(6) {
            0 | 1 if !message.is_empty() => {
                let at = random.below(message.len());
                message[at] ^= 1 << random.below(8);
            }
            2 if !message.is_empty() => {
                let at = random.below(message.len());
                message[at] = random.next() as u8;
            }
            3 => message.truncate(random.below(message.len() + 1)),
            4 => {
                let count = random.below(40);
                message.extend(random.bytes(count));
            }
            _ => {
                let from = random.below(message.len() + 1);
                let part = message[from..].to_vec();
                message.extend(part);
            }
        }
    }
    message.truncate(100_000);
}

static SMALL_VALUES: LazyLock<Vec<rmpv::Value>> = LazyLock::new(|| {
    let small = |value: &rmpv::Value| encode(value).len() < 50;
    every_type().into_iter().map(|(_, value)| value).filter(small).collect()
});

/// A message that looks a little like one of the protocol.
fn random_msg(random: &mut Seeded) -> Msg {
    const KINDS: [&str; 14] = [
        "server-hello",
        "client-hello",
        "client-auth",
        "server-auth",
        "new-initiator",
        "new-responder",
        "drop-responder",
        "disconnected",
        "send-error",
        "token",
        "key",
        "auth",
        "application",
        "close",
    ];
    const FIELDS: [&str; 14] = [
        "key",
        "your_cookie",
        "subprotocols",
        "ping_interval",
        "your_key",
        "signed_keys",
        "responders",
        "initiator_connected",
        "id",
        "reason",
        "tasks",
        "task",
        "data",
        "p",
    ];
    let mut msg = Msg::new(KINDS[random.below(KINDS.len())]);
    for _ in 0..random.below(5) {
        let value = match random.below(8) {
            0 => bin(&random.bytes(32)),
            1 => bin(&random.bytes(16)),
            2 => bin(&[1, 2, 0, 0, 0, 0, 0, 1]),
            3 => random.below(256).into(),
            4 => texts(&[relayed_data::NAME, SUBPROTOCOL]),
            5 => map(&[(relayed_data::NAME, rmpv::Value::Nil)]),
            6 => (3000 + random.below(10)).into(),
            _ => SMALL_VALUES[random.below(SMALL_VALUES.len())].clone(),
        };
        msg = msg.with(FIELDS[random.below(FIELDS.len())], value);
    }
    msg
}

/// Content for a box, or for a message in the clear.
fn random_plain(random: &mut Seeded) -> Vec<u8> {
    let mut plain = random_msg(random).encode();
    match random.below(3) {
        0 => {}
        1 => mutate(random, &mut plain),
        _ => {
            let count = random.below(100);
            plain = random.bytes(count);
        }
    }
    plain
}

// Clients

/// A client of either role in any of its states.
fn client_in_some_state(random: &mut Seeded) -> (FakeServer, FakePeer) {
    let initiator = random.one_in(2);
    let (config, peer, present) = if initiator {
        (keys::initiator_with_token(), FakePeer::responder(2), vec![2, 3])
    } else {
        (keys::responder_with_token(), FakePeer::initiator(), vec![1])
    };
    let (mut server, mut peer) = (FakeServer::new(config), peer);
    match random.below(6) {
        0 => {}
        1 => {
            server.greet();
        }
        2 => server = server.ready(&[]),
        3 => server = server.ready(&present),
        4 => {
            server = server.ready(&present);
            peer.up_to_auth(&mut server);
        }
        _ => {
            server = server.ready(&present);
            peer.authenticate(&mut server);
        }
    }
    (server, peer)
}

/// Gives the client one message. Some are sealed as they should be, so that they get further.
fn attack(random: &mut Seeded, server: &mut FakeServer, peer: &mut FakePeer) {
    let plain = random_plain(random);
    match random.below(9) {
        0 => {
            let count = random.below(200);
            let bytes = random.bytes(count);
            server.send_raw(&bytes);
        }
        1 => {
            let message = server.out.clear(&plain);
            server.send_raw(&message);
        }
        2 => server.send_plain(&plain),
        3 => peer.send_with_token(server, &plain),
        4 => peer.send_with_permanent(server, &plain),
        5 if peer.client_session.is_some() => peer.send_with_session(server, &plain),
        6 => {
            let mut message = peer.out.clone().clear(&plain);
            mutate(random, &mut message);
            server.send_raw(&message);
        }
        7 => {
            // Whatever addresses and numbers.
            let mut out = Sender::new(9, random.next() as u8, random.next() as u8);
            out.sequence = random.next() >> 16;
            let message = out.clear(&plain);
            server.send_raw(&message);
        }
        _ => {
            server.wait(Duration::from_millis(random.below(40_000) as u64));
            if random.one_in(20) {
                server.client.handle_text();
            }
        }
    }
}

#[test]
fn clients_survive_anything() {
    let mut random = Seeded::new(77);
    let (mut ended, mut survived) = (0, 0);
    for _ in 0..1500 {
        let (mut server, mut peer) = client_in_some_state(&mut random);
        for _ in 0..1 + random.below(8) {
            attack(&mut random, &mut server, &mut peer);
            let mut transmits = 0;
            while server.client.poll_transmit().is_some() {
                transmits += 1;
            }
            assert!(transmits <= 10, "one message, {transmits} answers");
            assert!(server.events().len() <= 10);
            let due = server.client.poll_timeout();
            assert!(due.is_none_or(|due| due >= server.now), "a timer was not served");
            if server.client.state() == ClientState::Closed {
                break;
            }
            // The application goes on using the client.
            let _ = server.client.send_application(Payload::from_text("x"));
            if random.one_in(10) {
                let _ = server.client.issue_token();
            }
            if random.one_in(50) {
                server.client.close();
            }
        }
        if server.client.state() == ClientState::Closed {
            ended += 1
        } else {
            survived += 1
        }
        server.client.handle_socket_end(saltyrtc::protocol::client::SocketEnd::CloseFrame(None));
        assert!(matches!(server.events().last(), Some(Event::Closed(_))));
    }
    assert!(ended > 100 && survived > 100, "{ended} ended, {survived} survived");
}

// The server

/// A connection to the server as a client without principles sees it.
struct Connection {
    id: ClientId,
    role: Role,
    keys: saltyrtc::crypto::KeyPair,
    out: Sender,
    /// The server's session key and cookie, from 'server-hello'.
    server: Option<(saltyrtc::crypto::PublicKey, [u8; 16])>,
}

impl Connection {
    fn key(&self) -> Option<saltyrtc::crypto::SharedKey> {
        let (server, _) = self.server.as_ref()?;
        Some(saltyrtc::crypto::SharedKey::new(server, self.keys.secret()))
    }

    /// The next good message of the handshake, sealed if it has to be.
    fn good(&mut self, step: usize) -> Option<Vec<u8>> {
        let (_, cookie) = self.server?;
        if step == 0 && self.role == Role::Responder {
            let hello = Msg::new("client-hello").with("key", bin(self.keys.public().as_bytes()));
            return Some(self.out.clear(&hello.encode()));
        }
        let auth = Msg::new("client-auth")
            .with("your_cookie", bin(&cookie))
            .with("subprotocols", texts(&[SUBPROTOCOL]))
            .with("ping_interval", 1);
        let key = self.key()?;
        Some(self.out.sealed(&key, &auth.encode()))
    }
}

#[test]
fn the_server_survives_anything() {
    let mut random = Seeded::new(78);
    let (mut authenticated, mut closed, mut relayed) = (0, 0, 0);
    for seed in 0..30 {
        let config = PathConfig { max_queue: 20_000, ..PathConfig::default() };
        let mut path = Path::new(keys::path(), Arc::new(config), Box::new(Seeded::new(seed)));
        let mut now = Instant::now();
        let mut connections: Vec<Connection> = Vec::new();
        for _ in 0..400 {
            now += Duration::from_millis(random.below(300) as u64);
            path.handle_timeout(now);
            if connections.is_empty() || (connections.len() < 12 && random.one_in(8)) {
                let initiator = random.one_in(3);
                let (role, keys) = if initiator {
                    (Role::Initiator, keys::initiator_keys())
                } else {
                    (Role::Responder, keys::pair(1 + random.below(9) as u8))
                };
                let id = path.connect(now, SUBPROTOCOL);
                let out = Sender::new(random.next() as u8, 0, 0);
                let Some(Transmit::Message(hello)) = path.poll_transmit(id) else { panic!() };
                let hello = Sent::parse(&hello);
                let key = hello.clear().field("key").as_slice().unwrap().to_vec();
                let key = saltyrtc::crypto::PublicKey::from_slice(&key).unwrap();
                let server = Some((key, hello.nonce.cookie.0));
                let mut connection = Connection { id, role, keys, out, server };
                // Most get through the handshake.
                if !random.one_in(3) {
                    for step in 0..if initiator { 1 } else { 2 } {
                        let message = connection.good(step).unwrap();
                        path.handle_message(now, id, message.into());
                    }
                }
                connections.push(connection);
            }
            let at = random.below(connections.len());
            let connection = &mut connections[at];
            let plain = random_plain(&mut random);
            let message = match random.below(30) {
                0 => {
                    let count = random.below(200);
                    random.bytes(count)
                }
                1 => connection.out.clear(&plain),
                2 | 3 => {
                    let key = connection.key().unwrap();
                    connection.out.sealed(&key, &plain)
                }
                4 => {
                    let mut message = connection.good(random.below(2)).unwrap();
                    mutate(&mut random, &mut message);
                    message
                }
                5..=28 => {
                    let mut relay = connection.out.clone();
                    let initiator = connection.role == Role::Initiator;
                    relay.destination = if initiator { 2 + random.below(4) as u8 } else { 1 };
                    let size = random.below(9000);
                    relay.clear(&vec![1; size])
                }
                _ => {
                    match random.below(4) {
                        0 => path.handle_text(now, connection.id),
                        1 => path.handle_pong(now, connection.id),
                        _ => path.handle_closed(now, connection.id),
                    }
                    Vec::new()
                }
            };
            if !message.is_empty() {
                path.handle_message(now, connection.id, Bytes::from(message));
            }
            // Some do not read for a while.
            let reads = !random.one_in(4);
            let mut waiting = 0;
            connections.retain_mut(|connection| {
                while reads && let Some(transmit) = path.poll_transmit(connection.id) {
                    match transmit {
                        Transmit::Message(message) => {
                            waiting += message.len();
                            let sent = Sent::parse(&message);
                            // 'server-auth' says which address we have.
                            if sent.nonce.source.0 == 0 && sent.nonce.destination.0 != 0 {
                                connection.out.source = sent.nonce.destination.0;
                            }
                        }
                        Transmit::Ping | Transmit::Pong => {}
                        Transmit::Close(_) => {
                            assert_eq!(path.poll_transmit(connection.id), None, "after a close");
                            path.handle_closed(now, connection.id);
                            return false;
                        }
                    }
                }
                true
            });
            assert!(waiting <= 12 * (20_000 + (64 << 10) + 9100), "{waiting} bytes waited");
            let mut events = 0;
            while let Some(event) = path.poll_event() {
                events += 1;
                match event {
                    saltyrtc::protocol::server::Event::Authenticated { .. } => authenticated += 1,
                    saltyrtc::protocol::server::Event::Closing { .. } => closed += 1,
                    saltyrtc::protocol::server::Event::Relayed { messages, .. } => {
                        relayed += messages
                    }
                    _ => {}
                }
            }
            assert!(events < 1000);
            while path.poll_ready().is_some() {}
            path.handle_timeout(now);
            assert!(path.poll_timeout().is_none_or(|due| due > now), "a timer was not served");
        }
        path.shutdown(now);
        for connection in connections {
            while path.poll_transmit(connection.id).is_some() {}
            path.handle_closed(now, connection.id);
        }
        // Those that were closed by `handle_closed` above are gone already.
        assert!(path.is_empty());
    }
    assert!(
        authenticated > 100 && closed > 100 && relayed > 100,
        "{authenticated} authenticated, {closed} closed, {relayed} relayed"
    );
}

// Parsers

#[test]
fn parsers_survive_anything() {
    use saltyrtc::protocol::message::{
        ClientAuth, ClientHello, DropResponder, InitiatorAuth, Key, Notification, ResponderAuth,
        ServerAuth, ServerHello, TaskData, Token,
    };
    let mut random = Seeded::new(79);
    let key = keys::path();
    let mut parsed = 0;
    for _ in 0..5000 {
        let plain = random_plain(&mut random);
        let offered = || [relayed_data::NAME].into_iter();
        parsed += usize::from(ServerHello::parse(&plain).is_ok());
        parsed += usize::from(ClientHello::parse(&plain).is_ok());
        parsed += usize::from(ClientAuth::parse(&plain).is_ok());
        parsed += usize::from(DropResponder::parse(&plain).is_ok());
        parsed += usize::from(Token::parse(&plain).is_ok());
        parsed += usize::from(Key::parse(&plain, &key).is_ok());
        parsed += usize::from(ResponderAuth::parse(&plain).is_ok());
        parsed += usize::from(InitiatorAuth::parse(&plain, offered()).is_ok());
        parsed += usize::from(TaskData::from_map(plain.clone()).is_ok());
        parsed += usize::from(Payload::from_msgpack(plain.clone()).is_ok());
        for role in [Role::Initiator, Role::Responder] {
            parsed += usize::from(ServerAuth::parse(&plain, role).is_ok());
            parsed += usize::from(Notification::parse(&plain, role).is_ok());
        }
        if let Ok(message) = TaskMessage::from_msgpack(plain) {
            parsed += usize::from(message.field("p").is_some() || !message.kind().is_empty());
        }
    }
    assert!(parsed > 1000, "{parsed}");
    assert!(Payload::from_msgpack(encode(&rmpv::Value::Nil)).is_ok());
}

#[test]
fn invitations_survive_anything() {
    let mut random = Seeded::new(80);
    let good = format!(
        "wss://example.org:8765/{}?{}#{}",
        keys::path().to_hex(),
        keys::server_keys().public().to_hex(),
        *keys::token().to_hex()
    );
    let mut parsed = 0;
    for _ in 0..20_000 {
        let mut text = good.clone().into_bytes();
        mutate(&mut random, &mut text);
        let text = String::from_utf8_lossy(&text);
        if let Ok(invitation) = Invitation::parse(&text) {
            parsed += 1;
            // What was understood can be written and understood again.
            let again = Invitation::parse(&invitation.to_uri());
            assert!(again.is_ok(), "{text}");
        }
    }
    assert!(Invitation::parse(&good).is_ok() && parsed > 10, "{parsed}");
}

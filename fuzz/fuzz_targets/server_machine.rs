//! One path of the server, with clients that send anything. They know all keys, so that the content of
//! boxes is tested too.
//!
//! `cargo +nightly fuzz run server_machine`

#![no_main]

use std::sync::Arc;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use saltyrtc::crypto::{KeyPair, RandomSource, SecretKey, SharedKey};
use saltyrtc::protocol::message::{ClientAuth, ClientHello, ServerHello};
use saltyrtc::protocol::server::{ClientId, Path, PathConfig};
use saltyrtc::protocol::{Address, CombinedSequenceNumber, Cookie, Nonce, SUBPROTOCOL, Transmit};

/// Not random at all, and therefore good for fuzzing.
struct Counter(u8);

impl RandomSource for Counter {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.0 = self.0.wrapping_add(1);
        bytes.fill(self.0);
    }
}

fn keys(n: u8) -> KeyPair {
    KeyPair::from_secret(SecretKey::from_bytes(&[n; 32]))
}

/// One connection, as its client sees it.
struct Connection {
    id: ClientId,
    keys: KeyPair,
    initiator: bool,
    /// The server's cookie, and the key that is shared with it.
    server: (Cookie, SharedKey),
    address: u8,
    sequence: u64,
}

impl Connection {
    fn nonce(&mut self, destination: u8) -> [u8; 24] {
        self.sequence += 1;
        Nonce {
            cookie: Cookie([200; 16]),
            source: Address(self.address),
            destination: Address(destination),
            sequence: CombinedSequenceNumber::from_wire(self.sequence),
        }
        .to_bytes()
    }

    fn clear(&mut self, destination: u8, plain: &[u8]) -> Vec<u8> {
        [&self.nonce(destination)[..], plain].concat()
    }

    fn sealed(&mut self, plain: &[u8]) -> Vec<u8> {
        let nonce = self.nonce(0);
        [&nonce[..], &self.server.1.seal(&nonce, plain)].concat()
    }

    /// The messages that authenticate the client.
    fn handshake(&mut self) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        if !self.initiator {
            let hello = ClientHello { key: *self.keys.public() };
            messages.push(self.clear(0, &hello.serialise()));
        }
        let auth = ClientAuth {
            your_cookie: self.server.0,
            subprotocols: vec![SUBPROTOCOL.to_owned()],
            ping_interval: 5,
            your_key: None,
        };
        messages.push(self.sealed(&auth.serialise()));
        messages
    }
}

fuzz_target!(|actions: Vec<(u8, u8, Vec<u8>)>| {
    let config = PathConfig { max_queue: 10_000, ..PathConfig::default() };
    let mut path = Path::new(*keys(1).public(), Arc::new(config), Box::new(Counter(0)));
    let mut now = Instant::now();
    let mut connections: Vec<Connection> = Vec::new();
    for (what, who, data) in actions {
        if connections.is_empty() || (what % 16 == 0 && connections.len() < 8) {
            let initiator = who % 3 == 0;
            let keys = keys(if initiator { 1 } else { 2 + who % 4 });
            let id = path.connect(now, SUBPROTOCOL);
            let Some(Transmit::Message(message)) = path.poll_transmit(id) else {
                panic!("the server speaks first")
            };
            let (nonce, _, hello) = Nonce::split(&message).expect("a whole message");
            let server = ServerHello::parse(hello).expect("a good message").key;
            let server = (nonce.cookie, SharedKey::new(&server, keys.secret()));
            let mut connection =
                Connection { id, keys, initiator, server, address: 0, sequence: 0 };
            if who % 2 == 0 {
                for message in connection.handshake() {
                    path.handle_message(now, id, message.into());
                }
            }
            connections.push(connection);
        }
        let at = usize::from(who) % connections.len();
        let connection = &mut connections[at];
        let id = connection.id;
        match what % 10 {
            0 => path.handle_message(now, id, data.into()),
            1 => {
                let message = connection.clear(0, &data);
                path.handle_message(now, id, message.into());
            }
            2 | 3 => {
                let message = connection.sealed(&data);
                path.handle_message(now, id, message.into());
            }
            4 | 5 => {
                let to = if connection.initiator { 2 + what % 4 } else { 1 };
                let message = connection.clear(to, &data);
                path.handle_message(now, id, message.into());
            }
            6 => {
                for message in connection.handshake() {
                    path.handle_message(now, id, message.into());
                }
            }
            7 => {
                now += Duration::from_millis(u64::from(what) * 100);
                path.handle_timeout(now);
            }
            8 => path.handle_pong(now, id),
            _ => {
                path.handle_closed(now, id);
                connections.remove(at);
            }
        }
        while path.poll_event().is_some() {}
        if what < 128 {
            // They read.
            connections.retain_mut(|connection| {
                while let Some(transmit) = path.poll_transmit(connection.id) {
                    match transmit {
                        Transmit::Message(message) => {
                            let (nonce, ..) = Nonce::split(&message).expect("a whole message");
                            if nonce.source == Address::SERVER {
                                connection.address = nonce.destination.0;
                            }
                        }
                        Transmit::Ping | Transmit::Pong => {}
                        Transmit::Close(_) => {
                            assert_eq!(path.poll_transmit(connection.id), None);
                            path.handle_closed(now, connection.id);
                            return false;
                        }
                    }
                }
                true
            });
        }
    }
    path.shutdown(now);
    for connection in connections {
        path.handle_closed(now, connection.id);
    }
    assert!(path.is_empty());
});

//! A client in any state, between a server and a peer that send anything. They know all keys, so that
//! the content of boxes is tested too.
//!
//! `cargo +nightly fuzz run client_machine`

#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use saltyrtc::crypto::{AuthToken, KeyPair, RandomSource, SecretKey, SharedKey};
use saltyrtc::protocol::client::{ClientState, PeerAuth, RoleConfig, SocketEnd};
use saltyrtc::protocol::message::{
    InitiatorAuth, Key, Payload, ResponderAuth, ServerAuth, ServerAuthRole, ServerHello, TaskData,
    Token,
};
use saltyrtc::protocol::{
    Address, CombinedSequenceNumber, Cookie, Nonce, ResponderAddress, Transmit,
};
use saltyrtc::task::{Client, ClientConfig, Event, RelayedData, relayed_data};

/// Not random at all, and therefore good for fuzzing.
struct Counter(u8);

impl RandomSource for Counter {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.0 = self.0.wrapping_add(1);
        bytes.fill(self.0);
    }
}

fn keys(n: u8) -> KeyPair {
    KeyPair::from_secret(SecretKey::from_bytes([n; 32]))
}

/// One direction of one relation.
struct Out {
    cookie: u8,
    source: u8,
    destination: u8,
    sequence: u64,
}

impl Out {
    fn nonce(&mut self) -> [u8; 24] {
        self.sequence += 1;
        Nonce {
            cookie: Cookie([self.cookie; 16]),
            source: Address(self.source),
            destination: Address(self.destination),
            sequence: CombinedSequenceNumber::from_wire(self.sequence),
        }
        .to_bytes()
    }

    fn clear(&mut self, plain: &[u8]) -> Vec<u8> {
        [&self.nonce()[..], plain].concat()
    }

    fn sealed(&mut self, key: &SharedKey, plain: &[u8]) -> Vec<u8> {
        let nonce = self.nonce();
        [&nonce[..], &key.seal(&nonce, plain)].concat()
    }
}

struct World {
    now: Instant,
    client: Client,
    initiator: bool,
    /// Messages that the client sent, oldest first.
    sent: Vec<Vec<u8>>,
    server: Out,
    server_key: SharedKey,
    peer: Out,
    token: AuthToken,
    permanent_key: SharedKey,
    session: KeyPair,
    session_key: Option<SharedKey>,
}

impl World {
    fn new(initiator: bool) -> Self {
        let (own, other, session) = (keys(1), keys(2), keys(4));
        let token = AuthToken::from_bytes([3; 32]);
        let role = if initiator {
            RoleConfig::Initiator { responder: PeerAuth::Token(token.clone()) }
        } else {
            RoleConfig::Responder { initiator: *other.public(), token: Some(token.clone()) }
        };
        let config = ClientConfig {
            tasks: vec![Box::new(RelayedData)],
            max_queue_size: 100_000,
            ..ClientConfig::new(role, own.clone())
        };
        let mut client = Client::new(config, Box::new(Counter(100))).expect("a good configuration");
        let now = Instant::now();
        client.handle_connected(now);
        let (own_address, peer_address) = if initiator { (1, 2) } else { (2, 1) };
        Self {
            now,
            client,
            initiator,
            sent: Vec::new(),
            server: Out { cookie: 1, source: 0, destination: 0, sequence: 0 },
            server_key: SharedKey::new(own.public(), keys(5).secret()),
            peer: Out { cookie: 2, source: peer_address, destination: own_address, sequence: 0 },
            token,
            permanent_key: SharedKey::new(own.public(), other.secret()),
            session,
            session_key: None,
        }
    }

    fn receive(&mut self, message: &[u8]) {
        self.client.handle_message(self.now, message);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(transmit) = self.client.poll_transmit() {
            if let Transmit::Message(message) = transmit {
                self.sent.push(message.to_vec());
            }
        }
        let mut events = 0;
        while let Some(event) = self.client.poll_event() {
            events += 1;
            if let Event::Application(payload) = event {
                let _ = (payload.as_text(), payload.as_bytes());
            }
        }
        assert!(events < 1000);
    }

    /// The last message that the client sent to `destination`.
    fn last_to(&self, destination: u8) -> Option<(Nonce, &[u8; 24], &[u8])> {
        let messages = self.sent.iter().rev().filter_map(|message| Nonce::split(message));
        messages.into_iter().find(|(nonce, ..)| nonce.destination.0 == destination)
    }

    /// The next good message of the handshake; nothing if there is none.
    fn go_on(&mut self) {
        match self.client.state() {
            ClientState::ServerHandshake if self.sent.is_empty() => {
                let hello = ServerHello { key: *keys(5).public() }.serialise();
                let message = self.server.clear(&hello);
                self.receive(&message);
            }
            ClientState::ServerHandshake => {
                self.server.destination = self.peer.destination;
                let Some((nonce, ..)) = self.last_to(0) else { return };
                let role = if self.initiator {
                    let responders = ResponderAddress::new(2).into_iter().collect();
                    ServerAuthRole::Initiator { responders }
                } else {
                    ServerAuthRole::Responder { initiator_connected: true }
                };
                let auth = ServerAuth { your_cookie: nonce.cookie, signed_keys: None, role };
                let message = self.server.sealed(&self.server_key, &auth.serialise());
                self.receive(&message);
            }
            ClientState::WaitingForPeer | ClientState::PeerHandshake => self.peer_goes_on(),
            ClientState::Connecting | ClientState::Task | ClientState::Closed => {}
        }
    }

    fn peer_goes_on(&mut self) {
        if self.session_key.is_none() {
            if self.initiator {
                let nonce = self.peer.nonce();
                let mut message = nonce.to_vec();
                let token = Token { key: *keys(2).public() }.serialise();
                self.token.seal_onto(&mut message, &nonce, &token);
                self.receive(&message);
            }
            let theirs = self.last_key();
            let key = Key { key: *self.session.public() }.serialise();
            let message = self.peer.sealed(&self.permanent_key, &key);
            self.receive(&message);
            let Some(theirs) = theirs.or_else(|| self.last_key()) else { return };
            self.session_key = Some(SharedKey::new(&theirs, self.session.secret()));
        } else if let (Some((nonce, ..)), Some(key)) =
            (self.last_to(self.peer.source), &self.session_key)
        {
            let name = relayed_data::NAME.to_owned();
            let plain = if self.initiator {
                let tasks = vec![(name, TaskData::NIL)];
                ResponderAuth { your_cookie: nonce.cookie, tasks }.serialise()
            } else {
                let data = TaskData::NIL;
                InitiatorAuth { your_cookie: nonce.cookie, task: name, data }.serialise()
            };
            let message = self.peer.sealed(key, &plain);
            self.receive(&message);
        }
    }

    /// The session key in the last 'key' of the client.
    fn last_key(&self) -> Option<saltyrtc::crypto::PublicKey> {
        let (_, nonce, data) = self.last_to(self.peer.source)?;
        let plain = self.permanent_key.open(nonce, data).ok()?;
        Key::parse(&plain, keys(1).public()).ok().map(|key| key.key)
    }

    /// One thing that happens: `what` says which, `data` is the content.
    fn act(&mut self, what: u8, data: &[u8]) {
        match what % 12 {
            0 | 1 => self.go_on(),
            2 => self.receive(data),
            3 => {
                let message = self.server.clear(data);
                self.receive(&message);
            }
            4 => {
                let message = self.server.sealed(&self.server_key, data);
                self.receive(&message);
            }
            5 => {
                let message = self.peer.sealed(&self.permanent_key, data);
                self.receive(&message);
            }
            6 => {
                let nonce = self.peer.nonce();
                let mut message = nonce.to_vec();
                self.token.seal_onto(&mut message, &nonce, data);
                self.receive(&message);
            }
            7 => {
                if let Some(key) = &self.session_key {
                    let message = self.peer.sealed(key, data);
                    self.receive(&message);
                }
            }
            8 => {
                self.now += Duration::from_millis(u64::from(what) * 500);
                self.client.handle_timeout(self.now);
            }
            9 => {
                let _ = self.client.send_application(Payload::from_bytes(data));
            }
            10 => {
                let _ = self.client.arm_token(self.token.clone());
            }
            _ => match what / 12 % 4 {
                0 => self.client.handle_text(),
                1 => self.client.close(),
                2 => {
                    let _ = self.client.trust_peer(self.now);
                }
                _ => self.client.handle_socket_end(SocketEnd::CloseFrame(Some(3001))),
            },
        }
        self.drain();
    }
}

fuzz_target!(|input: (bool, u8, Vec<(u8, Vec<u8>)>)| {
    let (initiator, progress, actions) = input;
    let mut world = World::new(initiator);
    for _ in 0..progress % 6 {
        world.go_on();
    }
    for (what, data) in actions {
        world.act(what, &data);
    }
    world.client.handle_socket_end(SocketEnd::Lost(String::new()));
    world.drain();
    assert!(world.client.ended());
});

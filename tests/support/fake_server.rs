//! A server without principles: it does the handshake by hand, and sends whatever a test wants.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rmpv::Value;
use saltyrtc::crypto::{KeyPair, PublicKey, SharedKey};
use saltyrtc::protocol::client::{ClientState, Closed, ClosedBy, SocketEnd};
use saltyrtc::protocol::{CloseCode, Nonce, Role, Transmit};
use saltyrtc::task::{Client, ClientConfig, Event};

use super::keys;
use super::msg::{Msg, bin};
use super::random::Seeded;

/// One direction of one relation: makes the nonces of a sender.
#[derive(Debug, Clone)]
pub struct Sender {
    pub cookie: [u8; 16],
    pub source: u8,
    pub destination: u8,
    /// The combined sequence number of the next message.
    pub sequence: u64,
}

impl Sender {
    pub fn new(cookie: u8, source: u8, destination: u8) -> Self {
        Self { cookie: [cookie; 16], source, destination, sequence: 1000 }
    }

    /// The nonce of the next message.
    pub fn nonce(&mut self) -> [u8; 24] {
        let mut nonce = [0; 24];
        nonce[..16].copy_from_slice(&self.cookie);
        nonce[16..].copy_from_slice(&self.sequence.to_be_bytes());
        nonce[16] = self.source;
        nonce[17] = self.destination;
        self.sequence += 1;
        nonce
    }

    /// A message that is not encrypted.
    pub fn clear(&mut self, plain: &[u8]) -> Vec<u8> {
        [&self.nonce()[..], plain].concat()
    }

    /// A message sealed with `key`.
    pub fn sealed(&mut self, key: &SharedKey, plain: &[u8]) -> Vec<u8> {
        let nonce = self.nonce();
        [&nonce[..], &key.seal(&nonce, plain)].concat()
    }
}

/// What a client sent: the parts of a message.
#[derive(Debug, Clone)]
pub struct Sent {
    pub nonce: Nonce,
    pub bytes: [u8; 24],
    pub data: Vec<u8>,
}

impl Sent {
    pub fn parse(message: &[u8]) -> Self {
        let (nonce, bytes, data) = Nonce::split(message).expect("clients send whole messages");
        Self { nonce, bytes: *bytes, data: data.to_vec() }
    }

    pub fn clear(&self) -> Msg {
        Msg::decode(&self.data)
    }

    pub fn open(&self, key: &SharedKey) -> Msg {
        Msg::decode(&key.open(&self.bytes, &self.data).expect("sealed for us"))
    }
}

/// A server with one client on its path.
pub struct FakeServer {
    pub client: Client,
    pub now: Instant,
    /// The session key pair for this client.
    pub session: KeyPair,
    /// The key pair that signs.
    pub permanent: KeyPair,
    pub client_key: PublicKey,
    pub out: Sender,
    /// The cookie of the client, from 'client-auth'.
    pub client_cookie: [u8; 16],
    /// The address that the client gets.
    pub address: u8,
    /// What identifies the last message that was read, for each receiver.
    last_read: BTreeMap<u8, [u8; 8]>,
}

impl FakeServer {
    /// The WebSocket of a new client is open; nothing was sent yet.
    pub fn new(config: ClientConfig) -> Self {
        let client_key = *config.permanent_key.public();
        let mut client = Client::new(config, Box::new(Seeded::new(3))).unwrap();
        let address = if client.role() == Role::Initiator { 1 } else { 2 };
        let now = Instant::now();
        client.handle_connected(now);
        Self {
            client,
            now,
            session: keys::pair(0x44),
            permanent: keys::server_keys(),
            client_key,
            out: Sender::new(0x55, 0, 0),
            client_cookie: [0; 16],
            address,
            last_read: BTreeMap::new(),
        }
    }

    /// An initiator with a token that is done with the server; `responders` are on the path.
    pub fn with_initiator(responders: &[u8]) -> Self {
        Self::new(keys::initiator_with_token()).ready(responders)
    }

    /// A responder with a token that is done with the server; its initiator is on the path.
    pub fn with_responder() -> Self {
        Self::new(keys::responder_with_token()).ready(&[1])
    }

    /// Completes the handshake; `present` are the addresses of the other role on the path.
    pub fn ready(mut self, present: &[u8]) -> Self {
        self.greet();
        let auth = self.server_auth(present);
        self.send(&auth);
        let state = self.client.state();
        assert!(matches!(state, ClientState::WaitingForPeer | ClientState::PeerHandshake));
        self
    }

    pub fn role(&self) -> Role {
        self.client.role()
    }

    /// The key between the server's session key and the client's permanent key.
    pub fn key(&self) -> SharedKey {
        SharedKey::new(&self.client_key, self.session.secret())
    }

    pub fn server_hello(&self) -> Msg {
        Msg::new("server-hello").with("key", bin(self.session.public().as_bytes()))
    }

    /// Sends 'server-hello' and reads the answer: ('client-hello' if there is one, 'client-auth').
    pub fn greet(&mut self) -> (Option<Msg>, Msg) {
        let hello = self.server_hello();
        self.send_clear(&hello);
        let client_hello = (self.role() == Role::Responder).then(|| self.read().clear());
        let sent = self.read();
        self.client_cookie = sent.nonce.cookie.0;
        self.out.destination = self.address;
        (client_hello, sent.open(&self.key()))
    }

    /// A good 'server-auth'.
    pub fn server_auth(&self, present: &[u8]) -> Msg {
        let msg = Msg::new("server-auth").with("your_cookie", bin(&self.client_cookie));
        match self.role() {
            Role::Initiator => {
                let responders = present.iter().map(|&id| id.into()).collect();
                msg.with("responders", Value::Array(responders))
            }
            Role::Responder => msg.with("initiator_connected", !present.is_empty()),
        }
    }

    /// The signature for the next message.
    pub fn signed_keys(&self) -> Value {
        let keys = [*self.session.public().as_bytes(), *self.client_key.as_bytes()].concat();
        self.sign(&keys)
    }

    /// `plain` boxed with the permanent key for the next message.
    pub fn sign(&self, plain: &[u8]) -> Value {
        let nonce = self.out.clone().nonce();
        bin(&SharedKey::new(&self.client_key, self.permanent.secret()).seal(&nonce, plain))
    }

    /// Gives the client any bytes.
    pub fn send_raw(&mut self, message: &[u8]) {
        self.client.handle_message(self.now, message);
    }

    pub fn send_clear(&mut self, msg: &Msg) {
        let message = self.out.clear(&msg.encode());
        self.send_raw(&message);
    }

    /// Sends a message of the server.
    pub fn send(&mut self, msg: &Msg) {
        self.send_plain(&msg.encode());
    }

    /// Sends a message of the server with any content.
    pub fn send_plain(&mut self, plain: &[u8]) {
        let key = self.key();
        let message = self.out.sealed(&key, plain);
        self.send_raw(&message);
    }

    pub fn new_responder(&mut self, id: u8) {
        self.send(&Msg::new("new-responder").with("id", id));
    }

    pub fn disconnected(&mut self, id: u8) {
        self.send(&Msg::new("disconnected").with("id", id));
    }

    /// The last message of the client to `to` was lost, or one that it never sent if there is none.
    pub fn send_error(&mut self, to: u8) {
        let never = [self.address, to, 0xff, 0, 0, 0, 0, 9];
        let id = self.last_read.get(&to).copied().unwrap_or(never);
        self.send(&Msg::new("send-error").with("id", bin(&id)));
    }

    /// The next message of the client, which has to be there.
    pub fn read(&mut self) -> Sent {
        match self.client.poll_transmit() {
            Some(Transmit::Message(message)) => {
                let sent = Sent::parse(&message);
                self.last_read.insert(sent.nonce.destination.0, sent.nonce.identity());
                sent
            }
            other => panic!("no message, but {other:?} and {:?}", self.events()),
        }
    }

    /// The next message of the client to the server.
    pub fn read_own(&mut self) -> Msg {
        let sent = self.read();
        assert_eq!(sent.nonce.destination.0, 0);
        sent.open(&self.key())
    }

    /// The next message is 'drop-responder' with these values.
    #[track_caller]
    pub fn expect_drop(&mut self, id: u8, reason: u16) {
        let expected = Msg::new("drop-responder").with("id", id).with("reason", u64::from(reason));
        assert_eq!(self.read_own(), expected);
    }

    /// The client sends nothing, and goes on.
    #[track_caller]
    pub fn expect_silence(&mut self) {
        let sent = self.client.poll_transmit();
        assert_eq!(sent, None, "{:?}", self.events());
        assert_ne!(self.client.state(), ClientState::Closed);
    }

    /// The client closes with `code` and does nothing else; the WebSocket ends.
    #[track_caller]
    pub fn expect_close(&mut self, code: CloseCode) -> Closed {
        let sent = self.client.poll_transmit();
        assert_eq!(sent, Some(Transmit::Close(code)), "{:?}", self.events());
        assert_eq!(self.client.poll_transmit(), None);
        self.end(SocketEnd::CloseFrame(Some(code.code())))
    }

    /// The client accuses the server: closes with 3001 and tells the application why.
    #[track_caller]
    pub fn expect_accusation(&mut self) -> String {
        use saltyrtc::protocol::client::EndReason;
        let closed = self.expect_close(CloseCode::ProtocolError);
        assert_eq!((closed.by, closed.code, closed.retryable()), (ClosedBy::Us, Some(3001), false));
        match closed.reason {
            EndReason::ServerProtocolError(text) => text,
            other => panic!("{other:?}"),
        }
    }

    /// The WebSocket ends.
    #[track_caller]
    pub fn end(&mut self, end: SocketEnd) -> Closed {
        self.client.handle_socket_end(end);
        assert_eq!(self.client.state(), ClientState::Closed);
        match self.events().pop() {
            Some(Event::Closed(closed)) => closed,
            other => panic!("{other:?} in place of the end"),
        }
    }

    /// Lets time pass, all timers included.
    pub fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.client.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.client.handle_timeout(self.now);
        }
        self.now = end;
    }

    /// Takes all events.
    pub fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.client.poll_event()).collect()
    }
}

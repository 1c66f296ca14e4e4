//! Peers without principles, of both roles, behind a [`FakeServer`].

use rmpv::Value;
use saltyrtc::crypto::{AuthToken, KeyPair, PublicKey, SharedKey};
use saltyrtc::protocol::Role;
use saltyrtc::task::relayed_data;

use super::fake_server::{FakeServer, Sender, Sent};
use super::keys;
use super::msg::{Msg, bin, map, texts};

/// A peer of the client: a responder if that is an initiator, and the other way round.
#[derive(Clone)]
pub struct FakePeer {
    pub role: Role,
    pub permanent: KeyPair,
    pub session: KeyPair,
    pub token: AuthToken,
    pub out: Sender,
    pub client_key: PublicKey,
    /// The client's public session key, from its 'key'.
    pub client_session: Option<PublicKey>,
    /// The client's cookie towards us.
    pub client_cookie: [u8; 16],
}

impl FakePeer {
    /// The responder at `address`, with the key and the token of the invitation.
    pub fn responder(address: u8) -> Self {
        Self {
            role: Role::Responder,
            permanent: keys::responder_keys(),
            session: keys::pair(0x66),
            token: keys::token(),
            out: Sender::new(address, address, 1),
            client_key: *keys::initiator_keys().public(),
            client_session: None,
            client_cookie: [0; 16],
        }
    }

    /// The initiator of a client at the address 2.
    pub fn initiator() -> Self {
        Self {
            role: Role::Initiator,
            permanent: keys::initiator_keys(),
            session: keys::pair(0x65),
            token: keys::token(),
            out: Sender::new(0xaa, 1, 2),
            client_key: *keys::responder_keys().public(),
            client_session: None,
            client_cookie: [0; 16],
        }
    }

    /// The key between the two permanent keys.
    pub fn permanent_key(&self) -> SharedKey {
        SharedKey::new(&self.client_key, self.permanent.secret())
    }

    /// The key between the two session keys.
    pub fn session_key(&self) -> SharedKey {
        let client_session = self.client_session.expect("the client sent its session key");
        SharedKey::new(&client_session, self.session.secret())
    }

    // Good messages

    pub fn token_msg(&self) -> Msg {
        Msg::new("token").with("key", bin(self.permanent.public().as_bytes()))
    }

    pub fn key_msg(&self) -> Msg {
        Msg::new("key").with("key", bin(self.session.public().as_bytes()))
    }

    pub fn auth_msg(&self) -> Msg {
        let msg = Msg::new("auth").with("your_cookie", bin(&self.client_cookie));
        let msg = match self.role {
            Role::Responder => msg.with("tasks", texts(&[relayed_data::NAME])),
            Role::Initiator => msg.with("task", relayed_data::NAME),
        };
        msg.with("data", map(&[(relayed_data::NAME, Value::Nil)]))
    }

    // Sending

    pub fn send_raw(&mut self, server: &mut FakeServer, message: &[u8]) {
        server.send_raw(message);
    }

    /// Sends any content, sealed with the token.
    pub fn send_with_token(&mut self, server: &mut FakeServer, plain: &[u8]) {
        let nonce = self.out.nonce();
        let mut message = nonce.to_vec();
        self.token.seal_onto(&mut message, &nonce, plain);
        server.send_raw(&message);
    }

    /// Sends any content, sealed with the permanent keys.
    pub fn send_with_permanent(&mut self, server: &mut FakeServer, plain: &[u8]) {
        let message = self.out.sealed(&self.permanent_key(), plain);
        server.send_raw(&message);
    }

    /// Sends any content, sealed with the session keys.
    pub fn send_with_session(&mut self, server: &mut FakeServer, plain: &[u8]) {
        let message = self.out.sealed(&self.session_key(), plain);
        server.send_raw(&message);
    }

    pub fn send_token(&mut self, server: &mut FakeServer) {
        let plain = self.token_msg().encode();
        self.send_with_token(server, &plain);
    }

    pub fn send_key(&mut self, server: &mut FakeServer) {
        let plain = self.key_msg().encode();
        self.send_with_permanent(server, &plain);
    }

    pub fn send_auth(&mut self, server: &mut FakeServer) {
        let plain = self.auth_msg().encode();
        self.send_with_session(server, &plain);
    }

    /// Sends a message of the session.
    pub fn send(&mut self, server: &mut FakeServer, msg: &Msg) {
        self.send_with_session(server, &msg.encode());
    }

    // Reading

    fn read_sent(&self, server: &mut FakeServer) -> Sent {
        let sent = server.read();
        let addresses = (sent.nonce.source.0, sent.nonce.destination.0);
        assert_eq!(addresses, (server.address, self.out.source), "a message for us");
        sent
    }

    /// Reads the client's 'token'.
    pub fn read_token(&mut self, server: &mut FakeServer) -> Msg {
        let sent = self.read_sent(server);
        Msg::decode(&self.token.open(&sent.bytes, &sent.data).expect("sealed with the token"))
    }

    /// Reads the client's 'key' and remembers what is in it.
    pub fn read_key(&mut self, server: &mut FakeServer) -> Msg {
        let sent = self.read_sent(server);
        let msg = sent.open(&self.permanent_key());
        let key = msg.field("key").as_slice().expect("binary");
        self.client_session = Some(PublicKey::from_slice(key).unwrap());
        self.client_cookie = sent.nonce.cookie.0;
        msg
    }

    /// Reads a message of the session.
    pub fn read(&mut self, server: &mut FakeServer) -> Msg {
        self.read_sent(server).open(&self.session_key())
    }

    // Parts of the handshake

    /// A responder: as far as the client waits for 'auth'.
    pub fn up_to_auth(&mut self, server: &mut FakeServer) {
        match self.role {
            Role::Responder => {
                self.send_token(server);
                self.send_key(server);
                self.read_key(server);
            }
            Role::Initiator => {
                self.read_token(server);
                self.read_key(server);
                self.send_key(server);
                let auth = self.read(server);
                assert_eq!(auth.kind(), "auth");
            }
        }
    }

    /// The whole handshake.
    pub fn authenticate(&mut self, server: &mut FakeServer) {
        self.up_to_auth(server);
        self.send_auth(server);
        if self.role == Role::Responder {
            assert_eq!(self.read(server).kind(), "auth");
        }
        assert!(server.client.peer_key().is_some(), "{:?}", server.events());
    }
}

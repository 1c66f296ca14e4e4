//! The handshake with the server (protocol, *Client-to-Server Messages*).

use std::time::{Duration, Instant};

use super::server_messages::{AuthenticatedServer, in_the_clear, seal};
use crate::crypto::{KeyPair, PublicKey, RandomSource, SharedKey};
use crate::protocol::message::{
    ClientAuth, ClientHello, MessageError, ServerAuth, ServerAuthRole, ServerHello,
};
use crate::protocol::{Address, Nonce, NonceError, NonceStreams, Role, SUBPROTOCOL};

/// A handshake with the server in progress.
#[derive(Debug)]
pub(super) struct ServerHandshake {
    role: Role,
    server_key: Option<PublicKey>,
    ping_interval: u32,
    nonces: NonceStreams,
    /// The server's session key and what it makes with our permanent key, after 'server-hello'.
    session: Option<(PublicKey, SharedKey)>,
    timeout: Duration,
    /// When it will have taken too long; `None` until the WebSocket is open.
    pub(super) deadline: Option<Instant>,
}

/// What a message of the server led to.
pub(super) enum Step {
    /// These messages are to be sent, and the handshake goes on.
    Continue(Box<ServerHandshake>, Vec<Vec<u8>>),
    /// The server is authenticated.
    Done { server: AuthenticatedServer, auth: ServerAuthRole, server_verified: bool },
}

/// Why the handshake failed.
pub(super) enum HandshakeFailure {
    /// The server broke the protocol.
    Protocol(String),
    /// The server does not have the permanent key that we know.
    ServerKey(&'static str),
}

impl From<MessageError> for HandshakeFailure {
    fn from(error: MessageError) -> Self {
        Self::Protocol(error.to_string())
    }
}

impl From<NonceError> for HandshakeFailure {
    fn from(error: NonceError) -> Self {
        Self::Protocol(error.to_string())
    }
}

impl ServerHandshake {
    pub(super) fn new(
        role: Role,
        server_key: Option<PublicKey>,
        ping_interval: u32,
        random: &mut dyn RandomSource,
        timeout: Duration,
    ) -> Self {
        let nonces = NonceStreams::new(random);
        Self { role, server_key, ping_interval, nonces, session: None, timeout, deadline: None }
    }

    /// The WebSocket is open.
    pub(super) fn start(&mut self, now: Instant) {
        self.deadline = Some(now + self.timeout);
    }

    /// A message from the server. After an error the handshake cannot go on.
    pub(super) fn handle(
        mut self,
        permanent_key: &KeyPair,
        nonce: &Nonce,
        nonce_bytes: &[u8; Nonce::BYTES],
        data: &[u8],
    ) -> Result<Step, HandshakeFailure> {
        match self.session.take() {
            None => self.server_hello(permanent_key, nonce, data),
            Some((session_key, key)) => {
                self.server_auth(permanent_key, nonce, nonce_bytes, data, session_key, key)
            }
        }
    }

    fn server_hello(
        mut self,
        permanent_key: &KeyPair,
        nonce: &Nonce,
        data: &[u8],
    ) -> Result<Step, HandshakeFailure> {
        if nonce.destination != Address::SERVER {
            return Err(HandshakeFailure::Protocol(format!(
                "'server-hello' is addressed to {} before an address was assigned",
                nonce.destination
            )));
        }
        let checked = self.nonces.check(nonce)?;
        let session_key = ServerHello::parse(data)?.key;
        // Spec: P-113 ('server-hello' Message)
        if self.server_key == Some(session_key) {
            return Err(HandshakeFailure::ServerKey("its session key is its permanent key"));
        }
        self.nonces.commit(checked);

        let key = SharedKey::new(&session_key, permanent_key.secret());
        let mut messages = Vec::new();
        // Spec: P-115 P-116 ('client-hello' Message)
        if self.role == Role::Responder {
            // Spec: P-117 ('client-hello' Message)
            let hello = ClientHello { key: *permanent_key.public() };
            // Spec: P-120 ('client-hello' Message)
            messages.push(in_the_clear(&self.next_nonce(), &hello.serialise()));
        }
        let auth = ClientAuth {
            // Spec: P-122 ('client-auth' Message)
            your_cookie: nonce.cookie,
            // Spec: P-123 ('client-auth' Message)
            subprotocols: vec![SUBPROTOCOL.to_owned()],
            // Spec: P-124 P-125 ('client-auth' Message)
            ping_interval: self.ping_interval.into(),
            // Spec: P-126 ('client-auth' Message)
            your_key: self.server_key.map(|key| *key.as_bytes()),
        };
        // Spec: P-121 P-142 ('client-auth' Message)
        messages.push(seal(&self.next_nonce(), &key, &auth.serialise()));
        self.session = Some((session_key, key));
        Ok(Step::Continue(Box::new(self), messages))
    }

    fn server_auth(
        mut self,
        permanent_key: &KeyPair,
        nonce: &Nonce,
        nonce_bytes: &[u8; Nonce::BYTES],
        data: &[u8],
        session_key: PublicKey,
        key: SharedKey,
    ) -> Result<Step, HandshakeFailure> {
        // Spec: P-060 (Receiving a Signalling Message)
        // The first message with an address in it tells us ours.
        let address = nonce.destination;
        // Spec: P-061 P-062 (Receiving a Signalling Message)
        if address.role() != Some(self.role) {
            return Err(HandshakeFailure::Protocol(format!(
                "'server-auth' is addressed to {address}, which is not the address of an {}",
                self.role
            )));
        }
        let checked = self.nonces.check(nonce)?;
        let plain = key.open(nonce_bytes, data).map_err(|_| {
            HandshakeFailure::Protocol("'server-auth' could not be decrypted".into())
        })?;
        let auth = ServerAuth::parse(&plain, self.role)?;
        // Spec: P-158 ('server-auth' Message)
        if auth.your_cookie != self.nonces.own_cookie() {
            return Err(HandshakeFailure::Protocol(
                "'server-auth' does not repeat our cookie".into(),
            ));
        }
        let server_verified = match (&self.server_key, &auth.signed_keys) {
            (Some(server_key), Some(signed)) => {
                // Spec: P-159 ('server-auth' Message)
                let signed = SharedKey::new(server_key, permanent_key.secret())
                    .open(nonce_bytes, signed)
                    .map_err(|_| HandshakeFailure::ServerKey("its signature is by another key"))?;
                let expected = [&session_key.as_bytes()[..], permanent_key.public().as_bytes()];
                // Spec: P-160 ('server-auth' Message)
                if signed != expected.concat() {
                    return Err(HandshakeFailure::ServerKey("its signature is for other keys"));
                }
                true
            }
            (Some(_), None) => {
                return Err(HandshakeFailure::ServerKey("it does not sign its session key"));
            }
            (None, Some(_)) => {
                // Spec: P-161 ('server-auth' Message)
                tracing::warn!(
                    "the server signs its session key, but its permanent key is not known here, so \
                     the signature cannot be verified"
                );
                false
            }
            (None, None) => false,
        };
        self.nonces.commit(checked);
        // Spec: P-063 (Receiving a Signalling Message)
        // Spec: P-157 ('server-auth' Message)
        let server = AuthenticatedServer { nonces: self.nonces, key, address };
        Ok(Step::Done { server, auth: auth.role, server_verified })
    }

    fn next_nonce(&mut self) -> Nonce {
        self.nonces
            // Spec: P-041 P-044 (Sending a Signalling Message)
            .next_nonce(Address::SERVER, Address::SERVER)
            .expect("a counter that starts below 2^32 has room for two messages")
    }
}

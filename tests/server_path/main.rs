//! The behaviour of one signalling path of the server, with scripted clients and a virtual clock.

#[path = "../support/scripted_client.rs"]
mod scripted_client;

mod fields;
mod handshake;
mod notifications;
mod pausing;
mod random;
mod relay;
mod time;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rmpv::Value;
use saltyrtc::crypto::{KeyPair, OsRandom};
use saltyrtc::protocol::Transmit;
use saltyrtc::protocol::server::{ClientId, Event, Path, PathConfig};
use scripted_client::{SUBPROTOCOL, ScriptedClient, field, map};

/// What a client gets to see.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Incoming {
    Server(Value),
    Relayed(Bytes),
    Ping,
    Pong,
    Close(u16),
}

use Incoming::{Close, Relayed, Server};

/// A path, its virtual clock, and the key of its initiator.
pub(crate) struct Bench {
    pub(crate) path: Path,
    pub(crate) now: Instant,
    pub(crate) initiator_keys: KeyPair,
}

/// A client that opened a WebSocket.
pub(crate) struct Member {
    pub(crate) id: ClientId,
    pub(crate) client: ScriptedClient,
    /// The last message of the server, as it came.
    pub(crate) last: Bytes,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(PathConfig::default())
    }

    pub(crate) fn with(config: PathConfig) -> Self {
        let keys = KeyPair::generate(&mut OsRandom);
        let path = Path::new(*keys.public(), Arc::new(config), Box::new(OsRandom));
        Self { path, now: Instant::now(), initiator_keys: keys }
    }

    /// A client connects and takes in 'server-hello'.
    pub(crate) fn connect(&mut self, keys: KeyPair) -> Member {
        let id = self.path.connect(self.now, SUBPROTOCOL);
        let Some(Transmit::Message(hello)) = self.path.poll_transmit(id) else {
            panic!("'server-hello' comes first")
        };
        let mut client = ScriptedClient::new(keys);
        client.receive_hello(&hello);
        Member { id, client, last: hello }
    }

    /// The initiator connects, but says nothing yet.
    pub(crate) fn new_initiator(&mut self) -> Member {
        self.connect(self.initiator_keys.clone())
    }

    /// A responder connects and sends 'client-hello'.
    pub(crate) fn new_responder(&mut self) -> Member {
        let mut member = self.connect(KeyPair::generate(&mut OsRandom));
        let hello = member.client.client_hello();
        let message = member.client.plain(&hello);
        self.send(&member, message);
        member
    }

    /// Sends 'client-auth' and takes in the answer.
    pub(crate) fn authenticate(&mut self, member: &mut Member) -> Value {
        let auth = member.client.client_auth();
        self.authenticate_with(member, &auth)
    }

    pub(crate) fn authenticate_with(&mut self, member: &mut Member, auth: &Value) -> Value {
        let message = member.client.sealed(auth);
        self.send(member, message);
        match self.incoming(member).as_slice() {
            [Server(answer)] => answer.clone(),
            other => panic!("not just 'server-auth': {other:?}"),
        }
    }

    pub(crate) fn join_initiator(&mut self) -> Member {
        let mut member = self.new_initiator();
        self.authenticate(&mut member);
        assert_eq!(member.client.address, 1);
        member
    }

    pub(crate) fn join_responder(&mut self) -> Member {
        let mut member = self.new_responder();
        self.authenticate(&mut member);
        member
    }

    pub(crate) fn send(&mut self, member: &Member, message: Vec<u8>) {
        self.path.handle_message(self.now, member.id, message.into());
    }

    /// Everything that waits for a client, and what takes the place of that as it is taken.
    pub(crate) fn incoming(&mut self, member: &mut Member) -> Vec<Incoming> {
        let mut all = Vec::new();
        while let Some(incoming) = self.next(member) {
            all.push(incoming);
            self.path.handle_written(self.now, member.id);
        }
        all
    }

    /// The next thing that waits for a client. Nobody is told that it was taken.
    pub(crate) fn next(&mut self, member: &mut Member) -> Option<Incoming> {
        Some(match self.path.poll_transmit(member.id)? {
            Transmit::Message(message) if message[16] == 0 => {
                member.last = message.clone();
                Server(member.client.open(&message))
            }
            Transmit::Message(message) => Relayed(message),
            Transmit::Ping => Incoming::Ping,
            Transmit::Pong => Incoming::Pong,
            Transmit::Close(code) => Close(code.code()),
        })
    }

    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.path.poll_event()).collect()
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.now += by;
        self.path.handle_timeout(self.now);
    }
}

pub(crate) fn new_responder(id: u8) -> Incoming {
    Server(map(vec![("type", "new-responder".into()), ("id", id.into())]))
}

pub(crate) fn new_initiator() -> Incoming {
    Server(map(vec![("type", "new-initiator".into())]))
}

pub(crate) fn disconnected(id: u8) -> Incoming {
    Server(map(vec![("type", "disconnected".into()), ("id", id.into())]))
}

/// 'send-error' for a message.
pub(crate) fn send_error(message: &[u8]) -> Incoming {
    let id = message[16..24].to_vec();
    Server(map(vec![("type", "send-error".into()), ("id", id.into())]))
}

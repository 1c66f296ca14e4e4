//! This library as server and as client. The calls block, like those of the foreign peers.

use std::fs;
use std::time::Instant;

use rmpv::Value;
use saltyrtc::client::{Client, Closed, Config, Event, PeerLeft, Roots, SendFailure};
use saltyrtc::crypto::{AuthToken, KeyPair, OsRandom, PublicKey, SecretKey};
use saltyrtc::protocol::message::Payload;
use saltyrtc::protocol::{Address, Invitation, ResponderAddress, ServerUrl};
use saltyrtc::server::{Server, ServerConfig, TlsIdentity};
use saltyrtc::task::{RelayedData, TaskEvent};
use saltyrtc::transport;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::certificates::{Certificates, HOST};
use super::driver::EVENT_LIMIT;
use super::javascript::{Created, RELAYED_DATA};
use super::value::canonical;
use super::{ServerAddress, hex};

/// The address that the first responder of a path gets.
pub const FIRST_RESPONDER: u8 = 2;

/// Our server on a free port of the loopback interface, with TLS and a permanent key.
pub struct LibraryServer {
    pub address: ServerAddress,
    _server: Server,
}

impl LibraryServer {
    /// A server with default settings.
    pub fn start(certificates: &Certificates) -> Self {
        Self::start_with(certificates, |_| {})
    }

    /// A server whose settings were changed by `change`.
    pub fn start_with(certificates: &Certificates, change: impl FnOnce(&mut ServerConfig)) -> Self {
        let keys = new_keys();
        let public_key = keys.public().to_hex();
        let mut config = ServerConfig::new("127.0.0.1:0".parse().unwrap());
        config.tls = Some(TlsIdentity {
            certificate_chain: fs::read(certificates.chain()).unwrap(),
            private_key: fs::read(certificates.key()).unwrap(),
        });
        config.permanent_keys = vec![keys];
        change(&mut config);
        let server = Server::start(config).unwrap();
        let port = server.local_addr().unwrap().port();
        Self { address: ServerAddress { port, public_key }, _server: server }
    }
}

/// A new permanent key pair.
pub fn new_keys() -> KeyPair {
    KeyPair::generate(&mut OsRandom)
}

/// The key pair that a JavaScript peer with this secret key has, too.
pub fn keys_of(secret: [u8; 32]) -> KeyPair {
    KeyPair::from_secret(SecretKey::from_bytes(&secret))
}

/// How our client is to be set up. Everything that a test may want to change can be changed.
pub struct Settings {
    pub config: Config,
    /// What the responder has to know; with the token, if there is one.
    pub invitation: Invitation,
}

impl Settings {
    /// An initiator that makes up its permanent key and the token.
    pub fn initiator(server: &ServerAddress, certificates: &Certificates) -> Self {
        let config = Config::initiator(url(server), new_keys());
        Self::new(config, server, certificates)
    }

    /// An initiator that trusts the responder's key.
    pub fn trusting_initiator(
        server: &ServerAddress,
        certificates: &Certificates,
        responder: &PublicKey,
    ) -> Self {
        let config = Config::trusting_initiator(url(server), new_keys(), *responder);
        Self::new(config, server, certificates)
    }

    /// A responder with the key and token (if it has one) of a JavaScript initiator.
    pub fn responder(
        server: &ServerAddress,
        certificates: &Certificates,
        initiator: &Created,
        keys: KeyPair,
    ) -> Self {
        let invitation = Invitation {
            server: url(server),
            initiator_key: PublicKey::from_hex(&initiator.public_key).unwrap(),
            server_key: Some(server_key(server)),
            token: initiator.token.as_deref().map(|token| AuthToken::from_hex(token).unwrap()),
        };
        Self::invited(invitation, certificates, keys)
    }

    /// A responder with an invitation, which travels as text.
    pub fn invited(invitation: Invitation, certificates: &Certificates, keys: KeyPair) -> Self {
        let invitation: Invitation = invitation.to_uri().parse().unwrap();
        let mut config = Config::responder(invitation.clone(), keys).with_task(RelayedData);
        config.roots = roots(certificates);
        Self { config, invitation }
    }

    fn new(mut config: Config, server: &ServerAddress, certificates: &Certificates) -> Self {
        config = config.with_task(RelayedData);
        config.roots = roots(certificates);
        config.protocol.server_key = Some(server_key(server));
        let invitation = config.invitation().expect("an initiator");
        Self { config, invitation }
    }

    /// Connects, and waits until the server has accepted us and proved to have its permanent key.
    pub fn connect(self) -> LibraryClient {
        let mut client = self.start();
        match client.next_event() {
            Event::ServerHandshakeDone { server_verified: true, .. } => client,
            event => client.fail(&event, "the server's acceptance"),
        }
    }

    /// Begins to connect.
    pub fn start(self) -> LibraryClient {
        LibraryClient {
            client: Client::connect(self.config).unwrap(),
            runtime: Builder::new_current_thread().enable_time().build().unwrap(),
            seen: Vec::new(),
        }
    }

    /// The initiator's key and the token for a JavaScript responder, in hexadecimal.
    pub fn for_javascript(&self) -> (String, String) {
        let token = self.invitation.token.as_ref().expect("an invitation with a token");
        (self.invitation.initiator_key.to_hex(), token.to_hex().to_string())
    }
}

fn url(server: &ServerAddress) -> ServerUrl {
    ServerUrl::parse(&format!("wss://{HOST}:{}", server.port)).unwrap()
}

fn server_key(server: &ServerAddress) -> PublicKey {
    PublicKey::from_hex(&server.public_key).unwrap()
}

fn roots(certificates: &Certificates) -> Roots {
    let ca = fs::read(certificates.ca()).unwrap();
    Roots::Only(transport::Certificates::parse(&ca).unwrap())
}

/// A client of this library.
pub struct LibraryClient {
    pub client: Client,
    runtime: Runtime,
    seen: Vec<Event>,
}

impl LibraryClient {
    /// The public key and the task of the peer, which has to be the next one to be authenticated.
    /// `before` are the other events until then, all of them.
    pub fn wait_for_peer(&mut self, before: &[Event]) -> (String, String) {
        for expected in before {
            let event = self.next_event();
            assert_eq!(&event, expected, "{:?}", self.seen);
        }
        match self.next_event() {
            Event::PeerHandshakeDone { peer_key, task, task_data, .. } => {
                // The JavaScript task sends an empty map where the specification has `nil`.
                assert!(task_data.as_map().is_none_or(|map| map == [0x80]));
                assert_eq!(self.client.peer_key(), Some(peer_key));
                (peer_key.to_hex(), task)
            }
            event => self.fail(&event, "the end of the handshake with the peer"),
        }
    }

    /// The same, with the relayed data task, and events that do not matter.
    pub fn wait_for_any_peer(&mut self) -> String {
        loop {
            match self.next_event() {
                Event::PeerHandshakeDone { peer_key, task, .. } => {
                    assert_eq!(task, RELAYED_DATA);
                    return peer_key.to_hex();
                }
                event @ Event::Closed(_) => self.fail(&event, "a peer"),
                _ => {}
            }
        }
    }

    /// Data of the relayed data task, which has to be the next event.
    pub fn receive_data(&mut self) -> Value {
        match self.next_event() {
            Event::Task(TaskEvent::Data(payload)) => decode(&payload),
            event => self.fail(&event, "data"),
        }
    }

    /// An application message, which has to be the next event.
    pub fn receive_application(&mut self) -> Value {
        match self.next_event() {
            Event::Application(payload) => decode(&payload),
            event => self.fail(&event, "an application message"),
        }
    }

    /// Sends data through the relayed data task.
    pub fn send_data(&self, value: &Value) {
        self.client.send_data(&encode(value)).unwrap();
    }

    /// Sends an application message.
    pub fn send_application(&self, value: &Value) {
        self.client.send_application(encode(value)).unwrap();
    }

    /// The next event has to be that the peer has left.
    pub fn expect_peer_left(&mut self, address: u8, how: PeerLeft, can_rejoin: bool) {
        self.expect(&Event::PeerLeft { address: Address(address), how, can_rejoin });
        assert_eq!(self.client.peer_key(), None);
        assert_eq!(self.client.send_text("to nobody"), Err(SendFailure::NoPeer));
    }

    /// The next event has to be this one.
    pub fn expect(&mut self, expected: &Event) {
        let event = self.next_event();
        assert_eq!(&event, expected, "after {:?}", self.seen);
    }

    /// The next event has to be the end.
    pub fn wait_for_end(&mut self) -> Closed {
        match self.next_event() {
            Event::Closed(closed) => closed,
            event => self.fail(&event, "the end"),
        }
    }

    /// Sends data as fast as possible until some of it comes back as not deliverable to this address.
    pub fn send_until_it_comes_back(&mut self, address: u8) {
        let payload = Payload::from_bytes(&vec![0x5a; 500_000]);
        let limit = Instant::now() + EVENT_LIMIT;
        while Instant::now() < limit {
            match self.client.send_data(&payload) {
                Ok(()) => {}
                Err(SendFailure::QueueFull | SendFailure::NoPeer) => match self.next_event() {
                    Event::Writable => {}
                    Event::SendError(lost) => {
                        return assert_eq!(lost, Address(address));
                    }
                    event => self.fail(&event, "a send-error"),
                },
                Err(error) => panic!("{error}"),
            }
        }
        panic!("everything that was sent disappears somewhere");
    }

    /// Whatever happens next.
    pub fn next_event(&mut self) -> Event {
        let event =
            self.runtime.block_on(async { timeout(EVENT_LIMIT, self.client.next_event()).await });
        match event {
            Ok(Some(event)) => {
                self.seen.push(event.clone());
                event
            }
            Ok(None) => panic!("our client has ended; its events: {:?}", self.seen),
            Err(_) => panic!("our client is silent; its events: {:?}", self.seen),
        }
    }

    fn fail(&self, event: &Event, awaited: &str) -> ! {
        panic!("our client reports {event:?} in place of {awaited}; its events: {:?}", self.seen)
    }
}

/// The event that a responder has joined.
pub fn responder_joined(address: u8) -> Event {
    Event::ResponderJoined(responder(address))
}

/// The address of a responder.
pub fn responder(address: u8) -> ResponderAddress {
    ResponderAddress::new(address).unwrap()
}

/// The value as what applications hand to the library.
pub fn encode(value: &Value) -> Payload {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, value).unwrap();
    Payload::from_msgpack(bytes).unwrap()
}

fn decode(payload: &Payload) -> Value {
    let mut bytes = payload.as_msgpack();
    let value = rmpv::decode::read_value(&mut bytes).unwrap();
    assert!(bytes.is_empty(), "exactly one value");
    canonical(&value)
}

/// The hexadecimal digits of a token that nobody has.
pub fn wrong_token() -> String {
    hex::encode(&[0x66; 32])
}

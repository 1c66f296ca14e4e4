//! An initiator and a responder on one path, and what they do to get there.

use std::io;
use std::net::SocketAddr;

use saltyrtc::crypto::{KeyPair, OsRandom, PublicKey, SharedKey};
use saltyrtc::protocol::message::{
    ClientAuth, ClientHello, ServerAuth, ServerAuthRole, ServerHello,
};
use saltyrtc::protocol::{
    Address, CombinedSequenceNumber, Cookie, Nonce, NonceStreams, ResponderAddress, Role,
    SUBPROTOCOL,
};

use crate::bare_relay::HANDSHAKE;
use crate::process::Program;
use crate::socket::Socket;

/// The bytes of the messages that two clients exchange until they trust each other, nonces included,
/// and who sends them: 'token', 'key', 'key', 'auth', 'auth' with one task.
const PEER_HANDSHAKE: [(Role, usize); 5] = [
    (Role::Responder, 91),
    (Role::Responder, 89),
    (Role::Initiator, 89),
    (Role::Responder, 155),
    (Role::Initiator, 147),
];

/// The permanent keys of a pair.
pub(crate) struct Keys {
    pub(crate) initiator: KeyPair,
    pub(crate) responder: KeyPair,
}

impl Keys {
    pub(crate) fn generate() -> Self {
        let generate = || KeyPair::generate(&mut OsRandom);
        Self { initiator: generate(), responder: generate() }
    }
}

/// One client of a pair.
pub(crate) struct Peer {
    pub(crate) socket: Socket,
    address: Address,
}

impl Peer {
    /// A message to another client. A server looks at addresses only.
    fn message(&self, to: &Self, bytes: usize) -> Vec<u8> {
        let nonce = Nonce {
            cookie: Cookie::generate(&mut OsRandom),
            source: self.address,
            destination: to.address,
            sequence: CombinedSequenceNumber::first(&mut OsRandom),
        };
        let mut message = nonce.to_bytes().to_vec();
        message.resize(bytes, 0x5a);
        message
    }
}

/// Two clients that can send to each other.
pub(crate) struct Pair {
    pub(crate) initiator: Peer,
    pub(crate) responder: Peer,
}

fn wrong(what: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}

impl Pair {
    /// Connects both clients, first the initiator, up to 'server-auth' for each.
    pub(crate) async fn connect(
        program: Program,
        address: SocketAddr,
        keys: &Keys,
    ) -> io::Result<Self> {
        if program == Program::Bare {
            let path = format!("/{}?{HANDSHAKE}", keys.initiator.public().to_hex());
            let initiator = join_bare(address, &path, Address::INITIATOR).await?;
            let responder = join_bare(address, &path, Address(0x02)).await?;
            return Ok(Self { initiator, responder });
        }
        let path = keys.initiator.public();
        let initiator = join(address, path, &keys.initiator, Role::Initiator).await?;
        let responder = join(address, path, &keys.responder, Role::Responder).await?;
        Ok(Self { initiator, responder })
    }

    /// Takes in what the server tells the initiator about the responder, so that only relayed
    /// messages are left to come.
    pub(crate) async fn settle(&mut self, program: Program) -> io::Result<()> {
        if program != Program::Bare {
            let news = self.initiator.socket.message().await?;
            if !is_from_server(&news)? {
                return Err(wrong("a message of the server was to come"));
            }
        }
        if self.initiator.socket.is_drained() && self.responder.socket.is_drained() {
            Ok(())
        } else {
            Err(wrong("there are more messages than there should be"))
        }
    }

    /// Exchanges as many messages of the same size as a client-to-client handshake has.
    pub(crate) async fn peer_handshake(&mut self) -> io::Result<()> {
        for (sender, bytes) in PEER_HANDSHAKE {
            let (sender, receiver) = match sender {
                Role::Initiator => (&mut self.initiator, &mut self.responder),
                Role::Responder => (&mut self.responder, &mut self.initiator),
            };
            let message = sender.message(receiver, bytes);
            sender.socket.send(&message).await?;
            let mut received = receiver.socket.message().await?;
            while is_from_server(&received)? {
                received = receiver.socket.message().await?;
            }
            if received != message {
                return Err(wrong("a message was changed on its way"));
            }
        }
        Ok(())
    }

    /// A message of the initiator for the responder, or the other way round.
    pub(crate) fn message(&self, sender: Role, bytes: usize) -> Vec<u8> {
        match sender {
            Role::Initiator => self.initiator.message(&self.responder, bytes),
            Role::Responder => self.responder.message(&self.initiator, bytes),
        }
    }

    pub(crate) async fn close(self) -> io::Result<()> {
        self.initiator.socket.close().await?;
        self.responder.socket.close().await
    }
}

fn is_from_server(message: &[u8]) -> io::Result<bool> {
    let (nonce, ..) = Nonce::split(message).ok_or_else(|| wrong("a message has no nonce"))?;
    Ok(nonce.source == Address::SERVER)
}

/// Connects a client to the bare relay.
async fn join_bare(server: SocketAddr, path: &str, address: Address) -> io::Result<Peer> {
    /// The bytes of 'client-auth', nonce included.
    const AUTH: usize = 135;
    let mut socket = Socket::open(server, path).await?;
    socket.message().await?;
    socket.send(&[0; AUTH]).await?;
    socket.message().await?;
    Ok(Peer { socket, address })
}

/// Connects a client and authenticates it towards the server.
async fn join(
    address: SocketAddr,
    path: &PublicKey,
    keys: &KeyPair,
    role: Role,
) -> io::Result<Peer> {
    let mut socket = Socket::open(address, &format!("/{}", path.to_hex())).await?;
    let mut link = NonceStreams::new(&mut OsRandom);
    let mut nonce = || {
        let nonce = link.next_nonce(Address::SERVER, Address::SERVER);
        nonce.map_err(|_| wrong("a new link has no numbers"))
    };
    if role == Role::Responder {
        let hello = ClientHello { key: *keys.public() }.serialise();
        socket.send(&[&nonce()?.to_bytes()[..], &hello].concat()).await?;
    }
    let message = socket.message().await?;
    let (server, _, hello) = Nonce::split(&message).ok_or_else(|| wrong("no 'server-hello'"))?;
    let hello = ServerHello::parse(hello).map_err(wrong)?;

    let shared = SharedKey::new(&hello.key, keys.secret());
    let auth = ClientAuth {
        your_cookie: server.cookie,
        subprotocols: vec![SUBPROTOCOL.to_owned()],
        ping_interval: 0,
        your_key: None,
    };
    let nonce = nonce()?;
    let mut message = nonce.to_bytes().to_vec();
    shared.seal_onto(&mut message, &nonce.to_bytes(), &auth.serialise());
    socket.send(&message).await?;

    let message = socket.message().await?;
    let (server, nonce_bytes, sealed) =
        Nonce::split(&message).ok_or_else(|| wrong("no 'server-auth'"))?;
    let plain = shared.open(nonce_bytes, sealed).map_err(wrong)?;
    let answer = ServerAuth::parse(&plain, role).map_err(wrong)?;
    if answer.your_cookie != nonce.cookie || answer.signed_keys.is_none() {
        return Err(wrong("'server-auth' does not prove who the server is"));
    }
    match (answer.role, ResponderAddress::try_from(server.destination)) {
        (ServerAuthRole::Initiator { .. }, Err(Address::INITIATOR))
        | (ServerAuthRole::Responder { initiator_connected: true }, Ok(_)) => {
            Ok(Peer { socket, address: server.destination })
        }
        _ => Err(wrong("the client has an address that does not go with its role")),
    }
}

//! What can only be tested from inside: the far end of the sequence numbers, and how much is kept.

use std::sync::Arc;
use std::time::Instant;

use super::*;
use crate::crypto::{KeyPair, OsRandom, PublicKey, SharedKey};
use crate::protocol::message::{ClientAuth, ClientHello, DropResponder, ServerHello};
use crate::protocol::{
    Address, CloseCode, Nonce, NonceStreams, ResponderAddress, Role, SUBPROTOCOL, Transmit,
};

struct Peer {
    id: ClientId,
    nonces: NonceStreams,
    shared: SharedKey,
    address: Address,
}

impl Peer {
    fn message(&mut self, plain: &[u8]) -> bytes::Bytes {
        let nonce = self.nonces.next_nonce(self.address, Address::SERVER).unwrap().to_bytes();
        [&nonce[..], &self.shared.seal(&nonce, plain)].concat().into()
    }
}

fn join(path: &mut Path, now: Instant, keys: &KeyPair, role: Role) -> Peer {
    let id = path.connect(now, SUBPROTOCOL);
    let Some(Transmit::Message(hello)) = path.poll_transmit(id) else { panic!("no server-hello") };
    let (nonce, _, data) = Nonce::split(&hello).unwrap();
    let key: PublicKey = ServerHello::parse(data).unwrap().key;
    let mut nonces = NonceStreams::new(&mut OsRandom);
    let shared = SharedKey::new(&key, keys.secret());
    if role == Role::Responder {
        let hello = ClientHello { key: *keys.public() }.serialise();
        let nonce = nonces.next_nonce(Address::SERVER, Address::SERVER).unwrap().to_bytes();
        path.handle_message(now, id, [&nonce[..], &hello].concat().into());
    }
    let auth = ClientAuth {
        your_cookie: nonce.cookie,
        subprotocols: vec![SUBPROTOCOL.to_owned()],
        ping_interval: 0,
        your_key: None,
    };
    let mut peer = Peer { id, nonces, shared, address: Address::SERVER };
    let message = peer.message(&auth.serialise());
    path.handle_message(now, id, message);
    let Some(Transmit::Message(answer)) = path.poll_transmit(id) else { panic!("no server-auth") };
    peer.address = Nonce::split(&answer).unwrap().0.destination;
    peer
}

fn path() -> (Path, KeyPair) {
    let keys = KeyPair::generate(&mut OsRandom);
    let config = Arc::new(PathConfig::default());
    (Path::new(*keys.public(), config, Box::new(OsRandom)), keys)
}

/// Covers P-050 P-051 P-052 P-024.
#[test]
fn used_up_sequence_numbers_close_the_connection_with_3001() {
    let now = Instant::now();
    let (mut path, keys) = path();
    let initiator = join(&mut path, now, &keys, Role::Initiator);
    let nonces = &mut path.clients.get_mut(&initiator.id).unwrap().nonces;
    nonces.set_next_sequence((1 << 48) - 2);
    for last in [(1 << 48) - 2, (1 << 48) - 1] {
        join(&mut path, now, &KeyPair::generate(&mut OsRandom), Role::Responder);
        let Some(Transmit::Message(message)) = path.poll_transmit(initiator.id) else { panic!() };
        assert_eq!(Nonce::split(&message).unwrap().0.sequence.get(), last);
    }
    let responder = join(&mut path, now, &KeyPair::generate(&mut OsRandom), Role::Responder);
    assert_eq!(
        path.poll_transmit(initiator.id),
        Some(Transmit::Close(CloseCode::ProtocolError)),
        "no number is used twice"
    );
    assert!(matches!(path.poll_transmit(responder.id), Some(Transmit::Message(_))), "is told");
    assert_eq!(path.poll_transmit(responder.id), None);
}

/// Covers P-049 P-079 P-081 P-082.
#[test]
fn sequence_numbers_of_a_client_carry_but_do_not_wrap() {
    let now = Instant::now();
    for (before, code) in [(0xffff_ffff, None), ((1 << 48) - 1, Some(CloseCode::ProtocolError))] {
        let (mut path, keys) = path();
        let mut initiator = join(&mut path, now, &keys, Role::Initiator);
        path.clients.get_mut(&initiator.id).unwrap().nonces.set_their_sequence(before);
        let next = if code.is_none() { before + 1 } else { 0 };
        initiator.nonces.set_next_sequence(next);
        let id = ResponderAddress::new(9).unwrap();
        let message = initiator.message(&DropResponder { id, reason: None }.serialise());
        path.handle_message(now, initiator.id, message);
        assert_eq!(path.poll_transmit(initiator.id), code.map(Transmit::Close));
    }
}

#[test]
fn a_path_without_clients_keeps_nothing() {
    let now = Instant::now();
    let (mut path, keys) = path();
    let peers = [
        join(&mut path, now, &keys, Role::Initiator),
        join(&mut path, now, &KeyPair::generate(&mut OsRandom), Role::Responder),
    ];
    for peer in peers {
        assert!(!path.is_empty());
        path.handle_closed(now, peer.id);
        path.handle_closed(now, peer.id);
    }
    assert!(path.is_empty() && path.initiator.is_none() && path.responders.is_empty());
    assert_eq!(path.poll_timeout(), None);
    while path.poll_event().is_some() {}
    while path.poll_ready().is_some() {}
}

//! Key pairs that can be told apart, and the configurations of two clients that want to meet.

use saltyrtc::crypto::{AuthToken, KeyPair, PublicKey, SecretKey};
use saltyrtc::protocol::Task;
use saltyrtc::protocol::client::{PeerAuth, RoleConfig};
use saltyrtc::protocol::message::TaskData;
use saltyrtc::task::{ClientConfig, CustomTask, RelayedData, TaskEvent};

/// The key pair number `n`.
pub fn pair(n: u8) -> KeyPair {
    KeyPair::from_secret(SecretKey::from_bytes(&[n; 32]))
}

/// The permanent key pair of the initiator of all tests; its public half is the path.
pub fn initiator_keys() -> KeyPair {
    pair(0x11)
}

/// The permanent key pair of the responder that is invited.
pub fn responder_keys() -> KeyPair {
    pair(0x22)
}

/// The permanent key pair of the server.
pub fn server_keys() -> KeyPair {
    pair(0x33)
}

pub fn path() -> PublicKey {
    *initiator_keys().public()
}

/// The token of the invitation.
pub fn token() -> AuthToken {
    AuthToken::from_bytes(&[0x77; 32])
}

/// A token that belongs to no invitation.
pub fn wrong_token() -> AuthToken {
    AuthToken::from_bytes(&[0x78; 32])
}

pub fn custom(name: &str) -> Box<dyn Task<TaskEvent>> {
    Box::new(CustomTask::new(name, TaskData::NIL).unwrap())
}

pub fn relayed() -> Vec<Box<dyn Task<TaskEvent>>> {
    vec![Box::new(RelayedData)]
}

fn config(role: RoleConfig, keys: KeyPair) -> ClientConfig {
    ClientConfig { tasks: relayed(), ..ClientConfig::new(role, keys) }
}

pub fn initiator(responder: PeerAuth) -> ClientConfig {
    config(RoleConfig::Initiator { responder }, initiator_keys())
}

/// An initiator that waits for the token.
pub fn initiator_with_token() -> ClientConfig {
    initiator(PeerAuth::Token(token()))
}

/// An initiator that trusts the invited responder.
pub fn initiator_with_trust() -> ClientConfig {
    initiator(PeerAuth::Trusted(*responder_keys().public()))
}

pub fn responder(keys: KeyPair, token: Option<AuthToken>) -> ClientConfig {
    config(RoleConfig::Responder { initiator: path(), token }, keys)
}

/// The invited responder with the token of the invitation.
pub fn responder_with_token() -> ClientConfig {
    responder(responder_keys(), Some(token()))
}

/// The invited responder, which counts on being trusted.
pub fn responder_with_trust() -> ClientConfig {
    responder(responder_keys(), None)
}

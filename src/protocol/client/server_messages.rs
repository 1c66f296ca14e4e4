//! Messages as they go over the WebSocket, and what it takes to exchange them with the server.

use super::outgoing::MESSAGE_OVERHEAD;
use crate::crypto::SharedKey;
use crate::protocol::{Address, Nonce, NonceStreams};

/// The authenticated connection to the server.
#[derive(Debug)]
pub(super) struct AuthenticatedServer {
    pub(super) nonces: NonceStreams,
    pub(super) key: SharedKey,
    /// The address that the server gave us.
    pub(super) address: Address,
}

/// A whole message: nonce and sealed content.
// Spec: P-054 (Sending a Signalling Message)
pub(super) fn seal(nonce: &Nonce, key: &SharedKey, plain: &[u8]) -> Vec<u8> {
    let nonce = nonce.to_bytes();
    let mut message = Vec::with_capacity(MESSAGE_OVERHEAD + plain.len());
    message.extend_from_slice(&nonce);
    key.seal_onto(&mut message, &nonce, plain);
    message
}

/// A whole message whose content is not encrypted.
pub(super) fn in_the_clear(nonce: &Nonce, plain: &[u8]) -> Vec<u8> {
    [&nonce.to_bytes()[..], plain].concat()
}

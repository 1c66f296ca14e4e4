//! The relation to the authenticated peer, while a task runs.

use super::bundle::Bundle;
use super::handover::Handover;
use crate::crypto::{PublicKey, SharedKey};
use crate::protocol::{Address, NonceStreams};

/// Everything about the authenticated peer. Thrown away as a whole when the peer is gone.
#[derive(Debug)]
pub(super) struct Session {
    /// The number of the session, counted over the life of the client.
    pub(super) id: u64,
    pub(super) address: Address,
    pub(super) nonces: NonceStreams,
    /// Between the two session keys.
    pub(super) key: SharedKey,
    pub(super) peer_key: PublicKey,
    /// Which of our tasks was chosen. It was started.
    pub(super) task: usize,
    /// Items that wait to be sent together with more of their kind.
    pub(super) bundle: Option<Bundle>,
    /// The handover, if the two clients agreed on one.
    pub(super) handover: Option<Handover>,
}

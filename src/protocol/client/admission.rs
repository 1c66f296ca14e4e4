//! Who may be the peer: tokens, trusted keys, and responders that are dropped.

use std::time::Instant;

use super::machine::{Client, RoleState};
use super::send_failure::SendFailure;
use super::stage::Stage;
use crate::crypto::{AuthToken, PublicKey};
use crate::protocol::{DropReason, ResponderAddress, TaskOutput};

impl<E: TaskOutput> Client<E> {
    /// Initiator: lets one more responder introduce itself with a new token, which is returned. The
    /// previous token, or the trusted key, is not accepted any more for a new handshake. A peer that is there
    /// stays until somebody has authenticated itself with the new token, and takes its place; it stays for good
    /// if the client is to end with it, or once the handover has begun.
    pub fn issue_token(&mut self) -> Result<AuthToken, SendFailure> {
        let token = AuthToken::generate(&mut *self.signalling.random.0);
        self.arm_token(token.clone())?;
        Ok(token)
    }

    /// Initiator: like [`issue_token`](Self::issue_token), with a token of the caller's. A token may
    /// never be used twice.
    pub fn arm_token(&mut self, token: AuthToken) -> Result<(), SendFailure> {
        if !self.signalling.running() {
            return Err(SendFailure::Closed);
        }
        match &mut self.role {
            RoleState::Initiator(initiator) => initiator.arm_token(token),
            RoleState::Responder(_) => return Err(SendFailure::OtherRole),
        }
        Ok(())
    }

    /// Goes on without tokens: the authenticated peer can come back with its permanent key alone. The
    /// peer has to do the same, or its first message cannot be decrypted.
    // Spec: P-231 (Client Handshake)
    pub fn trust_peer(&mut self, now: Instant) -> Result<(), SendFailure> {
        let peer_key = self.need_session()?.peer_key;
        self.trust_key(now, peer_key)
    }

    /// Goes on without tokens: only the owner of `key` is let in from now on. For a responder the key
    /// has to be the one of its initiator.
    pub fn trust_key(&mut self, now: Instant, key: PublicKey) -> Result<(), SendFailure> {
        if !self.signalling.running() {
            return Err(SendFailure::Closed);
        }
        match &mut self.role {
            RoleState::Initiator(initiator) => initiator.trust(key),
            RoleState::Responder(_) if key != self.path => return Err(SendFailure::OtherRole),
            RoleState::Responder(responder) => {
                if !matches!(self.signalling.stage, Stage::OnPath) {
                    responder.trust_later();
                } else {
                    responder.trust(&mut self.signalling, now);
                }
            }
        }
        Ok(())
    }

    /// Initiator: drops a responder from the path, the authenticated peer included.
    // Spec: P-185 ('drop-responder' Message)
    pub fn drop_responder(
        &mut self,
        address: ResponderAddress,
        reason: DropReason,
    ) -> Result<(), SendFailure> {
        if !self.signalling.running() {
            return Err(SendFailure::Closed);
        }
        if self.signalling.handed_over() {
            return Err(SendFailure::HandedOver);
        }
        if self.signalling.server.is_none() {
            return Err(SendFailure::NoPeer);
        }
        match &mut self.role {
            RoleState::Initiator(initiator) => {
                initiator.drop_responder(&mut self.signalling, address, reason);
                Ok(())
            }
            RoleState::Responder(_) => Err(SendFailure::OtherRole),
        }
    }
}

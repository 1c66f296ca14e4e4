//! What the server tells clients about others.

use crate::protocol::message::{Disconnected, NewInitiator, NewResponder, SendError};
use crate::protocol::{Address, ResponderAddress};

/// What the server tells an authenticated client about another one. It is sealed when it goes out, and not when it
/// happens: until then it can cancel out with what happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    /// Somebody has this address from now on. If it takes the place `of_another`, nobody is told that that one left.
    Joined { address: Address, of_another: bool },
    /// Who had this address is gone.
    Left(Address),
    /// The message with this [identity](crate::protocol::Nonce::identity) was not delivered.
    SendError([u8; 8]),
}

impl Notice {
    /// What one counts in the queue, in bytes. None of them is longer, nonce and box included.
    pub(super) const COST: usize = 80;

    /// The message, not yet sealed.
    pub(super) fn serialise(self) -> Vec<u8> {
        match self {
            Self::Joined { address, .. } => match ResponderAddress::try_from(address) {
                // Spec: P-177 P-178 ('new-responder' Message)
                Ok(id) => NewResponder { id }.serialise(),
                // Spec: P-172 ('new-initiator' Message)
                Err(_) => NewInitiator.serialise(),
            },
            // Spec: P-199 P-200 ('disconnected' Message)
            Self::Left(id) => Disconnected { id }.serialise(),
            // Spec: P-208 ('send-error' Message)
            Self::SendError(id) => SendError { id }.serialise(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{BOX_OVERHEAD, NONCE_BYTES};

    #[test]
    fn no_notice_is_longer_than_it_counts() {
        for notice in [
            Notice::Joined { address: Address::INITIATOR, of_another: true },
            Notice::Joined { address: Address(255), of_another: false },
            Notice::Left(Address(255)),
            Notice::SendError([255; 8]),
        ] {
            let length = NONCE_BYTES + BOX_OVERHEAD + notice.serialise().len();
            assert!(length <= Notice::COST, "{notice:?}: {length}");
        }
    }
}

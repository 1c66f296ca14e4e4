//! The implementations of NaCl, behind one interface.

pub(super) mod rustcrypto;

#[cfg(all(feature = "vectorised", not(feature = "audited-only")))]
pub(super) mod dryoc;

use zeroize::Zeroizing;

use super::{BOX_OVERHEAD, Content, Implementation, KEY_BYTES, NONCE_BYTES};

pub(super) type Tag = [u8; BOX_OVERHEAD];

/// The key of boxes: what two key pairs have in common, or a token. (In NaCl a `crypto_box` is a
/// `crypto_secretbox` with a key that was agreed on.)
pub(super) type BoxKey = Zeroizing<[u8; KEY_BYTES]>;

/// Authenticated encryption in place, with the tag kept apart.
pub(super) trait Cipher {
    fn seal(&self, nonce: &[u8; NONCE_BYTES], data: &mut [u8]) -> Tag;
    /// Leaves `data` in an unspecified state if it returns `false`.
    #[must_use]
    fn open(&self, nonce: &[u8; NONCE_BYTES], tag: &Tag, data: &mut [u8]) -> bool;
}

/// One key in each implementation. Zeroised when dropped.
pub(super) struct Ciphers {
    audited: rustcrypto::SecretBox,
    #[cfg(all(feature = "vectorised", not(feature = "audited-only")))]
    vectorised: dryoc::SecretBox,
}

impl Ciphers {
    pub(super) fn new(key: BoxKey) -> Self {
        Self {
            audited: rustcrypto::secret_box(&key),
            #[cfg(all(feature = "vectorised", not(feature = "audited-only")))]
            vectorised: dryoc::SecretBox(key),
        }
    }

    /// The implementation that makes and opens the box of `size` bytes of `content`.
    pub(super) fn choose(&self, content: Content, size: usize) -> &dyn Cipher {
        #[cfg(test)]
        count::one(content.implementation(size));
        match content.implementation(size) {
            Implementation::Audited => &self.audited,
            #[cfg(all(feature = "vectorised", not(feature = "audited-only")))]
            Implementation::Vectorised => &self.vectorised,
            #[cfg(not(all(feature = "vectorised", not(feature = "audited-only"))))]
            Implementation::Vectorised => unreachable!("`Content` knows what is in this build"),
        }
    }
}

/// How many boxes were sealed or opened on this thread, so that tests can see who did it.
#[cfg(test)]
pub(crate) mod count {
    use std::cell::Cell;

    use crate::crypto::Implementation;

    thread_local!(static BOXES: Cell<[usize; 2]> = const { Cell::new([0; 2]) });

    pub(super) fn one(implementation: Implementation) {
        let mut boxes = BOXES.get();
        boxes[usize::from(implementation == Implementation::Vectorised)] += 1;
        BOXES.set(boxes);
    }

    /// By the audited and by the vectorised implementation.
    pub(crate) fn boxes() -> [usize; 2] {
        BOXES.get()
    }
}

#[cfg(all(test, feature = "vectorised", not(feature = "audited-only")))]
mod comparison;

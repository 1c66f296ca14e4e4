//! The implementation for bulk data: `dryoc`, which is vectorised and has not been audited.

use dryoc::classic::crypto_box::{
    crypto_box_detached_afternm_inplace, crypto_box_open_detached_afternm_inplace,
};

use super::{BoxKey, Cipher, Tag};
use crate::crypto::{BOX_OVERHEAD, NONCE_BYTES};

pub(in crate::crypto) struct SecretBox(pub(super) BoxKey);

impl Cipher for SecretBox {
    fn seal(&self, nonce: &[u8; NONCE_BYTES], data: &mut [u8]) -> Tag {
        #[cfg(test)]
        count::one();
        let mut tag = [0; BOX_OVERHEAD];
        crypto_box_detached_afternm_inplace(data, &mut tag, nonce, &self.0);
        tag
    }

    fn open(&self, nonce: &[u8; NONCE_BYTES], tag: &Tag, data: &mut [u8]) -> bool {
        #[cfg(test)]
        count::one();
        crypto_box_open_detached_afternm_inplace(data, tag, nonce, &self.0).is_ok()
    }
}

/// How often this implementation was used, so that tests can see where it is not.
#[cfg(test)]
pub(crate) mod count {
    use std::cell::Cell;

    thread_local!(static BOXES: Cell<usize> = const { Cell::new(0) });

    pub(super) fn one() {
        BOXES.set(BOXES.get() + 1);
    }

    /// The number of boxes that were sealed or opened on this thread.
    pub(crate) fn boxes() -> usize {
        BOXES.get()
    }
}

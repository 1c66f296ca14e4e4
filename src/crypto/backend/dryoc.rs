//! The implementation for bulk data: `dryoc`, which is vectorised and has not been audited.

use dryoc::classic::crypto_box::{
    crypto_box_detached_afternm_inplace, crypto_box_open_detached_afternm_inplace,
};

use super::{BoxKey, Cipher, Tag};
use crate::crypto::{BOX_OVERHEAD, NONCE_BYTES};

pub(in crate::crypto) struct SecretBox(pub(super) BoxKey);

impl Cipher for SecretBox {
    fn seal(&self, nonce: &[u8; NONCE_BYTES], data: &mut [u8]) -> Tag {
        let mut tag = [0; BOX_OVERHEAD];
        crypto_box_detached_afternm_inplace(data, &mut tag, nonce, &self.0);
        tag
    }

    fn open(&self, nonce: &[u8; NONCE_BYTES], tag: &Tag, data: &mut [u8]) -> bool {
        crypto_box_open_detached_afternm_inplace(data, tag, nonce, &self.0).is_ok()
    }
}

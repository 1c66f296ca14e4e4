//! The backend for bulk data: `dryoc`, vectorised, chosen by the Cargo feature `dryoc`.

use dryoc::classic::crypto_box::{
    crypto_box_beforenm, crypto_box_detached_afternm_inplace,
    crypto_box_open_detached_afternm_inplace,
};
use dryoc::classic::crypto_core::crypto_scalarmult_base;
use zeroize::Zeroizing;

use super::{Cipher, NaCl, Tag};
use crate::crypto::{BOX_OVERHEAD, KEY_BYTES, NONCE_BYTES};

pub(in crate::crypto) struct Backend;

/// In NaCl a box with a precomputed key is a secretbox with that key.
pub(in crate::crypto) struct Key(Zeroizing<[u8; KEY_BYTES]>);

impl NaCl for Backend {
    type PairCipher = Key;
    type TokenCipher = Key;

    fn public_key(secret: &[u8; KEY_BYTES]) -> [u8; KEY_BYTES] {
        let mut public = [0; KEY_BYTES];
        crypto_scalarmult_base(&mut public, secret);
        public
    }

    fn pair_cipher(public: &[u8; KEY_BYTES], secret: &[u8; KEY_BYTES]) -> Key {
        let key = crypto_box_beforenm(public, secret);
        Key(Zeroizing::new(key.expect("`PublicKey` holds no key of low order")))
    }

    fn token_cipher(secret: &[u8; KEY_BYTES]) -> Key {
        Key(Zeroizing::new(*secret))
    }
}

impl Cipher for Key {
    fn seal(&self, nonce: &[u8; NONCE_BYTES], data: &mut [u8]) -> Tag {
        let mut tag = [0; BOX_OVERHEAD];
        crypto_box_detached_afternm_inplace(data, &mut tag, nonce, &self.0);
        tag
    }

    fn open(&self, nonce: &[u8; NONCE_BYTES], tag: &Tag, data: &mut [u8]) -> bool {
        crypto_box_open_detached_afternm_inplace(data, tag, nonce, &self.0).is_ok()
    }
}

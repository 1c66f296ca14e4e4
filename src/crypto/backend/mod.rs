//! One interface for the NaCl crates. A backend provides [`PairCipher`], [`TokenCipher`] and
//! `public_key`; everything above it is the same whichever is compiled in.

#[cfg(any(not(feature = "dryoc"), test))]
pub(super) mod rustcrypto;
#[cfg(not(feature = "dryoc"))]
pub(super) use rustcrypto::Backend;

#[cfg(feature = "dryoc")]
mod dryoc;
#[cfg(feature = "dryoc")]
pub(super) use dryoc::Backend;

use super::{BOX_OVERHEAD, KEY_BYTES, NONCE_BYTES};

pub(super) type Tag = [u8; BOX_OVERHEAD];

/// Authenticated encryption in place, with the tag kept apart.
pub(super) trait Cipher {
    fn seal(&self, nonce: &[u8; NONCE_BYTES], data: &mut [u8]) -> Tag;
    /// Leaves `data` in an unspecified state if it returns `false`.
    #[must_use]
    fn open(&self, nonce: &[u8; NONCE_BYTES], tag: &Tag, data: &mut [u8]) -> bool;
}

/// The functions of NaCl that SaltyRTC needs.
pub(super) trait NaCl {
    /// `crypto_box_afternm` with a precomputed key.
    type PairCipher: Cipher + Send + Sync;
    /// `crypto_secretbox`.
    type TokenCipher: Cipher;

    fn public_key(secret: &[u8; KEY_BYTES]) -> [u8; KEY_BYTES];
    fn pair_cipher(public: &[u8; KEY_BYTES], secret: &[u8; KEY_BYTES]) -> Self::PairCipher;
    fn token_cipher(secret: &[u8; KEY_BYTES]) -> Self::TokenCipher;
}

#[cfg(all(test, feature = "dryoc"))]
mod tests {
    use super::{Cipher, NaCl, dryoc, rustcrypto};

    /// Each backend opens what the other sealed, at every size around the block boundaries.
    #[test]
    fn backends_open_each_others_boxes() {
        let (a, b) = ([7u8; 32], [9u8; 32]);
        type R = rustcrypto::Backend;
        type D = dryoc::Backend;
        assert_eq!(R::public_key(&a), D::public_key(&a));
        let (pa, pb) = (R::public_key(&a), D::public_key(&b));
        let nonce = [3u8; 24];
        for size in (0..300).chain([1024, 65_536, 1 << 20]) {
            let plain: Vec<u8> = (0..size).map(|i| i as u8).collect();
            let check = |seal: &dyn Cipher, open: &dyn Cipher| {
                let mut data = plain.clone();
                let tag = seal.seal(&nonce, &mut data);
                assert!(open.open(&nonce, &tag, &mut data));
                assert_eq!(data, plain);
                if let Some(byte) = data.first_mut() {
                    let tag = seal.seal(&nonce, std::slice::from_mut(byte));
                    *byte ^= 1;
                    assert!(!open.open(&nonce, &tag, std::slice::from_mut(byte)));
                }
            };
            check(&R::pair_cipher(&pb, &a), &D::pair_cipher(&pa, &b));
            check(&D::pair_cipher(&pb, &a), &R::pair_cipher(&pa, &b));
            check(&R::token_cipher(&a), &D::token_cipher(&a));
            check(&D::token_cipher(&a), &R::token_cipher(&a));
        }
    }
}

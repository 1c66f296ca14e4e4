//! The default backend: `crypto_box` and `crypto_secretbox` by RustCrypto.

use crypto_box::aead::AeadInPlace;
use crypto_box::aead::generic_array::GenericArray;
use crypto_secretbox::KeyInit;

use super::{Cipher, NaCl, Tag};
use crate::crypto::{KEY_BYTES, NONCE_BYTES};

pub(in crate::crypto) struct Backend;

impl NaCl for Backend {
    type PairCipher = crypto_box::SalsaBox;
    type TokenCipher = crypto_secretbox::XSalsa20Poly1305;

    fn public_key(secret: &[u8; KEY_BYTES]) -> [u8; KEY_BYTES] {
        *crypto_box::SecretKey::from(*secret).public_key().as_bytes()
    }

    fn pair_cipher(public: &[u8; KEY_BYTES], secret: &[u8; KEY_BYTES]) -> Self::PairCipher {
        crypto_box::SalsaBox::new(
            &crypto_box::PublicKey::from(*public),
            &crypto_box::SecretKey::from(*secret),
        )
    }

    fn token_cipher(secret: &[u8; KEY_BYTES]) -> Self::TokenCipher {
        crypto_secretbox::XSalsa20Poly1305::new(GenericArray::from_slice(secret))
    }
}

macro_rules! impl_cipher {
    ($type:ty) => {
        impl Cipher for $type {
            fn seal(&self, nonce: &[u8; NONCE_BYTES], data: &mut [u8]) -> Tag {
                self.encrypt_in_place_detached(GenericArray::from_slice(nonce), &[], data)
                    .expect("NaCl boxes have no associated data and no practical length limit")
                    .into()
            }

            fn open(&self, nonce: &[u8; NONCE_BYTES], tag: &Tag, data: &mut [u8]) -> bool {
                self.decrypt_in_place_detached(
                    GenericArray::from_slice(nonce),
                    &[],
                    data,
                    GenericArray::from_slice(tag),
                )
                .is_ok()
            }
        }
    };
}

impl_cipher!(crypto_box::SalsaBox);
impl_cipher!(crypto_secretbox::XSalsa20Poly1305);

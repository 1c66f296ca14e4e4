//! Key agreement and signalling: `crypto_box` and what it is made of, by RustCrypto.

use crypto_box::aead::AeadInPlace;
use crypto_box::aead::generic_array::GenericArray;
use crypto_secretbox::{Kdf, KeyInit, XSalsa20Poly1305};
use curve25519_dalek::MontgomeryPoint;
use zeroize::Zeroizing;

use super::{BoxKey, Cipher, Tag};
use crate::crypto::{KEY_BYTES, NONCE_BYTES};

pub(in crate::crypto) type SecretBox = XSalsa20Poly1305;

pub(in crate::crypto) fn public_key(secret: &[u8; KEY_BYTES]) -> [u8; KEY_BYTES] {
    *crypto_box::SecretKey::from(*secret).public_key().as_bytes()
}

/// What NaCl calls `crypto_box_beforenm`. These are the steps of `crypto_box::SalsaBox::new`, which keeps
/// the key to itself; one key for both implementations costs one key agreement and not two.
pub(in crate::crypto) fn agree(public: &[u8; KEY_BYTES], secret: &[u8; KEY_BYTES]) -> BoxKey {
    let secret = Zeroizing::new(crypto_box::SecretKey::from(*secret).to_scalar());
    let shared = Zeroizing::new(*secret * MontgomeryPoint(*public));
    let no_nonce = GenericArray::default();
    let key =
        Zeroizing::new(SecretBox::kdf(GenericArray::from_slice(shared.as_bytes()), &no_nonce));
    Zeroizing::new((*key).into())
}

pub(super) fn secret_box(key: &BoxKey) -> SecretBox {
    SecretBox::new(GenericArray::from_slice(&**key))
}

impl Cipher for SecretBox {
    fn seal(&self, nonce: &[u8; NONCE_BYTES], data: &mut [u8]) -> Tag {
        self.encrypt_in_place_detached(GenericArray::from_slice(nonce), &[], data)
            .expect("NaCl boxes have no associated data and no practical length limit")
            .into()
    }

    fn open(&self, nonce: &[u8; NONCE_BYTES], tag: &Tag, data: &mut [u8]) -> bool {
        let (nonce, tag) = (GenericArray::from_slice(nonce), GenericArray::from_slice(tag));
        self.decrypt_in_place_detached(nonce, &[], data, tag).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyPair, OsRandom};

    /// The boxes of a key that was agreed on here are those of `crypto_box` as it is.
    #[test]
    fn agreed_keys_are_those_of_crypto_box() {
        for size in 0..300 {
            let [a, b] = [(); 2].map(|()| KeyPair::generate(&mut OsRandom));
            let (public, secret) = (b.public().as_bytes(), a.secret().as_bytes());
            let theirs = crypto_box::SalsaBox::new(&(*public).into(), &(*secret).into());
            let nonce = [size as u8; NONCE_BYTES];
            let plain: Vec<u8> = (0..size).map(|i| i as u8).collect();
            let mut expected = plain.clone();
            let tag = theirs
                .encrypt_in_place_detached(GenericArray::from_slice(&nonce), &[], &mut expected)
                .expect("a box");
            let mut sealed = plain.clone();
            assert_eq!(secret_box(&agree(public, secret)).seal(&nonce, &mut sealed), tag[..]);
            assert_eq!(sealed, expected);
            let at_b = agree(a.public().as_bytes(), b.secret().as_bytes());
            assert!(secret_box(&at_b).open(&nonce, &tag.into(), &mut sealed));
            assert_eq!(sealed, plain);
        }
    }
}

//! Sealing and opening message data, always as `tag || ciphertext` like NaCl's "easy" functions.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::backend::{Ciphers, Tag, rustcrypto};
use super::secret::without_traces;
use super::{AuthToken, BOX_OVERHEAD, Content, NONCE_BYTES, PublicKey, SecretKey};

/// A box could not be opened: it was made with other keys, with another nonce, or was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenError;

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the message could not be decrypted")
    }
}

impl std::error::Error for OpenError {}

/// The precomputed key of one pair of key pairs: what both sides use to seal and to open.
///
/// Clones share the key, which is zeroised with the last of them.
#[derive(Clone)]
pub struct SharedKey {
    ciphers: Arc<Ciphers>,
    content: Content,
}

impl SharedKey {
    /// The key between the owner of `public` and the owner of `secret`, for [`Content::Signalling`].
    pub fn new(public: &PublicKey, secret: &SecretKey) -> Self {
        let ciphers = without_traces(|| {
            Arc::new(Ciphers::new(rustcrypto::agree(public.as_bytes(), secret.as_bytes())))
        });
        Self { ciphers, content: Content::Signalling }
    }

    /// The same key, for boxes of `content`.
    #[must_use]
    pub fn for_content(&self, content: Content) -> Self {
        Self { ciphers: Arc::clone(&self.ciphers), content }
    }

    /// What the key makes boxes of.
    pub const fn content(&self) -> Content {
        self.content
    }

    /// Appends `plain` to `message`, sealed; 16 bytes longer than it was.
    pub fn seal_onto(&self, message: &mut Vec<u8>, nonce: &[u8; NONCE_BYTES], plain: &[u8]) {
        // Spec: P-090 (Encrypting a Message)
        seal_onto(&self.ciphers, self.content, message, nonce, plain);
    }

    /// Seals what is in `message` behind its first 16 bytes, which become the authentication tag.
    ///
    /// # Panics
    ///
    /// If there are no 16 bytes.
    pub fn seal_in_place(&self, nonce: &[u8; NONCE_BYTES], message: &mut [u8]) {
        seal_in_place(&self.ciphers, self.content, nonce, message);
    }

    /// Seals `plain`; the result is 16 bytes longer.
    pub fn seal(&self, nonce: &[u8; NONCE_BYTES], plain: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(BOX_OVERHEAD + plain.len());
        self.seal_onto(&mut sealed, nonce, plain);
        sealed
    }

    /// Opens what the other side sealed with the same nonce.
    pub fn open(&self, nonce: &[u8; NONCE_BYTES], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        // Spec: P-093 (Decrypting a Message)
        open(&self.ciphers, self.content, nonce, sealed)
    }

    /// Like [`open`](Self::open), in place: the end of `sealed` becomes the content. What is in
    /// `sealed` after an error is unspecified.
    pub fn open_in_place<'a>(
        &self,
        nonce: &[u8; NONCE_BYTES],
        sealed: &'a mut [u8],
    ) -> Result<&'a mut [u8], OpenError> {
        let (tag, data) = sealed.split_first_chunk_mut::<BOX_OVERHEAD>().ok_or(OpenError)?;
        let cipher = self.ciphers.choose(self.content, data.len());
        if cipher.open(nonce, tag, data) { Ok(data) } else { Err(OpenError) }
    }
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedKey({:?}, …)", self.content)
    }
}

impl AuthToken {
    /// Appends `plain` to `message`, sealed with the token; 16 bytes longer than it was.
    pub fn seal_onto(&self, message: &mut Vec<u8>, nonce: &[u8; NONCE_BYTES], plain: &[u8]) {
        // Spec: P-091 (Encrypting a Message)
        without_traces(|| seal_onto(&self.ciphers(), Content::Signalling, message, nonce, plain));
    }

    /// Opens what was sealed with the same token and nonce.
    pub fn open(&self, nonce: &[u8; NONCE_BYTES], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        // Spec: P-094 (Decrypting a Message)
        without_traces(|| open(&self.ciphers(), Content::Signalling, nonce, sealed))
    }

    fn ciphers(&self) -> Ciphers {
        Ciphers::new(Zeroizing::new(*self.as_bytes()))
    }
}

// Spec: P-089 (Encrypting a Message)
fn seal_onto(
    ciphers: &Ciphers,
    content: Content,
    message: &mut Vec<u8>,
    nonce: &[u8; NONCE_BYTES],
    plain: &[u8],
) {
    let start = message.len();
    message.reserve(BOX_OVERHEAD + plain.len());
    message.extend_from_slice(&[0; BOX_OVERHEAD]);
    message.extend_from_slice(plain);
    seal_in_place(ciphers, content, nonce, &mut message[start..]);
}

fn seal_in_place(
    ciphers: &Ciphers,
    content: Content,
    nonce: &[u8; NONCE_BYTES],
    message: &mut [u8],
) {
    let (tag, data) = message.split_at_mut(BOX_OVERHEAD);
    tag.copy_from_slice(&ciphers.choose(content, data.len()).seal(nonce, data));
}

fn open(
    ciphers: &Ciphers,
    content: Content,
    nonce: &[u8; NONCE_BYTES],
    sealed: &[u8],
) -> Result<Vec<u8>, OpenError> {
    let (tag, data) = sealed.split_first_chunk::<BOX_OVERHEAD>().ok_or(OpenError)?;
    let tag: &Tag = tag;
    let mut data = data.to_vec();
    let cipher = ciphers.choose(content, data.len());
    if cipher.open(nonce, tag, &mut data) { Ok(data) } else { Err(OpenError) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyPair, OsRandom};

    /// Covers P-089 P-090 P-091 P-093 P-094.
    #[test]
    fn boxes_open_with_the_right_keys_and_nonce_only() {
        let (a, b) = (KeyPair::generate(&mut OsRandom), KeyPair::generate(&mut OsRandom));
        let c = KeyPair::generate(&mut OsRandom);
        let sealed = SharedKey::new(b.public(), a.secret()).seal(&[1; 24], b"hello");
        assert_eq!(sealed.len(), 5 + BOX_OVERHEAD);
        let at_b = SharedKey::new(a.public(), b.secret());
        assert_eq!(at_b.open(&[1; 24], &sealed).unwrap(), b"hello");
        assert_eq!(at_b.open(&[2; 24], &sealed), Err(OpenError));
        assert_eq!(at_b.open(&[1; 24], &sealed[..15]), Err(OpenError));
        assert_eq!(SharedKey::new(c.public(), b.secret()).open(&[1; 24], &sealed), Err(OpenError));

        let token = AuthToken::generate(&mut OsRandom);
        let mut sealed = Vec::new();
        token.seal_onto(&mut sealed, &[1; 24], b"hello");
        assert_eq!(token.open(&[1; 24], &sealed).unwrap(), b"hello");
        assert_eq!(AuthToken::generate(&mut OsRandom).open(&[1; 24], &sealed), Err(OpenError));
        for i in 0..sealed.len() {
            sealed[i] ^= 1;
            assert_eq!(token.open(&[1; 24], &sealed), Err(OpenError), "byte {i}");
            sealed[i] ^= 1;
        }
    }
}

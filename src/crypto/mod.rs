//! Keys, boxes and tokens: the only part of the library that names a crypto crate.
//!
//! SaltyRTC uses NaCl: `crypto_box` (X25519, XSalsa20, Poly1305) between two key pairs, and
//! `crypto_secretbox` (XSalsa20, Poly1305) with an authentication token. The backend is the
//! audited `crypto_box` crate, or `dryoc` with the Cargo feature of that name. Both are behind the
//! same few functions, and the tests open each one's boxes with the other.
//!
//! Secret bytes are zeroised when dropped and never appear in `Debug` output.

mod backend;
mod key;
mod random;
mod seal;

pub use key::{AuthToken, KeyError, KeyPair, PublicKey, SecretKey};
pub use random::{OsRandom, RandomSource};
pub use seal::{OpenError, SharedKey};

/// Bytes in a public key, a secret key and an authentication token.
pub const KEY_BYTES: usize = 32;
/// Bytes in a NaCl nonce, which is also the header of every SaltyRTC message.
pub const NONCE_BYTES: usize = 24;
/// Bytes that a box is longer than its content: the Poly1305 tag, at the front.
pub const BOX_OVERHEAD: usize = 16;

//! NaCl for SaltyRTC: keys, boxes, tokens and randomness. The rest of the library names no crate that does
//! any of this. (What WebRTC and TLS need besides is not NaCl and is elsewhere: hashes and certificates in
//! `rtc`, TLS in `transport`.)
//!
//! SaltyRTC uses `crypto_box` (X25519, XSalsa20, Poly1305) between two key pairs, and `crypto_secretbox`
//! (XSalsa20, Poly1305) with an authentication token. Two implementations make the boxes:
//!
//! * The crates `crypto_box` and `crypto_secretbox` make all keys and all boxes of the signalling. Cure53
//!   has audited `crypto_box` in its version 0.7.1, whose cipher is in `crypto_secretbox` today.
//! * The crate `dryoc` makes the boxes of secure data channels, and of relayed data above 4 KiB. It is
//!   several times as fast, and has not been audited. The Cargo feature `vectorised`, on by default, brings
//!   it in; with `audited-only` nothing uses it.
//!
//! [`Content`] says who makes which box. The tests compare both for every length from 0 to 70 KiB.
//!
//! Secret bytes are zeroised when dropped and never appear in `Debug` output.

mod backend;
mod content;
mod key;
mod random;
mod seal;
mod secret;

#[cfg(test)]
pub(crate) use backend::count;
pub use content::{Content, Implementation};
pub use key::{AuthToken, KeyError, KeyPair, PublicKey, SecretKey};
pub use random::{OsRandom, RandomSource};
pub use seal::{OpenError, SharedKey};

/// Bytes in a public key, a secret key and an authentication token.
pub const KEY_BYTES: usize = 32;
/// Bytes in a NaCl nonce, which is also the header of every SaltyRTC message.
pub const NONCE_BYTES: usize = 24;
/// Bytes that a box is longer than its content: the Poly1305 tag, at the front.
pub const BOX_OVERHEAD: usize = 16;

//! Keys.

use std::ffi::c_char;

use super::args::{key_bytes, key_out, text, text_buffer};
use super::error::{CallError, entry, saltyrtc_error};
use super::status::saltyrtc_status;
use crate::crypto::{self, AuthToken, KeyPair, OsRandom, SecretKey};

/// The size of a public key, a secret key, and an authentication token, in bytes.
pub const SALTYRTC_KEY_BYTES: usize = 32;
/// The size of a key or token as hexadecimal text, in bytes, including the NUL at the end.
pub const SALTYRTC_KEY_HEX_BYTES: usize = 65;

const _: () = assert!(SALTYRTC_KEY_BYTES == crypto::KEY_BYTES);
const _: () = assert!(SALTYRTC_KEY_HEX_BYTES == 2 * crypto::KEY_BYTES + 1);

/// SALTYRTC_KEY_BYTES, for programs that cannot use macros.
#[unsafe(no_mangle)]
pub extern "C" fn saltyrtc_key_bytes() -> usize {
    SALTYRTC_KEY_BYTES
}

/// SALTYRTC_KEY_HEX_BYTES, for programs that cannot use macros.
#[unsafe(no_mangle)]
pub extern "C" fn saltyrtc_key_hex_bytes() -> usize {
    SALTYRTC_KEY_HEX_BYTES
}

/// Generates a key pair. Each of the two outputs has SALTYRTC_KEY_BYTES bytes.
///
/// Whoever has the secret key can take its owner's place, for as long as peers trust it: store it where
/// nobody else can read it, and overwrite the memory after use. The public key can be computed from it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_key_pair_generate(
    public_key: *mut u8,
    secret_key: *mut u8,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let (public, secret) = (key_out(public_key), key_out(secret_key));
    entry(error, || {
        let (public, secret) = (public.required("public_key")?, secret.required("secret_key")?);
        let pair = KeyPair::generate(&mut OsRandom);
        public.set(*pair.public().as_bytes());
        secret.copy(pair.secret().as_bytes());
        Ok(())
    })
}

/// Computes the public key that belongs to a secret key. Both have SALTYRTC_KEY_BYTES bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_public_key_from_secret(
    secret_key: *const u8,
    public_key: *mut u8,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    // Read before the output is reset, in case that the two are the same memory.
    let secret = key_bytes(secret_key, "secret_key").map(SecretKey::from_bytes);
    let public = key_out(public_key);
    entry(error, || {
        let public = public.required("public_key")?;
        public.set(*KeyPair::from_secret(secret?).public().as_bytes());
        Ok(())
    })
}

/// Converts a key or token to text: 64 lowercase hexadecimal digits and a NUL, SALTYRTC_KEY_HEX_BYTES
/// bytes in all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_key_to_hex(
    key: *const u8,
    hex: *mut c_char,
    hex_capacity: usize,
    hex_len: *mut usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let hex = text_buffer(hex, hex_capacity, hex_len);
    entry(error, || {
        // May be a secret one, so no copy stays behind.
        let token = AuthToken::from_bytes(key_bytes(key, "key")?);
        hex.fill_text(&token.to_hex())
    })
}

/// Converts 64 hexadecimal digits, in upper or lower case, to a key or token of SALTYRTC_KEY_BYTES
/// bytes.
///
/// Fails with SALTYRTC_STATUS_BAD_KEY.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_key_from_hex(
    hex: *const c_char,
    key: *mut u8,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let key = key_out(key);
    entry(error, || {
        let key = key.required("key")?;
        let token = AuthToken::from_hex(text(hex, "hex")?);
        key.copy(token.map_err(|error| CallError::key("hex", error))?.as_bytes());
        Ok(())
    })
}

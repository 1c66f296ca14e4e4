//! Keys.

use std::ffi::c_char;

use zeroize::Zeroizing;

use super::args::{key_bytes, key_out, text, text_buffer};
use super::error::{Failure, entry, saltyrtc_error};
use super::status::saltyrtc_status;
use crate::crypto::{self, AuthToken, KeyPair, OsRandom, SecretKey};

/// Bytes in a public key, a secret key and an authentication token.
pub const SALTYRTC_KEY_BYTES: usize = 32;
/// Bytes in the hexadecimal form of a key or token, with the NUL at the end.
pub const SALTYRTC_KEY_HEX_BYTES: usize = 65;

const _: () = assert!(SALTYRTC_KEY_BYTES == crypto::KEY_BYTES);
const _: () = assert!(SALTYRTC_KEY_HEX_BYTES == 2 * crypto::KEY_BYTES + 1);

/// The twin of SALTYRTC_KEY_BYTES.
#[unsafe(no_mangle)]
pub extern "C" fn saltyrtc_key_bytes() -> usize {
    SALTYRTC_KEY_BYTES
}

/// The twin of SALTYRTC_KEY_HEX_BYTES.
#[unsafe(no_mangle)]
pub extern "C" fn saltyrtc_key_hex_bytes() -> usize {
    SALTYRTC_KEY_HEX_BYTES
}

/// Makes a new key pair: SALTYRTC_KEY_BYTES bytes for each of the two outputs.
///
/// The secret key identifies its owner for as long as peers trust it: store it where nobody else can
/// read it, and overwrite the memory after use. The public key can be computed from it.
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
        secret.set(*pair.secret().as_bytes());
        Ok(())
    })
}

/// Computes the public key that goes with a secret key; SALTYRTC_KEY_BYTES bytes each.
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

/// Writes a key or token as 64 lowercase hexadecimal digits and a NUL: SALTYRTC_KEY_HEX_BYTES bytes.
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
        hex.fill_text(&Zeroizing::new(token.to_hex()))
    })
}

/// Reads a key or token of 64 hexadecimal digits of either case into SALTYRTC_KEY_BYTES bytes.
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
        key.set(*token.map_err(|error| Failure::key("hex", error))?.as_bytes());
        Ok(())
    })
}

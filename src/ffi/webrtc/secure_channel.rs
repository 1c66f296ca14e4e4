//! Secure data channels: the encryption of the WebRTC task for data channels of the application.

use std::ptr;
use std::sync::Mutex;

use zeroize::Zeroizing;

use crate::ffi::args::{self, buffer, bytes, handle};
use crate::ffi::client::saltyrtc_client;
use crate::ffi::error::{Failure, entry, saltyrtc_error, silent_entry};
use crate::ffi::status::saltyrtc_status;
use crate::protocol::SecureChannel;
use crate::sync::lock;

/// Encrypts and decrypts the messages of one data channel of the application with the keys of the
/// session. Each data channel has one of its own, at both ends; never use one for two channels, not
/// even one after the other with the same id.
///
/// It can be used by any thread, and goes on working when the session has ended or the client was freed.
#[derive(Debug)]
pub struct saltyrtc_secure_channel {
    channel: Mutex<SecureChannel>,
}

/// Bytes that saltyrtc_secure_channel_encrypt adds.
pub const SALTYRTC_SECURE_CHANNEL_OVERHEAD: usize = 40;

const _: () = assert!(SALTYRTC_SECURE_CHANNEL_OVERHEAD == SecureChannel::OVERHEAD);

/// The twin of SALTYRTC_SECURE_CHANNEL_OVERHEAD.
#[unsafe(no_mangle)]
pub extern "C" fn saltyrtc_secure_channel_overhead() -> usize {
    SALTYRTC_SECURE_CHANNEL_OVERHEAD
}

/// Makes the secure channel for the data channel with the id `id` (0 to 65534).
///
/// `*out` has to be freed with saltyrtc_secure_channel_free. Fails with SALTYRTC_STATUS_NO_PEER and
/// SALTYRTC_STATUS_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_secure_channel_new(
    client: *mut saltyrtc_client,
    id: u16,
    out: *mut *mut saltyrtc_secure_channel,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let out = args::out(out, ptr::null_mut());
    entry(error, || {
        let out = out.required("out")?;
        let client = handle(client, "client")?.get()?;
        if id == u16::MAX {
            return Err(Failure::argument("id", "data channels have 0 to 65534"));
        }
        let channel = Mutex::new(client.secure_channel(id)?);
        out.set(Box::into_raw(Box::new(saltyrtc_secure_channel { channel })));
        Ok(())
    })
}

/// Frees a secure channel. NULL is fine. Overwrites its key, unless others have it too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_secure_channel_free(channel: *mut saltyrtc_secure_channel) {
    if !channel.is_null() {
        silent_entry(|| drop(Box::from_raw(channel)));
    }
}

/// Encrypts a message that is about to be sent on the data channel.
///
/// The buffer needs SALTYRTC_SECURE_CHANNEL_OVERHEAD bytes more than the data. Every call uses up a
/// number, also if the result is not sent. Peers expect messages larger than their data channel takes
/// to be chunked after this, in unreliable/unordered mode (saltyrtc_chunker).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_secure_channel_encrypt(
    channel: *mut saltyrtc_secure_channel,
    data: *const u8,
    data_len: usize,
    encrypted: *mut u8,
    encrypted_capacity: usize,
    encrypted_len: *mut usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let encrypted = buffer(encrypted, encrypted_capacity, encrypted_len);
    entry(error, || {
        let channel = handle(channel, "channel")?;
        let data = bytes(data, data_len, "data")?;
        encrypted.reserve(data.len().saturating_add(SALTYRTC_SECURE_CHANNEL_OVERHEAD))?;
        let sealed = lock(&channel.channel).encrypt(data).map_err(|_| {
            let text = "all numbers of this channel are used up: open another data channel";
            Failure::new(saltyrtc_status::SequenceNumbersUsedUp, text)
        })?;
        encrypted.fill(&sealed)
    })
}

/// Decrypts a message that arrived on the data channel, put together again if it was chunked.
///
/// The buffer needs SALTYRTC_SECURE_CHANNEL_OVERHEAD bytes less than the encrypted data. Messages can be
/// lost and can arrive in any order. Fails with SALTYRTC_STATUS_DECRYPTION_FAILED if the message is not
/// one of the peer's for this channel; those after it are not affected. If the buffer is too small, the
/// same message can be given again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_secure_channel_decrypt(
    channel: *mut saltyrtc_secure_channel,
    encrypted: *const u8,
    encrypted_len: usize,
    data: *mut u8,
    data_capacity: usize,
    data_len: *mut usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let data = buffer(data, data_capacity, data_len);
    entry(error, || {
        let channel = handle(channel, "channel")?;
        let encrypted = bytes(encrypted, encrypted_len, "encrypted")?;
        data.reserve(encrypted.len().saturating_sub(SALTYRTC_SECURE_CHANNEL_OVERHEAD))?;
        let plain = lock(&channel.channel)
            .decrypt(encrypted)
            .map_err(|error| Failure::new(saltyrtc_status::DecryptionFailed, error.to_string()))?;
        data.fill(&Zeroizing::new(plain))
    })
}

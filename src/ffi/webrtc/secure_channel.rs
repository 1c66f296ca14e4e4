//! Secure data channels: the encryption of the WebRTC task for data channels of the application.

use std::ptr;
use std::sync::Mutex;

use zeroize::Zeroizing;

use crate::ffi::args::{self, buffer, bytes, handle};
use crate::ffi::client::saltyrtc_client;
use crate::ffi::error::{CallError, entry, saltyrtc_error, silent_entry};
use crate::ffi::status::saltyrtc_status;
use crate::protocol::SecureChannel;
use crate::sync::lock;

/// Encrypts and decrypts the messages of one data channel of the application with the keys of the
/// session. Both clients create one for each data channel, and a new one for a new data channel that
/// reuses an id.
///
/// It can be used after the session has ended and the client was freed.
#[derive(Debug)]
pub struct saltyrtc_secure_channel {
    channel: Mutex<SecureChannel>,
}

/// How many bytes an encrypted message of saltyrtc_secure_channel_encrypt is longer than the message.
pub const SALTYRTC_SECURE_CHANNEL_OVERHEAD: usize = 40;

const _: () = assert!(SALTYRTC_SECURE_CHANNEL_OVERHEAD == SecureChannel::OVERHEAD);

/// SALTYRTC_SECURE_CHANNEL_OVERHEAD, for programs that cannot use macros.
#[unsafe(no_mangle)]
pub extern "C" fn saltyrtc_secure_channel_overhead() -> usize {
    SALTYRTC_SECURE_CHANNEL_OVERHEAD
}

/// Creates a secure channel for the data channel with the id `id` (0 to 65534).
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
            return Err(CallError::argument("id", "data channels have 0 to 65534"));
        }
        let channel = Mutex::new(client.secure_channel(id)?);
        out.set(Box::into_raw(Box::new(saltyrtc_secure_channel { channel })));
        Ok(())
    })
}

/// Frees a secure channel. Does nothing if it is NULL. Its key is overwritten as soon as nothing else
/// uses the same key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_secure_channel_free(channel: *mut saltyrtc_secure_channel) {
    if !channel.is_null() {
        silent_entry(|| drop(Box::from_raw(channel)));
    }
}

/// Encrypts a message that is to be sent on the data channel.
///
/// The buffer needs SALTYRTC_SECURE_CHANNEL_OVERHEAD bytes more than the data. Each call uses up a
/// sequence number, even if the result is never sent. An encrypted message that is too large for the
/// data channel has to be chunked in unreliable/unordered mode (saltyrtc_chunker).
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
            let text =
                "all sequence numbers of this channel are used up: open another data channel";
            CallError::new(saltyrtc_status::SequenceNumbersUsedUp, text)
        })?;
        encrypted.fill(&sealed)
    })
}

/// Decrypts a message that arrived on the data channel. A chunked message has to be reassembled first
/// (saltyrtc_unchunker).
///
/// The buffer needs SALTYRTC_SECURE_CHANNEL_OVERHEAD bytes less than the encrypted message. Messages
/// may be lost and may arrive in any order. Fails with SALTYRTC_STATUS_DECRYPTION_FAILED if the peer
/// did not encrypt the message for this channel, which does not affect other messages. If the buffer is
/// too small, call it again with the same message.
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
        let plain = lock(&channel.channel).decrypt(encrypted).map_err(|error| {
            CallError::new(saltyrtc_status::DecryptionFailed, error.to_string())
        })?;
        data.fill(&Zeroizing::new(plain))
    })
}

//! What a client knows about its session, and everything about its peer except sending.

use std::ffi::c_char;

use zeroize::Zeroizing;

use crate::client::{ClientState, SendFailure};
use crate::crypto::{AuthToken, BOX_OVERHEAD, NONCE_BYTES};
use crate::ffi::args::{buffer, bytes, handle, key_bytes, key_out, out, text_buffer};
use crate::ffi::client::saltyrtc_client;
use crate::ffi::declare::c_enum;
use crate::ffi::error::{CallError, entry, saltyrtc_error};
use crate::ffi::status::saltyrtc_status;
use crate::protocol::{DropReason, ResponderAddress};

/// How many bytes encrypted data of saltyrtc_client_encrypt is longer than the data.
pub const SALTYRTC_ENCRYPTION_OVERHEAD: usize = 40;

const _: () = assert!(SALTYRTC_ENCRYPTION_OVERHEAD == NONCE_BYTES + BOX_OVERHEAD);

/// SALTYRTC_ENCRYPTION_OVERHEAD, for programs that cannot use macros.
#[unsafe(no_mangle)]
pub extern "C" fn saltyrtc_encryption_overhead() -> usize {
    SALTYRTC_ENCRYPTION_OVERHEAD
}

c_enum! {
    /// The state of a client.
    pub enum saltyrtc_state {
        /// The connection has ended, or is being closed.
        Closed = 0,
        /// The client is connecting to the server.
        Connecting = 1,
        /// The handshake with the server is in progress.
        ServerHandshake = 2,
        /// The handshake with the server is complete, and there is no peer.
        WaitingForPeer = 3,
        /// A handshake with a peer is in progress.
        PeerHandshake = 4,
        /// The peer is authenticated, and the task runs.
        Task = 5,
    }
}

/// The state of the client. It may change at any time, also before the caller looks at the result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_state(
    client: *const saltyrtc_client,
    state: *mut saltyrtc_state,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let out = out(state, saltyrtc_state::Closed);
    entry(error, || {
        let out = out.required("state")?;
        out.set(match handle(client, "client")?.get()?.state() {
            ClientState::Connecting => saltyrtc_state::Connecting,
            ClientState::ServerHandshake => saltyrtc_state::ServerHandshake,
            ClientState::WaitingForPeer => saltyrtc_state::WaitingForPeer,
            ClientState::PeerHandshake => saltyrtc_state::PeerHandshake,
            ClientState::Task => saltyrtc_state::Task,
            ClientState::Closed => saltyrtc_state::Closed,
        });
        Ok(())
    })
}

/// The signalling path, which is the initiator's public permanent key: SALTYRTC_KEY_BYTES bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_path(
    client: *const saltyrtc_client,
    path: *mut u8,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let path = key_out(path);
    entry(error, || {
        let path = path.required("path")?;
        path.set(*handle(client, "client")?.get()?.path().as_bytes());
        Ok(())
    })
}

/// The public permanent key of this client: SALTYRTC_KEY_BYTES bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_public_key(
    client: *const saltyrtc_client,
    key: *mut u8,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let key = key_out(key);
    entry(error, || {
        let key = key.required("key")?;
        key.set(*handle(client, "client")?.get()?.public_key().as_bytes());
        Ok(())
    })
}

/// The public permanent key of the authenticated peer: SALTYRTC_KEY_BYTES bytes. To trust the peer
/// later, store it (saltyrtc_config_set_trusted_peer). Fails with SALTYRTC_STATUS_NO_PEER.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_peer_key(
    client: *const saltyrtc_client,
    key: *mut u8,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let key = key_out(key);
    entry(error, || {
        let key = key.required("key")?;
        let peer_key = handle(client, "client")?.get()?.peer_key();
        key.set(*peer_key.ok_or(SendFailure::NoPeer)?.as_bytes());
        Ok(())
    })
}

/// The name of the task that the two clients agreed on: 256 bytes at most, including the NUL. Fails
/// with SALTYRTC_STATUS_NO_PEER.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_task(
    client: *const saltyrtc_client,
    name: *mut c_char,
    name_capacity: usize,
    name_len: *mut usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let name = text_buffer(name, name_capacity, name_len);
    entry(error, || {
        let task = handle(client, "client")?.get()?.task();
        name.fill_text(&task.ok_or(SendFailure::NoPeer)?)
    })
}

/// The URI of an invitation to the path of this client, with a token of saltyrtc_client_issue_token
/// (SALTYRTC_KEY_BYTES bytes). `token` may be NULL: the invitation is without one then.
/// SALTYRTC_INVITATION_BYTES bytes are always enough.
///
/// With a token in it, the URI is a secret between the two: show or send it to the responder only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_invitation(
    client: *const saltyrtc_client,
    token: *const u8,
    uri: *mut c_char,
    uri_capacity: usize,
    uri_len: *mut usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let uri = text_buffer(uri, uri_capacity, uri_len);
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        let token = (!token.is_null()).then(|| key_bytes(token, "token")).transpose()?;
        let invitation = client.invitation(token.map(AuthToken::from_bytes));
        uri.fill_text(&Zeroizing::new(invitation.to_uri()))
    })
}

/// Initiator: issues a new random token (SALTYRTC_KEY_BYTES bytes), which admits one more responder.
/// For new handshakes, it replaces the previous token or the trusted key. A peer that is authenticated
/// already stays until another one takes its place.
///
/// Fails with SALTYRTC_STATUS_OTHER_ROLE and SALTYRTC_STATUS_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_issue_token(
    client: *mut saltyrtc_client,
    token: *mut u8,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let token = key_out(token);
    entry(error, || {
        let token = token.required("token")?;
        token.copy(handle(client, "client")?.get()?.issue_token()?.as_bytes());
        Ok(())
    })
}

/// Trusts the authenticated peer: it can come back to this client with its permanent key and without a
/// token. Works only if the peer does the same.
///
/// To trust the peer with other clients too, store its key (saltyrtc_config_set_trusted_peer). Fails
/// with SALTYRTC_STATUS_NO_PEER.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_trust_peer(
    client: *mut saltyrtc_client,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || Ok(handle(client, "client")?.get()?.trust_peer()?))
}

/// Initiator: drops a responder from the path, which may be the authenticated peer. `address` is 2 to
/// 255. `close_code` tells the responder why: 3001 (it violated the protocol), 3002 (an internal
/// error), 3004 (it is not wanted) or 3005 (its first message could not be decrypted).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_drop_responder(
    client: *mut saltyrtc_client,
    address: u8,
    close_code: i32,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        let address = ResponderAddress::new(address).ok_or_else(|| {
            CallError::argument("address", format!("responders have 2 to 255, not {address}"))
        })?;
        let reason = u64::try_from(close_code).ok().and_then(DropReason::from_code);
        let reason = reason.ok_or_else(|| {
            let why = format!("must be 3001, 3002, 3004 or 3005, not {close_code}");
            CallError::argument("close_code", why)
        })?;
        Ok(client.drop_responder(address, reason)?)
    })
}

/// Encrypts data for the peer with the keys of this session, to be sent in another way than by this
/// library.
///
/// The buffer needs SALTYRTC_ENCRYPTION_OVERHEAD bytes more than the data. There is no protection
/// against replay: whoever transports the data can deliver it twice. Fails with
/// SALTYRTC_STATUS_NO_PEER.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_encrypt(
    client: *mut saltyrtc_client,
    data: *const u8,
    data_len: usize,
    encrypted: *mut u8,
    encrypted_capacity: usize,
    encrypted_len: *mut usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let encrypted = buffer(encrypted, encrypted_capacity, encrypted_len);
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        let data = bytes(data, data_len, "data")?;
        encrypted.reserve(data.len().saturating_add(SALTYRTC_ENCRYPTION_OVERHEAD))?;
        encrypted.fill(&client.encrypt_for_peer(data)?)
    })
}

/// Decrypts data that the peer encrypted with saltyrtc_client_encrypt in this session.
///
/// The buffer needs SALTYRTC_ENCRYPTION_OVERHEAD bytes less than the encrypted data. Fails with
/// SALTYRTC_STATUS_DECRYPTION_FAILED if the data is not from the peer or from another session, or was
/// modified; and with SALTYRTC_STATUS_NO_PEER.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_decrypt(
    client: *mut saltyrtc_client,
    encrypted: *const u8,
    encrypted_len: usize,
    data: *mut u8,
    data_capacity: usize,
    data_len: *mut usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let data = buffer(data, data_capacity, data_len);
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        let encrypted = bytes(encrypted, encrypted_len, "encrypted")?;
        let failed = |error: &dyn std::fmt::Display| {
            CallError::new(saltyrtc_status::DecryptionFailed, error.to_string())
        };
        let plain = client.decrypt_from_peer(encrypted)?.map_err(|error| failed(&error))?;
        data.fill(&Zeroizing::new(plain))
    })
}

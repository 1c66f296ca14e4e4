//! Invitations.

use std::ffi::c_char;
use std::ptr;

use zeroize::Zeroizing;

use super::args::{self, handle, key_bytes, key_out, out, text, text_buffer};
use super::error::{CallError, entry, saltyrtc_error, silent_entry};
use super::status::saltyrtc_status;
use crate::crypto::AuthToken;
use crate::protocol::{Invitation, ServerUrl};

/// A buffer of this size in bytes is large enough for the URI of any invitation.
pub const SALTYRTC_INVITATION_BYTES: usize = 512;

/// SALTYRTC_INVITATION_BYTES, for programs that cannot use macros.
#[unsafe(no_mangle)]
pub extern "C" fn saltyrtc_invitation_bytes() -> usize {
    SALTYRTC_INVITATION_BYTES
}

/// What a responder has to know to reach an initiator: the server, keys, and usually a token. It never
/// changes, so several threads can use it at once. Freeing it overwrites the token.
#[derive(Debug)]
pub struct saltyrtc_invitation(Invitation);

/// Parses the URI of an invitation: `wss://host:port/<initiator's key>?<server's key>#<token>`. The
/// port, the server's key and the token are optional.
///
/// `*out` has to be freed with saltyrtc_invitation_free. Fails with SALTYRTC_STATUS_BAD_INVITATION.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_invitation_parse(
    uri: *const c_char,
    out: *mut *mut saltyrtc_invitation,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let out = args::out(out, ptr::null_mut());
    entry(error, || {
        let out = out.required("out")?;
        let invitation = Invitation::parse(text(uri, "uri")?)?;
        out.set(Box::into_raw(Box::new(saltyrtc_invitation(invitation))));
        Ok(())
    })
}

/// Creates an invitation from its parts: the server's URL (`wss://host:port` or `ws://host:port`), the
/// initiator's public permanent key, the server's public permanent key, and a token. `server_key` may be
/// NULL if it is not known, and `token` may be NULL if the initiator trusts the responder's key. Keys
/// and tokens have SALTYRTC_KEY_BYTES bytes.
///
/// For the invitation of a client of this process, see saltyrtc_config_invitation and
/// saltyrtc_client_invitation.
///
/// `*out` has to be freed with saltyrtc_invitation_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_invitation_new(
    server_url: *const c_char,
    initiator_key: *const u8,
    server_key: *const u8,
    token: *const u8,
    out: *mut *mut saltyrtc_invitation,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let out = args::out(out, ptr::null_mut());
    entry(error, || {
        let out = out.required("out")?;
        let server = ServerUrl::parse(text(server_url, "server_url")?)?;
        let initiator_key = args::public_key(initiator_key, "initiator_key")?;
        let server_key = (!server_key.is_null())
            .then(|| args::public_key(server_key, "server_key"))
            .transpose()?;
        let token = (!token.is_null()).then(|| key_bytes(token, "token")).transpose()?;
        let token = token.map(AuthToken::from_bytes);
        let invitation = Invitation { server, initiator_key, server_key, token };
        out.set(Box::into_raw(Box::new(saltyrtc_invitation(invitation))));
        Ok(())
    })
}

/// Frees an invitation. Does nothing if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_invitation_free(invitation: *mut saltyrtc_invitation) {
    if !invitation.is_null() {
        silent_entry(|| drop(Box::from_raw(invitation)));
    }
}

/// The URI of the invitation. SALTYRTC_INVITATION_BYTES bytes are always enough.
///
/// With a token in it, the URI is a secret between the two: show or send it to the responder only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_invitation_uri(
    invitation: *const saltyrtc_invitation,
    uri: *mut c_char,
    uri_capacity: usize,
    uri_len: *mut usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let uri = text_buffer(uri, uri_capacity, uri_len);
    entry(error, || {
        let invitation = &handle(invitation, "invitation")?.0;
        uri.fill_text(&Zeroizing::new(invitation.to_uri()))
    })
}

/// The URI as a QR code for a terminal with light text on a dark background: lines of UTF-8 text made
/// of half blocks. For a host name of up to 60 characters, these are 33 lines of 65 columns at most.
///
/// With a token in it, the QR code is as secret as the URI.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_invitation_qr_code(
    invitation: *const saltyrtc_invitation,
    code: *mut c_char,
    code_capacity: usize,
    code_len: *mut usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let code = text_buffer(code, code_capacity, code_len);
    entry(error, || {
        let invitation = &handle(invitation, "invitation")?.0;
        code.fill_text(&Zeroizing::new(invitation.qr_code()))
    })
}

/// The server's URL: `wss://host:port` or `ws://host:port`, without the port if it is the default one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_invitation_server_url(
    invitation: *const saltyrtc_invitation,
    url: *mut c_char,
    url_capacity: usize,
    url_len: *mut usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let url = text_buffer(url, url_capacity, url_len);
    entry(error, || url.fill_text(&handle(invitation, "invitation")?.0.server.to_string()))
}

/// The initiator's public permanent key, which is also the signalling path. It has SALTYRTC_KEY_BYTES
/// bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_invitation_initiator_key(
    invitation: *const saltyrtc_invitation,
    key: *mut u8,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let key = key_out(key);
    entry(error, || {
        let key = key.required("key")?;
        key.set(*handle(invitation, "invitation")?.0.initiator_key.as_bytes());
        Ok(())
    })
}

/// The server's public permanent key. It has SALTYRTC_KEY_BYTES bytes. Fails with
/// SALTYRTC_STATUS_NOT_PRESENT if the invitation does not have it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_invitation_server_key(
    invitation: *const saltyrtc_invitation,
    key: *mut u8,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let key = key_out(key);
    entry(error, || {
        let key = key.required("key")?;
        let server_key = handle(invitation, "invitation")?.0.server_key;
        key.set(*server_key.ok_or_else(|| absent("server key"))?.as_bytes());
        Ok(())
    })
}

/// The token, a secret of SALTYRTC_KEY_BYTES bytes. Fails with SALTYRTC_STATUS_NOT_PRESENT if the
/// invitation has none because the initiator trusts the responder's key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_invitation_token(
    invitation: *const saltyrtc_invitation,
    token: *mut u8,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let token = key_out(token);
    entry(error, || {
        let out = token.required("token")?;
        let token = handle(invitation, "invitation")?.0.token.as_ref();
        out.copy(token.ok_or_else(|| absent("token"))?.as_bytes());
        Ok(())
    })
}

/// Whether the invitation has the server's key, and whether it has a token. `has_server_key` and
/// `has_token` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_invitation_flags(
    invitation: *const saltyrtc_invitation,
    has_server_key: *mut bool,
    has_token: *mut bool,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let (has_server_key, has_token) = (out(has_server_key, false), out(has_token, false));
    entry(error, || {
        let invitation = &handle(invitation, "invitation")?.0;
        has_server_key.set(invitation.server_key.is_some());
        has_token.set(invitation.token.is_some());
        Ok(())
    })
}

fn absent(what: &str) -> CallError {
    CallError::new(saltyrtc_status::NotPresent, format!("the invitation has no {what}"))
}

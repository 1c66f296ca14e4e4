//! The settings of the built-in WebRTC engine.

use std::ffi::c_char;
use std::ptr;

use crate::client::RtcConfig;
use crate::ffi::args::{self, handle, handle_mut, optional_text, slice, text};
use crate::ffi::client::config::{TaskChoice, saltyrtc_config};
use crate::ffi::error::{Failure, entry, saltyrtc_error, silent_entry};
use crate::ffi::status::saltyrtc_status;
use crate::rtc::ice::{Policy, Server};
use crate::task::webrtc::{Options, WebRtc};

/// The settings of the built-in WebRTC engine. They are copied when they are added to a configuration
/// (saltyrtc_config_add_rtc_task), so they can be used several times, and freed right after.
///
/// To be used by one thread at a time.
#[derive(Debug)]
pub struct saltyrtc_rtc_config {
    config: RtcConfig,
}

/// Settings with no ICE servers: enough for two clients in one network.
///
/// `*out` has to be freed with saltyrtc_rtc_config_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_rtc_config_new(
    out: *mut *mut saltyrtc_rtc_config,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let out = args::out(out, ptr::null_mut());
    entry(error, || {
        let out = out.required("out")?;
        out.set(Box::into_raw(Box::new(saltyrtc_rtc_config { config: RtcConfig::default() })));
        Ok(())
    })
}

/// Frees the settings. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_rtc_config_free(config: *mut saltyrtc_rtc_config) {
    if !config.is_null() {
        silent_entry(|| drop(Box::from_raw(config)));
    }
}

/// Adds a server that finds paths through NATs (STUN), or relays what finds no other path (TURN).
///
/// `url` is "stun:host:port", "turn:host:port", "turn:host:port?transport=tcp" or "turns:host:port"; the
/// port can be left out. `username` and `password` are for TURN; NULL for none. TURN over TLS trusts the
/// certificates that the client trusts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_rtc_config_add_ice_server(
    config: *mut saltyrtc_rtc_config,
    url: *const c_char,
    username: *const c_char,
    password: *const c_char,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        let url = text(url, "url")?;
        let username = optional_text(username, "username")?.unwrap_or_default();
        let password = optional_text(password, "password")?.unwrap_or_default();
        let server = Server::new(url, username, password)
            .map_err(|error| Failure::new(saltyrtc_status::BadUrl, format!("url: {error}")))?;
        config.config.ice_servers.push(server);
        Ok(())
    })
}

/// Whether only paths through TURN servers may be used, which hides the addresses of this host from the
/// peer. Default: false.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_rtc_config_set_relay_only(
    config: *mut saltyrtc_rtc_config,
    relay_only: bool,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let policy = if relay_only { Policy::RelayOnly } else { Policy::All };
        handle_mut(config, "config")?.config.ice_policy = policy;
        Ok(())
    })
}

/// The most bytes that a message on a secure channel may have, sent or received. Default: 16 MiB. Plain
/// channels take what WebRTC takes: 256 KiB to this client, what the peer says to the peer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_rtc_config_set_max_message_size(
    config: *mut saltyrtc_rtc_config,
    bytes: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        if bytes == 0 {
            return Err(Failure::argument("bytes", "must be 1 at least"));
        }
        handle_mut(config, "config")?.config.max_message_size = bytes;
        Ok(())
    })
}

/// The most bytes that may wait to be sent on a channel. Beyond it sending fails until there is room,
/// except that one message is always taken. Default: 4 MiB.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_rtc_config_set_max_buffered(
    config: *mut saltyrtc_rtc_config,
    bytes: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        handle_mut(config, "config")?.config.max_buffered = bytes;
        Ok(())
    })
}

/// The ids (0 to 65534) that the application wants for negotiated channels of its own
/// (saltyrtc_channel_options). Replaces those that were set before; NULL and 0 for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_rtc_config_set_negotiated_ids(
    config: *mut saltyrtc_rtc_config,
    ids: *const u16,
    ids_len: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        let exclude = slice(ids, ids_len, "ids")?.to_vec();
        let options = Options { exclude, ..config.config.options };
        WebRtc::v1(options.clone()).map_err(|error| Failure::argument("ids", error))?;
        config.config.options = options;
        Ok(())
    })
}

/// Whether the signalling moves to the connection of the two clients once there is one; then the server
/// is not needed any more. Default: true.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_rtc_config_set_handover(
    config: *mut saltyrtc_rtc_config,
    handover: bool,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        handle_mut(config, "config")?.config.options.handover = handover;
        Ok(())
    })
}

/// Channels with this label that the peer opens are plain, not secure. Can be called several times.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_rtc_config_add_plain_label(
    config: *mut saltyrtc_rtc_config,
    label: *const c_char,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        config.config.plain_labels.push(text(label, "label")?.to_owned());
        Ok(())
    })
}

/// Uses only this address of the host, for example "192.0.2.7". Can be called several times. Default:
/// all addresses that the host has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_rtc_config_add_address(
    config: *mut saltyrtc_rtc_config,
    address: *const c_char,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        let address = text(address, "address")?.parse();
        let address = address.map_err(|_| Failure::argument("address", "not an IP address"))?;
        config.config.addresses.push(address);
        Ok(())
    })
}

/// Uses only UDP ports from `first` to `last`, one for each address. Default: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_rtc_config_set_ports(
    config: *mut saltyrtc_rtc_config,
    first: u16,
    last: u16,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        if first == 0 || first > last {
            return Err(Failure::argument("first", "must be 1 at least, and not above last"));
        }
        config.config.ports = Some(first..=last);
        Ok(())
    })
}

/// Adds the WebRTC task with the built-in engine, after the tasks that were added before. No other
/// WebRTC task can be added to the same configuration.
///
/// After the handshake with the peer the client makes a connection to it by itself, hands the signalling
/// over, and carries the channels that either side opens (saltyrtc_client_open_channel; events
/// CONNECTION_STATE and CHANNEL_OPENED).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_add_rtc_task(
    config: *mut saltyrtc_config,
    rtc: *const saltyrtc_rtc_config,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        config.add_task(TaskChoice::Rtc(handle(rtc, "rtc")?.config.clone()));
        Ok(())
    })
}

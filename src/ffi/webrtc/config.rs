//! The settings of the built-in WebRTC.

use std::ffi::c_char;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::ptr;
use std::time::Duration;

use crate::client::{RtcConfig, RtcTasks, is_of_a_host};
use crate::ffi::args::{self, handle, handle_mut, optional_text, slice, text, text_bytes};
use crate::ffi::client::config::{TaskChoice, saltyrtc_config};
use crate::ffi::declare::c_enum;
use crate::ffi::error::{CallError, Outcome, entry, saltyrtc_error, silent_entry};
use crate::ffi::event::saltyrtc_dtls_role;
use crate::ffi::status::saltyrtc_status;
use crate::rtc::association::DtlsRole;
use crate::rtc::ice::{Policy, Server, Timeouts};
use crate::task::webrtc::{Options, WebRtc};

/// The settings of the built-in WebRTC. saltyrtc_config_add_rtc_task copies them into the configuration
/// of a client, so they can be used for several clients, and can be freed right after the call.
///
/// Must not be used by two threads at once.
#[derive(Debug)]
pub struct saltyrtc_rtc_config {
    config: RtcConfig,
}

/// Creates settings without ICE servers, which are enough for two clients in one network.
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

/// Frees the settings. Does nothing if they are NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_rtc_config_free(config: *mut saltyrtc_rtc_config) {
    if !config.is_null() {
        silent_entry(|| drop(Box::from_raw(config)));
    }
}

/// Adds an ICE server: a STUN server, which helps to find a path through NATs, or a TURN server, which
/// relays the connection if there is no other path.
///
/// `url` is "stun:host:port", "turn:host:port", "turn:host:port?transport=tcp" or "turns:host:port";
/// the port is optional. `username` and `password` may be NULL; they are for TURN. For TURN over TLS,
/// the same root certificates are trusted as for the connection to the SaltyRTC server.
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
            .map_err(|error| CallError::new(saltyrtc_status::BadUrl, format!("url: {error}")))?;
        config.config.ice_servers.push(server);
        Ok(())
    })
}

/// Whether only paths through TURN servers are used, which hides the addresses of this host from the
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

/// The largest message on a secure channel in either direction, in bytes. Default: 16 MiB. Plain
/// channels have the limit of WebRTC: 256 KiB for messages to this client, and what the peer announces
/// for messages to the peer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_rtc_config_set_max_message_size(
    config: *mut saltyrtc_rtc_config,
    bytes: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        if bytes == 0 {
            return Err(CallError::argument("bytes", "must be at least 1"));
        }
        handle_mut(config, "config")?.config.max_message_size = bytes;
        Ok(())
    })
}

/// How many bytes may wait to be sent on a channel. If more would wait, sending fails with
/// SALTYRTC_STATUS_QUEUE_FULL; but a channel on which nothing waits takes a message of any size.
/// Default: 4 MiB.
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

/// Reserves ids (0 to 65534) for the negotiated channels of the application (see
/// saltyrtc_channel_options). They replace those that were set before; NULL and 0 for none.
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
        WebRtc::v1(options.clone()).map_err(|error| CallError::argument("ids", error))?;
        config.config.options = options;
        Ok(())
    })
}

/// Whether the signalling is handed over to the connection between the two clients as soon as there is
/// one. The server is not needed any more after that. Default: true.
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

c_enum! {
    /// The tasks that the built-in WebRTC is added with.
    pub enum saltyrtc_rtc_tasks {
        /// WebRTC. This is the default, and what other implementations have.
        Webrtc = 0,
        /// ORTC.
        Ortc = 1,
        /// Both, with WebRTC preferred.
        WebrtcThenOrtc = 2,
        /// Both, with ORTC preferred.
        OrtcThenWebrtc = 3,
    }
}

/// Which tasks are added: WebRTC (v1.webrtc.tasks.saltyrtc.org), ORTC (v0.ortc.tasks.saltyrtc.org), or both.
/// They differ in how the two clients describe the connection to each other, and for the application in the
/// name of the task only. `tasks` is one of saltyrtc_rtc_tasks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_rtc_config_set_tasks(
    config: *mut saltyrtc_rtc_config,
    tasks: i32,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        config.config.tasks = match args::enumeration(tasks, "tasks")? {
            saltyrtc_rtc_tasks::Webrtc => RtcTasks::WebRtc,
            saltyrtc_rtc_tasks::Ortc => RtcTasks::Ortc,
            saltyrtc_rtc_tasks::WebrtcThenOrtc => RtcTasks::WebRtcThenOrtc,
            saltyrtc_rtc_tasks::OrtcThenWebrtc => RtcTasks::OrtcThenWebRtc,
        };
        Ok(())
    })
}

/// Which side of the DTLS handshake this client is. `role` is one of saltyrtc_dtls_role. Default: AUTO, which is
/// right for all peers that know how to agree. A peer that insists on the same role cannot be connected to
/// (event CONNECTION_PROBLEM with SALTYRTC_STATUS_PEER_DESCRIPTION). With the WebRTC task, the initiator always
/// leaves it to the responder, as WebRTC prescribes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_rtc_config_set_dtls_role(
    config: *mut saltyrtc_rtc_config,
    role: i32,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        config.config.dtls_role = match args::enumeration(role, "role")? {
            saltyrtc_dtls_role::Auto => None,
            saltyrtc_dtls_role::Client => Some(DtlsRole::Client),
            saltyrtc_dtls_role::Server => Some(DtlsRole::Server),
        };
        Ok(())
    })
}

/// Makes channels with this label (`label_len` bytes of UTF-8) plain, and not secure, if the peer opens
/// them. Can be called for several labels.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_rtc_config_add_plain_label(
    config: *mut saltyrtc_rtc_config,
    label: *const c_char,
    label_len: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        config.config.plain_labels.push(text_bytes(label, label_len, "label")?.to_owned());
        Ok(())
    })
}

/// An address that a host can have.
pub(super) fn host_address(text: &str, name: &str) -> Outcome<IpAddr> {
    let address: IpAddr = text
        .parse()
        .map_err(|_| CallError::argument(name, format!("\"{text}\" is not an IP address")))?;
    if !is_of_a_host(address) {
        return Err(CallError::argument(name, format!("no host can have the address {address}")));
    }
    Ok(address)
}

/// Uses this address of the host, for example "192.0.2.7", and no addresses that were not added. Can be
/// called several times. Default: all addresses of the host. saltyrtc_client_set_addresses replaces them later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_rtc_config_add_address(
    config: *mut saltyrtc_rtc_config,
    address: *const c_char,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        config.config.addresses.push(host_address(text(address, "address")?, "address")?);
        Ok(())
    })
}

/// Uses only UDP ports from `first` to `last`; each address of the host needs one. Default: any port.
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
            return Err(CallError::argument("first", "must be at least 1, and not above last"));
        }
        config.config.ports = Some(first..=last);
        Ok(())
    })
}

fn timeout(timeout_ms: u32, limits: RangeInclusive<Duration>) -> Outcome<Duration> {
    let timeout = Duration::from_millis(timeout_ms.into());
    if limits.contains(&timeout) {
        return Ok(timeout);
    }
    let [least, most] = [limits.start(), limits.end()].map(Duration::as_millis);
    let bounds = format!("must be at least {least} (milliseconds), and at most {most}");
    Err(CallError::argument("timeout_ms", bounds))
}

/// The longest time that can be set where there is no other limit.
const LONGEST: Duration = Duration::from_millis(u32::MAX as u64);

/// For how long the peer may show no sign of life before the connection is DISCONNECTED, which may pass: what is sent
/// waits. In milliseconds, at least 1000. Default: 7000.
///
/// The shorter of this time and that of saltyrtc_rtc_config_set_unreachable_timeout decides how often the peer is asked
/// for a sign of life: about three times within it, so every 2.5 s by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_rtc_config_set_disconnected_timeout(
    config: *mut saltyrtc_rtc_config,
    timeout_ms: u32,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        handle_mut(config, "config")?.config.disconnected_timeout =
            timeout(timeout_ms, Timeouts::MIN..=LONGEST)?;
        Ok(())
    })
}

/// For how long the peer may show no sign of life before it is UNREACHABLE, which after the handover is the end of the
/// client (SALTYRTC_STATUS_SIGNALLING_CHANNEL_LOST). In milliseconds, from 1000 to 30000: nobody may be sent to for longer
/// without its consent (RFC 7675). Default: 30000.
///
/// With a short time the end of a peer is noticed soon that said no good-bye, because it crashed or lost its network. But an
/// interruption that takes longer ends the connection, which would have recovered (a lift, a tunnel, another Wi-Fi), and
/// a phone is kept awake by what is sent more often. Within one building 3000 are enough; with phones on the move 15000 and
/// more are advisable. A path to the peer is looked for until there has been no news of addresses for this time, but for 10 s
/// at least.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_rtc_config_set_unreachable_timeout(
    config: *mut saltyrtc_rtc_config,
    timeout_ms: u32,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        handle_mut(config, "config")?.config.unreachable_timeout =
            timeout(timeout_ms, Timeouts::MIN..=Timeouts::MAX_FAILED)?;
        Ok(())
    })
}

/// How long it may take until channels can be used, from the handshake with the peer on, or from its first offer. After
/// that the connection is FAILED (SALTYRTC_STATUS_RTC_FAILED), on either side; saltyrtc_client_restart_ice begins anew, and so
/// does the initiator when the addresses of its host change. In milliseconds, at least 1000. Default: 120000, in which
/// a connection gets through bad networks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_rtc_config_set_setup_timeout(
    config: *mut saltyrtc_rtc_config,
    timeout_ms: u32,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        handle_mut(config, "config")?.config.setup_timeout =
            timeout(timeout_ms, Timeouts::MIN..=LONGEST)?;
        Ok(())
    })
}

/// Adds the WebRTC task, implemented by the built-in WebRTC, after the tasks that were added before. No
/// other WebRTC task can be added to the same configuration.
///
/// After the handshake with the peer, the client connects to the peer directly and hands the signalling
/// over (events CONNECTION_STATE and HANDED_OVER). Either client can open channels
/// (saltyrtc_client_open_channel, and the event CHANNEL_OPENED).
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

//! The settings of a client.

use std::ffi::c_char;
use std::ptr;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::client::{
    Certificates, ClientConfig, Config, PeerAuth, Proxy, ProxyUrl, RoleConfig, Roots,
    WhenPeerLeaves,
};
use crate::crypto::{AuthToken, KeyPair, OsRandom, PublicKey, SecretKey};
use crate::ffi::args::{
    self, bytes, handle, handle_mut, key_bytes, key_out, public_key, text, text_buffer, timeout,
};
use crate::ffi::declare::c_enum;
use crate::ffi::error::{CallError, Outcome, entry, saltyrtc_error, silent_entry};
use crate::ffi::status::saltyrtc_status;
use crate::protocol::message::TaskData;
use crate::protocol::{Invitation, ServerUrl};
use crate::task::ortc::Ortc;
use crate::task::webrtc::WebRtc;
use crate::task::{CustomTask, RelayedData};

/// The settings of a client. saltyrtc_client_new copies them, so one configuration can be used for
/// several clients, and can be freed right after the call.
///
/// Must not be used by two threads at once. Freeing it overwrites secret keys and tokens.
#[derive(Debug)]
pub struct saltyrtc_config {
    server: ServerUrl,
    role: RoleConfig,
    permanent_key: KeyPair,
    server_key: Option<PublicKey>,
    ping_interval: u32,
    tasks: Vec<TaskChoice>,
    /// The certificates of the application.
    certificates: Option<Certificates>,
    use_system_roots: bool,
    proxy: Proxy,
    connect_timeout: Duration,
    response_timeout: Duration,
    server_handshake_timeout: Duration,
    peer_handshake_timeout: Duration,
    max_message_size: usize,
    max_queue_size: usize,
    when_peer_leaves: WhenPeerLeaves,
}

#[derive(Debug, Clone)]
pub(in crate::ffi) enum TaskChoice {
    RelayedData,
    Custom(CustomTask),
    WebRtc(WebRtc),
    Ortc(Ortc),
    #[cfg(feature = "webrtc")]
    Rtc(crate::client::RtcConfig),
}

c_enum! {
    /// What a client does when its authenticated peer leaves the signalling path.
    pub enum saltyrtc_when_peer_leaves {
        /// It stays on the path, so that the peer can come back. This is the default.
        Wait = 0,
        /// It closes the connection.
        Close = 1,
    }
}

impl saltyrtc_config {
    /// Defaults are those of the Rust API.
    fn new(server: ServerUrl, role: RoleConfig, permanent_key: KeyPair) -> Self {
        let defaults = Config::new(server, role, permanent_key);
        let Config { server, connect_timeout, response_timeout, protocol, .. } = defaults;
        Self {
            server,
            role: protocol.role,
            permanent_key: protocol.permanent_key,
            server_key: protocol.server_key,
            ping_interval: protocol.ping_interval,
            tasks: Vec::new(),
            certificates: None,
            use_system_roots: true,
            proxy: Proxy::None,
            connect_timeout,
            response_timeout,
            server_handshake_timeout: protocol.server_handshake_timeout,
            peer_handshake_timeout: protocol.peer_handshake_timeout,
            max_message_size: protocol.max_message_size,
            max_queue_size: protocol.max_queue_size,
            when_peer_leaves: protocol.when_peer_leaves,
        }
    }

    pub(in crate::ffi) fn add_task(&mut self, task: TaskChoice) {
        self.tasks.push(task);
    }

    /// What a client is made with.
    pub(in crate::ffi) fn build(&self) -> Outcome<Config> {
        let roots = match (self.use_system_roots, self.certificates.clone()) {
            (true, None) => Roots::System,
            (true, Some(own)) => Roots::SystemAnd(own),
            (false, Some(own)) => Roots::Only(own),
            (false, None) if !self.server.is_tls() => Roots::System,
            (false, None) => {
                return Err(CallError::new(
                    saltyrtc_status::BadConfig,
                    "no server can be trusted: add TLS certificates, or use those of the operating system",
                ));
            }
        };
        let mut config = self.without_roots();
        config.roots = roots;
        Ok(config)
    }

    fn without_roots(&self) -> Config {
        let mut config =
            Config::new(self.server.clone(), self.role.clone(), self.permanent_key.clone());
        config.proxy = self.proxy.clone();
        config.connect_timeout = self.connect_timeout;
        config.response_timeout = self.response_timeout;
        config.protocol.server_key = self.server_key;
        config.protocol.ping_interval = self.ping_interval;
        config.protocol.server_handshake_timeout = self.server_handshake_timeout;
        config.protocol.peer_handshake_timeout = self.peer_handshake_timeout;
        config.protocol.max_message_size = self.max_message_size;
        config.protocol.max_queue_size = self.max_queue_size;
        config.protocol.when_peer_leaves = self.when_peer_leaves;
        self.tasks.iter().fold(config, |config, task| match task {
            TaskChoice::RelayedData => config.with_task(RelayedData),
            TaskChoice::Custom(task) => config.with_task(task.clone()),
            TaskChoice::WebRtc(task) => config.with_task(task.clone()),
            TaskChoice::Ortc(task) => config.with_task(task.clone()),
            #[cfg(feature = "webrtc")]
            TaskChoice::Rtc(rtc) => {
                config.with_rtc(rtc.clone()).expect("the ids were checked when they were set")
            }
        })
    }
}

/// NULL makes a new key pair.
unsafe fn key_pair(secret_key: *const u8) -> Outcome<KeyPair> {
    if secret_key.is_null() {
        return Ok(KeyPair::generate(&mut OsRandom));
    }
    Ok(KeyPair::from_secret(SecretKey::from_bytes(key_bytes(secret_key, "secret_key")?)))
}

/// Creates the settings of an initiator, the client that invites another. They contain a new random
/// token, which is part of the invitation (saltyrtc_config_invitation) and admits one responder.
///
/// `server_url` is `wss://host:port` or `ws://host:port`. `secret_key` is the permanent secret key of
/// this client (SALTYRTC_KEY_BYTES bytes). `secret_key` may be NULL: a new key pair is generated for
/// this configuration then. Two clients must not use the same key at the same time.
///
/// `*out` has to be freed with saltyrtc_config_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_new_initiator(
    server_url: *const c_char,
    secret_key: *const u8,
    out: *mut *mut saltyrtc_config,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let out = args::out(out, ptr::null_mut());
    entry(error, || {
        let out = out.required("out")?;
        let server = ServerUrl::parse(text(server_url, "server_url")?)?;
        let role = RoleConfig::Initiator {
            responder: PeerAuth::Token(AuthToken::generate(&mut OsRandom)),
        };
        let config = saltyrtc_config::new(server, role, key_pair(secret_key)?);
        out.set(Box::into_raw(Box::new(config)));
        Ok(())
    })
}

/// Creates the settings of a responder, the client that was invited, from the URI of the invitation.
///
/// `secret_key` is the permanent secret key of this client (SALTYRTC_KEY_BYTES bytes). `secret_key` may
/// be NULL: a new key pair is generated then, which is of use only if the invitation has a token.
///
/// `*out` has to be freed with saltyrtc_config_free. Fails with SALTYRTC_STATUS_BAD_INVITATION.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_new_responder(
    invitation_uri: *const c_char,
    secret_key: *const u8,
    out: *mut *mut saltyrtc_config,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let out = args::out(out, ptr::null_mut());
    entry(error, || {
        let out = out.required("out")?;
        let invitation = Invitation::parse(text(invitation_uri, "invitation_uri")?)?;
        let Invitation { server, initiator_key, server_key, token } = invitation;
        let role = RoleConfig::Responder { initiator: initiator_key, token };
        let mut config = saltyrtc_config::new(server, role, key_pair(secret_key)?);
        config.server_key = server_key;
        out.set(Box::into_raw(Box::new(config)));
        Ok(())
    })
}

/// Frees a configuration; this does not affect clients that were created with it. Does nothing if it is
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_free(config: *mut saltyrtc_config) {
    if !config.is_null() {
        silent_entry(|| drop(Box::from_raw(config)));
    }
}

/// The public permanent key of the client. It has SALTYRTC_KEY_BYTES bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_public_key(
    config: *const saltyrtc_config,
    key: *mut u8,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let key = key_out(key);
    entry(error, || {
        let key = key.required("key")?;
        key.set(*handle(config, "config")?.permanent_key.public().as_bytes());
        Ok(())
    })
}

/// Initiator: the URI of the invitation for the responder. It contains the token, unless a peer is
/// trusted (saltyrtc_config_set_trusted_peer), and the server's key if that was set before
/// (saltyrtc_config_set_server_key). SALTYRTC_INVITATION_BYTES bytes are always enough.
///
/// With a token in it, the URI is a secret between the two: show or send it to the responder only.
/// Fails with SALTYRTC_STATUS_OTHER_ROLE for a responder.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_invitation(
    config: *const saltyrtc_config,
    uri: *mut c_char,
    uri_capacity: usize,
    uri_len: *mut usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let uri = text_buffer(uri, uri_capacity, uri_len);
    entry(error, || {
        let invitation =
            handle(config, "config")?.without_roots().invitation().ok_or_else(|| {
                CallError::new(saltyrtc_status::OtherRole, "only an initiator has an invitation")
            })?;
        uri.fill_text(&Zeroizing::new(invitation.to_uri()))
    })
}

/// Sets the public permanent key of the server (SALTYRTC_KEY_BYTES bytes). The client then refuses a
/// server that does not prove that it has this key. `key` may be NULL: then it is not known, which is
/// the default for an initiator; a responder takes the key from the invitation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_set_server_key(
    config: *mut saltyrtc_config,
    key: *const u8,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        config.server_key = if key.is_null() { None } else { Some(public_key(key, "key")?) };
        Ok(())
    })
}

/// Trusts a peer by its public permanent key (SALTYRTC_KEY_BYTES bytes), which this client has stored
/// when it was connected to that peer, in place of a token. Works only if the peer trusts this client's
/// key in the same way.
///
/// For a responder, the key has to be that of the initiator in the invitation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_set_trusted_peer(
    config: *mut saltyrtc_config,
    key: *const u8,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        let key = public_key(key, "key")?;
        match &mut config.role {
            RoleConfig::Initiator { responder } => *responder = PeerAuth::Trusted(key),
            RoleConfig::Responder { initiator, token } if *initiator == key => *token = None,
            RoleConfig::Responder { .. } => {
                return Err(CallError::argument(
                    "key",
                    "not the initiator's key of the invitation",
                ));
            }
        }
        Ok(())
    })
}

/// Sets the token (SALTYRTC_KEY_BYTES bytes), in place of the random one (initiator) or that of the
/// invitation (responder). A token must be random, for example the secret key of
/// saltyrtc_key_pair_generate, and must be used for one pair of clients only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_set_token(
    config: *mut saltyrtc_config,
    token: *const u8,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        let new = AuthToken::from_bytes(key_bytes(token, "token")?);
        match &mut config.role {
            RoleConfig::Initiator { responder } => *responder = PeerAuth::Token(new),
            RoleConfig::Responder { token, .. } => *token = Some(new),
        }
        Ok(())
    })
}

/// Adds the Relayed Data task: all data goes over the server.
///
/// Every client needs at least one task. The two clients use the first of the initiator's tasks that
/// the responder has too: so tasks are added in the order of preference.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_add_relayed_data_task(
    config: *mut saltyrtc_config,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        handle_mut(config, "config")?.add_task(TaskChoice::RelayedData);
        Ok(())
    })
}

/// Adds a task that the application implements itself. The library negotiates the task by its name and
/// carries its messages (saltyrtc_client_send_task_message, and the event TASK_MESSAGE).
///
/// `name` has 1 to 255 bytes and should be as specific as a domain name, for example
/// `v1.chess.tasks.example.org`. `data` is a MessagePack map, which the peer gets with its event
/// PEER_HANDSHAKE_DONE; NULL and 0 if there is nothing to tell the peer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_add_custom_task(
    config: *mut saltyrtc_config,
    name: *const c_char,
    data: *const u8,
    data_len: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        let name = text(name, "name")?;
        let data = match bytes(data, data_len, "data")? {
            [] => TaskData::NIL,
            map => TaskData::from_map(map.to_vec()).map_err(|error| {
                CallError::new(
                    saltyrtc_status::BadMsgpack,
                    format!("data must be a MessagePack map with text keys: {error}"),
                )
            })?,
        };
        let task = CustomTask::new(name, data);
        let task = task.map_err(|error| CallError::argument("name", error))?;
        config.add_task(TaskChoice::Custom(task));
        Ok(())
    })
}

/// Trusts additional root certificates for `wss`: one or more in PEM, or one in DER. The certificate of a
/// server itself can be given, too; its name and its dates are checked. Its key may be RSA with 2048 to 8192
/// bits, ECDSA with P-256 or P-384, or Ed25519. See also saltyrtc_config_set_system_roots.
///
/// Fails with SALTYRTC_STATUS_BAD_CERTIFICATE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_add_tls_certificates(
    config: *mut saltyrtc_config,
    certificates: *const u8,
    certificates_len: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        let certificates = bytes(certificates, certificates_len, "certificates")?;
        let new = Certificates::parse(certificates).map_err(|error| {
            CallError::new(saltyrtc_status::BadCertificate, format!("certificates: {error}"))
        })?;
        match &mut config.certificates {
            Some(certificates) => certificates.extend(new),
            none => *none = Some(new),
        }
        Ok(())
    })
}

/// Whether the root certificates of the operating system are trusted for `wss`, in addition to those of
/// saltyrtc_config_add_tls_certificates. Default: true.
///
/// On Android these are the certificates that came with the system, without what the owner of the device
/// added or switched off. On the systems of Apple, the system judges the certificates of servers itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_set_system_roots(
    config: *mut saltyrtc_config,
    use_system_roots: bool,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        handle_mut(config, "config")?.use_system_roots = use_system_roots;
        Ok(())
    })
}

/// Sets the proxy on the way to the server, and to TURN servers over TCP and TLS: `http://host:port` (with CONNECT), `https://host:port` (the same over
/// TLS) or `socks5://host:port`. If the proxy wants to know who asks, `user:password@` is in front of the host,
/// with special characters percent-encoded. `proxy_url` may be NULL: there is none, which is the default.
///
/// Fails with SALTYRTC_STATUS_BAD_URL. What the proxy refuses ends a client with
/// SALTYRTC_STATUS_PROXY_REFUSED, and a text with the status that it gave. If it is the way to a TURN server that the
/// proxy refuses, that is a CONNECTION_PROBLEM with such a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_set_proxy(
    config: *mut saltyrtc_config,
    proxy_url: *const c_char,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        config.proxy = if proxy_url.is_null() {
            Proxy::None
        } else {
            let url = ProxyUrl::parse(text(proxy_url, "proxy_url")?);
            Proxy::Url(url.map_err(|error| {
                CallError::new(saltyrtc_status::BadUrl, format!("proxy_url: {error}"))
            })?)
        };
        Ok(())
    })
}

/// Takes the proxy on the way to the server, and to TURN servers over TCP and TLS, from the environment, in place of one
/// that was set before: for `wss` and `turns` from `HTTPS_PROXY`, otherwise from `ALL_PROXY`, unless the server is in the list `NO_PROXY`. Names in small
/// letters go first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_use_environment_proxy(
    config: *mut saltyrtc_config,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        handle_mut(config, "config")?.proxy = Proxy::Environment;
        Ok(())
    })
}

/// The most time, in milliseconds, that connecting to the server may take: resolving its name, TCP, TLS
/// and WebSocket together. Default: 10 s.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_set_connect_timeout(
    config: *mut saltyrtc_config,
    timeout_ms: u32,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        handle_mut(config, "config")?.connect_timeout = timeout(timeout_ms, "timeout_ms")?;
        Ok(())
    })
}

/// The most time, in milliseconds, that the SaltyRTC handshake with the server may take. Default: 30 s.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_set_server_handshake_timeout(
    config: *mut saltyrtc_config,
    timeout_ms: u32,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        handle_mut(config, "config")?.server_handshake_timeout = timeout(timeout_ms, "timeout_ms")?;
        Ok(())
    })
}

/// The most time, in milliseconds, that the handshake with a peer may take, counted from the peer's
/// first message. Default: 60 s. A responder waits five times as long for that message, as an initiator looks
/// at one responder per second if others fail.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_set_peer_handshake_timeout(
    config: *mut saltyrtc_config,
    timeout_ms: u32,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        handle_mut(config, "config")?.peer_handshake_timeout = timeout(timeout_ms, "timeout_ms")?;
        Ok(())
    })
}

/// The most time, in milliseconds, that the server may show no sign of life when one is due: after something
/// was sent to it, or when a ping is overdue that it was asked to send (saltyrtc_config_set_ping_interval). Then the
/// client ends with SALTYRTC_STATUS_CONNECTION_LOST. Half of that time before, it sends a ping itself.
/// Default: 30 s.
///
/// With a ping interval a dead network is noticed within both times together, and without one only if something was
/// sent. While the application takes no events, or has paused them, nothing is noticed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_set_response_timeout(
    config: *mut saltyrtc_config,
    timeout_ms: u32,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        handle_mut(config, "config")?.response_timeout = timeout(timeout_ms, "timeout_ms")?;
        Ok(())
    })
}

/// The interval, in seconds, at which the server is asked to send WebSocket pings; 0 for no pings.
/// Default: 0. With pings a dead network is noticed also when nothing is sent
/// (saltyrtc_config_set_response_timeout).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_set_ping_interval(
    config: *mut saltyrtc_config,
    interval_s: u32,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        handle_mut(config, "config")?.ping_interval = interval_s;
        Ok(())
    })
}

/// The largest message on the wire in either direction, in bytes; at least 4096. Default: 1 MiB, which
/// is the limit of most servers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_set_max_message_size(
    config: *mut saltyrtc_config,
    size: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        if size < ClientConfig::MIN_MESSAGE_SIZE {
            let least = ClientConfig::MIN_MESSAGE_SIZE;
            return Err(CallError::argument("size", format!("must be at least {least} bytes")));
        }
        config.max_message_size = size;
        Ok(())
    })
}

/// How many bytes may wait in each direction. If more would wait to be sent, sending fails with
/// SALTYRTC_STATUS_QUEUE_FULL; if more wait in events that the application has not taken yet, the
/// client reads nothing more from the network. An empty queue takes a message of any size. Default: 4
/// MiB.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_set_max_queue_size(
    config: *mut saltyrtc_config,
    size: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        if size == 0 {
            return Err(CallError::argument("size", "must be at least 1 byte"));
        }
        config.max_queue_size = size;
        Ok(())
    })
}

/// What the client does when its authenticated peer leaves the path. `when_peer_leaves` is one of
/// saltyrtc_when_peer_leaves.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_set_when_peer_leaves(
    config: *mut saltyrtc_config,
    when_peer_leaves: i32,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        config.when_peer_leaves = match args::enumeration(when_peer_leaves, "when_peer_leaves")? {
            saltyrtc_when_peer_leaves::Wait => WhenPeerLeaves::Wait,
            saltyrtc_when_peer_leaves::Close => WhenPeerLeaves::Close,
        };
        Ok(())
    })
}

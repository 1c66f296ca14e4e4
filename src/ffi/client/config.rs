//! The settings of a client.

use std::ffi::c_char;
use std::ptr;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::client::{
    Certificates, ClientConfig, Config, PeerAuth, RoleConfig, Roots, WhenPeerLeaves,
};
use crate::crypto::{AuthToken, KeyPair, OsRandom, PublicKey, SecretKey};
use crate::ffi::args::{
    self, bytes, handle, handle_mut, key_bytes, key_out, public_key, text, text_buffer, timeout,
};
use crate::ffi::declare::c_enum;
use crate::ffi::error::{Failure, Outcome, entry, saltyrtc_error, silent_entry};
use crate::ffi::status::saltyrtc_status;
use crate::protocol::message::TaskData;
use crate::protocol::{Invitation, ServerUrl};
use crate::task::webrtc::WebRtc;
use crate::task::{CustomTask, RelayedData};

/// The settings of a client. The client copies them when it is made (saltyrtc_client_new), so one
/// configuration can make several clients, and can be freed right after.
///
/// To be used by one thread at a time. Freeing it overwrites secret keys and tokens.
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
    connect_timeout: Duration,
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
    #[cfg(feature = "webrtc")]
    Rtc(crate::client::RtcConfig),
}

c_enum! {
    /// What a client does when its authenticated peer leaves the path.
    pub enum saltyrtc_when_peer_leaves {
        /// Stay on the path, so that the peer can join again. The default.
        Wait = 0,
        /// Close the connection.
        Close = 1,
    }
}

impl saltyrtc_config {
    /// Defaults are those of the Rust API.
    fn new(server: ServerUrl, role: RoleConfig, permanent_key: KeyPair) -> Self {
        let defaults = Config::new(server, role, permanent_key);
        let Config { server, connect_timeout, protocol, .. } = defaults;
        Self {
            server,
            role: protocol.role,
            permanent_key: protocol.permanent_key,
            server_key: protocol.server_key,
            ping_interval: protocol.ping_interval,
            tasks: Vec::new(),
            certificates: None,
            use_system_roots: true,
            connect_timeout,
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
                return Err(Failure::new(
                    saltyrtc_status::BadConfig,
                    "no server can be trusted: add TLS certificates, or use those of the system",
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
        config.connect_timeout = self.connect_timeout;
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

/// The settings of an initiator: the client that invites. A token is drawn, which is part of the
/// invitation (saltyrtc_config_invitation) and lets one responder in.
///
/// `server_url` is `wss://host:port` or `ws://host:port`. `secret_key` is the permanent secret key of
/// this client (SALTYRTC_KEY_BYTES bytes); NULL makes a new key pair for this configuration. No two
/// clients may use the same key at the same time.
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

/// The settings of a responder: the client that was invited, with the URI of the invitation.
///
/// `secret_key` is the permanent secret key of this client (SALTYRTC_KEY_BYTES bytes); NULL makes a new
/// key pair, which only makes sense if the invitation has a token.
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

/// Frees a configuration. Clients that were made with it are not affected. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_free(config: *mut saltyrtc_config) {
    if !config.is_null() {
        silent_entry(|| drop(Box::from_raw(config)));
    }
}

/// The public permanent key of the client: SALTYRTC_KEY_BYTES bytes.
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

/// Initiator: the URI of the invitation for the responder, with the token unless a peer is trusted.
/// Set the server's key before, so that it is part of it. SALTYRTC_INVITATION_BYTES bytes are enough.
///
/// With a token the URI is a secret: show or send it to the responder only. Fails with
/// SALTYRTC_STATUS_OTHER_ROLE for a responder.
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
                Failure::new(saltyrtc_status::OtherRole, "only an initiator can invite somebody")
            })?;
        uri.fill_text(&Zeroizing::new(invitation.to_uri()))
    })
}

/// Sets the server's public permanent key (SALTYRTC_KEY_BYTES bytes): a server that does not prove to
/// have it is refused. NULL for a server whose key is not known, which is the default of initiators;
/// responders have it from the invitation.
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

/// Sets the public permanent key (SALTYRTC_KEY_BYTES bytes) of the peer, which this client has stored
/// and which has stored ours: no token is used then. Both clients have to do this, or neither.
///
/// For a responder the key has to be the one of the invitation.
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
                return Err(Failure::argument("key", "not the initiator's key of the invitation"));
            }
        }
        Ok(())
    })
}

/// Sets the token (SALTYRTC_KEY_BYTES bytes), in place of the one that was drawn (initiator) or that
/// was in the invitation (responder). A token may be used for one pair of clients only: draw it at
/// random, for example as the secret key of saltyrtc_key_pair_generate.
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

/// Adds the Relayed Data task, after those that were added before: the order is the order of
/// preference. At least one task is needed.
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

/// Adds a task of the application's own: the library negotiates its name, and passes its messages
/// through (saltyrtc_client_send_task_message and the TASK_MESSAGE event).
///
/// `name` has 1 to 255 bytes and should be as specific as a domain name, for example
/// `v1.chess.tasks.example.org`. `data` is a MessagePack map that the peer gets in its
/// PEER_HANDSHAKE_DONE event; NULL and 0 for none.
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
                Failure::new(
                    saltyrtc_status::BadMsgpack,
                    format!("data must be a MessagePack map with text keys: {error}"),
                )
            })?,
        };
        let task = CustomTask::new(name, data);
        let task = task.map_err(|error| Failure::argument("name", error))?;
        config.add_task(TaskChoice::Custom(task));
        Ok(())
    })
}

/// Adds certificates to those that a `wss` server's certificate may come from: one or more in PEM, or
/// one in DER. See also saltyrtc_config_set_system_roots.
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
            Failure::new(saltyrtc_status::BadCertificate, format!("certificates: {error}"))
        })?;
        match &mut config.certificates {
            Some(certificates) => certificates.extend(new),
            none => *none = Some(new),
        }
        Ok(())
    })
}

/// Whether a `wss` server's certificate may come from the certificates that the operating system
/// trusts. Default: true. With false, only those of saltyrtc_config_add_tls_certificates count.
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

/// The longest that connecting may take, in milliseconds: name, TCP, TLS and WebSocket. Default: 10 s.
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

/// The longest that the handshake with the server may take, in milliseconds. Default: 30 s.
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

/// The longest that the handshake with a peer may take from its first message on, in milliseconds.
/// Default: 60 s.
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

/// Seconds between the WebSocket pings that the server is asked to send; 0 for none. Default: 0.
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

/// The most bytes that a message may have on the wire, in both directions; at least 4096. Default:
/// 1 MiB, which is what most servers accept.
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
            return Err(Failure::argument("size", format!("must be {least} bytes at least")));
        }
        config.max_message_size = size;
        Ok(())
    })
}

/// The most bytes that may wait to be sent; beyond it, sending fails with SALTYRTC_STATUS_QUEUE_FULL.
/// As many bytes of received data may wait in events; beyond it, nothing more is read from the
/// network. One message is always taken. Default: 4 MiB.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_config_set_max_queue_size(
    config: *mut saltyrtc_config,
    size: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = handle_mut(config, "config")?;
        if size == 0 {
            return Err(Failure::argument("size", "must be 1 byte at least"));
        }
        config.max_queue_size = size;
        Ok(())
    })
}

/// What to do when the authenticated peer leaves the path: a saltyrtc_when_peer_leaves.
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

//! The embedded server.

mod limits;
mod stopping;

use std::ffi::c_char;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ptr;
use std::sync::Mutex;
use std::time::Duration;

use crate::crypto::{KeyPair, SecretKey};
use crate::ffi::args::{self, bytes, handle, handle_mut, key_bytes, text, text_buffer};
use crate::ffi::client::dispatch;
use crate::ffi::error::{CallError, entry, owner_entry, saltyrtc_error, silent_entry};
use crate::ffi::queue::{self, saltyrtc_queue};
use crate::ffi::status::saltyrtc_status;
use crate::server::{ListenAddress, Server, ServerConfig, ServerError, TlsIdentity};

use stopping::Life;

/// The settings of a server. saltyrtc_server_start copies them. Must not be used by two threads at
/// once.
#[derive(Debug)]
pub struct saltyrtc_server_config(pub(super) ServerConfig);

/// A running server. Its functions can be called from any thread at any time until saltyrtc_server_free
/// is called, and not after that.
#[derive(Debug)]
pub struct saltyrtc_server {
    address: ListenAddress,
    tls: bool,
    server: Mutex<Life>,
}

impl From<ServerError> for CallError {
    fn from(error: ServerError) -> Self {
        let status = match &error {
            ServerError::Listen { .. } => saltyrtc_status::ListenFailed,
            ServerError::Tls(_) => saltyrtc_status::BadCertificate,
            _ => saltyrtc_status::BadConfig,
        };
        Self::new(status, error.to_string())
    }
}

/// Creates the settings of a server that listens on an IP address (for example "127.0.0.1", "::1",
/// "0.0.0.0" for all IPv4 addresses, or "::" for all addresses) and a port. With port 0, the operating
/// system chooses one (saltyrtc_server_port). Without further settings, the server uses `ws` without
/// TLS and has no permanent key.
///
/// For a proxy on the same host, the address can be "unix:" and the path of a Unix socket, with port 0. The server makes
/// the file, for its owner and its group (permissions 0660), replaces one that a server left which was killed, and
/// removes it when it stops. Not on Windows.
///
/// `*out` has to be freed with saltyrtc_server_config_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_server_config_new(
    address: *const c_char,
    port: u16,
    out: *mut *mut saltyrtc_server_config,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let out = args::out(out, ptr::null_mut());
    entry(error, || {
        let out = out.required("out")?;
        let address = text(address, "address")?;
        let config = match address.strip_prefix("unix:") {
            Some("") => return Err(CallError::argument("address", "has no path behind `unix:`")),
            Some(_) if port != 0 => {
                return Err(CallError::argument("port", "must be 0 for a Unix socket"));
            }
            Some(path) => ServerConfig::unix(path),
            None => {
                let wrong = "must be an IPv4 or IPv6 address, or `unix:` and a path";
                let address: IpAddr =
                    address.parse().map_err(|_| CallError::argument("address", wrong))?;
                ServerConfig::new(SocketAddr::new(address, port))
            }
        };
        out.set(Box::into_raw(Box::new(saltyrtc_server_config(config))));
        Ok(())
    })
}

/// Frees the settings of a server. Does nothing if they are NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_server_config_free(config: *mut saltyrtc_server_config) {
    if !config.is_null() {
        silent_entry(|| drop(Box::from_raw(config)));
    }
}

/// Adds a permanent secret key of the server (SALTYRTC_KEY_BYTES bytes). The first one is the primary
/// key. Clients that know a public key of the server can verify that they are connected to it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_server_config_add_permanent_key(
    config: *mut saltyrtc_server_config,
    secret_key: *const u8,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = &mut handle_mut(config, "config")?.0;
        let secret = SecretKey::from_bytes(key_bytes(secret_key, "secret_key")?);
        config.permanent_keys.push(KeyPair::from_secret(secret));
        Ok(())
    })
}

/// Makes the server use `wss`, with a certificate chain, that of the server first, and the private key
/// of the server, both in PEM. They are checked when the server starts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_server_config_set_tls(
    config: *mut saltyrtc_server_config,
    certificates: *const u8,
    certificates_len: usize,
    private_key: *const u8,
    private_key_len: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let config = &mut handle_mut(config, "config")?.0;
        let certificate_chain = bytes(certificates, certificates_len, "certificates")?.to_vec();
        let private_key = bytes(private_key, private_key_len, "private_key")?.to_vec();
        config.tls = Some(TlsIdentity { certificate_chain, private_key });
        Ok(())
    })
}

/// Whether initiators may drop responders with the close code 3006 (no shared task). The protocol does
/// not allow it, but some older clients do it. Default: false.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_server_config_set_accept_no_shared_task(
    config: *mut saltyrtc_server_config,
    accept: bool,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        handle_mut(config, "config")?.0.accept_no_shared_task_as_drop_reason = accept;
        Ok(())
    })
}

/// Starts a server, which runs on threads of the library. It is listening when this function returns.
///
/// `*out` has to be freed with saltyrtc_server_free. Fails with SALTYRTC_STATUS_LISTEN_FAILED, with
/// SALTYRTC_STATUS_BAD_CERTIFICATE, and with SALTYRTC_STATUS_BAD_CONFIG if a limit is too small.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_server_start(
    config: *const saltyrtc_server_config,
    out: *mut *mut saltyrtc_server,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let out = args::out(out, ptr::null_mut());
    entry(error, || {
        let out = out.required("out")?;
        let config = handle(config, "config")?.0.clone();
        let tls = config.tls.is_some();
        let server = Server::start(config)?;
        let [address, ..] = server.addresses() else {
            unreachable!("a server has something to listen on")
        };
        let address = address.clone();
        let server = saltyrtc_server { address, tls, server: Mutex::new(Life::Running(server)) };
        out.set(Box::into_raw(Box::new(server)));
        Ok(())
    })
}

/// The port that the server is listening on; 0 if that is a Unix socket.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_server_port(
    server: *const saltyrtc_server,
    port: *mut u16,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let port = args::out(port, 0);
    entry(error, || {
        let port = port.required("port")?;
        port.set(match &handle(server, "server")?.address {
            ListenAddress::Tcp(address) => address.port(),
            ListenAddress::Unix(_) => 0,
        });
        Ok(())
    })
}

/// The IP address and port that the server is listening on, for example "127.0.0.1:8765" or
/// "[::1]:8765"; or "unix:" and the path of the Unix socket.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_server_address(
    server: *const saltyrtc_server,
    address: *mut c_char,
    address_capacity: usize,
    address_len: *mut usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let address = text_buffer(address, address_capacity, address_len);
    entry(error, || address.fill_text(&handle(server, "server")?.address.to_string()))
}

/// The URL of the server for clients on the same host, for example "ws://127.0.0.1:8765", as
/// saltyrtc_config_new_initiator takes it. It contains the IP address also with TLS, for which the
/// certificate may not be valid. Empty for a Unix socket, which clients reach through a proxy only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_server_url(
    server: *const saltyrtc_server,
    url: *mut c_char,
    url_capacity: usize,
    url_len: *mut usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let url = text_buffer(url, url_capacity, url_len);
    entry(error, || {
        let server = handle(server, "server")?;
        let ListenAddress::Tcp(mut address) = server.address else { return url.fill_text("") };
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        let scheme = if server.tls { "wss" } else { "ws" };
        url.fill_text(&format!("{scheme}://{address}"))
    })
}

/// Stops a server gracefully: it stops listening, delivers what waits for its clients, and closes their
/// connections with 1001. Blocks until that is done, for `timeout_ms` milliseconds at most. Called again, it
/// waits again.
///
/// Fails with SALTYRTC_STATUS_TIMEOUT if it was not done in time, and continues in the background; and
/// with SALTYRTC_STATUS_WOULD_DEADLOCK in a callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_server_stop(
    server: *mut saltyrtc_server,
    timeout_ms: u32,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let server = handle(server, "server")?;
        if dispatch::on_event_thread() {
            let text = "a callback must not wait for the end of a server";
            return Err(CallError::new(saltyrtc_status::WouldDeadlock, text));
        }
        if server.stop().wait(Duration::from_millis(timeout_ms.into())) {
            return Ok(());
        }
        Err(CallError::new(
            saltyrtc_status::Timeout,
            "connections of the server are still being closed",
        ))
    })
}

/// Like saltyrtc_server_stop, but returns at once. The end is an event SERVER_STOPPED on the queue, with
/// `token`, and SALTYRTC_STATUS_OK; or with SALTYRTC_STATUS_TIMEOUT if the server has not stopped after
/// `deadline_ms` milliseconds, in which case it continues in the background. Each call leads to one event,
/// unless the queue is freed before. The server still has to be freed, which can be done at any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_server_stop_on_queue(
    server: *mut saltyrtc_server,
    deadline_ms: u32,
    queue: *mut saltyrtc_queue,
    token: u64,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let (server, queue) = (handle(server, "server")?, queue::queue(queue)?);
        stopping::announce(&server.stop(), queue, token, Duration::from_millis(deadline_ms.into()));
        Ok(())
    })
}

/// Frees a server. If it is still running, it stops at once and drops its connections. Does nothing if
/// it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_server_free(server: *mut saltyrtc_server) {
    if !server.is_null() {
        owner_entry(|| drop(Box::from_raw(server)));
    }
}

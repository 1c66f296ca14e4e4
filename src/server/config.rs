//! What a server needs to know, and why it may not start.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::crypto::KeyPair;
use crate::protocol::server::PathConfig;
use crate::transport::TlsError;

/// What a server needs to know. [`ServerConfig::new`] has a default for everything but the address.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerConfig {
    /// Where to listen. With port 0 the operating system picks one; see
    /// [`Server::local_addr`](super::Server::local_addr).
    pub listen: SocketAddr,
    /// Certificate and key for TLS. Without, the server speaks plain `ws://`, which is for tests and
    /// for running behind a proxy that does TLS.
    pub tls: Option<TlsIdentity>,
    /// The permanent key pairs of the server, the primary one first.
    ///
    /// Without any, clients cannot tell this server from another, and those that expect a certain key
    /// are refused (3007).
    pub permanent_keys: Vec<KeyPair>,
    /// How many bytes a message may have, nonce included. Connections that send more are closed with
    /// 1009. Default: 1 MiB.
    pub max_message_size: usize,
    /// How long a client may take from TCP connection to authentication, TLS and WebSocket handshake
    /// included. Default: 30 seconds.
    pub handshake_timeout: Duration,
    /// How long a client may take to answer a ping. Default: 30 seconds.
    pub pong_timeout: Duration,
    /// How long a connection may take to end after the closing frame was queued; then it is cut off.
    /// Default: 5 seconds.
    pub close_timeout: Duration,
    /// How many bytes of relayed messages may wait for one client. Default: 4 MiB.
    ///
    /// This bounds the memory of a connection, together with three messages of
    /// [`max_message_size`](Self::max_message_size) that are on their way in or out.
    pub max_queue: usize,
    /// How many connections there may be at once. Others wait until one ends. Default: 65 536.
    pub max_connections: usize,
    /// See [`PathConfig::accept_no_shared_task_as_drop_reason`]. Default: off.
    pub accept_no_shared_task_as_drop_reason: bool,
}

impl ServerConfig {
    /// A server without TLS and without permanent keys on this address.
    pub fn new(listen: SocketAddr) -> Self {
        let path = PathConfig::default();
        Self {
            listen,
            tls: None,
            permanent_keys: path.permanent_keys,
            max_message_size: 1 << 20,
            handshake_timeout: path.handshake_timeout,
            pong_timeout: path.pong_timeout,
            close_timeout: Duration::from_secs(5),
            max_queue: path.max_queue,
            max_connections: 1 << 16,
            accept_no_shared_task_as_drop_reason: path.accept_no_shared_task_as_drop_reason,
        }
    }

    pub(super) fn path_config(&self) -> PathConfig {
        PathConfig {
            permanent_keys: self.permanent_keys.clone(),
            handshake_timeout: self.handshake_timeout,
            pong_timeout: self.pong_timeout,
            max_queue: self.max_queue,
            accept_no_shared_task_as_drop_reason: self.accept_no_shared_task_as_drop_reason,
            ..PathConfig::default()
        }
    }

    /// Limits with which no client could ever get through, or that limit nothing, are mistakes.
    pub(super) fn check(&self) -> Result<(), ServerError> {
        /// 'client-auth' with a few subprotocols and with room for more.
        const LEAST_MESSAGE: usize = 1024;
        if self.max_message_size < LEAST_MESSAGE {
            return Err(ServerError::Limit("max_message_size has to be 1024 bytes at least"));
        }
        const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
        if self.handshake_timeout.is_zero() || self.pong_timeout.is_zero() {
            return Err(ServerError::Limit("handshake_timeout and pong_timeout may not be 0"));
        }
        if self.handshake_timeout.max(self.pong_timeout).max(self.close_timeout) > LONGEST {
            return Err(ServerError::Limit("no timeout may be longer than a day"));
        }
        if self.max_connections == 0 {
            return Err(ServerError::Limit("max_connections has to be 1 at least"));
        }
        Ok(())
    }
}

/// The TLS certificate of a server with its private key.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsIdentity {
    /// The certificate of the server and then those that lead to a trusted root, in PEM.
    pub certificate_chain: Vec<u8>,
    /// The private key of the certificate in PEM: PKCS #8, PKCS #1 or SEC 1, not encrypted.
    pub private_key: Vec<u8>,
}

impl TlsIdentity {
    /// Whether certificate and key can be used, and belong together.
    ///
    /// # Errors
    ///
    /// [`TlsError::NoCertificate`], [`TlsError::NoPrivateKey`], [`TlsError::Pem`] and
    /// [`TlsError::Identity`].
    pub fn check(&self) -> Result<(), TlsError> {
        crate::transport::server_config(&self.certificate_chain, &self.private_key).map(|_| ())
    }
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsIdentity(…)")
    }
}

/// Why a server could not be started.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerError {
    /// The address cannot be listened on.
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        error: io::Error,
    },
    /// Certificate or private key cannot be used.
    Tls(TlsError),
    /// A limit has a value with which nothing would work. The text says which.
    Limit(&'static str),
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, error } => {
                let advice = match error.kind() {
                    io::ErrorKind::AddrInUse => "stop the other program, or use another port",
                    io::ErrorKind::PermissionDenied => "use a port from 1024 on, or more rights",
                    io::ErrorKind::AddrNotAvailable => "use an address of this machine",
                    _ => "check the address",
                };
                write!(f, "cannot listen on {address}: {error}; {advice}")
            }
            Self::Tls(error) => error.fmt(f),
            Self::Limit(what) => write!(f, "the server's configuration is wrong: {what}"),
        }
    }
}

impl std::error::Error for ServerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen { error, .. } => Some(error),
            Self::Tls(error) => Some(error),
            Self::Limit(_) => None,
        }
    }
}

impl From<TlsError> for ServerError {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

//! What a server needs to know, and why it may not start.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::limits::ServerLimits;
use super::listen::ListenAddress;
use super::network::TrustedProxies;
use crate::crypto::KeyPair;
use crate::transport::TlsError;

/// What a server needs to know. [`ServerConfig::new`] has a default for everything but the address.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerConfig {
    /// Where to listen.
    pub listen: ListenAddress,
    /// Certificate and key for TLS. Without, the server speaks plain `ws://`, which is for tests and
    /// for running behind a proxy that does TLS.
    pub tls: Option<TlsIdentity>,
    /// The permanent key pairs of the server, the primary one first.
    ///
    /// Without any, clients cannot tell this server from another, and those that expect a certain key
    /// are refused (3007).
    pub permanent_keys: Vec<KeyPair>,
    /// The limits of the server.
    pub limits: ServerLimits,
    /// The proxies that the server stands behind, if they say who the clients are. Default: none.
    pub proxy: Option<TrustedProxies>,
    /// Accept 3006 as the reason in 'drop-responder'; see
    /// [`PathConfig`](crate::protocol::server::PathConfig). Default: off.
    pub accept_no_shared_task_as_drop_reason: bool,
}

impl ServerConfig {
    /// A server without TLS and without permanent keys on this address.
    pub fn new(listen: SocketAddr) -> Self {
        Self::on(listen.into())
    }

    /// The same on a Unix socket; see [`ListenAddress::Unix`].
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self::on(ListenAddress::Unix(path.into()))
    }

    fn on(listen: ListenAddress) -> Self {
        Self {
            listen,
            tls: None,
            permanent_keys: Vec::new(),
            limits: ServerLimits::default(),
            proxy: None,
            accept_no_shared_task_as_drop_reason: false,
        }
    }
}

/// What [`Server::reload`](super::Server::reload) changes. `None` leaves a thing as it is.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Reload {
    /// The new certificate and key. Only for a server that was started with some.
    pub tls: Option<TlsIdentity>,
    /// The new permanent key pairs, the primary one first.
    pub permanent_keys: Option<Vec<KeyPair>>,
    /// The new limits. All of them: start from those that the server has.
    pub limits: Option<ServerLimits>,
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
    /// [`TlsError::NoCertificate`], [`TlsError::NoPrivateKey`], [`TlsError::Pem`],
    /// [`TlsError::KeyKind`] and [`TlsError::Identity`].
    pub fn check(&self) -> Result<(), TlsError> {
        crate::transport::server_config(&self.certificate_chain, &self.private_key).map(|_| ())
    }
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsIdentity(…)")
    }
}

/// Why a server could not be started, or did not take over a new configuration.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerError {
    /// The address cannot be listened on.
    Listen {
        /// The address.
        address: ListenAddress,
        /// What the operating system says.
        error: io::Error,
    },
    /// Certificate or private key cannot be used.
    Tls(TlsError),
    /// A limit has a value with which nothing would work. The text says which.
    Limit(&'static str),
    /// There is nothing to listen on: [`Server::start_on`](super::Server::start_on) without listeners.
    NoListener,
    /// A certificate was given in a reload of a server that was started without TLS.
    NotTls,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, error } => {
                write!(f, "cannot listen on {address}: {error}; {}", address.advice(error))
            }
            Self::Tls(error) => error.fmt(f),
            Self::Limit(what) => write!(f, "the server's configuration is wrong: {what}"),
            Self::NoListener => f.write_str("the server was given no socket to listen on"),
            Self::NotTls => f.write_str(
                "the server was started without TLS, and cannot begin with it: start it again",
            ),
        }
    }
}

impl std::error::Error for ServerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen { error, .. } => Some(error),
            Self::Tls(error) => Some(error),
            Self::Limit(_) | Self::NoListener | Self::NotTls => None,
        }
    }
}

impl From<TlsError> for ServerError {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

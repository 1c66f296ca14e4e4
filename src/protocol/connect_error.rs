//! Why there is no connection to a server.

use std::fmt;
use std::time::Duration;

use super::SUBPROTOCOL;

/// Why a connection to a server could not be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectError {
    /// The host is neither a name nor an IP address.
    InvalidHost {
        /// What was given.
        host: String,
    },
    /// The name could not be resolved.
    UnknownHost {
        /// The name.
        host: String,
        /// What the resolver said.
        why: String,
    },
    /// Nobody listens on that port.
    Refused {
        /// `host:port`.
        server: String,
    },
    /// The host could not be reached.
    Unreachable {
        /// `host:port`.
        server: String,
        /// What the operating system said.
        why: String,
    },
    /// The connection broke before it was a WebSocket. A server that has too many connections closes those beyond.
    Interrupted {
        /// `host:port`.
        server: String,
        /// What the operating system said.
        why: String,
    },
    /// The proxy on the way refuses to connect to the server.
    ProxyRefused {
        /// `host:port` of the proxy.
        proxy: String,
        /// Its status, and what that means.
        why: String,
    },
    /// The URL of a proxy in the environment is none.
    InvalidProxy {
        /// What is wrong.
        why: String,
    },
    /// It took too long.
    TimedOut {
        /// `host:port`.
        server: String,
        /// How long it was tried.
        after: Duration,
    },
    /// The certificate of the server is not trusted.
    Certificate {
        /// `host:port`.
        server: String,
        /// What is wrong with it.
        why: String,
    },
    /// There are no root certificates that could be trusted, or they cannot be used.
    NoRoots {
        /// What is wrong with them, and what to do.
        why: String,
    },
    /// TLS failed for another reason, for example because the server does not speak it.
    Tls {
        /// `host:port`.
        server: String,
        /// What is wrong.
        why: String,
    },
    /// The server speaks HTTP and refuses to open a WebSocket.
    Status {
        /// `host:port`.
        server: String,
        /// The HTTP status code.
        status: u16,
    },
    /// The server does not speak WebSocket.
    NotAWebSocket {
        /// `host:port`.
        server: String,
        /// What is wrong.
        why: String,
    },
    /// The server speaks WebSocket, but not SaltyRTC.
    NoSubprotocol {
        /// `host:port`.
        server: String,
    },
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidHost { host } => write!(
                f,
                "{host:?} is not a host: give a name like \"example.org\" or an IP address"
            ),
            Self::UnknownHost { host, why } => write!(
                f,
                "the host {host:?} was not found ({why}): check its spelling and the network \
                 connection"
            ),
            Self::Refused { server } => write!(
                f,
                "{server} refused the connection: check the port, and that the server runs"
            ),
            Self::Unreachable { server, why } => write!(
                f,
                "{server} cannot be reached ({why}): check the network connection and firewalls"
            ),
            Self::Interrupted { server, why } => write!(
                f,
                "{server} ended the connection before it was open ({why}): it may have too many; try again \
                 later"
            ),
            Self::ProxyRefused { proxy, why } => write!(
                f,
                "the proxy {proxy} does not connect to the server ({why}): check its user name and password, \
                 and whether it allows this server and port"
            ),
            Self::InvalidProxy { why } => {
                write!(f, "the environment names a proxy that cannot be used: {why}")
            }
            Self::TimedOut { server, after } => write!(
                f,
                "{server} did not answer within {} seconds: check the network connection, or try \
                 again later",
                after.as_secs_f32()
            ),
            Self::Certificate { server, why } => write!(
                f,
                "the TLS certificate of {server} is not trusted ({why}): check the host name, or add \
                 the server's certificate authority"
            ),
            Self::NoRoots { why } => f.write_str(why),
            Self::Tls { server, why } => write!(
                f,
                "no TLS connection to {server} ({why}): check that the server uses TLS on this port"
            ),
            Self::Status { server, status: status @ 429 } => write!(
                f,
                "{server} has too many connections from this address, or gets them too fast (HTTP status \
                 {status}): try again later"
            ),
            Self::Status { server, status: status @ (500 | 502..=504) } => write!(
                f,
                "{server}, or a proxy in front of it, cannot take the connection now (HTTP status {status}): \
                 try again later"
            ),
            Self::Status { server, status } => write!(
                f,
                "{server} is not a SaltyRTC server, or a proxy in front of it is not set up for \
                 WebSockets: it answered with HTTP status {status}"
            ),
            Self::NotAWebSocket { server, why } => write!(
                f,
                "{server} is not a SaltyRTC server ({why}): check host and port, and whether the \
                 server wants TLS"
            ),
            Self::NoSubprotocol { server } => write!(
                f,
                "{server} does not speak SaltyRTC: it did not choose the subprotocol {SUBPROTOCOL}; \
                 a proxy in front of it may drop the header Sec-WebSocket-Protocol"
            ),
        }
    }
}

impl std::error::Error for ConnectError {}

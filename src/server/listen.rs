//! Where a server listens: on TCP ports, or on Unix sockets.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener as StdTcpListener};
#[cfg(unix)]
use std::os::unix::net::UnixListener as StdUnixListener;
#[cfg(unix)]
use std::path::Path;
use std::path::PathBuf;
use std::task::{Context, Poll, ready};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

#[cfg(unix)]
use super::socket_file::SocketFile;

/// How many connections may wait to be accepted.
pub(super) const BACKLOG: i32 = 4096;

/// Who may connect to a Unix socket, unless something else is asked for: the owner of the file, and its group.
#[cfg(unix)]
const UNIX_MODE: u32 = 0o660;

/// Where a server listens. Written like `127.0.0.1:8765`, `[::1]:8765` or `unix:/run/saltyrtc.sock`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// A TCP port. `::` is all addresses, those of IPv4 too. With port 0 the operating system picks one; see
    /// [`Server::local_addr`](super::Server::local_addr).
    Tcp(SocketAddr),
    /// The path of a Unix socket, for a proxy on the same host. Not on Windows.
    ///
    /// The file is made when the server starts, and removed when it stops listening. One that is left over from a
    /// server that was killed is replaced; a file that is no socket is not, nor one that somebody listens on. Its
    /// owner and its group may connect; see [`Listener::bind_unix`] for others.
    ///
    /// What takes the place of the client's address is in
    /// [`TrustedProxies`](super::TrustedProxies).
    Unix(PathBuf),
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl ListenAddress {
    /// What to do if this cannot be listened on.
    pub(super) fn advice(&self, error: &io::Error) -> &'static str {
        use io::ErrorKind::{
            AddrInUse, AddrNotAvailable, AlreadyExists, InvalidInput, NotFound, PermissionDenied,
            Unsupported,
        };
        match (self, error.kind()) {
            (Self::Tcp(_), AddrInUse) => "stop the other program, or use another port",
            (Self::Tcp(_), PermissionDenied) => "use a port from 1024 on, or more rights",
            (Self::Tcp(_), AddrNotAvailable) => "use an address of this machine",
            (Self::Tcp(_), _) => "check the address",
            (Self::Unix(_), AddrInUse) => "stop the other program, or use another path",
            (Self::Unix(_), AlreadyExists) => "use another path, or remove the file",
            (Self::Unix(_), NotFound) => "make its directory",
            (Self::Unix(_), PermissionDenied) => {
                "give the server the right to write to its directory, or use another path"
            }
            (Self::Unix(_), InvalidInput) => "use a path of 100 bytes at most",
            (Self::Unix(_), Unsupported) => "listen on an address with a port",
            (Self::Unix(_), _) => "check the path",
        }
    }
}

/// A socket that listens, for [`Server::start_on`](super::Server::start_on). Made of a listener of the standard library,
/// or by [`bind_unix`](Self::bind_unix).
#[derive(Debug)]
pub struct Listener {
    kind: Kind,
    cleanup: Cleanup,
}

/// What is undone when this is dropped. That has to be before the socket is closed: afterwards the file could belong to
/// another server.
#[cfg(unix)]
pub(super) type Cleanup = Option<SocketFile>;
#[cfg(not(unix))]
pub(super) type Cleanup = ();

#[derive(Debug)]
enum Kind {
    Tcp(StdTcpListener),
    #[cfg(unix)]
    Unix(StdUnixListener),
}

impl From<StdTcpListener> for Listener {
    fn from(listener: StdTcpListener) -> Self {
        Self { kind: Kind::Tcp(listener), cleanup: Cleanup::default() }
    }
}

/// The file of such a socket belongs to whoever made it: the server does not remove it.
#[cfg(unix)]
impl From<StdUnixListener> for Listener {
    fn from(listener: StdUnixListener) -> Self {
        Self { kind: Kind::Unix(listener), cleanup: None }
    }
}

impl Listener {
    /// Listens on a Unix socket, with a file of these permissions, such as `0o660`; see [`ListenAddress::Unix`]. Dropping
    /// it removes the file.
    ///
    /// # Errors
    ///
    /// [`AddrInUse`](io::ErrorKind::AddrInUse): somebody listens there.
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists): there is a file that is no socket. Others come from the
    /// operating system.
    #[cfg(unix)]
    pub fn bind_unix(path: &Path, mode: u32) -> io::Result<Self> {
        let (listener, file) = SocketFile::listen(path, mode, BACKLOG)?;
        Ok(Self { kind: Kind::Unix(listener), cleanup: Some(file) })
    }

    pub(super) fn bind(address: &ListenAddress) -> io::Result<Self> {
        match address {
            ListenAddress::Tcp(address) => bind_tcp(*address).map(Self::from),
            #[cfg(unix)]
            ListenAddress::Unix(path) => Self::bind_unix(path, UNIX_MODE),
            #[cfg(not(unix))]
            ListenAddress::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// It is unusable.
    pub fn address(&self) -> io::Result<ListenAddress> {
        match &self.kind {
            Kind::Tcp(listener) => listener.local_addr().map(ListenAddress::Tcp),
            #[cfg(unix)]
            Kind::Unix(listener) => {
                let address = listener.local_addr()?;
                // A socket of somebody else can have another kind of name, which is no path.
                let path = address.as_pathname().unwrap_or(Path::new("@"));
                Ok(ListenAddress::Unix(path.to_owned()))
            }
        }
    }

    /// What accepts connections, within the runtime that is entered; and what to drop when that does so no longer.
    pub(super) fn into_accepting(self) -> io::Result<(Accepting, Cleanup)> {
        let accepting = match self.kind {
            Kind::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                Accepting::Tcp(TcpListener::from_std(listener)?)
            }
            #[cfg(unix)]
            Kind::Unix(listener) => {
                listener.set_nonblocking(true)?;
                Accepting::Unix(UnixListener::from_std(listener)?)
            }
        };
        Ok((accepting, self.cleanup))
    }
}

/// A socket that accepts connections.
#[derive(Debug)]
pub(super) enum Accepting {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

/// A connection that came in.
#[derive(Debug)]
pub(super) enum Accepted {
    Tcp(TcpStream, IpAddr),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Accepting {
    pub(super) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
        Poll::Ready(match self {
            Self::Tcp(listener) => {
                let accepted = ready!(listener.poll_accept(cx));
                accepted.map(|(tcp, peer)| Accepted::Tcp(tcp, peer.ip()))
            }
            #[cfg(unix)]
            Self::Unix(listener) => {
                ready!(listener.poll_accept(cx)).map(|(unix, _)| Accepted::Unix(unix))
            }
        })
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<StdTcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // All addresses, whatever the default of the system is.
        socket.set_only_v6(false)?;
    }
    // So that a restart need not wait for the last connections of the old server. Elsewhere it means something else.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    // With the usual 128, clients that all come back at once have to wait and try again. The operating system cuts it
    // down to what it allows.
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

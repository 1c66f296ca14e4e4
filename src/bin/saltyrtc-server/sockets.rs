//! The listening sockets: from the service manager, or opened here.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs as _};
use std::path::Path;

use saltyrtc::server::{ListenAddress, Listener, ServerError};
use socket2::{Domain, Protocol, Socket, Type};

use crate::error::CommandError;
use crate::sources::LoadedOptions;
use crate::values::Host;

/// How many connections may wait to be accepted, as in the library. The operating system may have a
/// lower limit.
const BACKLOG: i32 = 4096;

/// The sockets that were handed over (`LISTEN_FDS`). Must be called before the first thread is
/// started, because it changes environment variables.
#[cfg(unix)]
pub(crate) fn inherited() -> Result<Vec<Listener>, CommandError> {
    let mut handed_over = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..handed_over.len() {
        let tcp = handed_over.take_tcp_listener(index);
        // What is of the wrong kind is not taken.
        let listener = match tcp {
            Ok(listener) => listener.map(Listener::from),
            Err(_) => {
                let unix = handed_over.take_unix_listener(index);
                let unix = unix.map_err(|error| {
                    CommandError::new(format!(
                        "environment variable LISTEN_FDS: socket number {} cannot be used: {error}; the unit may \
                         only hand over TCP and Unix stream sockets (ListenStream=)",
                        index + 1
                    ))
                })?;
                unix.map(Listener::from)
            }
        };
        listeners.extend(listener);
    }
    Ok(listeners)
}

#[cfg(not(unix))]
pub(crate) fn inherited() -> Result<Vec<Listener>, CommandError> {
    Ok(Vec::new())
}

/// Opens the sockets that the options ask for.
pub(crate) fn open(loaded: &LoadedOptions) -> Result<Vec<Listener>, CommandError> {
    let options = &loaded.options.server.listen;
    let addresses: Vec<IpAddr> = match &options.host {
        Some(Host::Unix(path)) => return open_unix(loaded, path).map(|listener| vec![listener]),
        // As in the library, and as in most programs: all addresses, and not only those of IPv6.
        Some(Host::Name(host)) if is_any(host) => ALL.to_vec(),
        None => ALL.to_vec(),
        Some(Host::Name(host)) => {
            let fail = |why: String| {
                CommandError::new(format!(
                    "{}: '{host}' {why}; give an address or a name of this machine, or leave it out to \
                     listen on all addresses",
                    loaded.origin("host")
                ))
            };
            let name = host.trim_start_matches('[').trim_end_matches(']');
            let found = (name, options.port)
                .to_socket_addrs()
                .map_err(|error| fail(format!("has no address: {error}")))?;
            let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
            addresses.sort();
            addresses.dedup();
            if addresses.is_empty() {
                return Err(fail("has no address".to_owned()));
            }
            addresses
        }
    };
    let mut port = options.port;
    let mut listeners = Vec::new();
    for address in &addresses {
        let address = SocketAddr::new(*address, port);
        match listen(address) {
            Ok(listener) => {
                // If the operating system picks a port, it is the same for all addresses.
                port = listener.local_addr().map_or(port, |address| address.port());
                listeners.push(listener.into());
            }
            // A machine without IPv6.
            Err(error) if addresses == ALL && !listeners.is_empty() && no_such_family(&error) => {}
            Err(error) => return Err(failed(loaded, address, &error)),
        }
    }
    Ok(listeners)
}

fn open_unix(loaded: &LoadedOptions, path: &Path) -> Result<Listener, CommandError> {
    let origin = loaded.origin("host");
    #[cfg(unix)]
    let opened = Listener::bind_unix(path, loaded.options.server.listen.socket_mode.0);
    #[cfg(not(unix))]
    let opened = Err(io::ErrorKind::Unsupported.into());
    opened.map_err(|error| {
        let address = ListenAddress::Unix(path.to_owned());
        CommandError::new(format!("{origin}: {}", ServerError::Listen { address, error }))
    })
}

const ALL: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];

fn is_any(host: &str) -> bool {
    let name = host.trim_start_matches('[').trim_end_matches(']');
    name.parse() == Ok(Ipv6Addr::UNSPECIFIED)
}

fn no_such_family(error: &io::Error) -> bool {
    // EAFNOSUPPORT has no kind of its own in the standard library, only its text.
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.kind() == io::ErrorKind::Unsupported
        || error.to_string().contains("not supported")
}

fn failed(loaded: &LoadedOptions, address: SocketAddr, error: &io::Error) -> CommandError {
    let (option, advice) = match error.kind() {
        io::ErrorKind::AddrInUse => {
            ("port", "another program uses it: stop that one, or use another port")
        }
        io::ErrorKind::PermissionDenied => (
            "port",
            "use a port from 1024 on, or give the server the right to use lower ones (socket \
             activation, or CAP_NET_BIND_SERVICE)",
        ),
        io::ErrorKind::AddrNotAvailable => ("host", "use an address of this machine"),
        _ => ("host", "check host and port"),
    };
    CommandError::new(format!(
        "{}: cannot listen on {address}: {error}; {advice}",
        loaded.origin(option)
    ))
}

/// Listens on exactly one address: not on IPv4 with an IPv6 socket, which some systems do.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // So that a restart need not wait for the last connections of the old server.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

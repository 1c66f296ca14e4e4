//! Tells the service manager how the server is (the protocol of sd_notify(3), without libsystemd).
//!
//! By hand: `sd-notify`, the crate for it, knows no abstract names of sockets, and blocks if the service
//! manager does not read.

use std::time::Duration;

use crate::Environment;

/// A connection to the service manager, if there is one. If not, all messages go nowhere.
pub(crate) struct Notifier {
    #[cfg(unix)]
    socket: Option<std::os::unix::net::UnixDatagram>,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// Finds the service manager in the environment. The text says why it cannot be told anything.
    pub(crate) fn new(environment: &Environment) -> (Self, Option<String>) {
        let (notifier, problem) = Self::connect(environment);
        (notifier, problem.map(|why| format!("environment variable NOTIFY_SOCKET: {why}")))
    }

    #[cfg(unix)]
    fn connect(environment: &Environment) -> (Self, Option<String>) {
        let watchdog = watchdog(environment);
        let Some(name) = environment.get("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return (Self { socket: None, watchdog: None }, None);
        };
        match unix::connect(name) {
            Ok(socket) => (Self { socket: Some(socket), watchdog }, None),
            Err(error) => (
                Self { socket: None, watchdog: None },
                Some(format!("the service manager cannot be told anything: {error}")),
            ),
        }
    }

    #[cfg(not(unix))]
    fn connect(_: &Environment) -> (Self, Option<String>) {
        (Self { watchdog: None }, None)
    }

    /// How often the service manager wants to hear from the server, if it does.
    pub(crate) const fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    pub(crate) fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={status}"));
    }

    pub(crate) fn reloading(&self) {
        #[cfg(unix)]
        self.send(&format!(
            "RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=Reloading",
            unix::monotonic_microseconds()
        ));
    }

    pub(crate) fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=Stopping");
    }

    pub(crate) fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    /// The service manager may be gone for a moment; that must not stop the server.
    #[cfg(unix)]
    fn send(&self, message: &str) {
        if let Some(socket) = &self.socket
            && let Err(error) = socket.send(message.as_bytes())
        {
            tracing::debug!(%error, "the service manager was not told");
        }
    }

    #[cfg(not(unix))]
    fn send(&self, _: &str) {}
}

/// Half of the time after which the service manager gives the server up.
#[cfg(unix)]
fn watchdog(environment: &Environment) -> Option<Duration> {
    let number = |name: &str| environment.get(name)?.to_str()?.parse::<u64>().ok();
    let for_us = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
    let microseconds = number("WATCHDOG_USEC").filter(|&usec| usec > 0 && for_us)?;
    Some(Duration::from_micros(microseconds) / 2)
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::io;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    pub(super) fn connect(name: &OsStr) -> io::Result<UnixDatagram> {
        let address = match name.as_bytes() {
            [b'@', name @ ..] => abstract_address(name)?,
            [b'/', ..] => SocketAddr::from_pathname(name)?,
            _ => return Err(unsupported("it is neither a path nor an abstract name")),
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        // A service manager that does not read must not stop the server.
        socket.set_nonblocking(true)?;
        Ok(socket)
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn abstract_address(name: &[u8]) -> io::Result<SocketAddr> {
        #[cfg(target_os = "android")]
        use std::os::android::net::SocketAddrExt as _;
        #[cfg(target_os = "linux")]
        use std::os::linux::net::SocketAddrExt as _;
        SocketAddr::from_abstract_name(name)
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn abstract_address(_: &[u8]) -> io::Result<SocketAddr> {
        Err(unsupported("this system has no abstract names"))
    }

    fn unsupported(what: &str) -> io::Error {
        io::Error::new(io::ErrorKind::Unsupported, what)
    }

    /// The clock that the service manager compares a reload with.
    pub(super) fn monotonic_microseconds() -> i64 {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        now.tv_sec * 1_000_000 + now.tv_nsec / 1000
    }
}

//! Tells when the addresses of this host may have changed, so that nobody has to look again and again:
//! that would keep a phone from sleeping.
//!
//! Linux tells it on a netlink socket, macOS, iOS and FreeBSD on a routing socket. What exactly has
//! changed is not read: whoever is told looks at all addresses. Where the system does not tell it
//! (Windows; Android, which lets no app listen; some sandboxes), the addresses have to be looked at
//! every now and then: [`ScanSchedule`](super::schedule::ScanSchedule).

#[cfg(unix)]
pub(super) use unix::Watch;

#[cfg(unix)]
mod unix {
    use std::io;
    use std::task::{Context, Poll};

    use rustix::io::Errno;
    use tokio::io::ReadBuf;
    use tokio::net::UnixDatagram;

    use super::system;

    /// How many bytes of a message are read, which is more than what is looked at. The rest is cut off.
    const BEGINNING: usize = 64;

    /// Listens to the system.
    pub(in super::super) struct Watch {
        /// Not really a Unix socket: tokio has no safe way to wrap a socket of another family, but receives
        /// from all of them alike. `None` if the system does not tell.
        socket: Option<UnixDatagram>,
    }

    impl Watch {
        /// To be used within tokio.
        pub(in super::super) fn new() -> Self {
            let socket = system::open().and_then(|socket| UnixDatagram::from_std(socket.into()));
            let socket = socket.inspect_err(|error| {
                tracing::debug!(%error, "the system does not tell when addresses change");
            });
            Self { socket: socket.ok() }
        }

        /// Whether the system tells when addresses change.
        pub(in super::super) fn is_told(&self) -> bool {
            self.socket.is_some()
        }

        /// Ready when addresses may have changed since the last time, or when the system has ceased to
        /// tell. Wakes the task for the next time in any case.
        pub(in super::super) fn poll_changed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
            let mut changed = false;
            while let Some(socket) = &self.socket {
                let mut beginning = [0; BEGINNING];
                let mut message = ReadBuf::new(&mut beginning);
                match socket.poll_recv(cx, &mut message) {
                    Poll::Pending => break,
                    Poll::Ready(Ok(())) if message.filled().is_empty() => {
                        // The end of the stream, which such a socket should not have.
                        self.socket = None;
                        changed = true;
                    }
                    Poll::Ready(Ok(())) => changed |= system::is_change(message.filled()),
                    Poll::Ready(Err(error)) if is_overflow(&error) => changed = true,
                    Poll::Ready(Err(error)) => {
                        tracing::debug!(%error, "the system no longer tells when addresses change");
                        self.socket = None;
                        changed = true;
                    }
                }
            }
            if changed { Poll::Ready(()) } else { Poll::Pending }
        }
    }

    /// Whether messages were dropped for want of room. One of them may have told of a change.
    fn is_overflow(error: &io::Error) -> bool {
        Errno::from_io_error(error) == Some(Errno::NOBUFS)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    use std::io;
    use std::os::fd::OwnedFd;

    use rustix::net::netlink::SocketAddrNetlink;
    use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};

    /// The groups that hear of IPv4 and IPv6 addresses: `RTMGRP_IPV4_IFADDR` and `RTMGRP_IPV6_IFADDR` of
    /// rtnetlink(7).
    const GROUPS: u32 = 0x10 | 0x100;

    pub(super) fn open() -> io::Result<OwnedFd> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
        Ok(socket)
    }

    /// Nothing else is told to these groups.
    pub(super) fn is_change(_message: &[u8]) -> bool {
        true
    }
}

#[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
mod system {
    use std::io;
    use std::os::fd::OwnedFd;

    use rustix::io::{FdFlags, fcntl_setfd, ioctl_fionbio};
    use rustix::net::{AddressFamily, SocketType, socket};

    /// `RTM_NEWADDR` and `RTM_DELADDR` of route(4).
    const ADDRESS_MESSAGES: [u8; 2] = [0xc, 0xd];
    /// Where the type of a message is: behind its length, in two bytes, and the version.
    const TYPE_AT: usize = 3;

    pub(super) fn open() -> io::Result<OwnedFd> {
        let socket = socket(AddressFamily::ROUTE, SocketType::RAW, None)?;
        fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
        ioctl_fionbio(&socket, true)?;
        Ok(socket)
    }

    /// Most of what is told here is about routes, which change all the time.
    pub(super) fn is_change(message: &[u8]) -> bool {
        message.get(TYPE_AT).is_some_and(|kind| ADDRESS_MESSAGES.contains(kind))
    }
}

#[cfg(all(
    unix,
    not(any(
        target_os = "linux",
        target_os = "android",
        target_vendor = "apple",
        target_os = "freebsd"
    ))
))]
mod system {
    use std::io;
    use std::os::fd::OwnedFd;

    pub(super) fn open() -> io::Result<OwnedFd> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn is_change(_message: &[u8]) -> bool {
        true
    }
}

/// A system that does not tell.
#[cfg(not(unix))]
pub(super) struct Watch;

#[cfg(not(unix))]
impl Watch {
    pub(super) fn new() -> Self {
        Self
    }

    pub(super) fn is_told(&self) -> bool {
        false
    }

    pub(super) fn poll_changed(&mut self, _cx: &mut std::task::Context<'_>) -> std::task::Poll<()> {
        std::task::Poll::Pending
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::future::poll_fn;
    use std::process::Command;
    use std::task::Poll;

    use super::*;

    fn ip(arguments: &str) {
        let status = Command::new("ip").args(arguments.split(' ')).status().unwrap();
        assert!(status.success(), "ip {arguments}");
    }

    #[tokio::test]
    #[ignore = "changes the addresses of the host: scripts/test-network.sh runs it in a namespace"]
    async fn network_new_and_removed_addresses_are_told() {
        let mut watch = Watch::new();
        assert!(watch.is_told());
        for change in [
            "address add 127.9.9.9/32 dev lo",
            "address del 127.9.9.9/32 dev lo",
            "address add fd99::1/128 dev lo",
            "address del fd99::1/128 dev lo",
        ] {
            // Nothing is told before there is something to tell. (It can be told in two messages.)
            while poll_fn(|cx| Poll::Ready(watch.poll_changed(cx))).await.is_ready() {}
            ip(change);
            poll_fn(|cx| watch.poll_changed(cx)).await;
        }
    }
}

//! Helpers: addresses in one form, and foreign crates with their logging off.

use std::net::{IpAddr, SocketAddr};

/// One form for each address: IPv4 as such, and without the scope of IPv6, which means nothing to the
/// peer.
pub(super) fn normalise(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(_) => false,
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// Whether packets can get from a local address to the other one: the same family, and both within
/// this host, both within this link, or both beyond.
pub(super) fn can_reach(from: IpAddr, to: IpAddr) -> bool {
    from.is_ipv4() == to.is_ipv4()
        && from.is_loopback() == to.is_loopback()
        && is_link_local(from) == is_link_local(to)
}

/// The address to send to through a socket: a link-local one needs the link of that socket.
pub(super) fn with_scope(to: SocketAddr, socket: SocketAddr) -> SocketAddr {
    match (to, socket) {
        (SocketAddr::V6(mut to), SocketAddr::V6(socket)) if to.ip().is_unicast_link_local() => {
            to.set_scope_id(socket.scope_id());
            SocketAddr::V6(to)
        }
        _ => to,
    }
}

/// Calls a foreign crate with its logging off: what it logs is not ours to log.
pub(super) fn quiet<R>(call: impl FnOnce() -> R) -> R {
    tracing::dispatcher::with_default(&tracing::Dispatch::none(), call)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_form() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        assert_eq!(normalise(address("[::ffff:192.0.2.1]:5")), address("192.0.2.1:5"));
        assert_eq!(normalise(address("[fe80::1%7]:5")), address("[fe80::1]:5"));
        assert_eq!(
            with_scope(address("[fe80::1]:5"), address("[fe80::2%7]:6")),
            address("[fe80::1%7]:5")
        );
        assert_eq!(
            with_scope(address("[2001:db8::1]:5"), address("[fe80::2%7]:6")),
            address("[2001:db8::1]:5")
        );
    }

    #[test]
    fn what_can_reach_what() {
        let can_reach =
            |from: &str, to: &str| can_reach(from.parse().unwrap(), to.parse().unwrap());
        assert!(can_reach("192.168.1.1", "198.51.100.1"));
        assert!(can_reach("127.0.0.1", "127.0.0.2"));
        assert!(can_reach("fe80::1", "fe80::2"));
        assert!(!can_reach("192.168.1.1", "127.0.0.1"));
        assert!(!can_reach("127.0.0.1", "192.168.1.1"));
        assert!(!can_reach("2001:db8::1", "fe80::2"));
        assert!(!can_reach("2001:db8::1", "192.168.1.1"));
    }
}

//! The addresses of this host.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// The most addresses that are used. A host with more has them for its containers, not for us.
const MAX_ADDRESSES: usize = 32;

/// The addresses that peers may reach this host at, sorted. Those of the loopback interface are among
/// them only if there are no others.
pub(super) fn addresses() -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = match if_addrs::get_if_addrs() {
        Ok(interfaces) => interfaces.iter().map(if_addrs::Interface::ip).collect(),
        Err(error) => {
            tracing::debug!(%error, "the system does not list its addresses");
            of_routes()
        }
    };
    // Link-local ones need the number of the interface, which a candidate does not have.
    addresses.retain(|ip| !ip.is_unspecified() && !ip.is_multicast() && !is_link_local(*ip));
    if addresses.iter().any(|ip| !ip.is_loopback()) {
        addresses.retain(|ip| !ip.is_loopback());
    }
    addresses.sort_unstable();
    addresses.dedup();
    addresses.truncate(MAX_ADDRESSES);
    addresses
}

/// The interfaces to send multicast on: for IPv4 by their addresses, for IPv6 by their numbers, because
/// groups of IPv6 exist once on each link. Those with link-local addresses are among them: these are what
/// such questions are sent from.
pub(super) fn for_multicast() -> (Vec<Ipv4Addr>, Vec<u32>) {
    let v4 = addresses().into_iter().filter_map(|ip| match ip {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => None,
    });
    let Ok(mut interfaces) = if_addrs::get_if_addrs() else {
        // The system chooses one.
        return (v4.collect(), vec![0]);
    };
    interfaces.retain(|interface| interface.ip().is_ipv6() && !interface.is_loopback());
    let mut v6: Vec<u32> = interfaces.iter().filter_map(|interface| interface.index).collect();
    v6.sort_unstable();
    v6.dedup();
    v6.truncate(MAX_ADDRESSES);
    (v4.collect(), v6)
}

/// The addresses that this host has on the Internet as it sees it, one of each family at most. For
/// sandboxes that let nobody list all of them.
fn of_routes() -> Vec<IpAddr> {
    // Addresses for documentation, which are routed like any other one. Connecting such a socket sends
    // nothing: it only chooses the address to send from.
    const SOMEWHERE: [(IpAddr, IpAddr); 2] = [
        (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))),
        (
            IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
        ),
    ];
    let chosen = SOMEWHERE.into_iter().filter_map(|(any, to)| {
        let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
        // The port for "discard".
        socket.connect(SocketAddr::new(to, 9)).ok()?;
        Some(socket.local_addr().ok()?.ip())
    });
    // A host without any network can still reach itself.
    chosen.chain([Ipv4Addr::LOCALHOST.into()]).collect()
}

pub(super) fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => Ipv6Addr::is_unicast_link_local(&ip),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_always_has_an_address() {
        for found in [addresses(), of_routes()] {
            assert!(!found.is_empty());
            // All of them can be used: there are no others on this host.
            for ip in found {
                assert!(UdpSocket::bind(SocketAddr::new(ip, 0)).is_ok(), "{ip}");
            }
        }
    }
}

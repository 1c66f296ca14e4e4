//! The addresses of this host.

use std::io;
use std::net::{IpAddr, Ipv6Addr};

/// The most addresses that are used. A host with more has them for its containers, not for us.
const MAX_ADDRESSES: usize = 32;

/// The addresses that peers may reach this host at, sorted. Those of the loopback interface are among
/// them only if there are no others.
pub(super) fn addresses() -> io::Result<Vec<IpAddr>> {
    let interfaces = if_addrs::get_if_addrs()?;
    let mut addresses: Vec<IpAddr> = interfaces.iter().map(if_addrs::Interface::ip).collect();
    // Link-local ones need the number of the interface, which a candidate does not have.
    addresses.retain(|ip| !ip.is_unspecified() && !ip.is_multicast() && !is_link_local(*ip));
    if addresses.iter().any(|ip| !ip.is_loopback()) {
        addresses.retain(|ip| !ip.is_loopback());
    }
    addresses.sort_unstable();
    addresses.dedup();
    addresses.truncate(MAX_ADDRESSES);
    Ok(addresses)
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => Ipv6Addr::is_unicast_link_local(&ip),
    }
}

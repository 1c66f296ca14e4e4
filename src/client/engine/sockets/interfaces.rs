//! The addresses of this host.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// The most addresses that are used: each one more is checked with each of the peer's.
const MAX_ADDRESSES: usize = 16;

/// The most addresses of bridges that are used, if there are others.
const MAX_OF_BRIDGES: usize = 4;

/// How interfaces are called that connect containers and virtual machines of this host.
const BRIDGES: [&str; 12] = [
    "docker",
    "br-",
    "veth",
    "virbr",
    "vmnet",
    "vboxnet",
    "lxcbr",
    "lxdbr",
    "cni",
    "podman",
    "flannel",
    "vEthernet",
];

/// The addresses to use.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Addresses {
    /// The ones that peers are most likely to be reached from come first.
    pub(super) ips: Vec<IpAddr>,
    /// How many there are besides.
    pub(super) left_out: usize,
}

/// How likely it is that peers are reached from an address; the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// The system sends from it to the Internet.
    Routed,
    /// It is of the same interface.
    Beside,
    Other,
    /// Its interface is connected to nothing.
    Down,
    /// It is for containers or virtual machines of this host.
    Bridge,
}

/// An address of this host.
#[derive(Debug, Clone, Copy)]
struct Found {
    ip: IpAddr,
    rank: Rank,
    /// The number of the interface. Those of the machine itself come before those that were made later.
    interface: u32,
}

/// The addresses that peers may reach this host at. Those of the loopback interface are among them only if
/// there are no others.
pub(super) fn addresses() -> Addresses {
    let routed = of_routes();
    let found = match if_addrs::get_if_addrs() {
        Ok(interfaces) => {
            let main = interfaces.iter().filter(|it| routed.contains(&it.ip()));
            let main: Vec<&str> = main.map(|it| it.name.as_str()).collect();
            let found = interfaces.iter().map(|it| Found {
                ip: it.ip(),
                rank: match it {
                    _ if routed.contains(&it.ip()) => Rank::Routed,
                    _ if main.contains(&it.name.as_str()) => Rank::Beside,
                    _ if is_bridge(&it.name) => Rank::Bridge,
                    _ if it.is_oper_up() => Rank::Other,
                    _ => Rank::Down,
                },
                interface: it.index.unwrap_or(0),
            });
            found.collect()
        }
        Err(error) => {
            tracing::debug!(%error, "the system does not list its addresses");
            // A host without any network can still reach itself.
            let found = routed.into_iter().chain([Ipv4Addr::LOCALHOST.into()]);
            found.map(|ip| Found { ip, rank: Rank::Routed, interface: 0 }).collect()
        }
    };
    choose(found)
}

fn choose(mut found: Vec<Found>) -> Addresses {
    // Link-local ones need the number of the interface, which a candidate does not have.
    found.retain(|it| !it.ip.is_unspecified() && !it.ip.is_multicast() && !is_link_local(it.ip));
    if found.iter().any(|it| !it.ip.is_loopback()) {
        found.retain(|it| !it.ip.is_loopback());
    }
    found.sort_by_key(|it| (it.rank, it.interface, it.ip));
    let mut seen = Vec::new();
    found.retain(|it| {
        let new = !seen.contains(&it.ip);
        seen.push(it.ip);
        new
    });
    let all = found.len();
    if found.iter().any(|it| it.rank != Rank::Bridge) {
        let first = found.partition_point(|it| it.rank != Rank::Bridge);
        found.truncate(first + MAX_OF_BRIDGES);
    }
    // The families take turns, so that neither gets the other one left out.
    let (v6, v4): (Vec<Found>, Vec<Found>) = found.into_iter().partition(|it| it.ip.is_ipv6());
    let turns = |list: Vec<Found>| list.into_iter().enumerate().map(|(n, it)| (it.rank, n, it.ip));
    let mut turns: Vec<(Rank, usize, IpAddr)> = turns(v4).chain(turns(v6)).collect();
    turns.sort_by_key(|(rank, n, _)| (*rank, *n));
    turns.truncate(MAX_ADDRESSES);
    let ips: Vec<IpAddr> = turns.into_iter().map(|(_, _, ip)| ip).collect();
    Addresses { left_out: all - ips.len(), ips }
}

/// Whether an interface connects containers or virtual machines of this host.
fn is_bridge(name: &str) -> bool {
    let known = BRIDGES.iter().any(|prefix| name.starts_with(prefix));
    // Linux says it of all bridges. The one that leads to the Internet is not asked about.
    known || std::path::Path::new("/sys/class/net").join(name).join("bridge").exists()
}

/// The interfaces to send multicast on: for IPv4 by their addresses, for IPv6 by their numbers, because
/// groups of IPv6 exist once on each link. Those with link-local addresses are among them: these are what
/// such questions are sent from.
pub(super) fn for_multicast() -> (Vec<Ipv4Addr>, Vec<u32>) {
    let v4 = addresses().ips.into_iter().filter_map(|ip| match ip {
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

/// The addresses that this host has on the Internet as it sees it, one of each family at most.
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
    chosen.collect()
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
        let found = addresses().ips;
        assert!(!found.is_empty());
        // All of them can be used: there are no others on this host.
        for ip in found.into_iter().chain(of_routes()) {
            assert!(UdpSocket::bind(SocketAddr::new(ip, 0)).is_ok(), "{ip}");
        }
    }

    fn found(ip: &str, rank: Rank, interface: u32) -> Found {
        Found { ip: ip.parse().unwrap(), rank, interface }
    }

    fn texts(addresses: &Addresses) -> Vec<String> {
        addresses.ips.iter().map(IpAddr::to_string).collect()
    }

    /// Their numbers are lower than those of most private networks, so that they would come first in order.
    #[test]
    fn bridges_come_last_and_do_not_crowd_out_the_rest() {
        let mut all = vec![
            found("192.168.99.1", Rank::Other, 60),
            found("2001:db8::1", Rank::Other, 60),
            found("10.0.0.1", Rank::Down, 2),
            found("127.0.0.1", Rank::Other, 1),
            found("fe80::1", Rank::Other, 60),
        ];
        for i in 1..=40 {
            all.push(found(&format!("172.20.{i}.1"), Rank::Bridge, i));
        }
        let chosen = choose(all.clone());
        assert_eq!(
            texts(&chosen),
            [
                "192.168.99.1",
                "2001:db8::1",
                "10.0.0.1",
                "172.20.1.1",
                "172.20.2.1",
                "172.20.3.1",
                "172.20.4.1"
            ]
        );
        assert_eq!(chosen.left_out, 36);
        // Without anything else they are what there is.
        all.drain(..5);
        assert_eq!((choose(all.clone()).ips.len(), choose(all).left_out), (16, 24));
    }

    #[test]
    fn what_the_system_sends_from_comes_first_and_both_families_are_there() {
        let mut all = Vec::new();
        for i in 1..=40 {
            all.push(found(&format!("10.1.{i}.1"), Rank::Other, i));
        }
        all.push(found("192.168.99.1", Rank::Routed, 99));
        all.push(found("192.168.99.2", Rank::Beside, 99));
        for i in 1..=3 {
            all.push(found(&format!("2001:db8:{i}::1"), Rank::Other, i));
        }
        let chosen = choose(all);
        assert_eq!(texts(&chosen)[..2], ["192.168.99.1", "192.168.99.2"]);
        assert_eq!(chosen.ips.iter().filter(|ip| ip.is_ipv6()).count(), 3);
        assert_eq!((chosen.ips.len(), chosen.left_out), (16, 29));
    }
}

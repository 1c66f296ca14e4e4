//! Asks all hosts of the local networks for the addresses of one of them: multicast DNS (RFC 6762), over
//! IPv4 and IPv6.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::UdpSocket;

use super::interfaces;
use crate::rtc::ice::{mdns_answer, mdns_queries};

/// The pauses between the questions, as questions and answers can get lost.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_millis(750),
    Duration::from_millis(1500),
    Duration::from_secs(10),
];

const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
const PORT: u16 = 5353;

/// The most that a response can have (RFC 6762, section 17).
const MAX_RESPONSE: usize = 9000;

/// After so many errors nothing is received until the next question.
const MAX_ERRORS: usize = 8;

/// The addresses of a host; none if there is no answer.
pub(super) async fn resolve(name: &str) -> io::Result<Vec<IpAddr>> {
    let Some(queries) = mdns_queries(name) else { return Ok(Vec::new()) };
    let (v4, v6) = interfaces::for_multicast();
    // A host may lack one of the two families, so one of them may fail.
    let (v4, v6) = (Asker::v4(v4).ok(), Asker::v6(v6).ok());
    let askers = [v4.as_ref(), v6.as_ref()];
    for pause in PAUSES {
        for asker in askers.into_iter().flatten() {
            asker.ask(&queries).await;
        }
        let answered = async {
            tokio::select! {
                addresses = answer(v4.as_ref(), name) => addresses,
                addresses = answer(v6.as_ref(), name) => addresses,
            }
        };
        if let Ok(addresses) = tokio::time::timeout(pause, answered).await {
            return Ok(addresses);
        }
    }
    Ok(Vec::new())
}

/// The networks of one family that are asked.
struct Asker {
    interfaces: Interfaces,
    /// Receives the answers of those hosts that answer to whoever asked.
    own: UdpSocket,
    /// Receives the answers of those that answer to the group. `None` if another program has the port and
    /// does not share it.
    group: Option<UdpSocket>,
}

/// Where to send questions: interfaces by one of their addresses (IPv4), or by their numbers (IPv6).
enum Interfaces {
    V4(Vec<Ipv4Addr>),
    V6(Vec<u32>),
}

impl Asker {
    fn v4(interfaces: Vec<Ipv4Addr>) -> io::Result<Self> {
        let own = socket(Domain::IPV4, SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))?;
        let group = socket(Domain::IPV4, SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)));
        if let Ok(group) = &group {
            for interface in &interfaces {
                let _ = SockRef::from(group).join_multicast_v4(&GROUP_V4, interface);
            }
        }
        Ok(Self { interfaces: Interfaces::V4(interfaces), own, group: group.ok() })
    }

    fn v6(interfaces: Vec<u32>) -> io::Result<Self> {
        let own = socket(Domain::IPV6, SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)))?;
        let group = socket(Domain::IPV6, SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT)));
        if let Ok(group) = &group {
            for interface in &interfaces {
                let _ = SockRef::from(group).join_multicast_v6(&GROUP_V6, *interface);
            }
        }
        Ok(Self { interfaces: Interfaces::V6(interfaces), own, group: group.ok() })
    }

    /// Asks on all interfaces. One that cannot be sent to may come back before the next time.
    async fn ask(&self, queries: &[Vec<u8>]) {
        let own = SockRef::from(&self.own);
        match &self.interfaces {
            Interfaces::V4(addresses) => {
                for address in addresses {
                    let _ = own.set_multicast_if_v4(address);
                    self.send(queries, SocketAddr::from((GROUP_V4, PORT))).await;
                }
            }
            Interfaces::V6(numbers) => {
                for number in numbers {
                    // The group exists once on each link: the scope says on which.
                    let group = SocketAddrV6::new(GROUP_V6, PORT, 0, *number);
                    self.send(queries, group.into()).await;
                }
            }
        }
    }

    async fn send(&self, queries: &[Vec<u8>], group: SocketAddr) {
        for query in queries {
            let _ = self.own.send_to(query, group).await;
        }
    }

    async fn next_packet(&self) -> io::Result<Vec<u8>> {
        let (mut first, mut second) = (vec![0; MAX_RESPONSE], vec![0; MAX_RESPONSE]);
        let to_all = async {
            match &self.group {
                Some(group) => group.recv(&mut second).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            length = self.own.recv(&mut first) => Ok(first[..length?].to_vec()),
            length = to_all => {
                let length = length?;
                second.truncate(length);
                Ok(second)
            }
        }
    }
}

/// Waits for an answer that can be used; for ever without an asker.
async fn answer(asker: Option<&Asker>, name: &str) -> Vec<IpAddr> {
    let Some(asker) = asker else { return std::future::pending().await };
    let mut errors = 0;
    while errors < MAX_ERRORS {
        // Some systems report here that a question could not be delivered.
        let Ok(packet) = asker.next_packet().await else {
            errors += 1;
            continue;
        };
        let of_name = mdns_answer(&packet).into_iter().filter(|answer| {
            answer.name.eq_ignore_ascii_case(name) && !interfaces::is_link_local(answer.ip)
        });
        let addresses: Vec<IpAddr> = of_name.map(|answer| answer.ip).collect();
        if !addresses.is_empty() {
            return addresses;
        }
    }
    std::future::pending().await
}

/// A socket on an address of one family. A certain port is shared with other programs.
fn socket(family: Domain, address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(family, Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        // There is one of each family, and an IPv4 packet is for the other one.
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    if address.port() != 0 {
        socket.set_reuse_address(true)?;
        #[cfg(unix)]
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;

    const NAMES: [&str; 2] = ["to-all.local", "to-whoever-asked.local"];
    const OWNER: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 2);

    fn ip(arguments: &str) {
        let status = Command::new("ip").args(arguments.split(' ')).status().unwrap();
        assert!(status.success(), "ip {arguments}");
    }

    /// What a host says of its name that has an IPv6 address and no other one.
    fn says(name: &str) -> Vec<u8> {
        let [_, question] = mdns_queries(name).unwrap();
        let mut packet = vec![0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0];
        // The name with the type and the class; a lifetime of two minutes; 16 bytes.
        packet.extend_from_slice(&question[12..]);
        packet.extend([0, 0, 0, 120, 0, 16]);
        packet.extend(OWNER.octets());
        packet
    }

    /// Answers questions for the IPv6 addresses of the names: some do to all, some to whoever asked.
    async fn own_names(interface: u32) {
        let socket = socket(Domain::IPV6, SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT))).unwrap();
        SockRef::from(&socket).join_multicast_v6(&GROUP_V6, interface).unwrap();
        let group = SocketAddrV6::new(GROUP_V6, PORT, 0, interface).into();
        let mut buffer = [0; MAX_RESPONSE];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            for (name, to) in NAMES.into_iter().zip([group, from]) {
                if buffer[..length] == mdns_queries(name).unwrap()[1] {
                    socket.send_to(&says(name), to).await.unwrap();
                }
            }
        }
    }

    #[tokio::test]
    #[ignore = "makes an interface: scripts/test-network.sh runs it in a namespace"]
    async fn network_a_name_whose_owner_has_only_ipv6_is_resolved() {
        ip("link add quiet type veth peer name other");
        ip("address add fd77::1/64 dev quiet nodad");
        ip("link set other up");
        ip("link set quiet up");
        let interfaces = if_addrs::get_if_addrs().unwrap();
        let link = interfaces.iter().find(|interface| interface.name == "quiet").unwrap();
        let owner = tokio::spawn(own_names(link.index.unwrap()));
        for name in NAMES {
            let found = super::super::resolve::resolve(name, true).await;
            assert_eq!(found, [IpAddr::V6(OWNER)], "{name}");
        }
        assert!(!owner.is_finished());
        owner.abort();
    }
}

//! Names to addresses: the resolver of the system, and multicast DNS (RFC 6762) for the names that
//! browsers put into candidates in place of addresses.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};
use tokio::net::UdpSocket;

use super::interfaces;
use crate::rtc::ice::{mdns_answer, mdns_queries};

/// How long an answer is waited for.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The pauses between the questions, as questions and answers can get lost.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_millis(750),
    Duration::from_millis(1500),
    Duration::from_secs(10),
];

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const PORT: u16 = 5353;

/// The most that a response can have (RFC 6762, section 17).
const MAX_RESPONSE: usize = 9000;

/// The addresses of a host; none if there is no answer.
pub(super) async fn resolve(name: &str, mdns: bool) -> Vec<IpAddr> {
    let lookup = async {
        if mdns {
            return multicast(name).await;
        }
        let addresses = tokio::net::lookup_host((name, 0)).await?;
        Ok(addresses.map(|address| address.ip()).collect())
    };
    let result = tokio::time::timeout(TIMEOUT, lookup).await;
    result.map_or_else(|_| Vec::new(), |result: io::Result<_>| result.unwrap_or_default())
}

async fn multicast(name: &str) -> io::Result<Vec<IpAddr>> {
    let Some(queries) = mdns_queries(name) else { return Ok(Vec::new()) };
    let addresses = interfaces::addresses()?;
    let interfaces: Vec<Ipv4Addr> = addresses.into_iter().filter_map(v4).collect();
    // Some answer to whoever asked, some to all. The port for the latter can be taken by a program that
    // does not share it.
    let own = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    let group = join(&interfaces).ok();
    let mut buffer = vec![0; 2 * MAX_RESPONSE];
    for pause in PAUSES {
        for interface in &interfaces {
            let _ = SockRef::from(&own).set_multicast_if_v4(interface);
            for query in &queries {
                let _ = own.send_to(query, (GROUP, PORT)).await;
            }
        }
        let answered = answer(&own, group.as_ref(), name, &mut buffer);
        if let Ok(addresses) = tokio::time::timeout(pause, answered).await {
            return addresses;
        }
    }
    Ok(Vec::new())
}

fn v4(ip: IpAddr) -> Option<Ipv4Addr> {
    match ip {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => None,
    }
}

/// Waits for an answer to either socket.
async fn answer(
    own: &UdpSocket,
    group: Option<&UdpSocket>,
    name: &str,
    buffer: &mut [u8],
) -> io::Result<Vec<IpAddr>> {
    let (first, second) = buffer.split_at_mut(MAX_RESPONSE);
    loop {
        let to_all = async {
            match group {
                Some(group) => group.recv(second).await,
                None => std::future::pending().await,
            }
        };
        let answers = tokio::select! {
            length = own.recv(first) => mdns_answer(&first[..length?]),
            length = to_all => mdns_answer(&second[..length?]),
        };
        let of_name = answers.into_iter().filter(|answer| answer.name.eq_ignore_ascii_case(name));
        let addresses: Vec<IpAddr> = of_name.map(|answer| answer.ip).collect();
        if !addresses.is_empty() {
            return Ok(addresses);
        }
    }
}

/// A socket that hears what is said to all on the local network. The port is shared with other programs.
fn join(interfaces: &[Ipv4Addr]) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(true)?;
    socket.bind(&SockAddr::from(SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT))))?;
    for interface in interfaces {
        let _ = socket.join_multicast_v4(&GROUP, interface);
    }
    UdpSocket::from_std(socket.into())
}

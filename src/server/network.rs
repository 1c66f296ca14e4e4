//! Networks, and the proxies that are trusted.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// The proxies that a server stands behind, and how they say who a client is.
///
/// This only decides which address the limits per address are counted for. Connections from other
/// addresses are those of clients, and whatever they say about addresses is not believed:
/// `X-Forwarded-For` of theirs is ignored, and a PROXY header of theirs is no TLS and no HTTP, so that
/// the connection is refused.
///
/// Who connects over a Unix socket is such a proxy, whatever its networks are: the permissions of the file say who can.
/// Without any word about the client, which is also the case if there are no trusted proxies at all, all connections over
/// Unix sockets count as those of one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedProxies {
    /// Where the proxies are. Addresses in here should belong to nobody else.
    pub networks: Vec<IpNetwork>,
    /// How they say who a client is.
    pub header: ProxyHeader,
}

/// How a proxy says who a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProxyHeader {
    /// The HTTP header `X-Forwarded-For`: the right-most address that is not one of
    /// [`TrustedProxies::networks`]. What is to the left of it can be made up by the client. Where
    /// there is no such address, the last one that a trusted proxy vouched for counts: the proxy's
    /// own, if it says nothing.
    XForwardedFor,
    /// The PROXY protocol, version 1 or 2, in front of everything else. A connection of a proxy
    /// without it is refused. Connections that the proxy makes for itself (`LOCAL`, `UNKNOWN`) have
    /// the address of the proxy.
    ProxyProtocol,
}

/// A range of addresses, written like `192.0.2.0/24`, `2001:db8::/32`, or as a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IpNetwork(IpNet);

/// Why a text is not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpNetworkError {
    /// What is before the slash is no address.
    Address,
    /// What is after the slash is no number from 0 to 32 (IPv4) or to 128 (IPv6).
    Prefix,
    /// The address has bits after the prefix, so that it is unclear what is meant. This is the network
    /// that the prefix belongs to.
    HostBits(IpNetwork),
}

impl fmt::Display for IpNetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str(
                "not an IP address or network: write it like 192.0.2.0/24, 2001:db8::/32 or 192.0.2.1",
            ),
            Self::Prefix => {
                f.write_str("after the slash there has to be a number up to 32 (IPv4) or 128 (IPv6)")
            }
            Self::HostBits(network) => {
                write!(f, "the address goes beyond its prefix: write {network}, or leave the prefix out")
            }
        }
    }
}

impl std::error::Error for IpNetworkError {}

impl IpNetwork {
    /// The network of all addresses that share the first `prefix` bits with this one.
    ///
    /// # Errors
    ///
    /// [`IpNetworkError::Prefix`] and [`IpNetworkError::HostBits`].
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, IpNetworkError> {
        let network = around(address, prefix).ok_or(IpNetworkError::Prefix)?;
        if network.addr() != address {
            return Err(IpNetworkError::HostBits(Self(network)));
        }
        // A socket for both families shows IPv4 clients as ::ffff:a.b.c.d. Networks in that range are
        // kept as the IPv4 networks that they are, because `contains` turns addresses into IPv4, too.
        let ipv4 = match (address.to_canonical(), prefix.checked_sub(96)) {
            (canonical @ IpAddr::V4(_), Some(prefix)) if address.is_ipv6() => {
                around(canonical, prefix)
            }
            _ => None,
        };
        Ok(Self(ipv4.unwrap_or(network)))
    }

    /// Whether an address belongs to the network.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

/// The network with a prefix of so many bits that an address is in. `None` if it has fewer bits.
pub(super) fn around(address: IpAddr, prefix: u8) -> Option<IpNet> {
    IpNet::new(address, prefix).ok().map(|network| network.trunc())
}

impl FromStr for IpNetwork {
    type Err = IpNetworkError;

    // Not by the parser of the crate, which has one error for all mistakes.
    fn from_str(text: &str) -> Result<Self, IpNetworkError> {
        let (address, prefix) = match text.split_once('/') {
            None => (text, None),
            Some((address, prefix)) => (address, Some(prefix)),
        };
        let address: IpAddr = address.parse().map_err(|_| IpNetworkError::Address)?;
        let prefix = match prefix {
            None if address.is_ipv4() => 32,
            None => 128,
            // The number parser would take a sign, too.
            Some(prefix) if prefix.bytes().all(|digit| digit.is_ascii_digit()) => {
                prefix.parse().map_err(|_| IpNetworkError::Prefix)?
            }
            Some(_) => return Err(IpNetworkError::Prefix),
        };
        Self::new(address, prefix)
    }
}

impl fmt::Display for IpNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> IpNetwork {
        text.parse().unwrap()
    }

    #[test]
    fn networks_contain_their_addresses() {
        for (text, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("192.0.2.128/25", "192.0.2.128", "192.0.2.127"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
            ("::/0", "2001:db8::1", "203.0.113.9"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
            ("::ffff:10.0.0.0/104", "10.1.1.1", "11.1.1.1"),
        ] {
            let network = network(text);
            assert!(network.contains(inside.parse().unwrap()), "{text} {inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{text} {outside}");
        }
        // What a socket for both families calls an IPv4 client.
        assert!(network("10.0.0.0/8").contains("::ffff:10.1.2.3".parse().unwrap()));
        assert_eq!(network("10.0.0.0/8").to_string(), "10.0.0.0/8");
        assert_eq!(network("192.0.2.1").to_string(), "192.0.2.1/32");
    }

    #[test]
    fn other_texts_are_refused() {
        for (text, error) in [
            ("", IpNetworkError::Address),
            ("localhost", IpNetworkError::Address),
            ("10.0.0/8", IpNetworkError::Address),
            ("10.0.0.0/", IpNetworkError::Prefix),
            ("10.0.0.0/33", IpNetworkError::Prefix),
            ("10.0.0.0/+8", IpNetworkError::Prefix),
            ("10.0.0.0/256", IpNetworkError::Prefix),
            ("10.0.0.0/8/8", IpNetworkError::Prefix),
            ("::/129", IpNetworkError::Prefix),
            ("10.1.2.3/8", IpNetworkError::HostBits(network("10.0.0.0/8"))),
        ] {
            assert_eq!(text.parse::<IpNetwork>(), Err(error), "{text}");
        }
        let advice = "10.1.2.3/8".parse::<IpNetwork>().unwrap_err().to_string();
        assert!(advice.contains("10.0.0.0/8"), "{advice}");
    }
}

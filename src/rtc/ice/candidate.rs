//! Candidates as the peer writes them (RFC 8839 section 5.1).

use std::net::{IpAddr, SocketAddr};

use is::{CandidateKind, Protocol};

use super::server::is_host_name;

/// Where the address of a candidate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CandidateType {
    /// An interface of the host.
    Host,
    /// What a STUN server saw: the outside of a NAT.
    ServerReflexive,
    /// What the peer saw.
    PeerReflexive,
    /// An address of a TURN server.
    Relayed,
}

impl From<CandidateKind> for CandidateType {
    fn from(kind: CandidateKind) -> Self {
        match kind {
            CandidateKind::Host => Self::Host,
            CandidateKind::ServerReflexive => Self::ServerReflexive,
            CandidateKind::PeerReflexive => Self::PeerReflexive,
            CandidateKind::Relayed => Self::Relayed,
        }
    }
}

impl CandidateType {
    fn kind(self) -> CandidateKind {
        match self {
            Self::Host => CandidateKind::Host,
            Self::ServerReflexive => CandidateKind::ServerReflexive,
            Self::PeerReflexive => CandidateKind::PeerReflexive,
            Self::Relayed => CandidateKind::Relayed,
        }
    }
}

/// What the peer sent is no candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CandidateError {
    /// It does not begin with `candidate:`, or is longer than 1,024 bytes.
    Form,
    /// The foundation is not 1 to 32 characters.
    Foundation,
    /// The component is not a number from 1 to 256.
    Component,
    /// The transport is missing.
    Transport,
    /// The priority is not a number from 1 to 2³¹−1.
    Priority,
    /// The address is neither an IP address nor a host name.
    Address,
    /// The port is not a number from 0 to 65535.
    Port,
    /// `typ` with a type is missing.
    Type,
    /// An extension has a name and no value.
    Extension,
}

impl std::fmt::Display for CandidateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let part = match self {
            Self::Form => return f.write_str("the ICE candidate does not begin with 'candidate:'"),
            Self::Foundation => "foundation",
            Self::Component => "component",
            Self::Transport => "transport",
            Self::Priority => "priority",
            Self::Address => "address",
            Self::Port => "port",
            Self::Type => "type",
            Self::Extension => "extension",
        };
        write!(f, "the {part} of the ICE candidate is malformed or missing")
    }
}

impl std::error::Error for CandidateError {}

/// A candidate of the peer that can be of use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RemoteCandidate {
    foundation: String,
    priority: u32,
    host: CandidateHost,
    port: u16,
    kind: CandidateType,
    pub(super) ufrag: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CandidateHost {
    Ip(IpAddr),
    /// A name for multicast DNS, in lower case.
    Mdns(String),
}

impl RemoteCandidate {
    /// Reads a candidate. `None`: it is well-formed but cannot be used here (TCP, another component, a name
    /// for the DNS, an address nobody can be at).
    pub(super) fn parse(text: &str) -> Result<Option<Self>, CandidateError> {
        let text = text.strip_prefix("a=").unwrap_or(text);
        let text = text.strip_prefix("candidate:").ok_or(CandidateError::Form)?;
        if text.len() > 1024 {
            return Err(CandidateError::Form);
        }
        let mut words = text.split_ascii_whitespace();
        let mut next = |error| words.next().ok_or(error);

        let foundation = next(CandidateError::Foundation)?;
        if foundation.len() > 32 {
            return Err(CandidateError::Foundation);
        }
        let component =
            number(next(CandidateError::Component)?, 1..=256, CandidateError::Component)?;
        let transport = next(CandidateError::Transport)?;
        let priority = next(CandidateError::Priority)?;
        let priority = number(priority, 1..=0x7fff_ffff, CandidateError::Priority)?;
        let address = next(CandidateError::Address)?;
        let host = match address.parse::<IpAddr>() {
            Ok(ip) => Some(ip.to_canonical()).filter(|ip| is_usable(*ip)).map(CandidateHost::Ip),
            Err(_) if !is_host_name(address) => return Err(CandidateError::Address),
            // The DNS is not asked for names that somebody else made up.
            Err(_) => {
                let name = address.to_ascii_lowercase();
                name.ends_with(".local").then_some(CandidateHost::Mdns(name))
            }
        };
        let port = number(next(CandidateError::Port)?, 0..=65535, CandidateError::Port)? as u16;
        if next(CandidateError::Type)? != "typ" {
            return Err(CandidateError::Type);
        }
        let kind = match next(CandidateError::Type)? {
            "host" => Some(CandidateType::Host),
            "srflx" => Some(CandidateType::ServerReflexive),
            "prflx" => Some(CandidateType::PeerReflexive),
            "relay" => Some(CandidateType::Relayed),
            _ => None,
        };
        let mut ufrag = None;
        while let Some(name) = words.next() {
            let value = words.next().ok_or(CandidateError::Extension)?;
            if name == "ufrag" {
                ufrag = Some(value.to_owned());
            }
        }
        let (Some(host), Some(kind)) = (host, kind) else { return Ok(None) };
        if component != 1 || port == 0 || !transport.eq_ignore_ascii_case("udp") {
            return Ok(None);
        }
        let foundation = foundation.to_owned();
        Ok(Some(Self { foundation, priority, host, port, kind, ufrag }))
    }

    pub(super) fn host(&self) -> &CandidateHost {
        &self.host
    }

    /// The candidate for the connectivity checks, its name being resolved to `ip`.
    pub(super) fn to_is(&self, ip: IpAddr) -> is::Candidate {
        is::Candidate::from_parts(
            self.foundation.clone(),
            1,
            Protocol::Udp,
            self.priority,
            SocketAddr::new(ip, self.port),
            self.kind.kind(),
            None,
            None,
            None,
        )
    }
}

fn number(
    text: &str,
    range: std::ops::RangeInclusive<u32>,
    error: CandidateError,
) -> Result<u32, CandidateError> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(error);
    }
    text.parse().ok().filter(|number| range.contains(number)).ok_or(error)
}

/// Whether a peer can be at this address.
pub(super) fn is_usable(ip: IpAddr) -> bool {
    let site_local = match ip {
        IpAddr::V4(ip) => ip.is_broadcast(),
        // Deprecated (RFC 8445 section 5.1.1.1): site-local, IPv4-compatible.
        IpAddr::V6(ip) => {
            ip.segments()[0] & 0xffc0 == 0xfec0
                || (ip.segments()[..6] == [0; 6] && !ip.is_loopback() && !ip.is_unspecified())
        }
    };
    !ip.is_unspecified() && !ip.is_multicast() && !site_local
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<RemoteCandidate>, CandidateError> {
        RemoteCandidate::parse(text)
    }

    #[test]
    fn candidates_of_browsers_are_parsed() {
        let candidate = parse(
            "candidate:842163049 1 udp 1677729535 198.51.100.7 46154 typ srflx raddr 0.0.0.0 rport 0 \
             generation 0 ufrag EEtu network-id 1 network-cost 10",
        );
        let candidate = candidate.unwrap().unwrap();
        assert_eq!(candidate.host, CandidateHost::Ip("198.51.100.7".parse().unwrap()));
        assert_eq!((candidate.port, candidate.priority), (46154, 1_677_729_535));
        assert_eq!(candidate.kind, CandidateType::ServerReflexive);
        assert_eq!(candidate.ufrag.as_deref(), Some("EEtu"));

        let name = "1f5c4d1e-5a43-4a3b-8a6d-8f7d6d1a2b3c.local";
        let upper = name.to_ascii_uppercase();
        for name_written in [name, upper.as_str()] {
            let candidate =
                parse(&format!("a=candidate:0 1 UDP 2122252543 {name_written} 5000 typ host"));
            let candidate = candidate.unwrap().unwrap();
            assert_eq!(
                candidate.host,
                CandidateHost::Mdns(name.to_lowercase().replace("LOCAL", "local"))
            );
        }
        let candidate = parse("candidate:1 1 UDP 1 2001:db8::1 9 typ relay raddr :: rport 0");
        assert_eq!(candidate.unwrap().unwrap().kind, CandidateType::Relayed);
    }

    #[test]
    fn what_is_of_no_use_is_ignored() {
        for text in [
            "candidate:1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0",
            "candidate:1 2 udp 1 192.0.2.1 5000 typ host",
            "candidate:1 1 udp 1 192.0.2.1 0 typ host",
            "candidate:1 1 udp 1 0.0.0.0 5000 typ host",
            "candidate:1 1 udp 1 224.0.0.251 5353 typ host",
            "candidate:1 1 udp 1 255.255.255.255 5000 typ host",
            "candidate:1 1 udp 1 ff02::fb 5353 typ host",
            "candidate:1 1 udp 1 fec0::1 5353 typ host",
            "candidate:1 1 udp 1 ::1.2.3.4 5353 typ host",
            "candidate:1 1 udp 1 ::ffff:255.255.255.255 5353 typ host",
            "candidate:1 1 udp 1 tracker.example.org 5000 typ host",
            "candidate:1 1 udp 1 192.0.2.1 5000 typ future",
        ] {
            assert_eq!(parse(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn malformed_ones_are_refused() {
        use CandidateError::*;
        let long = format!("candidate:1 1 udp 1 192.0.2.1 1 typ host x {}", "y".repeat(1024));
        for (text, error) in [
            ("", Form),
            ("1 1 udp 1 192.0.2.1 1 typ host", Form),
            (long.as_str(), Form),
            ("candidate:", Foundation),
            (
                "candidate:123456789012345678901234567890123 1 udp 1 192.0.2.1 1 typ host",
                Foundation,
            ),
            ("candidate:1", Component),
            ("candidate:1 0 udp 1 192.0.2.1 1 typ host", Component),
            ("candidate:1 -1 udp 1 192.0.2.1 1 typ host", Component),
            ("candidate:1 1", Transport),
            ("candidate:1 1 udp 0 192.0.2.1 1 typ host", Priority),
            ("candidate:1 1 udp 2147483648 192.0.2.1 1 typ host", Priority),
            ("candidate:1 1 udp +1 192.0.2.1 1 typ host", Priority),
            ("candidate:1 1 udp 1 192.0.2.256 1 typ host", Address),
            ("candidate:1 1 udp 1 fe80::1%eth0 1 typ host", Address),
            ("candidate:1 1 udp 1 192.0.2.1 65536 typ host", Port),
            ("candidate:1 1 udp 1 192.0.2.1 1 host", Type),
            ("candidate:1 1 udp 1 192.0.2.1 1 typ", Type),
            ("candidate:1 1 udp 1 192.0.2.1 1 typ host raddr", Extension),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }
}

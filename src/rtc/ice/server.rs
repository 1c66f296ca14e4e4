//! URLs of ICE servers (RFC 7064, RFC 7065).

use std::net::{IpAddr, Ipv6Addr};

use zeroize::Zeroizing;

/// How to talk to an ICE server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerTransport {
    /// `stun:`: tells the address that packets of this host come from. Over UDP.
    Stun,
    /// `turn:`: relays packets; reached over UDP.
    TurnUdp,
    /// `turn:…?transport=tcp`: relays packets; reached over TCP.
    TurnTcp,
    /// `turns:`: relays packets; reached over TLS.
    TurnTls,
}

/// A STUN or TURN server.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    url: String,
    transport: ServerTransport,
    host: Host,
    port: u16,
    username: String,
    password: Zeroizing<String>,
    by_name: bool,
}

/// The user name and the password are not shown.
impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("url", &self.url).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    Ip(IpAddr),
    Name(String),
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Why this is no ICE server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerError {
    /// The URL begins neither with `stun:` nor with `turn:` nor with `turns:`.
    Scheme,
    /// The host is missing, or neither a name nor an IP address.
    Host,
    /// The port is not a number from 1 to 65535.
    Port,
    /// There is something after host and port other than `?transport=udp` and `?transport=tcp`.
    Query,
    /// `stun:` with `?transport=`, or `turns:` over UDP.
    Transport,
    /// A TURN server needs a user name and a password.
    CredentialsMissing,
    /// User name or password are longer than 512 bytes.
    CredentialsTooLong,
}

impl std::fmt::Display for ServerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Scheme => {
                "the URL of an ICE server begins with 'stun:', 'turn:' or 'turns:' (without '//')"
            }
            Self::Host => "the host of the ICE server is missing or is no name or IP address",
            Self::Port => "the port of the ICE server is not a number from 1 to 65535",
            Self::Query => {
                "only '?transport=udp' or '?transport=tcp' may follow the host of an ICE server"
            }
            Self::Transport => {
                "'stun:' goes over UDP and takes no '?transport', 'turns:' goes over TCP only"
            }
            Self::CredentialsMissing => "a TURN server needs a user name and a password",
            Self::CredentialsTooLong => "user name and password have at most 512 bytes",
        })
    }
}

impl std::error::Error for ServerError {}

impl Server {
    /// Takes the URL of a server (`stun:host`, `turn:host:port?transport=tcp`, `turns:[2001:db8::1]`;
    /// ports are 3478, or 5349 for `turns:`, if not given), and the user name and password for a TURN
    /// server. Those given for a STUN server are ignored.
    ///
    /// # Errors
    ///
    /// [`ServerError`] says which part is wrong.
    pub fn new(url: &str, username: &str, password: &str) -> Result<Self, ServerError> {
        let (scheme, rest) = url.split_once(':').ok_or(ServerError::Scheme)?;
        let (address, query) = match rest.split_once('?') {
            Some((address, query)) => (address, Some(query)),
            None => (rest, None),
        };
        let query = match query {
            None => None,
            Some(it) if it.eq_ignore_ascii_case("transport=udp") => Some(false),
            Some(it) if it.eq_ignore_ascii_case("transport=tcp") => Some(true),
            Some(_) => return Err(ServerError::Query),
        };
        let transport = match (scheme.to_ascii_lowercase().as_str(), query) {
            ("stun", None) => ServerTransport::Stun,
            ("turn", None | Some(false)) => ServerTransport::TurnUdp,
            ("turn", Some(true)) => ServerTransport::TurnTcp,
            ("turns", None | Some(true)) => ServerTransport::TurnTls,
            ("stun", Some(_)) | ("turns", Some(false)) => return Err(ServerError::Transport),
            _ => return Err(ServerError::Scheme),
        };
        let (host, port) = parse_address(address)?;
        let default = if transport == ServerTransport::TurnTls { 5349 } else { 3478 };
        if transport != ServerTransport::Stun {
            if username.is_empty() || password.is_empty() {
                return Err(ServerError::CredentialsMissing);
            }
            if username.len() > 512 || password.len() > 512 {
                return Err(ServerError::CredentialsTooLong);
            }
        }
        Ok(Self {
            url: url.to_owned(),
            transport,
            host,
            port: port.unwrap_or(default),
            username: username.to_owned(),
            password: Zeroizing::new(password.to_owned()),
            by_name: false,
        })
    }

    /// The server as it is reached through a proxy, which looks its name up: for TURN over TCP or TLS only.
    #[must_use]
    pub fn by_name(self) -> Self {
        let by_name = matches!(self.transport, ServerTransport::TurnTcp | ServerTransport::TurnTls);
        Self { by_name, ..self }
    }

    /// Whether nobody but a proxy is to look the name up.
    pub(super) fn is_by_name(&self) -> bool {
        self.by_name
    }

    /// Host and port, for connections over TCP and TLS; `None` for STUN and TURN over UDP. The host is a name, or an IP
    /// address without brackets.
    #[must_use]
    pub fn connection(&self) -> Option<(String, u16)> {
        match self.transport {
            ServerTransport::Stun | ServerTransport::TurnUdp => None,
            ServerTransport::TurnTcp | ServerTransport::TurnTls => {
                Some((self.host.to_string(), self.port))
            }
        }
    }

    /// The URL, as given.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How to talk to it.
    #[must_use]
    pub fn transport(&self) -> ServerTransport {
        self.transport
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The name that its certificate has to be valid for.
    pub(super) fn tls_server_name(&self) -> Option<String> {
        (self.transport == ServerTransport::TurnTls).then(|| self.host.to_string())
    }

    pub(super) fn turn_credentials(&self) -> turn_client_proto::types::TurnCredentials {
        turn_client_proto::types::TurnCredentials::new(&self.username, &self.password)
    }
}

/// Reads `host`, `host:port`, `[v6]` and `[v6]:port`.
fn parse_address(text: &str) -> Result<(Host, Option<u16>), ServerError> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (ip, rest) = rest.split_once(']').ok_or(ServerError::Host)?;
        let ip: Ipv6Addr = ip.parse().map_err(|_| ServerError::Host)?;
        let port = match rest {
            "" => None,
            _ => Some(rest.strip_prefix(':').ok_or(ServerError::Host)?),
        };
        (Host::Ip(IpAddr::V6(ip)), port)
    } else {
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        };
        match host.parse() {
            Ok(ip) => (Host::Ip(IpAddr::V4(ip)), port),
            Err(_) if is_host_name(host) => (Host::Name(host.to_ascii_lowercase()), port),
            Err(_) => return Err(ServerError::Host),
        }
    };
    let port = match port {
        None => None,
        Some(digits)
            if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) =>
        {
            let port: u16 = digits.parse().map_err(|_| ServerError::Port)?;
            Some(if port == 0 { return Err(ServerError::Port) } else { port })
        }
        Some(_) => return Err(ServerError::Port),
    };
    Ok((host, port))
}

/// Whether this is a name for the DNS: labels of 1 to 63 letters, digits, `-` and `_`, the last one
/// not a number.
pub(super) fn is_host_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (1..=253).contains(&name.len())
        && name.split('.').all(label)
        && !name.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> (ServerTransport, Host, u16) {
        let server = Server::new(url, "user", "secret").unwrap();
        (server.transport, server.host, server.port)
    }

    #[test]
    fn urls_are_parsed() {
        let name = |name: &str| Host::Name(name.to_owned());
        let ip = |ip: &str| Host::Ip(ip.parse().unwrap());
        use ServerTransport::*;
        assert_eq!(parsed("stun:stun.example.org"), (Stun, name("stun.example.org"), 3478));
        assert_eq!(parsed("STUN:Stun.Example.org:1"), (Stun, name("stun.example.org"), 1));
        assert_eq!(parsed("turn:192.0.2.1:65535"), (TurnUdp, ip("192.0.2.1"), 65535));
        assert_eq!(parsed("turn:host?transport=udp"), (TurnUdp, name("host"), 3478));
        assert_eq!(parsed("turn:host?transport=UDP"), (TurnUdp, name("host"), 3478));
        assert_eq!(parsed("TURN:host?Transport=Tcp"), (TurnTcp, name("host"), 3478));
        assert_eq!(parsed("turn:[2001:db8::1]?transport=tcp"), (TurnTcp, ip("2001:db8::1"), 3478));
        assert_eq!(parsed("turns:[::1]:443"), (TurnTls, ip("::1"), 443));
        assert_eq!(parsed("turns:host?transport=tcp"), (TurnTls, name("host"), 5349));
    }

    #[test]
    fn malformed_urls_are_refused() {
        let error = |url: &str| Server::new(url, "user", "secret").unwrap_err();
        for url in ["", "host", "http:host", "stuns:host", "turn.example.org:3478"] {
            assert_eq!(error(url), ServerError::Scheme, "{url}");
        }
        for url in [
            "stun:",
            "stun://host",
            "turn::3478",
            "turn:[::1",
            "turn:[host]:1",
            "turn:[::1]1",
            "turn:::1",
            "turn:a..b",
            "turn:1.2.3.4.5",
            "turn:user@host",
            "turn:-a",
            "turn:a b",
        ] {
            assert_eq!(error(url), ServerError::Host, "{url}");
        }
        for url in ["stun:host:", "stun:host:0", "stun:host:65536", "stun:host:+1", "stun:host:x"] {
            assert_eq!(error(url), ServerError::Port, "{url}");
        }
        for url in
            ["turn:host?", "turn:host?transport=sctp", "turn:host?x=y", "turn:host?transport=tcp&a"]
        {
            assert_eq!(error(url), ServerError::Query, "{url}");
        }
        assert_eq!(error("stun:host?transport=udp"), ServerError::Transport);
        assert_eq!(error("turns:host?transport=udp"), ServerError::Transport);
    }

    #[test]
    fn turn_needs_credentials_and_they_are_not_shown() {
        assert_eq!(Server::new("turn:host", "", "x").unwrap_err(), ServerError::CredentialsMissing);
        assert_eq!(
            Server::new("turns:host", "x", "").unwrap_err(),
            ServerError::CredentialsMissing
        );
        assert!(Server::new("stun:host", "", "").is_ok());
        let long = "x".repeat(513);
        assert_eq!(
            Server::new("turn:host", &long, "x").unwrap_err(),
            ServerError::CredentialsTooLong
        );
        let server = Server::new("turn:host", "someone", "secret").unwrap();
        let shown = format!("{server:?}");
        assert!(!shown.contains("secret") && !shown.contains("someone"), "{shown}");
    }
}

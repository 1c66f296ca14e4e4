//! Where a signalling server is: scheme, host and port.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use http::Uri;

use crate::crypto::PublicKey;

/// Characters that a host name can have (RFC 1035, section 2.3.4).
const MAX_HOST: usize = 253;
/// Characters that a part of a host name can have (RFC 1035, section 2.3.4).
const MAX_LABEL: usize = 63;

/// How a client connects to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// WebSocket over plain TCP. Whoever is on the way sees the signalling path and who talks to
    /// whom, but not the content.
    Ws,
    /// WebSocket over TLS: what the specification recommends (protocol, *Security Recommendation*).
    Wss,
}

impl Scheme {
    /// `ws` or `wss`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    /// The port that is meant if a URL names none: 80 or 443.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }
}

/// Why a text is not the URL of a server. The text itself is never part of the error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerUrlError {
    /// The text is not a URL at all.
    Syntax,
    /// The scheme is neither `ws` nor `wss`.
    Scheme,
    /// There is something before an `@`.
    UserInfo,
    /// The host is neither a name, nor an IPv4 address, nor an IPv6 address in brackets.
    Host,
    /// The port is not a number from 1 to 65535.
    Port,
    /// There is a path other than `/`.
    Path,
    /// There is a `?`.
    Query,
    /// There is a `#`.
    Fragment,
}

impl fmt::Display for ServerUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "not a URL of the form wss://host:port",
            Self::Scheme => "the scheme of the server's URL must be wss or ws",
            Self::UserInfo => "the server's URL must not have a user name or password before the host",
            Self::Host => {
                "the host in the server's URL must be a name in ASCII, an IPv4 address, or an IPv6 \
                 address in brackets"
            }
            Self::Port => "the port in the server's URL must be a number from 1 to 65535",
            Self::Path => {
                "the server's URL must end after the host and port: the path is the initiator's key \
                 and is added by the library"
            }
            Self::Query => "the server's URL must not have a query (a part after ?)",
            Self::Fragment => "the server's URL must not have a fragment (a part after #)",
        })
    }
}

impl std::error::Error for ServerUrlError {}

/// Scheme, host and port of a signalling server, for example `wss://example.com:4567`.
///
/// Host names are kept in lower case and IPv6 addresses in their canonical form, so two URLs of the
/// same server are equal. `Display` writes the URL without a path, and without the port if it is
/// the default one of the scheme.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerUrl {
    scheme: Scheme,
    /// Without brackets. Only an IPv6 address contains a colon.
    host: String,
    port: u16,
}

impl ServerUrl {
    /// Parses `wss://host`, `wss://host:port`, or the same with `ws`. A slash at the end is
    /// tolerated, and so are blanks and line feeds around it; any other path, a query, a fragment and user
    /// information are errors.
    pub fn parse(text: &str) -> Result<Self, ServerUrlError> {
        let text = text.trim_ascii();
        if text.contains('#') {
            return Err(ServerUrlError::Fragment);
        }
        let uri = Uri::from_str(text).map_err(|_| ServerUrlError::Syntax)?;
        let url = Self::from_uri(&uri)?;
        if uri.path() != "/" {
            return Err(ServerUrlError::Path);
        }
        if uri.query().is_some() {
            return Err(ServerUrlError::Query);
        }
        Ok(url)
    }

    /// Scheme, host and port of `uri`; whatever follows is left to the caller.
    pub(super) fn from_uri(uri: &Uri) -> Result<Self, ServerUrlError> {
        let scheme = uri.scheme_str().ok_or(ServerUrlError::Syntax)?;
        let scheme = [Scheme::Wss, Scheme::Ws]
            .into_iter()
            .find(|known| scheme.eq_ignore_ascii_case(known.as_str()))
            .ok_or(ServerUrlError::Scheme)?;
        let authority = uri.authority().ok_or(ServerUrlError::Syntax)?;
        if authority.as_str().contains('@') {
            return Err(ServerUrlError::UserInfo);
        }
        let host = authority.host();
        // What `Authority::port` cannot parse it reports as absent, so look at the text.
        let port = match authority.as_str().strip_prefix(host).unwrap_or_default() {
            "" => scheme.default_port(),
            text => parse_port(text)?,
        };
        Ok(Self { scheme, host: parse_host(host)?, port })
    }

    /// The scheme.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host name or IP address to connect to, and to check the server's certificate against.
    /// IPv6 addresses come without brackets, and those of a link may have a zone: `fe80::1%eth0`. At most 253
    /// characters.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port, never 0.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether the connection goes over TLS.
    pub const fn is_tls(&self) -> bool {
        matches!(self.scheme, Scheme::Wss)
    }

    /// The URL that a client opens the WebSocket with: the server, one slash, and `path` in
    /// lowercase hexadecimal (protocol, *Connecting To a Signalling Server*). There is no query and no
    /// fragment, so neither the server's key nor a token can get into it.
    pub fn websocket_url(&self, path: &PublicKey) -> String {
        format!("{self}/{}", path.to_hex())
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme.as_str())?;
        if self.host.contains(':') {
            write!(f, "[{}]", self.host.replace('%', "%25"))?;
        } else {
            f.write_str(&self.host)?;
        }
        if self.port == self.scheme.default_port() { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

impl FromStr for ServerUrl {
    type Err = ServerUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Parses a port with the colon before it.
fn parse_port(text: &str) -> Result<u16, ServerUrlError> {
    let digits = text.strip_prefix(':').ok_or(ServerUrlError::Port)?;
    // `u16::from_str` would take a plus sign.
    if !digits.bytes().all(|c| c.is_ascii_digit()) {
        return Err(ServerUrlError::Port);
    }
    digits.parse().ok().filter(|&port| port != 0).ok_or(ServerUrlError::Port)
}

/// Whether this can be the name or the number of a network interface.
fn is_zone(text: &str) -> bool {
    (1..=MAX_LABEL).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"-._~".contains(&c))
}

fn parse_host(text: &str) -> Result<String, ServerUrlError> {
    if let Some(text) = text.strip_prefix('[') {
        let text = text.strip_suffix(']').ok_or(ServerUrlError::Host)?;
        // The percent sign of a zone is encoded (RFC 6874), but people copy it as it is, too.
        let (address, zone) = match text.split_once('%') {
            Some((address, zone)) => (address, Some(zone.strip_prefix("25").unwrap_or(zone))),
            None => (text, None),
        };
        let address = Ipv6Addr::from_str(address).map_err(|_| ServerUrlError::Host)?;
        return match zone {
            None => Ok(address.to_string()),
            Some(zone) if is_zone(zone) && address.is_unicast_link_local() => {
                Ok(format!("{address}%{zone}"))
            }
            Some(_) => Err(ServerUrlError::Host),
        };
    }
    let host = text.to_ascii_lowercase();
    // The dot at the end of a fully qualified name does not start another part.
    let name = host.strip_suffix('.').unwrap_or(&host);
    let label_fits = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
    };
    if host.len() > MAX_HOST || !name.split('.').all(label_fits) {
        return Err(ServerUrlError::Host);
    }
    // No top-level domain is a number, so this is meant to be an address.
    let number_at_end =
        name.rsplit('.').next().is_some_and(|label| label.bytes().all(|c| c.is_ascii_digit()));
    if number_at_end && Ipv4Addr::from_str(&host).is_err() {
        return Err(ServerUrlError::Host);
    }
    Ok(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> PublicKey {
        PublicKey::from_bytes([0xaf; 32]).unwrap()
    }

    #[test]
    fn scheme_host_and_port() {
        for (text, tls, host, port, canonical) in [
            ("wss://example.com", true, "example.com", 443, "wss://example.com"),
            ("wss://example.com/", true, "example.com", 443, "wss://example.com"),
            ("ws://example.com", false, "example.com", 80, "ws://example.com"),
            ("ws://example.com:443", false, "example.com", 443, "ws://example.com:443"),
            ("wss://example.com:4567", true, "example.com", 4567, "wss://example.com:4567"),
            ("WSS://Example.COM:443/", true, "example.com", 443, "wss://example.com"),
            (
                "wss://my_host-1.example.com.",
                true,
                "my_host-1.example.com.",
                443,
                "wss://my_host-1.example.com.",
            ),
            ("ws://127.0.0.1:8765", false, "127.0.0.1", 8765, "ws://127.0.0.1:8765"),
            ("ws://[::1]:8765/", false, "::1", 8765, "ws://[::1]:8765"),
            ("wss://[2001:DB8:0:0::1]", true, "2001:db8::1", 443, "wss://[2001:db8::1]"),
            (
                "ws://[fe80::1%25eth0]:8765",
                false,
                "fe80::1%eth0",
                8765,
                "ws://[fe80::1%25eth0]:8765",
            ),
            ("ws://[FE80::1%wlan-0.1]", false, "fe80::1%wlan-0.1", 80, "ws://[fe80::1%25wlan-0.1]"),
            (" \twss://example.com\r\n", true, "example.com", 443, "wss://example.com"),
            ("wss://example.com:65535", true, "example.com", 65535, "wss://example.com:65535"),
        ] {
            let url = ServerUrl::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((url.is_tls(), url.host(), url.port()), (tls, host, port), "{text}");
            assert_eq!(url.to_string(), canonical);
            assert_eq!(canonical.parse(), Ok(url));
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_reason() {
        use ServerUrlError::*;
        let long_label = format!("wss://{}.com", "a".repeat(64));
        let long_name = format!("wss://{}com", "abcdefg.".repeat(32));
        for (text, error) in [
            ("", Syntax),
            ("example.com", Syntax),
            ("example.com:443", Syntax),
            ("/path", Syntax),
            ("wss://", Syntax),
            ("wss://exa mple.com", Syntax),
            ("wss:example.com", Syntax),
            ("https://example.com", Scheme),
            ("wsss://example.com", Scheme),
            ("wss://user@example.com", UserInfo),
            ("wss://user:password@example.com", UserInfo),
            ("wss://:443", Host),
            ("wss://exa%20mple.com", Syntax),
            ("wss://a..b", Host),
            ("wss://.", Host),
            ("wss://a,b", Host),
            ("wss://[1.2.3.4]", Host),
            ("wss://[fe80::1%25]", Host),
            ("wss://[fe80::1%]", Host),
            ("wss://[fe80::1%25a%25b]", Host),
            ("wss://[2001:db8::1%25eth0]", Host),
            ("wss://1.2.3.4%25eth0", Syntax),
            ("wss://256.1.1.1", Host),
            ("wss://1.2.3", Host),
            (&long_label, Host),
            (&long_name, Host),
            ("wss://example.com:", Port),
            ("wss://example.com:0", Port),
            ("wss://example.com:65536", Port),
            ("wss://example.com:+1", Port),
            ("wss://example.com:http", Port),
            ("wss://[::1]x", Port),
            ("wss://example.com/signalling", Path),
            ("wss://example.com//", Path),
            ("wss://example.com/?", Query),
            ("wss://example.com?a=b", Query),
            ("wss://example.com#", Fragment),
        ] {
            assert_eq!(ServerUrl::parse(text), Err(error), "{text}");
        }
        assert!(ServerUrl::parse("wss://bücher.example").is_err());
    }

    /// Covers P-033 P-034 P-035.
    #[test]
    fn the_path_is_the_key_in_lowercase_right_after_host_and_port() {
        for server in ["wss://example.com", "ws://[::1]:8765", "wss://example.com:4567/"] {
            let url = ServerUrl::parse(server).unwrap().websocket_url(&key());
            let path = url.strip_prefix(server.trim_end_matches('/')).unwrap();
            assert_eq!(path, format!("/{}", "af".repeat(32)));
            assert_eq!(path[1..].len(), 64);
        }
    }

    /// The library that makes the WebSocket request must read the same URL.
    #[test]
    fn the_websocket_url_is_a_uri_without_query_and_fragment() {
        let url = ServerUrl::parse("wss://[::1]:4567").unwrap().websocket_url(&key());
        let uri: Uri = url.parse().unwrap();
        assert_eq!((uri.host(), uri.port_u16()), (Some("[::1]"), Some(4567)));
        assert_eq!((uri.path().len(), uri.query()), (65, None));
        assert!(!url.contains(['?', '#']));
    }
}

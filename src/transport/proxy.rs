//! Which proxy leads to a server.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use zeroize::Zeroizing;

/// What a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProxyKind {
    /// HTTP with CONNECT (RFC 9110, section 9.3.6).
    Http,
    /// The same over TLS.
    Https,
    /// SOCKS version 5 (RFC 1928). The proxy resolves the name of the server.
    Socks5,
}

/// Where a proxy is, and who asks it.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl {
    pub(super) kind: ProxyKind,
    /// Without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// User name and password.
    pub(super) user: Option<(String, Zeroizing<String>)>,
}

/// What is wrong with the URL of a proxy. The URL, which may have a password in it, is never part of the error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyUrlError {
    /// That is no URL.
    Syntax,
    /// The scheme is none of `http`, `https`, `socks5` and `socks5h`.
    Scheme,
    /// The port is not a number from 1 to 65535.
    Port,
    /// User name or password cannot be used: they have 255 bytes at most, and a user name for HTTP has no colon.
    User,
    /// There is something after host and port.
    Path,
}

impl fmt::Display for ProxyUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "not a URL of the form http://user:password@host:port",
            Self::Scheme => "the scheme of a proxy's URL must be http, https or socks5",
            Self::Port => "the port in a proxy's URL must be a number from 1 to 65535",
            Self::User => {
                "user name and password in a proxy's URL may have 255 bytes each, with special characters \
                 percent-encoded, and a user name for HTTP no colon"
            }
            Self::Path => "a proxy's URL must end after host and port",
        })
    }
}

impl std::error::Error for ProxyUrlError {}

impl ProxyUrl {
    /// Parses `http://host:port`, `https://…` or `socks5://…`, with `user:password@` in front of the host if the
    /// proxy asks for it. Without a port: 80, 443, 1080. Without a scheme: `http`, as in `HTTPS_PROXY`.
    ///
    /// # Errors
    ///
    /// [`ProxyUrlError`] says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, ProxyUrlError> {
        let text = text.trim_ascii();
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let (kind, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (ProxyKind::Http, 80),
            "https" => (ProxyKind::Https, 443),
            "socks5" | "socks5h" => (ProxyKind::Socks5, 1080),
            _ => return Err(ProxyUrlError::Scheme),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !path.is_empty() || authority.contains(['?', '#']) {
            return Err(ProxyUrlError::Path);
        }
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(parse_user(user, kind)?), place),
            None => (None, authority),
        };
        let uri: Uri = format!("http://{place}/").parse().map_err(|_| ProxyUrlError::Syntax)?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(ProxyUrlError::Syntax)?;
        let port = match place.strip_prefix(host).ok_or(ProxyUrlError::Syntax)? {
            "" => default_port,
            port => {
                let port = uri.port_u16().filter(|&number| port == format!(":{number}"));
                port.filter(|&number| number > 0).ok_or(ProxyUrlError::Port)?
            }
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { kind, host, port, user })
    }

    /// `host:port`.
    pub(super) fn place(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = if self.user.is_some() { "…@" } else { "" };
        write!(f, "ProxyUrl({:?}, {user}{})", self.kind, self.place())
    }
}

fn parse_user(text: &str, kind: ProxyKind) -> Result<(String, Zeroizing<String>), ProxyUrlError> {
    let (name, password) = text.split_once(':').unwrap_or((text, ""));
    let decode = |text| percent_decode(text).filter(|text: &Zeroizing<String>| text.len() <= 255);
    let name = decode(name).ok_or(ProxyUrlError::User)?;
    let password = decode(password).ok_or(ProxyUrlError::User)?;
    if name.is_empty() || (kind != ProxyKind::Socks5 && name.contains(':')) {
        return Err(ProxyUrlError::User);
    }
    Ok((name.to_string(), password))
}

fn percent_decode(text: &str) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            u8::try_from(digit()? * 16 + digit()?).ok()?
        } else {
            byte
        });
    }
    std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.to_owned()))
}

/// The way to a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Proxy {
    /// There is none.
    #[default]
    None,
    /// This one.
    Url(ProxyUrl),
    /// The one that the environment names: for `wss` and `turns` that in `HTTPS_PROXY`, otherwise that in `ALL_PROXY`, unless the
    /// server is in `NO_PROXY`. Names in small letters go first.
    Environment,
}

impl Proxy {
    /// The proxy on the way to a server. An error is about a URL in the environment.
    pub(super) fn to(
        &self,
        tls: bool,
        host: &str,
        port: u16,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<ProxyUrl>, ProxyUrlError> {
        let get = |name: &str| {
            let value = variable(&name.to_ascii_lowercase()).or_else(|| variable(name));
            value.filter(|value| !value.trim_ascii().is_empty())
        };
        match self {
            Self::None => Ok(None),
            Self::Url(url) => Ok(Some(url.clone())),
            Self::Environment => {
                let https = if tls { get("HTTPS_PROXY") } else { None };
                let Some(url) = https.or_else(|| get("ALL_PROXY")) else { return Ok(None) };
                if get("NO_PROXY").is_some_and(|list| is_listed(&list, host, port)) {
                    return Ok(None);
                }
                ProxyUrl::parse(&url).map(Some)
            }
        }
    }
}

/// Whether a list like `localhost, .example.org, 192.0.2.1:443` has a host in it. A name stands for what is below it,
/// too.
fn is_listed(list: &str, host: &str, port: u16) -> bool {
    let host = host.trim_end_matches('.');
    list.split([',', ' ']).map(str::trim_ascii).filter(|item| !item.is_empty()).any(|item| {
        if item == "*" {
            return true;
        }
        let bare = |text: &str| text.trim_start_matches('[').trim_end_matches(']').to_owned();
        let (name, only) = match item.rsplit_once(':') {
            // The colons of an IPv6 address are none before a port.
            Some((name, digits)) if bare(item).parse::<IpAddr>().is_err() => {
                (name, digits.parse().ok())
            }
            _ => (item, None),
        };
        if only.is_some_and(|only: u16| only != port) {
            return false;
        }
        let name = bare(name);
        if let Ok(host) = host.parse::<IpAddr>() {
            return name.parse() == Ok(host);
        }
        let name = name.trim_start_matches("*.").trim_start_matches('.').to_ascii_lowercase();
        let host = host.to_ascii_lowercase();
        host == name || host.strip_suffix(&name).is_some_and(|rest| rest.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_proxies() {
        use ProxyKind::*;
        for (text, kind, place, user) in [
            ("http://proxy.example", Http, "proxy.example:80", None),
            ("proxy.example:3128", Http, "proxy.example:3128", None),
            (" HTTPS://a:b%40%3A@proxy.example/ ", Https, "proxy.example:443", Some(("a", "b@:"))),
            ("socks5://[::1]", Socks5, "[::1]:1080", None),
            ("socks5h://u@127.0.0.1:9050", Socks5, "127.0.0.1:9050", Some(("u", ""))),
        ] {
            let url = ProxyUrl::parse(text).unwrap();
            assert_eq!((url.kind, url.place()), (kind, place.to_owned()), "{text}");
            let got = url.user.as_ref().map(|(name, password)| (name.as_str(), password.as_str()));
            assert_eq!(got, user);
            assert!(!format!("{url:?}").contains("b@"), "{url:?}");
        }
    }

    #[test]
    fn what_is_no_url_of_a_proxy() {
        use ProxyUrlError::*;
        let long = format!("http://{}@h", "u".repeat(256));
        for (text, error) in [
            ("", Syntax),
            ("http://", Syntax),
            ("http://a b", Syntax),
            ("socks4://h", Scheme),
            ("http://h:0", Port),
            ("http://h:65536", Syntax),
            ("http://h:", Port),
            ("http://h:+1", Syntax),
            ("http://h/x", Path),
            ("http://h?x", Path),
            ("http://:p@h", User),
            ("http://a%3Ab:c@h", User),
            ("http://%4@h", User),
            ("http://%ff@h", User),
            (&long, User),
        ] {
            let got = ProxyUrl::parse(text).unwrap_err();
            assert!(got == error || (error == Syntax && got == Port), "{text}: {got:?}");
        }
    }

    #[test]
    fn the_environment_names_one() {
        let to = |vars: &[(&str, &str)], tls, host: &str, port| {
            let get = |name: &str| {
                vars.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned())
            };
            Proxy::Environment.to(tls, host, port, get).map(|url| url.map(|url| url.place()))
        };
        let both = [("HTTPS_PROXY", "a:1"), ("ALL_PROXY", "socks5://b:2")];
        assert_eq!(to(&both, true, "h", 443), Ok(Some("a:1".into())));
        assert_eq!(to(&both, false, "h", 80), Ok(Some("b:2".into())));
        assert_eq!(to(&[("HTTPS_PROXY", " ")], true, "h", 443), Ok(None));
        let small = [("HTTPS_PROXY", "a:1"), ("https_proxy", "c:3")];
        assert_eq!(to(&small, true, "h", 443), Ok(Some("c:3".into())));
        assert_eq!(to(&[("ALL_PROXY", "x://y")], true, "h", 1), Err(ProxyUrlError::Scheme));
        for (list, host, excepted) in [
            ("*", "h", true),
            ("", "h", false),
            ("localhost,.example.org", "a.example.org", true),
            ("example.org", "Example.ORG.", true),
            ("example.org", "badexample.org", false),
            ("*.example.org", "a.b.example.org", true),
            ("example.org:443", "example.org", true),
            ("example.org:80", "example.org", false),
            ("127.0.0.1 , ::1", "127.0.0.1", true),
            ("127.0.0.1 , ::1", "::1", true),
            ("[::1]:443", "::1", true),
            ("0.0.1", "127.0.0.1", false),
        ] {
            let vars = [("ALL_PROXY", "p:1"), ("no_proxy", list)];
            let expected = if excepted { None } else { Some("p:1".to_owned()) };
            assert_eq!(to(&vars, true, host, 443), Ok(expected), "{list} {host}");
        }
    }
}

//! The invitation: all that a responder has to know, in one URI.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use zeroize::Zeroizing;

use super::qr;
use super::server_url::{ServerUrl, ServerUrlError};
use crate::crypto::{AuthToken, KeyError, PublicKey};

/// What a responder needs to reach an initiator and to be recognised by it (protocol, *Exchanging
/// Signalling Information*).
///
/// As text it is a URI, which usually travels as a QR code:
///
/// ```text
/// <scheme>://<host>[:<port>]/<initiator's key>[?<server's key>][#<token>]
/// ```
///
/// The keys and the token are in hexadecimal, 64 digits each. With a token the URI is a secret: it
/// must reach the responder on a way that nobody else can read, and it is good for one responder.
/// There is no `Display`, so that an invitation is not printed by mistake; [`Self::to_uri`] writes
/// it, and `Debug` leaves the token out.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// The signalling server.
    pub server: ServerUrl,
    /// The initiator's public permanent key, which is also the signalling path.
    pub initiator_key: PublicKey,
    /// The server's public permanent key, to be sure of the server. `None`: only TLS, if it is
    /// used, authenticates the server.
    pub server_key: Option<PublicKey>,
    /// The token. `None` if the initiator trusts the responder's public key already.
    pub token: Option<AuthToken>,
}

/// Why a text is not an invitation. The text itself, which may hold a token, is never part of the
/// error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationError {
    /// Scheme, host or port are wrong, or the text is not a URI at all.
    Server(ServerUrlError),
    /// There is nothing after the host and port.
    NoInitiatorKey,
    /// The path, which follows the host and port, is not a public key.
    InitiatorKey(KeyError),
    /// What is between `?` and `#` is not a public key.
    ServerKey(KeyError),
    /// What follows `#` is not a token.
    Token(KeyError),
}

impl fmt::Display for InvitationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an invitation: ")?;
        match self {
            Self::Server(error) => error.fmt(f),
            Self::NoInitiatorKey => {
                f.write_str("the initiator's key is missing, which is the path after the host")
            }
            Self::InitiatorKey(error) => {
                write!(f, "the path after the host must be the initiator's key: {error}")
            }
            Self::ServerKey(error) => {
                write!(f, "the part after ? must be the server's key: {error}")
            }
            Self::Token(error) => {
                write!(f, "the part after # must be the authentication token: {error}")
            }
        }
    }
}

impl std::error::Error for InvitationError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Server(error) => Some(error),
            Self::NoInitiatorKey => None,
            Self::InitiatorKey(error) | Self::ServerKey(error) | Self::Token(error) => Some(error),
        }
    }
}

impl Invitation {
    /// Parses the URI of an invitation.
    ///
    /// Port, server key and token can be missing; an empty part after `?` or `#` counts as missing.
    /// Scheme, host and hexadecimal digits can be of either case. Nothing else is tolerated, not even
    /// spaces around the URI.
    pub fn parse(uri: &str) -> Result<Self, InvitationError> {
        // It was copied from somewhere.
        let uri = uri.trim_ascii();
        // Before anything else, so that the token gets into no copy but its own.
        let (uri, token) = uri.split_once('#').unwrap_or((uri, ""));
        let uri =
            Uri::from_str(uri).map_err(|_| InvitationError::Server(ServerUrlError::Syntax))?;
        let server = ServerUrl::from_uri(&uri).map_err(InvitationError::Server)?;
        let initiator_key = match uri.path() {
            "" | "/" => return Err(InvitationError::NoInitiatorKey),
            path => PublicKey::from_hex(path.strip_prefix('/').unwrap_or(path))
                .map_err(InvitationError::InitiatorKey)?,
        };
        let server_key = match uri.query().unwrap_or_default() {
            "" => None,
            key => Some(PublicKey::from_hex(key).map_err(InvitationError::ServerKey)?),
        };
        let token = match token {
            "" => None,
            token => Some(AuthToken::from_hex(token).map_err(InvitationError::Token)?),
        };
        Ok(Self { server, initiator_key, server_key, token })
    }

    /// The invitation as a URI. **With a token this is a secret**: whoever reads it can take the
    /// responder's place. Show or send it to the responder only, and do not log it.
    ///
    /// At most 460 characters of ASCII.
    // Spec: P-014 (Authentication Token)
    pub fn to_uri(&self) -> String {
        // Never grown, and the token is wiped where it comes from, so that no copy of it stays behind
        // in freed memory.
        let mut uri = String::with_capacity(512);
        uri.push_str(&self.server.websocket_url(&self.initiator_key));
        if let Some(key) = &self.server_key {
            uri.push('?');
            uri.push_str(&key.to_hex());
        }
        if let Some(token) = &self.token {
            uri.push('#');
            uri.push_str(&token.to_hex());
        }
        uri
    }

    /// The URL to open the WebSocket with, which has neither the server's key nor the token.
    pub fn websocket_url(&self) -> String {
        // Spec: P-017 (Exchanging Signalling Information)
        self.server.websocket_url(&self.initiator_key)
    }

    /// The URI as a QR code for a terminal with light text on a dark background. **With a token this
    /// is a secret**, as [`Self::to_uri`] is.
    ///
    /// The lines are separated by line feeds and made of spaces and the half blocks of Unicode, so two
    /// rows of the code fit in one line of text. With a host of up to 60 characters it needs at most 65
    /// columns and 33 lines, quiet zone included. On a light background the colours are the wrong way
    /// round, which not every scanner can read.
    pub fn qr_code(&self) -> String {
        qr::for_dark_terminal(&Zeroizing::new(self.to_uri()))
    }
}

impl FromStr for Invitation {
    type Err = InvitationError;

    fn from_str(uri: &str) -> Result<Self, Self::Err> {
        Self::parse(uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{OsRandom, RandomSource};

    const PATH: &str = "debc3a6c9a630f27eae6bc3fd962925bdeb63844c09103f609bf7082bc383610";
    const SERVER_KEY: &str = "09a59a5fa6b45cb07638a3a6e347ce563a948b756fd22f9527465f7c79c2a864";
    const TOKEN: &str = "23b7aa0000000000000000000000000000000000000000000000000000006564";

    fn full() -> String {
        format!("wss://example.com:4567/{PATH}?{SERVER_KEY}#{TOKEN}")
    }

    /// Covers P-017 P-034 P-035.
    #[test]
    fn all_parts_are_read_and_only_the_path_gets_to_the_server() {
        let invitation = Invitation::parse(&full()).unwrap();
        assert_eq!(invitation.server, ServerUrl::parse("wss://example.com:4567").unwrap());
        assert_eq!(invitation.initiator_key.to_hex(), PATH);
        assert_eq!(invitation.server_key.unwrap().to_hex(), SERVER_KEY);
        assert_eq!(*invitation.token.as_ref().unwrap().to_hex(), TOKEN);
        assert_eq!(invitation.websocket_url(), format!("wss://example.com:4567/{PATH}"));
    }

    /// The token is exported and imported by the URI, and shows nowhere else.
    ///
    /// Covers P-014 P-230.
    #[test]
    fn the_token_is_in_the_uri_and_nowhere_else() {
        let invitation = Invitation::parse(&full()).unwrap();
        assert_eq!(invitation.to_uri(), full());
        let everything_else = format!(
            "{invitation:?} {invitation:#?} {} {}",
            invitation.websocket_url(),
            invitation.server
        );
        assert!(!everything_else.contains("23b7") && !everything_else.contains("6564"));
        let token = Invitation::parse(&invitation.to_uri()).unwrap().token.unwrap();
        assert_eq!(token.as_bytes(), invitation.token.unwrap().as_bytes());
    }

    #[test]
    fn port_server_key_and_token_can_be_missing_or_empty() {
        for (uri, canonical) in [
            (format!("ws://h/{PATH}"), format!("ws://h/{PATH}")),
            (format!("ws://h:80/{PATH}?#"), format!("ws://h/{PATH}")),
            (format!("ws://h/{PATH}?"), format!("ws://h/{PATH}")),
            (format!("ws://h/{PATH}#"), format!("ws://h/{PATH}")),
            (format!("ws://h/{PATH}#{TOKEN}"), format!("ws://h/{PATH}#{TOKEN}")),
            (format!("ws://h/{PATH}?#{TOKEN}"), format!("ws://h/{PATH}#{TOKEN}")),
            (format!("ws://h/{PATH}?{SERVER_KEY}"), format!("ws://h/{PATH}?{SERVER_KEY}")),
            (full().to_uppercase(), full()),
            (format!("\n  {}\t\r\n ", full()), full()),
            (format!("ws://[fe80::1%25eth0]/{PATH}"), format!("ws://[fe80::1%25eth0]/{PATH}")),
        ] {
            assert_eq!(Invitation::parse(&uri).unwrap().to_uri(), canonical, "{uri}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_place_and_without_the_text() {
        use InvitationError::*;
        let low = "00".repeat(32);
        for (uri, error) in [
            (String::new(), Server(ServerUrlError::Syntax)),
            (format!("https://h/{PATH}#{TOKEN}"), Server(ServerUrlError::Scheme)),
            (format!("ws://u@h/{PATH}#{TOKEN}"), Server(ServerUrlError::UserInfo)),
            (format!("ws://h:0/{PATH}#{TOKEN}"), Server(ServerUrlError::Port)),
            (format!("ws://h/{PATH} #{TOKEN}"), Server(ServerUrlError::Syntax)),
            (format!("ws://h#{TOKEN}"), NoInitiatorKey),
            (format!("ws://h/#{TOKEN}"), NoInitiatorKey),
            (format!("ws://h?{SERVER_KEY}#{TOKEN}"), NoInitiatorKey),
            (format!("ws://h/{PATH}/#{TOKEN}"), InitiatorKey(KeyError::HexLength(65))),
            (format!("ws://h//{PATH}#{TOKEN}"), InitiatorKey(KeyError::HexLength(65))),
            (format!("ws://h/{}#{TOKEN}", &PATH[1..]), InitiatorKey(KeyError::HexLength(63))),
            (
                format!("ws://h/{}#{TOKEN}", PATH.replace('d', "x")),
                InitiatorKey(KeyError::HexDigit),
            ),
            (format!("ws://h/{low}#{TOKEN}"), InitiatorKey(KeyError::LowOrder)),
            (format!("ws://h/{PATH}?{low}#{TOKEN}"), ServerKey(KeyError::LowOrder)),
            (format!("ws://h/{PATH}?key={SERVER_KEY}#{TOKEN}"), ServerKey(KeyError::HexLength(68))),
            (format!("ws://h/{PATH}?{SERVER_KEY}?#{TOKEN}"), ServerKey(KeyError::HexLength(65))),
            (format!("ws://h/{PATH}#{TOKEN}#"), Token(KeyError::HexLength(65))),
            (format!("ws://h/{PATH}#{TOKEN}\nx"), Token(KeyError::HexLength(66))),
            (format!("ws://h/{PATH}#{}", TOKEN.replace('2', "ü")), Token(KeyError::HexDigit)),
        ] {
            let got = Invitation::parse(&uri).unwrap_err();
            assert_eq!(got, error, "{uri}");
            let text = format!("{got} {got:?}");
            assert!(text.len() > 40, "{text}");
            assert!(!text.contains("23b7") && !text.contains("debc"), "{text}");
        }
    }

    fn random_invitation(random: &mut dyn RandomSource) -> Invitation {
        let [pick, port_high, port_low] = random.array();
        let host = ["h", "example.com", "127.0.0.1", "[2001:db8::7]"][usize::from(pick & 3)];
        let scheme = if pick & 4 == 0 { "ws" } else { "wss" };
        let port = u16::from_be_bytes([port_high, port_low]).max(1);
        let key = |random: &mut dyn RandomSource| PublicKey::from_bytes(random.array()).unwrap();
        Invitation {
            server: ServerUrl::parse(&format!("{scheme}://{host}:{port}")).unwrap(),
            initiator_key: key(random),
            server_key: (pick & 8 == 0).then(|| key(random)),
            token: (pick & 16 == 0).then(|| AuthToken::generate(random)),
        }
    }

    #[test]
    fn random_invitations_survive_the_round_trip() {
        for _ in 0..200 {
            let invitation = random_invitation(&mut OsRandom);
            let uri = invitation.to_uri();
            let again = Invitation::parse(&uri).unwrap_or_else(|error| panic!("{uri}: {error}"));
            assert_eq!(again.server, invitation.server, "{uri}");
            assert_eq!(again.initiator_key, invitation.initiator_key, "{uri}");
            assert_eq!(again.server_key, invitation.server_key, "{uri}");
            let bytes = |token: &Option<AuthToken>| token.as_ref().map(|t| *t.as_bytes());
            assert_eq!(bytes(&again.token), bytes(&invitation.token), "{uri}");
        }
    }

    /// Whatever a damaged URI is taken for, writing and reading it again gives the same.
    #[test]
    fn damaged_uris_do_no_harm() {
        let uri = full();
        for at in 0..uri.len() {
            for damage in ["", "#", "?", "/", ":", "@", "[", "]", "%", " ", "\0", "é", "0"] {
                let damaged = format!("{}{damage}{}", &uri[..at], &uri[at + 1..]);
                if let Ok(invitation) = Invitation::parse(&damaged) {
                    let written = invitation.to_uri();
                    assert_eq!(Invitation::parse(&written).unwrap().to_uri(), written, "{damaged}");
                }
            }
        }
    }

    #[test]
    fn the_longest_uri_is_as_long_as_documented() {
        let host = format!("{}{}", "abcdefg.".repeat(31), "abcde");
        let uri = format!("wss://{host}:65535/{PATH}?{SERVER_KEY}#{TOKEN}");
        assert_eq!(host.len(), 253);
        assert_eq!(Invitation::parse(&uri).unwrap().to_uri().len(), 460);
        assert!(Invitation::parse(&uri).unwrap().qr_code().lines().count() > 40);
    }

    #[test]
    fn the_qr_code_holds_the_uri_and_has_the_documented_size() {
        // Digits would be packed tighter than letters.
        let (host, key) = ("abcde.".repeat(10), "ab".repeat(32));
        let uri = format!("wss://{host}:65535/{key}?{key}#{key}");
        let code = Invitation::parse(&uri).unwrap().qr_code();
        assert_eq!(code.lines().count(), 33);
        assert!(code.lines().all(|line| line.chars().count() == 65));
        assert_eq!(code, qr::for_dark_terminal(&uri));
    }
}

//! What a client asks for before its WebSocket is open: a signalling path and a subprotocol.

use super::PathConfig;
use crate::crypto::PublicKey;
use crate::protocol::CloseCode;

/// What the HTTP request of a client asks for.
///
/// Close codes need an open WebSocket. So a request with a wrong path, or without a subprotocol that
/// both sides speak, is accepted first, and closed then with the code that [`outcome`](Self::outcome)
/// gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRequest {
    subprotocol: Option<String>,
    key: Option<PublicKey>,
}

impl PathRequest {
    /// `target` is the path of the URL from its slash on, with the query if there is one; `offered`
    /// are the subprotocols of the client in their order.
    pub fn new<T: AsRef<str>>(target: &str, offered: &[T], config: &PathConfig) -> Self {
        let subprotocol = config.select_subprotocol(offered).map(str::to_owned);
        Self { subprotocol, key: path_key(target) }
    }

    /// The subprotocol that the answer to the request has to name. Without one, it names none.
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// The key that the path is named after, and the subprotocol.
    ///
    /// # Errors
    ///
    /// The code to close the WebSocket with: 1002 without a subprotocol, 3001 for a wrong path.
    pub fn outcome(self) -> Result<(PublicKey, String), CloseCode> {
        // Spec: P-021 (Subprotocol)
        let subprotocol = self.subprotocol.ok_or(CloseCode::WebSocketProtocolError)?;
        let key = self.key.ok_or(CloseCode::ProtocolError)?;
        Ok((key, subprotocol))
    }
}

/// The key that a path is named after: exactly a slash and 64 hexadecimal digits of any case.
fn path_key(target: &str) -> Option<PublicKey> {
    // Spec: P-035 (Connecting To a Signalling Server)
    PublicKey::from_hex(target.strip_prefix('/')?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyPair, OsRandom};
    use crate::protocol::SUBPROTOCOL;

    /// Covers P-035 P-033.
    #[test]
    fn a_path_is_a_slash_and_64_hexadecimal_digits() {
        let key = *KeyPair::generate(&mut OsRandom).public();
        let hex = key.to_hex();
        assert_eq!(path_key(&format!("/{hex}")), Some(key));
        assert_eq!(path_key(&format!("/{}", hex.to_uppercase())), Some(key), "the same path");
        for bad in [
            String::new(),
            "/".to_owned(),
            hex.clone(),
            format!("/{}", &hex[1..]),
            format!("/{hex}0"),
            format!("/{hex}/"),
            format!("//{hex}"),
            format!("/x/{hex}"),
            format!("/{}g", &hex[1..]),
            format!("/{hex}?"),
            format!("/{hex}?a=b"),
            format!("/{}", "0".repeat(64)),
        ] {
            assert_eq!(path_key(&bad), None, "{bad}");
        }
    }

    #[test]
    fn a_wrong_path_and_a_missing_subprotocol_have_their_close_codes() {
        let config = PathConfig::default();
        let key = *KeyPair::generate(&mut OsRandom).public();
        let good = format!("/{}", key.to_hex());
        let ask = |target: &str, offered: &[&str]| PathRequest::new(target, offered, &config);
        let asked = ask(&good, &["x", SUBPROTOCOL]);
        assert_eq!(asked.subprotocol(), Some(SUBPROTOCOL));
        assert_eq!(asked.outcome(), Ok((key, SUBPROTOCOL.to_owned())));
        let asked = ask("/", &[SUBPROTOCOL]);
        assert_eq!(
            asked.subprotocol(),
            Some(SUBPROTOCOL),
            "so that the client sees the close code"
        );
        assert_eq!(asked.outcome(), Err(CloseCode::ProtocolError));
        let asked = ask(&good, &["x"]);
        assert_eq!(asked.subprotocol(), None);
        assert_eq!(asked.outcome(), Err(CloseCode::WebSocketProtocolError));
    }
}

//! From a TCP connection to a WebSocket that knows which path it is for.

use http::header::{HeaderMap, HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::crypto::PublicKey;
use crate::protocol::CloseCode;
use crate::protocol::server::PathConfig;
use crate::transport::{Stream, WebSocket};

/// What the HTTP request of a client asked for.
pub(super) struct Asked {
    /// The subprotocol that was selected, and that the answer named.
    subprotocol: Option<String>,
    /// The key that the path is named after.
    key: Option<PublicKey>,
}

impl Asked {
    /// The path with the subprotocol, or the code to close with.
    pub(super) fn outcome(self) -> Result<(PublicKey, String), CloseCode> {
        let subprotocol = self.subprotocol.ok_or(CloseCode::WebSocketProtocolError)?;
        let key = self.key.ok_or(CloseCode::ProtocolError)?;
        Ok((key, subprotocol))
    }
}

/// Does the TLS and the WebSocket handshake.
///
/// Clients can only be given a close code once the WebSocket is open, so it is opened for those too
/// that ask for a wrong path or have no subprotocol in common with us.
pub(super) async fn accept(
    tcp: TcpStream,
    tls: Option<TlsAcceptor>,
    websocket: WebSocketConfig,
    config: &PathConfig,
) -> Result<(WebSocket, Asked), tungstenite::Error> {
    // Messages are written as a whole and wait for an answer.
    let _ = tcp.set_nodelay(true);
    let stream = match tls {
        None => Stream::Plain(tcp),
        Some(acceptor) => Stream::Tls(Box::new(acceptor.accept(tcp).await?.into())),
    };
    let mut asked = Asked { subprotocol: None, key: None };
    #[allow(clippy::result_large_err, reason = "the callback's type is given")]
    let callback = |request: &Request, mut response: Response| -> Result<_, ErrorResponse> {
        asked.key = path_key(request.uri());
        let offered = offered_subprotocols(request.headers());
        asked.subprotocol = config.select_subprotocol(&offered).map(str::to_owned);
        let answer = asked.subprotocol.as_deref().map(HeaderValue::from_str);
        if let Some(Ok(answer)) = answer {
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, answer);
        }
        Ok(response)
    };
    let socket = accept_hdr_async_with_config(stream, callback, Some(websocket)).await?;
    Ok((socket, asked))
}

/// The key that a path is named after: exactly a slash and 64 hexadecimal digits of any case.
fn path_key(uri: &http::Uri) -> Option<PublicKey> {
    if uri.query().is_some() {
        return None;
    }
    PublicKey::from_hex(uri.path().strip_prefix('/')?).ok()
}

/// The subprotocols that a client offers, in order, from any number of headers.
fn offered_subprotocols(headers: &HeaderMap) -> Vec<&str> {
    headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyPair, OsRandom};

    /// Covers P-035 P-033.
    #[test]
    fn a_path_is_a_slash_and_64_hexadecimal_digits() {
        let key = *KeyPair::generate(&mut OsRandom).public();
        let hex = key.to_hex();
        let parse = |path: &str| path_key(&path.parse().unwrap());
        assert_eq!(parse(&format!("/{hex}")), Some(key));
        assert_eq!(parse(&format!("/{}", hex.to_uppercase())), Some(key), "the same path");
        for bad in [
            "/".to_owned(),
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
            assert_eq!(parse(&bad), None, "{bad}");
        }
    }

    #[test]
    fn subprotocols_come_in_one_header_or_several() {
        let mut headers = HeaderMap::new();
        assert!(offered_subprotocols(&headers).is_empty());
        headers.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("a, b ,c"));
        headers.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_bytes(b"\xff").unwrap());
        headers.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("d"));
        assert_eq!(offered_subprotocols(&headers), ["a", "b", "c", "d"]);
    }
}

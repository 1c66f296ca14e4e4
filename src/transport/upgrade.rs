//! The HTTP request that makes a connection a WebSocket, and the answers to it.
//!
//! By hand, with the parser of the WebSocket library: that library takes the first answer for the last, and knows neither
//! lists nor several lines of `Connection` and `Upgrade`.

use std::io;

use http::header::{CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, UPGRADE};
use http::header::{SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL};
use http::{StatusCode, Uri};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::ClientRequestBuilder;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::handshake::client::{Response, generate_request};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::handshake::machine::TryParse as _;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::websocket::WebSocket;
use super::{Stream, lists};
use crate::protocol::SUBPROTOCOL;

/// How many bytes the answers to a request may have.
const MAX_ANSWERS: usize = 16 << 10;

/// Why there is no WebSocket.
#[derive(Debug)]
pub(super) enum UpgradeError {
    /// The connection broke.
    Io(io::Error),
    /// The answer is another one than 101.
    Status(StatusCode),
    /// That was no answer to the request. The text says why.
    NotAWebSocket(String),
    /// The other side does not choose the subprotocol.
    NoSubprotocol,
}

impl From<io::Error> for UpgradeError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Asks for a WebSocket with the subprotocol of SaltyRTC.
pub(super) async fn upgrade(
    mut stream: Stream,
    uri: Uri,
    config: WebSocketConfig,
) -> Result<WebSocket, UpgradeError> {
    let refused = |error: Error| UpgradeError::NotAWebSocket(error.to_string());
    // Spec: P-019 (Subprotocol)
    let request = ClientRequestBuilder::new(uri).with_sub_protocol(SUBPROTOCOL);
    let request = request.into_client_request().map_err(refused)?;
    // Spec: P-031 (Connecting To a Signalling Server)
    let (request, key) = generate_request(request).map_err(refused)?;
    stream.write_all(&request).await?;
    stream.flush().await?;
    let (answer, mut rest) = read_answer(&mut stream).await?;
    verify(&answer, &key)?;
    // All later read buffers get the capacity of this one.
    rest.reserve_exact(config.read_buffer_size);
    Ok(WebSocket::from_partially_read(stream, rest, Role::Client, Some(config)).await)
}

/// Reads the answer to a request, and what came after it. Those before it are only informative (RFC 9110, section
/// 15.2).
pub(super) async fn read_answer(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<(Response, Vec<u8>), UpgradeError> {
    let (mut data, mut taken) = (Vec::with_capacity(1024), 0);
    loop {
        match Response::try_parse(&data[taken..]) {
            Ok(Some((length, answer))) => {
                taken += length;
                let status = answer.status();
                if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
                    return Ok((answer, data.split_off(taken)));
                }
                continue;
            }
            Ok(None) if data.len() > MAX_ANSWERS => {
                return Err(UpgradeError::NotAWebSocket("its answer is too long".into()));
            }
            Ok(None) => {}
            Err(error) => return Err(UpgradeError::NotAWebSocket(error.to_string())),
        }
        if stream.read_buf(&mut data).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}

/// Whether an answer makes the connection a WebSocket (RFC 6455, section 4.1).
fn verify(answer: &Response, key: &str) -> Result<(), UpgradeError> {
    let other = |why: &str| Err(UpgradeError::NotAWebSocket(why.into()));
    let value = |name: HeaderName| answer.headers().get(name).map(|value| value.as_bytes());
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(UpgradeError::Status(answer.status()));
    }
    if !lists(answer.headers(), &UPGRADE, "websocket") {
        return other("its answer does not say 'Upgrade: websocket'");
    }
    if !lists(answer.headers(), &CONNECTION, "upgrade") {
        return other("its answer does not say 'Connection: Upgrade'");
    }
    if value(SEC_WEBSOCKET_ACCEPT) != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
        return other("its answer is for another request");
    }
    if answer.headers().contains_key(SEC_WEBSOCKET_EXTENSIONS) {
        return other("it uses an extension of WebSocket that nobody asked for");
    }
    if value(SEC_WEBSOCKET_PROTOCOL) != Some(SUBPROTOCOL.as_bytes()) {
        return Err(UpgradeError::NoSubprotocol);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const ACCEPT: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    async fn read(bytes: &[u8]) -> Result<(Response, Vec<u8>), UpgradeError> {
        // Byte by byte, as nothing says how they come.
        let (mut here, mut there) = tokio::io::duplex(1);
        let bytes = bytes.to_vec();
        let writing = tokio::spawn(async move {
            let _ = there.write_all(&bytes).await;
        });
        let answer = read_answer(&mut here).await;
        drop(here);
        writing.await.unwrap();
        answer
    }

    async fn answer(lines: &[&str]) -> Result<(), UpgradeError> {
        let protocol = format!("Sec-WebSocket-Protocol: {SUBPROTOCOL}");
        let lines = [lines, &[ACCEPT, &protocol]].concat().join("\r\n");
        let (answer, _) = read(format!("{lines}\r\n\r\n").as_bytes()).await?;
        verify(&answer, KEY)
    }

    #[tokio::test]
    async fn lists_and_several_lines_are_understood() {
        const OK: &str = "HTTP/1.1 101 Switching Protocols";
        for lines in [
            &[OK, "Connection: Upgrade", "Upgrade: websocket"][..],
            &[OK, "Connection: keep-alive, Upgrade", "Upgrade: WebSocket"],
            &[OK, "connection: keep-alive", "CONNECTION: upgrade,x", "upgrade: h2c, websocket"],
        ] {
            assert!(answer(lines).await.is_ok(), "{lines:?}");
        }
        for lines in [
            &[OK, "Connection: keep-alive", "Upgrade: websocket"][..],
            &[OK, "Connection: Upgrade", "Upgrade: websockets"],
            &[OK, "Connection: Upgrade"],
            &[OK, "Upgrade: websocket"],
            &[OK, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Extensions: x"],
        ] {
            let error = answer(lines).await.unwrap_err();
            assert!(matches!(error, UpgradeError::NotAWebSocket(_)), "{lines:?}: {error:?}");
        }
    }

    #[tokio::test]
    async fn answers_before_the_last_one_are_skipped() {
        let text = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n\
                    HTTP/1.1 404 Not Found\r\n\r\n";
        let (answer, _) = read(text.as_bytes()).await.unwrap();
        assert_eq!(answer.status(), 404);
        assert!(matches!(verify(&answer, KEY), Err(UpgradeError::Status(StatusCode::NOT_FOUND))));
    }

    #[tokio::test]
    async fn what_comes_behind_the_answer_is_kept() {
        let mut bytes = &b"HTTP/1.1 101 x\r\n\r\n\x82\x01a"[..];
        let (_, rest) = read_answer(&mut bytes).await.unwrap();
        assert_eq!(rest, b"\x82\x01a");
    }

    #[tokio::test]
    async fn an_answer_has_an_end() {
        let endless = "HTTP/1.1 103 x\r\n\r\n".repeat(MAX_ANSWERS / 10);
        for (text, word) in [("SSH-2.0-x\r\n\r\n", "HTTP"), (&endless, ""), (&"a".repeat(40), "")] {
            let error = read(text.as_bytes()).await.unwrap_err();
            let is_io = matches!(error, UpgradeError::Io(_));
            let UpgradeError::NotAWebSocket(why) = error else {
                assert!(is_io);
                continue;
            };
            assert!(why.contains(word), "{why}");
        }
        let long = format!("HTTP/1.1 200 x\r\nA: {}", "a".repeat(2 * MAX_ANSWERS));
        let error = read(long.as_bytes()).await.unwrap_err();
        assert!(matches!(error, UpgradeError::NotAWebSocket(why) if why.contains("too long")));
    }
}

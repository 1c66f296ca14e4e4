//! The HTTP request in front of a WebSocket, and answers to those that are for something else.

use std::io;

use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::handshake::machine::TryParse as _;
use tokio_tungstenite::tungstenite::handshake::server::{
    Request, Response, create_response, write_response,
};

use crate::transport::{Stream, lists};

/// How many bytes a request may have. Those of browsers have less than 2 KiB.
const MAX_REQUEST: usize = 16 << 10;

/// A request for a WebSocket.
pub(super) struct Upgrade {
    pub(super) request: Request,
    /// The answer that accepts it.
    pub(super) response: Response,
    /// What came after the request.
    pub(super) rest: Vec<u8>,
}

/// An answer in place of a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HttpAnswer {
    status: StatusCode,
    /// 'HEAD' is answered without a body.
    head: bool,
}

impl HttpAnswer {
    /// Another connection is refused because of a limit of the client's address.
    pub(super) const TOO_MANY: Self = Self { status: StatusCode::TOO_MANY_REQUESTS, head: false };

    const fn body(self) -> &'static str {
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => "Too many connections from your address.\n",
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "The request is too large.\n",
            _ => "This is a SaltyRTC signalling server. It speaks WebSocket only.\n",
        }
    }

    fn to_bytes(self) -> Vec<u8> {
        let body = self.body();
        format!(
            "HTTP/1.1 {}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
             Sec-WebSocket-Version: 13\r\nConnection: close\r\n\r\n{}",
            self.status,
            body.len(),
            if self.head { "" } else { body }
        )
        .into_bytes()
    }

    /// Sends the answer.
    pub(super) async fn send(self, stream: &mut Stream) -> io::Result<()> {
        stream.write_all(&self.to_bytes()).await?;
        stream.flush().await
    }
}

/// Reads a request. Gives the answer to it if it does not ask for a WebSocket. An error means that the
/// connection ended before there was a request.
pub(super) async fn read_request(stream: &mut Stream) -> io::Result<Result<Upgrade, HttpAnswer>> {
    let mut data = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut data).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // From the beginning each time: a request is short, and as a rule it comes as a whole.
        if let Some(outcome) = parse(&data) {
            return Ok(outcome);
        }
    }
}

/// The request at the beginning of `data`, or what to answer. `None` as long as more is needed.
fn parse(data: &[u8]) -> Option<Result<Upgrade, HttpAnswer>> {
    let answer = |status| Some(Err(HttpAnswer { status, head: data.starts_with(b"HEAD ") }));
    match Request::try_parse(data) {
        Ok(None) if data.len() > MAX_REQUEST => answer(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
        Ok(None) => None,
        Ok(Some((length, mut request))) => {
            join_lines(request.headers_mut());
            match create_response(&request) {
                Ok(response) => {
                    Some(Ok(Upgrade { request, response, rest: data[length..].to_vec() }))
                }
                Err(_) => answer(StatusCode::BAD_REQUEST),
            }
        }
        Err(_) => answer(StatusCode::BAD_REQUEST),
    }
}

/// Both headers of an upgrade are lists, in one line or in several. The WebSocket library looks at the first line only, and wants `Upgrade` to be no list.
fn join_lines(headers: &mut HeaderMap) {
    for (name, wanted) in [(CONNECTION, "upgrade"), (UPGRADE, "websocket")] {
        if lists(headers, &name, wanted) {
            headers.insert(name, HeaderValue::from_static(wanted));
        }
    }
}

/// Accepts the request.
pub(super) async fn accept(stream: &mut Stream, response: &Response) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(256);
    write_response(&mut bytes, response).map_err(io::Error::other)?;
    stream.write_all(&bytes).await?;
    stream.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = "GET /path HTTP/1.1\r\nHost: example.org\r\nConnection: Upgrade\r\n\
                           Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                           Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    fn status(data: &[u8]) -> Option<u16> {
        Some(parse(data)?.err()?.status.as_u16())
    }

    #[test]
    fn a_request_for_a_websocket_is_taken_apart() {
        for end in 0..REQUEST.len() {
            assert!(parse(&REQUEST.as_bytes()[..end]).is_none(), "{end}");
        }
        let with_more = [REQUEST.as_bytes(), b"more"].concat();
        let Some(Ok(upgrade)) = parse(&with_more) else { panic!("refused") };
        assert_eq!(upgrade.request.uri().path(), "/path");
        assert_eq!(upgrade.rest, b"more");
        // The example of RFC 6455, section 1.3.
        let accept = upgrade.response.headers().get("Sec-WebSocket-Accept").unwrap();
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    /// As proxies and browsers of all kinds write them.
    #[test]
    fn connection_and_upgrade_are_lists_in_any_number_of_lines() {
        let (connection, upgrade) = ("Connection: Upgrade\r\n", "Upgrade: websocket\r\n");
        for (before, after) in [
            (connection, "Connection: keep-alive\r\nConnection: Upgrade\r\n"),
            (connection, "connection: UPGRADE\r\nConnection: close\r\n"),
            (connection, "Connection: keep-alive,\tupgrade , x\r\n"),
            (connection, "Connection: \r\nConnection: ,Upgrade\r\n"),
            (connection, "Connection: \u{fc}\r\nConnection: Upgrade\r\n"),
            (upgrade, "Upgrade: h2c, WebSocket\r\n"),
            (upgrade, "Upgrade: h2c\r\nUPGRADE: websocket\r\n"),
            (upgrade, "Upgrade: WEBSOCKET,h2c\r\nUpgrade: TLS/1.3\r\n"),
        ] {
            let request = REQUEST.replace(before, after);
            assert!(matches!(parse(request.as_bytes()), Some(Ok(_))), "{request}");
        }
        for (before, after) in [
            (connection, ""),
            (connection, "Connection: keep-alive\r\nConnection: close\r\n"),
            (connection, "Connection: upgraded\r\n"),
            (upgrade, ""),
            (upgrade, "Upgrade: h2c\r\nUpgrade: TLS/1.3\r\n"),
            (upgrade, "Upgrade: websocket2\r\n"),
        ] {
            assert_eq!(status(REQUEST.replace(before, after).as_bytes()), Some(400), "{after}");
        }
    }

    #[test]
    fn other_requests_have_an_answer() {
        for (request, expected) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET / HTTP/1.0\r\n\r\n", 400),
            ("\u{16}\u{3}\u{1}", 400),
            (&REQUEST.replace("13", "8"), 400),
            (&REQUEST.replace("websocket", "h2c"), 400),
            (&REQUEST.replace("dGhl", "x"), 400),
            (&format!("GET /{} ", "a".repeat(MAX_REQUEST)), 431),
        ] {
            assert_eq!(status(request.as_bytes()), Some(expected), "{request}");
        }
        let answer = HttpAnswer { status: StatusCode::BAD_REQUEST, head: false };
        let text = String::from_utf8(answer.to_bytes()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
        assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{head}");
        let Some(Err(to_head)) = parse(b"HEAD / HTTP/1.1\r\n\r\n") else { panic!("accepted") };
        let bytes = to_head.to_bytes();
        assert!(bytes.ends_with(b"\r\n\r\n") && bytes.starts_with(head.as_bytes()));
    }
}

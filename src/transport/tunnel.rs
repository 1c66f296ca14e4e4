//! Asks a proxy to connect to a server.

use std::io;
use std::net::IpAddr;

use data_encoding::BASE64;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use zeroize::Zeroizing;

use super::proxy::{ProxyKind, ProxyUrl};

/// How many bytes the answer of a proxy may have.
const MAX_ANSWER: usize = 16 << 10;

/// Why a proxy did not connect.
#[derive(Debug)]
pub(super) enum TunnelError {
    /// The connection to it broke.
    Io(io::Error),
    /// It refuses. The text says why.
    Refused(String),
    /// It could not reach the server. The text says why.
    Unreachable(String),
}

impl From<io::Error> for TunnelError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Has the proxy at the other end of `stream` connect to a server. `host` is without brackets.
pub(super) async fn tunnel(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    proxy: &ProxyUrl,
    host: &str,
    port: u16,
) -> Result<(), TunnelError> {
    match proxy.kind {
        ProxyKind::Http | ProxyKind::Https => connect(stream, proxy, host, port).await,
        ProxyKind::Socks5 => socks5(stream, proxy, host, port).await,
    }
}

/// HTTP CONNECT (RFC 9110, section 9.3.6), with Basic authentication (RFC 7617).
async fn connect(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    proxy: &ProxyUrl,
    host: &str,
    port: u16,
) -> Result<(), TunnelError> {
    let place =
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let mut request = Zeroizing::new(format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n"));
    // Long enough not to be grown, so that no copy of the password stays behind.
    request.reserve(1024);
    if let Some((name, password)) = &proxy.user {
        let user = Zeroizing::new(format!("{name}:{}", password.as_str()));
        request.push_str("Proxy-Authorization: Basic ");
        BASE64.encode_append(user.as_bytes(), &mut request);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    // Byte by byte, as what comes behind the answer is of the server.
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() == MAX_ANSWER {
            return Err(TunnelError::Refused("its answer is too long".into()));
        }
        answer.push(stream.read_u8().await?);
    }
    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    let is_http = words.next().is_some_and(|version| version.starts_with("HTTP/1."));
    match words.next().and_then(|status| status.parse::<u16>().ok()).filter(|_| is_http) {
        Some(200..=299) => Ok(()),
        Some(status @ (500 | 502..=504)) => {
            Err(TunnelError::Unreachable(format!("HTTP status {status}")))
        }
        Some(status @ 407) => Err(TunnelError::Refused(format!(
            "HTTP status {status}: it wants to have a user name and a password, or others"
        ))),
        Some(status) => Err(TunnelError::Refused(format!("HTTP status {status}"))),
        None => Err(TunnelError::Refused("it does not speak HTTP".into())),
    }
}

/// SOCKS version 5 (RFC 1928), with user name and password (RFC 1929).
async fn socks5(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    proxy: &ProxyUrl,
    host: &str,
    port: u16,
) -> Result<(), TunnelError> {
    const NONE: u8 = 0;
    const PASSWORD: u8 = 2;
    let other = || TunnelError::Refused("it does not speak SOCKS version 5".into());
    let hello = if proxy.user.is_some() { &[5, 2, NONE, PASSWORD][..] } else { &[5, 1, NONE] };
    stream.write_all(hello).await?;
    stream.flush().await?;
    let mut choice = [0; 2];
    stream.read_exact(&mut choice).await?;
    match (choice, &proxy.user) {
        ([5, NONE], _) => {}
        ([5, PASSWORD], Some((name, password))) => {
            // Both have 255 bytes at most.
            let mut message = Zeroizing::new(Vec::with_capacity(513));
            message.extend_from_slice(&[1, name.len() as u8]);
            message.extend_from_slice(name.as_bytes());
            message.push(password.len() as u8);
            message.extend_from_slice(password.as_bytes());
            stream.write_all(&message).await?;
            stream.flush().await?;
            let mut answer = [0; 2];
            stream.read_exact(&mut answer).await?;
            if answer[1] != 0 {
                let text = format!("status {}: user name or password are wrong", answer[1]);
                return Err(TunnelError::Refused(text));
            }
        }
        ([5, 0xff], _) => {
            let text = "status 255: it wants to have a user name and a password";
            return Err(TunnelError::Refused(text.into()));
        }
        _ => return Err(other()),
    }
    let mut request = vec![5, 1, 0];
    match host.parse() {
        Ok(IpAddr::V4(address)) => {
            request.push(1);
            request.extend_from_slice(&address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            request.push(4);
            request.extend_from_slice(&address.octets());
        }
        Err(_) => {
            let len = u8::try_from(host.len());
            let len = len.map_err(|_| TunnelError::Refused("the name is too long".into()))?;
            request.extend_from_slice(&[3, len]);
            request.extend_from_slice(host.as_bytes());
        }
    }
    request.extend_from_slice(&port.to_be_bytes());
    stream.write_all(&request).await?;
    stream.flush().await?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await?;
    let [5, status, _, kind] = answer else { return Err(other()) };
    let reason = match status {
        0 => "",
        1 => "it failed",
        2 => "its rules do not allow it",
        3 => "it cannot reach the network",
        4 => "it cannot reach the host",
        5 => "the server refused the connection",
        6 => "it took too long",
        7 => "it does not connect to others",
        8 => "it does not know this kind of address",
        _ => "no known reason",
    };
    match status {
        0 => {}
        1 | 3..=6 => {
            return Err(TunnelError::Unreachable(format!("SOCKS status {status}: {reason}")));
        }
        _ => return Err(TunnelError::Refused(format!("SOCKS status {status}: {reason}"))),
    }
    // The address that it connects from, and its port.
    let len = match kind {
        1 => 4,
        4 => 16,
        3 => usize::from(stream.read_u8().await?),
        _ => return Err(other()),
    };
    let mut rest = vec![0; len + 2];
    stream.read_exact(&mut rest).await?;
    Ok(())
}

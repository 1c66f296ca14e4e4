//! From a host name to an open WebSocket with the right subprotocol.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{sleep, timeout};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsConnector, TlsStream, rustls};

use super::WebSocket;
use super::proxy::{Proxy, ProxyKind, ProxyUrl};
use super::stream::{Socket, Stream};
use super::tcp::prepare;
use super::tunnel::{TunnelError, tunnel};
use super::upgrade::{UpgradeError, upgrade};
use super::websocket::websocket_config;
use crate::protocol::ConnectError;

/// How long one address of a host is tried alone before the next one is tried too.
const HEAD_START: Duration = Duration::from_millis(250);

/// After this long without traffic, TCP probes whether the server is still there: an idle client would
/// not notice otherwise that its network is gone.
const KEEPALIVE: Duration = Duration::from_secs(120);

/// Where to connect to.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Name or IP address; IPv6 with or without brackets.
    pub(crate) host: String,
    /// TCP port.
    pub(crate) port: u16,
    /// TLS settings; `None` for a WebSocket without TLS.
    pub(crate) tls: Option<Arc<rustls::ClientConfig>>,
    /// The signalling path, without the slash.
    pub(crate) path: String,
    /// The proxy on the way.
    pub(crate) proxy: Option<FoundProxy>,
}

/// A proxy, and the TLS settings for it if it wants TLS.
pub(super) type FoundProxy = (ProxyUrl, Option<Arc<rustls::ClientConfig>>);

impl Target {
    /// Finds the proxy on the way. `settings` makes those for one that wants TLS.
    pub(crate) fn find_proxy(
        &mut self,
        proxy: &Proxy,
        settings: impl FnOnce() -> Result<Arc<rustls::ClientConfig>, ConnectError>,
    ) -> Result<(), ConnectError> {
        self.proxy = find_proxy(proxy, self.tls.is_some(), &self.host, self.port, settings)?;
        Ok(())
    }
}

/// Finds the proxy on the way to a server, which has TLS or not. `settings` makes those for a proxy that wants TLS.
pub(super) fn find_proxy(
    proxy: &Proxy,
    tls: bool,
    host: &str,
    port: u16,
    settings: impl FnOnce() -> Result<Arc<rustls::ClientConfig>, ConnectError>,
) -> Result<Option<FoundProxy>, ConnectError> {
    let variable = |name: &str| std::env::var(name).ok();
    let found = proxy.to(tls, host, port, variable);
    let found = found.map_err(|error| ConnectError::InvalidProxy { why: error.to_string() })?;
    Ok(match found {
        None => None,
        Some(url) if url.kind == ProxyKind::Https => Some((url, Some(settings()?))),
        Some(url) => Some((url, None)),
    })
}

/// Opens a WebSocket to a SaltyRTC server.
///
/// Exactly one subprotocol is offered, and the server has to choose it. Incoming messages may have up
/// to `max_message_size` bytes. `limit` is for everything together, name resolution included.
pub(crate) async fn connect(
    target: &Target,
    max_message_size: usize,
    limit: Duration,
) -> Result<WebSocket, ConnectError> {
    let bare = target.host.trim_start_matches('[').trim_end_matches(']');
    // A zone is for this host alone: no part of the request, and of no certificate.
    let (named, _) = bare.split_once('%').unwrap_or((bare, ""));
    let host = if named.contains(':') { format!("[{named}]") } else { named.to_owned() };
    let server = format!("{host}:{}", target.port);
    let opening = async {
        let socket = match &target.proxy {
            None => Socket::tcp(connect_tcp(bare, target.port, &server).await?),
            Some((proxy, tls)) => {
                connect_proxy(proxy, tls.as_ref(), bare, target.port, &server).await?
            }
        };
        let stream = match &target.tls {
            None => Stream::plain(socket),
            // Spec: P-018 (Security Recommendation)
            Some(config) => Stream::tls(connect_tls(socket, config, named, &server).await?),
        };
        let scheme = if target.tls.is_some() { "wss" } else { "ws" };
        // Spec: P-033 (Connecting To a Signalling Server)
        let uri = format!("{scheme}://{server}/{}", target.path)
            .parse()
            .map_err(|_| ConnectError::InvalidHost { host: target.host.clone() })?;
        upgrade(stream, uri, websocket_config(max_message_size))
            .await
            .map_err(|error| upgrade_error(error, &server))
    };
    timeout(limit, opening)
        .await
        .unwrap_or_else(|_| Err(ConnectError::TimedOut { server: server.clone(), after: limit }))
}

/// Connects to whichever address of the host answers first. The next address is tried when one fails
/// or has had its head start, and IPv6 and IPv4 take turns, so that what does not work costs little
/// time.
async fn connect_tcp(host: &str, port: u16, server: &str) -> Result<TcpStream, ConnectError> {
    let unknown = |why: String| ConnectError::UnknownHost { host: host.to_owned(), why };
    if host.is_empty() {
        return Err(ConnectError::InvalidHost { host: host.to_owned() });
    }
    let addresses = lookup_host((host, port)).await.map_err(|error| unknown(error.to_string()))?;
    let mut untried = interleave(addresses.collect()).into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut failure = unknown("it has no address".to_owned());
    loop {
        match untried.next() {
            Some(address) => attempts.push(TcpStream::connect(address)),
            None if attempts.is_empty() => return Err(failure),
            None => {}
        }
        tokio::select! {
            Some(attempt) = attempts.next() => match attempt {
                Ok(stream) => {
                    prepare(&stream, Some(KEEPALIVE), None);
                    return Ok(stream);
                }
                Err(error) => failure = tcp_error(&error, server),
            },
            () = sleep(HEAD_START), if untried.len() > 0 => {}
        }
    }
}

/// IPv6 and IPv4 in turns, beginning with whatever the resolver put first.
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut turns = Vec::new();
    loop {
        let pair = [first.next(), second.next()];
        if pair == [None, None] {
            return turns;
        }
        turns.extend(pair.into_iter().flatten());
    }
}

pub(super) fn tcp_error(error: &io::Error, server: &str) -> ConnectError {
    let server = server.to_owned();
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ConnectError::Refused { server },
        _ => ConnectError::Unreachable { server, why: error.to_string() },
    }
}

/// Connects to the proxy, and has it connect to the server.
pub(super) async fn connect_proxy(
    proxy: &ProxyUrl,
    tls: Option<&Arc<rustls::ClientConfig>>,
    host: &str,
    port: u16,
    server: &str,
) -> Result<Socket, ConnectError> {
    let place = proxy.place();
    let name = format!("the proxy {place}");
    let mut socket = Socket::tcp(connect_tcp(&proxy.host, proxy.port, &name).await?);
    if let Some(config) = tls {
        socket = Socket::proxied(connect_tls(socket, config, &proxy.host, &name).await?);
    }
    match tunnel(&mut socket, proxy, host, port).await {
        Ok(()) => Ok(socket),
        Err(TunnelError::Refused(why)) => Err(ConnectError::ProxyRefused { proxy: place, why }),
        Err(TunnelError::Unreachable(why)) => {
            let why = format!("says {name}, {why}");
            Err(ConnectError::Unreachable { server: server.to_owned(), why })
        }
        // With TLS 1.3, a proxy can refuse its client's half of the handshake only here.
        Err(TunnelError::Io(error)) => Err(tls_error(&error, &name)),
    }
}

pub(super) async fn connect_tls(
    socket: Socket,
    config: &Arc<rustls::ClientConfig>,
    host: &str,
    server: &str,
) -> Result<TlsStream<Socket>, ConnectError> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| ConnectError::InvalidHost { host: host.to_owned() })?;
    let stream = TlsConnector::from(config.clone())
        .connect(name, socket)
        .await
        .map_err(|error| tls_error(&error, server))?;
    Ok(stream.into())
}

fn tls_error(error: &io::Error, server: &str) -> ConnectError {
    let server = server.to_owned();
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(why)) => {
            ConnectError::Certificate { server, why: why.to_string() }
        }
        Some(other) => ConnectError::Tls { server, why: other.to_string() },
        None => ConnectError::Interrupted { server, why: error.to_string() },
    }
}

fn upgrade_error(error: UpgradeError, server: &str) -> ConnectError {
    let name = server.to_owned();
    match error {
        UpgradeError::Status(status) => {
            ConnectError::Status { server: name, status: status.as_u16() }
        }
        UpgradeError::NoSubprotocol => ConnectError::NoSubprotocol { server: name },
        UpgradeError::NotAWebSocket(why) => ConnectError::NotAWebSocket { server: name, why },
        // With TLS 1.3, a server can refuse its client's half of the handshake only here.
        UpgradeError::Io(error) => tls_error(&error, server),
    }
}

#[cfg(all(test, feature = "server"))]
mod tests;

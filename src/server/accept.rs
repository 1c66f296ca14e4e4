//! From a connection to a WebSocket that knows which path it is for.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{HeaderMap, HeaderValue, SEC_WEBSOCKET_PROTOCOL};

use super::address_limits::{AddressLimiter, Permit, group};
use super::http::{HttpAnswer, Upgrade, accept, read_request};
use super::listen::Accepted;
use super::metrics::{HandshakeOutcome, Metrics};
use super::network::{ProxyHeader, TrustedProxies};
use super::proxy::{Proxied, read_header};
use super::settings::Settings;
use crate::protocol::server::PathRequest;
use crate::transport::{Socket, Stream, WebSocket, accepted, prepare};

/// How much later than the server itself the operating system gives up on a client that takes nothing.
const STALL_SLACK: Duration = Duration::from_secs(5);

/// What counts as the address of whom nothing is known: one, for all who come over Unix sockets and have no proxy that says
/// more.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// An open WebSocket.
pub(super) struct Opened {
    pub(super) socket: WebSocket,
    pub(super) asked: PathRequest,
    /// Where the client comes from, as addresses are counted.
    pub(super) address: IpAddr,
    /// Kept for as long as the connection lasts.
    pub(super) permit: Option<Permit>,
}

/// Why there is no WebSocket.
pub(super) enum OpenError {
    /// A limit of the address was reached.
    Limit(Option<(Stream, HttpAnswer)>),
    /// A trusted proxy sent no valid PROXY header.
    ProxyHeader,
    Tls(io::Error),
    /// The request was for something else.
    NotWebSocket(Stream, HttpAnswer),
    /// The connection ended.
    Gone(io::Error),
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::Gone(error)
    }
}

/// Finds out who the client is, and does the TLS and the WebSocket handshake.
///
/// Clients can only be given a close code once the WebSocket is open, so it is also opened for those
/// that ask for a wrong path or have no subprotocol in common with us.
pub(super) async fn open(
    connection: Accepted,
    settings: &Settings,
    proxy: Option<&TrustedProxies>,
    limiter: &Arc<AddressLimiter>,
    metrics: &Metrics,
) -> Result<Opened, OpenError> {
    // Counted here, before anybody can see that the connection is gone.
    let admit = |address| {
        let admitted = limiter.admit(Instant::now(), address, &settings.limits);
        admitted.inspect_err(|limit| metrics.limit(*limit))
    };
    let no_header = || {
        metrics.proxy_header_failures.up();
        metrics.handshake(HandshakeOutcome::ProxyHeader);
        OpenError::ProxyHeader
    };
    let (peer, proxy) = match &connection {
        Accepted::Tcp(_, peer) => (*peer, proxy.filter(|proxy| proxy.trusts(*peer))),
        // Who can connect was decided by the permissions of the file.
        #[cfg(unix)]
        Accepted::Unix(_) => (UNKNOWN, proxy),
    };
    let header = proxy.map(|proxy| proxy.header);
    let mut permit = None;
    let mut client = peer;
    if header.is_none() {
        permit = admit(peer).map_err(|_| OpenError::Limit(None))?;
    }
    // The stall time is kept by the server itself, as far as it can see. What waits in the operating system for a
    // client that is gone it cannot see.
    let unanswered = settings.limits.stall_timeout.map(|stall| stall.saturating_add(STALL_SLACK));
    let mut socket = match connection {
        Accepted::Tcp(tcp, _) => {
            prepare(&tcp, settings.limits.tcp_keepalive, unanswered);
            Socket::tcp(tcp)
        }
        #[cfg(unix)]
        Accepted::Unix(unix) => Socket::unix(unix),
    };
    if header == Some(ProxyHeader::ProxyProtocol) {
        let proxied = read_header(&mut socket).await.map_err(|_| no_header())?;
        let address = match proxied.map_err(|_| no_header())? {
            Proxied::Client(address) => address,
            Proxied::Itself => peer,
        };
        client = address;
        permit = admit(client).map_err(|_| OpenError::Limit(None))?;
    }
    let mut stream = match &settings.tls {
        None => Stream::plain(socket),
        Some(acceptor) => {
            let tls = acceptor.accept(socket).await.map_err(OpenError::Tls)?;
            Stream::tls(tls.into())
        }
    };
    let Upgrade { request, mut response, rest } = match read_request(&mut stream).await? {
        Ok(upgrade) => upgrade,
        Err(answer) => return Err(OpenError::NotWebSocket(stream, answer)),
    };
    if let Some(proxy) = proxy
        && header == Some(ProxyHeader::XForwardedFor)
    {
        client = proxy.forwarded_for(peer, request.headers());
        permit = match admit(client) {
            Ok(permit) => permit,
            Err(_) => return Err(OpenError::Limit(Some((stream, HttpAnswer::TOO_MANY)))),
        };
    }
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    let offered = offered_subprotocols(request.headers());
    let asked = PathRequest::new(target, &offered, &settings.path);
    let answer = asked.subprotocol().map(HeaderValue::from_str);
    if let Some(Ok(answer)) = answer {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, answer);
    }
    accept(&mut stream, &response).await?;
    // Spec: P-030 (Connecting To a Signalling Server)
    let socket = accepted(stream, rest, settings.websocket).await;
    Ok(Opened { socket, asked, address: group(client), permit })
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

//! Connections to TURN servers over TCP and TLS.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::rustls::ClientConfig;

use super::connect::{FoundProxy, connect_proxy, connect_tls, find_proxy, tcp_error};
use super::proxy::Proxy;
use super::stream::{Socket, Stream};
use super::tls::{Roots, client_config};
use crate::protocol::ConnectError;

/// Where to connect to, and how.
pub(crate) struct TurnTarget {
    /// For a direct connection.
    pub(crate) address: SocketAddr,
    /// What a proxy is asked for, and what the certificate has to be valid for: a name, or an IP address without
    /// brackets.
    pub(crate) host: String,
    /// Whether the server speaks TLS.
    pub(crate) tls: bool,
    /// Whose certificates it may have.
    pub(crate) roots: Roots,
    /// The proxy on the way.
    pub(crate) proxy: Proxy,
}

/// Whether there is a proxy on the way to a TURN server. So it seems also if it is not clear which one.
pub(crate) fn has_proxy(proxy: &Proxy, tls: bool, host: &str, port: u16) -> bool {
    let variable = |name: &str| std::env::var(name).ok();
    !matches!(proxy.to(tls, host, port, variable), Ok(None))
}

/// Connects to a TURN server. Returns our own address, too.
pub(crate) async fn connect_turn(target: TurnTarget) -> Result<(Stream, SocketAddr), ConnectError> {
    let TurnTarget { address, host, tls, roots, proxy } = target;
    let port = address.port();
    let (reads_files, name) = (tls || !matches!(proxy, Proxy::None), host.clone());
    let prepare = move || prepare(tls, &name, port, &roots, &proxy);
    let (tls, proxy) = if reads_files {
        let interrupted = |why: String| ConnectError::NoRoots { why };
        let prepared = tokio::task::spawn_blocking(prepare).await;
        prepared.map_err(|error| interrupted(error.to_string()))??
    } else {
        prepare()?
    };
    let server = match &proxy {
        Some(_) => format!("{host}:{port}"),
        None => address.to_string(),
    };
    let socket = match proxy {
        Some((proxy, tls)) => connect_proxy(&proxy, tls.as_ref(), &host, port, &server).await?,
        None => {
            let tcp = TcpStream::connect(address).await;
            let tcp = tcp.map_err(|error| tcp_error(&error, &server))?;
            let _ = tcp.set_nodelay(true);
            Socket::tcp(tcp)
        }
    };
    let stream = match tls {
        None => Stream::plain(socket),
        Some(config) => Stream::tls(connect_tls(socket, &config, &host, &server).await?),
    };
    let unreachable = |why: String| ConnectError::Unreachable { server: server.clone(), why };
    let local = stream.local_addr().map_err(|error| unreachable(error.to_string()))?;
    Ok((stream, local))
}

/// The settings for TLS to the server, and the proxy. Reads files.
fn prepare(
    tls: bool,
    host: &str,
    port: u16,
    roots: &Roots,
    proxy: &Proxy,
) -> Result<(Option<Arc<ClientConfig>>, Option<FoundProxy>), ConnectError> {
    let settings = || {
        let config = client_config(roots);
        config.map_err(|error| ConnectError::NoRoots { why: error.to_string() })
    };
    let found = find_proxy(proxy, tls, host, port, settings)?;
    let tls = if tls {
        // The settings are made for web servers and offer HTTP (ALPN), which is not spoken here.
        let mut config = Arc::unwrap_or_clone(settings()?);
        config.alpn_protocols.clear();
        Some(Arc::new(config))
    } else {
        None
    };
    Ok((tls, found))
}

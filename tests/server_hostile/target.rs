//! What is attacked: a server in this process, or the program.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use saltyrtc::crypto::KeyPair;
use saltyrtc::server::Server;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_tungstenite::tungstenite::error::Error;

use crate::scripted_client::SUBPROTOCOL;
use crate::socket_peer::{Io, NEVER, Peer, Socket, keys, metric_in, path_of, upgrade};

/// How often the program is asked for something that there is no event for. Asking costs it time, too.
const PACE: Duration = Duration::from_millis(20);

#[derive(Clone)]
enum Metrics {
    Server(Arc<Server>),
    /// The admin listener of the program.
    Admin(SocketAddr),
}

/// See the module. Counts what attacking costs.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    metrics: Metrics,
    source: IpAddr,
    cost: Arc<Cost>,
}

/// What an attack needed.
#[derive(Default)]
pub(crate) struct Cost {
    pub(crate) connections: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

impl From<&Arc<Server>> for Target {
    fn from(server: &Arc<Server>) -> Self {
        let metrics = Metrics::Server(server.clone());
        Self::new(server.local_addr().unwrap(), None, metrics)
    }
}

impl Target {
    fn new(address: SocketAddr, tls: Option<Arc<ClientConfig>>, metrics: Metrics) -> Self {
        let source = Ipv4Addr::UNSPECIFIED.into();
        Self { address, tls, metrics, source, cost: Arc::default() }
    }

    /// The program.
    pub(crate) fn program(
        address: SocketAddr,
        admin: SocketAddr,
        tls: Option<Arc<ClientConfig>>,
    ) -> Self {
        Self::new(address, tls, Metrics::Admin(admin))
    }

    /// The same, for somebody who has another address and whose cost is counted apart.
    pub(crate) fn seen_from(&self, source: Ipv4Addr) -> Self {
        Self { source: source.into(), cost: Arc::default(), ..self.clone() }
    }

    pub(crate) fn cost(&self) -> &Cost {
        &self.cost
    }

    /// A TCP connection.
    pub(crate) async fn tcp(&self) -> io::Result<Counted> {
        self.tcp_to(self.address, None).await
    }

    async fn tcp_to(&self, address: SocketAddr, receive: Option<u32>) -> io::Result<Counted> {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = receive {
            socket.set_recv_buffer_size(bytes)?;
        }
        socket.bind((self.source, 0).into())?;
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        // Who comes and goes a thousand times a second has no ports left if the system keeps them for a minute.
        stream.set_zero_linger()?;
        self.cost.connections.fetch_add(1, Ordering::Relaxed);
        Ok(Counted { stream, cost: self.cost.clone() })
    }

    /// A TCP connection to the admin listener.
    pub(crate) async fn tcp_to_admin(&self) -> io::Result<Counted> {
        let Metrics::Admin(address) = self.metrics else { panic!("the program has one") };
        self.tcp_to(address, None).await
    }

    /// A connection that a WebSocket can begin on, with TLS if the target has it.
    pub(crate) async fn stream(&self) -> io::Result<Box<dyn Io>> {
        self.secure(self.tcp().await?).await
    }

    /// The same, by somebody who takes as little as the operating system lets them.
    pub(crate) async fn narrow_stream(&self) -> io::Result<Box<dyn Io>> {
        self.secure(self.tcp_to(self.address, Some(4096)).await?).await
    }

    async fn secure(&self, tcp: Counted) -> io::Result<Box<dyn Io>> {
        let Some(tls) = &self.tls else { return Ok(Box::new(tcp)) };
        let name = ServerName::try_from("localhost").unwrap();
        Ok(Box::new(tokio_rustls::TlsConnector::from(tls.clone()).connect(name, tcp).await?))
    }

    /// A WebSocket on a path.
    pub(crate) async fn open(&self, path: &KeyPair) -> Result<Socket, Error> {
        upgrade(self.stream().await?, &path_of(path), &[SUBPROTOCOL], &[]).await
    }

    /// Connects to a path and takes in 'server-hello'.
    pub(crate) async fn connect(&self, path: &KeyPair, own: KeyPair) -> Peer {
        Peer::greeted(self.open(path).await.expect("a WebSocket"), own).await
    }

    /// Connects and authenticates as initiator or responder.
    pub(crate) async fn join(&self, path: &KeyPair, responder: bool) -> Peer {
        let own = if responder { keys() } else { path.clone() };
        let mut peer = self.connect(path, own).await;
        if responder {
            peer.hello().await;
        }
        peer.authenticate().await;
        peer
    }

    /// All metrics.
    pub(crate) async fn metrics(&self) -> String {
        match &self.metrics {
            Metrics::Server(server) => server.metrics().prometheus(),
            Metrics::Admin(address) => loop {
                // If this process is slow with its request, others can have pushed it out.
                if let Ok((200, text)) = get(*address, "/metrics").await {
                    break text;
                }
            },
        }
    }

    pub(crate) async fn metric(&self, series: &str) -> u64 {
        metric_in(&self.metrics().await, series)
    }

    /// How often a limit was reached.
    pub(crate) async fn hits(&self, limit: &str) -> u64 {
        hits_in(&self.metrics().await, limit)
    }

    /// Waits for something that the server says of itself in its metrics, and that there is no event for.
    pub(crate) async fn until(&self, what: &str, condition: impl Fn(&str) -> bool) {
        let mut pace = tokio::time::interval(PACE);
        let wait = async {
            while !condition(&self.metrics().await) {
                match self.metrics {
                    Metrics::Server(_) => tokio::task::yield_now().await,
                    Metrics::Admin(_) => _ = pace.tick().await,
                }
            }
        };
        if timeout(NEVER, wait).await.is_err() {
            panic!("{what}: {}", self.metrics().await);
        }
    }

    pub(crate) async fn until_nobody_is_connected(&self) {
        self.until("all have left", |text| metric_in(text, "connections") == 0).await;
    }
}

pub(crate) fn hits_in(metrics: &str, limit: &str) -> u64 {
    metric_in(metrics, &format!("limit_hits_total{{limit=\"{limit}\"}}"))
}

/// Asks an admin listener: the status and the body.
async fn get(address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let mut connection = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut text = String::new();
    connection.read_to_string(&mut text).await?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok((head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned()))
}

/// A connection whose bytes are counted.
pub(crate) struct Counted {
    stream: TcpStream,
    cost: Arc<Cost>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, data))?;
        self.cost.bytes.fetch_add(written as u64, Ordering::Relaxed);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

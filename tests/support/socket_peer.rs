//! Scripted clients with real sockets, against a server.

#![allow(dead_code, reason = "no test needs all of it")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use rmpv::Value;
use saltyrtc::crypto::{KeyPair, OsRandom};
use saltyrtc::server::{Server, ServerConfig, TlsIdentity};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, crypto};
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::scripted_client::{SUBPROTOCOL, ScriptedClient, field};

/// Nothing here takes long; this is for the case that something never happens.
pub(crate) const NEVER: Duration = Duration::from_secs(60);

pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

pub(crate) type Socket = WebSocketStream<Box<dyn Io>>;

pub(crate) struct Peer {
    pub(crate) socket: Socket,
    pub(crate) client: ScriptedClient,
}

pub(crate) fn config() -> ServerConfig {
    ServerConfig::new(([127, 0, 0, 1], 0).into())
}

pub(crate) fn start(config: ServerConfig) -> Server {
    Server::start(config).unwrap()
}

pub(crate) fn keys() -> KeyPair {
    KeyPair::generate(&mut OsRandom)
}

/// The path that is named after a key.
pub(crate) fn path_of(initiator: &KeyPair) -> String {
    format!("/{}", initiator.public().to_hex())
}

/// Opens a WebSocket with whatever path and subprotocols.
pub(crate) async fn open(
    address: SocketAddr,
    path: &str,
    subprotocols: &[&str],
    tls: Option<Arc<ClientConfig>>,
) -> Result<Socket, Error> {
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    let stream: Box<dyn Io> = match tls {
        None => Box::new(tcp),
        Some(config) => {
            let name = ServerName::try_from("localhost").unwrap();
            Box::new(tokio_rustls::TlsConnector::from(config).connect(name, tcp).await?)
        }
    };
    upgrade(stream, path, subprotocols, &[]).await
}

/// Opens a WebSocket on a connection that is there, with whatever headers.
pub(crate) async fn upgrade(
    stream: Box<dyn Io>,
    path: &str,
    subprotocols: &[&str],
    headers: &[(&str, &str)],
) -> Result<Socket, Error> {
    let uri = format!("ws://localhost{path}").parse().unwrap();
    let request = subprotocols
        .iter()
        .fold(ClientRequestBuilder::new(uri), |request, name| request.with_sub_protocol(*name));
    let request =
        headers.iter().fold(request, |request, (name, value)| request.with_header(*name, *value));
    Ok(client_async(request, stream).await?.0)
}

/// The value of a metric, without the prefix of its name.
pub(crate) fn metric(server: &Server, series: &str) -> u64 {
    metric_in(&server.metrics().prometheus(), series)
}

pub(crate) fn metric_in(text: &str, series: &str) -> u64 {
    let start = format!("saltyrtc_server_{series} ");
    let value = text.lines().find_map(|line| line.strip_prefix(&start));
    value.unwrap_or_else(|| panic!("no metric {series}")).parse().unwrap()
}

/// How often a limit was reached.
pub(crate) fn hits(server: &Server, limit: &str) -> u64 {
    metric(server, &format!("limit_hits_total{{limit=\"{limit}\"}}"))
}

/// Waits for something that the server says of itself, and that there is no event for.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    let wait = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    timeout(NEVER, wait).await.expect("the condition comes true");
}

/// What comes until the server ends the connection, orderly or not.
pub(crate) async fn read_to_end(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut data = Vec::new();
    let _ = timeout(NEVER, stream.read_to_end(&mut data)).await.expect("the server hangs up");
    data
}

pub(crate) async fn next(socket: &mut Socket) -> Option<Message> {
    let next = timeout(NEVER, socket.next()).await.expect("something happens");
    next.and_then(Result::ok)
}

/// The code of the closing frame that comes next. Its reason text has to be empty.
pub(crate) async fn closed(socket: &mut Socket) -> u16 {
    match next(socket).await {
        Some(Message::Close(Some(CloseFrame { code, reason }))) => {
            assert_eq!(reason.as_str(), "");
            code.into()
        }
        other => panic!("no close with a code: {other:?}"),
    }
}

impl Peer {
    /// Connects to the path of `initiator` and takes in 'server-hello'.
    pub(crate) async fn connect(server: &Server, initiator: &KeyPair, own: KeyPair) -> Self {
        Self::connect_tls(server, initiator, own, None).await
    }

    pub(crate) async fn connect_tls(
        server: &Server,
        initiator: &KeyPair,
        own: KeyPair,
        tls: Option<Arc<ClientConfig>>,
    ) -> Self {
        let path = path_of(initiator);
        let socket = open(server.local_addr().unwrap(), &path, &[SUBPROTOCOL], tls).await;
        Self::greeted(socket.expect("a WebSocket"), own).await
    }

    /// Takes in 'server-hello'.
    pub(crate) async fn greeted(mut socket: Socket, own: KeyPair) -> Self {
        let hello = next(&mut socket).await.expect("server-hello").into_data();
        let mut client = ScriptedClient::new(own);
        client.receive_hello(&hello);
        Self { socket, client }
    }

    pub(crate) async fn authenticate(&mut self) -> Value {
        let auth = self.client.client_auth();
        self.authenticate_with(&auth).await
    }

    pub(crate) async fn authenticate_with(&mut self, auth: &Value) -> Value {
        let message = self.client.sealed(auth);
        self.send(message).await;
        self.notification().await
    }

    /// Connects and authenticates as initiator or responder.
    pub(crate) async fn join(server: &Server, initiator: &KeyPair, responder: bool) -> Self {
        let own = if responder { keys() } else { initiator.clone() };
        let mut peer = Self::connect(server, initiator, own).await;
        if responder {
            peer.hello().await;
        }
        peer.authenticate().await;
        peer
    }

    pub(crate) async fn hello(&mut self) {
        let hello = self.client.client_hello();
        let message = self.client.plain(&hello);
        self.send(message).await;
    }

    pub(crate) async fn send(&mut self, message: Vec<u8>) {
        self.socket.send(Message::Binary(message.into())).await.unwrap();
    }

    /// Sends to somebody who does not read, until the server reads nothing more. Gives back what was sent; the
    /// last of it may still have to be flushed.
    pub(crate) async fn send_until_paused(
        &mut self,
        server: &Server,
        to: u8,
        bytes: usize,
    ) -> Vec<Vec<u8>> {
        let mut sent = Vec::new();
        let mut paused = false;
        while !paused {
            assert!(sent.len() * bytes < 100_000_000, "100 MB do not fit anywhere");
            let message = self.client.relay(to, &vec![0; bytes]);
            self.socket.feed(Message::Binary(message.clone().into())).await.unwrap();
            sent.push(message);
            // Until the sockets of the receiver are full, the server pauses for a moment now and then.
            let mut seen = 0;
            let stays_paused = || {
                seen = if metric(server, "paused_clients") > 0 { seen + 1 } else { 0 };
                seen > 100
            };
            tokio::select! {
                flushed = self.socket.flush() => flushed.unwrap(),
                () = until(stays_paused) => paused = true,
            }
        }
        sent
    }

    /// Sends for as long as this is polled.
    pub(crate) async fn flood(&mut self, to: u8, bytes: usize) {
        loop {
            let message = self.client.relay(to, &vec![3; bytes]);
            self.send(message).await;
        }
    }

    pub(crate) async fn binary(&mut self) -> Vec<u8> {
        match next(&mut self.socket).await {
            Some(Message::Binary(message)) => message.to_vec(),
            other => panic!("not a binary message: {other:?}"),
        }
    }

    pub(crate) async fn notification(&mut self) -> Value {
        let message = self.binary().await;
        self.client.open(&message)
    }
}

pub(crate) fn kind(message: &Value) -> &str {
    field(message, "type").and_then(Value::as_str).unwrap()
}

/// A certificate authority, and what a server needs to have a certificate of it.
pub(crate) fn certificate() -> (CertificateDer<'static>, TlsIdentity) {
    let mut ca = rcgen::CertificateParams::new([]).unwrap();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let root = ca.self_signed(&ca_key).unwrap();
    let issuer = rcgen::Issuer::new(ca, ca_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let identity = TlsIdentity {
        certificate_chain: certificate.pem().into_bytes(),
        private_key: key.serialize_pem().into_bytes(),
    };
    (root.der().clone(), identity)
}

pub(crate) fn tls_client(
    root: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

//! A Unix socket in place of a TCP port.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use saltyrtc::server::{
    ListenAddress, Listener, ProxyHeader, Server, ServerConfig, ServerError, TrustedProxies,
};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio_tungstenite::tungstenite::error::Error;

use crate::scripted_client::SUBPROTOCOL;
use crate::socket_peer::{
    Io, Peer, Socket, closed, config, hits, keys, kind, metric, path_of, read_to_end, start,
    upgrade,
};

/// A directory for a socket, which is removed with this.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("saltyrtc-unix-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("socket")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn connect(
    socket: &Path,
    path: &str,
    before: &[u8],
    headers: &[(&str, &str)],
) -> Result<Socket, Error> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(before).await?;
    let stream: Box<dyn Io> = Box::new(stream);
    upgrade(stream, path, &[SUBPROTOCOL], headers).await
}

async fn join(socket: &Path, path: &saltyrtc::crypto::KeyPair, responder: bool) -> Peer {
    let own = if responder { keys() } else { path.clone() };
    let socket = connect(socket, &path_of(path), b"", &[]).await.unwrap();
    let mut peer = Peer::greeted(socket, own).await;
    if responder {
        peer.hello().await;
    }
    peer.authenticate().await;
    peer
}

#[tokio::test]
async fn clients_meet_over_a_unix_socket() {
    let directory = Directory::new();
    let socket = directory.socket();
    let server = start(ServerConfig::unix(&socket));
    assert_eq!(server.local_addr(), None);
    assert_eq!(server.addresses(), [ListenAddress::Unix(socket.clone())]);
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let path = keys();
    let mut initiator = join(&socket, &path, false).await;
    let mut responder = join(&socket, &path, true).await;
    assert_eq!(kind(&initiator.notification().await), "new-responder");
    // More than the buffers of the socket hold at once.
    let message = initiator.client.relay(2, &vec![7; 900_000]);
    initiator.send(message.clone()).await;
    assert_eq!(responder.binary().await, message);

    let second = Server::start(ServerConfig::unix(&socket)).unwrap_err();
    assert!(matches!(second, ServerError::Listen { .. }));
    let text = second.to_string();
    assert!(text.contains(socket.to_str().unwrap()) && text.contains("another path"), "{text}");

    // Who is there stays, and the place is free.
    server.stop_accepting();
    assert!(!socket.exists());
    let next = start(ServerConfig::unix(&socket));
    let message = responder.client.relay(1, b"still there");
    responder.send(message.clone()).await;
    assert_eq!(initiator.binary().await, message);
    let ended = tokio::spawn(server.shutdown());
    assert_eq!(closed(&mut initiator.socket).await, 1001);
    assert_eq!(closed(&mut responder.socket).await, 1001);
    ended.await.unwrap();
    join(&socket, &keys(), false).await;
    drop(next);
    assert!(!socket.exists());
}

#[tokio::test]
async fn a_server_can_have_sockets_of_both_kinds() {
    let directory = Directory::new();
    let socket = directory.socket();
    let listener = Listener::bind_unix(&socket, 0o600).unwrap();
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap();
    let server = Server::start_on(config(), [listener, tcp.into()]).unwrap();
    assert_eq!(server.local_addr(), Some(address));
    let path = keys();
    let mut initiator = Peer::join(&server, &path, false).await;
    join(&socket, &path, true).await;
    assert_eq!(kind(&initiator.notification().await), "new-responder");
    drop(server);

    // One of somebody else is not removed.
    let made = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let server = Server::start_on(config(), [made]).unwrap();
    join(&socket, &keys(), false).await;
    server.shutdown().await;
    assert!(socket.exists());
}

/// One connection for each address.
fn behind(socket: &Path, header: Option<ProxyHeader>) -> Server {
    let mut config = ServerConfig::unix(socket);
    config.limits.connections_per_address = Some(1);
    config.proxy = header.map(|header| TrustedProxies { networks: Vec::new(), header });
    start(config)
}

/// Whoever can connect to the socket is a trusted proxy.
#[tokio::test]
async fn the_proxy_says_who_its_client_is() {
    let directory = Directory::new();
    let socket = directory.socket();
    let server = behind(&socket, Some(ProxyHeader::XForwardedFor));
    let mut open = Vec::new();
    for (value, expected) in [
        ("192.0.2.1", true),
        ("192.0.2.2", true),
        ("192.0.2.77, 192.0.2.1", false),
        // What is known of nobody counts as one address.
        ("unix:", true),
        ("unix:", false),
    ] {
        let headers = [("X-Forwarded-For", value)];
        match connect(&socket, &path_of(&keys()), b"", &headers).await {
            Ok(socket) => {
                assert!(expected, "{value}");
                open.push(socket);
            }
            Err(Error::Http(answer)) => assert!(!expected && answer.status() == 429, "{value}"),
            Err(error) => panic!("{value}: {error}"),
        }
    }
    assert_eq!(hits(&server, "connections_per_address"), 2);
    drop(server);

    let server = behind(&socket, Some(ProxyHeader::ProxyProtocol));
    let mut open = Vec::new();
    for (header, expected) in [
        (&b"PROXY TCP4 192.0.2.1 198.51.100.1 1000 443\r\n"[..], true),
        (b"PROXY TCP4 192.0.2.2 198.51.100.1 1000 443\r\n", true),
        (b"PROXY TCP4 192.0.2.1 198.51.100.1 1000 443\r\n", false),
        (b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00", true),
        (b"PROXY UNKNOWN\r\n", false),
    ] {
        let opened = connect(&socket, &path_of(&keys()), header, &[]).await;
        assert_eq!(opened.is_ok(), expected, "{}", header.escape_ascii());
        open.extend(opened);
    }
    assert_eq!(hits(&server, "connections_per_address"), 2);
    let mut without = UnixStream::connect(&socket).await.unwrap();
    without.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert_eq!(read_to_end(&mut without).await, b"");
    assert_eq!(metric(&server, "proxy_header_failures_total"), 1);
}

/// A program that does not trust what is said: all have one address.
#[tokio::test]
async fn without_trust_all_count_as_one() {
    let directory = Directory::new();
    let socket = directory.socket();
    let server = behind(&socket, None);
    let first = connect(&socket, &path_of(&keys()), b"", &[("X-Forwarded-For", "192.0.2.1")]).await;
    assert!(first.is_ok());
    let second =
        connect(&socket, &path_of(&keys()), b"", &[("X-Forwarded-For", "192.0.2.2")]).await;
    assert!(second.is_err());
    assert_eq!(hits(&server, "connections_per_address"), 1);
}

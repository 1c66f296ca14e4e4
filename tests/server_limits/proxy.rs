//! Who a client is, behind a proxy.

use std::net::Ipv6Addr;
use std::time::Duration;

use saltyrtc::server::{ProxyHeader, Server, ServerConfig, TrustedProxies};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::version;
use tokio_tungstenite::tungstenite::error::Error;

use crate::scripted_client::SUBPROTOCOL;
use crate::socket_peer::{
    Io, Peer, Socket, certificate, config, hits, keys, metric, path_of, read_to_end, start,
    tls_client, upgrade,
};

/// One connection for each address, and the tests themselves are the proxy, or are not.
fn behind(header: ProxyHeader, network: &str) -> ServerConfig {
    let mut config = config();
    config.limits.connections_per_address = Some(1);
    config.proxy = Some(TrustedProxies { networks: vec![network.parse().unwrap()], header });
    config
}

async fn connect(server: &Server, before: &[u8]) -> TcpStream {
    let mut tcp = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
    tcp.write_all(before).await.unwrap();
    tcp
}

async fn with_header(server: &Server, header: &[u8]) -> Result<Socket, Error> {
    let tcp = connect(server, header).await;
    upgrade(Box::new(tcp), &path_of(&keys()), &[SUBPROTOCOL], &[]).await
}

async fn with_forwarded_for(server: &Server, value: &str) -> Result<Socket, Error> {
    let tcp = connect(server, b"").await;
    let headers = [("X-Forwarded-For", value)];
    upgrade(Box::new(tcp), &path_of(&keys()), &[SUBPROTOCOL], &headers).await
}

fn v2(address: Ipv6Addr) -> Vec<u8> {
    let fixed = b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24";
    [&fixed[..], &address.octets(), &[0; 20]].concat()
}

#[tokio::test]
async fn the_proxy_protocol_names_the_client() {
    let server = start(behind(ProxyHeader::ProxyProtocol, "127.0.0.0/8"));
    let v1 = |client: &str| format!("PROXY TCP4 {client} 198.51.100.1 1000 443\r\n").into_bytes();
    let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, 1);
    let same_customer = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 9, 9, 9, 9);
    let mut open = Vec::new();
    for (header, expected) in [
        (v1("192.0.2.1"), true),
        (v1("192.0.2.2"), true),
        (v1("192.0.2.1"), false),
        (v2(v6), true),
        (v2(same_customer), false),
        // For itself, the proxy is a client as any other.
        (b"PROXY UNKNOWN\r\n".to_vec(), true),
        (b"PROXY UNKNOWN\r\n".to_vec(), false),
    ] {
        let socket = with_header(&server, &header).await;
        assert_eq!(socket.is_ok(), expected, "{}", header.escape_ascii());
        open.extend(socket);
    }
    assert_eq!(hits(&server, "connections_per_address"), 3);
    assert_eq!(metric(&server, "proxy_header_failures_total"), 0);
}

#[tokio::test]
async fn the_proxy_protocol_comes_before_tls() {
    let (root, identity) = certificate();
    let mut config = behind(ProxyHeader::ProxyProtocol, "127.0.0.0/8");
    config.tls = Some(identity);
    let server = start(config);
    let tcp = connect(&server, &v2(Ipv6Addr::LOCALHOST)).await;
    let connector = tokio_rustls::TlsConnector::from(tls_client(&root, &version::TLS13));
    let tls = connector.connect(ServerName::try_from("localhost").unwrap(), tcp).await.unwrap();
    let stream: Box<dyn Io> = Box::new(tls);
    let path = keys();
    let socket = upgrade(stream, &path_of(&path), &[SUBPROTOCOL], &[]).await.unwrap();
    let mut peer = Peer::greeted(socket, path).await;
    peer.authenticate().await;
}

#[tokio::test]
async fn a_proxy_without_its_header_is_refused() {
    let mut config = behind(ProxyHeader::ProxyProtocol, "127.0.0.1");
    config.limits.handshake_timeout = Duration::from_secs(2);
    let server = start(config);
    for header in [
        &b""[..],
        b"PROXY TCP4 192.0.2.1 198.51.100.1 1000 99999\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.1\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x41\x11\0\0",
    ] {
        assert!(with_header(&server, header).await.is_err(), "{}", header.escape_ascii());
    }
    assert_eq!(metric(&server, "proxy_header_failures_total"), 4);
    assert_eq!(metric(&server, "handshakes_total{outcome=\"bad_proxy_header\"}"), 4);
    // One that never comes, and one that never ends.
    for header in [&b""[..], b"PROXY TCP4 192.0.2.1"] {
        let mut tcp = connect(&server, header).await;
        assert_eq!(read_to_end(&mut tcp).await, b"");
    }
    assert_eq!(hits(&server, "handshake_time"), 2);
}

#[tokio::test]
async fn nobody_else_may_say_who_a_client_is() {
    let server = start(behind(ProxyHeader::ProxyProtocol, "192.0.2.0/24"));
    let mut tcp = connect(&server, b"PROXY TCP4 192.0.2.1 198.51.100.1 1000 443\r\n").await;
    assert!(read_to_end(&mut tcp).await.starts_with(b"HTTP/1.1 400 "));
    let first = with_header(&server, b"").await;
    assert!(first.is_ok(), "a client that comes directly");

    let server = start(behind(ProxyHeader::XForwardedFor, "192.0.2.0/24"));
    let first = with_forwarded_for(&server, "203.0.113.1").await;
    assert!(first.is_ok());
    assert!(with_forwarded_for(&server, "203.0.113.2").await.is_err(), "the same client");
    assert_eq!(hits(&server, "connections_per_address"), 1);
}

#[tokio::test]
async fn x_forwarded_for_names_the_client() {
    let server = start(behind(ProxyHeader::XForwardedFor, "127.0.0.0/8"));
    let mut open = Vec::new();
    for (value, expected) in [
        ("192.0.2.1", true),
        ("192.0.2.2", true),
        ("192.0.2.1", false),
        ("192.0.2.77, 192.0.2.1", false),
        ("192.0.2.77, 192.0.2.1, 127.0.0.9", false),
        ("192.0.2.1, 192.0.2.77", true),
    ] {
        match with_forwarded_for(&server, value).await {
            Ok(socket) => {
                assert!(expected, "{value}");
                open.push(socket);
            }
            Err(Error::Http(answer)) => assert!(!expected && answer.status() == 429, "{value}"),
            Err(error) => panic!("{value}: {error}"),
        }
    }
    assert_eq!(hits(&server, "connections_per_address"), 3);
}

//! Clients that take their time, or stop in the middle.

use std::time::Duration;

use futures_util::future::join_all;
use saltyrtc::server::ServerConfig;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::pair::{Enough, Started, turn, withstand};
use crate::scripted_client::SUBPROTOCOL;
use crate::socket_peer::{
    Peer, certificate, closed, config, hits, keys, metric, open, path_of, read_to_end, start, until,
};

const MANY: usize = 200;
const HANDSHAKE: Duration = Duration::from_secs(5);

fn impatient() -> ServerConfig {
    let mut config = config();
    config.limits.handshake_timeout = HANDSHAKE;
    config
}

/// Opens many connections, each of which sends one of the beginnings and then byte after byte.
async fn loris(
    address: std::net::SocketAddr,
    beginnings: Vec<Vec<u8>>,
    mut started: Started,
    mut enough: Enough,
) -> usize {
    let mut open = Vec::new();
    for n in 0..MANY {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        tcp.write_all(&beginnings[n % beginnings.len()]).await.unwrap();
        open.push(tcp);
    }
    started.now();
    // As slow as it gets, and forever if the server let them.
    let mut reading = Vec::new();
    for mut tcp in open {
        reading.push(async move {
            let (mut read, mut write) = tcp.split();
            let drip = async {
                let mut pace = tokio::time::interval(HANDSHAKE / 20);
                loop {
                    pace.tick().await;
                    if write.write_all(b"a").await.is_err() {
                        std::future::pending::<()>().await;
                    }
                }
            };
            tokio::select! {
                data = read_to_end(&mut read) => data.len(),
                () = drip => unreachable!(),
            }
        });
    }
    let got = join_all(reading).await;
    enough.wait().await;
    got.into_iter().sum()
}

/// Requests that come one byte after the other.
#[tokio::test]
async fn slow_requests() {
    let _turn = turn().await;
    let server = start(impatient());
    let address = server.local_addr().unwrap();
    let beginnings = vec![Vec::new(), b"GET /".to_vec(), b"GET / HTTP/1.1\r\nHost: ".to_vec()];
    let (got, _) =
        withstand("slow requests", &server, |s, e| loris(address, beginnings, s, e)).await;
    assert_eq!(got, 0, "no answer to half a request");
    assert_eq!(hits(&server, "handshake_time"), MANY as u64);
    until(|| server.connections() == 0).await;
}

#[tokio::test]
async fn slow_tls() {
    let _turn = turn().await;
    let (_, identity) = certificate();
    let mut slow = impatient();
    slow.tls = Some(identity);
    let tls_server = start(slow);
    // The pair is on a server of its own settings: what is shared are the threads of the library.
    let server = start(config());
    let address = tls_server.local_addr().unwrap();
    let beginnings = vec![b"\x16\x03\x01\x40\0\x01\0\x3f\xfc\x03\x03".to_vec()];
    withstand("slow TLS", &server, |s, e| loris(address, beginnings, s, e)).await;
    assert_eq!(hits(&tls_server, "handshake_time"), MANY as u64);
    until(|| tls_server.connections() == 0).await;
}

/// WebSockets on one path whose clients never say who they are.
#[tokio::test]
async fn clients_that_never_authenticate() {
    let _turn = turn().await;
    let server = start(impatient());
    let address = server.local_addr().unwrap();
    let path = keys();
    let target = path_of(&path);
    let attack = |mut started: Started, mut enough: Enough| async move {
        let mut sockets = Vec::new();
        for _ in 0..MANY {
            sockets.push(open(address, &target, &[SUBPROTOCOL], None).await.unwrap());
        }
        started.now();
        let codes = join_all(sockets.into_iter().map(|socket| async {
            let peer = Peer::greeted(socket, keys()).await;
            let mut socket = peer.socket;
            closed(&mut socket).await
        }));
        let codes = codes.await;
        enough.wait().await;
        codes
    };
    let (codes, _) = withstand("never authenticated", &server, attack).await;
    assert_eq!(codes, [3008; MANY]);
    assert_eq!(hits(&server, "handshake_time"), MANY as u64);
    assert_eq!(metric(&server, "handshakes_total{outcome=\"timeout\"}"), MANY as u64);
    // Those whom they were in the way of get through.
    let mut initiator = Peer::join(&server, &path, false).await;
    Peer::join(&server, &path, true).await;
    initiator.notification().await;
}

/// Connections whose other half is closed, at each point of the handshake.
#[tokio::test]
async fn half_open_connections() {
    let _turn = turn().await;
    let server = start(config());
    let address = server.local_addr().unwrap();
    let target = path_of(&keys());
    let attack = |mut started: Started, mut enough: Enough| async move {
        let mut ends = Vec::new();
        for n in 0..MANY {
            if n % 3 < 2 {
                let mut tcp = TcpStream::connect(address).await.unwrap();
                tcp.write_all(if n % 3 == 0 { b"" } else { b"GET / HTTP" }).await.unwrap();
                tcp.shutdown().await.unwrap();
                ends.push(tokio::spawn(async move { read_to_end(&mut tcp).await.len() }));
            } else {
                let mut socket = open(address, &target, &[SUBPROTOCOL], None).await.unwrap();
                socket.get_mut().shutdown().await.unwrap();
                ends.push(tokio::spawn(async move { read_to_end(socket.get_mut()).await.len() }));
            }
        }
        let ended = ends.len();
        started.now();
        for end in ends {
            end.await.unwrap();
        }
        enough.wait().await;
        ended
    };
    let (ended, _) = withstand("half open", &server, attack).await;
    assert_eq!(ended, MANY);
    until(|| server.connections() == 0).await;
    assert_eq!(metric(&server, "handshakes_total{outcome=\"left\"}"), MANY as u64);
}

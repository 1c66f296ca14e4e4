//! Clients that take their time, or stop in the middle.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use saltyrtc::crypto::KeyPair;
use saltyrtc::server::ServerConfig;
use tokio::io::AsyncWriteExt as _;

use crate::pair::{Enough, Started, turn, withstand};
use crate::socket_peer::{
    Io, Peer, certificate, closed, config, hits, keys, metric, read_to_end, start,
};
use crate::target::Target;

const MANY: usize = 200;
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(5);

fn impatient() -> ServerConfig {
    let mut config = config();
    config.limits.handshake_timeout = HANDSHAKE;
    config
}

const REQUESTS: [&[u8]; 3] = [b"", b"GET /", b"GET / HTTP/1.1\r\nHost: "];
const CLIENT_HELLO: &[u8] = b"\x16\x03\x01\x40\0\x01\0\x3f\xfc\x03\x03";

/// Opens many connections, each of which sends one of the beginnings and then byte after byte. Gives back how much they
/// got until all were closed.
async fn loris(target: &Target, tls: bool, beginnings: &[&[u8]], mut started: Started) -> usize {
    let open = (0..MANY).map(|n| async move {
        let mut stream: Box<dyn Io> = match tls {
            true => target.stream().await.unwrap(),
            false => Box::new(target.tcp().await.unwrap()),
        };
        // The first ones can be over before the last ones are there.
        let _ = stream.write_all(beginnings[n % beginnings.len()]).await;
        let _ = stream.flush().await;
        stream
    });
    let open = join_all(open).await;
    started.now();
    // As slow as it gets, and forever if the server let them.
    let mut reading = Vec::new();
    for stream in open {
        reading.push(async move {
            let (mut read, mut write) = tokio::io::split(stream);
            let drip = async {
                let mut pace = tokio::time::interval(HANDSHAKE / 20);
                loop {
                    pace.tick().await;
                    if write.write_all(b"a").await.is_err() || write.flush().await.is_err() {
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
    join_all(reading).await.into_iter().sum()
}

pub(crate) async fn requests_in_pieces(target: Target, started: Started, _: Enough) {
    loris(&target, true, &REQUESTS, started).await;
}

/// Requests that come one byte after the other.
#[tokio::test]
async fn slow_requests() {
    let _turn = turn().await;
    let server = Arc::new(start(impatient()));
    let target = Target::from(&server);
    let for_attack = target.clone();
    let attack = |started, mut enough: Enough| async move {
        let got = loris(&for_attack, true, &REQUESTS, started).await;
        enough.wait().await;
        got
    };
    let (got, _) = withstand("slow requests", &target, attack).await;
    assert_eq!(got, 0, "no answer to half a request");
    assert_eq!(hits(&server, "handshake_time"), MANY as u64);
    target.until_nobody_is_connected().await;
}

pub(crate) async fn tls_in_pieces(target: Target, started: Started, _: Enough) {
    loris(&target, false, &[CLIENT_HELLO], started).await;
}

#[tokio::test]
async fn slow_tls() {
    let _turn = turn().await;
    let (_, identity) = certificate();
    let mut slow = impatient();
    slow.tls = Some(identity);
    let tls_server = Arc::new(start(slow));
    let tls_target = Target::from(&tls_server);
    // The pair is on a server of its own settings: what is shared are the threads of the library.
    let server = Arc::new(start(config()));
    let for_attack = tls_target.clone();
    let attack = |started, mut enough: Enough| async move {
        loris(&for_attack, false, &[CLIENT_HELLO], started).await;
        enough.wait().await;
    };
    withstand("slow TLS", &Target::from(&server), attack).await;
    assert_eq!(hits(&tls_server, "handshake_time"), MANY as u64);
    tls_target.until_nobody_is_connected().await;
}

/// WebSockets on some paths whose clients say nothing. Gives back the codes that they are closed with.
async fn silent(target: &Target, paths: &[KeyPair], mut started: Started) -> Vec<u16> {
    let open = paths.iter().cycle().take(MANY).map(|path| target.open(path));
    let sockets = join_all(open).await;
    started.now();
    let codes = join_all(sockets.into_iter().map(|socket| async {
        let peer = Peer::greeted(socket.unwrap(), keys()).await;
        let mut socket = peer.socket;
        closed(&mut socket).await
    }));
    codes.await
}

pub(crate) async fn never_authenticated(target: Target, started: Started, _: Enough) {
    // Each on a path of its own, so that nobody has to go for the next.
    let paths: Vec<_> = (0..MANY).map(|_| keys()).collect();
    assert_eq!(silent(&target, &paths, started).await, [3008; MANY]);
}

/// WebSockets on one path whose clients never say who they are.
#[tokio::test]
async fn clients_that_never_authenticate() {
    let _turn = turn().await;
    let server = Arc::new(start(impatient()));
    let target = Target::from(&server);
    let path = keys();
    let (for_attack, paths) = (target.clone(), [path.clone()]);
    let attack = |started, mut enough: Enough| async move {
        let codes = silent(&for_attack, &paths, started).await;
        enough.wait().await;
        codes
    };
    let (codes, _) = withstand("never authenticated", &target, attack).await;
    assert_eq!(codes, [3008; MANY]);
    assert_eq!(hits(&server, "handshake_time"), MANY as u64);
    assert_eq!(metric(&server, "handshakes_total{outcome=\"timeout\"}"), MANY as u64);
    // Those whom they were in the way of get through.
    let mut initiator = target.join(&path, false).await;
    target.join(&path, true).await;
    initiator.notification().await;
}

/// Opens connections and closes their half, at each point of the handshake, and waits until the server has closed the
/// other. Gives back how many there were.
async fn half_open(target: &Target, mut started: Started) -> usize {
    let path = keys();
    let ends = (0..MANY).map(|n| {
        let path = &path;
        async move {
            let mut stream: Box<dyn Io> = if n % 3 < 2 {
                let mut tcp = target.tcp().await.unwrap();
                tcp.write_all(if n % 3 == 0 { b"" } else { b"GET / HTTP" }).await.unwrap();
                Box::new(tcp)
            } else {
                target.open(path).await.unwrap().into_inner()
            };
            stream.shutdown().await.unwrap();
            stream
        }
    });
    let ends = join_all(ends).await;
    started.now();
    join_all(ends.into_iter().map(|mut end| async move { read_to_end(&mut end).await })).await.len()
}

pub(crate) async fn half_closed(target: Target, started: Started, _: Enough) {
    half_open(&target, started).await;
}

/// Connections whose other half is closed, at each point of the handshake.
#[tokio::test]
async fn half_open_connections() {
    let _turn = turn().await;
    let server = Arc::new(start(config()));
    let target = Target::from(&server);
    let for_attack = target.clone();
    let attack = |started, mut enough: Enough| async move {
        let ended = half_open(&for_attack, started).await;
        enough.wait().await;
        ended
    };
    let (ended, _) = withstand("half open", &target, attack).await;
    assert_eq!(ended, MANY);
    target.until_nobody_is_connected().await;
    assert_eq!(metric(&server, "handshakes_total{outcome=\"left\"}"), MANY as u64);
}

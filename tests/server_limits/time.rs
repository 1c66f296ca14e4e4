//! How long things may take.

use std::cell::RefCell;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use saltyrtc::crypto::KeyPair;
use saltyrtc::server::Server;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::scripted_client::{ScriptedClient, with_field};
use crate::socket_peer::{
    Peer, certificate, closed, config, hits, keys, kind, metric, metric_in, next, read_to_end,
    start, until,
};

const SHORT: Duration = Duration::from_millis(200);
/// For what ends while a client still has something to do.
const LONGER: Duration = Duration::from_secs(3);

/// With TLS the time is the same one, so that nobody gets it once for each layer.
#[tokio::test]
async fn the_time_for_a_handshake() {
    let (_, identity) = certificate();
    for tls in [None, Some(identity)] {
        let mut config = config();
        config.limits.handshake_timeout = SHORT;
        config.tls = tls.clone();
        let server = start(config);
        let beginnings: &[&[u8]] = match tls {
            None => &[b"", b"G", b"GET / HTTP/1.1\r\nHost: a\r\n"],
            Some(_) => &[b"", b"\x16\x03\x01\x00\xff\x01"],
        };
        for beginning in beginnings {
            let mut tcp = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
            tcp.write_all(beginning).await.unwrap();
            assert_eq!(read_to_end(&mut tcp).await, b"");
        }
        let count = u64::try_from(beginnings.len()).unwrap();
        assert_eq!(hits(&server, "handshake_time"), count);
        assert_eq!(metric(&server, "handshakes_total{outcome=\"timeout\"}"), count);
    }
    // One that has a WebSocket is told.
    let mut config = config();
    config.limits.handshake_timeout = LONGER;
    let server = start(config);
    let mut peer = Peer::connect(&server, &keys(), keys()).await;
    assert_eq!(closed(&mut peer.socket).await, 3008);
    assert_eq!(hits(&server, "handshake_time"), 1);
    assert_eq!(metric(&server, "handshakes_total{outcome=\"timeout\"}"), 1);
}

#[tokio::test]
async fn the_time_without_a_message() {
    let mut config = config();
    config.limits.idle_timeout = Some(LONGER);
    let server = start(config);
    let mut peer = Peer::join(&server, &keys(), false).await;
    assert_eq!(closed(&mut peer.socket).await, 3008);
    assert_eq!(hits(&server, "idle_time"), 1);
}

#[tokio::test]
async fn the_time_for_a_pong() {
    let mut config = config();
    config.limits.pong_timeout = SHORT;
    let server = start(config);
    let mut peer = Peer::connect(&server, &keys(), keys()).await;
    peer.hello().await;
    let auth = with_field(&peer.client.client_auth(), "ping_interval", Some(1.into()));
    peer.authenticate_with(&auth).await;
    // The client's library answers pings when it is made to read.
    until(|| hits(&server, "pong_time") == 1).await;
    assert!(matches!(next(&mut peer.socket).await, Some(Message::Ping(_))));
    assert_eq!(closed(&mut peer.socket).await, 3008);
}

/// An initiator, and a responder that gets much and reads nothing of it.
async fn stuck(server: &Server, path: &KeyPair) -> (Peer, Peer) {
    let mut initiator = Peer::join(server, path, false).await;
    let slow = Peer::join(server, path, true).await;
    assert_eq!(kind(&initiator.notification().await), "new-responder");
    let large = vec![0; 100_000];
    while metric(server, "queued_bytes") < 500_000 {
        let message = initiator.client.relay(2, &large);
        initiator.send(message).await;
    }
    (initiator, slow)
}

#[tokio::test]
async fn the_time_that_a_receiver_may_stall() {
    let mut config = config();
    config.limits.stall_timeout = Some(SHORT);
    let server = start(config);
    let path = keys();
    let mut initiator = Peer::join(&server, &path, false).await;
    let _slow = Peer::join(&server, &path, true).await;
    assert_eq!(kind(&initiator.notification().await), "new-responder");
    // It goes on until the sockets are full and stay full. What did not get out comes back then, and
    // after that the others hear that the receiver is gone.
    let Peer { socket, client } = initiator;
    let client = RefCell::new(client);
    let (mut sending, mut receiving) = socket.split();
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let flood = async {
        loop {
            let message = client.borrow_mut().relay(2, &[0; 50_000]);
            tokio::select! {
                sent = sending.send(Message::Binary(message.into())) => sent.unwrap(),
                _ = &mut stopped => return,
            }
        }
    };
    let told = async {
        let mut errors = 0;
        loop {
            let message = receiving.next().await.unwrap().unwrap().into_data();
            match kind(&client.borrow_mut().open(&message)) {
                "send-error" => errors += 1,
                "disconnected" => break,
                other => panic!("{other}"),
            }
        }
        let _ = stop.send(());
        errors
    };
    let ((), errors) = tokio::join!(flood, told);
    assert_eq!(hits(&server, "stall_time"), 1);
    let returned = metric(&server, "relay_failures_total{reason=\"receiver_left\"}");
    assert!(returned > 0);
    assert_eq!(returned + metric(&server, "relay_failures_total{reason=\"queue_full\"}"), errors);
}

#[tokio::test]
async fn the_time_to_close() {
    let mut config = config();
    config.limits.close_timeout = SHORT;
    // So much that the initiator does not have to wait with what it has to say.
    config.limits.queue_bytes = 64 << 20;
    let server = start(config);
    // One that stays although it was told to go, and one that does not even read that.
    let mut stays = Peer::join(&server, &keys(), false).await;
    stays.socket.send(Message::text("hello")).await.unwrap();
    until(|| server.connections() == 0).await;
    assert_eq!(hits(&server, "close_time"), 1);
    let path = keys();
    let (mut initiator, _slow) = stuck(&server, &path).await;
    let drop = ScriptedClient::drop_responder(2, None);
    let message = initiator.client.sealed(&drop);
    initiator.send(message).await;
    until(|| server.connections() == 1).await;
    assert_eq!(hits(&server, "close_time"), 2);
}

/// It reads nothing, so that its closing frame is behind what does not get out, and the server is in the middle of
/// a message that is too large.
#[tokio::test]
async fn the_time_to_close_a_connection_that_is_refused() {
    let mut config = config();
    config.limits.close_timeout = SHORT;
    config.limits.stall_timeout = None;
    let server = start(config);
    let (_initiator, mut slow) = stuck(&server, &keys()).await;
    // The header of a binary frame of 2 MiB.
    let header = [&[0x82, 0xff][..], &(2_u64 << 20).to_be_bytes(), &[0; 4]].concat();
    slow.socket.get_mut().write_all(&header).await.unwrap();
    slow.socket.get_mut().flush().await.unwrap();
    until(|| server.connections() == 1).await;
    assert_eq!(metric(&server, "closes_total{code=\"1009\"}"), 1);
    assert_eq!(hits(&server, "close_time"), 1);
}

/// The first bytes of a message that never gets to its end.
fn beginning(bytes: usize) -> Vec<u8> {
    let header = [&[0x82, 0xff][..], &(1_u64 << 20).to_be_bytes(), &[0; 4]].concat();
    [header, vec![0; bytes]].concat()
}

#[tokio::test]
async fn the_time_for_a_message() {
    for bytes in [0, 100, 100_000] {
        let mut config = config();
        config.limits.message_timeout = SHORT;
        let server = start(config);
        let mut peer = Peer::join(&server, &keys(), false).await;
        // Pings are no messages, and do not count.
        for _ in 0..1000 {
            peer.socket.send(Message::Ping(vec![0; 100].into())).await.unwrap();
            assert!(matches!(next(&mut peer.socket).await, Some(Message::Pong(_))));
        }
        assert_eq!(hits(&server, "message_time"), 0);
        peer.socket.get_mut().write_all(&beginning(bytes)).await.unwrap();
        assert_eq!(closed(&mut peer.socket).await, 3008);
        assert_eq!(hits(&server, "message_time"), 1);
        assert_eq!(metric(&server, "receiving_bytes"), 0);
    }
}

#[tokio::test]
async fn the_time_for_a_shutdown() {
    let mut config = config();
    config.limits.shutdown_timeout = SHORT;
    let server = start(config);
    let metrics = server.metrics();
    let (initiator, slow) = stuck(&server, &keys()).await;
    server.shutdown().await;
    let text = metrics.prometheus();
    let hits = "limit_hits_total{limit=\"shutdown_time\"}";
    assert_eq!(metric_in(&text, hits), 2);
    assert_eq!(metric_in(&text, "connections"), 0);
    assert_eq!(metric_in(&text, "queued_bytes"), 0);
    drop((initiator, slow));
}

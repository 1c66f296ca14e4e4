//! How many connections there may be, how fast they come, and how much they send.

use saltyrtc::server::AcceptRate;
use tokio::net::TcpStream;

use crate::scripted_client::SUBPROTOCOL;
use crate::socket_peer::{
    Peer, certificate, closed, config, hits, keys, kind, metric, open, path_of, read_to_end, start,
    until,
};

#[tokio::test]
async fn connections_in_all() {
    let mut config = config();
    config.limits.connections = Some(2);
    let server = start(config);
    let path = keys();
    let mut initiator = Peer::join(&server, &path, false).await;
    let responder = Peer::join(&server, &path, true).await;
    assert_eq!(server.connections(), 2);
    let mut third = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
    assert_eq!(read_to_end(&mut third).await, b"");
    assert_eq!((hits(&server, "connections"), server.connections()), (1, 2));
    assert_eq!(metric(&server, "connections_accepted_total"), 3);
    // There is room again when one leaves.
    drop(responder);
    until(|| server.connections() == 1).await;
    Peer::join(&server, &path, true).await;
    assert_eq!(kind(&initiator.notification().await), "new-responder");
}

#[tokio::test]
async fn connections_of_one_address() {
    let mut config = config();
    config.limits.connections_per_address = Some(1);
    let server = start(config);
    let first = Peer::join(&server, &keys(), false).await;
    let mut second = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
    assert_eq!(read_to_end(&mut second).await, b"");
    assert_eq!(hits(&server, "connections_per_address"), 1);
    drop(first);
    until(|| server.connections() == 0).await;
    Peer::join(&server, &keys(), false).await;
}

#[tokio::test]
async fn the_rate_of_connections_of_one_address() {
    let mut config = config();
    config.limits.accept_rate = Some(AcceptRate { per_second: 1, burst: 3 });
    let server = start(config);
    let mut peers = Vec::new();
    // On a machine that is slow enough, a few more get in.
    while hits(&server, "accept_rate") == 0 {
        let socket =
            open(server.local_addr().unwrap(), &path_of(&keys()), &[SUBPROTOCOL], None).await;
        peers.extend(socket.ok());
        assert!(peers.len() < 1000);
    }
    assert!(peers.len() >= 3, "{}", peers.len());
}

#[tokio::test]
async fn connections_on_one_path() {
    let mut config = config();
    config.limits.connections_per_path = Some(2);
    let server = start(config);
    let path = keys();
    let _initiator = Peer::join(&server, &path, false).await;
    let waiting = Peer::connect(&server, &path, keys()).await;
    // One who has not said who it is makes room, and nobody else does.
    let mut waiting = waiting;
    let responder = Peer::join(&server, &path, true).await;
    assert_eq!(closed(&mut waiting.socket).await, 3000);
    drop(waiting);
    assert_eq!(hits(&server, "connections_per_path"), 1);
    let mut third =
        open(server.local_addr().unwrap(), &path_of(&path), &[SUBPROTOCOL], None).await.unwrap();
    assert_eq!(closed(&mut third).await, 3000);
    assert_eq!(hits(&server, "connections_per_path"), 2);
    assert_eq!(metric(&server, "closes_total{code=\"3000\"}"), 2);
    assert_eq!(metric(&server, "handshakes_total{outcome=\"path_full\"}"), 1);
    Peer::join(&server, &keys(), false).await;
    drop((responder, third));
    until(|| server.connections() == 1).await;
    Peer::join(&server, &path, true).await;
}

/// Covers P-148.
#[tokio::test]
async fn the_255th_responder_finds_the_path_full() {
    let server = start(config());
    let path = keys();
    let mut initiator = Peer::join(&server, &path, false).await;
    let mut responders = Vec::new();
    for _ in 0..254 {
        responders.push(Peer::join(&server, &path, true).await);
        assert_eq!(kind(&initiator.notification().await), "new-responder");
    }
    assert_eq!(metric(&server, "clients{role=\"responder\"}"), 254);
    let mut one_more = Peer::connect(&server, &path, keys()).await;
    one_more.hello().await;
    let auth = one_more.client.client_auth();
    let message = one_more.client.sealed(&auth);
    one_more.send(message).await;
    assert_eq!(closed(&mut one_more.socket).await, 3000);
    assert_eq!(metric(&server, "handshakes_total{outcome=\"path_full\"}"), 1);
    assert_eq!(metric(&server, "handshakes_total{outcome=\"responder\"}"), 254);
    // Both ends of the full path still work.
    let last = responders.last_mut().unwrap();
    let message = initiator.client.relay(255, b"hello");
    initiator.send(message.clone()).await;
    assert_eq!(last.binary().await, message);
}

#[tokio::test]
async fn the_size_of_messages() {
    let mut config = config();
    config.limits.message_size = 2000;
    let server = start(config);
    let mut peer = Peer::join(&server, &keys(), false).await;
    let message = peer.client.relay(2, &[0; 1976]);
    peer.send(message).await;
    assert_eq!(kind(&peer.notification().await), "send-error");
    let message = peer.client.relay(2, &[0; 1977]);
    peer.send(message).await;
    assert_eq!(closed(&mut peer.socket).await, 1009);
    assert_eq!(hits(&server, "message_size"), 1);
    assert_eq!(metric(&server, "closes_total{code=\"1009\"}"), 1);
}

/// Covers P-087.
#[tokio::test]
async fn the_bytes_that_wait_for_a_client() {
    const QUEUE: u64 = 100_000;
    // What is read in one go before the server notices that it does not fit, and a message.
    const READ: u64 = (128 << 10) + 11_000;
    // More than fits into the sockets.
    const COUNT: usize = 4000;
    let mut config = config();
    config.limits.queue_bytes = usize::try_from(QUEUE).unwrap();
    let server = start(config);
    let path = keys();
    let mut initiator = Peer::join(&server, &path, false).await;
    let mut slow = Peer::join(&server, &path, true).await;
    initiator.notification().await;
    let send = async {
        for n in 0..COUNT {
            let content = [&n.to_be_bytes()[..], &[0; 10_000 - 8]].concat();
            let message = initiator.client.relay(2, &content);
            initiator.send(message).await;
        }
    };
    let read = async {
        // First the sockets fill up, then the queue, and then nothing more is read until half of it was taken: the
        // sockets may be full at any time in between.
        let mut most = 0;
        until(|| {
            most = metric(&server, "queued_bytes").max(most);
            most > QUEUE / 2 && metric(&server, "paused_clients") == 1
        })
        .await;
        assert!(hits(&server, "queue") > 0);
        // Everything arrives once it is read.
        for n in 0..COUNT {
            assert_eq!(slow.binary().await[24..32], n.to_be_bytes());
            most = metric(&server, "queued_bytes").max(most);
        }
        assert!(most <= QUEUE + READ, "{most}");
    };
    tokio::join!(send, read);
    until(|| metric(&server, "queued_bytes") == 0).await;
    assert_eq!(metric(&server, "paused_clients"), 0);
    let count = u64::try_from(COUNT).unwrap();
    assert_eq!(metric(&server, "relayed_messages_total"), count);
    assert_eq!(metric(&server, "relayed_bytes_total"), count * 10_024);
    assert_eq!(metric(&server, "relay_seconds_count"), count);
    for reason in ["queue_full", "all_queues_full", "nobody_there", "receiver_left"] {
        let failures = format!("relay_failures_total{{reason=\"{reason}\"}}");
        assert_eq!(metric(&server, &failures), 0, "{reason}");
    }
}

/// Two receivers that do not read share what there is for all, and one that reads gets everything.
#[tokio::test]
async fn the_bytes_that_wait_for_all_clients() {
    const ALL: usize = 1 << 20;
    let mut config = config();
    config.limits.all_queues_bytes = Some(ALL);
    let server = start(config);
    let mut pairs = Vec::new();
    for _ in 0..3 {
        let path = keys();
        let mut initiator = Peer::join(&server, &path, false).await;
        let responder = Peer::join(&server, &path, true).await;
        assert_eq!(kind(&initiator.notification().await), "new-responder");
        pairs.push((initiator, responder));
    }
    // What two of them sent can have been read in one go when that was reached, with a message more.
    let most = (ALL + 2 * ((128 << 10) + 21_000)) as u64;
    let [(one, _slow), (two, _slower), (initiator, reader)] = &mut pairs[..] else { panic!() };
    let work = async {
        until(|| metric(&server, "paused_clients") == 2).await;
        for _ in 0..100 {
            let message = initiator.client.relay(2, b"you can have it");
            initiator.send(message.clone()).await;
            assert_eq!(reader.binary().await, message);
            assert!(metric(&server, "queued_bytes") <= most);
        }
        until(|| metric(&server, "paused_clients") == 2).await;
    };
    tokio::select! {
        () = one.flood(2, 20_000) => {}
        () = two.flood(2, 20_000) => {}
        () = work => {}
    }
    assert!(hits(&server, "all_queues") >= 2);
    assert_eq!(hits(&server, "queue"), 0);
}

/// What is read can be in memory for long, so nothing more is read of it.
#[tokio::test]
async fn a_large_message_waits_while_all_queues_are_full() {
    const ALL: u64 = 1 << 20;
    let mut config = config();
    config.limits.all_queues_bytes = Some(ALL as usize);
    let server = start(config);
    let mut pairs = Vec::new();
    for _ in 0..2 {
        let path = keys();
        let mut initiator = Peer::join(&server, &path, false).await;
        let responder = Peer::join(&server, &path, true).await;
        assert_eq!(kind(&initiator.notification().await), "new-responder");
        pairs.push((initiator, responder));
    }
    let [(one, slow), (initiator, reader)] = &mut pairs[..] else { panic!() };
    one.send_until_paused(&server, 2, 10_000).await;
    let full = metric(&server, "queued_bytes");
    assert!(full > ALL);
    // A small one is let through.
    let small = reader.client.relay(1, b"small");
    reader.send(small.clone()).await;
    assert_eq!(initiator.binary().await, small);
    let message = initiator.client.relay(2, &vec![7; 900_000]);
    let send = initiator.send(message.clone());
    let go_on = async {
        until(|| metric(&server, "paused_clients") == 2).await;
        assert_eq!(metric(&server, "queued_bytes"), full);
        assert!(metric(&server, "receiving_bytes") < 900_000);
        // It goes on when somebody takes what waits.
        let take = async {
            loop {
                slow.binary().await;
            }
        };
        tokio::select! {
            () = take => {}
            received = reader.binary() => assert!(received == message),
        }
    };
    tokio::join!(send, go_on);
    assert_eq!(metric(&server, "limit_hits_total{limit=\"receiving\"}"), 0);
}

#[tokio::test]
async fn failures_of_tls_are_counted() {
    use tokio::io::AsyncWriteExt as _;

    let mut config = config();
    config.tls = Some(certificate().1);
    let server = start(config);
    let mut tcp = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
    tcp.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    read_to_end(&mut tcp).await;
    until(|| metric(&server, "tls_failures_total") == 1).await;
    until(|| metric(&server, "handshakes_total{outcome=\"tls_failure\"}") == 1).await;
}

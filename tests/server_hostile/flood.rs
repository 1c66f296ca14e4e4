//! Clients that send as much as they can, and clients that read nothing.

use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use saltyrtc::server::Server;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::Message;

use crate::pair::{Enough, Started, turn, withstand};
use crate::scripted_client::SUBPROTOCOL;
use crate::socket_peer::{
    Io, Peer, config, hits, keys, kind, metric, path_of, start, until, upgrade,
};

const QUEUE: usize = 1 << 20;
const MESSAGE: usize = 16 << 10;
const ATTACKERS: usize = 4;

fn server() -> Arc<Server> {
    let mut config = config();
    config.limits.queue_bytes = QUEUE;
    Arc::new(start(config))
}

/// What all clients of the attack and of the pair may have waiting at most: their queues, and the
/// server's own messages.
const BOUND: u64 = ((2 * ATTACKERS + 4) * (QUEUE + (64 << 10))) as u64;

/// What waits at least while all senders are paused.
const FULL: u64 = (ATTACKERS * (QUEUE / 2 - MESSAGE)) as u64;

async fn join_pairs(server: &Server, count: usize) -> Vec<(Peer, Peer)> {
    let mut pairs = Vec::new();
    for _ in 0..count {
        let path = keys();
        let mut initiator = Peer::join(server, &path, false).await;
        let responder = Peer::join(server, &path, true).await;
        assert_eq!(kind(&initiator.notification().await), "new-responder");
        pairs.push((initiator, responder));
    }
    pairs
}

/// Receivers that read nothing, and senders that send for as long as anything is read from them.
#[tokio::test]
async fn receivers_that_stop_reading() {
    let _turn = turn().await;
    let server = server();
    let for_attack = server.clone();
    let attack = |mut started: Started, mut enough: Enough| async move {
        let (mut sending, mut slow) = (Vec::new(), Vec::new());
        for (mut initiator, receiver) in join_pairs(&for_attack, ATTACKERS).await {
            slow.push(receiver);
            sending.push(tokio::spawn(async move { initiator.flood(2, MESSAGE).await }));
        }
        // The queues of all of them are full, and nobody gets anything more in.
        let full = || {
            metric(&for_attack, "paused_clients") == ATTACKERS as u64
                && metric(&for_attack, "queued_bytes") > FULL
        };
        until(full).await;
        started.now();
        enough.wait().await;
        until(full).await;
        sending.iter().for_each(tokio::task::JoinHandle::abort);
    };
    let ((), queued) = withstand("receivers that read nothing", &server, attack).await;
    assert!(queued > FULL && queued <= BOUND, "{queued}");
    assert!(hits(&server, "queue") >= ATTACKERS as u64);
}

/// A sender that never reads the answers to messages that cannot be delivered: in the end it is the
/// server that has to keep them, and it does so up to a point.
#[tokio::test]
async fn a_sender_that_ignores_every_error() {
    let _turn = turn().await;
    let server = server();
    let for_attack = server.clone();
    let attack = |mut started: Started, mut enough: Enough| async move {
        let path = keys();
        let small = TcpSocket::new_v4().unwrap();
        small.set_recv_buffer_size(4096).unwrap();
        let tcp = small.connect(for_attack.local_addr().unwrap()).await.unwrap();
        let stream: Box<dyn Io> = Box::new(tcp);
        let socket = upgrade(stream, &path_of(&path), &[SUBPROTOCOL], &[]).await.unwrap();
        let mut peer = Peer::greeted(socket, path).await;
        peer.authenticate().await;
        started.now();
        while hits(&for_attack, "notifications") == 0 {
            for _ in 0..100 {
                let message = peer.client.relay(99, b"x");
                let sent = peer.socket.feed(Message::Binary(message.into())).await;
                assert!(sent.is_ok() || hits(&for_attack, "notifications") == 1);
            }
        }
        enough.wait().await;
    };
    let ((), queued) = withstand("a sender that reads nothing", &server, attack).await;
    assert!(queued <= BOUND, "{queued}");
    assert_eq!(metric(&server, "closes_total{code=\"3008\"}"), 1);
}

/// Both ends read and write as fast as they can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn senders_that_flood() {
    let _turn = turn().await;
    let server = server();
    let for_attack = server.clone();
    let attack = |mut started: Started, enough: Enough| async move {
        let mut received = Vec::new();
        for (mut initiator, responder) in join_pairs(&for_attack, 2).await {
            let mut until = enough.clone();
            let (_, mut receiving) = responder.socket.split();
            received.push(tokio::spawn(async move {
                let mut count = 0_u64;
                loop {
                    tokio::select! {
                        message = receiving.next() => {
                            assert!(matches!(message, Some(Ok(Message::Binary(_)))), "{message:?}");
                            count += 1;
                            // The pair shares these threads, and is to wait for the server only.
                            tokio::task::yield_now().await;
                        }
                        () = until.wait() => return count,
                    }
                }
            }));
            let mut until = enough.clone();
            tokio::spawn(async move {
                let flood = async {
                    loop {
                        let message = initiator.client.relay(2, &[3; MESSAGE]);
                        initiator.send(message).await;
                        tokio::task::yield_now().await;
                    }
                };
                tokio::select! {
                    () = flood => {}
                    () = until.wait() => {}
                }
            });
        }
        started.now();
        let mut all = 0;
        for count in received {
            all += count.await.unwrap();
        }
        all
    };
    let (received, queued) = withstand("flood", &server, attack).await;
    assert!(received > 0);
    assert!(queued <= BOUND, "{queued}");
}

/// The beginnings of large messages, of clients that never send the rest, before the handshake and after it. Others
/// get their large messages through.
#[tokio::test]
async fn messages_that_never_end() {
    const BUDGET: usize = 8 << 20;
    const CLIENTS: usize = 60;
    const LARGE: usize = 1 << 20;
    let _turn = turn().await;
    let mut config = config();
    config.limits.receiving_bytes = Some(BUDGET);
    let server = Arc::new(start(config));
    let for_attack = server.clone();
    let most = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let seen = most.clone();
    let attack = |mut started: Started, enough: Enough| async move {
        let header = [&[0x82, 0xff][..], &(LARGE as u64).to_be_bytes(), &[0; 4]].concat();
        let beginning = [header, vec![0; LARGE - 1]].concat();
        let mut silent = Vec::new();
        let mut pairs = join_pairs(&for_attack, 1).await;
        let (initiator, responder) = &mut pairs[0];
        let mut n = 0;
        while !enough.reached() || n < CLIENTS {
            let path = keys();
            let mut peer = match n % 3 {
                0 => Peer::connect(&for_attack, &path, keys()).await,
                _ => Peer::join(&for_attack, &path, false).await,
            };
            // Some are cut off while they send.
            let _ = peer.socket.get_mut().write_all(&beginning).await;
            silent.push(peer);
            silent.drain(..silent.len().saturating_sub(CLIENTS));
            // The oldest message has to go for it, and that is never this one.
            let message = initiator.client.relay(2, &vec![1; LARGE - 24]);
            let (_, received) = tokio::join!(initiator.send(message.clone()), responder.binary());
            assert!(received == message);
            let receiving = metric(&for_attack, "receiving_bytes");
            seen.fetch_max(receiving, std::sync::atomic::Ordering::Relaxed);
            n += 1;
            if n == CLIENTS {
                started.now();
            }
        }
        n as u64
    };
    let (clients, _) = withstand("messages without an end", &server, attack).await;
    let most = most.load(std::sync::atomic::Ordering::Relaxed);
    assert!(most <= BUDGET as u64 && most > BUDGET as u64 / 2, "{most}");
    assert!(hits(&server, "receiving") > 0 && hits(&server, "message_size") >= clients / 3);
}

//! Clients that send as much as they can, and clients that read nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{SinkExt as _, StreamExt as _};
use saltyrtc::server::Server;
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

use crate::pair::{Enough, Started, turn, withstand};
use crate::scripted_client::SUBPROTOCOL;
use crate::socket_peer::{
    Peer, config, hits, keys, kind, metric, metric_in, path_of, start, upgrade,
};
use crate::target::Target;

pub(crate) const QUEUE: usize = 1 << 20;
pub(crate) const RECEIVING: usize = 8 << 20;
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

async fn join_pairs(target: &Target, count: usize) -> Vec<(Peer, Peer)> {
    let mut pairs = Vec::new();
    for _ in 0..count {
        let path = keys();
        let mut initiator = target.join(&path, false).await;
        let responder = target.join(&path, true).await;
        assert_eq!(kind(&initiator.notification().await), "new-responder");
        pairs.push((initiator, responder));
    }
    pairs
}

pub(crate) async fn stopped_receivers(target: Target, mut started: Started, mut enough: Enough) {
    let (mut sending, mut slow) = (JoinSet::new(), Vec::new());
    for (mut initiator, receiver) in join_pairs(&target, ATTACKERS).await {
        slow.push(receiver);
        sending.spawn(async move { initiator.flood(2, MESSAGE).await });
    }
    // The queues of all of them are full, and nobody gets anything more in.
    let full = |text: &str| {
        metric_in(text, "paused_clients") >= ATTACKERS as u64
            && metric_in(text, "queued_bytes") > FULL
    };
    target.until("all wait", full).await;
    started.now();
    enough.wait().await;
    target.until("all wait", full).await;
}

/// Receivers that read nothing, and senders that send for as long as anything is read from them.
#[tokio::test]
async fn receivers_that_stop_reading() {
    let _turn = turn().await;
    let server = server();
    let target = Target::from(&server);
    let attack = |started, enough| stopped_receivers(target.clone(), started, enough);
    let ((), queued) = withstand("receivers that read nothing", &target, attack).await;
    assert!(queued > FULL && queued <= BOUND, "{queued}");
    assert!(hits(&server, "queue") >= ATTACKERS as u64);
}

pub(crate) async fn ignored_errors(target: Target, mut started: Started, mut enough: Enough) {
    let path = keys();
    let stream = target.narrow_stream().await.unwrap();
    let socket = upgrade(stream, &path_of(&path), &[SUBPROTOCOL], &[]).await.unwrap();
    let mut peer = Peer::greeted(socket, path).await;
    peer.authenticate().await;
    started.now();
    let before = target.hits("notifications").await;
    while target.hits("notifications").await == before {
        for _ in 0..100 {
            let message = peer.client.relay(99, b"x");
            if peer.socket.feed(Message::Binary(message.into())).await.is_err() {
                let refused = target.hits("notifications").await;
                assert_eq!(refused, before + 1, "for no other reason");
            }
        }
    }
    enough.wait().await;
}

/// A sender that never reads the answers to messages that cannot be delivered: in the end it is the
/// server that has to keep them, and it does so up to a point.
#[tokio::test]
async fn a_sender_that_ignores_every_error() {
    let _turn = turn().await;
    let server = server();
    let target = Target::from(&server);
    let attack = |started, enough| ignored_errors(target.clone(), started, enough);
    let ((), queued) = withstand("a sender that reads nothing", &target, attack).await;
    assert!(queued <= BOUND, "{queued}");
    assert_eq!(metric(&server, "closes_total{code=\"3008\"}"), 1);
}

/// Gives back how many messages came through.
async fn flood(target: &Target, mut started: Started, mut enough: Enough) -> u64 {
    let received = Arc::new(AtomicU64::new(0));
    let mut flooding = JoinSet::new();
    for (mut initiator, responder) in join_pairs(target, 2).await {
        let (_, mut receiving) = responder.socket.split();
        let received = received.clone();
        flooding.spawn(async move {
            loop {
                let message = receiving.next().await;
                assert!(matches!(message, Some(Ok(Message::Binary(_)))), "{message:?}");
                received.fetch_add(1, Ordering::Relaxed);
                // The pair can share these threads, and is to wait for the server only.
                tokio::task::yield_now().await;
            }
        });
        flooding.spawn(async move {
            loop {
                let message = initiator.client.relay(2, &[3; MESSAGE]);
                initiator.send(message).await;
                tokio::task::yield_now().await;
            }
        });
    }
    started.now();
    tokio::select! {
        Some(failed) = flooding.join_next() => failed.unwrap(),
        () = enough.wait() => {}
    }
    received.load(Ordering::Relaxed)
}

pub(crate) async fn flooding_pairs(target: Target, started: Started, enough: Enough) {
    flood(&target, started, enough).await;
}

/// Both ends read and write as fast as they can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn senders_that_flood() {
    let _turn = turn().await;
    let server = server();
    let target = Target::from(&server);
    let for_attack = target.clone();
    let attack = |started, enough| async move { flood(&for_attack, started, enough).await };
    let (received, queued) = withstand("flood", &target, attack).await;
    assert!(received > 0);
    assert!(queued <= BOUND, "{queued}");
}

/// How many clients have a message under way that never ends.
const CLIENTS: usize = 60;
const LARGE: usize = 1 << 20;

/// Gives back how many clients there were, and the most bytes that were kept for them.
async fn beginnings(target: &Target, mut started: Started, enough: Enough) -> (u64, u64) {
    let header = [&[0x82, 0xff][..], &(LARGE as u64).to_be_bytes(), &[0; 4]].concat();
    let beginning = [header, vec![0; LARGE - 1]].concat();
    let mut silent = Vec::new();
    let mut pairs = join_pairs(target, 1).await;
    let (initiator, responder) = &mut pairs[0];
    let (mut n, mut most) = (0, 0);
    while !enough.reached() || n < CLIENTS {
        let path = keys();
        let mut peer = match n % 3 {
            0 => target.connect(&path, keys()).await,
            _ => target.join(&path, false).await,
        };
        // Some are cut off while they send.
        let _ = peer.socket.get_mut().write_all(&beginning).await;
        silent.push(peer);
        silent.drain(..silent.len().saturating_sub(CLIENTS));
        // The oldest message has to go for it, and that is never this one.
        let message = initiator.client.relay(2, &vec![1; LARGE - 24]);
        let (_, received) = tokio::join!(initiator.send(message.clone()), responder.binary());
        assert!(received == message);
        most = target.metric("receiving_bytes").await.max(most);
        n += 1;
        if n * LARGE >= 2 * RECEIVING {
            started.now();
        }
    }
    (n as u64, most)
}

pub(crate) async fn messages_without_an_end(target: Target, started: Started, enough: Enough) {
    beginnings(&target, started, enough).await;
}

/// The beginnings of large messages, of clients that never send the rest, before the handshake and after it. Others
/// get their large messages through.
#[tokio::test]
async fn messages_that_never_end() {
    let _turn = turn().await;
    let mut config = config();
    config.limits.receiving_bytes = Some(RECEIVING);
    let server = Arc::new(start(config));
    let target = Target::from(&server);
    let for_attack = target.clone();
    let attack = |started, enough| async move { beginnings(&for_attack, started, enough).await };
    let ((clients, most), _) = withstand("messages without an end", &target, attack).await;
    assert!(most <= RECEIVING as u64 && most > RECEIVING as u64 / 2, "{most}");
    assert!(hits(&server, "receiving") > 0 && hits(&server, "message_size") >= clients / 3);
}

//! Clients that come only to go again.

use std::net::Ipv4Addr;
use std::sync::Arc;

use saltyrtc::server::AcceptRate;
use tokio::io::AsyncReadExt as _;
use tokio::task::JoinSet;

use crate::pair::{Enough, Started, turn, withstand};
use crate::socket_peer::{
    Peer, config, hits, keys, kind, metric, metric_in, path_of, start, upgrade,
};
use crate::target::Target;

/// How often at least, where the pair that is measured would be enough before.
const LEAST: u64 = 100;

pub(crate) async fn connections_without_words(
    target: Target,
    mut started: Started,
    enough: Enough,
) {
    started.now();
    while !enough.reached() {
        drop(target.tcp().await);
    }
}

/// Connections that are opened as fast as that goes. Those from other addresses come in.
#[tokio::test]
async fn connections_that_are_closed_at_once() {
    let _turn = turn().await;
    let mut config = config();
    config.limits.accept_rate = Some(AcceptRate { per_second: 10, burst: 100 });
    let server = Arc::new(start(config));
    let target = Target::from(&server);
    let other = target.seen_from(Ipv4Addr::new(127, 0, 0, 2));
    let attack = |mut started: Started, enough: Enough| async move {
        while other.hits("accept_rate").await == 0 {
            drop(other.tcp().await.unwrap());
        }
        started.now();
        connections_without_words(other, started, enough).await;
    };
    withstand("connections that come and go", &target, attack).await;
    assert!(hits(&server, "accept_rate") > 0);
    target.until_nobody_is_connected().await;
}

pub(crate) async fn tls_and_nothing_else(target: Target, mut started: Started, enough: Enough) {
    started.now();
    while !enough.reached() {
        // Too many in a second are not let in.
        drop(target.stream().await);
    }
}

/// Gives back how many paths there were.
async fn paths(target: &Target, mut started: Started, enough: Enough) -> u64 {
    let mut joined = 0;
    started.now();
    while !enough.reached() || joined < LEAST {
        drop(target.join(&keys(), false).await);
        joined += 1;
    }
    joined
}

pub(crate) async fn new_paths(target: Target, started: Started, enough: Enough) {
    paths(&target, started, enough).await;
}

/// Initiators of ever new paths. Nothing stays of them.
#[tokio::test]
async fn paths_that_are_used_once() {
    let _turn = turn().await;
    let server = Arc::new(start(config()));
    let target = Target::from(&server);
    let for_attack = target.clone();
    let attack = |started, enough| async move { paths(&for_attack, started, enough).await };
    let (joined, _) = withstand("paths that are used once", &target, attack).await;
    assert_eq!(metric(&server, "handshakes_total{outcome=\"initiator\"}"), joined + 2);
    target.until_nobody_is_connected().await;
    assert_eq!((metric(&server, "paths"), metric(&server, "queued_bytes")), (0, 0));
}

/// Joins a path, whose initiator does not read, and leaves it, again and again. Gives back the initiator.
async fn visitors(target: &Target, mut started: Started, enough: Enough) -> Peer {
    let path = keys();
    let stream = target.narrow_stream().await.unwrap();
    let subprotocols = [crate::scripted_client::SUBPROTOCOL];
    let socket = upgrade(stream, &path_of(&path), &subprotocols, &[]).await.unwrap();
    let mut initiator = Peer::greeted(socket, path.clone()).await;
    initiator.authenticate().await;
    let mut joined = 0;
    started.now();
    while !enough.reached() || joined < LEAST {
        drop(target.join(&path, true).await);
        joined += 1;
    }
    initiator
}

pub(crate) async fn joining_and_leaving(target: Target, started: Started, enough: Enough) {
    visitors(&target, started, enough).await;
}

/// A stranger who joins and leaves a path. The initiator, who reads nothing of it, stays.
#[tokio::test]
async fn responders_that_come_and_go() {
    let _turn = turn().await;
    let server = Arc::new(start(config()));
    let target = Target::from(&server);
    let for_attack = target.clone();
    let attack = |started, enough| async move { visitors(&for_attack, started, enough).await };
    let (mut initiator, _) = withstand("responders that come and go", &target, attack).await;
    assert_eq!(hits(&server, "notifications"), 0);
    let only = |count| move |text: &str| metric_in(text, "clients{role=\"responder\"}") == count;
    target.until("all visitors have left", only(0)).await;
    let guest = target.join(&initiator.client.keys.clone(), true).await;
    let guest = Some(guest.client.address.into());
    loop {
        let notice = initiator.notification().await;
        let id = crate::scripted_client::field(&notice, "id").and_then(rmpv::Value::as_u64);
        // Visitors had this address before, and they have left.
        if kind(&notice) == "new-responder" && id == guest {
            break;
        }
    }
    assert_eq!(metric(&server, "clients{role=\"responder\"}"), 1);
}

/// Connections to the admin listener that say nothing and are opened again when they are closed.
pub(crate) async fn silence_at_the_admin_listener(
    target: Target,
    mut started: Started,
    mut enough: Enough,
) {
    // A few more than there is room for.
    const SILENT: usize = 70;
    let mut silent = JoinSet::new();
    for _ in 0..SILENT {
        let target = target.clone();
        silent.spawn(async move {
            loop {
                let mut stream = target.tcp_to_admin().await.unwrap();
                let _ = stream.read(&mut [0]).await;
            }
        });
    }
    started.now();
    enough.wait().await;
}

//! More clients on a path than it has addresses.

use std::sync::Arc;

use saltyrtc::crypto::KeyPair;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

use crate::pair::{Enough, Started, turn, withstand};
use crate::scripted_client::ScriptedClient;
use crate::socket_peer::{Peer, closed, config, keys, kind, metric, next, start};
use crate::target::{Target, hits_in};

/// How many connections the program has room for on a path. All responders are fewer.
pub(crate) const ROOM: usize = 300;

/// Holds more connections on a path than there is room for, which say nothing, and opens each again that is closed,
/// until this is dropped.
fn silent(target: &Target, path: &KeyPair, room: usize) -> JoinSet<()> {
    let mut silent = JoinSet::new();
    for _ in 0..room + 20 {
        let (target, path) = (target.clone(), path.clone());
        silent.spawn(async move {
            loop {
                // Too many in a second are not let in.
                let Ok(mut socket) = target.open(&path).await else { continue };
                while let Some(Message::Binary(_)) = next(&mut socket).await {}
            }
        });
    }
    silent
}

pub(crate) async fn silence_on_a_full_path(target: Target, mut started: Started, enough: Enough) {
    let path = keys();
    let _silent = silent(&target, &path, ROOM);
    let before = target.hits("connections_per_path").await;
    target.until("the path is full", |text| hits_in(text, "connections_per_path") > before).await;
    started.now();
    while !enough.reached() {
        // Whoever has the key gets in.
        target.join(&path, false).await;
    }
}

/// Somebody who knows a path holds more connections on it than it may have, and opens each again that is closed. The
/// initiator, who owns the key, gets in every time, although all come from the same address.
#[tokio::test]
async fn a_path_full_of_connections_that_say_nothing() {
    const ATTEMPTS: usize = 60;
    const ROOM: usize = 100;
    let _turn = turn().await;
    let mut config = config();
    config.limits.connections_per_path = Some(ROOM);
    config.limits.accept_rate = None;
    let server = Arc::new(start(config));
    let target = Target::from(&server);
    let (owner, for_attack) = (keys(), target.clone());
    let attack = |mut started: Started, mut enough: Enough| async move {
        let _silent = silent(&for_attack, &owner, ROOM);
        let full = |text: &str| hits_in(text, "connections_per_path") > 0;
        for_attack.until("the path is full", full).await;
        started.now();
        for _ in 0..ATTEMPTS {
            for_attack.join(&owner, false).await;
        }
        enough.wait().await;
    };
    withstand("silent connections", &target, attack).await;
    let joined = metric(&server, "handshakes_total{outcome=\"initiator\"}");
    // The pairs that are measured have initiators, too.
    assert_eq!(joined, ATTEMPTS as u64 + 2);
}

/// As many as a path has addresses for.
const RESPONDERS: u64 = 254;

/// Takes all responder addresses of a path. They send to the initiator, and one more after the other is refused. Gives
/// back how many were, and the responders.
async fn responders(
    target: &Target,
    path: &KeyPair,
    mut started: Started,
    enough: Enough,
) -> (u64, Vec<Peer>) {
    let joining = (0..RESPONDERS).map(|_| target.join(path, true));
    let mut responders = futures_util::future::join_all(joining).await;
    responders.sort_unstable_by_key(|responder| responder.client.address);
    started.now();
    let mut refused = 0;
    while !enough.reached() {
        let mut late = target.connect(path, keys()).await;
        late.hello().await;
        let auth = late.client.client_auth();
        let message = late.client.sealed(&auth);
        late.send(message).await;
        assert_eq!(closed(&mut late.socket).await, 3000);
        refused += 1;
        for responder in &mut responders {
            let message = responder.client.relay(1, &[9; 100]);
            responder.send(message).await;
        }
    }
    // They stay until the initiator has had a look at them.
    (refused, responders)
}

pub(crate) async fn responders_on_every_address(target: Target, started: Started, enough: Enough) {
    let path = keys();
    let _initiator = target.join(&path, false).await;
    responders(&target, &path, started, enough).await;
}

/// All responder addresses are taken by clients that flood the initiator and come again and again.
///
/// Covers P-148.
#[tokio::test]
async fn a_path_full_of_responders() {
    let _turn = turn().await;
    let server = Arc::new(start(config()));
    let target = Target::from(&server);
    let crowded = keys();
    let mut initiator = target.join(&crowded, false).await;
    let (for_attack, path) = (target.clone(), crowded.clone());
    let attack =
        |started, enough| async move { responders(&for_attack, &path, started, enough).await };
    let ((refused, mut responders), _) = withstand("full path", &target, attack).await;
    assert!(refused > 0);
    assert_eq!(metric(&server, "handshakes_total{outcome=\"path_full\"}"), refused);
    // The initiator reads again, gets everything in order, and can make room.
    for _ in 0..RESPONDERS {
        assert_eq!(kind(&initiator.notification().await), "new-responder");
    }
    for _ in 0..RESPONDERS {
        assert_eq!(initiator.binary().await[24..], [9; 100]);
    }
    let drop = ScriptedClient::drop_responder(77, None);
    let message = initiator.client.sealed(&drop);
    initiator.send(message).await;
    // Where the initiator had no room for something that this one sent, it was told so.
    let dropped = &mut responders[75];
    let code = loop {
        match next(&mut dropped.socket).await {
            Some(Message::Binary(told)) => {
                assert_eq!(kind(&dropped.client.open(&told)), "send-error");
            }
            Some(Message::Close(Some(frame))) => break u16::from(frame.code),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, 3004);
    let mut guest = target.join(&crowded, true).await;
    assert_eq!(guest.client.address, 77);
    let message = guest.client.relay(1, b"at last");
    guest.send(message).await;
}

//! More clients on a path than it has addresses.

use tokio_tungstenite::tungstenite::Message;

use crate::pair::{Enough, Started, turn, withstand};
use crate::scripted_client::SUBPROTOCOL;
use crate::socket_peer::{
    Peer, closed, config, hits, keys, kind, metric, next, open, path_of, start, until,
};

/// Somebody who knows a path holds more connections on it than it may have, and opens each again that is closed. The
/// initiator, who owns the key, gets in every time, although all come from the same address.
#[tokio::test]
async fn a_path_full_of_connections_that_say_nothing() {
    const SILENT: usize = 120;
    const ATTEMPTS: usize = 60;
    let _turn = turn().await;
    let mut config = config();
    config.limits.connections_per_path = Some(100);
    config.limits.accept_rate = None;
    let server = std::sync::Arc::new(start(config));
    let owner = keys();
    let (address, target) = (server.local_addr().unwrap(), path_of(&owner));
    let for_attack = server.clone();
    let attack = |mut started: Started, enough: Enough| async move {
        let silent = (0..SILENT).map(|_| {
            let (target, mut enough) = (target.clone(), enough.clone());
            tokio::spawn(async move {
                let hold = async {
                    loop {
                        let mut socket =
                            open(address, &target, &[SUBPROTOCOL], None).await.unwrap();
                        while let Some(Message::Binary(_)) = next(&mut socket).await {}
                    }
                };
                tokio::select! {
                    () = hold => unreachable!(),
                    () = enough.wait() => {}
                }
            })
        });
        let silent: Vec<_> = silent.collect();
        until(|| hits(&for_attack, "connections_per_path") > 0).await;
        started.now();
        for _ in 0..ATTEMPTS {
            let mut initiator = Peer::connect(&for_attack, &owner, owner.clone()).await;
            initiator.authenticate().await;
        }
        for task in silent {
            task.await.unwrap();
        }
    };
    withstand("silent connections", &server, attack).await;
    let joined = metric(&server, "handshakes_total{outcome=\"initiator\"}");
    // The pairs that are measured have initiators, too.
    assert_eq!(joined, ATTEMPTS as u64 + 2);
}

/// All responder addresses are taken by clients that flood the initiator and come again and again.
///
/// Covers P-148.
#[tokio::test]
async fn a_path_full_of_responders() {
    const RESPONDERS: u64 = 254;
    let _turn = turn().await;
    let server = std::sync::Arc::new(start(config()));
    let crowded = keys();
    let mut initiator = Peer::join(&server, &crowded, false).await;
    let (for_attack, path) = (server.clone(), crowded.clone());
    let attack = |mut started: Started, enough: Enough| async move {
        let mut responders = Vec::new();
        for _ in 0..RESPONDERS {
            responders.push(Peer::join(&for_attack, &path, true).await);
        }
        started.now();
        let mut refused = 0;
        while !enough.reached() {
            let mut late = Peer::connect(&for_attack, &path, keys()).await;
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
    };
    let ((refused, mut responders), _) = withstand("full path", &server, attack).await;
    assert!(refused > 0);
    assert_eq!(metric(&server, "handshakes_total{outcome=\"path_full\"}"), refused);
    // The initiator reads again, gets everything in order, and can make room.
    for _ in 0..RESPONDERS {
        assert_eq!(kind(&initiator.notification().await), "new-responder");
    }
    for _ in 0..RESPONDERS {
        assert_eq!(initiator.binary().await[24..], [9; 100]);
    }
    let drop = crate::scripted_client::ScriptedClient::drop_responder(77, None);
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
    let mut guest = Peer::join(&server, &crowded, true).await;
    assert_eq!(guest.client.address, 77);
    let message = guest.client.relay(1, b"at last");
    guest.send(message).await;
}

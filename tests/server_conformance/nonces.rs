//! Nonces, and data that cannot be read.

use std::collections::HashSet;

use futures_util::SinkExt as _;
use tokio_tungstenite::tungstenite::Message;

use crate::*;

const STAGES: [&str; 4] = ["initiator", "introduced", "authenticated", "responder"];

async fn at(room: &Room<'_>, stage: &str) -> Peer {
    match stage {
        "initiator" => room.initiator().await,
        "introduced" => room.responder().await,
        "authenticated" => room.join_initiator().await,
        _ => room.join_responder().await,
    }
}

/// The next message to the server that would be good at a stage, if any would be.
fn message(peer: &mut Peer, stage: &str) -> Vec<u8> {
    match stage {
        "initiator" | "introduced" => {
            let auth = peer.client.client_auth();
            peer.client.sealed(&auth)
        }
        _ => peer.client.sealed(&ScriptedClient::drop_responder(9, None)),
    }
}

/// Covers P-023 P-055 P-064 P-065 P-074 P-075 P-076 P-078 P-079 P-083 P-095 P-104 P-298.
#[tokio::test]
async fn nonces_of_clients_are_checked_at_every_stage() {
    type Wrong = (&'static str, bool, fn(&mut ScriptedClient));
    // Whether it is wrong in a first message too.
    let wrongs: [Wrong; 7] = [
        ("source", true, |client| client.address = client.address.wrapping_add(1)),
        ("overflow number", true, |client| client.sequence += 1 << 32),
        ("our cookie", true, |client| client.cookie = client.server.unwrap().1),
        ("another cookie", false, |client| client.cookie[0] ^= 1),
        ("a gap", false, |client| client.sequence += 1),
        ("the same number again", false, |client| client.sequence -= 1),
        ("two back", false, |client| client.sequence -= 2),
    ];
    for bench in benches() {
        // An authenticated responder has nothing to tell the server that would be good.
        for stage in &STAGES[..3] {
            let first = *stage == "initiator";
            for (what, _, wrong) in wrongs.iter().filter(|(_, always, _)| *always || !first) {
                let mut peer = at(&bench.room(), stage).await;
                wrong(&mut peer.client);
                let message = message(&mut peer, stage);
                assert_eq!(refused(&mut peer, message).await, 3001, "{stage}: {what}");
            }
        }
        for stage in STAGES {
            for length in [0, 1, 23, 24] {
                let mut peer = at(&bench.room(), stage).await;
                let message = message(&mut peer, stage)[..length].to_vec();
                assert_eq!(refused(&mut peer, message).await, 3001, "{stage}: {length} bytes");
            }
        }
        // The same without a mistake.
        for stage in &STAGES[..3] {
            let mut peer = at(&bench.room(), stage).await;
            let message = message(&mut peer, stage);
            peer.send(message).await;
            if *stage != "authenticated" {
                peer.notification().await;
            }
            nothing_new(&mut peer).await;
        }
    }
}

/// A client may start with any sequence number, so the carry into the overflow number can be seen.
///
/// Covers P-022 P-028 P-074 P-076 P-079 P-080 P-081 P-082 P-083.
#[tokio::test]
async fn sequence_numbers_count_by_one_and_carry() {
    const LAST: u64 = u32::MAX as u64;
    // Combined numbers; only the last may be wrong.
    let table = [
        (&[0, 1, 2][..], true),
        (&[LAST, LAST + 1, LAST + 2], true),
        (&[LAST, 0], false),
        (&[LAST, LAST + 2], false),
        (&[LAST, LAST + 1, 1], false),
        (&[LAST, LAST + 1, 0], false),
        (&[LAST, LAST + 1, 2 * (LAST + 1)], false),
        (&[LAST + 1], false),
        (&[5, 6 + (1 << 32)], false),
        (&[0xff, 0x1_0000], false),
        (&[5, 5], false),
        (&[5, 7], false),
        (&[5, 4], false),
    ];
    for bench in benches() {
        for (numbers, good) in table {
            let mut peer = bench.room().initiator().await;
            for (i, number) in numbers.iter().enumerate() {
                peer.client.sequence = *number;
                let stage = if i == 0 { "initiator" } else { "authenticated" };
                let message = message(&mut peer, stage);
                peer.send(message).await;
                if i == 0 && numbers.len() > 1 {
                    peer.notification().await;
                }
            }
            if good {
                nothing_new(&mut peer).await;
            } else {
                assert_eq!(closed(&mut peer.socket).await, 3001, "{numbers:?}");
            }
        }
    }
}

/// Each message of the server is checked by the scripted client: same cookie, counted by one.
///
/// Covers P-024 P-029 P-039 P-048 P-077.
#[tokio::test]
async fn clients_are_counted_each_for_itself() {
    for bench in benches() {
        let room = bench.room();
        let mut peers = [room.responder().await, room.responder().await, room.responder().await];
        let mut nonces = HashSet::new();
        for round in 0..20 {
            for peer in &mut peers {
                let message = match round {
                    0 => message(peer, "introduced"),
                    _ => peer.client.relay(1, b"nobody is there"),
                };
                peer.send(message).await;
                let answer = peer.binary().await;
                peer.client.open(&answer);
                assert!(nonces.insert(answer[..24].to_vec()));
            }
        }
        let cookies: HashSet<_> = nonces.iter().map(|nonce| nonce[..16].to_vec()).collect();
        assert_eq!((nonces.len(), cookies.len()), (60, 3));
    }
}

/// Covers P-023 P-083 P-084 P-085 P-093.
#[tokio::test]
async fn garbage_closes_with_3001_and_disturbs_nobody_else() {
    let garbage = [&[0xc1][..], &[0x80], &[0; 16], &[0xff; 200], &[0x91; 5000]];
    for bench in benches() {
        let room = bench.room();
        let (mut initiator, mut responder) = room.pair().await;
        for data in garbage {
            for sealed in [false, true] {
                let mut peer = room.initiator().await;
                let message = if sealed {
                    peer.client.sealed_bytes(data)
                } else {
                    [&peer.client.nonce(0)[..], data].concat()
                };
                assert_eq!(refused(&mut peer, message).await, 3001, "{sealed} {data:?}");
            }
        }
        // One bit is wrong, in each part of a message.
        for at in [0, 20, 24, 45, 100] {
            let mut peer = room.responder().await;
            let mut message = message(&mut peer, "introduced");
            message[at] ^= 1;
            assert_eq!(refused(&mut peer, message).await, 3001, "byte {at}");
        }
        exchange(&mut initiator, &mut responder).await;
    }
}

/// Covers P-023 P-054 P-298.
#[tokio::test]
async fn text_is_refused_at_every_stage() {
    for bench in benches() {
        for stage in STAGES {
            let mut peer = at(&bench.room(), stage).await;
            peer.socket.send(Message::text("hello")).await.unwrap();
            assert_eq!(closed(&mut peer.socket).await, 3001, "{stage}");
        }
    }
}

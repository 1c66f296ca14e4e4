//! Clients that send what nobody should.

use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use saltyrtc::crypto::{OsRandom, RandomSource};
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::tungstenite::Message;

use crate::pair::{Enough, Started, turn, withstand};
use crate::socket_peer::{closed, config, keys, metric, read_to_end, start};
use crate::target::Target;

/// How many attempts there are at least, so that there is each kind of them.
const LEAST: usize = 100;

fn random(bytes: usize) -> Vec<u8> {
    let mut data = vec![0; bytes];
    let source: &mut dyn RandomSource = &mut OsRandom;
    for chunk in data.chunks_mut(32) {
        let fresh: [u8; 32] = source.array();
        chunk.copy_from_slice(&fresh[..chunk.len()]);
    }
    data
}

/// Gives back how often a message was refused, and how many frames were nothing.
async fn garbage(target: &Target, mut started: Started, enough: Enough) -> (u64, u64) {
    let (mut rounds, mut refused, mut bad_frames) = (0, 0, 0);
    started.now();
    while !enough.reached() || rounds < LEAST {
        let size = 1 + usize::from(random(1)[0]) * (rounds % 20 + 1);
        match rounds % 4 {
            0 => {
                let mut tcp = target.tcp().await.unwrap();
                let _ = tcp.write_all(&random(size)).await;
                let _ = tcp.shutdown().await;
                read_to_end(&mut tcp).await;
            }
            1 => {
                let mut peer = target.connect(&keys(), keys()).await;
                let stream = peer.socket.get_mut();
                let mut frames = random(size + 20);
                // A reserved bit, so that it is never a message by chance.
                frames[0] |= 0x40;
                let _ = stream.write_all(&frames).await;
                bad_frames += 1;
                let _ = stream.shutdown().await;
                read_to_end(stream).await;
            }
            stage => {
                let path = keys();
                let mut peer = match stage {
                    2 => target.connect(&path, keys()).await,
                    _ => target.join(&path, rounds % 8 > 3).await,
                };
                // To the server, so that it has to be looked at: it closes with 3001.
                let mut message = [peer.client.nonce(0).to_vec(), random(size)].concat();
                if rounds % 3 == 0 {
                    message = random(size);
                    // Where the nonce has the destination.
                    if let Some(destination) = message.get_mut(17) {
                        *destination = 0;
                    }
                }
                let _ = peer.socket.send(Message::Binary(message.into())).await;
                match peer.socket.next().await {
                    Some(Ok(Message::Close(Some(frame)))) => {
                        assert_eq!(u16::from(frame.code), 3001);
                        refused += 1;
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        rounds += 1;
    }
    (refused, bad_frames)
}

pub(crate) async fn garbage_everywhere(target: Target, started: Started, enough: Enough) {
    garbage(&target, started, enough).await;
}

/// Random bytes in place of a request, of frames, of messages before and after authentication.
#[tokio::test]
async fn garbage_at_every_stage() {
    let _turn = turn().await;
    let server = Arc::new(start(config()));
    let target = Target::from(&server);
    let for_attack = target.clone();
    let attack = |started, enough| async move { garbage(&for_attack, started, enough).await };
    let ((refused, bad_frames), _) = withstand("garbage", &target, attack).await;
    assert_eq!(metric(&server, "closes_total{code=\"3001\"}"), refused);
    // Some announce more than they have, and end before they are looked at.
    let closed = metric(&server, "closes_total{code=\"1002\"}");
    assert!((1..=bad_frames).contains(&closed), "{closed} of {bad_frames}");
    target.until_nobody_is_connected().await;
    for gone in
        ["clients{role=\"initiator\"}", "clients{role=\"responder\"}", "paths", "queued_bytes"]
    {
        assert_eq!(metric(&server, gone), 0, "{gone}");
    }
}

/// A message of 60 KiB, which is as much as anybody may send at that time, that is a map of this many entries.
fn large_map() -> Vec<u8> {
    const ENTRIES: u32 = 20_000;
    let mut map = vec![0xdf];
    map.extend(ENTRIES.to_be_bytes());
    for _ in 0..ENTRIES {
        // A text of one character, and nothing.
        map.extend([0xa1, b'a', 0xc0]);
    }
    map
}

pub(crate) async fn maps_before_authentication(
    target: Target,
    mut started: Started,
    enough: Enough,
) {
    let map = large_map();
    started.now();
    while !enough.reached() {
        let mut peer = target.connect(&keys(), keys()).await;
        let message = [&peer.client.nonce(0)[..], &map].concat();
        peer.send(message).await;
        // Where others use up what may be kept of incomplete messages, this one can have to go for them.
        let code = closed(&mut peer.socket).await;
        assert!(code == 3001 || code == 3008, "{code}");
    }
}

/// Maps of twenty thousand entries in place of the first message.
#[tokio::test]
async fn large_maps_before_authentication() {
    let _turn = turn().await;
    let server = Arc::new(start(config()));
    let target = Target::from(&server);
    let attack = |started, enough| maps_before_authentication(target.clone(), started, enough);
    withstand("large maps", &target, attack).await;
    target.until_nobody_is_connected().await;
    assert!(metric(&server, "closes_total{code=\"3001\"}") > 0);
    assert_eq!(metric(&server, "closes_total{code=\"3008\"}"), 0);
}

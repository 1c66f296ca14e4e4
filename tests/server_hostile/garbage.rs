//! Clients that send what nobody should.

use futures_util::{SinkExt as _, StreamExt as _};
use saltyrtc::crypto::{OsRandom, RandomSource};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::pair::{Enough, Started, turn, withstand};
use crate::socket_peer::{Peer, config, keys, metric, read_to_end, start, until};

fn random(bytes: usize) -> Vec<u8> {
    let mut data = vec![0; bytes];
    let source: &mut dyn RandomSource = &mut OsRandom;
    for chunk in data.chunks_mut(32) {
        let fresh: [u8; 32] = source.array();
        chunk.copy_from_slice(&fresh[..chunk.len()]);
    }
    data
}

/// Random bytes in place of a request, of frames, of messages before and after authentication.
#[tokio::test]
async fn garbage_at_every_stage() {
    const LEAST: usize = 100;
    let _turn = turn().await;
    let server = std::sync::Arc::new(start(config()));
    let for_attack = server.clone();
    let attack = |mut started: Started, enough: Enough| async move {
        let (mut rounds, mut refused, mut bad_frames) = (0, 0, 0);
        started.now();
        while !enough.reached() || rounds < LEAST {
            let size = 1 + usize::from(random(1)[0]) * (rounds % 20 + 1);
            match rounds % 4 {
                0 => {
                    let mut tcp =
                        TcpStream::connect(for_attack.local_addr().unwrap()).await.unwrap();
                    let _ = tcp.write_all(&random(size)).await;
                    let _ = tcp.shutdown().await;
                    read_to_end(&mut tcp).await;
                }
                1 => {
                    let mut peer = Peer::connect(&for_attack, &keys(), keys()).await;
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
                        2 => Peer::connect(&for_attack, &path, keys()).await,
                        _ => Peer::join(&for_attack, &path, rounds % 8 > 3).await,
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
    };
    let ((refused, bad_frames), _) = withstand("garbage", &server, attack).await;
    assert_eq!(metric(&server, "closes_total{code=\"3001\"}"), refused);
    // Some announce more than they have, and end before they are looked at.
    let closed = metric(&server, "closes_total{code=\"1002\"}");
    assert!((1..=bad_frames).contains(&closed), "{closed} of {bad_frames}");
    until(|| server.connections() == 0).await;
    for gone in
        ["clients{role=\"initiator\"}", "clients{role=\"responder\"}", "paths", "queued_bytes"]
    {
        assert_eq!(metric(&server, gone), 0, "{gone}");
    }
}

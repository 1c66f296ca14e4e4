//! Pings.

use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::scripted_client::with_field;
use crate::socket_peer::{NEVER, next};
use crate::*;

/// Sends 'client-auth' with a ping interval, and reads nothing.
async fn send_auth(peer: &mut Peer, ping_interval: u64) {
    let auth = with_field(&peer.client.client_auth(), "ping_interval", Some(ping_interval.into()));
    let message = peer.client.sealed(&auth);
    peer.send(message).await;
}

/// Covers P-133 P-134.
#[tokio::test]
async fn pings_come_at_the_interval_to_those_who_want_them() {
    for bench in benches() {
        let room = bench.room();
        let mut unwilling = room.initiator().await;
        send_auth(&mut unwilling, 0).await;
        unwilling.notification().await;
        let mut peer = room.responder().await;
        send_auth(&mut peer, 1).await;
        peer.notification().await;
        // The second one comes only because the first one is answered.
        for _ in 0..2 {
            assert!(matches!(next(&mut peer.socket).await, Some(Message::Ping(_))));
            // The library answers with the next thing that is written.
            futures_util::SinkExt::flush(&mut peer.socket).await.unwrap();
        }
        // Two seconds have passed, and there was no ping for the other.
        assert_eq!(unwilling.notification().await, notice("new-responder", Some(2)));
        exchange(&mut unwilling, &mut peer).await;
    }
}

/// The next frame, without the help of a library that answers pings: first byte and payload.
async fn frame(socket: &mut Socket) -> (u8, Vec<u8>) {
    let stream = socket.get_mut();
    let read = async {
        let first = stream.read_u8().await?;
        let length = match stream.read_u8().await? {
            126 => stream.read_u16().await?,
            short => u16::from(short),
        };
        let mut payload = vec![0; length.into()];
        stream.read_exact(&mut payload).await?;
        std::io::Result::Ok((first, payload))
    };
    timeout(NEVER, read).await.expect("something happens").expect("a frame")
}

/// Covers P-135 P-136.
#[tokio::test]
async fn an_unanswered_ping_closes_with_3008() {
    let default = config().limits.pong_timeout;
    assert_eq!(default, Duration::from_secs(30), "shorter here, or this would take long");
    for bench in benches_with(|config| config.limits.pong_timeout = Duration::from_millis(50)) {
        let room = bench.room();
        let mut responder = room.join_responder().await;
        let mut initiator = room.initiator().await;
        send_auth(&mut initiator, 1).await;
        assert_eq!(frame(&mut initiator.socket).await.0, 0x82, "'server-auth'");
        assert_eq!(frame(&mut initiator.socket).await.0, 0x89, "a ping");
        let close = frame(&mut initiator.socket).await;
        assert_eq!(close, (0x88, 3008_u16.to_be_bytes().to_vec()));
        assert_eq!(responder.notification().await, notice("new-initiator", None));
        assert_eq!(responder.notification().await, notice("disconnected", Some(1)));
    }
}
